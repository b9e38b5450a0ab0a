//! Releases of connectors: what a vendor declares of one, which are believed, and which serve.
//!
//! Invariant: nothing of a release is believed before it was verified here, and no WebAssembly is parsed before that;
//! whatever other rooms read of a manifest is typed, bounded and consistent. A bad release is one refused release, and
//! the good ones serve on.
//!
//! | file | what it knows |
//! |---|---|
//! | `key.rs`, `envelope.rs`, `statement.rs`, `trust.rs`, `verify.rs` | who signed a release, and whether that is enough |
//! | `manifest.rs` | what a release asks for and offers |
//! | `install.rs` | the steps from bytes to a release that is recorded and serves |
//! | `activate.rs` | which of the installed ones serves, and what has to be approved for that |
//! | `coming.rs` | what will serve once releases that are chosen do as well |
//! | `compiler.rs`, `confine.rs` | compiling, in a process that has nothing |
//! | `code.rs`, `content.rs` | what is kept on disk: code under a seal, releases by their hash |
//! | `serving.rs` | what serves, in memory |
//! | `folder.rs` | releases as folders, for watched directories |
//!
//! Each connector has at most one *active* signed release on each line of compatible versions (0.1.x, 0.2.x, 1.x). A
//! call holds the release it began with; a change takes effect with the next one.

mod activate;
mod canonical;
mod code;
mod coming;
mod compiler;
mod confine;
mod content;
mod envelope;
pub mod folder;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod install;
mod key;
pub mod limits;
pub mod manifest;
mod release;
mod serving;
mod statement;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod trust;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use semver::{Version, VersionReq};
use tokio::sync::Mutex;

pub use activate::line;
pub use coming::Coming;
pub use confine::{Confinement, confine};
pub use folder::{Glance, ReleaseFolder};
pub use install::{Installed, Upload};
pub use key::{PublicKey, SigningKey};
pub use manifest::{Manifest, ManifestError};
pub use release::{Origin, Release};
pub use serving::Refused;
pub use statement::Statement;
pub use trust::Trust;
pub use verify::{sign, verify_statement, verify_with};

use crate::clock::Clock;
use crate::config::CompileConfig;
use crate::model::{ConnectorName, Error, Result};
use crate::runtime::Runtime;
use crate::store::{InstalledRelease, Store};
use code::CodeCache;
use compiler::Compiler;
use content::Content;
use limits::ENVELOPE_BYTES_MAX;
use serving::Serving;

/// The file of a release's folder that holds the manifest.
pub const MANIFEST_FILE: &str = "connector.toml";
/// The file of a release's folder that holds its signed statement.
pub const RELEASE_FILE: &str = "release.json";
/// The file of a release's folder that holds the component.
pub const COMPONENT_FILE: &str = "component.wasm";

/// The releases of this host. Cheap to clone.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    runtime: Runtime,
    store: Store,
    clock: Clock,
    content: Content,
    code: CodeCache,
    compiler: Compiler,
    serving: RwLock<Serving>,
    /// One installation or activation at a time.
    changing: Mutex<()>,
}

impl Registry {
    /// Opens the registry in the host's directory. Every active release is verified again and serves when this returns;
    /// one that fails does not, and says why ([`Self::failure`]).
    ///
    /// # Errors
    /// `internal` if the directory cannot be used; those of the store.
    pub async fn open(
        data: &Path,
        runtime: Runtime,
        store: Store,
        clock: Clock,
        compile: CompileConfig,
    ) -> Result<Self> {
        let inner = Inner {
            content: Content::open(data)?,
            code: CodeCache::open(data, runtime.compatibility())?,
            compiler: Compiler::new(compile),
            serving: RwLock::default(),
            changing: Mutex::default(),
            runtime,
            store,
            clock,
        };
        inner.content.sweep(&inner.store.release_contents().await?.into_iter().collect());
        let registry = Self(Arc::new(inner));
        registry.trust_changed().await?;
        Ok(registry)
    }

