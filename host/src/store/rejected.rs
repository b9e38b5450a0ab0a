//! Records set aside: what could not be read or came twice, kept with its reason.

use std::collections::HashMap;

use sqlx::SqliteConnection;

use super::Store;
use super::fault::fault;
use super::numbers::{count, limit};
use super::runs::RunPart;
use super::snapshot::Snapshot;
use crate::model::id::UID_BYTES_MAX;
use crate::model::text::cut;
use crate::model::{FailureKind, Rejected, Result, TaskId};

/// The longest message kept of a record, in bytes. Its key is kept as long as a uid may be, because a key cut short
/// would not match the object it names.
const MESSAGE_BYTES_MAX: usize = 4096;

/// Records read at once.
const REJECTED_ROWS: u32 = 1000;

/// A record to set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// What identifies it to a person, best its uid: a published object of that uid or name is then not taken for gone.
    pub key: String,
    /// The kind of the error.
    pub kind: String,
    pub message: String,
}

/// A record that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAsideRow {
    /// Its place in the list; reading goes on after it.
    pub position: i64,
    pub part: RunPart,
    pub record: SetAside,
}

impl SetAside {
    /// A second record with a key that this pass has seen.
    pub(super) fn duplicate(key: String) -> Self {
        let message = "the key came twice in this pass; the first record counts".to_owned();
        Self { key, kind: FailureKind::Conflict.as_str().to_owned(), message }
    }
}

impl From<&Rejected> for SetAside {
    fn from(rejected: &Rejected) -> Self {
        let (kind, message) = (rejected.error.kind.as_str().to_owned(), rejected.error.message.clone());
        Self { key: rejected.key.clone(), kind, message }
    }
}

impl Store {
    /// What the task's last run set aside, in the order it was read, after `after`; kept until the connection's next
    /// import is published.
    pub async fn set_aside(&self, task: TaskId, after: Option<i64>, at_most: u32) -> Result<Vec<SetAsideRow>> {
        let rows: Vec<(i64, String, String, String, String, String)> = sqlx::query_as(
            "SELECT s.seq, p.class, p.attribute, s.record, s.kind, s.message
             FROM set_aside s JOIN part p ON p.number = s.part
             WHERE s.run = (SELECT MAX(number) FROM run WHERE task = $1) AND s.seq > $2 ORDER BY s.seq LIMIT $3",
        )
        .bind(task.to_string())
        .bind(after.unwrap_or_default())
        .bind(limit(at_most))
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(row).collect())
    }
}

impl Snapshot {
    /// What the run set aside, in the order it was read, after `after`; kept until the next run is published.
    pub async fn rejected(&self, after: i64) -> Result<Vec<SetAsideRow>> {
        let rows: Vec<(i64, String, String, String, String, String)> = sqlx::query_as(
            "SELECT s.seq, p.class, p.attribute, s.record, s.kind, s.message
             FROM set_aside s JOIN part p ON p.number = s.part WHERE s.run = $1 AND s.seq > $2 ORDER BY s.seq LIMIT $3",
        )
        .bind(self.run)
        .bind(after)
        .bind(limit(REJECTED_ROWS))
        .fetch_all(self.store.database.reader())
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(row).collect())
    }

    /// How many records the run set aside of each part.
    pub async fn rejected_counts(&self) -> Result<HashMap<RunPart, u64>> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "SELECT p.class, p.attribute, COUNT(*) FROM set_aside s JOIN part p ON p.number = s.part
             WHERE s.run = $1 GROUP BY p.class, p.attribute",
        )
        .bind(self.run)
        .fetch_all(self.store.database.reader())
        .await
        .map_err(fault)?;
        let counted = |(class, attribute, number)| (RunPart::from_columns(class, attribute), count(number));
        Ok(rows.into_iter().map(counted).collect())
    }
}

fn row((position, class, attribute, key, kind, message): (i64, String, String, String, String, String)) -> SetAsideRow {
    SetAsideRow { position, part: RunPart::from_columns(class, attribute), record: SetAside { key, kind, message } }
}

/// Writes records of one page with their parts, numbered after `last`, inside the page's transaction, and answers the
/// number of the last one.
pub(super) async fn insert(
    at: &mut SqliteConnection,
    run: i64,
    last: i64,
    records: impl Iterator<Item = (i64, &SetAside)>,
) -> Result<i64> {
    let mut now = last;
    for (part, record) in records {
        now = now.saturating_add(1);
        sqlx::query("INSERT INTO set_aside (run, seq, part, record, kind, message) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(run)
            .bind(now)
            .bind(part)
            .bind(cut(&record.key, UID_BYTES_MAX))
            .bind(&record.kind)
            .bind(cut(&record.message, MESSAGE_BYTES_MAX))
            .execute(&mut *at)
            .await
            .map_err(fault)?;
    }
    if now > last {
        sqlx::query("UPDATE run SET rejected = $2 WHERE number = $1")
            .bind(run)
            .bind(now)
            .execute(&mut *at)
            .await
            .map_err(fault)?;
    }
    Ok(now)
}
