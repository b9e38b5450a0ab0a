//! Configuration as code: what a host is, said in files, shown as a plan, and carried out at once or not at all.
//!
//! A declaration and what a running host exports are the same document, so that a plan is what differs between both, and
//! applying twice changes nothing. All changes are one transaction of the store; only a release that is to serve is
//! activated before, because it is compiled and loaded, and connections are held against its manifest.
//!
//! A plan that is shown, or that activates a release, is tried before: its changes are made in a transaction that is taken
//! back, with the manifests of the releases that are to serve. So what would be refused is refused where it is planned, in
//! the same words, and before a release is activated. Mappings stay as they are from the plan until it is carried out.
//!
//! | file | what it knows |
//! |---|---|
//! | `document.rs` | a declaration: its keys, its JSON Schema, several joined |
//! | `definition.rs`, `schedule.rs` | a mapping and a schedule in it |
//! | `difference.rs` | what differs between two values, place by place |
//! | `plan.rs` | what it takes to get from one declaration to another |
//! | `current.rs` | what the host is, as a declaration |
//! | `names.rs` | what mappings and schedules name, held against what there will be |
//! | `change.rs` | a step of a plan as changes of the store |
//! | `applied.rs` | how carrying it out ended, step by step |
//!
//! Invariant: a secret never stands in a declaration; only where it is kept does.

mod applied;
mod change;
mod current;
pub mod definition;
mod difference;
pub mod document;
mod names;
pub mod plan;
pub mod schedule;

use std::collections::BTreeSet;

use tokio::sync::MutexGuard;

use crate::clock::Clock;
use crate::connections::Connections;
use crate::mappings::Mappings;
use crate::model::{ConnectionId, Output, RequestContext, Result};
use crate::registry::{Coming, Registry};
use crate::store::Store;
use crate::tasks::Tasks;
use applied::Activated;
use change::Changes;
use current::Current;

pub use applied::Applied;
pub use difference::Difference;
pub use document::Declaration;
pub use plan::{Action, Kind, Plan, Reach, Step, Waiting};

/// A plan with what it was made from: it is carried out only upon that. No mapping changes while it is held.
pub struct Planned<'a> {
    pub plan: Plan,
    current: Current,
    wanted: Declaration,
    /// The folded identifiers of mappings that name nothing but what is known already.
    verified: BTreeSet<String>,
    _mappings: MutexGuard<'a, ()>,
}

impl Planned<'_> {
    /// The connections it touches.
    fn connections(&self) -> Vec<ConnectionId> {
        let steps = self.plan.steps.iter().filter(|step| step.kind == Kind::Connection);
        steps.filter_map(|step| step.id.parse().ok()).collect()
    }
}

/// The declared side of a host. Cheap to clone.
#[derive(Clone)]
pub struct Declared {
    store: Store,
    connections: Connections,
    mappings: Mappings,
    registry: Registry,
    tasks: Tasks,
    clock: Clock,
}

impl Declared {
    /// Over these rooms.
    pub fn new(
        store: Store,
        connections: Connections,
        mappings: Mappings,
        registry: Registry,
        tasks: Tasks,
        clock: Clock,
    ) -> Self {
        Self { store, connections, mappings, registry, tasks, clock }
    }

    /// What the host is.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn export(&self) -> Result<Declaration> {
        Ok(self.current().await?.declaration)
    }

    /// What it would take to make the host what is declared.
    ///
    /// # Errors
    /// `invalid-request` for what no host could be, and for mappings and schedules that name what there will not be;
    /// `conflict` for what mappings that stay would miss; those of the store.
    pub async fn plan(&self, wanted: Declaration, reach: Reach) -> Result<Planned<'_>> {
        let mappings = self.mappings.hold().await;
        let current = self.current().await?;
        let wanted = wanted.canonical()?.upon(&current.declaration);
        let plan = Plan::new(&current.declaration, &wanted, reach)?;
        let can_write = |output: &Output| self.tasks.require_place(output);
        let verified = names::check(&self.mappings, can_write, &current.declaration, &wanted, &plan).await?;
        Ok(Planned { plan, current, wanted, verified, _mappings: mappings })
    }

    /// Carries a plan out. Errors are `stale` if something it touches was changed since, and those of each change alone;
    /// then nothing has changed but releases that were activated, which the error names.
    pub async fn apply(&self, rc: &RequestContext, planned: &Planned<'_>) -> Applied {
        let mut activated = Activated { releases: change::activations(planned), done: 0 };
        if let Err(error) = self.change(rc, planned, &mut activated).await {
            return Applied::stopped(&planned.plan, &activated, error);
        }
        let is_trust = |step: &Step| step.kind == Kind::Publisher;
        let trusted =
            if planned.plan.steps.iter().any(is_trust) { self.registry.trust_changed().await } else { Ok(()) };
        for id in &planned.connections() {
            self.tasks.refresh_if_due(rc, id).await;
        }
        // Connections without a schema are known from now on, and schemas may have been read meanwhile.
        self.mappings.verify(None).await;
        Applied::changed(&planned.plan, trusted)
    }

    /// Tries the changes of a plan, and takes them back.
    ///
    /// # Errors
    /// Those of each change alone, as [`Self::apply`] would tell them, but for what only loading a release shows.
    pub async fn rehearse(&self, rc: &RequestContext, planned: &Planned<'_>) -> Result<()> {
        if planned.plan.steps.is_empty() {
            return Ok(());
        }
        let coming = self.registry.coming(&change::activations(planned)).await?;
        self.store.rehearse(self.changes(rc, planned, &coming).edits()?).await
    }

    /// Activates the releases, and makes all changes of the store.
    async fn change(&self, rc: &RequestContext, planned: &Planned<'_>, activated: &mut Activated) -> Result<()> {
        if !activated.releases.is_empty() {
            self.rehearse(rc, planned).await?;
        }
        for (connector, version) in &activated.releases {
            self.registry.activate(connector, version, &Default::default(), &rc.caller.name).await?;
            activated.done += 1;
        }
        let edits = self.changes(rc, planned, &Coming::default()).edits()?;
        let configured = self.store.configure(edits).await;
        // Whatever is answered: what was known before may be out of date.
        planned.connections().iter().for_each(|id| self.connections.changed(id));
        configured
    }

    fn changes<'a>(&'a self, rc: &'a RequestContext, planned: &'a Planned<'_>, coming: &'a Coming) -> Changes<'a> {
        Changes { rc, clock: &self.clock, connections: &self.connections, planned, coming }
    }

    async fn current(&self) -> Result<Current> {
        Current::read(&self.store, &self.connections).await
    }
}
