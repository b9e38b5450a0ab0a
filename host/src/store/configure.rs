//! Many changes of the configuration at once: all of them, or none; or tried, and taken back.

use jiff::Timestamp;
use sqlx::SqliteConnection;

use super::fault::fault;
use super::publishers::PublisherKey;
use super::secured::{Held, SecuredEdit};
use super::systems::check_revision;
use super::{Store, connections, mappings, permissions, publishers, schedules, systems};
use crate::model::{
    Connection, ConnectionId, Error, KeptMapping, KeyId, MappingId, Permissions, PublisherName, Result, Schedule,
    ScheduleId, System, SystemId,
};

/// What a change makes of the secured options of a connection, once it sees what is there; it may refuse.
pub type SecuredChange = Box<dyn FnOnce(&Held) -> Result<Vec<SecuredEdit>> + Send>;

/// One change. Numbers are the revisions it was made for.
pub enum ConfigEdit {
    Trust(PublisherKey),
    Distrust(PublisherName, KeyId),
    CreateSystem(System),
    ReplaceSystem(System, i64),
    DeleteSystem(SystemId, i64),
    CreateConnection(Connection, SecuredChange),
    ReplaceConnection(Connection, i64, SecuredChange),
    DeleteConnection(ConnectionId, i64),
    /// By the token of that name; of what is not changed otherwise, with the revision it was made for.
    Permit {
        connection: ConnectionId,
        seen: Option<i64>,
        approve: Permissions,
        withdraw: Permissions,
        by: String,
    },
    CreateMapping(KeptMapping),
    ReplaceMapping(KeptMapping, i64),
    DeleteMapping(MappingId, i64),
    /// It runs at that time.
    CreateSchedule(Schedule, Option<Timestamp>),
    ReplaceSchedule(Schedule, Option<Timestamp>, i64),
    DeleteSchedule(ScheduleId, i64),
}

impl Store {
    /// Makes the changes in their order, in one transaction. The errors are those of each change alone; after one,
    /// nothing has changed.
    pub async fn configure(&self, edits: Vec<ConfigEdit>) -> Result<()> {
        let mut tx = self.database.write_erasing().await?;
        let erased = make(&mut tx, self.now(), edits).await?;
        self.database.commit_erasing(tx, erased).await
    }

    /// Tries the changes and takes them back. The errors are those of [`Store::configure`].
    pub async fn rehearse(&self, edits: Vec<ConfigEdit>) -> Result<()> {
        let mut tx = self.database.write().await?;
        make(&mut tx, self.now(), edits).await?;
        tx.rollback().await.map_err(fault)
    }
}

/// Makes the changes, inside a transaction; whether something secured is gone.
async fn make(tx: &mut SqliteConnection, now: i64, edits: Vec<ConfigEdit>) -> Result<bool> {
    let mut erased = false;
    for edit in edits {
        match edit {
            ConfigEdit::Trust(key) => publishers::insert(&mut *tx, &key).await?,
            ConfigEdit::Distrust(publisher, key) => publishers::remove(&mut *tx, &publisher, &key).await?,
            ConfigEdit::CreateSystem(system) => systems::insert(&mut *tx, now, &system).await?,
            ConfigEdit::ReplaceSystem(system, seen) => systems::update(&mut *tx, now, &system, Some(seen)).await?,
            ConfigEdit::DeleteSystem(id, seen) => systems::remove(&mut *tx, &id, Some(seen)).await?,
            ConfigEdit::CreateConnection(connection, secured) => {
                let made = connections::insert(&mut *tx, now, &connection, secured).await;
                made.map_err(|error| of(&connection.id, error))?;
            }
            ConfigEdit::ReplaceConnection(connection, seen, secured) => {
                let made = connections::update(&mut *tx, now, &connection, Some(seen), secured).await;
                erased |= made.map_err(|error| of(&connection.id, error))?;
            }
            ConfigEdit::DeleteConnection(id, seen) => {
                let made = connections::remove(&mut *tx, now, &id, Some(seen)).await;
                erased |= made.map_err(|error| of(&id, error))?;
            }
            ConfigEdit::Permit { connection, seen, approve, withdraw, by } => {
                if seen.is_some() {
                    let (_, revision) = connections::identify(&mut *tx, &connection).await?;
                    check_revision("connection", connection.as_str(), revision, seen)?;
                }
                let made = permissions::change(&mut *tx, now, &connection, &approve, &withdraw, &by).await;
                made.map_err(|error| of(&connection, error))?;
            }
            ConfigEdit::CreateMapping(mapping) => mappings::insert(&mut *tx, now, &mapping).await?,
            ConfigEdit::ReplaceMapping(mapping, seen) => {
                mappings::update(&mut *tx, now, &mapping, Some(seen)).await?;
            }
            ConfigEdit::DeleteMapping(id, seen) => mappings::remove(&mut *tx, &id, Some(seen)).await?,
            ConfigEdit::CreateSchedule(schedule, next) => {
                schedules::insert(&mut *tx, now, &schedule, next).await?;
            }
            ConfigEdit::ReplaceSchedule(schedule, next, seen) => {
                schedules::update(&mut *tx, now, &schedule, next, Some(seen)).await?;
            }
            ConfigEdit::DeleteSchedule(id, seen) => schedules::remove(&mut *tx, &id, Some(seen)).await?,
        }
    }
    Ok(erased)
}

/// The fault of one change among many, with what it is of.
fn of(connection: &ConnectionId, error: Error) -> Error {
    let message = format!("the connection {connection}: {}", error.message);
    Error { message, ..error }.blaming(format!("connections.{connection}"))
}
