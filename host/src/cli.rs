//! The command line: one file per group of commands, each a thin client of the API; `serve` and `demo` start a host,
//! `build`, `keygen`, `sign` and `verify` need none, and `secrets forget-lost` one that stands still.
//!
//! Answers go to standard output, everything else to standard error, so that scripts read only what they asked for;
//! `--json` prints the API's own JSON. The exit codes are part of the interface (see [`fault`]).

mod apply;
mod assign;
mod audit;
mod build;
mod client;
mod compile;
mod config;
mod connection;
mod connector;
pub mod demo;
mod fault;
mod fulfil;
#[cfg(test)]
mod guides;
mod import;
mod keygen;
mod logging;
mod mapping;
mod object;
mod out;
mod output;
mod password;
mod published;
mod publisher;
mod remote;
mod schedule;
mod secret;
mod secrets;
mod serve;
mod sign;
mod system;
mod table;
mod tables;
mod task;
mod token;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use fault::Fault;
use logging::Logging;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  it failed
  2  the command line or the request is wrong
  3  refused: no valid token, not this role, or a permission is missing
  4  there is no such thing
  5  held: it waits for a person to approve or reject
  6  unavailable: nobody answers, or there is too much to do; later it may work
  7  unknown: the request was sent and no answer came; look before repeating it
  8  conflict: it exists already, or was changed meanwhile";

/// The log of commands that only ask a host.
const CLIENT_LOG: &str = "warn";

/// Hawser runs sandboxed identity connectors.
#[derive(Parser)]
#[command(name = "hawser", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
pub struct Cli {
    #[command(flatten)]
    logging: Logging,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Build(build::Build),
    #[command(hide = true)]
    Compile(compile::Compile),
    Keygen(keygen::Keygen),
    Sign(sign::Sign),
    Verify(verify::Verify),
    Publisher(publisher::Publisher),
    Connector(connector::Connector),
    System(system::System),
    Connection(connection::Connection),
    Apply(apply::Apply),
    Config(config::Config),
    Mapping(mapping::Mapping),
    Import(import::Import),
    Fulfil(fulfil::Fulfil),
    Task(task::Task),
    Schedule(schedule::Schedule),
    Object(object::Object),
    Published(published::Published),
    Changes(published::Changes),
    Secrets(secrets::Secrets),
    Table(tables::Table),
    Audit(audit::Audit),
    Token(token::Token),
}

impl Cli {
    /// Runs the command; what went wrong is told on standard error, and the exit code says of what kind it was.
    pub fn run(self) -> ExitCode {
        self.dispatch().map_or_else(|fault| fault.report(), |()| ExitCode::SUCCESS)
    }

    fn dispatch(self) -> Result<(), Fault> {
        // Before there is any other thread, see there.
        if let Command::Compile(compile) = self.command {
            return compile.run();
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(Fault::io("cannot start the asynchronous runtime"))?;
        if !matches!(self.command, Command::Serve(_) | Command::Demo(_)) {
            self.logging.start(CLIENT_LOG, false)?;
        }
        runtime.block_on(async {
            match self.command {
                Command::Serve(serve) => serve.run(&self.logging).await,
                Command::Demo(demo) => demo.run(&self.logging).await,
                Command::Build(build) => build.run(),
                Command::Compile(compile) => compile.run(),
                Command::Keygen(keygen) => keygen.run(),
                Command::Sign(sign) => sign.run(),
                Command::Verify(verify) => verify.run(),
                Command::Publisher(command) => command.run().await,
                Command::Connector(command) => command.run().await,
                Command::System(command) => command.run().await,
                Command::Connection(command) => command.run().await,
                Command::Apply(command) => command.run().await,
                Command::Config(command) => command.run().await,
                Command::Mapping(command) => command.run().await,
                Command::Import(command) => command.run().await,
                Command::Fulfil(command) => command.run().await,
                Command::Task(command) => command.run().await,
                Command::Schedule(command) => command.run().await,
                Command::Object(command) => command.run().await,
                Command::Published(command) => command.run().await,
                Command::Changes(command) => command.run().await,
                Command::Secrets(command) => command.run().await,
                Command::Table(command) => command.run().await,
                Command::Audit(command) => command.run().await,
                Command::Token(command) => command.run().await,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    const GUIDE: &str = include_str!("../../docs/cli.md");

    #[test]
    fn the_commands_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_password_is_no_argument_anywhere() {
        fn walk(command: &clap::Command) {
            for argument in command.get_arguments() {
                let takes_value = argument.get_num_args().is_none_or(|count| count.takes_values());
                let name = argument.get_id().as_str();
                assert!(!(takes_value && name.contains("password")), "{} --{name}", command.get_name());
            }
            command.get_subcommands().for_each(walk);
        }
        let mut command = Cli::command();
        command.build();
        walk(&command);
    }

    #[test]
    fn help_and_guide_name_every_exit_code_of_the_table() {
        let table = include_str!("cli/fault.rs").lines().filter_map(|line| line.strip_prefix("//! | "));
        for row in table.skip(1) {
            let (code, meaning) = row.trim_end_matches(" |").split_once(" | ").unwrap();
            assert!(EXIT_CODES.contains(&format!("\n  {code}  {meaning}")), "{code} {meaning}");
            assert!(GUIDE.contains(&format!("\n| {code} | {meaning} |")), "{code} {meaning}");
        }
    }
}
