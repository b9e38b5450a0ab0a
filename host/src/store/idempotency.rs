//! Idempotency keys: the answer to a write is remembered, so that repeating it repeats the answer and not the write.

use std::time::Duration;

use super::Store;
use super::fault::{fault, unreadable};
use super::numbers::{from_json, json};
use crate::model::{Error, FailureKind, Result};

/// How long an answer is remembered.
pub const REMEMBERED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recalled {
    /// It was new, and is now the caller's.
    New,
    /// The same request was answered so.
    Answered(Remembered),
    /// It came with another request before.
    OtherRequest,
}

impl Store {
    /// Looks a key up and, if it is new, reserves it for the caller, who then does the work and says
    /// [`Store::remember`], or [`Store::forget`] if nothing was begun.
    ///
    /// `conflict` while the first attempt has no answer: it is still running, or the host stopped in the middle of it
    /// and its outcome is not known.
    pub async fn recall(&self, token: &str, key: &str, fingerprint: &[u8; 32]) -> Result<Recalled> {
        let mut tx = self.database.write().await?;
        let now = self.now();
        sqlx::query("DELETE FROM idempotency WHERE token = $1 AND idempotency_key = $2 AND created <= $3")
            .bind(token)
            .bind(key)
            .bind(expired_before(now))
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        let reserved = sqlx::query(
            "INSERT INTO idempotency (token, idempotency_key, fingerprint, created) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        .bind(token)
        .bind(key)
        .bind(&fingerprint[..])
        .bind(now)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        let found: (Vec<u8>, Option<i64>, Option<String>, Option<Vec<u8>>) = sqlx::query_as(
            "SELECT fingerprint, status, headers, body FROM idempotency WHERE token = $1 AND idempotency_key = $2",
        )
        .bind(token)
        .bind(key)
        .fetch_one(&mut *tx)
        .await
        .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        if reserved.rows_affected() == 1 {
            return Ok(Recalled::New);
        }
        answer(found, fingerprint)
    }

    /// Remembers the answer under a key that [`Store::recall`] reserved.
    pub async fn remember(&self, token: &str, key: &str, answer: &Remembered) -> Result<()> {
        let mut tx = self.database.write().await?;
        sqlx::query(
            "UPDATE idempotency SET status = $3, headers = $4, body = $5 WHERE token = $1 AND idempotency_key = $2",
        )
        .bind(token)
        .bind(key)
        .bind(i64::from(answer.status))
        .bind(json(&answer.headers)?)
        .bind(&answer.body)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        tx.commit().await.map_err(fault)
    }

    /// Gives a reserved key back: nothing was begun under it, and it may be used again.
    pub async fn forget(&self, token: &str, key: &str) -> Result<()> {
        let mut tx = self.database.write().await?;
        sqlx::query("DELETE FROM idempotency WHERE token = $1 AND idempotency_key = $2 AND status IS NULL")
            .bind(token)
            .bind(key)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        tx.commit().await.map_err(fault)
    }
}

/// Keys created up to then are forgotten.
pub(super) fn expired_before(now: i64) -> i64 {
    now.saturating_sub(i64::try_from(REMEMBERED_FOR.as_micros()).unwrap_or(i64::MAX))
}

type Columns = (Vec<u8>, Option<i64>, Option<String>, Option<Vec<u8>>);

fn answer((seen, status, headers, body): Columns, fingerprint: &[u8; 32]) -> Result<Recalled> {
    if seen != fingerprint {
        return Ok(Recalled::OtherRequest);
    }
    let Some(status) = status else {
        let message = "the first request with this idempotency key has no answer yet: it is still running, or was \
                       interrupted and its outcome is not known; look at the object or the audit trail before trying \
                       with another key";
        return Err(Error::failure(FailureKind::Conflict, message));
    };
    Ok(Recalled::Answered(Remembered {
        status: u16::try_from(status).map_err(|why| unreadable("status", &why))?,
        headers: from_json("set of headers", headers.as_deref().unwrap_or("[]"))?,
        body: body.unwrap_or_default(),
    }))
}
