//! What refreshes said a connection's target looks like, each version once, and how the last attempt went.
//!
//! A refresh that finds nothing different extends the version in use; one that does begins another. The last
//! [`SNAPSHOTS_MAX`] versions are kept, to be compared.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::Store;
use super::connections::identify;
use super::fault::fault;
use super::numbers::{from_json, instant, json, limit, maybe_instant};
use crate::model::schema::diff::SchemaDiff;
use crate::model::{ConnectionId, Error, FailureKind, Result, Schema, SchemaFailure, SchemaSnapshot, SchemaStatus};

/// Versions of a connection's schema that are kept.
const SNAPSHOTS_MAX: i64 = 50;

const NEWEST: &str = "(SELECT MAX(number) FROM schema_snapshot WHERE connection = c.number)";

type Columns = (Option<String>, Option<i64>, Option<i64>, bool, Option<i64>, Option<String>, Option<String>);

impl Store {
    /// Keeps a schema that somebody began to read at `began`; an earlier failure is forgotten. Answers what changed, if
    /// something did. `conflict` if the connection was deleted and made anew meanwhile.
    ///
    /// As of that time it is kept: what was configured later was not asked.
    pub async fn put_schema(&self, connection: &ConnectionId, schema: &Schema, began: Timestamp) -> Result<SchemaDiff> {
        let mut tx = self.database.write().await?;
        let now = began.as_microsecond();
        let number = identify(&mut tx, connection).await?.0;
        require_older(&mut tx, connection, number, now).await?;
        let connection = number;
        let newest = newest(&mut tx, connection).await?;
        let diff = match &newest {
            Some((_, before)) => SchemaDiff::between(before, schema),
            None => SchemaDiff::default(),
        };
        match newest {
            Some((number, _)) if diff.is_empty() => extend(&mut tx, connection, number, now).await?,
            newest => add(&mut tx, connection, newest.map_or(1, |(number, _)| number + 1), schema, now).await?,
        }
        sqlx::query(
            "INSERT INTO connection_schema (connection, refreshed) VALUES ($1, $2)
             ON CONFLICT (connection) DO UPDATE SET refreshed = excluded.refreshed,
                failed_at = NULL, failed_kind = NULL, failed_message = NULL",
        )
        .bind(connection)
        .bind(now)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        tx.commit().await.map_err(fault)?;
        Ok(diff)
    }

