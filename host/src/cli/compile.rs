//! `hawser compile`: the process that compiles one component for a host, which starts it; nobody types this.
//!
//! It is confined before it reads a byte, so whatever the component does to the compiler, it does it to a process that
//! has nothing and reaches nothing.

use std::io::{Read as _, Write as _, stdin, stdout};
use std::time::Duration;

use super::fault::{Exit, Fault};
use crate::model::{Error, ErrorKind};
use crate::registry::{Confinement, confine};
use crate::runtime::limits::COMPONENT_BYTES_MAX;
use crate::runtime::precompile;

/// Compile a component from standard input to standard output; a host does this by itself
#[derive(Debug, clap::Args)]
pub(super) struct Compile {
    /// Address space it may use, in bytes
    #[arg(long, value_name = "N")]
    memory_bytes: u64,
    /// Processor time it may use, in milliseconds
    #[arg(long, value_name = "N")]
    cpu_ms: u64,
}

impl Compile {
    /// Runs before any thread is started: what is there already is confined, and what is started later as well.
    pub(super) fn run(&self) -> Result<(), Fault> {
        confine(Confinement { memory_bytes: self.memory_bytes, cpu: Duration::from_millis(self.cpu_ms) })
            .map_err(unable)?;
        let mut component = Vec::new();
        let mut bounded = stdin().lock().take(COMPONENT_BYTES_MAX as u64 + 1);
        bounded.read_to_end(&mut component).map_err(Fault::io("cannot read the component"))?;
        let code = precompile(&component).map_err(at_fault)?;
        stdout().lock().write_all(&code).map_err(Fault::io("cannot hand over the code"))
    }
}

/// The component's fault, if it is one: the host tells it by the exit code.
fn at_fault(error: Error) -> Fault {
    if error.kind == ErrorKind::ReleaseRefused { Fault::failed(error.message) } else { unable(error) }
}

fn unable(error: Error) -> Fault {
    Fault::new(Exit::Unavailable, error.detail.unwrap_or(error.message))
}
