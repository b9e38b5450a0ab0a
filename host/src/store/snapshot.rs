//! Snapshots: what one run has published, read in large blocks, by key.
//!
//! A snapshot stays what it is while other runs are published (see [`pins`](super::pins)). It knows the position up to
//! which it tells everything, so a reader goes on from there without a gap.

use std::collections::{HashMap, HashSet};

use super::Store;
use super::block::{Block, framed};
use super::fault::fault;
use super::links::Ends;
use super::numbers::{count, list, stored};
use super::pins::Pin;
use super::runs::RunPart;
use crate::model::{ConnectionId, Position, Result};

/// Rows of a block at most; few in tests, so that these cross the borders of blocks.
pub(super) const BLOCK_ROWS: usize = if cfg!(test) { 4 } else { 4096 };
/// Rows of the first block, whose size nobody knows yet.
const FIRST_ROWS: usize = if cfg!(test) { 2 } else { 128 };
/// How large blocks shall be, in bytes; the rows before tell how many rows that are.
const BLOCK_BYTES: usize = 4 * 1024 * 1024;

/// One published run, held for reading.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) store: Store,
    pub(super) run: i64,
    /// Everything up to here is told, and nothing after it.
    pub position: Position,
    /// In the plan's order.
    pub parts: Vec<SnapshotPart>,
    pub(super) pin: Pin,
}

/// A class or a relation of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotPart {
    pub part: RunPart,
    /// Rows or links.
    pub rows: u64,
    pub(super) number: i64,
}

/// Where the next block begins, and how large it may be.
#[derive(Clone, Debug)]
pub struct BlockCursor {
    after: Ends,
    rows: usize,
}

impl Default for BlockCursor {
    fn default() -> Self {
        Self { after: Ends::default(), rows: FIRST_ROWS }
    }
}

impl BlockCursor {
    /// After a block that ended with that row.
    fn next(&self, after: Ends, block: &Block) -> Option<Self> {
        if block.rows < self.rows {
            return None;
        }
        let fitting = BLOCK_BYTES / (block.bytes() / block.rows.max(1)).max(1);
        Some(Self { after, rows: fitting.min(self.rows.saturating_mul(4)).clamp(1, BLOCK_ROWS) })
    }
}

/// By name: class, uid, and whether the name is the class's only one.
pub type Named = HashMap<String, Vec<(String, String, bool)>>;

impl Store {
    /// What is published of a connection, held for reading; none before the first publication.
    pub async fn snapshot(&self, connection: &ConnectionId) -> Result<Option<Snapshot>> {
        loop {
            let Some((run, position)) = self.published_run(connection).await? else { return Ok(None) };
            let pin = self.pins.pin(run, self.now());
            // Only what was published after it was pinned is sure to be kept.
            if self.published_run(connection).await? == Some((run, position)) {
                let parts = self.snapshot_parts(run).await?;
                return Ok(Some(Snapshot { store: self.clone(), run, position: Position(position), parts, pin }));
            }
        }
    }

    async fn published_run(&self, connection: &ConnectionId) -> Result<Option<(i64, i64)>> {
        sqlx::query_as(
            "SELECT published_run, last_position FROM connection WHERE folded = $1 AND published_run IS NOT NULL",
        )
        .bind(connection.folded())
        .fetch_optional(self.database.reader())
        .await
        .map_err(fault)
    }

    async fn snapshot_parts(&self, run: i64) -> Result<Vec<SnapshotPart>> {
        let rows: Vec<(i64, String, String, i64)> = sqlx::query_as(
            "SELECT p.number, p.class, p.attribute, r.held FROM run_part r JOIN part p ON p.number = r.part
             WHERE r.run = $1 ORDER BY r.ordinal",
        )
        .bind(run)
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        let part = |(number, class, attribute, held)| SnapshotPart {
            part: RunPart::from_columns(class, attribute),
            rows: count(held),
            number,
        };
        Ok(rows.into_iter().map(part).collect())
    }
}

impl Snapshot {
    /// The run's number: never the same twice.
    pub fn run(&self) -> i64 {
        self.run
    }

    /// The part of that class, or relation of it.
    pub fn part(&self, class: &str, attribute: Option<&str>) -> Option<&SnapshotPart> {
        self.parts.iter().find(|it| it.part.class == class && it.part.attribute.as_deref() == attribute)
    }

