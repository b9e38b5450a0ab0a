//! What each connection's last refresh said the target looks like, and how the last attempt went.

use super::Store;
use super::connections::identify;
use super::fault::fault;
use super::numbers::{from_json, json, maybe_instant};
use crate::model::{ConnectionId, Error, Result, Schema, SchemaFailure, SchemaStatus};

type Columns = (String, Option<i64>, Option<i64>, Option<String>, Option<String>);

impl Store {
    /// Stores a refreshed schema; an earlier failure is forgotten.
    pub async fn put_schema(&self, connection: &ConnectionId, schema: &Schema) -> Result<()> {
        let mut tx = self.database.write().await?;
        let (number, _) = identify(&mut tx, connection).await?;
        sqlx::query(
            "INSERT INTO connection_schema (connection, classes, refreshed) VALUES ($1, $2, $3)
             ON CONFLICT (connection) DO UPDATE SET classes = excluded.classes, refreshed = excluded.refreshed,
                failed_at = NULL, failed_kind = NULL, failed_message = NULL",
        )
        .bind(number)
        .bind(json(schema)?)
        .bind(self.now())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        tx.commit().await.map_err(fault)
    }

    /// Notes that a refresh failed; the last good schema stays.
    pub async fn schema_failed(&self, connection: &ConnectionId, error: &Error) -> Result<()> {
        let mut tx = self.database.write().await?;
        let (number, _) = identify(&mut tx, connection).await?;
        sqlx::query(
            "INSERT INTO connection_schema (connection, classes, failed_at, failed_kind, failed_message)
             VALUES ($1, '[]', $2, $3, $4)
             ON CONFLICT (connection) DO UPDATE SET failed_at = excluded.failed_at,
                failed_kind = excluded.failed_kind, failed_message = excluded.failed_message",
        )
        .bind(number)
        .bind(self.now())
        .bind(error.kind.as_str())
        .bind(&error.message)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        tx.commit().await.map_err(fault)
    }

    /// What is known of the connection's schema; none before the first refresh.
    pub async fn schema(&self, connection: &ConnectionId) -> Result<Option<SchemaStatus>> {
        let found: Option<Columns> = sqlx::query_as(
            "SELECT s.classes, s.refreshed, s.failed_at, s.failed_kind, s.failed_message
             FROM connection_schema s JOIN connection c ON c.number = s.connection WHERE c.folded = $1",
        )
        .bind(connection.folded())
        .fetch_optional(self.database.reader())
        .await
        .map_err(fault)?;
        found.map(status).transpose()
    }
}

fn status((classes, refreshed, failed_at, kind, message): Columns) -> Result<SchemaStatus> {
    let failure = |at| SchemaFailure { at, kind: kind.unwrap_or_default(), message: message.unwrap_or_default() };
    let failed = maybe_instant(failed_at)?.map(failure);
    Ok(SchemaStatus { schema: from_json("schema", &classes)?, refreshed: maybe_instant(refreshed)?, failed })
}
