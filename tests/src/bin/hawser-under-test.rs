//! The product's command line, built beside the tests: a host that can be killed, and `hawser build` for their guests.

use std::process::ExitCode;

use clap::Parser as _;
use hawser::cli::Cli;

/// The product's own (`host/src/main.rs`): what is measured here is measured with it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    Cli::parse().run()
}
