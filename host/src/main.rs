//! The `hawser` program: the allocator, the arguments, and hand over to the command line's room.

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What was freed goes back to the kernel within half a second, whether or not anybody allocates meanwhile (jemalloc's
/// tuning; the name is the one it looks for): a bomb must not leave the host as large as it made it.
#[allow(unsafe_code, reason = "jemalloc reads its settings from a symbol of this name, before `main`")]
#[unsafe(export_name = "_rjem_malloc_conf")]
static ALLOCATOR_SETTINGS: &[u8; 61] = b"background_thread:true,dirty_decay_ms:500,muzzy_decay_ms:500\0";

fn main() -> ExitCode {
    hawser::cli::Cli::parse().run()
}
