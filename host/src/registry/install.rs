//! Installation: from bytes that somebody brought to a release that is recorded and may serve.
//!
//! verify → check → keep → compile → link → record → serve. Each step takes what the one before it made, so none can be
//! left out. Up to `record` nothing but files with hashed names was left behind, which the next start sweeps; `record` is
//! one transaction. So a host that dies between any two steps has the release or does not have it, and the same
//! installation can simply be asked for again.

use std::sync::Arc;

use bytes::Bytes;
use semver::Version;

use super::activate::{Decision, decide};
use super::release::{Origin, Release};
use super::verify::refused;
use super::{Manifest, Registry, Statement, Trust, verify_statement};
use crate::model::{Digest, Result};
use crate::runtime::{Allowed, Code};
use crate::store::{InstalledRelease, ReleaseState};

/// A release that somebody brought.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The envelope: the bytes of release.json.
    pub statement: Vec<u8>,
    pub component: Vec<u8>,
    /// Let it serve at once, if that takes nobody's approval.
    pub activate: bool,
}

/// What came of an installation.
#[derive(Clone, Debug)]
pub struct Installed {
    pub release: InstalledRelease,
    /// False if the very same release was installed before; then nothing was done.
    pub is_new: bool,
}

impl Registry {
    /// Installs a release. It serves at once if its connector has none yet, or it asks for no more than the one that
    /// runs; otherwise it waits for [`Self::activate`].
    ///
    /// # Errors
    /// `release-refused` with the reason: it is not signed or by nobody who is trusted for it, was changed, has expired,
    /// is older than one installed before, is another one of a version that is installed, or cannot be loaded.
    /// `unavailable` if it cannot be stored.
    pub async fn install(&self, upload: Upload, by: &str) -> Result<Installed> {
        let _turn = self.0.changing.lock().await;
        let statement = verify(&upload, &self.trust().await?)?;
        let known = self.0.store.releases_of(&statement.manifest.connector).await?;
        if let Some(release) = known.iter().find(|release| release.statement == statement.digest) {
            return Ok(Installed { release: release.clone(), is_new: false });
        }
        self.check(&statement, &known)?;
        let Upload { statement: envelope, component, activate } = upload;
        let component = Bytes::from(component);
        self.keep(&statement, envelope, component.clone()).await?;
        let code = self.code(statement.component, component).await?;
        let release = self.link(&statement, code).await?;
        let decision = self.decision(&statement, &known, activate).await;
        let recorded = self.record(&statement, &decision, by).await?;
        self.write().remove_development(&recorded.connector);
        if recorded.state == ReleaseState::Active {
            self.serve(release, &decision.replaced).await?;
        }
        Ok(Installed { release: recorded, is_new: true })
    }

    /// Was this very release installed before, by its envelope?
    ///
    /// # Errors
    /// Those of the store.
    pub async fn is_installed(&self, envelope: &[u8]) -> Result<bool> {
        self.0.store.has_statement(&Digest::of(envelope)).await
    }

    /// What the upload is of, if it is to be believed; nothing is done with it.
    ///
    /// # Errors
    /// `release-refused`, those of the store.
    pub async fn examine(&self, upload: &Upload) -> Result<Statement> {
        verify(upload, &self.trust().await?)
    }

    pub(super) fn check(&self, statement: &Statement, known: &[InstalledRelease]) -> Result<()> {
        let Manifest { connector, version, .. } = &statement.manifest;
        if known.iter().any(|release| release.version == *version) {
            let message = format!(
                "{connector} {version} is installed with other contents, and a version is never replaced; ask the \
                 publisher for a new version"
            );
            return Err(refused(message));
        }
        statement.check_installable(self.0.clock.now(), known.iter().map(|release| release.counter).max())
    }

