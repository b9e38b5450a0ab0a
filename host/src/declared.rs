//! Configuration as code: what a host is, said in files, shown as a plan, and carried out at once or not at all.
//!
//! A declaration and what a running host exports are the same document, so that a plan is what differs between both, and
//! applying twice changes nothing. All changes are one transaction of the store; only a release that is to serve is
//! activated before, because it is compiled and loaded, and connections are held against its manifest.
//!
//! | file | what it knows |
//! |---|---|
//! | `document.rs` | a declaration: its keys, its JSON Schema, several joined |
//! | `difference.rs` | what differs between two values, place by place |
//! | `plan.rs` | what it takes to get from one declaration to another |
//! | `current.rs` | what the host is, as a declaration |
//! | `change.rs` | a step of a plan as changes of the store |
//!
//! Invariant: a secret never stands in a declaration; only where it is kept does.

mod change;
mod current;
mod difference;
pub mod document;
pub mod plan;

use crate::clock::Clock;
use crate::connections::Connections;
use crate::model::{ConnectionId, RequestContext, Result};
use crate::registry::Registry;
use crate::store::Store;
use crate::tasks::Tasks;
use current::Current;

pub use difference::Difference;
pub use document::Declaration;
pub use plan::{Action, Kind, Plan, Reach, Step, Waiting};

/// The declared side of a host. Cheap to clone.
#[derive(Clone)]
pub struct Declared {
    store: Store,
    connections: Connections,
    registry: Registry,
    tasks: Tasks,
    clock: Clock,
}

impl Declared {
    /// Over these rooms.
    pub fn new(store: Store, connections: Connections, registry: Registry, tasks: Tasks, clock: Clock) -> Self {
        Self { store, connections, registry, tasks, clock }
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
    /// `invalid-request` for what no host could be; those of the store.
    pub async fn plan(&self, wanted: Declaration, reach: Reach) -> Result<Plan> {
        let current = self.current().await?;
        Plan::new(&current.declaration, &wanted.canonical()?, reach)
    }

    /// Carries a plan out that was made for this very declaration and reach.
    ///
    /// # Errors
    /// `stale` if something it touches was changed since; those of each change alone, and then nothing has changed but
    /// releases that were activated.
    pub async fn apply(&self, rc: &RequestContext, wanted: Declaration, plan: &Plan) -> Result<()> {
        let (current, wanted) = (self.current().await?, wanted.canonical()?);
        for (connector, version) in change::activations(plan, &wanted) {
            self.registry.activate(&connector, &version, &Default::default(), &rc.caller.name).await?;
        }
        let changes = change::Changes {
            rc,
            clock: &self.clock,
            connections: &self.connections,
            current: &current,
            wanted: &wanted,
        };
        let edits = changes.of(plan)?;
        self.store.configure(edits).await?;
        self.follow(rc, plan).await
    }

    /// What follows a change of the store: what was known of connections is forgotten, trust is looked at, schemas that
    /// are due are read.
    async fn follow(&self, rc: &RequestContext, plan: &Plan) -> Result<()> {
        if plan.steps.iter().any(|step| step.kind == Kind::Publisher) {
            self.registry.trust_changed().await?;
        }
        for step in plan.steps.iter().filter(|step| step.kind == Kind::Connection) {
            let Ok(id) = step.id.parse::<ConnectionId>() else { continue };
            self.connections.changed(&id);
            if step.action != Action::Delete {
                self.tasks.refresh_if_due(rc, &id).await;
            }
        }
        Ok(())
    }

    async fn current(&self) -> Result<Current> {
        Current::read(&self.store, &self.connections).await
    }
}
