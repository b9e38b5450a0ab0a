//! Machine code of a component, as the host itself compiled it: the only place in the library with `unsafe`.
//!
//! wasmtime does not check what it deserialises; foreign bytes would be arbitrary code in the host. Invariant: a [`Code`]
//! exists only of bytes that came out of the host's own compiler, and stayed in memory since they were checked.

use wasmtime::Engine;
use wasmtime::component::Component as Compiled;

use crate::model::{Error, Result};

/// Code that may be run.
pub struct Code(Vec<u8>);

impl Code {
    /// Takes bytes of which the caller knows that [`super::precompile`] made them: they come straight from the host's
    /// own compiling process, or carry the host's own seal (`registry/code.rs`). Nobody else calls this.
    pub(crate) fn of_this_host(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, to be sealed and kept.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The component, placed into executable memory.
    ///
    /// # Errors
    /// `internal` if another version of the host, or one with other flags, compiled it.
    #[allow(unsafe_code, reason = "the only way to run what was compiled before; the proof stands beside it")]
    pub(super) fn component(&self, engine: &Engine) -> Result<Compiled> {
        // SAFETY: the bytes must be those that `precompile_component` returned, unchanged. They are the caller's of
        // `of_this_host` to vouch for; since then they are owned by `self`, private, and were never written to. They
        // are deserialised from this memory and not from a file, so nobody can change them between check and use. That
        // they fit this engine (version, processor, flags), wasmtime checks itself.
        let component = unsafe { Compiled::deserialize(engine, &self.0) };
        component.map_err(|error| Error::internal(format!("the code does not fit this host: {error:#}")))
    }
}
