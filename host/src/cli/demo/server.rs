//! Servers to try things on, each as its project ships it: the directories OpenLDAP, a Samba domain controller and
//! 389-ds, and a SCIM service provider.
//!
//! A server is started by code on the loopback, on ports or an address of its own, over a temporary folder with a
//! private CA; several run side by side. It ends with the value that stands for it, and with this process however that
//! ends. `hawser demo --target` shows the main job on them, and the integration tests prove the connectors on them,
//! with the servers' own tools ([`tools`]) or `curl` ([`curl`]) as the judge.
//!
//! Everything here runs programs and blocks: asynchronous callers hand it to a thread that may.

pub mod ca;
pub mod cache;
pub mod command;
pub mod curl;
pub mod dn;
pub mod ds389;
pub mod kept;
pub mod ldif;
pub mod people;
pub mod ports;
pub mod process;
pub mod programs;
pub mod python;
pub mod samba;
pub mod scim2;
pub mod slapd;
pub mod tools;
pub mod web;

use std::io;
use std::path::Path;

/// Why a server or one of its tools did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Programs are not installed; the text says which, and how to get them.
    #[error("{0}")]
    Missing(String),
    /// A program answered that it failed.
    #[error("{what} failed{}: {said}", code.map(|code| format!(" ({code})")).unwrap_or_default())]
    Failed {
        what: String,
        /// Its exit code; none if it had to be ended.
        code: Option<i32>,
        /// What it said.
        said: String,
    },
    /// A file or a program could not be reached at all.
    #[error("cannot {what}: {source}")]
    Io { what: String, source: io::Error },
}

impl ServerError {
    /// The LDAP result code that an LDAP tool told, as in `Invalid credentials (49)`, or ended with; -1 if the server was
    /// not reached.
    pub fn ldap_code(&self) -> Option<i32> {
        let Self::Failed { said, code, .. } = self else { return None };
        let told = |line: &str| line.strip_suffix(')')?.rsplit_once('(')?.1.parse().ok();
        said.lines().find_map(told).or(*code)
    }

    /// A file could not be reached; with what was to be done with it.
    pub fn io(verb: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = format!("{verb} {}", path.display());
        move |source| Self::Io { what, source }
    }

    /// Something that was to be done was not; with what there is to be said about it.
    pub fn failed(what: &str, said: impl Into<String>) -> Self {
        Self::Failed { what: what.to_owned(), code: None, said: said.into() }
    }
}

/// Somebody who may bind.
#[derive(Clone, Debug)]
pub struct Account {
    pub dn: String,
    pub password: String,
}

impl Account {
    fn new(dn: &str, password: &str) -> Self {
        Self { dn: dn.to_owned(), password: password.to_owned() }
    }

    /// The simple bind of this account.
    pub fn bind(&self) -> tools::Bind<'_> {
        tools::Bind::Simple { dn: &self.dn, password: &self.password }
    }
}

fn read(path: &Path) -> Result<String, ServerError> {
    std::fs::read_to_string(path).map_err(ServerError::io("read", path))
}

fn write(path: &Path, text: &str) -> Result<(), ServerError> {
    std::fs::write(path, text).map_err(ServerError::io("write", path))
}

fn make_folder(path: &Path) -> Result<(), ServerError> {
    std::fs::create_dir_all(path).map_err(ServerError::io("make", path))
}

fn temporary(prefix: &str) -> Result<tempfile::TempDir, ServerError> {
    let what = || "make a temporary folder".to_owned();
    tempfile::Builder::new().prefix(prefix).tempdir().map_err(|source| ServerError::Io { what: what(), source })
}
