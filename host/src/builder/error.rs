//! Why a connector could not be built, told to the vendor at the terminal.

use std::io;
use std::path::{Path, PathBuf};

use crate::registry::ManifestError;

/// A build that failed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// A program is not installed.
    #[error("`{program}` cannot be run ({source}): install it, or put it on PATH")]
    Program { program: String, source: io::Error },
    /// A program ran and failed.
    #[error("`{line}` failed ({status}){}", said(stderr))]
    Command {
        /// Program and arguments.
        line: String,
        status: String,
        /// What it said last; empty where the terminal has seen it already.
        stderr: String,
    },
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The way that was insisted on does not exist here.
    #[error("no guest toolchain this way: {0}")]
    NotOffered(String),
    /// The crate compiles to something else.
    #[error("{0}")]
    Crate(String),
    /// The component is not what its manifest says.
    #[error("the component would be refused by a host: {0}")]
    Component(String),
}

impl BuildError {
    /// For `map_err`: what was tried with which path.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// For `map_err`: whatever goes wrong here means that this way is not open.
    pub(super) fn not_offered(self) -> Self {
        Self::NotOffered(self.to_string())
    }
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(":\n{stderr}") }
}
