//! What will serve once releases that somebody chose do as well: asked for before any of them is loaded, so that what cannot
//! be is refused while nothing has changed.

use std::sync::Arc;

use semver::{Version, VersionReq};

use super::activate::line;
use super::limits::ENVELOPE_BYTES_MAX;
use super::verify::verify_statement;
use super::{Manifest, Registry};
use crate::model::{ConnectorName, Error, FailureKind, Permissions, Result};

/// Releases that are about to serve, each in the place of the one of its line. Cheap to clone.
#[derive(Clone, Default)]
pub struct Coming(Arc<Vec<Manifest>>);

impl Registry {
    /// These installed releases, if each may serve without anybody's approval and is still to be believed.
    ///
    /// # Errors
    /// As [`Self::activate`], but for what only loading it shows.
    pub async fn coming(&self, chosen: &[(ConnectorName, Version)]) -> Result<Coming> {
        let mut coming = Vec::with_capacity(chosen.len());
        let trust = self.trust().await?;
        for (connector, version) in chosen {
            let (installed, _) = self.approved(connector, version, &Permissions::new()).await?;
            let statement = installed.statement;
            let envelope = self.blocking(move |inner| inner.content.get(&statement, ENVELOPE_BYTES_MAX)).await?;
            coming.push(verify_statement(&envelope, &trust)?.manifest);
        }
        Ok(Coming(Arc::new(coming)))
    }

    /// The manifest of the newest release of a connector that the range admits and that serves then.
    ///
    /// # Errors
    /// `configuration`, naming what serves instead.
    pub fn manifest_then(&self, connector: &ConnectorName, range: &VersionReq, coming: &Coming) -> Result<Manifest> {
        let come: Vec<&Manifest> = coming.0.iter().filter(|manifest| manifest.connector == *connector).collect();
        if come.is_empty() {
            return Ok(self.release(connector, range)?.manifest.clone());
        }
        let releases = self.releases();
        let stay = releases.iter().map(|release| &release.manifest).filter(|manifest| {
            manifest.connector == *connector && !come.iter().any(|come| line(&come.version) == line(&manifest.version))
        });
        let then: Vec<&Manifest> = come.iter().copied().chain(stay).collect();
        let admitted = then.iter().filter(|manifest| range.matches(&manifest.version));
        admitted.max_by(|a, b| a.version.cmp(&b.version)).map(|manifest| (*manifest).clone()).ok_or_else(|| {
            let versions: Vec<String> = then.iter().map(|manifest| manifest.version.to_string()).collect();
            let message =
                format!("no release of {connector} that is to serve is {range}; those are {}", versions.join(", "));
            Error::failure(FailureKind::Configuration, message).blaming("connector")
        })
    }
}
