//! Outputs: up to where the tables of a connection were written, by the place they were written to.
//!
//! Invariant: a position is noted only for files that are whole, and never goes back.

use std::collections::HashMap;

use super::Store;
use super::connections::identify;
use super::fault::fault;
use crate::model::{ConnectionId, Position, Result, TableSuffix};

/// A table that was written, up to a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenTable {
    pub suffix: Option<TableSuffix>,
    pub position: Position,
}

impl WrittenTable {
    /// How the table is found again: its suffix without regard to case, nothing where it has none.
    pub fn key(suffix: Option<&TableSuffix>) -> String {
        suffix.map(TableSuffix::folded).unwrap_or_default()
    }
}

impl Store {
    /// Up to where the connection's tables were written to a location, by [`WrittenTable::key`].
    pub async fn written(&self, connection: &ConnectionId, location: &str) -> Result<HashMap<String, Position>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT w.suffix, w.position FROM written w JOIN connection c ON c.number = w.connection
             WHERE c.folded = $1 AND w.location = $2",
        )
        .bind(connection.folded())
        .bind(location)
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        Ok(rows.into_iter().map(|(suffix, position)| (suffix, Position(position))).collect())
    }

    /// Notes that tables were written to a location.
    pub async fn note_written(&self, connection: &ConnectionId, location: &str, tables: &[WrittenTable]) -> Result<()> {
        let mut tx = self.database.write().await?;
        let (number, _) = identify(&mut tx, connection).await?;
        for table in tables {
            sqlx::query(
                "INSERT INTO written (connection, location, suffix, position) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (connection, location, suffix) DO UPDATE SET position = MAX(position, excluded.position)",
            )
            .bind(number)
            .bind(location)
            .bind(WrittenTable::key(table.suffix.as_ref()))
            .bind(table.position.0)
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        }
        tx.commit().await.map_err(fault)
    }
}
