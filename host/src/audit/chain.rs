//! The chain: each row's hash covers its own columns and the row before it, so that a changed, removed or moved row
//! shows; the head remembers the last row, so that rows cut off at the end show, too.
//!
//! Whoever can write the file can also write a whole new chain. Keeping [`Verified`]'s head somewhere else from time to
//! time is what proves that he did.

use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqlitePool;
use sqlx::{FromRow, Row as _, SqliteConnection, sqlite::SqliteRow};

use super::fault;
use crate::model::{Error, Result};

/// Rows read at a time while verifying.
const BATCH: i64 = 1000;
/// What the first row is chained to.
const GENESIS: [u8; 32] = [0; 32];

/// A row of the trail; an outcome leaves to its begin row what that says already.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// Zero in a begin row, in an outcome the begin row's number.
    pub(super) begun: i64,
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

struct Stored {
    seq: i64,
    at: i64,
    row: Row,
    hash: Vec<u8>,
}

/// Has the operation begun, and no outcome yet?
pub(super) async fn is_open(at: &mut SqliteConnection, begun: i64) -> Result<bool> {
    sqlx::query_scalar(
        "SELECT COUNT(*) = 1 FROM entry b LEFT JOIN entry o ON o.begun = b.seq
         WHERE b.seq = $1 AND b.begun = 0 AND o.seq IS NULL",
    )
    .bind(begun)
    .fetch_one(at)
    .await
    .map_err(fault)
}

/// Adds a row at the end, inside a transaction, and answers its number.
pub(super) async fn append(to: &mut SqliteConnection, at: i64, row: &Row) -> Result<i64> {
    let (last, previous) = head(&mut *to).await?;
    let seq = last.saturating_add(1);
    let hash = row.hash(&previous, seq, at);
    sqlx::query(
        "INSERT INTO entry (seq, begun, at, who, role, request, action, connection, detail, hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(seq)
    .bind(row.begun)
    .bind(at)
    .bind(&row.who)
    .bind(&row.role)
    .bind(&row.request)
    .bind(&row.action)
    .bind(&row.connection)
    .bind(&row.detail)
    .bind(&hash[..])
    .execute(&mut *to)
    .await
    .map_err(fault)?;
    sqlx::query(
        "INSERT INTO head (one, seq, hash) VALUES (1, $1, $2)
         ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
    )
    .bind(seq)
    .bind(&hash[..])
    .execute(to)
    .await
    .map_err(fault)?;
    Ok(seq)
}

/// Walks the chain from its first row to its head, in one snapshot.
pub(super) async fn verify(readers: &SqlitePool) -> Result<Verified> {
    let mut tx = readers.begin().await.map_err(fault)?;
    let (end, end_hash) = head(&mut tx).await?;
    let (mut last, mut previous) = (0, GENESIS);
    loop {
        let rows = batch(&mut tx, last).await?;
        if rows.is_empty() {
            break;
        }
        for stored in rows {
            let expected = stored.row.hash(&previous, last + 1, stored.at);
            if stored.seq != last + 1 {
                return Ok(broken(last + 1, "the row is missing"));
            }
            if stored.hash != expected {
                return Ok(broken(stored.seq, "the row was changed or moved"));
            }
            (last, previous) = (stored.seq, expected);
        }
    }
    match (last, previous) {
        here if here == (end, end_hash) => Ok(Verified::Sound { rows: last, head: previous }),
        (last, _) if last < end => Ok(broken(last + 1, "the row is missing")),
        (last, _) => Ok(broken(last, "the row is not the one that was written last")),
    }
}

fn broken(row: i64, reason: &'static str) -> Verified {
    Verified::Broken(Broken { row, reason })
}

async fn head(at: &mut SqliteConnection) -> Result<(i64, [u8; 32])> {
    let head: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT seq, hash FROM head WHERE one = 1").fetch_optional(at).await.map_err(fault)?;
    let Some((seq, hash)) = head else { return Ok((0, GENESIS)) };
    let hash = hash.try_into().map_err(|_| Error::internal("the audit trail's head has no hash of 32 bytes"))?;
    Ok((seq, hash))
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

impl Row {
    /// Every column by its length and content, so that nothing can move from one into the next.
    fn hash(&self, previous: &[u8; 32], seq: i64, at: i64) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(previous);
        for number in [seq, self.begun, at] {
            hash.update(number.to_be_bytes());
        }
        for text in [&self.who, &self.role, &self.request, &self.action, &self.connection, &self.detail] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.finalize().into()
    }
}

impl FromRow<'_, SqliteRow> for Stored {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        let columns = Row {
            begun: row.try_get("begun")?,
            who: row.try_get("who")?,
            role: row.try_get("role")?,
            request: row.try_get("request")?,
            action: row.try_get("action")?,
            connection: row.try_get("connection")?,
            detail: row.try_get("detail")?,
        };
        Ok(Self { seq: row.try_get("seq")?, at: row.try_get("at")?, row: columns, hash: row.try_get("hash")? })
    }
}
