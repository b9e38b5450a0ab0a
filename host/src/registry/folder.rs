//! A release's folder on disk: where it is, and its files, read whole and within bounds before anybody looks into them.

use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::limits::{ENVELOPE_BYTES_MAX, FOLDERS_MAX, MANIFEST_BYTES_MAX};
use super::verify::refused;
use super::{COMPONENT_FILE, MANIFEST_FILE, Manifest, RELEASE_FILE, Upload};
use crate::model::Result;
use crate::runtime::limits::COMPONENT_BYTES_MAX;

/// A folder that holds a release, or was meant to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReleaseFolder(PathBuf);

/// What a folder looked like; equal as long as nothing in it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glance([Option<(u64, SystemTime)>; 3]);

impl ReleaseFolder {
    /// The release folders of a directory: it is one itself, or holds some. A directory without any counts as one that
    /// was meant to be.
    pub fn all_in(directory: &Path) -> Vec<Self> {
        if holds_release(directory) {
            return vec![Self(directory.to_path_buf())];
        }
        let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut folders: Vec<PathBuf> = entries.filter(|path| holds_release(path)).take(FOLDERS_MAX).collect();
        folders.sort();
        if folders.is_empty() {
            folders.push(directory.to_path_buf());
        }
        folders.into_iter().map(Self).collect()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Was its release signed, by whomever?
    pub fn is_signed(&self) -> bool {
        self.0.join(RELEASE_FILE).exists()
    }

    /// What it looks like now.
    pub fn glance(&self) -> Glance {
        let look = |found: Metadata| Some((found.len(), found.modified().ok()?));
        Glance(
            [MANIFEST_FILE, RELEASE_FILE, COMPONENT_FILE]
                .map(|name| fs::metadata(self.0.join(name)).ok().and_then(look)),
        )
    }

    /// Reads a signed release. Blocks.
    ///
    /// # Errors
    /// `release-refused` if a file is missing or too long.
    pub fn signed(&self) -> Result<Upload> {
        Ok(Upload { statement: envelope(&self.0)?, component: component(&self.0)?, activate: true })
    }

    /// Reads a release that is not signed. Blocks.
    ///
    /// # Errors
    /// `release-refused` if a file is missing or too long, or the manifest is wrong.
    pub(super) fn unsigned(&self) -> Result<(Manifest, Vec<u8>)> {
        let manifest = Manifest::parse(&manifest(&self.0)?).map_err(|error| refused(error.to_string()))?;
        Ok((manifest, component(&self.0)?))
    }
}

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

fn holds_release(folder: &Path) -> bool {
    [MANIFEST_FILE, RELEASE_FILE].into_iter().any(|name| folder.join(name).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_a_release_or_holds_some_or_was_meant_to() {
        let directory = tempfile::tempdir().unwrap();
        let names = || -> Vec<PathBuf> {
            let folders = ReleaseFolder::all_in(directory.path()).into_iter();
            folders.map(|folder| folder.path().strip_prefix(directory.path()).unwrap().to_owned()).collect()
        };
        assert_eq!(names(), [PathBuf::new()]);
        for (folder, file) in [("b", MANIFEST_FILE), ("a", RELEASE_FILE), ("c", "readme")] {
            fs::create_dir(directory.path().join(folder)).unwrap();
            fs::write(directory.path().join(folder).join(file), "").unwrap();
        }
        assert_eq!(names(), [PathBuf::from("a"), PathBuf::from("b")]);
        fs::write(directory.path().join(MANIFEST_FILE), "").unwrap();
        assert_eq!(names(), [PathBuf::new()]);
    }

    #[test]
    fn what_is_missing_or_too_long_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let folder = ReleaseFolder(directory.path().to_owned());
        assert!(folder.signed().unwrap_err().message.contains("hawser build"));
        fs::write(directory.path().join(RELEASE_FILE), vec![b' '; ENVELOPE_BYTES_MAX + 1]).unwrap();
        assert!(folder.signed().unwrap_err().message.contains("release.json has more than"));
    }

    #[test]
    fn a_glance_sees_that_a_file_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let folder = ReleaseFolder(directory.path().to_owned());
        let before = folder.glance();
        assert_eq!(before, folder.glance());
        fs::write(directory.path().join(COMPONENT_FILE), b"x").unwrap();
        assert_ne!(before, folder.glance());
    }
}
