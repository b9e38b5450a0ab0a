//! Everything that is sealed under the vault's key, whatever table it is in: which keys that takes, and sealing it anew
//! under another one. A table more is a line more in [`TABLES`].

use std::collections::BTreeSet;

use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::Store;
use super::fault::fault;
use super::numbers::{limit, parsed};
use super::orders::forget_orders;
use crate::model::{Layer, OptionName, Result};

/// A value as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Which key sealed it.
    pub key_id: String,
    pub bytes: Vec<u8>,
    /// A keyed MAC, to be shown.
    pub fingerprint: String,
}

/// A sealed value with what it was sealed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRow {
    pub layer: Layer,
    /// The connection's number.
    pub connection: i64,
    pub option: OptionName,
    pub entry: String,
    pub sealed: Sealed,
}

/// A table with the columns `key_id`, `sealed` and `fingerprint`. What its rows were sealed for is said by expressions
/// over their keys, which name one row.
struct Table {
    name: &'static str,
    layer: Layer,
    connection: &'static str,
    option: &'static str,
    entry: &'static str,
}

const TABLES: &[Table] = &[
    Table { name: "secured_option", layer: Layer::Value, connection: "connection", option: "name", entry: "entry" },
    Table {
        name: "secured_reference",
        layer: Layer::Reference,
        connection: "connection",
        option: "name",
        entry: "entry",
    },
];

impl Store {
    /// The keys that sealed anything.
    pub async fn sealing_keys(&self) -> Result<BTreeSet<String>> {
        let mut keys = BTreeSet::new();
        for table in TABLES {
            let sql = format!("SELECT DISTINCT key_id FROM {}", table.name);
            let query = sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(sql));
            keys.extend(query.fetch_all(self.database.reader()).await.map_err(fault)?);
        }
        keys.extend(self.order_sealing_keys().await?);
        Ok(keys)
    }

    /// Seals anew, in one transaction, at most so many values of each table that another key than that one sealed; how
    /// many. None means that there was none left, and nobody was writing one.
    pub async fn seal_anew(
        &self,
        key_id: &str,
        at_most: u32,
        seal: impl Fn(&SealedRow) -> Result<Sealed> + Send,
    ) -> Result<u64> {
        let mut tx = self.database.write_erasing().await?;
        let mut count = 0;
        for table in TABLES {
            for row in sealed_by_others(&mut tx, table, key_id, at_most).await? {
                replace(&mut tx, table, &row, &seal(&row)?).await?;
                count += 1;
            }
        }
        self.database.commit_erasing(tx, count > 0).await?;
        Ok(count)
    }

    /// Removes what these keys sealed; how much.
    pub async fn forget_sealed(&self, keys: &BTreeSet<String>) -> Result<u64> {
        let mut tx = self.database.write_erasing().await?;
        let mut count = 0;
        for key_id in keys {
            for table in TABLES {
                let sql = format!("DELETE FROM {} WHERE key_id = $1", table.name);
                let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(key_id);
                count += query.execute(&mut *tx).await.map_err(fault)?.rows_affected();
            }
            count += forget_orders(&mut tx, key_id, self.now()).await?;
        }
        self.database.commit_erasing(tx, count > 0).await?;
        Ok(count)
    }

    /// Makes what was committed survive a power cut, too. `unavailable` while somebody reads what was there before.
    pub async fn settle(&self) -> Result<()> {
        self.database.settle().await
    }
}

/// The sealed value in a row.
pub(super) fn sealed(row: &SqliteRow) -> Result<Sealed> {
    Ok(Sealed {
        key_id: row.try_get("key_id").map_err(fault)?,
        bytes: row.try_get("sealed").map_err(fault)?,
        fingerprint: row.try_get("fingerprint").map_err(fault)?,
    })
}

async fn sealed_by_others(
    at: &mut SqliteConnection,
    table: &Table,
    key_id: &str,
    at_most: u32,
) -> Result<Vec<SealedRow>> {
    let Table { name, layer, connection, option, entry } = table;
    let sql = format!(
        "SELECT {connection} AS of_connection, {option} AS of_option, {entry} AS of_entry, key_id, sealed, fingerprint
         FROM {name} WHERE key_id <> $1 LIMIT $2"
    );
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(key_id).bind(limit(at_most));
    let rows = query.fetch_all(at).await.map_err(fault)?;
    let row = |row: &SqliteRow| {
        Ok(SealedRow {
            layer: *layer,
            connection: row.try_get("of_connection").map_err(fault)?,
            option: parsed("option name", row.try_get("of_option").map_err(fault)?)?,
            entry: row.try_get("of_entry").map_err(fault)?,
            sealed: sealed(row)?,
        })
    };
    rows.iter().map(row).collect()
}

async fn replace(at: &mut SqliteConnection, table: &Table, row: &SealedRow, by: &Sealed) -> Result<()> {
    let Table { name, connection, option, entry, .. } = table;
    let sql = format!(
        "UPDATE {name} SET key_id = $4, sealed = $5, fingerprint = $6
         WHERE {connection} = $1 AND {option} = $2 AND {entry} = $3"
    );
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(row.connection)
        .bind(row.option.as_str())
        .bind(&row.entry)
        .bind(&by.key_id)
        .bind(&by.bytes)
        .bind(&by.fingerprint)
        .execute(at)
        .await
        .map_err(fault)?;
    Ok(())
}
