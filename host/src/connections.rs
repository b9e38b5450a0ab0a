//! Connections: a connector configured for one system, and every operation on it.
//!
//! An operation reads the connection once, holds what the caller wants against the schema, and packs everything the
//! guest may use into one call context. What comes back was looked at before anybody believes it.
//!
//! Invariant: nothing here audits; a call returns what it reached and which credentials it used, and the edge writes
//! it down with the outcome.

mod draft;
mod entitlements;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub mod intake;
mod listing;
mod objects;
mod options;
mod orders;
mod passwords;
mod permissions;
mod places;
mod ready;
mod routes;
mod secured;
mod together;
mod web;

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

pub use entitlements::GrantDraft;
pub use listing::{LivePage, Query};
pub use objects::{Object, ObjectDraft, ObjectPatch};
pub use permissions::Asked;
pub use ready::Ready;
pub use routes::Explanation;
pub use secured::{FailedReading, Reread, SecuredDraft, SecuredOption};

pub use together::References;

use crate::clock::Clock;
use crate::model::schema::diff::SchemaDiff;
use crate::model::{
    Aspect, Choice, Connection, ConnectionId, Error, ErrorKind, Export, FailureKind, Finding, OptionName,
    RequestContext, Result, SchemaSnapshot, SchemaStatus, Stored, Switches, SystemId,
};
use crate::registry::{Coming, Manifest, Registry, Release};
use crate::runtime::{CallLimits, Called, Runtime};
use crate::secrets::Vault;
use crate::store::{Held, Store};
use listing::LiveListings;
use options::Options;
use places::Layout;
use ready::Cache;
use secured::Journal;

/// What is said where a connector tells no schema.
pub const NO_SCHEMA: &str = "There is no schema for this connection";

/// A connection as it is described, without what an operation on it needs.
pub struct Described {
    pub connection: Connection,
    pub release: Arc<Release>,
    /// What the last good refresh said; empty before it.
    pub schema: SchemaStatus,
}

/// The connections of the host. Cheap to clone.
#[derive(Clone)]
pub struct Connections {
    store: Store,
    vault: Vault,
    registry: Registry,
    runtime: Runtime,
    clock: Clock,
    ceiling: CallLimits,
    ready: Arc<Cache>,
    live: Arc<LiveListings>,
    journal: Arc<Journal>,
    /// Woken when a new release of a connector declares another schema than the one before.
    declared: Arc<Notify>,
}

/// Returns early from an operation that has not reached the guest yet.
macro_rules! before_call {
    ($prepared:expr) => {
        match $prepared {
            Ok(prepared) => prepared,
            Err(error) => return crate::runtime::Called::refused(error),
        }
    };
}
use before_call;

impl Connections {
    /// The connections in a store, their secured options in a vault, served by a runtime with the releases of a
    /// registry; `ceiling` bounds every call.
    pub fn new(
        store: Store,
        vault: Vault,
        registry: Registry,
        runtime: Runtime,
        clock: Clock,
        ceiling: CallLimits,
    ) -> Self {
        let live = Arc::new(LiveListings::new(clock.clone()));
        let (ready, journal, declared) = (Arc::default(), Arc::default(), Arc::default());
        Self { store, vault, registry, runtime, clock, ceiling, ready, live, journal, declared }
    }

