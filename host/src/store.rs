//! The store: what the host remembers between requests and across restarts.
//!
//! One file per table family. SQL stops here: callers see words of the model. The SQL is what SQLite and PostgreSQL
//! both take; SQLite's own ways are in [`sqlite`](self).
//!
//! Invariant: a page of rows and its checkpoint are one transaction, and nothing of a run is visible before
//! [`Store::publish`] flips one pointer. Whatever touches many rows does so in short transactions, so that no run keeps
//! another writer waiting. Deleting only marks; [`Store::sweep`] removes.

mod apply;
mod asked;
mod block;
mod carry;
mod changes;
mod compare;
mod configure;
mod connections;
mod edits;
mod fault;
mod idempotency;
mod incremental;
mod links;
mod mapping_warnings;
mod mappings;
mod numbers;
mod orders;
mod outputs;
mod permissions;
mod pins;
mod publication;
mod publish;
mod published;
mod publishers;
mod referrers;
mod rejected;
mod releases;
mod rereads;
mod restart;
mod runs;
mod schedules;
mod schemas;
mod sealed;
mod secured;
mod since;
mod snapshot;
pub(crate) mod sqlite;
mod staging;
mod sweep;
mod systems;
mod tasks;
#[cfg(test)]
mod tests;
mod tokens;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::model::Result;
use sqlite::{Database, Durability};

pub use apply::{FedChange, FedObject, FedPage, FedRelation};
pub use block::Block;
pub use compare::Compared;
pub use configure::{ConfigEdit, SecuredChange};
pub use idempotency::{REMEMBERED_FOR, Recalled, Remembered};
pub use incremental::Catching;
pub use orders::{NewOrder, SealedOrder};
pub use outputs::WrittenTable;
pub use permissions::Approval;
pub use publication::Publication;
pub use publish::Removal;
pub use published::{LinkPosition, PublishedCount, PublishedLink, PublishedRow};
pub use publishers::PublisherKey;
pub use rejected::{SetAside, SetAsideRow};
pub use releases::{InstalledRelease, ReleaseState};
pub use rereads::Reread;
pub use runs::{PartProgress, Run, RunPart};
pub use schedules::{Due, Ordered, TurnEnd, TurnWork};
pub use sealed::{Sealed, SealedRow};
pub use secured::{Held, SecuredEdit, SecuredRow};
pub use since::{ChangedLinks, ChangedObjects, SinceCursor, unknown_since};
pub use snapshot::{BlockCursor, Named, Snapshot, SnapshotPart};
pub use staging::{Cursor, Staged, StagedLink, StagedRow};
pub use tasks::{Claim, NewTask, TaskFilter};
pub use tokens::Token;

/// The folder's migrations, oldest first; forward only.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/store/0001_store.sql"),
    include_str!("../migrations/store/0002_trust.sql"),
    include_str!("../migrations/store/0003_destinations.sql"),
    include_str!("../migrations/store/0004_incremental.sql"),
    include_str!("../migrations/store/0005_schema.sql"),
    include_str!("../migrations/store/0006_references.sql"),
    include_str!("../migrations/store/0007_fulfil_and_schedules.sql"),
    include_str!("../migrations/store/0008_mappings.sql"),
    include_str!("../migrations/store/0009_waiting_orders.sql"),
    include_str!("../migrations/store/0010_outputs.sql"),
    include_str!("../migrations/store/0011_mapping_warnings.sql"),
    include_str!("../migrations/store/0012_positions.sql"),
];

/// The host's store; clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    database: Database,
    clock: Clock,
    tokens: Arc<tokens::Known>,
    pins: Arc<pins::Pins>,
}

impl Store {
    /// Opens or creates the store in the file `path` and brings it up to date.
    ///
    /// A killed process loses nothing that was answered; a power cut may undo the last commits, never half of one.
    pub async fn open(path: &Path, clock: Clock) -> Result<Self> {
        Self::open_waiting(path, clock, sqlite::BUSY_TIMEOUT).await
    }

    async fn open_waiting(path: &Path, clock: Clock, busy_timeout: Duration) -> Result<Self> {
        let database = Database::open(fault::STORE, path, MIGRATIONS, Durability::Sound, busy_timeout).await?;
        Ok(Self { database, clock, tokens: Arc::default(), pins: Arc::default() })
    }

    /// Waits for what is under way and closes the file; later calls answer `unavailable`.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Now, as the tables hold it.
    fn now(&self) -> i64 {
        self.clock.now().as_microsecond()
    }
}
