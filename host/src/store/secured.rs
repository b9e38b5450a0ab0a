//! Secured options, sealed: values and references, a table each. The store sees neither a value nor a key.
//!
//! What is replaced or cleared is overwritten in the file and leaves the write-ahead log at once; it was sealed anyway.

use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::Store;
use super::connections::{identify, read};
use super::fault::fault;
use super::numbers::{instant, parsed};
use super::sealed::{Sealed, sealed};
use crate::model::{Connection, ConnectionId, Layer, OptionName, Result};

/// What is set of a secured option, or of one entry of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecuredRow {
    pub layer: Layer,
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
    /// By layer, name and entry.
    pub rows: Vec<SecuredRow>,
}

/// One step of a change of secured options.
#[derive(Clone, Debug)]
pub enum SecuredEdit {
    /// Sets the value, or the reference, of an option or entry, in the place of the one before.
    Put(SecuredRow),
    /// Clears an option whole, or one entry of it: both layers, or one.
    Clear { name: OptionName, entry: Option<String>, only: Option<Layer> },
}

const LAYERS: [Layer; 2] = [Layer::Value, Layer::Reference];

/// Where a layer is stored.
const fn table(layer: Layer) -> &'static str {
    match layer {
        Layer::Value => "secured_option",
        Layer::Reference => "secured_reference",
    }
}

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

    /// The connections that have references, by identifier.
    pub async fn referring(&self) -> Result<Vec<ConnectionId>> {
        let ids: Vec<String> = sqlx::query_scalar(
            "SELECT c.id FROM connection c WHERE c.folded IS NOT NULL
                AND EXISTS (SELECT 1 FROM secured_reference r WHERE r.connection = c.number) ORDER BY c.folded",
        )
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        ids.iter().map(|id| parsed("connection identifier", id)).collect()
    }
}

/// A connection with what is sealed for it, inside a transaction.
pub(super) async fn held(at: &mut SqliteConnection, id: &ConnectionId) -> Result<Held> {
    let (number, _) = identify(at, id).await?;
    let connection = read(&mut *at, id).await?.value;
    let mut rows = Vec::new();
    for layer in LAYERS {
        let sql = format!(
            "SELECT name, entry, key_id, sealed, fingerprint, set_at, set_by FROM {}
             WHERE connection = $1 ORDER BY name, entry",
            table(layer)
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(number);
        let found = query.fetch_all(&mut *at).await.map_err(fault)?;
        rows.extend(found.iter().map(|row| secured(layer, row)).collect::<Result<Vec<_>>>()?);
    }
    Ok(Held { number, connection, rows })
}

/// Removes all that is set for a connection, inside a transaction; how much that was.
pub(super) async fn clear_all(at: &mut SqliteConnection, connection: i64) -> Result<u64> {
    let mut cleared = 0;
    for layer in LAYERS {
        let sql = format!("DELETE FROM {} WHERE connection = $1", table(layer));
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(connection);
        cleared += query.execute(&mut *at).await.map_err(fault)?.rows_affected();
    }
    Ok(cleared)
}

/// Takes the steps of a change, inside a transaction.
pub(super) async fn apply(at: &mut SqliteConnection, connection: i64, edits: &[SecuredEdit]) -> Result<()> {
    for edit in edits {
        match edit {
            SecuredEdit::Put(row) => put(at, connection, row).await?,
            SecuredEdit::Clear { name, entry, only } => {
                for layer in LAYERS.into_iter().filter(|layer| only.is_none_or(|only| only == *layer)) {
                    clear(at, layer, connection, name, entry.as_deref()).await?;
                }
            }
        }
    }
    Ok(())
}

async fn put(at: &mut SqliteConnection, connection: i64, row: &SecuredRow) -> Result<()> {
    let sql = format!(
        "INSERT INTO {} (connection, name, entry, key_id, sealed, fingerprint, set_at, set_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (connection, name, entry) DO UPDATE SET
            key_id = excluded.key_id, sealed = excluded.sealed, fingerprint = excluded.fingerprint,
            set_at = excluded.set_at, set_by = excluded.set_by",
        table(row.layer)
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
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

async fn clear(
    at: &mut SqliteConnection,
    layer: Layer,
    connection: i64,
    name: &OptionName,
    entry: Option<&str>,
) -> Result<()> {
    let sql =
        format!("DELETE FROM {} WHERE connection = $1 AND name = $2 AND entry = COALESCE($3, entry)", table(layer));
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(connection)
        .bind(name.as_str())
        .bind(entry)
        .execute(at)
        .await
        .map_err(fault)?;
    Ok(())
}

fn secured(layer: Layer, row: &SqliteRow) -> Result<SecuredRow> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(fault);
    Ok(SecuredRow {
        layer,
        name: parsed("option name", &text("name")?)?,
        entry: text("entry")?,
        sealed: sealed(row)?,
        set_at: instant(row.try_get("set_at").map_err(fault)?)?,
        set_by: text("set_by")?,
    })
}