    /// Loads a folder's release without asking for a signature, in the place of what was loaded from there before. Never
    /// beside signed releases of its connector, whatever their versions: it would serve with what was approved for those.
    ///
    /// # Errors
    /// `release-refused`, with what to do.
    pub async fn load_unsigned(&self, folder: &ReleaseFolder) -> Result<()> {
        let _turn = self.0.changing.lock().await;
        let reading = folder.clone();
        let (manifest, component) = self.blocking(move |_| reading.unsigned()).await?;
        if let [signed, ..] = self.0.store.releases_of(&manifest.connector).await?.as_slice() {
            let message = format!(
                "{} {} is not signed, and a signed release of that connector is installed ({}): give the unsigned one \
                 another name in its connector.toml, sign it with `hawser sign`, or use a host of its own",
                manifest.connector, manifest.version, signed.version
            );
            return Err(verify::refused(message));
        }
        let origin = Origin::Development { folder: folder.path().to_owned() };
        let release = self.load(manifest, component.into(), origin).await?;
        let manifest = &release.manifest;
        tracing::warn!(connector = %manifest.connector, version = %manifest.version, sha256 = %release.sha256, "loaded an UNSIGNED release, for development only");
        self.write().add_development(release, folder.path());
        Ok(())
    }

    /// Keeps a folder that was not loaded with its reason.
    pub fn refuse(&self, path: PathBuf, error: Error) {
        tracing::error!(path = %path.display(), %error, detail = error.detail, "refused a release");
        self.write().refuse(path, error);
    }

    /// Forgets that a folder was refused: it is good now.
    pub fn forget_refused(&self, folder: &Path) {
        self.write().keep_refused(|path| path != folder);
    }

    /// Forgets what was refused of folders other than these: they are gone.
    pub fn keep_refused(&self, is_there: impl Fn(&Path) -> bool) {
        self.write().keep_refused(is_there);
    }

    /// The newest serving release of a connector that the range admits.
    ///
    /// # Errors
    /// `configuration`, naming what serves instead.
    pub fn release(&self, connector: &ConnectorName, version: &VersionReq) -> Result<Arc<Release>> {
        self.read().newest(connector, version)
    }

    /// Every serving release, by name and then newest first.
    pub fn releases(&self) -> Vec<Arc<Release>> {
        self.read().all().cloned().collect()
    }

    /// Changes with everything that serves or does not serve any more; what was resolved under another number is to be
    /// resolved again.
    pub fn generation(&self) -> u64 {
        self.read().generation()
    }

    /// Counts how often trust has changed: what was refused before may be believed now.
    pub fn trust_changes(&self) -> u64 {
        self.read().trust_changes()
    }

    /// Folders that were refused, and why.
    pub fn refused(&self) -> Vec<Refused> {
        self.read().refused()
    }

    /// Why an active release does not serve; none if it does.
    pub fn failure(&self, connector: &ConnectorName, version: &Version) -> Option<Error> {
        self.read().failure(connector, version).cloned()
    }

    /// What an installed release declares, whoever is trusted today.
    ///
    /// # Errors
    /// `release-refused` if what was stored of it is damaged.
    pub async fn manifest(&self, release: &InstalledRelease) -> Result<Manifest> {
        if let Some(serving) = self.read().get(&release.connector, &release.version).filter(|it| !it.is_development()) {
            return Ok(serving.manifest.clone());
        }
        let statement = release.statement;
        self.blocking(move |inner| verify::reread(&inner.content.get(&statement, ENVELOPE_BYTES_MAX)?)).await
    }

    /// Whose signatures the operator trusts.
    async fn trust(&self) -> Result<Trust> {
        Ok(self.0.store.publisher_keys().await?.into_iter().collect())
    }

    /// Work that reads files or links, away from the threads that serve.
    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> Result<T> + Send + 'static) -> Result<T> {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|why| Err(Error::internal(format!("loading a release broke: {why}"))))
    }

    fn read(&self) -> RwLockReadGuard<'_, Serving> {
        self.0.serving.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Serving> {
        self.0.serving.write().unwrap_or_else(PoisonError::into_inner)
    }
}
