//! Connections: named, configured uses of a connector against a system.

use sqlx::{Row as _, SqliteConnection, SqliteExecutor, sqlite::SqliteRow};

use super::Store;
use super::fault::fault;
use super::numbers::{from_json, instant, json, limit, next_number, parsed};
use super::secured::{Held, SecuredEdit, apply, clear_all, held};
use super::systems::check_revision;
use super::tasks::cancel_tasks;
use crate::model::{Connection, ConnectionId, Error, FailureKind, Result, Stored, Switches, SystemId, TaskState};

/// The columns of a stored connection; the system's id comes in its own spelling.
const SELECT: &str = "SELECT c.id, s.id AS system_id, c.connector, c.version, c.title, c.options, c.directories,
    c.destinations, c.thresholds, c.switches, c.revision, c.created, c.changed
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
        insert(&mut tx, self.now(), connection, secured).await?;
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
        let erased = update(&mut tx, self.now(), connection, if_match, secured).await?;
        self.database.commit_erasing(tx, erased).await?;
        self.connection(&connection.id).await
    }

    /// Sets switches of the connection to what `edit` makes of them; a disabled one's tasks are cancelled. `stale` if
    /// `if_match` is no longer its revision.
    pub async fn switch_connection(
        &self,
        id: &ConnectionId,
        if_match: Option<i64>,
        edit: impl FnOnce(Switches) -> Switches + Send,
    ) -> Result<Stored<Connection>> {
        let mut tx = self.database.write_erasing().await?;
        let (number, revision) = identify(&mut tx, id).await?;
        check_revision("connection", id.as_str(), revision, if_match)?;
        let switches = edit(read(&mut *tx, id).await?.value.switches);
        sqlx::query("UPDATE connection SET switches = $2, revision = revision + 1, changed = $3 WHERE number = $1")
            .bind(number)
            .bind(json(&switches)?)
            .bind(self.now())
            .execute(&mut *tx)
            .await
            .map_err(fault)?;
        let erased = stop_if_disabled(&mut tx, number, switches, self.now()).await?;
        self.database.commit_erasing(tx, erased).await?;
        self.connection(id).await
    }

    /// Deletes the connection and everything imported through it: gone at once for every reader, removed by the next
    /// [`Store::sweep`]; its secured options are removed at once. `conflict` while a task of it runs that would lose
    /// something (a refresh of its schema does not), `stale` if `if_match` is no longer its revision.
    pub async fn delete_connection(&self, id: &ConnectionId, if_match: Option<i64>) -> Result<()> {
        let mut tx = self.database.write_erasing().await?;
        let erased = remove(&mut tx, self.now(), id, if_match).await?;
        self.database.commit_erasing(tx, erased).await
    }
}

/// Adds a connection, inside a transaction.
pub(super) async fn insert(
    at: &mut SqliteConnection,
    now: i64,
    connection: &Connection,
    secured: impl FnOnce(&Held) -> Result<Vec<SecuredEdit>> + Send,
) -> Result<()> {
    require_system(&mut *at, &connection.system).await?;
    let number = next_number(&mut *at, "connection").await?;
    let done = sqlx::query(
        "INSERT INTO connection (number, folded, id, managed_system, connector, version, title, options,
            directories, destinations, thresholds, switches, revision, created, changed, configured, published_run,
            last_position)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $13, 1, $12, $12, $12, NULL,
            COALESCE((SELECT position + 1 FROM left_position WHERE folded = $2), 0)) ON CONFLICT DO NOTHING",
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
    .bind(now)
    .bind(json(&connection.switches)?)
    .execute(&mut *at)
    .await
    .map_err(fault)?;
    if done.rows_affected() == 0 {
        let message = format!("the connection {} exists already", connection.id);
        return Err(Error::failure(FailureKind::Conflict, message));
    }
    let held = held(&mut *at, &connection.id).await?;
    apply(&mut *at, number, &secured(&held)?).await?;
    Ok(())
}

