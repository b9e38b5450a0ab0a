//! Releases of connectors: what a vendor declares of one, and which are loaded.
//!
//! Invariant: nothing of a release is believed before it was parsed here; whatever other rooms read of a manifest is
//! typed, bounded and consistent. A bad release is one refused release, and the good ones serve on.

mod canonical;
mod envelope;
pub mod folder;
mod key;
pub mod limits;
pub mod manifest;
mod release;
mod statement;
mod trust;
mod verify;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

pub use key::{PublicKey, SigningKey};
pub use manifest::{Manifest, ManifestError};
pub use release::Release;
pub use statement::Statement;
pub use trust::Trust;
pub use verify::{sign, verify_statement, verify_with};

use crate::model::{ConnectorName, Error, ErrorKind, Result};
use crate::runtime::Runtime;

/// The file of a release's folder that holds the manifest.
pub const MANIFEST_FILE: &str = "connector.toml";
/// The file of a release's folder that holds its signed statement.
pub const RELEASE_FILE: &str = "release.json";
/// The file of a release's folder that holds the component.
pub const COMPONENT_FILE: &str = "component.wasm";
/// The most release folders looked for in one directory.
const FOLDERS_MAX: usize = 1_000;

/// A folder whose release was refused, and why.
#[derive(Clone, Debug)]
pub struct Refused {
    pub path: PathBuf,
    pub error: Error,
}

/// The loaded releases. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    runtime: Runtime,
    loaded: Arc<RwLock<Loaded>>,
}

#[derive(Default)]
struct Loaded {
    /// Newest version first.
    releases: BTreeMap<ConnectorName, Vec<Arc<Release>>>,
    refused: Vec<Refused>,
    /// Counts the changes.
    generation: u64,
}

impl Registry {
    /// A registry with nothing in it.
    pub fn new(runtime: Runtime) -> Self {
        Self { runtime, loaded: Arc::default() }
    }

    /// Loads what a directory holds without a signature: it is a release's folder itself, or a folder of such folders.
    /// What is refused is kept with its reason ([`Self::refused`]) and does not keep the others from loading.
    /// Compiles; blocks for some hundred milliseconds a release.
    pub fn load_unsigned(&self, directory: &Path) {
        for folder in folders(directory) {
            match Release::load_unsigned(&self.runtime, &folder) {
                Ok(release) => self.add(release),
                Err(error) => self.refuse(folder, error),
            }
        }
    }

    /// Keeps a folder that was not loaded with its reason.
    pub fn refuse(&self, path: PathBuf, error: Error) {
        tracing::error!(path = %path.display(), %error, "refused a release");
        self.write().refused.push(Refused { path, error });
    }

    /// The newest release of a connector that the range admits.
    ///
    /// # Errors
    /// `configuration`, naming what is loaded instead.
    pub fn release(&self, connector: &ConnectorName, version: &semver::VersionReq) -> Result<Arc<Release>> {
        let loaded = self.read();
        let releases = loaded.releases.get(connector).map(Vec::as_slice).unwrap_or_default();
        let found = releases.iter().find(|release| version.matches(&release.manifest.version));
        found.cloned().ok_or_else(|| missing(connector, version, releases, &loaded))
    }

    /// Every loaded release, by name and then newest first.
    pub fn releases(&self) -> Vec<Arc<Release>> {
        self.read().releases.values().flatten().cloned().collect()
    }

    /// Changes with every release that is loaded; what was resolved under another number is to be resolved again.
    pub fn generation(&self) -> u64 {
        self.read().generation
    }

    /// What was refused, and why.
    pub fn refused(&self) -> Vec<Refused> {
        self.read().refused.clone()
    }

    fn add(&self, release: Release) {
        let manifest = &release.manifest;
        tracing::warn!(connector = %manifest.connector, version = %manifest.version, sha256 = %release.sha256, "loaded an UNSIGNED release, for development only");
        let mut loaded = self.write();
        let versions = loaded.releases.entry(manifest.connector.clone()).or_default();
        versions.retain(|other| other.manifest.version != manifest.version);
        versions.push(Arc::new(release));
        versions.sort_by(|a, b| b.manifest.version.cmp(&a.manifest.version));
        loaded.generation += 1;
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Loaded> {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Loaded> {
        self.loaded.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn missing(
    connector: &ConnectorName,
    version: &semver::VersionReq,
    releases: &[Arc<Release>],
    loaded: &Loaded,
) -> Error {
    let message = if releases.is_empty() {
        let names: Vec<&str> = loaded.releases.keys().map(ConnectorName::as_str).collect();
        format!("connector {connector} is not loaded; loaded are [{}]", names.join(", "))
    } else {
        let versions: Vec<String> = releases.iter().map(|release| release.manifest.version.to_string()).collect();
        format!("no loaded release of {connector} is {version}; loaded are {}", versions.join(", "))
    };
    Error::new(ErrorKind::Failure(crate::model::FailureKind::Configuration), message).blaming("connector")
}

/// The release folders of a directory, or the directory itself.
fn folders(directory: &Path) -> Vec<PathBuf> {
    if directory.join(MANIFEST_FILE).is_file() {
        return vec![directory.to_path_buf()];
    }
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> =
        entries.filter(|path| path.join(MANIFEST_FILE).is_file()).take(FOLDERS_MAX).collect();
    folders.sort();
    if folders.is_empty() { vec![directory.to_path_buf()] } else { folders }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::runtime::RuntimeLimits;

    fn registry() -> Registry {
        Registry::new(Runtime::new(RuntimeLimits::default(), Clock::system()).unwrap())
    }

    #[test]
    fn a_bad_release_is_refused_with_its_reason_and_the_registry_stays_usable() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(MANIFEST_FILE), "publisher = 3").unwrap();
        let registry = registry();
        registry.load_unsigned(folder.path());
        let refused = registry.refused();
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].error.kind, ErrorKind::ReleaseRefused);
        assert!(refused[0].error.message.contains("publisher"), "{}", refused[0].error);
        assert!(registry.releases().is_empty());
    }

    #[test]
    fn a_directory_without_releases_is_named() {
        let registry = registry();
        registry.load_unsigned(Path::new("/no/such/directory"));
        assert!(registry.refused()[0].error.message.contains("hawser build"), "{}", registry.refused()[0].error);
    }

    #[test]
    fn a_connector_that_is_not_loaded_is_named_with_what_is() {
        let error = registry().release(&"acme/none".parse().unwrap(), &semver::VersionReq::STAR).err().unwrap();
        assert!(error.message.contains("acme/none is not loaded"), "{error}");
    }
}
