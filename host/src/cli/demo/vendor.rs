//! The vendor of the demo: a key, the connector it built, and releases signed as `hawser sign` does.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::super::client::Call;
use super::super::fault::Fault;
use crate::clock::Clock;
use crate::registry::{PublicKey, SigningKey, folder, sign};

/// How long a release of the demo may be installed.
const EXPIRES: SignedDuration = SignedDuration::from_hours(24);

/// Who publishes the demo's connector.
pub(super) struct Vendor {
    key: SigningKey,
    /// The text of connector.toml.
    pub(super) manifest: String,
    pub(super) component: Vec<u8>,
    clock: Clock,
}

/// What a vendor ships.
pub(super) struct Release {
    pub(super) statement: Vec<u8>,
    pub(super) component: Vec<u8>,
}

impl Vendor {
    /// Makes a key for a connector that `hawser build` wrote.
    pub(super) fn of(connector: &Path, clock: Clock) -> Result<Self, Fault> {
        Ok(Self {
            key: SigningKey::generate()?,
            manifest: folder::manifest(connector)?,
            component: folder::component(connector)?,
            clock,
        })
    }

    /// The half of the key that operators get.
    pub(super) fn public(&self) -> Result<PublicKey, Fault> {
        Ok(self.key.public()?)
    }

    /// Signs the connector as it is, or with another manifest.
    pub(super) fn sign(&self, manifest: &str, counter: u64) -> Result<Release, Fault> {
        let time = |why: jiff::Error| Fault::failed(why.to_string());
        let issued = Timestamp::from_second(self.clock.now().as_second()).map_err(time)?;
        let expires = issued.checked_add(EXPIRES).map_err(time)?;
        let statement = sign(&self.key, manifest, &self.component, counter, issued, expires)?;
        Ok(Release { statement, component: self.component.clone() })
    }
}

impl Release {
    /// The request that installs it.
    pub(super) fn upload(&self) -> Call {
        let call = Call::act("/v1/releases").part("statement", self.statement.clone());
        call.part("component", self.component.clone())
    }
}
