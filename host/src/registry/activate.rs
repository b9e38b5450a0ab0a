//! Which of the installed releases serves: activation, rolling back, and what follows when trust changes.
//!
//! A release that asks for more than the one that runs does not take its place by itself (V6 of the threats): it is
//! parked until somebody approves each permission it asks for in addition. What once served was approved then, so going
//! back to it takes nobody's leave. Counter and expiry are looked at when a release is installed, and never again.

use semver::Version;

use super::limits::ENVELOPE_BYTES_MAX;
use super::{Manifest, Registry, Trust, Upload, verify, verify_statement};
use crate::model::{ConnectorName, Error, FailureKind, Permission, Permissions, Result};
use crate::runtime::limits::COMPONENT_BYTES_MAX;
use crate::store::{InstalledRelease, ReleaseState};

/// What becomes of a release that was just installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) state: ReleaseState,
    /// Versions it takes the place of.
    pub(super) replaced: Vec<Version>,
}

impl Registry {
    /// Lets an installed release serve in the place of the active one of its line. `approved` are the permissions it
    /// asks for beyond the one that runs; what once was active needs none.
    ///
    /// # Errors
    /// `not-permitted` naming the permissions that are not approved; `invalid-request` if one is approved that it does
    /// not ask for; `release-refused` if it is no longer to be believed; `not-found`.
    pub async fn activate(
        &self,
        connector: &ConnectorName,
        version: &Version,
        approved: &Permissions,
        by: &str,
    ) -> Result<InstalledRelease> {
        let _turn = self.0.changing.lock().await;
        let (installed, known) = self.approved(connector, version, approved).await?;
        let release = self.stored(&installed, &self.trust().await?).await?;
        let replaced = of_line(&known, version);
        let active = self.0.store.set_release_state(&installed, ReleaseState::Active, by, &replaced).await?;
        self.serve(release, &replaced).await?;
        Ok(active)
    }

    /// Takes an active release out of service; calls under way end on it.
    ///
    /// # Errors
    /// `conflict` if it is not active; `not-found`.
    pub async fn deactivate(&self, connector: &ConnectorName, version: &Version, by: &str) -> Result<InstalledRelease> {
        let _turn = self.0.changing.lock().await;
        let installed = self.0.store.installed_release(connector, version).await?;
        if installed.state != ReleaseState::Active {
            let message = format!("{connector} {version} is {}, not active", installed.state.as_str());
            return Err(Error::failure(FailureKind::Conflict, message));
        }
        let now = self.0.store.set_release_state(&installed, ReleaseState::Installed, by, &[]).await?;
        self.write().remove(connector, version);
        Ok(now)
    }

    /// What an installed release would need approved before it may serve.
    ///
    /// # Errors
    /// `release-refused` if what was stored of it is damaged; those of the store.
    pub async fn awaits(&self, installed: &InstalledRelease) -> Result<Permissions> {
        let known = self.0.store.releases_of(&installed.connector).await?;
        self.additional(installed, &known).await
    }

    /// Looks again at what serves: what is no longer trusted stops at once, whoever else is being installed meanwhile;
    /// what is active and trusted (again) serves. One that fails keeps its reason.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn trust_changed(&self) -> Result<()> {
        let trust = self.trust().await?;
        self.write().trust_changed(&trust);
        let _turn = self.0.changing.lock().await;
        let trust = self.trust().await?;
        self.write().remove_untrusted(&trust);
        for installed in self.0.store.active_releases().await? {
            self.resume(&installed, &trust).await?;
        }
        Ok(())
    }

    /// An installed release that may serve with what is approved, and all that are known of its connector.
    pub(super) async fn approved(
        &self,
        connector: &ConnectorName,
        version: &Version,
        approved: &Permissions,
    ) -> Result<(InstalledRelease, Vec<InstalledRelease>)> {
        let installed = self.0.store.installed_release(connector, version).await?;
        let known = self.0.store.releases_of(connector).await?;
        let additional = self.additional(&installed, &known).await?;
        check_approval(&installed, &additional, approved)?;
        Ok((installed, known))
    }

    /// Lets an active release serve, if it is still to be believed.
    async fn resume(&self, installed: &InstalledRelease, trust: &Trust) -> Result<()> {
        let InstalledRelease { connector, version, .. } = installed;
        if self.read().get(connector, version).is_some_and(|release| !release.is_development()) {
            return Ok(());
        }
        match self.stored(installed, trust).await {
            Ok(release) => self.serve(release, &[]).await,
            Err(error) => {
                tracing::error!(%connector, %version, %error, detail = error.detail, "an active release does not serve");
                self.write().fail(connector, version, error);
                Ok(())
            }
        }
    }

    /// An installed release, read from where it is stored, verified again and loaded.
    async fn stored(&self, installed: &InstalledRelease, trust: &Trust) -> Result<super::Release> {
        let (statement, component) = (installed.statement, installed.component);
        let reading = move |inner: &super::Inner| {
            let statement = inner.content.get(&statement, ENVELOPE_BYTES_MAX)?;
            let component = inner.content.get(&component, COMPONENT_BYTES_MAX)?;
            Ok(Upload { statement, component, activate: true })
        };
        let stored = self.blocking(reading).await?;
        let statement = verify_statement(&stored.statement, trust)?;
        // The storage has hashed the component already: once is enough.
        if statement.component != component {
            return Err(verify::refused("its statement is of another component; install the release again"));
        }
        let code = self.code(component, stored.component.into()).await?;
        self.link(&statement, code).await
    }

    /// What it asks for beyond the one that runs; nothing if it was active before.
    async fn additional(&self, installed: &InstalledRelease, known: &[InstalledRelease]) -> Result<Permissions> {
        if installed.activated.is_some() {
            return Ok(Permissions::new());
        }
        let asked = self.manifest(installed).await?.permissions();
        Ok(match self.running(known, &installed.version).await {
            Running::Nothing => Permissions::new(),
            Running::With(granted) => beyond(&asked, &granted),
        })
    }

    /// What the release asks for that a new one is compared with.
    pub(super) async fn running(&self, known: &[InstalledRelease], version: &Version) -> Running {
        let Some(reference) = reference(known, version) else { return Running::Nothing };
        match self.manifest(reference).await {
            Ok(manifest) => Running::With(manifest.permissions()),
            // Nobody can say what was approved, so nothing was.
            Err(error) => {
                tracing::error!(version = %reference.version, %error, "what the running release asks for cannot be read");
                Running::With(Permissions::new())
            }
        }
    }
}

