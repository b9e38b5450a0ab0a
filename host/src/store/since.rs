//! What changed since a position, taken together: of each object and link once, however often it changed.
//!
//! The changes of a run are sorted by their subject in an index, so those of many runs are merged by reading a chunk of
//! each; nothing is kept but one page. What a subject is now is asked of the snapshot; what it was is in the
//! first change after the position: an insert says that it was not there.

use std::collections::BTreeMap;

use super::block::{Block, framed};
use super::fault::fault;
use super::links::Ends;
use super::numbers::{list, stored};
use super::snapshot::{BLOCK_ROWS, Snapshot, SnapshotPart};
use crate::model::{ChangeKind, Error, FailureKind, Position, Result};

/// How far one part's changes were read: runs that may have more, with the change of each to begin after.
#[derive(Clone, Debug)]
pub struct SinceCursor {
    runs: Vec<(i64, i64)>,
    after: Ends,
}

/// Objects that changed, by uid: was each there before?
pub type ChangedObjects = Vec<(String, bool)>;
/// Links that changed, by their ends: was each there before?
pub type ChangedLinks = Vec<(Ends, bool)>;

type ObjectChange = (String, String);
type LinkChange = (String, String, String, String);

/// What happened since a position cannot be told.
pub fn unknown_since(position: Position) -> Error {
    let message = format!(
        "the changes since the position {} are not known; read the table whole, which tells where to go on",
        position.0
    );
    Error::failure(FailureKind::ResyncRequired, message).blaming("since")
}

impl Snapshot {
    /// Where reading what changed after a position begins.
    ///
    /// # Errors
    /// `resync-required` if changes since then are no longer known, or the position is none of this connection.
    pub async fn since(&self, position: Position) -> Result<SinceCursor> {
        let runs: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT number, first_position FROM run
             WHERE connection = (SELECT connection FROM run WHERE number = $1) AND number <= $1 AND changes > 0
                AND state IN ('published', 'superseded', 'archived') AND first_position + changes > $2 ORDER BY number",
        )
        .bind(self.run)
        .bind(position.0)
        .fetch_all(self.store.database.reader())
        .await
        .map_err(fault)?;
        let first = runs.first().map_or(self.position, |(_, first)| Position(*first));
        if !(first..=self.position).contains(&position) {
            return Err(unknown_since(position));
        }
        let runs = runs.into_iter().map(|(run, first)| (run, position.0.saturating_sub(first).max(0))).collect();
        Ok(SinceCursor { runs, after: Ends::default() })
    }

    /// The next objects of a class that changed.
    pub async fn changed_objects(
        &self,
        part: &SnapshotPart,
        cursor: &SinceCursor,
    ) -> Result<(ChangedObjects, Option<SinceCursor>)> {
        let mut merged = Merged::default();
        for (run, seen) in &cursor.runs {
            let found: Vec<ObjectChange> = sqlx::query_as(
                "SELECT subject, kind FROM change WHERE run = $1 AND part = $2 AND subject > $3 AND +seq > $4
                 ORDER BY subject LIMIT $5",
            )
            .bind(run)
            .bind(part.number)
            .bind(&cursor.after.0)
            .bind(seen)
            .bind(stored(BLOCK_ROWS))
            .fetch_all(self.store.database.reader())
            .await
            .map_err(fault)?;
            let changes = found.into_iter().map(|(subject, kind)| (subject, kind != ChangeKind::Insert.as_str()));
            merged.add((*run, *seen), changes.collect());
        }
        self.pin.check()?;
        Ok(merged.page(|last| (last.clone(), String::new(), String::new())))
    }

    /// The next links of a relation that changed.
    pub async fn changed_links(
        &self,
        part: &SnapshotPart,
        cursor: &SinceCursor,
    ) -> Result<(ChangedLinks, Option<SinceCursor>)> {
        let mut merged = Merged::default();
        for (run, seen) in &cursor.runs {
            let found: Vec<LinkChange> = sqlx::query_as(
                // Without the sign the order of the changes would be taken for the better index, and all be sorted.
                "SELECT subject, target, target_class, kind FROM change WHERE run = $1 AND part = $2
                    AND subject >= $3 AND (subject, target, target_class) > ($3, $4, $5) AND +seq > $6
                 ORDER BY subject, target, target_class, seq LIMIT $7",
            )
            .bind(run)
            .bind(part.number)
            .bind(&cursor.after.0)
            .bind(&cursor.after.1)
            .bind(&cursor.after.2)
            .bind(seen)
            .bind(stored(BLOCK_ROWS))
            .fetch_all(self.store.database.reader())
            .await
            .map_err(fault)?;
            let before = |kind: String| kind != ChangeKind::LinkAdded.as_str();
            let changes = found.into_iter().map(|(owner, target, class, kind)| ((owner, target, class), before(kind)));
            merged.add((*run, *seen), changes.collect());
        }
        self.pin.check()?;
        Ok(merged.page(Ends::clone))
    }

    /// The links of these ends that there are, in their order.
    pub async fn links_of(&self, part: &SnapshotPart, links: &[(Ends, bool)]) -> Result<Block> {
        if links.is_empty() {
            return Ok(Block::default());
        }
        let sql = format!(
            "SELECT {}, COUNT(*) FROM (SELECT owner, target, target_class, parameters FROM link_row
             WHERE run = ? AND part = ? AND (owner, target, target_class) IN (VALUES {})
             ORDER BY owner, target, target_class) AS page",
            framed!("owner", "target", "target_class", "parameters"),
            list("(?,?,?)", links.len())
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(false).bind(self.run).bind(part.number);
        let bound = links.iter().fold(query, |query, ((owner, target, class), _)| {
            query.bind(owner.as_str()).bind(target.as_str()).bind(class.as_str())
        });
        let (text, rows): (String, i64) = bound.fetch_one(self.store.database.reader()).await.map_err(fault)?;
        self.pin.check()?;
        Ok(Block::new(text, usize::try_from(rows).unwrap_or_default()))
    }
}

/// Chunks of several runs, oldest first, on the way to becoming one page.
struct Merged<K> {
    /// Was it there before its first change?
    changes: BTreeMap<K, bool>,
    /// Runs that may have more, and the last key that all of them were read up to.
    more: Vec<(i64, i64)>,
    end: Option<K>,
}

impl<K> Default for Merged<K> {
    fn default() -> Self {
        Self { changes: BTreeMap::new(), more: Vec::new(), end: None }
    }
}

impl<K: Ord + Clone> Merged<K> {
    fn add(&mut self, run: (i64, i64), found: Vec<(K, bool)>) {
        if found.len() == BLOCK_ROWS {
            let last = found.last().map(|(key, _)| key.clone());
            self.end = [self.end.take(), last].into_iter().flatten().min();
        }
        if !found.is_empty() {
            self.more.push(run);
        }
        for (key, before) in found {
            self.changes.entry(key).or_insert(before);
        }
        // A page of many runs is no larger than that of one; what is beyond it is read again.
        if let Some(last) = self.changes.keys().nth(BLOCK_ROWS - 1).cloned() {
            self.changes.retain(|key, _| *key <= last);
            self.end = [self.end.take(), Some(last)].into_iter().flatten().min();
        }
    }

    fn page(self, ends: impl Fn(&K) -> Ends) -> (Vec<(K, bool)>, Option<SinceCursor>) {
        let Self { changes, more, end } = self;
        let whole = changes.into_iter().take_while(|(key, _)| end.as_ref().is_none_or(|end| key <= end)).collect();
        let next = end.map(|end| SinceCursor { runs: more, after: ends(&end) });
        (whole, next)
    }
}
