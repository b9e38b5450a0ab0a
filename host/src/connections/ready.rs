//! A connection made ready: read once, its release chosen, its options checked, its schema at hand.
//!
//! Kept in memory until the connection, its schema or the loaded releases change, so that an operation costs no
//! look-ups of its own. One process owns its store, so nobody else changes them meanwhile.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

use super::places::Layout;
use super::{Connections, options, permissions, routes, secured, web};
use crate::egress::rules::Route;
use crate::model::{
    ClassInfo, ClassName, Connection, ConnectionId, Directory, DirectoryName, Error, Export, FailureKind, OptionName,
    Permission, Permissions, RequestContext, Result, Schema, SchemaStatus, Stored, Value,
};
use crate::registry::Release;
use crate::runtime::web::Web;
use crate::runtime::{CallContext, CallLimits, Component, Credentials};

/// A connection with everything an operation on it needs.
pub struct Ready {
    pub connection: Connection,
    pub release: Arc<Release>,
    /// The last good schema; none if it was never refreshed.
    pub schema: Option<Schema>,
    /// Was the schema read after the connection was last configured?
    pub schema_current: bool,
    options: Arc<BTreeMap<OptionName, Vec<Value>>>,
    permissions: Arc<Permissions>,
    directories: Arc<BTreeMap<DirectoryName, Directory>>,
    routes: Arc<[Arc<Route>]>,
    web: Arc<Web>,
    credentials: Arc<Credentials>,
    limits: CallLimits,
}

impl Ready {
    /// What serves it.
    pub fn component(&self) -> &Component {
        &self.release.component
    }

    /// Can its connector do this?
    pub fn exports(&self, interface: Export) -> bool {
        self.release.manifest.exports.contains(&interface)
    }

    /// Was anything approved of what its connector asks for, or does it ask for nothing?
    pub fn may_reach(&self) -> bool {
        !self.permissions.is_empty() || self.release.manifest.permissions().is_empty()
    }

    /// May its connector read a secret?
    fn reveals(&self) -> bool {
        self.permissions.iter().any(|permission| matches!(permission, Permission::Reveal { .. }))
    }

    /// A class of its schema.
    ///
    /// # Errors
    /// `configuration` if the schema was never read; `not-found` naming the classes there are.
    pub fn class(&self, name: &ClassName) -> Result<&ClassInfo> {
        let Some(schema) = &self.schema else {
            let message = format!("the schema of {} was never read; refresh it first", self.connection.id);
            return Err(Error::failure(FailureKind::Configuration, message));
        };
        schema.class(name.as_str()).ok_or_else(|| {
            let known: Vec<&str> = schema.0.iter().map(|class| class.name.as_str()).collect();
            let known = known.join(", ");
            Error::not_found(format!("{} has no class {name}; it has [{known}]", self.connection.id)).blaming("class")
        })
    }
}

/// Connections that are ready.
#[derive(Default)]
pub(super) struct Cache(RwLock<Kept>);

#[derive(Default)]
struct Kept {
    /// By folded identifier, with the registry's generation.
    ready: HashMap<String, (u64, Arc<Ready>)>,
    /// Counts what was forgotten: what was read before may be out of date, and is not kept.
    forgotten: u64,
}

impl Cache {
    fn get(&self, id: &ConnectionId, generation: u64) -> Option<Arc<Ready>> {
        let cache = self.0.read().unwrap_or_else(PoisonError::into_inner);
        cache.ready.get(&id.folded()).filter(|(of, _)| *of == generation).map(|(_, ready)| Arc::clone(ready))
    }

    fn forgotten(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).forgotten
    }

    /// Keeps what was read since `forgotten` was that number.
    fn put(&self, id: &ConnectionId, generation: u64, forgotten: u64, ready: &Arc<Ready>) {
        let mut cache = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if cache.forgotten == forgotten {
            cache.ready.insert(id.folded(), (generation, Arc::clone(ready)));
        }
    }

    pub(super) fn forget(&self, id: &ConnectionId) {
        let mut cache = self.0.write().unwrap_or_else(PoisonError::into_inner);
        cache.ready.remove(&id.folded());
        cache.forgotten += 1;
    }
}

impl Connections {
    /// The connection, ready for an operation.
    ///
    /// # Errors
    /// `not-found`; `configuration` if its connector is not loaded, its options no longer fit the manifest, or a
    /// required secured option cannot be used; `conflict` if it is disabled.
    pub async fn ready(&self, id: &ConnectionId) -> Result<Arc<Ready>> {
        let ready = self.made_ready(id).await?;
        ready.connection.switches.require_enabled(id)?;
        Ok(ready)
    }

