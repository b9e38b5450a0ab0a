//! Connections: named, configured uses of a connector against a system.

use sqlx::{Row as _, SqliteConnection, SqliteExecutor, sqlite::SqliteRow};

use super::Store;
use super::fault::fault;
use super::numbers::{from_json, instant, json, limit, next_number, parsed};
use super::secured::{Held, SecuredEdit, apply, held};
use super::systems::check_revision;
use crate::model::{Connection, ConnectionId, Error, FailureKind, Result, Stored, SystemId};

/// The columns of a stored connection; the system's id comes in its own spelling.
const SELECT: &str = "SELECT c.id, s.id AS system_id, c.connector, c.version, c.title, c.options, c.directories,
    c.destinations, c.thresholds, c.revision, c.created, c.changed
    FROM connection c JOIN managed_system s ON s.folded = c.managed_system";

impl Store {
    /// Stores a new connection, with the secured options that `secured` makes once its number is known. `conflict` if
    /// its id is taken, without regard to case; `invalid-request` if its system does not exist.
    pub async fn create_connection(
        &self,
        connection: &Connection,
        secured: impl FnOnce(&Held) -> Result<Vec<SecuredEdit>> + Send,
    ) -> Result<Stored<Connection>> {
        let mut tx = self.database.write().await?;
        require_system(&mut tx, &connection.system).await?;
        let number = next_number(&mut tx, "connection").await?;
        let done = sqlx::query(
            "INSERT INTO connection (number, folded, id, managed_system, connector, version, title, options,
                directories, destinations, thresholds, revision, created, changed, published_run, last_position)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $12, NULL, 0) ON CONFLICT DO NOTHING",
        )
        .bind(number)
        .bind(connection.id.folded())
        .bind(connection.id.as_str())
        .bind(connection.system.folded())
        .bind(connection.connector.as_str())
        .bind(connection.version.to_string())
        .bind(&connection.title)
        .bind(json(&connection.options)?)
        .bind(json(&connection.directories)?)
        .bind(json(&connection.destinations)?)
        .bind(json(&connection.thresholds)?)
        .bind(self.now())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        if done.rows_affected() == 0 {
            let message = format!("the connection {} exists already", connection.id);
            return Err(Error::failure(FailureKind::Conflict, message));
        }
        let held = held(&mut tx, &connection.id).await?;
        apply(&mut tx, number, &secured(&held)?).await?;
        tx.commit().await.map_err(fault)?;
        self.connection(&connection.id).await
    }

    /// The connection of that id, found without regard to case. `not-found` if there is none.
    pub async fn connection(&self, id: &ConnectionId) -> Result<Stored<Connection>> {
        read(self.database.reader(), id).await
    }

    /// Connections after `after`, of one system or of all, ordered by id without regard to case.
    pub async fn connections(
        &self,
        system: Option<&SystemId>,
        after: Option<&ConnectionId>,
        at_most: u32,
    ) -> Result<Vec<Stored<Connection>>> {
        let sql = format!(
            "{SELECT} WHERE c.folded > $1 AND c.managed_system = COALESCE($2, c.managed_system)
             ORDER BY c.folded LIMIT $3"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(after.map(ConnectionId::folded).unwrap_or_default())
            .bind(system.map(SystemId::folded))
            .bind(limit(at_most))
            .fetch_all(self.database.reader())
            .await
            .map_err(fault)?;
        rows.iter().map(connection).collect()
    }

    /// Replaces what the connection of that id says; its imports stay, and its secured options become what `secured`
    /// says, who sees what was there before and may refuse. `stale` if `if_match` is no longer its revision.
    pub async fn replace_connection(
        &self,
        connection: &Connection,
        if_match: Option<i64>,
        secured: impl FnOnce(&Held) -> Result<Vec<SecuredEdit>> + Send,
    ) -> Result<Stored<Connection>> {
        let mut tx = self.database.write_erasing().await?;
        let (number, revision) = identify(&mut tx, &connection.id).await?;
        check_revision("connection", connection.id.as_str(), revision, if_match)?;
        require_system(&mut tx, &connection.system).await?;
        let held = held(&mut tx, &connection.id).await?;
        let edits = secured(&held)?;
        apply(&mut tx, number, &edits).await?;
        withdraw_from_another(&mut tx, number, connection).await?;
        sqlx::query(
            "UPDATE connection SET managed_system = $2, connector = $3, version = $4, title = $5, options = $6,
                directories = $7, destinations = $8, thresholds = $9, revision = revision + 1, changed = $10
             WHERE number = $1",
        )
        .bind(number)
        .bind(connection.system.folded())
        .bind(connection.connector.as_str())
        .bind(connection.version.to_string())
        .bind(&connection.title)
        .bind(json(&connection.options)?)
        .bind(json(&connection.directories)?)
        .bind(json(&connection.destinations)?)
        .bind(json(&connection.thresholds)?)
        .bind(self.now())
        .execute(&mut *tx)
        .await
        .map_err(fault)?;
        self.database.commit_erasing(tx, !edits.is_empty()).await?;
        self.connection(&connection.id).await
    }

    /// Deletes the connection and everything imported through it: gone at once for every reader, removed by the next
    /// [`Store::sweep`]; its secured options are removed at once. `conflict` while a task of it runs, `stale` if `if_match` is no longer its revision.
    pub async fn delete_connection(&self, id: &ConnectionId, if_match: Option<i64>) -> Result<()> {
        let mut tx = self.database.write_erasing().await?;
        let (number, revision) = identify(&mut tx, id).await?;
        check_revision("connection", id.as_str(), revision, if_match)?;
        let running: Option<String> =
            sqlx::query_scalar("SELECT MIN(id) FROM task WHERE connection = $1 AND state = 'running'")
                .bind(number)
                .fetch_one(&mut *tx)
                .await
                .map_err(fault)?;
        if let Some(task) = running {
            let message = format!("the task {task} of the connection {id} is running; cancel it first");
            return Err(Error::failure(FailureKind::Conflict, message));
        }
        let cleared = sqlx::query("DELETE FROM secured_option WHERE connection = $1").bind(number);
        let cleared = cleared.execute(&mut *tx).await.map_err(fault)?.rows_affected();
        for statement in [
            "UPDATE connection SET folded = NULL, managed_system = NULL, published_run = NULL WHERE number = $1",
            "UPDATE run SET state = 'discarded' WHERE connection = $1",
            "UPDATE task_order SET state = 'skipped', key_id = NULL, sealed = NULL
             WHERE state = 'pending' AND task IN (SELECT id FROM task WHERE connection = $1)",
            "UPDATE task SET state = 'cancelled' WHERE connection = $1 AND state IN ('queued', 'paused', 'held')",
        ] {
            sqlx::query(statement).bind(number).execute(&mut *tx).await.map_err(fault)?;
        }
        self.database.commit_erasing(tx, cleared > 0).await
    }
}

