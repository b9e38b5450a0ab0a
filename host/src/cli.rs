//! The command line: one file per command group.

pub mod build;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A host for sandboxed identity connectors
#[derive(Debug, Parser)]
#[command(name = "hawser", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Build(build::Build),
}

impl Cli {
    /// Runs the command; the exit code is 0 only if it did what it should.
    pub fn run(self) -> ExitCode {
        let done = match self.command {
            Command::Build(build) => build.run(),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                drop(writeln!(io::stderr(), "error: {error}"));
                ExitCode::FAILURE
            }
        }
    }
}
