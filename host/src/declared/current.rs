//! What a host is, as a declaration, with the revisions its resources have.

use std::collections::BTreeMap;

use super::document::{self, Declaration};
use crate::connections::Connections;
use crate::model::{ConnectionId, ErrorKind, MappingId, Result, ScheduleId, Stored, SystemId};
use crate::registry::PublicKey;
use crate::store::Store;

/// Resources that are read together.
const PAGE: u32 = 1000;

/// What the host is.
pub(super) struct Current {
    pub(super) declaration: Declaration,
    /// By folded identifier.
    pub(super) systems: BTreeMap<String, i64>,
    /// By folded identifier.
    pub(super) connections: BTreeMap<String, i64>,
    /// By folded identifier.
    pub(super) mappings: BTreeMap<String, i64>,
    /// By folded identifier.
    pub(super) schedules: BTreeMap<String, i64>,
}

impl Current {
    pub(super) async fn read(store: &Store, connections: &Connections) -> Result<Self> {
        let mut current = Self {
            declaration: Declaration {
                publishers: publishers(store).await?,
                connectors: connectors(store).await?,
                ..Declaration::default()
            },
            systems: BTreeMap::new(),
            connections: BTreeMap::new(),
            mappings: BTreeMap::new(),
            schedules: BTreeMap::new(),
        };
        current.read_systems(store).await?;
        current.read_connections(store, connections).await?;
        current.read_mappings(store).await?;
        current.read_schedules(store).await?;
        Ok(current)
    }

    async fn read_systems(&mut self, store: &Store) -> Result<()> {
        let mut after: Option<SystemId> = None;
        loop {
            let page = store.systems(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.value.id.clone());
            for Stored { value, revision, .. } in page {
                self.systems.insert(value.id.folded(), revision);
                self.declaration.systems.insert(value.id, document::System { title: value.title });
            }
        }
    }

    async fn read_connections(&mut self, store: &Store, connections: &Connections) -> Result<()> {
        let mut after: Option<ConnectionId> = None;
        loop {
            let page = store.connections(None, after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.value.id.clone());
            for Stored { value, revision, .. } in page {
                let id = value.id.clone();
                let approvals = store.approvals(&id).await?;
                let references = match connections.references(&id).await {
                    // It was deleted while this was read.
                    Err(error) if error.kind == ErrorKind::NotFound => continue,
                    references => references?,
                };
                let declared = document::Connection {
                    system: value.system,
                    connector: value.connector,
                    version: value.version,
                    title: value.title,
                    options: value.options,
                    directories: value.directories,
                    destinations: value.destinations,
                    thresholds: value.thresholds,
                    switches: Some(value.switches.into()),
                    secured_options: references.into_iter().map(|(name, one)| (name, one.into())).collect(),
                    permissions: Some(approvals.into_iter().map(|approval| approval.permission).collect()),
                };
                self.connections.insert(id.folded(), revision);
                self.declaration.connections.insert(id, declared);
            }
        }
    }

    async fn read_mappings(&mut self, store: &Store) -> Result<()> {
        let mut after: Option<MappingId> = None;
        loop {
            let page = store.mappings(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.value.definition.id().clone());
            for Stored { value, revision, .. } in page {
                let id = value.definition.id().clone();
                self.mappings.insert(id.folded(), revision);
                self.declaration.mappings.insert(id, value.definition.into());
            }
        }
    }

    async fn read_schedules(&mut self, store: &Store) -> Result<()> {
        let mut after: Option<ScheduleId> = None;
        loop {
            let page = store.schedules(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.schedule.value.id.clone());
            for Stored { value, revision, .. } in page.into_iter().map(|status| status.schedule) {
                let id = value.id.clone();
                self.schedules.insert(id.folded(), revision);
                self.declaration.schedules.insert(id, value.into());
            }
        }
    }
}

async fn publishers(store: &Store) -> Result<BTreeMap<crate::model::PublisherName, document::Publisher>> {
    let mut publishers: BTreeMap<_, document::Publisher> = BTreeMap::new();
    for key in store.publisher_keys().await? {
        let publisher = publishers.entry(key.publisher).or_insert_with(|| document::Publisher { keys: Vec::new() });
        let public_key = PublicKey::from(key.public_key).to_pem();
        publisher.keys.push(document::PublisherKey { title: key.title, public_key });
    }
    Ok(publishers)
}

async fn connectors(store: &Store) -> Result<BTreeMap<crate::model::ConnectorName, document::Connector>> {
    let mut connectors: BTreeMap<_, document::Connector> = BTreeMap::new();
    for release in store.active_releases().await? {
        connectors.entry(release.connector).or_default().versions.insert(release.version);
    }
    Ok(connectors)
}
