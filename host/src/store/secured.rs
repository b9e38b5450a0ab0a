//! Secured options, sealed. The store sees neither a value nor a key.
//!
//! What is replaced or cleared is overwritten in the file and leaves the write-ahead log at once; it was sealed anyway.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::Store;
use super::connections::{identify, read};
use super::fault::fault;
use super::numbers::{instant, parsed};
use crate::model::{Connection, ConnectionId, OptionName, Result};

/// A value as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Which key sealed it.
    pub key_id: String,
    pub bytes: Vec<u8>,
    /// A keyed MAC, to be shown.
    pub fingerprint: String,
}

/// A secured option, or one entry of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecuredRow {
    pub name: OptionName,
    /// The key in a map; empty for a field.
    pub entry: String,
    pub sealed: Sealed,
    pub set_at: Timestamp,
    /// The token's name.
    pub set_by: String,
}

/// A connection with what is sealed for it.
#[derive(Clone, Debug)]
pub struct Held {
    /// What values are sealed for: identifiers come back after a deletion, numbers never do.
    pub number: i64,
    pub connection: Connection,
    /// By name and entry.
    pub rows: Vec<SecuredRow>,
}

/// One step of a change of secured options.
#[derive(Clone, Debug)]
pub enum SecuredEdit {
    /// Sets the value of an option or entry, in the place of the one before.
    Put(SecuredRow),
    /// Clears an option whole, or one entry of it.
    Clear { name: OptionName, entry: Option<String> },
}

const SELECT: &str = "SELECT connection, name, entry, key_id, sealed, fingerprint, set_at, set_by FROM secured_option";

impl Store {
    /// What is sealed for a connection. `not-found` if there is none of that id.
    pub async fn secured(&self, id: &ConnectionId) -> Result<Held> {
        let mut at = self.database.reader().acquire().await.map_err(fault)?;
        held(&mut at, id).await
    }

    /// Changes the secured options of a connection as `edit` says, who sees what is there and may refuse.
    pub async fn edit_secured(
        &self,
        id: &ConnectionId,
        edit: impl FnOnce(&Held) -> Result<Vec<SecuredEdit>> + Send,
    ) -> Result<()> {
        let mut tx = self.database.write_erasing().await?;
        let held = held(&mut tx, id).await?;
        apply(&mut tx, held.number, &edit(&held)?).await?;
        self.database.commit_erasing(tx, true).await
    }

    /// The keys that sealed anything.
    pub async fn sealing_keys(&self) -> Result<BTreeSet<String>> {
        let keys: Vec<String> = sqlx::query_scalar(
            "SELECT key_id FROM secured_option UNION SELECT key_id FROM task_order WHERE key_id IS NOT NULL",
        )
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        Ok(keys.into_iter().collect())
    }

    /// What another key than that one sealed, with the number of its connection.
    pub async fn sealed_by_others(&self, key_id: &str) -> Result<Vec<(i64, SecuredRow)>> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE key_id <> $1")))
            .bind(key_id)
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)?;
        rows.iter().map(|row| Ok((row.try_get("connection").map_err(fault)?, secured(row)?))).collect()
    }

    /// Stores the same value under another key.
    pub async fn seal_anew(&self, connection: i64, row: &SecuredRow) -> Result<()> {
        let mut tx = self.database.write_erasing().await?;
        put(&mut tx, connection, row).await?;
        self.database.commit_erasing(tx, true).await
    }
}

/// A connection with what is sealed for it, inside a transaction.
pub(super) async fn held(at: &mut SqliteConnection, id: &ConnectionId) -> Result<Held> {
    let (number, _) = identify(at, id).await?;
    let connection = read(&mut *at, id).await?.value;
    let rows = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE connection = $1 ORDER BY name, entry")))
        .bind(number)
        .fetch_all(at)
        .await
        .map_err(fault)?;
    Ok(Held { number, connection, rows: rows.iter().map(secured).collect::<Result<_>>()? })
}

/// Takes the steps of a change, inside a transaction.
pub(super) async fn apply(at: &mut SqliteConnection, connection: i64, edits: &[SecuredEdit]) -> Result<()> {
    for edit in edits {
        match edit {
            SecuredEdit::Put(row) => put(at, connection, row).await?,
            SecuredEdit::Clear { name, entry } => clear(at, connection, name, entry.as_deref()).await?,
        }
    }
    Ok(())
}

async fn put(at: &mut SqliteConnection, connection: i64, row: &SecuredRow) -> Result<()> {
    sqlx::query(
        "INSERT INTO secured_option (connection, name, entry, key_id, sealed, fingerprint, set_at, set_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (connection, name, entry) DO UPDATE SET
            key_id = excluded.key_id, sealed = excluded.sealed, fingerprint = excluded.fingerprint,
            set_at = excluded.set_at, set_by = excluded.set_by",
    )
    .bind(connection)
    .bind(row.name.as_str())
    .bind(&row.entry)
    .bind(&row.sealed.key_id)
    .bind(&row.sealed.bytes)
    .bind(&row.sealed.fingerprint)
    .bind(row.set_at.as_microsecond())
    .bind(&row.set_by)
    .execute(at)
    .await
    .map_err(fault)?;
    Ok(())
}

async fn clear(at: &mut SqliteConnection, connection: i64, name: &OptionName, entry: Option<&str>) -> Result<()> {
    sqlx::query("DELETE FROM secured_option WHERE connection = $1 AND name = $2 AND entry = COALESCE($3, entry)")
        .bind(connection)
        .bind(name.as_str())
        .bind(entry)
        .execute(at)
        .await
        .map_err(fault)?;
    Ok(())
}

fn secured(row: &SqliteRow) -> Result<SecuredRow> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(fault);
    let sealed = Sealed {
        key_id: text("key_id")?,
        bytes: row.try_get("sealed").map_err(fault)?,
        fingerprint: text("fingerprint")?,
    };
    Ok(SecuredRow {
        name: parsed("option name", &text("name")?)?,
        entry: text("entry")?,
        sealed,
        set_at: instant(row.try_get("set_at").map_err(fault)?)?,
        set_by: text("set_by")?,
    })
}
