//! Owners whose links are read again, one after the other, once a feed has ended: it told them only in part.
//!
//! What is read becomes edits, after all those of the feed: that it was read later is what makes it the last word.

use sqlx::SqliteConnection;

use super::Store;
use super::apply::standing;
use super::edits::{Edit, EditKind, last_edit, note_edits};
use super::fault::fault;
use super::numbers::count;
use super::rejected::{self, SetAside};
use super::runs::RunPart;
use super::staging::{Cursor, Staged, StagedLink};
use super::tasks::note_progress;
use crate::model::{Error, FailureKind, Progress, Result};

/// An owner whose links are to be read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reread {
    pub part: RunPart,
    pub uid: String,
    pub name: String,
    /// Where another session resumes; none: at the beginning.
    pub checkpoint: Option<Vec<u8>>,
}

type Columns = (String, String, String, String, Option<Vec<u8>>);

impl Store {
    /// The owner to read next; none: all were read.
    pub async fn next_reread(&self, run: i64) -> Result<Option<Reread>> {
        let found: Option<Columns> = sqlx::query_as(
            "SELECT p.class, p.attribute, r.owner, r.name, r.checkpoint FROM reread r JOIN part p ON p.number = r.part
             WHERE r.run = $1 ORDER BY r.part, r.owner LIMIT 1",
        )
        .bind(run)
        .fetch_optional(self.database.reader())
        .await
        .map_err(fault)?;
        let reread = |(class, attribute, uid, name, checkpoint): Columns| {
            let part = RunPart::from_columns(class, attribute);
            Reread { part, uid, name, checkpoint }
        };
        Ok(found.map(reread))
    }

    /// Stages a page of an owner's links; with `afresh` they replace those it had. `conflict` if the owner is not one to
    /// be read again.
    pub async fn stage_reread(
        &self,
        run: i64,
        owner: &Reread,
        (links, afresh): (&[StagedLink], bool),
        set_aside: &[SetAside],
        cursor: &Cursor,
        progress: &Progress,
    ) -> Result<Staged> {
        let mut tx = self.database.write().await?;
        let standing = standing(&mut tx, run).await?;
        let part = standing.part(&owner.part)?;
        let cleared = afresh.then(|| Edit::of_owner(EditKind::Cleared, part, &owner.uid));
        let added = links.iter().map(|link| Edit::of_link(EditKind::Added, part, link));
        let edits: Vec<Edit> = cleared.into_iter().chain(added).collect();
        let last = last_edit(&mut tx, run).await?;
        note_edits(&mut tx, run, last, &edits).await?;
        let records = set_aside.iter().map(|record| (part, record));
        let rejected = count(rejected::insert(&mut tx, run, standing.rejected, records).await?);
        move_on(&mut tx, (run, part, &owner.uid), cursor).await?;
        note_progress(&mut tx, &standing.task, &Progress { rejected, ..progress.clone() }).await?;
        tx.commit().await.map_err(fault)?;
        Ok(Staged { duplicates: 0, stop_requested: standing.stop_requested })
    }
}

async fn move_on(at: &mut SqliteConnection, (run, part, owner): (i64, i64, &str), cursor: &Cursor) -> Result<()> {
    let done = if cursor.part_complete {
        sqlx::query("DELETE FROM reread WHERE run = $1 AND part = $2 AND owner = $3").bind(run).bind(part).bind(owner)
    } else {
        sqlx::query("UPDATE reread SET checkpoint = $4 WHERE run = $1 AND part = $2 AND owner = $3")
            .bind(run)
            .bind(part)
            .bind(owner)
            .bind(cursor.checkpoint.as_deref())
    };
    if done.execute(at).await.map_err(fault)?.rows_affected() == 0 {
        return Err(Error::failure(FailureKind::Conflict, format!("the links of {owner} are not to be read again")));
    }
    Ok(())
}
