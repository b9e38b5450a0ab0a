//! The `hawser` program: the allocator, the arguments, and hand over to the command line's room.

use std::process::ExitCode;

use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    hawser::cli::Cli::parse().run()
}
