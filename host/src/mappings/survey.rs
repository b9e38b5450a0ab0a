//! What definitions are held against: the tables of connections, each described once, and the other mappings.
//!
//! What is wrong and what is not known yet are two things. A definition that was declared before its connection's schema
//! was read is checked as far as that goes, and looked at again later.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::check::{Known, Table, check};
use super::flaws::{Flaw, require_right, unknown};
use super::source::{Described, TableSource};
use super::uses::{connections_of, connections_used, mappings_used};
use crate::model::{ConnectionId, EntityMapping, ErrorKind, FailureKind, Mapping, Result, Schema};

/// What there will be, where that is not what there is.
#[derive(Clone, Debug, Default)]
pub struct Ahead {
    /// All entity mappings.
    pub entities: Vec<EntityMapping>,
    /// All connections by their folded identifiers. True: it is going to be made or changed, so that nothing is known of
    /// its tables.
    pub connections: BTreeMap<String, bool>,
}

/// How a definition stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// What is wrong with it, whatever will be known.
    pub flaws: Vec<Flaw>,
    /// What could not be looked at, and what has to be done first.
    pub unknown: Vec<Flaw>,
}

/// Connections and mappings, looked at when they are named.
pub(super) struct Survey {
    source: Arc<dyn TableSource>,
    entities: Vec<EntityMapping>,
    /// None: what there is.
    ahead: Option<BTreeMap<String, bool>>,
    /// By folded identifier.
    seen: HashMap<String, Seen>,
}

/// What was found where a connection should be.
enum Seen {
    Known(Described),
    Unknown(Flaw),
    Missing(Flaw),
}

/// What a definition and the mappings it names can name.
#[derive(Default)]
struct Around {
    tables: Vec<Table>,
    schema: Option<Schema>,
    missing: Vec<Flaw>,
    unknown: Vec<Flaw>,
    open: Vec<ConnectionId>,
}

impl Standing {
    /// Is all that it names there?
    pub const fn is_verified(&self) -> bool {
        self.flaws.is_empty() && self.unknown.is_empty()
    }

    /// What keeps it from being verified.
    pub fn into_flaws(self) -> Vec<Flaw> {
        let mut flaws = self.unknown;
        flaws.extend(self.flaws);
        flaws
    }
}

impl Survey {
    /// Of what there is; `entities` are the mappings that others may name.
    pub(super) fn new(source: Arc<dyn TableSource>, entities: Vec<EntityMapping>) -> Self {
        Self { source, entities, ahead: None, seen: HashMap::new() }
    }

    /// Of what there will be.
    pub(super) fn ahead(source: Arc<dyn TableSource>, ahead: Ahead) -> Self {
        Self { source, entities: ahead.entities, ahead: Some(ahead.connections), seen: HashMap::new() }
    }

    /// Holds a definition against it.
    pub(super) async fn hold(&mut self, mapping: &Mapping) -> Result<Standing> {
        let Around { tables, schema, missing, unknown, open } = self.around(mapping).await?;
        let known = Known { tables: &tables, entities: &self.entities, schema: schema.as_ref(), open: &open };
        let mut flaws = missing;
        flaws.extend(check(mapping, Some(&known)));
        Ok(Standing { flaws, unknown })
    }

    /// What `make` makes of what is known around a definition.
    ///
    /// # Errors
    /// Its own; `configuration` if nothing is known of a connection.
    pub(super) async fn within<T>(
        mut self,
        mapping: &Mapping,
        make: impl FnOnce(&Known<'_>) -> Result<T>,
    ) -> Result<T> {
        let around = self.settled(mapping).await?;
        make(&Known { tables: &around.tables, entities: &self.entities, schema: around.schema.as_ref(), open: &[] })
    }

    /// The same, if an entity mapping were this one.
    pub(super) fn with(mut self, new: &EntityMapping) -> Self {
        let folded = new.id.folded();
        self.entities.iter_mut().filter(|known| known.id.folded() == folded).for_each(|known| known.clone_from(new));
        self
    }

    /// All tables a definition reads or looks something up in, and the entity mappings there are.
    ///
    /// # Errors
    /// `configuration` if nothing is known of a connection.
    pub(super) async fn tables(mut self, mapping: &Mapping) -> Result<(Vec<Table>, Vec<EntityMapping>)> {
        Ok((self.settled(mapping).await?.tables, self.entities))
    }

    /// What is around a definition, if all of it is known.
    async fn settled(&mut self, mapping: &Mapping) -> Result<Around> {
        let mut around = self.around(mapping).await?;
        around.unknown.append(&mut around.missing);
        require_right(&around.unknown)?;
        Ok(around)
    }

    /// Does a definition, or a mapping it names, name that connection?
    pub(super) fn concerns(&self, mapping: &Mapping, connection: &ConnectionId) -> bool {
        self.connections(mapping).iter().any(|used| used.folded() == connection.folded())
    }

    /// The connections a definition and the mappings it names read.
    fn connections(&self, mapping: &Mapping) -> Vec<ConnectionId> {
        let named = mappings_used(mapping);
        let is_named = |entity: &&EntityMapping| named.iter().any(|id| id.folded() == entity.id.folded());
        let mut connections = connections_used(mapping);
        connections.extend(self.entities.iter().filter(is_named).flat_map(connections_of).cloned());
        connections.sort_unstable_by_key(ConnectionId::folded);
        connections.dedup_by_key(|connection| connection.folded());
        connections
    }

    async fn around(&mut self, mapping: &Mapping) -> Result<Around> {
        let mut around = Around::default();
        for connection in self.connections(mapping) {
            let folded = connection.folded();
            if !self.seen.contains_key(&folded) {
                let seen = self.look(&connection).await?;
                self.seen.insert(folded.clone(), seen);
            }
            match self.seen.get(&folded) {
                Some(Seen::Known(described)) => {
                    around.tables.extend(described.tables.iter().cloned());
                    around.schema.clone_from(&described.schema);
                    continue;
                }
                Some(Seen::Unknown(why)) => around.unknown.push(why.clone()),
                Some(Seen::Missing(why)) => around.missing.push(why.clone()),
                None => {}
            }
            around.open.push(connection);
        }
        Ok(around)
    }

    async fn look(&self, connection: &ConnectionId) -> Result<Seen> {
        let flaw = |message: String| Flaw { at: "connection".to_owned(), message, nearest: Vec::new() };
        match self.ahead.as_ref().map(|ahead| (ahead, ahead.get(&connection.folded()))) {
            Some((ahead, None)) => {
                let known = ahead.keys().map(String::as_str);
                return Ok(Seen::Missing(unknown("connection", "connection", connection.as_str(), known)));
            }
            Some((_, Some(true))) => return Ok(Seen::Unknown(flaw(unread(connection)))),
            Some((_, Some(false))) | None => {}
        }
        match self.source.describe(connection).await {
            Ok(described) if described.unread => Ok(Seen::Unknown(flaw(unread(connection)))),
            Ok(described) => Ok(Seen::Known(described)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(Seen::Missing(flaw(error.message))),
            // No release of its connector is loaded.
            Err(error) if error.is(FailureKind::Configuration) => Ok(Seen::Unknown(flaw(error.message))),
            Err(error) => Err(error),
        }
    }
}

fn unread(connection: &ConnectionId) -> String {
    format!("the schema of {connection} was never read, so there is no table to choose; refresh it first")
}