    /// Stores both files under their hashes.
    pub(super) async fn keep(&self, statement: &Statement, envelope: Vec<u8>, component: Bytes) -> Result<()> {
        self.step("keep", statement);
        let keeping = move |inner: &super::Inner| {
            inner.content.put(&component)?;
            inner.content.put(&envelope)
        };
        self.blocking(keeping).await.map(drop)
    }

    /// The component's code: kept, or compiled now.
    pub(super) async fn code(&self, sha256: Digest, component: Bytes) -> Result<Arc<Code>> {
        if let Some(code) = self.blocking(move |inner| Ok(inner.code.get(&sha256))).await? {
            return Ok(Arc::new(code));
        }
        tracing::info!(component = %sha256, "compiling");
        let code = Arc::new(self.0.compiler.compile(&component).await?);
        let keeping = Arc::clone(&code);
        let keep = move |inner: &super::Inner| {
            inner.code.put(&sha256, &keeping);
            Ok(())
        };
        self.blocking(keep).await?;
        Ok(code)
    }

    /// Links the code, its interfaces held against the manifest.
    pub(super) async fn link(&self, statement: &Statement, code: Arc<Code>) -> Result<Release> {
        self.step("link", statement);
        let origin = Origin::Signed { key: statement.key, statement: statement.digest };
        self.linked(statement.manifest.clone(), statement.component, origin, code).await
    }

    /// Decides whether it serves at once.
    pub(super) async fn decision(&self, statement: &Statement, known: &[InstalledRelease], activate: bool) -> Decision {
        let running = self.running(known, &statement.manifest.version).await;
        decide(&statement.manifest, known, &running, activate)
    }

    /// Writes it down: from here on it is installed.
    pub(super) async fn record(
        &self,
        statement: &Statement,
        decision: &Decision,
        by: &str,
    ) -> Result<InstalledRelease> {
        self.step("record", statement);
        let now = self.0.clock.now();
        let release = InstalledRelease {
            connector: statement.manifest.connector.clone(),
            version: statement.manifest.version.clone(),
            statement: statement.digest,
            component: statement.component,
            key: statement.key,
            counter: statement.counter,
            issued: statement.issued,
            expires: statement.expires,
            state: decision.state,
            installed: now,
            installed_by: by.to_owned(),
            activated: None,
            activated_by: None,
        };
        self.0.store.insert_release(&release, &decision.replaced).await
    }

    /// Lets it serve in the place of others; what is no longer trusted by now does not.
    pub(super) async fn serve(&self, release: Release, replaced: &[Version]) -> Result<()> {
        let trust = self.trust().await?;
        let (connector, version) = (release.manifest.connector.clone(), release.manifest.version.clone());
        let mut serving = self.write();
        serving.add(release, replaced);
        serving.remove_untrusted(&trust);
        tracing::info!(%connector, %version, "a release serves");
        Ok(())
    }

    /// A component with its manifest, compiled and linked.
    pub(super) async fn load(&self, manifest: Manifest, component: Bytes, origin: Origin) -> Result<Release> {
        let sha256 = Digest::of(&component);
        let code = self.code(sha256, component).await?;
        self.linked(manifest, sha256, origin, code).await
    }

    async fn linked(&self, manifest: Manifest, sha256: Digest, origin: Origin, code: Arc<Code>) -> Result<Release> {
        let allowed = Allowed { imports: manifest.imports.clone(), exports: manifest.exports.clone() };
        let component = self.blocking(move |inner| inner.runtime.load_code(&code, &allowed)).await?;
        Ok(Release { manifest, sha256, origin, component })
    }

    fn step(&self, step: &'static str, statement: &Statement) {
        let Manifest { connector, version, .. } = &statement.manifest;
        tracing::debug!(%connector, %version, step, "installing");
    }
}

/// Signature, statement and the component's hash; no WebAssembly is parsed by it.
pub(super) fn verify(upload: &Upload, trust: &Trust) -> Result<Statement> {
    let statement = verify_statement(&upload.statement, trust)?;
    statement.matches(&upload.component)?;
    Ok(statement)
}