/// Replaces what a connection says, inside a transaction; whether something secured changed.
pub(super) async fn update(
    at: &mut SqliteConnection,
    now: i64,
    connection: &Connection,
    if_match: Option<i64>,
    secured: impl FnOnce(&Held) -> Result<Vec<SecuredEdit>> + Send,
) -> Result<bool> {
    let (number, revision) = identify(&mut *at, &connection.id).await?;
    check_revision("connection", connection.id.as_str(), revision, if_match)?;
    require_system(&mut *at, &connection.system).await?;
    let held = held(&mut *at, &connection.id).await?;
    let edits = secured(&held)?;
    apply(&mut *at, number, &edits).await?;
    withdraw_from_another(&mut *at, number, connection).await?;
    sqlx::query(
        "UPDATE connection SET managed_system = $2, connector = $3, version = $4, title = $5, options = $6,
            directories = $7, destinations = $8, thresholds = $9, switches = $11, revision = revision + 1,
            changed = $10, configured = CASE WHEN connector = $3 AND version = $4 AND options = $6
                AND directories = $7 AND destinations = $8 THEN configured ELSE $10 END
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
    .bind(now)
    .bind(json(&connection.switches)?)
    .execute(&mut *at)
    .await
    .map_err(fault)?;
    let stopped = stop_if_disabled(&mut *at, number, connection.switches, now).await?;
    Ok(stopped || !edits.is_empty())
}

/// Deletes a connection, inside a transaction; whether something secured went with it.
pub(super) async fn remove(
    at: &mut SqliteConnection,
    now: i64,
    id: &ConnectionId,
    if_match: Option<i64>,
) -> Result<bool> {
    let (number, revision) = identify(&mut *at, id).await?;
    check_revision("connection", id.as_str(), revision, if_match)?;
    let running: Option<String> = sqlx::query_scalar(
        "SELECT MIN(id) FROM task WHERE connection = $1 AND state = 'running' AND kind <> 'refresh-schema'",
    )
    .bind(number)
    .fetch_one(&mut *at)
    .await
    .map_err(fault)?;
    if let Some(task) = running {
        let message = format!("the task {task} of the connection {id} is running; cancel it first");
        return Err(Error::failure(FailureKind::Conflict, message));
    }
    let cleared = clear_all(at, number).await?;
    let open = [TaskState::Queued, TaskState::Running, TaskState::Paused, TaskState::Held];
    let erased = cancel_tasks(at, number, &open, now).await?;
    for statement in [
        "INSERT OR REPLACE INTO left_position (folded, position)
            SELECT folded, last_position FROM connection WHERE number = $1 AND last_position > 0",
        "UPDATE connection SET folded = NULL, managed_system = NULL, published_run = NULL WHERE number = $1",
        "UPDATE run SET state = 'discarded' WHERE connection = $1",
    ] {
        sqlx::query(statement).bind(number).execute(&mut *at).await.map_err(fault)?;
    }
    Ok(erased || cleared > 0)
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

/// What waits for a disabled connection is cancelled, what runs is asked to stop; what is held stays. Whether anything
/// was erased.
async fn stop_if_disabled(at: &mut SqliteConnection, number: i64, switches: Switches, now: i64) -> Result<bool> {
    if switches.enabled {
        return Ok(false);
    }
    sqlx::query("UPDATE task SET cancel_requested = TRUE WHERE connection = $1 AND state = 'running'")
        .bind(number)
        .execute(&mut *at)
        .await
        .map_err(fault)?;
    cancel_tasks(at, number, &[TaskState::Queued, TaskState::Paused], now).await
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
        switches: from_json("set of switches", &text("switches")?)?,
    };
    let revision = row.try_get("revision").map_err(fault)?;
    Ok(Stored { value, revision, created: time("created")?, changed: time("changed")? })
}
