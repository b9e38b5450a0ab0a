//! Many changes of the configuration at once: all of them, or none.

use jiff::Timestamp;

use super::publishers::PublisherKey;
use super::secured::{Held, SecuredEdit};
use super::{Store, connections, mappings, permissions, publishers, schedules, systems};
use crate::model::{
    Connection, ConnectionId, KeptMapping, KeyId, MappingId, Permissions, PublisherName, Result, Schedule, ScheduleId,
    System, SystemId,
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
    /// By the token of that name.
    Permit {
        connection: ConnectionId,
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
        let now = self.now();
        let mut tx = self.database.write_erasing().await?;
        let mut erased = false;
        for edit in edits {
            match edit {
                ConfigEdit::Trust(key) => publishers::insert(&mut tx, &key).await?,
                ConfigEdit::Distrust(publisher, key) => publishers::remove(&mut tx, &publisher, &key).await?,
                ConfigEdit::CreateSystem(system) => systems::insert(&mut tx, now, &system).await?,
                ConfigEdit::ReplaceSystem(system, seen) => systems::update(&mut tx, now, &system, Some(seen)).await?,
                ConfigEdit::DeleteSystem(id, seen) => systems::remove(&mut tx, &id, Some(seen)).await?,
                ConfigEdit::CreateConnection(connection, secured) => {
                    connections::insert(&mut tx, now, &connection, secured).await?;
                }
                ConfigEdit::ReplaceConnection(connection, seen, secured) => {
                    erased |= connections::update(&mut tx, now, &connection, Some(seen), secured).await?;
                }
                ConfigEdit::DeleteConnection(id, seen) => {
                    erased |= connections::remove(&mut tx, self.now(), &id, Some(seen)).await?;
                }
                ConfigEdit::Permit { connection, approve, withdraw, by } => {
                    permissions::change(&mut tx, now, &connection, &approve, &withdraw, &by).await?;
                }
                ConfigEdit::CreateMapping(mapping) => mappings::insert(&mut tx, now, &mapping).await?,
                ConfigEdit::ReplaceMapping(mapping, seen) => {
                    mappings::update(&mut tx, now, &mapping, Some(seen)).await?;
                }
                ConfigEdit::DeleteMapping(id, seen) => mappings::remove(&mut tx, &id, Some(seen)).await?,
                ConfigEdit::CreateSchedule(schedule, next) => {
                    schedules::insert(&mut tx, now, &schedule, next).await?;
                }
                ConfigEdit::ReplaceSchedule(schedule, next, seen) => {
                    schedules::update(&mut tx, now, &schedule, next, Some(seen)).await?;
                }
                ConfigEdit::DeleteSchedule(id, seen) => schedules::remove(&mut tx, &id, Some(seen)).await?,
            }
        }
        self.database.commit_erasing(tx, erased).await
    }
}
