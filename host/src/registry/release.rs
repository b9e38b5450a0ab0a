//! One release of a connector, ready to serve: its manifest, its component, and where it comes from.

use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::verify::refused;
use super::{Manifest, folder};
use crate::model::Result;
use crate::runtime::{Allowed, CallLimits, Component, Runtime};

/// A loaded release.
pub struct Release {
    pub manifest: Manifest,
    /// SHA-256 of the component's bytes, in hexadecimal.
    pub sha256: String,
    /// Loaded without a signature.
    pub development: bool,
    pub component: Component,
}

impl Release {
    /// Loads the release of a folder without asking for a signature.
    ///
    /// # Errors
    /// `release-refused`, with what to do.
    pub(super) fn load_unsigned(runtime: &Runtime, directory: &Path) -> Result<Self> {
        let text = folder::manifest(directory)?;
        let manifest = Manifest::parse(&text).map_err(|error| refused(error.to_string()))?;
        let bytes = folder::component(directory)?;
        let allowed = Allowed { imports: manifest.imports.clone(), exports: manifest.exports.clone() };
        let component = runtime.load(&bytes, &allowed)?;
        Ok(Self { manifest, sha256: hex(&Sha256::digest(&bytes)), development: true, component })
    }

    /// The limits of its calls: what the manifest asks for, and the host's defaults where it says nothing.
    pub fn limits(&self, ceiling: &CallLimits) -> CallLimits {
        let asked = self.manifest.limits;
        let default = CallLimits::default();
        let or = |asked: Option<Duration>, default| asked.unwrap_or(default);
        let memory = asked.memory_bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        CallLimits {
            memory_bytes: memory.unwrap_or(default.memory_bytes),
            call: or(asked.call, default.call),
            page: or(asked.page, default.page),
        }
        .capped(ceiling)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
