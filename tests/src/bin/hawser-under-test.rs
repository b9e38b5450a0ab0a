//! The product's command line with the product's allocator, built beside the tests: a host that can be killed, and
//! `hawser build` for their guests.

use std::process::ExitCode;

use clap::Parser as _;
use hawser::cli::Cli;

/// The product's own (`host/src/main.rs`), and its settings: what is measured here is measured with them.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[allow(unsafe_code, reason = "jemalloc reads its settings from a symbol of this name, before `main`")]
#[unsafe(export_name = "_rjem_malloc_conf")]
static ALLOCATOR_SETTINGS: &[u8; 61] = b"background_thread:true,dirty_decay_ms:500,muzzy_decay_ms:500\0";

fn main() -> ExitCode {
    Cli::parse().run()
}
