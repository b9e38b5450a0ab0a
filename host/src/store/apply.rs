//! Applying what a feed tells to an incremental run: a page of changes and its token, in one transaction.
//!
//! Objects are changed where they are; what is said of links is only noted (see [`super::edits`]), because what a name
//! stands for is known when everything was told.

mod work;

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::SqliteConnection;

use super::Store;
use super::edits::{last_edit, note_edits};
use super::fault::fault;
use super::links::adjust_held;
use super::numbers::count;
use super::rejected::{self, SetAside};
use super::runs::RunPart;
use super::staging::{Staged, StagedLink, StagedRow};
use super::tasks::note_progress;
use crate::model::{AttributeName, Error, FailureKind, Gone, Progress, Reference, Result};
use work::Work;

/// An object as a feed tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct FedObject {
    pub class: String,
    /// Its uid until now, if it has another one.
    pub previous: Option<String>,
    /// What its cells that were not read keep what is there for.
    pub columns: Arc<[AttributeName]>,
    pub row: StagedRow,
    pub relations: Vec<FedRelation>,
}

/// All links of an owner in one relation.
#[derive(Clone, Debug, PartialEq)]
pub struct FedRelation {
    pub attribute: String,
    /// None: they have to be read again.
    pub targets: Option<Vec<Reference>>,
}

/// One thing a feed tells.
#[derive(Clone, Debug, PartialEq)]
pub enum FedChange {
    Object(FedObject),
    Gone(Gone),
    LinkAdded(RunPart, StagedLink),
    LinkRemoved(RunPart, StagedLink),
}

/// A page of a feed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FedPage {
    /// In the order they happened.
    pub changes: Vec<FedChange>,
    pub set_aside: Vec<(RunPart, SetAside)>,
    /// A feed opened with it goes on right after these.
    pub token: Option<Vec<u8>>,
    /// It was the last page.
    pub ended: bool,
}

/// Where a page goes.
pub(super) struct Standing {
    parts: HashMap<RunPart, i64>,
    pub(super) task: String,
    pub(super) stop_requested: bool,
    pub(super) rejected: i64,
}

impl Standing {
    /// The number of a part of the plan.
    pub(super) fn part(&self, part: &RunPart) -> Result<i64> {
        let missing = || Error::failure(FailureKind::Conflict, format!("the run has no part {part}"));
        self.parts.get(part).copied().ok_or_else(missing)
    }

    /// The classes of the plan, or the one that is asked for.
    fn classes<'a>(&'a self, class: Option<&'a str>) -> impl Iterator<Item = (&'a str, i64)> {
        let objects = self.parts.iter().filter(|(part, _)| part.attribute.is_none());
        let wanted = objects.filter(move |(part, _)| class.is_none_or(|class| part.class == class));
        wanted.map(|(part, number)| (part.class.as_str(), *number))
    }
}

impl Store {
    /// Applies a page of changes: all of them, their token and the progress are committed together or not at all.
    /// `conflict` if the run is not an incremental one whose feed is being read.
    pub async fn apply_changes(&self, run: i64, page: &FedPage, progress: &Progress) -> Result<Staged> {
        let mut tx = self.database.write().await?;
        let standing = standing(&mut tx, run).await?;
        let mut work = Work::new(run, &standing, tx);
        work.look_names_up(&page.changes).await?;
        for change in &page.changes {
            work.apply(change).await?;
        }
        let Work { mut tx, edits, held, unusable, .. } = work;
        let last = last_edit(&mut tx, run).await?;
        note_edits(&mut tx, run, last, &edits).await?;
        for (part, by) in held {
            adjust_held(&mut tx, run, part, by).await?;
        }
        let numbered = |(part, record)| Ok((standing.part(part)?, record));
        let records: Vec<(i64, &SetAside)> =
            page.set_aside.iter().map(|(part, record)| numbered((part, record))).collect::<Result<_>>()?;
        let records = records.into_iter().chain(unusable.iter().map(|(part, record)| (*part, record)));
        let rejected = count(rejected::insert(&mut tx, run, standing.rejected, records).await?);
        note_token(&mut tx, run, page).await?;
        note_progress(&mut tx, &standing.task, &Progress { rejected, ..progress.clone() }).await?;
        tx.commit().await.map_err(fault)?;
        Ok(Staged { duplicates: 0, stop_requested: standing.stop_requested })
    }
}

/// Where a page of that run goes.
pub(super) async fn standing(at: &mut SqliteConnection, run: i64) -> Result<Standing> {
    let found: Option<(i64, String, bool)> = sqlx::query_as(
        "SELECT r.rejected, t.id, t.cancel_requested OR t.pause_requested FROM run r JOIN task t ON t.id = r.task
         WHERE r.number = $1 AND r.mode = 'incremental' AND r.state = 'staging'",
    )
    .bind(run)
    .fetch_optional(&mut *at)
    .await
    .map_err(fault)?;
    let Some((rejected, task, stop_requested)) = found else {
        let message = format!("the run {run} is not an incremental one that is being staged");
        return Err(Error::failure(FailureKind::Conflict, message));
    };
    let parts: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT p.class, p.attribute, p.number FROM run_part r JOIN part p ON p.number = r.part WHERE r.run = $1",
    )
    .bind(run)
    .fetch_all(at)
    .await
    .map_err(fault)?;
    let parts = parts.into_iter().map(|(class, attribute, number)| (RunPart::from_columns(class, attribute), number));
    Ok(Standing { parts: parts.collect(), task, stop_requested, rejected })
}

/// A token is where the run resumes; without one it could not, unless nothing happened since the last.
async fn note_token(at: &mut SqliteConnection, run: i64, page: &FedPage) -> Result<()> {
    let unmarked = page.token.is_none() && !page.changes.is_empty();
    sqlx::query(
        "UPDATE run SET token = COALESCE($2, token), unmarked = CASE WHEN $2 IS NULL THEN unmarked OR $3 ELSE FALSE END
         WHERE number = $1",
    )
    .bind(run)
    .bind(page.token.as_deref())
    .bind(unmarked)
    .execute(&mut *at)
    .await
    .map_err(fault)?;
    if page.ended {
        let statement = "UPDATE run_part SET complete = TRUE WHERE run = $1";
        sqlx::query(statement).bind(run).execute(at).await.map_err(fault)?;
    }
    Ok(())
}
