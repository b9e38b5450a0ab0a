//! What is loaded and serves, and what was refused: the part of the registry that every call looks at, in memory alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use semver::{Version, VersionReq};

use super::release::{Origin, Release};
use super::trust::Trust;
use crate::model::{ConnectorName, Error, FailureKind, Result};

/// A folder whose release was refused, and why.
#[derive(Clone, Debug)]
pub struct Refused {
    pub path: PathBuf,
    pub error: Error,
}

#[derive(Default)]
pub(super) struct Serving {
    /// Newest version first.
    releases: BTreeMap<ConnectorName, Vec<Arc<Release>>>,
    /// By folder.
    refused: BTreeMap<PathBuf, Error>,
    /// Active releases that do not serve.
    failed: BTreeMap<(ConnectorName, Version), Error>,
    /// Counts the changes of what serves.
    generation: u64,
    trust_changes: u64,
}

impl Serving {
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn trust_changes(&self) -> u64 {
        self.trust_changes
    }

    /// To be called once for every change of trust.
    pub(super) fn trust_changed(&mut self, trust: &Trust) {
        self.remove_untrusted(trust);
        self.trust_changes += 1;
    }

    /// By name, and then newest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Release>> {
        self.releases.values().flatten()
    }

    pub(super) fn get(&self, connector: &ConnectorName, version: &Version) -> Option<&Arc<Release>> {
        self.releases.get(connector)?.iter().find(|release| release.manifest.version == *version)
    }

    /// The newest the range admits.
    pub(super) fn newest(&self, connector: &ConnectorName, range: &VersionReq) -> Result<Arc<Release>> {
        let releases = self.releases.get(connector).map(Vec::as_slice).unwrap_or_default();
        let found = releases.iter().find(|release| range.matches(&release.manifest.version));
        found.cloned().ok_or_else(|| self.missing(connector, range, releases))
    }

    /// Puts a release in the place of those versions of its connector, and of its own.
    pub(super) fn add(&mut self, release: Release, replaced: &[Version]) {
        let (connector, version) = (release.manifest.connector.clone(), release.manifest.version.clone());
        let versions = self.releases.entry(connector.clone()).or_default();
        let stays = |other: &Arc<Release>| {
            let its = &other.manifest.version;
            *its != version && !replaced.contains(its)
        };
        versions.retain(stays);
        versions.push(Arc::new(release));
        versions.sort_by(|a, b| b.manifest.version.cmp(&a.manifest.version));
        self.failed.remove(&(connector, version));
        self.generation += 1;
    }

    /// Puts a folder's release in the place of what was loaded from there before.
    pub(super) fn add_development(&mut self, release: Release, folder: &Path) {
        self.retain(|other| !matches!(&other.origin, Origin::Development { folder: its } if its == folder));
        self.refused.remove(folder);
        self.add(release, &[]);
    }

    /// Takes out whatever of a connector was loaded without a signature: a signed release of it is installed.
    pub(super) fn remove_development(&mut self, connector: &ConnectorName) {
        self.retain(|release| release.manifest.connector != *connector || !release.is_development());
    }

    /// Takes a signed release out; calls that hold it go on.
    pub(super) fn remove(&mut self, connector: &ConnectorName, version: &Version) {
        let is_it = |release: &Arc<Release>| {
            release.manifest.connector == *connector
                && release.manifest.version == *version
                && !release.is_development()
        };
        self.retain(|release| !is_it(release));
        self.failed.remove(&(connector.clone(), version.clone()));
    }

    /// Takes out whatever was signed with a key that is not trusted for it.
    pub(super) fn remove_untrusted(&mut self, trust: &Trust) {
        let trusted = |release: &Arc<Release>| match &release.origin {
            Origin::Development { .. } => true,
            Origin::Signed { key, .. } => trust.admits(key, &release.manifest.connector.publisher()),
        };
        self.retain(trusted);
    }

    /// Why an active release does not serve.
    pub(super) fn failure(&self, connector: &ConnectorName, version: &Version) -> Option<&Error> {
        self.failed.get(&(connector.clone(), version.clone()))
    }

    pub(super) fn fail(&mut self, connector: &ConnectorName, version: &Version, error: Error) {
        self.failed.insert((connector.clone(), version.clone()), error);
    }

    pub(super) fn refused(&self) -> Vec<Refused> {
        let one = |(path, error): (&PathBuf, &Error)| Refused { path: path.clone(), error: error.clone() };
        self.refused.iter().map(one).collect()
    }

    pub(super) fn refuse(&mut self, path: PathBuf, error: Error) {
        self.refused.insert(path, error);
    }

    /// Forgets what was refused of folders other than these.
    pub(super) fn keep_refused(&mut self, is_there: impl Fn(&Path) -> bool) {
        self.refused.retain(|path, _| is_there(path));
    }

    fn retain(&mut self, stays: impl Fn(&Arc<Release>) -> bool) {
        let count = |releases: &BTreeMap<_, Vec<_>>| releases.values().map(Vec::len).sum::<usize>();
        let before = count(&self.releases);
        self.releases.values_mut().for_each(|versions| versions.retain(&stays));
        self.releases.retain(|_, versions| !versions.is_empty());
        self.generation += u64::from(count(&self.releases) != before);
    }

    fn missing(&self, connector: &ConnectorName, range: &VersionReq, releases: &[Arc<Release>]) -> Error {
        let failed = self.failed.iter().find(|((name, version), _)| name == connector && range.matches(version));
        let message = if let Some(((_, version), why)) = failed {
            format!("{connector} {version} does not serve: {}", why.message)
        } else if releases.is_empty() {
            let names: Vec<&str> = self.releases.keys().map(ConnectorName::as_str).collect();
            format!("connector {connector} is not loaded; loaded are [{}]", names.join(", "))
        } else {
            let versions: Vec<String> = releases.iter().map(|release| release.manifest.version.to_string()).collect();
            format!("no loaded release of {connector} is {range}; loaded are {}", versions.join(", "))
        };
        Error::failure(FailureKind::Configuration, message).blaming("connector")
    }
}
