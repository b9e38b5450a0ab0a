//! The log: what is asked for on the command line or in the environment, else what the configuration says.
//!
//! Protocol crates print what they carry at their finer levels, headers with tokens and rows with personal data among
//! it; their level is capped here, whatever the filter asks for.

use std::io::stderr;

use clap::Args;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry, fmt};

use super::fault::Fault;

/// Crates that see requests, answers or rows, by the beginning of their targets; never finer than info.
const CAPPED: [&str; 7] = ["h2", "hyper", "object_store", "reqwest", "rustls", "sqlx", "tower"];

/// How to log.
#[derive(Args)]
pub(super) struct Logging {
    /// What to log, e.g. `info` or `hawser=debug`.
    #[arg(long, value_name = "FILTER", env = "HAWSER_LOG", global = true)]
    log: Option<String>,
    /// Log as JSON, a line each.
    #[arg(long, env = "HAWSER_LOG_JSON", global = true)]
    log_json: bool,
}

impl Logging {
    /// Starts logging to standard error; `filter` and `json` are what to do unless the command line says otherwise.
    pub(super) fn start(&self, filter: &str, json: bool) -> Result<(), Fault> {
        let filter = self.log.as_deref().unwrap_or(filter);
        let allowed = EnvFilter::try_new(filter)
            .map_err(|why| Fault::usage(format!("--log {filter}: {why}; write e.g. info or hawser=debug")))?
            .and(filter_fn(is_not_capped));
        let lines = fmt::layer().with_writer(stderr).with_ansi(console::colors_enabled_stderr());
        let layer = if json || self.log_json {
            lines.json().flatten_event(true).with_filter(allowed).boxed()
        } else {
            lines.with_filter(allowed).boxed()
        };
        Registry::default().with(layer).try_init().map_err(|why| Fault::failed(format!("cannot start the log: {why}")))
    }
}

fn is_not_capped(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let crate_name = target.split("::").next().unwrap_or(target);
    *metadata.level() <= Level::INFO || !CAPPED.iter().any(|capped| crate_name.starts_with(capped))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_protocol_crate_stays_quiet_even_at_trace() {
        let lines = Lines::default();
        let writer = lines.clone();
        let filter = EnvFilter::new("trace,hyper::proto=trace").and(filter_fn(is_not_capped));
        let layer = fmt::layer().with_writer(move || writer.clone()).with_filter(filter);
        tracing::subscriber::with_default(Registry::default().with(layer), || {
            tracing::trace!(target: "hyper::proto::h1", "authorization: Bearer canary");
            tracing::debug!(target: "sqlx::query", "canary");
            tracing::info!(target: "sqlx::query", "slow query");
            tracing::trace!(target: "hawser::runtime", "a page");
        });
        let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert!(!logged.contains("canary"), "{logged}");
        assert!(logged.contains("slow query") && logged.contains("a page"), "{logged}");
    }
}