    /// Waits until the schema of a connection is another although nobody refreshed it.
    pub fn declared_anew(&self) -> Notified<'_> {
        self.declared.notified()
    }

    /// Adds a connection, with secured options.
    ///
    /// # Errors
    /// `configuration` with every fault of its options and directories; `conflict` if the identifier is taken; those of
    /// [`Self::set_secured`].
    pub async fn create(
        &self,
        rc: &RequestContext,
        draft: Connection,
        secured: SecuredDraft,
    ) -> Result<Stored<Connection>> {
        let (release, options) = self.check_configuration(&draft)?;
        let layout = Layout::new(&release.manifest, &options, &draft)?;
        self.store.create_connection(&draft, |held| self.enter(rc, held, &layout, &secured)).await
    }

    /// Replaces a connection's configuration, if it is still at the revision `if_match` names. The secured options that
    /// are not in `secured` stay as they are; those that its connector does not declare are cleared.
    ///
    /// # Errors
    /// As [`Self::create`]; `stale` if it is at another revision; `not-found`; `credential-denied` if it would send
    /// a secured option to another place than it was entered for, and `secured` does not enter it again.
    pub async fn replace(
        &self,
        rc: &RequestContext,
        draft: Connection,
        secured: SecuredDraft,
        if_match: Option<i64>,
    ) -> Result<Stored<Connection>> {
        let (release, options) = self.check_configuration(&draft)?;
        let layout = Layout::new(&release.manifest, &options, &draft)?;
        let edit = |held: &Held| self.carry(rc, held, &layout, &secured, None, &Coming::default());
        let replaced = self.store.replace_connection(&draft, if_match, edit).await;
        self.forget(&draft.id);
        replaced
    }

    /// Deletes a connection with everything that was imported through it.
    ///
    /// # Errors
    /// `stale`, `not-found`.
    pub async fn delete(&self, id: &ConnectionId, if_match: Option<i64>) -> Result<()> {
        let deleted = self.store.delete_connection(id, if_match).await;
        self.forget(id);
        self.journal.forget(id);
        deleted
    }

    /// One connection.
    ///
    /// # Errors
    /// `not-found`.
    pub async fn get(&self, id: &ConnectionId) -> Result<Stored<Connection>> {
        self.store.connection(id).await
    }

    /// Connections in the order of their identifiers, of one system or of all.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list(
        &self,
        system: Option<&SystemId>,
        after: Option<&ConnectionId>,
        limit: u32,
    ) -> Result<Vec<Stored<Connection>>> {
        self.store.connections(system, after, limit).await
    }

    /// What is known of a connection's schema.
    ///
    /// # Errors
    /// `not-found` if there is no such connection.
    pub async fn schema(&self, id: &ConnectionId) -> Result<SchemaStatus> {
        if !self.tells_schema(id).await? {
            // What its manifest declares is kept now, if nobody has used the connection yet. One that cannot be used has none.
            self.made_ready(id).await.ok();
        }
        Ok(self.store.schema(id).await?.unwrap_or_default())
    }

    /// Does the connection's connector tell a schema? As long as no release serves it, it might.
    ///
    /// # Errors
    /// `not-found` if there is no such connection.
    pub async fn tells_schema(&self, id: &ConnectionId) -> Result<bool> {
        let Connection { connector, version, .. } = self.get(id).await?.value;
        let release = self.registry.release(&connector, &version);
        Ok(release.map_or(true, |release| release.manifest.exports.contains(&Export::Schema)))
    }

    /// Versions of a connection's schema before `before`, newest first.
    ///
    /// # Errors
    /// `not-found` if there is no such connection.
    pub async fn schema_snapshots(
        &self,
        id: &ConnectionId,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<SchemaSnapshot>> {
        self.get(id).await?;
        self.store.schema_snapshots(id, before, limit).await
    }

    /// What one version of a connection's schema says differently from an earlier one.
    ///
    /// # Errors
    /// `not-found` if there is no such connection, or it has no such version.
    pub async fn schema_changes(&self, id: &ConnectionId, from: i64, to: i64) -> Result<SchemaDiff> {
        self.get(id).await?;
        let (before, after) = (self.store.schema_snapshot(id, from).await?, self.store.schema_snapshot(id, to).await?);
        Ok(SchemaDiff::between(&before, &after))
    }

    /// Sets switches of a connection to what `edit` makes of them.
    ///
    /// # Errors
    /// `stale`, `not-found`.
    pub async fn switch(
        &self,
        id: &ConnectionId,
        if_match: Option<i64>,
        edit: impl FnOnce(Switches) -> Switches + Send,
    ) -> Result<Stored<Connection>> {
        let switched = self.store.switch_connection(id, if_match, edit).await;
        self.forget(id);
        switched
    }

    /// A connection with its connector's manifest and its schema, whether it can be used or not.
    ///
    /// # Errors
    /// `not-found`; `configuration` if its connector is not loaded.
    pub async fn describe(&self, id: &ConnectionId) -> Result<Described> {
        let connection = self.get(id).await?.value;
        let release = self.registry.release(&connection.connector, &connection.version)?;
        let schema = self.known_schema(id, &release).await?.unwrap_or_default();
        Ok(Described { connection, release, schema })
    }

    /// Is the connection usable? Asked of a disabled one, too: whoever wants to enable it wants to know.
    pub async fn check(&self, rc: &RequestContext, id: &ConnectionId, aspect: Aspect) -> Called<Vec<Finding>> {
        let ready = before_call!(self.made_ready(id).await);
        ready.component().check(self.context(rc, &ready), aspect).await
    }

    /// Values to offer for an option, from what is configured so far.
    pub async fn suggest(&self, rc: &RequestContext, id: &ConnectionId, option: &OptionName) -> Called<Vec<Choice>> {
        let ready = before_call!(self.ready(id).await);
        if ready.release.manifest.option(option).is_none() {
            let message = format!("{} has no option {option}", ready.release.manifest.connector);
            return Called::refused(Error::invalid(message).blaming("option"));
        }
        ready.component().suggest(self.context(rc, &ready), option).await
    }

    /// Asks the target what it looks like and keeps the answer; after a failure the last good schema stays in use.
    pub async fn refresh_schema(&self, rc: &RequestContext, id: &ConnectionId) -> Called<SchemaStatus> {
        let began = self.clock.now();
        let ready = match self.ready(id).await {
            Ok(ready) => ready,
            Err(error) => return Called::refused(self.refresh_refused(id, error).await),
        };
        if !ready.exports(Export::Schema) {
            return Called::refused(Error::failure(FailureKind::Unsupported, NO_SCHEMA));
        }
        let Called { result, used } = ready.component().get_schema(self.context(rc, &ready)).await;
        let kept = match &result {
            Ok(schema) => self.store.put_schema(id, schema, began).await,
            Err(error) => self.store.schema_failed(id, error).await.map(|()| SchemaDiff::default()),
        };
        self.ready.forget(id);
        // What a connector keeps between calls may rest on what the schema was; where nothing changed, sessions stay.
        if kept.as_ref().is_ok_and(|diff| !diff.is_empty()) {
            self.forget(id);
        }
        let status = match (result, kept) {
            (Ok(_), Ok(_)) => self.schema(id).await,
            (Err(error), _) | (Ok(_), Err(error)) => Err(error),
        };
        Called { result: status, used }
    }

    /// Notes why a connection could not even be asked; one that is switched off is not asked on purpose.
    async fn refresh_refused(&self, id: &ConnectionId, error: Error) -> Error {
        if !matches!(error.kind, ErrorKind::NotFound | ErrorKind::Failure(FailureKind::Conflict)) {
            let noted = self.store.schema_failed(id, &error).await;
            noted.err().into_iter().for_each(|why| tracing::warn!(%why, "a failed refresh could not be noted"));
        }
        error
    }

    /// The release that serves a connection, and the options it would read.
    fn check_configuration(&self, draft: &Connection) -> Result<(Arc<Release>, Options)> {
        let release = self.registry.release(&draft.connector, &draft.version)?;
        let options = configured(&release.manifest, draft)?;
        Ok((release, options))
    }

    fn forget(&self, id: &ConnectionId) {
        self.ready.forget(id);
        self.live.forget(id);
        self.runtime.forget(id);
    }
}

/// The options that a release of that manifest would read of a connection.
fn configured(manifest: &Manifest, draft: &Connection) -> Result<Options> {
    let options = options::check(manifest, &draft.options)?;
    options::check_directories(manifest, draft)?;
    routes::check(manifest, draft)?;
    let requested = manifest.permissions();
    web::web(&requested, &requested, &options)?;
    Ok(options)
}
