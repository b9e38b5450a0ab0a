//! The only room that runs WebAssembly: it takes a component and a [`CallContext`], and gives back what the guest said
//! and what it used.
//!
//! Every call has a fresh store, a deadline, a memory bound and quotas; after a trap or a cancellation nothing of it is
//! left. Interfaces are linked by manifest, one prepared [`Component`] per release; the context decides each use.
//!
//! Invariant: this room knows neither store nor vault, and generated types stop at `v0_1.rs`.

mod component;
mod context;
mod interfaces;
pub mod limits;
mod outcome;

pub use component::{Component, EdgeListing, Listing};
pub use context::CallContext;
pub use interfaces::{Allowed, Interfaces};
pub use limits::{CallLimits, RuntimeLimits};
pub use outcome::{Called, Used};

use crate::clock::Clock;
use crate::model::{Error, Result};

/// The WebAssembly runtime. Cheap to clone; its thread ends with the last clone.
#[derive(Clone)]
pub struct Runtime {}

impl Runtime {
    /// Prepares the engine and its pool.
    ///
    /// # Errors
    /// `Internal` where the machine has too little address space for the pool.
    pub fn new(limits: RuntimeLimits, clock: Clock) -> Result<Self> {
        let _ = (limits, clock);
        Ok(Self {})
    }

    /// Reads the interfaces off a component. Compiles it: blocks for some hundred milliseconds.
    ///
    /// # Errors
    /// `ReleaseRefused` if the bytes are no component or too many.
    pub fn inspect(&self, bytes: &[u8]) -> Result<Interfaces> {
        let _ = bytes;
        Err(Error::internal("not yet"))
    }

    /// Compiles and links a component. Blocks for some hundred milliseconds.
    ///
    /// # Errors
    /// `ReleaseRefused` with the name of the interface that is imported but not allowed, exported but not in the
    /// manifest, or in the manifest but not exported.
    pub fn load(&self, bytes: &[u8], allowed: &Allowed) -> Result<Component> {
        let _ = (bytes, allowed);
        Err(Error::internal("not yet"))
    }
}
