//! Staging: a page of rows or links and its checkpoint, in one transaction. The hot path: a million rows an import.
//!
//! Rows go in by statements of many rows. Their parameters are plain `?`: SQLite looks numbered ones up by name, one
//! after the other, which for thousands of them costs more than the rows.

use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteArguments;
use sqlx::{Sqlite, SqliteConnection};

use super::Store;
use super::fault::fault;
use super::links::end;
use super::numbers::{count, list, stored, stored_u64};
use super::rejected::{self, SetAside};
use super::runs::{RunPart, keep_first_token};
use super::tasks::note_progress;
use crate::model::{Error, FailureKind, Key, Progress, Result};

/// Rows of one statement. Smaller remainders go in halves of it, so that few statements are prepared.
const ROWS_A_STATEMENT: usize = 128;
/// Bytes of a row's digest: half a SHA-256, so that no target can make a changed object look unchanged.
const DIGEST_BYTES: usize = 16;

/// An object as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedRow {
    pub uid: String,
    pub name: String,
    pub revision: Option<String>,
    /// Its body as JSON text (see [`crate::model::json::object_body`]).
    pub body: String,
}

/// A link as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedLink {
    /// An object of the relation's class.
    pub owner: Key,
    /// If the target says it.
    pub target_class: Option<String>,
    pub target: Key,
    /// As JSON text (see [`crate::model::json::parameters_body`]).
    pub parameters: String,
}

/// Where a page leaves its part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// Where another session resumes after this page.
    pub checkpoint: Option<Vec<u8>>,
    /// This was the part's last page.
    pub part_complete: bool,
    /// A feed opened with it tells what happens after the pass began; the first one of a run is kept.
    pub token: Option<Vec<u8>>,
}

/// What came of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Staged {
    /// Rows that were set aside because this run has one of that key already.
    pub duplicates: u64,
    /// The task was asked to stop, for good or for a while.
    pub stop_requested: bool,
}

/// One page on its way in.
struct PageOf<'a, T> {
    run: i64,
    part: &'a RunPart,
    items: &'a [T],
    set_aside: &'a [SetAside],
    cursor: &'a Cursor,
    progress: &'a Progress,
}

/// Where a page goes.
struct Place {
    part: i64,
    task: String,
    stop_requested: bool,
    rejected: i64,
}

pub(super) type Query<'q> = sqlx::query::Query<'q, Sqlite, SqliteArguments>;

/// What is staged by the page: objects and links differ in their table and columns only.
trait Item {
    const INSERT: &'static str;
    const GROUP: &'static str;

    fn bind<'q>(&self, query: Query<'q>, run: i64, part: i64) -> Query<'q>;
    /// What a person knows it by, when it is set aside.
    fn key(&self) -> String;
    /// Has it an end that must be looked up before comparing?
    fn unresolved(&self) -> bool;
}

impl Store {
    /// Stages a page of objects. Rows, set-aside records, checkpoint and progress are committed together or not at all;
    /// a row whose uid this run has already is set aside. `conflict` if the run is not being staged any more.
    pub async fn stage_rows(
        &self,
        run: i64,
        part: &RunPart,
        rows: &[StagedRow],
        set_aside: &[SetAside],
        cursor: &Cursor,
        progress: &Progress,
    ) -> Result<Staged> {
        self.stage(&PageOf { run, part, items: rows, set_aside, cursor, progress }).await
    }

    /// Stages a page of links, by the rules of [`Store::stage_rows`].
    pub async fn stage_links(
        &self,
        run: i64,
        part: &RunPart,
        links: &[StagedLink],
        set_aside: &[SetAside],
        cursor: &Cursor,
        progress: &Progress,
    ) -> Result<Staged> {
        self.stage(&PageOf { run, part, items: links, set_aside, cursor, progress }).await
    }

    /// Duplicates are rare: they are only looked for, row by row, when a page turns out to hold some.
    async fn stage<T: Item>(&self, page: &PageOf<'_, T>) -> Result<Staged> {
        match self.stage_at_once(page).await? {
            Some(staged) => Ok(staged),
            None => self.stage_one_by_one(page).await,
        }
    }

    async fn stage_at_once<T: Item>(&self, page: &PageOf<'_, T>) -> Result<Option<Staged>> {
        let mut tx = self.database.write().await?;
        let place = place(&mut tx, page.run, page.part).await?;
        if insert_all(&mut tx, page.run, place.part, page.items).await? < stored(page.items.len()) {
            return Ok(None);
        }
        finish_page(&mut tx, page, &place, &[]).await?;
        tx.commit().await.map_err(fault)?;
        Ok(Some(Staged { duplicates: 0, stop_requested: place.stop_requested }))
    }

    async fn stage_one_by_one<T: Item>(&self, page: &PageOf<'_, T>) -> Result<Staged> {
        let mut tx = self.database.write().await?;
        let place = place(&mut tx, page.run, page.part).await?;
        let mut duplicates = Vec::new();
        for item in page.items {
            if insert_all(&mut tx, page.run, place.part, std::slice::from_ref(item)).await? == 0 {
                duplicates.push(SetAside::duplicate(item.key()));
            }
        }
        finish_page(&mut tx, page, &place, &duplicates).await?;
        tx.commit().await.map_err(fault)?;
        Ok(Staged { duplicates: count(stored(duplicates.len())), stop_requested: place.stop_requested })
    }
}