    /// The connection, ready for an operation that changes its target.
    ///
    /// # Errors
    /// As [`Self::ready`]; `conflict` if such operations are switched off; `target-maintenance`.
    pub(super) async fn ready_to_fulfil(&self, id: &ConnectionId) -> Result<Arc<Ready>> {
        let ready = self.made_ready(id).await?;
        ready.connection.switches.require_fulfil(id)?;
        Ok(ready)
    }

    /// The connection with everything an operation needs, whatever is switched off.
    ///
    /// # Errors
    /// As [`Self::ready`], but for switches.
    pub(super) async fn made_ready(&self, id: &ConnectionId) -> Result<Arc<Ready>> {
        let generation = self.registry.generation();
        if let Some(ready) = self.ready.get(id, generation) {
            return Ok(ready);
        }
        let forgotten = self.ready.forgotten();
        let Stored { value: connection, .. } = self.get(id).await?;
        let release = self.registry.release(&connection.connector, &connection.version)?;
        let options = Arc::new(options::check(&release.manifest, &connection.options)?);
        options::check_directories(&release.manifest, &connection)?;
        routes::check(&release.manifest, &connection)?;
        let held = self.store.secured(id).await?;
        let layout = Layout::new(&release.manifest, &options, &connection)?;
        let read = self.read_references(&held, &layout).await?;
        let credentials = Arc::new(secured::open(&self.vault, &layout, &held, &read)?);
        let approved = self.store.approvals(id).await?.into_iter().map(|approval| approval.permission).collect();
        let routes = routes::routes(&release.manifest, &connection, &options, &approved, &credentials)?;
        let requested = release.manifest.permissions();
        let permissions = permissions::effective(&requested, &approved);
        let web = Arc::new(web::web(&requested, &permissions, &options)?);
        let schema = self.known_schema(id, &release).await?;
        let ready = Arc::new(Ready {
            options,
            directories: Arc::new(permissions::directories(&connection.directories, &permissions)),
            permissions: Arc::new(permissions),
            routes: routes.into_iter().map(Arc::new).collect(),
            web,
            credentials,
            limits: release.limits(&self.ceiling),
            schema_current: schema.as_ref().is_some_and(|status| status.current),
            schema: schema.map(|status| status.schema),
            connection,
            release,
        });
        self.ready.put(id, generation, forgotten, &ready);
        Ok(ready)
    }

    /// The last good schema. What the manifest declares where there is none to be told is kept as if it had been told:
    /// whoever asks the store for it need not know the difference.
    pub(super) async fn known_schema(&self, id: &ConnectionId, release: &Release) -> Result<Option<SchemaStatus>> {
        let known = self.store.schema(id).await?.filter(|status| status.refreshed.is_some());
        match release.manifest.declared_schema() {
            Some(declared) if !known.as_ref().is_some_and(|known| known.current && known.schema == declared) => {
                self.store.put_schema(id, &declared, self.clock.now()).await?;
                self.declared.notify_one();
                self.store.schema(id).await
            }
            _ => Ok(known),
        }
    }

    /// May the connector read a secret of this connection, or of a call? Then its readings are audited too.
    ///
    /// # Errors
    /// As [`Self::ready`].
    pub async fn reveals(&self, id: &ConnectionId) -> Result<bool> {
        Ok(self.made_ready(id).await?.reveals())
    }

    /// Everything one call on behalf of a request may use.
    pub fn context(&self, rc: &RequestContext, ready: &Ready) -> CallContext {
        let end_of_call = self.clock.after(ready.limits.call);
        CallContext {
            request: rc.id.clone(),
            idempotency_key: rc.idempotency_key.clone(),
            connection: ready.connection.id.clone(),
            connector: ready.connection.connector.clone(),
            version: ready.release.manifest.version.clone(),
            development: ready.release.is_development(),
            options: Arc::clone(&ready.options),
            permissions: Arc::clone(&ready.permissions),
            directories: Arc::clone(&ready.directories),
            routes: Arc::clone(&ready.routes),
            web: Arc::clone(&ready.web),
            credentials: Arc::clone(&ready.credentials),
            limits: ready.limits,
            deadline: rc.deadline.min(end_of_call),
            gate: rc.gate.clone(),
        }
    }
}
