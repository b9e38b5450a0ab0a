//! Applying what a feed tells to an incremental run: a page of changes and its token, in one transaction.
//!
//! Objects are changed where they are; what is said of links is only noted (see [`super::edits`]), because what a name
//! stands for is known when everything was told.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::Store;
use super::edits::{Edit, EditKind, last_edit, note_edits};
use super::fault::{fault, unreadable};
use super::links::adjust_held;
use super::numbers::{count, list};
use super::rejected::{self, SetAside};
use super::runs::RunPart;
use super::staging::{Staged, StagedLink, StagedRow, digest};
use super::tasks::note_progress;
use crate::model::json::merge::{BODY_BYTES_MAX, merged};
use crate::model::{AttributeName, Error, FailureKind, Gone, Key, Progress, Reference, Result};

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
    pub(super) cancel_requested: bool,
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
        Ok(Staged { duplicates: 0, cancel_requested: standing.cancel_requested })
    }
}

/// Where a page of that run goes.
pub(super) async fn standing(at: &mut SqliteConnection, run: i64) -> Result<Standing> {
    let found: Option<(i64, String, bool)> = sqlx::query_as(
        "SELECT r.rejected, t.id, t.cancel_requested FROM run r JOIN task t ON t.id = r.task
         WHERE r.number = $1 AND r.mode = 'incremental' AND r.state = 'staging'",
    )
    .bind(run)
    .fetch_optional(&mut *at)
    .await
    .map_err(fault)?;
    let Some((rejected, task, cancel_requested)) = found else {
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
    Ok(Standing { parts: parts.collect(), task, cancel_requested, rejected })
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

/// An object as the run holds it.
struct Was {
    name: String,
    body: String,
}

/// A page being applied, in one transaction.
struct Work<'a> {
    run: i64,
    standing: &'a Standing,
    tx: Transaction<'static, Sqlite>,
    edits: Vec<Edit>,
    /// Rows that came and went, by part.
    held: BTreeMap<i64, i64>,
    /// Objects, by part and name, where the page says of a name alone that it is gone.
    named: HashMap<(i64, String), Vec<String>>,
    unusable: Vec<(i64, SetAside)>,
}

impl<'a> Work<'a> {
    fn new(run: i64, standing: &'a Standing, tx: Transaction<'static, Sqlite>) -> Self {
        let (edits, held, named, unusable) = (Vec::new(), BTreeMap::new(), HashMap::new(), Vec::new());
        Self { run, standing, tx, edits, held, named, unusable }
    }

    async fn apply(&mut self, change: &FedChange) -> Result<()> {
        match change {
            FedChange::Object(object) => self.object(object).await,
            FedChange::Gone(gone) => self.gone(gone).await,
            FedChange::LinkAdded(part, link) => self.link(EditKind::Added, part, link),
            FedChange::LinkRemoved(part, link) => self.link(EditKind::Removed, part, link),
        }
    }

    fn link(&mut self, kind: EditKind, part: &RunPart, link: &StagedLink) -> Result<()> {
        self.edits.push(Edit::of_link(kind, self.standing.part(part)?, link));
        Ok(())
    }

    async fn object(&mut self, object: &FedObject) -> Result<()> {
        let part = self.standing.part(&RunPart::objects(&object.class))?;
        let uid = &object.row.uid;
        let previous = object.previous.as_ref().filter(|previous| *previous != uid);
        let there = self.row(part, uid).await?;
        let before = match previous {
            Some(previous) => self.row(part, previous).await?,
            None => None,
        };
        let was = before.as_ref().or(there.as_ref());
        let Some(body) = self.body(part, object, was)? else { return Ok(()) };
        if let Some(was) = was.filter(|was| was.name != object.row.name) {
            self.note_former_name(part, &was.name, uid).await?;
        }
        if let (Some(previous), Some(_)) = (previous, &before) {
            self.rename(part, previous, object).await?;
        }
        self.put(part, &StagedRow { body, ..object.row.clone() }).await?;
        *self.held.entry(part).or_default() += i64::from(there.is_none());
        self.named.entry((part, object.row.name.clone())).and_modify(|uids| uids.push(uid.clone()));
        for relation in &object.relations {
            self.relation(object, relation).await?;
        }
        Ok(())
    }

    /// The body of an object; none if it is larger than any that is kept: then the object stays as it is.
    fn body(&mut self, part: i64, object: &FedObject, was: Option<&Was>) -> Result<Option<String>> {
        let Some(was) = was else { return Ok(Some(object.row.body.clone())) };
        let body = merged(&object.columns, &was.body, &object.row.body).map_err(|why| unreadable("body", &why))?;
        if body.len() <= BODY_BYTES_MAX {
            return Ok(Some(body));
        }
        let message = format!("with it, the object takes {} bytes as JSON; {BODY_BYTES_MAX} are kept", body.len());
        let (key, kind) = (object.row.uid.clone(), FailureKind::SchemaViolation.as_str().to_owned());
        self.unusable.push((part, SetAside { key, kind, message }));
        Ok(None)
    }

    async fn row(&mut self, part: i64, uid: &str) -> Result<Option<Was>> {
        let found: Option<(String, String)> =
            sqlx::query_as("SELECT name, body FROM object_row WHERE run = $1 AND part = $2 AND uid = $3")
                .bind(self.run)
                .bind(part)
                .bind(uid)
                .fetch_optional(&mut *self.tx)
                .await
                .map_err(fault)?;
        Ok(found.map(|(name, body)| Was { name, body }))
    }

    async fn put(&mut self, part: i64, row: &StagedRow) -> Result<()> {
        sqlx::query(
            "INSERT INTO object_row (run, part, uid, digest, name, revision, body) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (run, part, uid) DO UPDATE SET
                digest = excluded.digest, name = excluded.name, revision = excluded.revision, body = excluded.body",
        )
        .bind(self.run)
        .bind(part)
        .bind(&row.uid)
        .bind(digest(&row.name, &row.body))
        .bind(&row.name)
        .bind(&row.revision)
        .bind(&row.body)
        .execute(&mut *self.tx)
        .await
        .map_err(fault)?;
        Ok(())
    }

    async fn note_former_name(&mut self, part: i64, name: &str, uid: &str) -> Result<()> {
        sqlx::query("INSERT INTO former_name (run, name, part, uid) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
            .bind(self.run)
            .bind(name)
            .bind(part)
            .bind(uid)
            .execute(&mut *self.tx)
            .await
            .map_err(fault)?;
        Ok(())
    }

    /// The object of that uid is the other one's from now on: its row goes, its links and its former names follow.
    async fn rename(&mut self, part: i64, previous: &str, object: &FedObject) -> Result<()> {
        let now = object.row.uid.as_str();
        self.remove(part, previous).await?;
        self.edits.push(Edit::renamed(part, previous, now));
        for statement in [
            "UPDATE former_name SET uid = $4 WHERE run = $1 AND part = $2 AND uid = $3",
            "INSERT INTO reread (run, part, owner, name)
             SELECT r.run, r.part, $4, r.name FROM reread r JOIN part p ON p.number = r.part
             WHERE r.run = $1 AND r.owner = $3 AND p.class = (SELECT class FROM part WHERE number = $2)
             ON CONFLICT DO NOTHING",
        ] {
            let query = sqlx::query(statement).bind(self.run).bind(part).bind(previous).bind(now);
            query.execute(&mut *self.tx).await.map_err(fault)?;
        }
        self.forget_reread(part, previous).await
    }

    async fn gone(&mut self, gone: &Gone) -> Result<()> {
        let parts: Vec<i64> = self.standing.classes(gone.class.as_deref()).map(|(_, part)| part).collect();
        match (&gone.uid, &gone.name) {
            (Some(uid), _) => {
                for part in parts {
                    self.forget(part, uid).await?;
                }
            }
            (None, Some(name)) => match self.of_name(&parts, name).await?.as_slice() {
                [] => {}
                [(part, uid)] => self.forget(*part, uid).await?,
                [(part, _), ..] => self.keep_namesakes(*part, name),
            },
            (None, None) => {}
        }
        Ok(())
    }

    /// The objects that have that name now.
    async fn of_name(&mut self, parts: &[i64], name: &str) -> Result<Vec<(i64, String)>> {
        let mut found = Vec::new();
        for part in parts {
            for uid in self.named.get(&(*part, name.to_owned())).cloned().unwrap_or_default() {
                if self.row(*part, &uid).await?.is_some_and(|now| now.name == name) {
                    found.push((*part, uid));
                }
            }
        }
        Ok(found)
    }

    /// Nobody can say which of several objects is gone.
    fn keep_namesakes(&mut self, part: i64, name: &str) {
        let message = "more than one object has this name; all of them are kept".to_owned();
        let (key, kind) = (name.to_owned(), FailureKind::Conflict.as_str().to_owned());
        self.unusable.push((part, SetAside { key, kind, message }));
    }

    async fn forget(&mut self, part: i64, uid: &str) -> Result<()> {
        let Some(was) = self.row(part, uid).await? else { return Ok(()) };
        self.remove(part, uid).await?;
        for key in [Key::Uid(uid.to_owned()), Key::Name(was.name)] {
            self.edits.push(Edit::of_key(EditKind::Gone, part, &key));
        }
        self.forget_reread(part, uid).await
    }

    async fn remove(&mut self, part: i64, uid: &str) -> Result<()> {
        sqlx::query("DELETE FROM object_row WHERE run = $1 AND part = $2 AND uid = $3")
            .bind(self.run)
            .bind(part)
            .bind(uid)
            .execute(&mut *self.tx)
            .await
            .map_err(fault)?;
        *self.held.entry(part).or_default() -= 1;
        Ok(())
    }

    async fn forget_reread(&mut self, part: i64, uid: &str) -> Result<()> {
        sqlx::query(
            "DELETE FROM reread WHERE run = $1 AND owner = $3 AND part IN
                (SELECT number FROM part WHERE class = (SELECT class FROM part WHERE number = $2))",
        )
        .bind(self.run)
        .bind(part)
        .bind(uid)
        .execute(&mut *self.tx)
        .await
        .map_err(fault)?;
        Ok(())
    }

    async fn relation(&mut self, object: &FedObject, relation: &FedRelation) -> Result<()> {
        let part = self.standing.part(&RunPart::relation(&object.class, &relation.attribute))?;
        let StagedRow { uid, name, .. } = &object.row;
        let Some(targets) = &relation.targets else { return self.note_reread(part, uid, name).await };
        self.edits.push(Edit::of_owner(EditKind::Cleared, part, uid));
        for Reference { class, key } in targets.iter().cloned() {
            let owner = Key::Uid(uid.clone());
            let link = StagedLink { owner, target_class: class, target: key, parameters: "{}".to_owned() };
            self.edits.push(Edit::of_link(EditKind::Added, part, &link));
        }
        Ok(())
    }

    async fn note_reread(&mut self, part: i64, uid: &str, name: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO reread (run, part, owner, name) VALUES ($1, $2, $3, $4)
             ON CONFLICT (run, part, owner) DO UPDATE SET name = excluded.name",
        )
        .bind(self.run)
        .bind(part)
        .bind(uid)
        .bind(name)
        .execute(&mut *self.tx)
        .await
        .map_err(fault)?;
        Ok(())
    }

    /// Finds the objects of the names that the page calls gone without a uid: the table of objects has no way to a name
    /// but to look at all of them, so that is done once a page.
    async fn look_names_up(&mut self, changes: &[FedChange]) -> Result<()> {
        let nameless = |change: &'_ FedChange| match change {
            FedChange::Gone(Gone { uid: None, name: Some(name), class }) => Some((name.clone(), class.clone())),
            _ => None,
        };
        let wanted: Vec<(String, Option<String>)> = changes.iter().filter_map(nameless).collect();
        for (class, part) in self.standing.classes(None) {
            let of_class = wanted.iter().filter(|(_, asked)| asked.as_ref().is_none_or(|asked| asked == class));
            let names: Vec<&String> = of_class.map(|(name, _)| name).collect();
            if names.is_empty() {
                continue;
            }
            let listed = list("?", names.len());
            let sql = format!("SELECT name, uid FROM object_row WHERE run = ? AND part = ? AND name IN ({listed})");
            let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(false).bind(self.run).bind(part);
            let query = names.iter().fold(query, |query, name| query.bind(*name));
            let found: Vec<(String, String)> = query.fetch_all(&mut *self.tx).await.map_err(fault)?;
            self.named.extend(names.into_iter().map(|name| ((part, name.clone()), Vec::new())));
            for (name, uid) in found {
                self.named.entry((part, name)).or_default().push(uid);
            }
        }
        Ok(())
    }
}
