//! One release of a connector, ready to serve: its manifest, its component, and where it comes from.

use std::path::Path;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::limits::MANIFEST_BYTES_MAX;
use super::{COMPONENT_FILE, MANIFEST_FILE, Manifest};
use crate::model::{Error, ErrorKind, Result};
use crate::runtime::limits::COMPONENT_BYTES_MAX;
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
    pub(super) fn load_unsigned(runtime: &Runtime, folder: &Path) -> Result<Self> {
        let text = read(&folder.join(MANIFEST_FILE), MANIFEST_BYTES_MAX)?;
        let text = String::from_utf8(text).map_err(|_| refused(format!("{MANIFEST_FILE} is not UTF-8")))?;
        let manifest = Manifest::parse(&text).map_err(|error| refused(error.to_string()))?;
        let bytes = read(&folder.join(COMPONENT_FILE), COMPONENT_BYTES_MAX)?;
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

fn read(path: &Path, limit: usize) -> Result<Vec<u8>> {
    let unreadable = |why: std::io::Error| {
        refused(format!("{}: {why}; a release's folder is written by `hawser build`", path.display()))
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > limit as u64 {
        return Err(refused(format!("{} has {length} bytes; {limit} are allowed", path.display())));
    }
    std::fs::read(path).map_err(unreadable)
}

fn refused(why: String) -> Error {
    Error::new(ErrorKind::ReleaseRefused, why)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
