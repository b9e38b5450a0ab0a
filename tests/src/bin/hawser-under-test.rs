//! The product's command line, built beside the tests: a host that can be killed, and `hawser build` for their guests.

use std::process::ExitCode;

use clap::Parser as _;
use hawser::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