/// The connection of that id, inside a transaction or not.
pub(super) async fn read(at: impl SqliteExecutor<'_>, id: &ConnectionId) -> Result<Stored<Connection>> {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} WHERE c.folded = $1")))
        .bind(id.folded())
        .fetch_optional(at)
        .await
        .map_err(fault)?;
    connection(&row.ok_or_else(|| missing(id))?)
}

/// What was approved for one publisher's connector was not approved for another's.
async fn withdraw_from_another(at: &mut SqliteConnection, number: i64, connection: &Connection) -> Result<()> {
    sqlx::query(
        "DELETE FROM connection_permission WHERE connection = $1
         AND (SELECT connector FROM connection WHERE number = $1) <> $2",
    )
    .bind(number)
    .bind(connection.connector.as_str())
    .execute(at)
    .await
    .map_err(fault)?;
    Ok(())
}

/// The connection's number and revision, inside a transaction.
pub(super) async fn identify(at: &mut SqliteConnection, id: &ConnectionId) -> Result<(i64, i64)> {
    let found: Option<(i64, i64)> = sqlx::query_as("SELECT number, revision FROM connection WHERE folded = $1")
        .bind(id.folded())
        .fetch_optional(at)
        .await
        .map_err(fault)?;
    found.ok_or_else(|| missing(id))
}

async fn require_system(at: &mut SqliteConnection, id: &SystemId) -> Result<()> {
    let found: Option<String> = sqlx::query_scalar("SELECT id FROM managed_system WHERE folded = $1")
        .bind(id.folded())
        .fetch_optional(at)
        .await
        .map_err(fault)?;
    found
        .map(|_| ())
        .ok_or_else(|| Error::invalid(format!("there is no system {id}; create it first")).blaming("system"))
}

fn missing(id: &ConnectionId) -> Error {
    Error::not_found(format!("there is no connection {id}"))
}

fn connection(row: &SqliteRow) -> Result<Stored<Connection>> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(fault);
    let time = |column: &str| row.try_get::<i64, _>(column).map_err(fault).and_then(instant);
    let value = Connection {
        id: parsed("connection identifier", &text("id")?)?,
        system: parsed("system identifier", &text("system_id")?)?,
        connector: parsed("connector name", &text("connector")?)?,
        version: parsed("version requirement", &text("version")?)?,
        title: text("title")?,
        options: from_json("set of options", &text("options")?)?,
        directories: from_json("set of directories", &text("directories")?)?,
        destinations: from_json("set of destinations", &text("destinations")?)?,
        thresholds: from_json("set of thresholds", &text("thresholds")?)?,
    };
    let revision = row.try_get("revision").map_err(fault)?;
    Ok(Stored { value, revision, created: time("created")?, changed: time("changed")? })
}
