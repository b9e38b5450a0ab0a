//! The `hawser` binary: arguments, and hand over to the command line's room.

use std::process::ExitCode;

use clap::Parser;
use hawser::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