/// Inserts what is not there yet, with as few statements as may be, and answers how many rows those were.
pub(super) async fn insert_bulk<T>(
    at: &mut SqliteConnection,
    insert: &str,
    group: &str,
    mut items: &[T],
    bind: impl for<'q> Fn(&T, Query<'q>) -> Query<'q>,
) -> Result<i64> {
    let mut inserted = 0_u64;
    let mut size = ROWS_A_STATEMENT;
    while !items.is_empty() {
        while size > items.len() {
            size /= 2;
        }
        let (now, later) = items.split_at(size);
        let sql = format!("{insert} VALUES {} ON CONFLICT DO NOTHING", list(group, size));
        let query = now.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), |query, item| bind(item, query));
        inserted += query.execute(&mut *at).await.map_err(fault)?.rows_affected();
        items = later;
    }
    Ok(stored_u64(inserted))
}

async fn insert_all<T: Item>(at: &mut SqliteConnection, run: i64, part: i64, items: &[T]) -> Result<i64> {
    insert_bulk(at, T::INSERT, T::GROUP, items, |item, query| item.bind(query, run, part)).await
}

async fn place(at: &mut SqliteConnection, run: i64, part: &RunPart) -> Result<Place> {
    let found: Option<(i64, bool, String, i64, String, bool)> = sqlx::query_as(
        "SELECT rp.part, rp.complete, r.state, r.rejected, t.id, t.cancel_requested OR t.pause_requested
         FROM run r JOIN run_part rp ON rp.run = r.number JOIN part p ON p.number = rp.part JOIN task t ON t.id = r.task
         WHERE r.number = $1 AND p.class = $2 AND p.attribute = $3",
    )
    .bind(run)
    .bind(&part.class)
    .bind(part.attribute_column())
    .fetch_optional(at)
    .await
    .map_err(fault)?;
    let conflict = |message| Err(Error::failure(FailureKind::Conflict, message));
    match found {
        None => conflict(format!("the run {run} has no part {part}")),
        Some((_, true, ..)) => conflict(format!("the part {part} of the run {run} is complete")),
        Some((_, _, state, ..)) if state != "staging" => conflict(format!("the run {run} is {state}")),
        Some((part, _, _, rejected, task, stop_requested)) => Ok(Place { part, task, stop_requested, rejected }),
    }
}

async fn finish_page<T: Item>(
    at: &mut SqliteConnection,
    page: &PageOf<'_, T>,
    place: &Place,
    duplicates: &[SetAside],
) -> Result<()> {
    let set_aside = page.set_aside.iter().chain(duplicates).map(|record| (place.part, record));
    let rejected = rejected::insert(at, page.run, place.rejected, set_aside).await?;
    sqlx::query(
        "UPDATE run_part SET complete = $3, checkpoint = $4, held = held + $5, unresolved = (unresolved OR $6)
         WHERE run = $1 AND part = $2",
    )
    .bind(page.run)
    .bind(place.part)
    .bind(page.cursor.part_complete)
    .bind(page.cursor.checkpoint.as_deref())
    .bind(stored(page.items.len() - duplicates.len()))
    .bind(page.items.iter().any(Item::unresolved))
    .execute(&mut *at)
    .await
    .map_err(fault)?;
    if let Some(token) = &page.cursor.token {
        keep_first_token(at, page.run, token).await?;
    }
    note_progress(at, &place.task, &Progress { rejected: count(rejected), ..page.progress.clone() }).await
}

impl Item for StagedRow {
    const INSERT: &'static str = "INSERT INTO object_row (run, part, uid, digest, name, revision, body)";
    const GROUP: &'static str = "(?,?,?,?,?,?,?)";

    fn bind<'q>(&self, query: Query<'q>, run: i64, part: i64) -> Query<'q> {
        query
            .bind(run)
            .bind(part)
            .bind(self.uid.clone())
            .bind(digest(&self.name, &self.body))
            .bind(self.name.clone())
            .bind(self.revision.clone())
            .bind(self.body.clone())
    }

    fn key(&self) -> String {
        self.uid.clone()
    }

    fn unresolved(&self) -> bool {
        false
    }
}

impl Item for StagedLink {
    const INSERT: &'static str = "INSERT INTO link_row (run, part, owner, target, target_class, parameters)";
    const GROUP: &'static str = "(?,?,?,?,?,?)";

    fn bind<'q>(&self, query: Query<'q>, run: i64, part: i64) -> Query<'q> {
        query
            .bind(run)
            .bind(part)
            .bind(end(&self.owner))
            .bind(end(&self.target))
            .bind(self.target_class.clone().unwrap_or_default())
            .bind(self.parameters.clone())
    }

    fn key(&self) -> String {
        let (Key::Uid(owner) | Key::Name(owner)) = &self.owner;
        let (Key::Uid(target) | Key::Name(target)) = &self.target;
        format!("{owner} -> {target}")
    }

    fn unresolved(&self) -> bool {
        matches!(self.owner, Key::Name(_)) || matches!(self.target, Key::Name(_)) || self.target_class.is_none()
    }
}

/// Of what makes an object another one: its name and body. A revision alone is no change: some targets count reads.
pub(super) fn digest(name: &str, body: &str) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(name.len().to_le_bytes());
    hash.update(name);
    hash.update(body);
    hash.finalize().iter().copied().take(DIGEST_BYTES).collect()
}