    /// A block of objects, by uid, and where the next one begins; none: it was the last.
    pub async fn objects(&self, part: &SnapshotPart, cursor: &BlockCursor) -> Result<(Block, Option<BlockCursor>)> {
        let (text, rows, last): (String, i64, String) = sqlx::query_as(concat!(
            "SELECT ",
            framed!("uid", "name", "revision", "body"),
            ", COUNT(*), COALESCE(MAX(uid), '') FROM
                (SELECT uid, name, COALESCE(revision, '') AS revision, body FROM object_row
                 WHERE run = $1 AND part = $2 AND uid > $3 ORDER BY uid LIMIT $4) AS page"
        ))
        .bind(self.run)
        .bind(part.number)
        .bind(&cursor.after.0)
        .bind(stored(cursor.rows))
        .fetch_one(self.store.database.reader())
        .await
        .map_err(fault)?;
        self.pin.check()?;
        let block = Block::new(text, usize::try_from(rows).unwrap_or_default());
        let next = cursor.next((last, String::new(), String::new()), &block);
        Ok((block, next))
    }

    /// A block of links, by owner, target and class; without `parameters` these are empty, and never read.
    pub async fn links(
        &self,
        part: &SnapshotPart,
        parameters: bool,
        cursor: &BlockCursor,
    ) -> Result<(Block, Option<BlockCursor>)> {
        let sql = if parameters { LINKS_WHOLE } else { LINKS };
        let (text, rows): (String, i64) = sqlx::query_as(sql)
            .bind(self.run)
            .bind(part.number)
            .bind(&cursor.after.0)
            .bind(&cursor.after.1)
            .bind(&cursor.after.2)
            .bind(stored(cursor.rows))
            .fetch_one(self.store.database.reader())
            .await
            .map_err(fault)?;
        self.pin.check()?;
        let block = Block::new(text, usize::try_from(rows).unwrap_or_default());
        let last = block.rows().last().transpose()?;
        let after = last.map(|[owner, target, class, _]| (owner.to_owned(), target.to_owned(), class.to_owned()));
        let next = cursor.next(after.unwrap_or_default(), &block);
        Ok((block, next))
    }

    /// How many links of a relation have an end that is still a name: of owners, and of targets whose owner is known.
    pub async fn unresolved(&self, part: &SnapshotPart) -> Result<u64> {
        let unresolved: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM link_row WHERE run = $1 AND part = $2 AND (owner LIKE 'n:%' OR target LIKE 'n:%')",
        )
        .bind(self.run)
        .bind(part.number)
        .fetch_one(self.store.database.reader())
        .await
        .map_err(fault)?;
        self.pin.check()?;
        Ok(count(unresolved))
    }

    /// The objects of these uids that there are, by uid.
    pub async fn objects_of(&self, part: &SnapshotPart, uids: &[&str]) -> Result<Block> {
        if uids.is_empty() {
            return Ok(Block::default());
        }
        let sql = format!(
            "SELECT {}, COUNT(*) FROM (SELECT uid, name, COALESCE(revision, '') AS revision, body FROM object_row
             WHERE run = ? AND part = ? AND uid IN ({}) ORDER BY uid) AS page",
            framed!("uid", "name", "revision", "body"),
            list("?", uids.len())
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(false).bind(self.run).bind(part.number);
        let query = uids.iter().fold(query, |query, uid| query.bind(*uid));
        let (text, rows): (String, i64) = query.fetch_one(self.store.database.reader()).await.map_err(fault)?;
        self.pin.check()?;
        Ok(Block::new(text, usize::try_from(rows).unwrap_or_default()))
    }

    /// Which objects have these names; of the classes in `folding` without regard to case.
    pub async fn named(&self, names: &HashSet<&str>, folding: &HashSet<&str>) -> Result<Named> {
        let mut found = self.store.named_objects(self.run, names, folding).await?;
        self.pin.check()?;
        found.values_mut().for_each(|objects| objects.sort());
        Ok(found)
    }
}

const LINKS: &str = concat!(
    "SELECT ",
    framed!("owner", "target", "target_class", "''"),
    ", COUNT(*) FROM (SELECT owner, target, target_class FROM link_row
         WHERE run = $1 AND part = $2 AND (owner, target, target_class) > ($3, $4, $5)
         ORDER BY owner, target, target_class LIMIT $6) AS page"
);
const LINKS_WHOLE: &str = concat!(
    "SELECT ",
    framed!("owner", "target", "target_class", "parameters"),
    ", COUNT(*) FROM (SELECT owner, target, target_class, parameters FROM link_row
         WHERE run = $1 AND part = $2 AND (owner, target, target_class) > ($3, $4, $5)
         ORDER BY owner, target, target_class LIMIT $6) AS page"
);
