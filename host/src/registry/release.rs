//! One release of a connector, ready to serve: its manifest, its component, and where it comes from.

use std::path::PathBuf;
use std::time::Duration;

use super::Manifest;
use crate::model::{Digest, KeyId};
use crate::runtime::{CallLimits, Component};

/// A loaded release.
pub struct Release {
    pub manifest: Manifest,
    /// SHA-256 of the component's bytes.
    pub sha256: Digest,
    pub origin: Origin,
    pub component: Component,
}

/// Why a release is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// This key signed it; its envelope has this digest.
    Signed { key: KeyId, statement: Digest },
    /// It is not signed; the operator allowed that, for development.
    Development { folder: PathBuf },
}

impl Release {
    /// Loaded without a signature?
    pub fn is_development(&self) -> bool {
        matches!(self.origin, Origin::Development { .. })
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
