//! Watched directories: releases that somebody put there are installed, and changed unsigned ones are loaded again.
//!
//! A folder is looked into only when it has changed, or was refused and trust has changed since. What was installed once
//! is left alone, whatever its state: a release an operator took out of service does not come back with a restart.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::audit::{self, Audit};
use crate::model::{Digest, Error, ErrorKind, RequestId, Result, Role};
use crate::registry::{Glance, Registry, ReleaseFolder, Upload};
use crate::runtime::Used;

/// How often the directories are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Who installs, in the audit trail and in the listing of releases.
const WATCHER: &str = "watched-directory";

/// Looks after the configured directories.
pub struct Watch {
    registry: Registry,
    audit: Audit,
    directories: Vec<PathBuf>,
    allow_unsigned: bool,
    seen: HashMap<ReleaseFolder, Seen>,
}

/// What was made of a folder, and what it looked like then.
#[derive(PartialEq, Eq)]
struct Seen {
    glance: Glance,
    /// Where it was refused: how often trust had changed by then.
    refused_at: Option<u64>,
}

impl Watch {
    /// Watches these directories; each is a release's folder, or holds some.
    pub fn new(registry: Registry, audit: Audit, directories: Vec<PathBuf>, allow_unsigned: bool) -> Self {
        if allow_unsigned {
            tracing::warn!(?directories, "UNSIGNED connectors are allowed: this host is for development only");
        }
        Self { registry, audit, directories, allow_unsigned, seen: HashMap::new() }
    }

    /// Looks until the host stops.
    pub async fn run(mut self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            // A change that has begun is brought to its end.
            self.look().await;
        }
    }

    /// Looks once: everything that is new or has changed is loaded when this returns, or refused with its reason.
    pub async fn look(&mut self) {
        let directories = self.directories.clone();
        let looking = move || {
            let folders = directories.iter().flat_map(|directory| ReleaseFolder::all_in(directory));
            folders.map(|folder| (folder.glance(), folder)).collect::<Vec<_>>()
        };
        let Ok(found) = tokio::task::spawn_blocking(looking).await else { return };
        self.seen.retain(|folder, _| found.iter().any(|(_, there)| there == folder));
        self.registry.keep_refused(|path| found.iter().any(|(_, there)| there.path() == path));
        for (glance, folder) in found {
            if !self.is_known(&folder, &glance) {
                let refused_at = self.take(&folder).await;
                self.seen.insert(folder, Seen { glance, refused_at });
            }
        }
    }

    fn is_known(&self, folder: &ReleaseFolder, glance: &Glance) -> bool {
        let trust = self.registry.trust_changes();
        self.seen.get(folder).is_some_and(|seen| seen.glance == *glance && seen.refused_at.is_none_or(|at| at == trust))
    }

    /// Takes what a folder holds; where it is refused, says how often trust had changed.
    async fn take(&self, folder: &ReleaseFolder) -> Option<u64> {
        let trust = self.registry.trust_changes();
        let taken = if folder.is_signed() { self.install(folder).await } else { self.load(folder).await };
        let error = taken.err()?;
        self.registry.refuse(folder.path().to_owned(), error);
        Some(trust)
    }

    async fn load(&self, folder: &ReleaseFolder) -> Result<()> {
        if self.allow_unsigned {
            return self.registry.load_unsigned(folder).await;
        }
        let message = "the release is not signed; sign it with `hawser sign`, or, for development, let `allow-unsigned = \
                       true` or `--allow-unsigned` load it";
        Err(Error::new(ErrorKind::ReleaseRefused, message))
    }

    async fn install(&self, folder: &ReleaseFolder) -> Result<()> {
        let reading = folder.clone();
        let read = tokio::task::spawn_blocking(move || reading.signed()).await;
        let upload = read.map_err(|why| Error::internal(why.to_string()))??;
        if self.registry.is_installed(&upload.statement).await? {
            self.registry.forget_refused(folder.path());
            return Ok(());
        }
        let begun = self.audit.begin(&entry(folder, &upload)).await?;
        let installed = self.registry.install(upload, WATCHER).await.map(drop);
        if let Err(error) = begun.finish(&audit::Outcome::of(&installed, &Used::default())).await {
            tracing::error!(%error, "cannot write the outcome of an installation into the audit trail");
        }
        if installed.is_ok() {
            self.registry.forget_refused(folder.path());
        }
        installed
    }
}

fn entry(folder: &ReleaseFolder, upload: &Upload) -> audit::Entry {
    let mut entry = audit::Entry::new(WATCHER, Role::Operator, RequestId::fresh(), "release.install");
    let statement = Digest::of(&upload.statement).to_string();
    entry.parameters.insert("folder".into(), folder.path().display().to_string().into());
    entry.parameters.insert("statement".into(), statement.into());
    entry
}
