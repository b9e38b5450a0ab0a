//! Releases of connectors: what a vendor declares of one.
//!
//! Invariant: nothing of a release is believed before it was parsed here; whatever other rooms read of a manifest is
//! typed, bounded and consistent.

pub mod limits;
pub mod manifest;

pub use manifest::{Manifest, ManifestError};
