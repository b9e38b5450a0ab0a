//! Configuration as code: what a host is, said in files, shown as a plan, and carried out at once or not at all.
//!
//! A declaration and what a running host exports are the same document, so that a plan is what differs between both, and
//! applying twice changes nothing. All changes are one transaction of the store; only a release that is to serve is
//! activated before, because it is compiled and loaded, and connections are held against its manifest.
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
//!
//! Invariant: a secret never stands in a declaration; only where it is kept does.

mod change;
mod current;
pub mod definition;
mod difference;
pub mod document;
mod names;
pub mod plan;
pub mod schedule;

use std::collections::BTreeSet;

use crate::clock::Clock;
use crate::connections::Connections;
use crate::mappings::Mappings;
use crate::model::{ConnectionId, Effect, Output, RequestContext, Result};
use crate::registry::Registry;
use crate::store::Store;
use crate::tasks::Tasks;
use current::Current;

pub use difference::Difference;
pub use document::Declaration;
pub use plan::{Action, Kind, Plan, Reach, Step, Waiting};

/// A plan with what it was made from: it is carried out only upon that.
pub struct Planned {
    pub plan: Plan,
    current: Current,
    wanted: Declaration,
    /// The folded identifiers of mappings that name nothing but what is known already.
    verified: BTreeSet<String>,
}

impl Planned {
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
    /// `invalid-request` for what no host could be, and for mappings and schedules that name what there will not be; those
    /// of the store.
    pub async fn plan(&self, wanted: Declaration, reach: Reach) -> Result<Planned> {
        let current = self.current().await?;
        let wanted = wanted.canonical()?.upon(&current.declaration);
        let plan = Plan::new(&current.declaration, &wanted, reach)?;
        let can_write = |output: &Output| self.tasks.require_place(output);
        let verified = names::check(&self.mappings, can_write, &current.declaration, &wanted, &plan).await?;
        Ok(Planned { plan, current, wanted, verified })
    }

    /// Carries a plan out.
    ///
    /// # Errors
    /// `stale` if something it touches was changed since; those of each change alone, and then nothing has changed but
    /// releases that were activated.
    pub async fn apply(&self, rc: &RequestContext, planned: &Planned) -> Result<()> {
        for (connector, version) in change::activations(planned) {
            self.registry.activate(&connector, &version, &Default::default(), &rc.caller.name).await?;
        }
        let changes = change::Changes { rc, clock: &self.clock, connections: &self.connections, planned };
        let edits = changes.edits()?;
        let configured = self.store.configure(edits).await;
        // Whatever is answered: what was known before may be out of date.
        let connections = planned.connections();
        connections.iter().for_each(|id| self.connections.changed(id));
        configured?;
        if planned.plan.steps.iter().any(|step| step.kind == Kind::Publisher) {
            self.registry.trust_changed().await.map_err(|error| error.with_effect(Effect::Some))?;
        }
        for id in &connections {
            self.tasks.refresh_if_due(rc, id).await;
        }
        // Connections without a schema are known from now on, and schemas may have been read meanwhile.
        self.mappings.verify(None).await;
        Ok(())
    }

    async fn current(&self) -> Result<Current> {
        Current::read(&self.store, &self.connections).await
    }
}