/// What a new release is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Running {
    /// No release of its connector was ever active.
    Nothing,
    With(Permissions),
}

/// What becomes of a release that is installed beside the `known` ones of its connector.
pub(super) fn decide(manifest: &Manifest, known: &[InstalledRelease], running: &Running, activate: bool) -> Decision {
    let asks_more = match running {
        Running::Nothing => false,
        Running::With(granted) => !beyond(&manifest.permissions(), granted).is_empty(),
    };
    let replaced = of_line(known, &manifest.version);
    let is_newest = replaced.iter().all(|version| *version < manifest.version);
    let state = match (asks_more, activate && is_newest) {
        (true, _) => ReleaseState::Parked,
        (false, true) => ReleaseState::Active,
        (false, false) => ReleaseState::Installed,
    };
    let replaced = if state == ReleaseState::Active { replaced } else { Vec::new() };
    Decision { state, replaced }
}

/// The release that runs: on the same line; else the newest; else the one that ran last.
fn reference<'a>(known: &'a [InstalledRelease], version: &Version) -> Option<&'a InstalledRelease> {
    let active = || known.iter().filter(|release| release.state == ReleaseState::Active);
    let same_line = active().find(|release| line(&release.version) == line(version));
    let newest = || active().max_by(|a, b| a.version.cmp(&b.version));
    let last = || known.iter().filter(|release| release.activated.is_some()).max_by_key(|release| release.activated);
    same_line.or_else(newest).or_else(last)
}

/// The active versions of the same line, but for this one.
fn of_line(known: &[InstalledRelease], version: &Version) -> Vec<Version> {
    let active = known.iter().filter(|release| release.state == ReleaseState::Active).map(|release| &release.version);
    active.filter(|other| line(other) == line(version) && *other != version).cloned().collect()
}

/// The line of compatible versions, as semver counts them: up to the first number that is not zero.
pub fn line(version: &Version) -> (u64, u64, u64) {
    match (version.major, version.minor, version.patch) {
        (0, 0, patch) => (0, 0, patch),
        (0, minor, _) => (0, minor, 0),
        (major, _, _) => (major, 0, 0),
    }
}

/// What is asked for and not covered by what is granted.
fn beyond(asked: &Permissions, granted: &Permissions) -> Permissions {
    asked.iter().filter(|asked| !granted.iter().any(|granted| granted.covers(asked))).cloned().collect()
}

fn check_approval(release: &InstalledRelease, additional: &Permissions, approved: &Permissions) -> Result<()> {
    let name = format!("{} {}", release.connector, release.version);
    if let Some(foreign) = approved.iter().find(|permission| !additional.contains(permission)) {
        let message = format!("{name} does not ask for {foreign} beyond the release that runs; do not approve it");
        return Err(Error::invalid(message).blaming("approve"));
    }
    let missing: Vec<&Permission> = additional.difference(approved).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let message = format!("{name} asks for more than the release that runs; it takes the approval of {names}");
    let error = Error::failure(FailureKind::NotPermitted, message);
    Err(missing.into_iter().fold(error, |error, permission| error.blaming(permission.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_where_versions_stop_being_compatible() {
        let line_of = |text: &str| line(&text.parse().unwrap());
        assert_eq!(line_of("1.2.3"), line_of("1.9.0"));
        assert_eq!(line_of("0.1.2"), line_of("0.1.9"));
        for (one, other) in [("1.0.0", "2.0.0"), ("0.1.0", "0.2.0"), ("0.0.1", "0.0.2"), ("0.1.0", "1.0.0")] {
            assert_ne!(line_of(one), line_of(other), "{one} {other}");
        }
    }

    #[test]
    fn reading_is_covered_by_writing_and_not_the_other_way_round() {
        let of = |text: &str| Permissions::from([text.parse().unwrap()]);
        let (read, write) = (of("directory:data:read-only"), of("directory:data:read-write"));
        assert_eq!(beyond(&read, &write), Permissions::new());
        assert_eq!(beyond(&write, &read), write);
        assert_eq!(beyond(&read, &of("directory:other:read-write")), read);
    }
}
