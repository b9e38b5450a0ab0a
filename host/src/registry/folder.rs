//! A release's folder on disk: its files, read whole and within bounds before anybody looks into them.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::limits::{ENVELOPE_BYTES_MAX, MANIFEST_BYTES_MAX};
use super::verify::refused;
use super::{COMPONENT_FILE, MANIFEST_FILE, RELEASE_FILE};
use crate::model::Result;
use crate::runtime::limits::COMPONENT_BYTES_MAX;

/// The text of its manifest.
///
/// # Errors
/// `release-refused` if the file cannot be read, is too long, or is no text.
pub fn manifest(folder: &Path) -> Result<String> {
    let text = read(&folder.join(MANIFEST_FILE), MANIFEST_BYTES_MAX)?;
    String::from_utf8(text).map_err(|_| refused(format!("{MANIFEST_FILE} is not UTF-8")))
}

/// The bytes of its component.
///
/// # Errors
/// `release-refused` if the file cannot be read or is too long.
pub fn component(folder: &Path) -> Result<Vec<u8>> {
    read(&folder.join(COMPONENT_FILE), COMPONENT_BYTES_MAX)
}

/// The bytes of its signed statement.
///
/// # Errors
/// `release-refused` if the file cannot be read or is too long.
pub fn envelope(folder: &Path) -> Result<Vec<u8>> {
    read(&folder.join(RELEASE_FILE), ENVELOPE_BYTES_MAX)
}

fn read(path: &Path, limit: usize) -> Result<Vec<u8>> {
    let unreadable = |why: std::io::Error| {
        let remedy = "a release's folder is written by `hawser build` and signed by `hawser sign`";
        refused(format!("{}: {why}; {remedy}", path.display()))
    };
    let file = File::open(path).map_err(unreadable)?;
    // One byte more than is allowed tells that there is more, whatever happens to the file meanwhile.
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > limit {
        return Err(refused(format!("{} has more than {limit} bytes, which are allowed", path.display())));
    }
    Ok(bytes)
}
