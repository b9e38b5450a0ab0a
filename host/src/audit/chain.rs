//! The chain: each row's hash covers its own columns and the row before it, so that a changed, removed or moved row
//! shows; the head remembers the last row, so that rows cut off at the end show, too.
//!
//! Whoever can write the file can also write a whole new chain. Keeping [`Verified`]'s head somewhere else from time to
//! time is what proves that he did.

use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqlitePool;
use sqlx::{FromRow, QueryBuilder, Row as _, SqliteConnection, sqlite::SqliteRow};

use super::fault;
use crate::model::{Error, Result};

/// Rows read at a time while verifying.
const BATCH: i64 = 1000;

/// A row of the trail; an outcome leaves to its begin row what that says already.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// Zero in a begin row, in an outcome the begin row's number.
    pub(super) begun: i64,
    /// When it was handed over, in microseconds.
    pub(super) at: i64,
    pub(super) who: String,
    pub(super) role: String,
    pub(super) request: String,
    pub(super) action: String,
    pub(super) connection: String,
    pub(super) detail: String,
}

/// What verifying found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Every row is as it was written.
    Sound { rows: i64, head: [u8; 32] },
    /// The first row that is not.
    Broken(Broken),
}

/// Where the chain breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The number of the row that is missing, moved or changed.
    pub row: i64,
    pub reason: &'static str,
}

/// The last row and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) seq: i64,
    hash: [u8; 32],
}

struct Stored {
    seq: i64,
    row: Row,
    hash: Vec<u8>,
}

/// Adds rows at the end, all of them or none: a statement of its own, committed when this returns.
pub(super) async fn append(to: &mut SqliteConnection, rows: &[(Row, End)]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut insert =
        QueryBuilder::new("INSERT INTO entry (seq, begun, at, who, role, request, action, connection, detail, hash) ");
    insert.push_values(rows, |mut values, (row, end)| {
        values.push_bind(end.seq).push_bind(row.begun).push_bind(row.at);
        for text in row.texts() {
            values.push_bind(text.as_str());
        }
        values.push_bind(&end.hash[..]);
    });
    insert.build().execute(to).await.map_err(fault)?;
    Ok(())
}

/// Walks the chain from its first row to its head, in one snapshot.
pub(super) async fn verify(readers: &SqlitePool) -> Result<Verified> {
    let mut tx = readers.begin().await.map_err(fault)?;
    let head = end(&mut tx).await?;
    let mut last = End::GENESIS;
    loop {
        let rows = batch(&mut tx, last.seq).await?;
        if rows.is_empty() {
            break;
        }
        for stored in rows {
            let expected = last.then(&stored.row);
            if stored.seq != expected.seq {
                return Ok(broken(expected.seq, "the row is missing"));
            }
            if stored.hash != expected.hash {
                return Ok(broken(stored.seq, "the row was changed or moved"));
            }
            last = expected;
        }
    }
    match last {
        last if last == head => Ok(Verified::Sound { rows: last.seq, head: last.hash }),
        last if last.seq < head.seq => Ok(broken(last.seq + 1, "the row is missing")),
        last => Ok(broken(last.seq, "the row is not the one that was written last")),
    }
}

fn broken(row: i64, reason: &'static str) -> Verified {
    Verified::Broken(Broken { row, reason })
}

/// Where the chain ends.
pub(super) async fn end(at: &mut SqliteConnection) -> Result<End> {
    let head: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT seq, hash FROM head WHERE one = 1").fetch_optional(at).await.map_err(fault)?;
    let Some((seq, hash)) = head else { return Ok(End::GENESIS) };
    let hash = hash.try_into().map_err(|_| Error::internal("the audit trail's head has no hash of 32 bytes"))?;
    Ok(End { seq, hash })
}

async fn batch(at: &mut SqliteConnection, after: i64) -> Result<Vec<Stored>> {
    sqlx::query_as(
        "SELECT seq, begun, at, who, role, request, action, connection, detail, hash FROM entry
         WHERE seq > $1 ORDER BY seq LIMIT $2",
    )
    .bind(after)
    .bind(BATCH)
    .fetch_all(at)
    .await
    .map_err(fault)
}

impl End {
    /// What the first row is chained to.
    const GENESIS: Self = Self { seq: 0, hash: [0; 32] };

    /// The end after one more row. Every column counts by its length and content, so that nothing can move from one into
    /// the next.
    pub(super) fn then(&self, row: &Row) -> Self {
        let seq = self.seq.saturating_add(1);
        let mut hash = Sha256::new();
        hash.update(self.hash);
        for number in [seq, row.begun, row.at] {
            hash.update(number.to_be_bytes());
        }
        for text in row.texts() {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        Self { seq, hash: hash.finalize().into() }
    }
}

impl Row {
    fn texts(&self) -> [&String; 6] {
        [&self.who, &self.role, &self.request, &self.action, &self.connection, &self.detail]
    }
}

impl FromRow<'_, SqliteRow> for Stored {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let columns = Row {
            begun: row.try_get("begun")?,
            at: row.try_get("at")?,
            who: row.try_get("who")?,
            role: row.try_get("role")?,
            request: row.try_get("request")?,
            action: row.try_get("action")?,
            connection: row.try_get("connection")?,
            detail: row.try_get("detail")?,
        };
        Ok(Self { seq: row.try_get("seq")?, row: columns, hash: row.try_get("hash")? })
    }
}
