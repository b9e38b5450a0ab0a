//! The only room that runs WebAssembly: it takes a component and a [`CallContext`], and gives back what the guest said
//! and what it used.
//!
//! Every call has a fresh store, a deadline, a memory bound and quotas; after a trap or a cancellation nothing of it is
//! left. Interfaces are linked by manifest, one prepared [`Component`] per release; the context decides each use.
//!
//! Invariant: this room knows neither store nor vault, and generated types stop at `v0_1.rs`.

mod boundary;
mod cache;
mod call;
mod code;
mod component;
mod computing;
mod connection;
mod context;
mod credentials;
mod engine;
mod fault;
mod guest_log;
mod imports;
mod interfaces;
mod kept;
mod leak;
pub mod limits;
mod listing;
mod load;
mod operation;
mod outcome;
mod state;
#[cfg(test)]
pub(crate) mod tests;
mod v0_1;
pub mod wasi;
pub mod web;

use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime::{Engine, MemoryCreator};

pub use code::Code;
pub use component::Component;
pub use context::CallContext;
pub use credentials::{Credentials, Slot};
pub use interfaces::Allowed;
pub use limits::{CallLimits, RuntimeLimits};
pub use listing::{Changes, EdgeListing, Listing};
pub use load::precompile;
pub use outcome::{Called, Used};

use crate::clock::Clock;
use crate::egress::Egress;
use crate::model::{ConnectionId, Result};
use connection::Connections;
use engine::Ticker;
use imports::files::FileLocks;
use state::State;

/// The WebAssembly runtime. Cheap to clone; its thread ends with the last clone and the last component.
#[derive(Clone)]
pub struct Runtime(Arc<Inner>);

struct Inner {
    engine: Engine,
    linker: Linker<State>,
    ticker: Ticker,
    clock: Clock,
    limits: RuntimeLimits,
    /// Places for instances, of all connections.
    instances: Arc<Semaphore>,
    connections: Connections,
    file_locks: Arc<FileLocks>,
    egress: Egress,
    /// Turns at hashing passwords, of all connections.
    hashing: Arc<Semaphore>,
}

impl Runtime {
    /// Prepares the engine and its pool.
    ///
    /// # Errors
    /// `Internal` where the machine has too little address space for the pool.
    pub fn new(limits: RuntimeLimits, egress: Egress, clock: Clock) -> Result<Self> {
        Self::over(engine::engine(&limits)?, limits, egress, clock)
    }

    /// The same over memories that somebody else makes and looks into: for tests that search what a guest has held.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn observed(memories: Arc<dyn MemoryCreator>, egress: Egress, clock: Clock) -> Result<Self> {
        Self::over(engine::observed(memories)?, RuntimeLimits::default(), egress, clock)
    }

    fn over(engine: Engine, limits: RuntimeLimits, egress: Egress, clock: Clock) -> Result<Self> {
        let linker = load::base(&engine)?;
        Ok(Self(Arc::new(Inner {
            ticker: Ticker::start(engine.clone())?,
            engine,
            linker,
            clock,
            instances: Arc::new(Semaphore::new(limits.instances as usize)),
            limits,
            connections: Connections::default(),
            file_locks: Arc::default(),
            egress,
            hashing: Arc::new(Semaphore::new(limits::HASHES_AT_ONCE)),
        })))
    }

    /// Compiles and links a component in this process: for one's own, at `hawser build`. Blocks for some hundred
    /// milliseconds.
    ///
    /// # Errors
    /// `ReleaseRefused` with the name of the interface that is imported but not allowed, exported but not in the
    /// manifest, or in the manifest but not exported.
    pub fn load(&self, bytes: &[u8], allowed: &Allowed) -> Result<Component> {
        let loaded = load::load(&self.0.linker, bytes, allowed)?;
        Ok(Component::new(self.clone(), loaded))
    }

    /// Links a component that was compiled before, by [`precompile`] of this very version.
    ///
    /// # Errors
    /// `ReleaseRefused` as [`Self::load`]; `Internal` if the code was compiled by another version or with other flags.
    pub fn load_code(&self, code: &Code, allowed: &Allowed) -> Result<Component> {
        let loaded = load::load_code(&self.0.linker, code, allowed)?;
        Ok(Component::new(self.clone(), loaded))
    }

    /// A number that changes with everything that makes compiled code unusable: wasmtime's version, the processor's
    /// features, the engine's flags.
    pub fn compatibility(&self) -> u64 {
        engine::compatibility(&self.0.engine)
    }

    /// Forgets what a connection's calls cached and kept; to be called when it is changed or deleted.
    pub fn forget(&self, connection: &ConnectionId) {
        self.0.connections.forget(connection);
    }

    fn clock(&self) -> &Clock {
        &self.0.clock
    }
}
