//! `hawser serve`: a host until it is asked to stop.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::fault::Fault;
use super::logging::Logging;
use super::out;
use crate::api::FirstTokens;
use crate::clock::Clock;
use crate::config::Config;
use crate::host;

/// Start a host; it drains and stops on Ctrl-C or SIGTERM.
#[derive(Args)]
pub(super) struct Serve {
    /// The configuration file; without one the defaults hold (see the annotated hawser.toml).
    #[arg(long, value_name = "FILE", env = "HAWSER_CONFIG")]
    config: Option<PathBuf>,
    /// Where the API listens, instead of the configuration's `listen`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// The host's own directory, instead of the configuration's `data-dir`.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// A connector to load, written by `hawser build`; again for more, added to the configuration's.
    #[arg(long, value_name = "DIR")]
    connectors: Vec<PathBuf>,
    /// Load connectors without a signature: for development only.
    #[arg(long)]
    allow_unsigned: bool,
}

impl Serve {
    pub(super) async fn run(self, logging: &Logging) -> Result<(), Fault> {
        let config = self.config()?;
        logging.start(&config.log.filter, config.log.json)?;
        let running = host::start(config, Clock::system()).await?;
        if let Some(tokens) = &running.first_tokens {
            show_once(tokens)?;
        }
        out::line(format_args!("listening on http://{0} (the API document is http://{0}/openapi.json)", running.addr))?;
        asked_to_stop().await?;
        out::note("stopping: requests in flight and pages being read may end; Ctrl-C again stops at once");
        tokio::select! {
            () = running.stop() => Ok(()),
            again = asked_to_stop() => again.and(Err(Fault::failed("stopped at once; unfinished tasks go on at the next start"))),
        }
    }

    fn config(self) -> Result<Config, Fault> {
        let mut config = match &self.config {
            Some(file) => Config::read(file)?,
            None => Config::default(),
        };
        config.listen = self.listen.unwrap_or(config.listen);
        config.data_dir = self.data_dir.unwrap_or(config.data_dir);
        config.connectors.extend(self.connectors);
        config.allow_unsigned |= self.allow_unsigned;
        Ok(config)
    }
}

/// The tokens of the first start; they are stored hashed, so this is the only time.
fn show_once(tokens: &FirstTokens) -> Result<(), Fault> {
    out::line("Two tokens were made. They are shown this once; keep them where secrets are kept.")?;
    out::line(format_args!("  operator  {}", tokens.operator))?;
    out::line(format_args!("  core      {}", tokens.core))
}

/// Waits for Ctrl-C or, from a service manager, SIGTERM.
pub(super) async fn asked_to_stop() -> Result<(), Fault> {
    let failed = || Fault::io("cannot wait for signals");
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(failed())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.map_err(failed()),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(failed())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        serve: Serve,
    }

    fn config(arguments: &[&str]) -> Result<Config, Fault> {
        Line::try_parse_from(["serve"].iter().chain(arguments)).unwrap().serve.config()
    }

    #[test]
    fn the_command_line_wins_over_the_file_and_connectors_add_up() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hawser.toml");
        std::fs::write(&file, "data-dir = \"a\"\nconnectors = [\"one\"]\nallow-unsigned = true").unwrap();
        let config = config(&["--config", file.to_str().unwrap(), "--data-dir", "b", "--connectors", "two"]).unwrap();
        assert_eq!(config.data_dir, PathBuf::from("b"));
        assert_eq!(config.connectors, [PathBuf::from("one"), PathBuf::from("two")]);
        assert!(config.allow_unsigned);
    }

    #[test]
    fn a_file_that_is_missing_is_named() {
        assert!(config(&["--config", "no-such.toml"]).unwrap_err().message.contains("no-such.toml"));
        assert!(!config(&[]).unwrap().allow_unsigned);
    }
}