    /// Notes that a refresh failed; the last good schema stays.
    pub async fn schema_failed(&self, connection: &ConnectionId, error: &Error) -> Result<()> {
        let mut tx = self.database.write().await?;
        let (number, _) = identify(&mut tx, connection).await?;
        sqlx::query(
            "INSERT INTO connection_schema (connection, failed_at, failed_kind, failed_message)
             VALUES ($1, $2, $3, $4)
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

    /// Notes whether the connection's target answered in time when it was last asked.
    pub async fn note_slow(&self, connection: &ConnectionId, slow: bool) -> Result<()> {
        let mut tx = self.database.write().await?;
        let (number, _) = identify(&mut tx, connection).await?;
        sqlx::query(
            "INSERT INTO connection_schema (connection, slow) VALUES ($1, $2)
             ON CONFLICT (connection) DO UPDATE SET slow = excluded.slow",
        )
        .bind(number)
        .bind(slow)
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        tx.commit().await.map_err(fault)
    }

    /// What is known of the connection's schema; none before the first attempt.
    pub async fn schema(&self, connection: &ConnectionId) -> Result<Option<SchemaStatus>> {
        let sql = format!(
            "SELECT n.classes, n.number, s.refreshed, COALESCE(s.refreshed >= c.configured, FALSE), s.failed_at,
                s.failed_kind, s.failed_message
             FROM connection_schema s JOIN connection c ON c.number = s.connection
             LEFT JOIN schema_snapshot n ON n.connection = c.number AND n.number = {NEWEST} WHERE c.folded = $1"
        );
        let found: Option<Columns> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(connection.folded())
            .fetch_optional(self.database.reader())
            .await
            .map_err(fault)?;
        found.map(status).transpose()
    }

    /// Versions of the connection's schema before `before`, newest first.
    pub async fn schema_snapshots(
        &self,
        connection: &ConnectionId,
        before: Option<i64>,
        at_most: u32,
    ) -> Result<Vec<SchemaSnapshot>> {
        let rows: Vec<(i64, i64, i64)> = sqlx::query_as(
            "SELECT n.number, n.first_read, n.last_read FROM schema_snapshot n
             JOIN connection c ON c.number = n.connection
             WHERE c.folded = $1 AND n.number < $2 ORDER BY n.number DESC LIMIT $3",
        )
        .bind(connection.folded())
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit(at_most))
        .fetch_all(self.database.reader())
        .await
        .map_err(fault)?;
        let snapshot = |(number, first, last)| {
            Ok(SchemaSnapshot { number, first_read: instant(first)?, last_read: instant(last)? })
        };
        rows.into_iter().map(snapshot).collect()
    }

    /// One version of the connection's schema. `not-found` if it has no such version, or it is no longer kept.
    pub async fn schema_snapshot(&self, connection: &ConnectionId, number: i64) -> Result<Schema> {
        let classes: Option<String> = sqlx::query_scalar(
            "SELECT n.classes FROM schema_snapshot n JOIN connection c ON c.number = n.connection
             WHERE c.folded = $1 AND n.number = $2",
        )
        .bind(connection.folded())
        .bind(number)
        .fetch_optional(self.database.reader())
        .await
        .map_err(fault)?;
        let missing = || Error::not_found(format!("the schema of {connection} has no version {number}, or no longer"));
        from_json("schema", &classes.ok_or_else(missing)?)
    }
}

/// Refuses what was read before the connection was made: it is another one of the same name.
async fn require_older(at: &mut SqliteConnection, id: &ConnectionId, number: i64, began: i64) -> Result<()> {
    let created: i64 = sqlx::query_scalar("SELECT created FROM connection WHERE number = $1")
        .bind(number)
        .fetch_one(at)
        .await
        .map_err(fault)?;
    if created <= began {
        return Ok(());
    }
    let message = format!("the connection {id} was deleted and made anew while its schema was read; read it again");
    Err(Error::failure(FailureKind::Conflict, message))
}

async fn newest(at: &mut SqliteConnection, connection: i64) -> Result<Option<(i64, Schema)>> {
    let found: Option<(i64, String)> = sqlx::query_as(
        "SELECT number, classes FROM schema_snapshot WHERE connection = $1 ORDER BY number DESC LIMIT 1",
    )
    .bind(connection)
    .fetch_optional(at)
    .await
    .map_err(fault)?;
    found.map(|(number, classes)| Ok((number, from_json("schema", &classes)?))).transpose()
}

async fn extend(at: &mut SqliteConnection, connection: i64, number: i64, now: i64) -> Result<()> {
    sqlx::query("UPDATE schema_snapshot SET last_read = $3 WHERE connection = $1 AND number = $2")
        .bind(connection)
        .bind(number)
        .bind(now)
        .execute(at)
        .await
        .map_err(fault)?;
    Ok(())
}

async fn add(at: &mut SqliteConnection, connection: i64, number: i64, schema: &Schema, now: i64) -> Result<()> {
    sqlx::query(
        "INSERT INTO schema_snapshot (connection, number, classes, first_read, last_read) VALUES ($1, $2, $3, $4, $4)",
    )
    .bind(connection)
    .bind(number)
    .bind(json(schema)?)
    .bind(now)
    .execute(&mut *at)
    .await
    .map_err(fault)?;
    sqlx::query("DELETE FROM schema_snapshot WHERE connection = $1 AND number <= $2")
        .bind(connection)
        .bind(number - SNAPSHOTS_MAX)
        .execute(at)
        .await
        .map_err(fault)?;
    Ok(())
}

fn status((classes, number, refreshed, current, failed_at, kind, message): Columns) -> Result<SchemaStatus> {
    let failure = |at| SchemaFailure { at, kind: kind.unwrap_or_default(), message: message.unwrap_or_default() };
    Ok(SchemaStatus {
        schema: classes.map(|classes| from_json("schema", &classes)).transpose()?.unwrap_or_default(),
        snapshot: number,
        refreshed: maybe_instant(refreshed)?,
        current,
        failed: maybe_instant(failed_at)?.map(failure),
    })
}
