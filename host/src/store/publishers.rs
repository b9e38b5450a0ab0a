//! Whose signatures the operator trusts: keys by publisher.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::Store;
use super::fault::{fault, unreadable};
use super::numbers::{instant, parsed};
use crate::model::{Error, FailureKind, KeyId, PublisherName, Result};

/// A key that is trusted for one publisher's releases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublisherKey {
    pub publisher: PublisherName,
    pub key: KeyId,
    /// The 32 bytes of an Ed25519 key.
    pub public_key: [u8; 32],
    /// What the operator calls it.
    pub title: String,
    pub added: Timestamp,
    /// The name of the token it was added with.
    pub added_by: String,
}

type Columns = (String, String, Vec<u8>, String, i64, String);

impl Store {
    /// Trusts a key for a publisher. `conflict` if it is trusted for him already.
    pub async fn trust_key(&self, key: &PublisherKey) -> Result<()> {
        let mut tx = self.database.write().await?;
        insert(&mut tx, key).await?;
        tx.commit().await.map_err(fault)
    }

    /// All trusted keys, by publisher and then by key id.
    pub async fn publisher_keys(&self) -> Result<Vec<PublisherKey>> {
        let rows: Vec<Columns> = sqlx::query_as(
            "SELECT publisher, key_id, public_key, title, added, added_by FROM publisher_key
             ORDER BY publisher, key_id",
        )
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        rows.into_iter().map(publisher_key).collect()
    }

    /// Trusts a key no longer for that publisher. `not-found` if it is not trusted for him.
    pub async fn distrust_key(&self, publisher: &PublisherName, key: &KeyId) -> Result<()> {
        let mut tx = self.database.write().await?;
        remove(&mut tx, publisher, key).await?;
        tx.commit().await.map_err(fault)
    }
}

/// Trusts a key, inside a transaction.
pub(super) async fn insert(at: &mut SqliteConnection, key: &PublisherKey) -> Result<()> {
    let done = sqlx::query(
        "INSERT INTO publisher_key (publisher, key_id, public_key, title, added, added_by)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(key.publisher.as_str())
    .bind(key.key.to_string())
    .bind(&key.public_key[..])
    .bind(&key.title)
    .bind(key.added.as_microsecond())
    .bind(&key.added_by)
    .execute(&mut *at)
    .await
    .map_err(fault)?;
    if done.rows_affected() == 0 {
        let message = format!("the key {} is trusted for {} already", key.key, key.publisher);
        return Err(Error::failure(FailureKind::Conflict, message));
    }
    Ok(())
}

/// Trusts a key no longer, inside a transaction.
pub(super) async fn remove(at: &mut SqliteConnection, publisher: &PublisherName, key: &KeyId) -> Result<()> {
    let done = sqlx::query("DELETE FROM publisher_key WHERE publisher = $1 AND key_id = $2")
        .bind(publisher.as_str())
        .bind(key.to_string())
        .execute(&mut *at)
        .await
        .map_err(fault)?;
    if done.rows_affected() == 0 {
        return Err(Error::not_found(format!("the key {key} is not trusted for {publisher}")));
    }
    Ok(())
}

fn publisher_key((publisher, key, public_key, title, added, added_by): Columns) -> Result<PublisherKey> {
    Ok(PublisherKey {
        publisher: parsed("publisher", &publisher)?,
        key: parsed("key id", &key)?,
        public_key: public_key.try_into().map_err(|_| unreadable("public key", &"it has not 32 bytes"))?,
        title,
        added: instant(added)?,
        added_by,
    })
}
