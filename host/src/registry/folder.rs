//! Releases as folders on disk: where they are, and what is in them. Nothing here believes any of it.

use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};

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
pub struct Glance([Option<(u64, std::time::SystemTime)>; 3]);

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
        Glance([MANIFEST_FILE, RELEASE_FILE, COMPONENT_FILE].map(|name| fs::metadata(self.0.join(name)).ok().and_then(look)))
    }

    /// Reads a signed release. Blocks.
    ///
    /// # Errors
    /// `release-refused` if a file is missing or too long.
    pub fn signed(&self) -> Result<Upload> {
        let statement = self.read(RELEASE_FILE, ENVELOPE_BYTES_MAX)?;
        Ok(Upload { statement, component: self.component()?, activate: true })
    }

    /// Reads a release that is not signed. Blocks.
    ///
    /// # Errors
    /// `release-refused` if a file is missing or too long, or the manifest is wrong.
    pub(super) fn unsigned(&self) -> Result<(Manifest, Vec<u8>)> {
        let text = self.read(MANIFEST_FILE, MANIFEST_BYTES_MAX)?;
        let text = String::from_utf8(text).map_err(|_| refused(format!("{MANIFEST_FILE} is not UTF-8")))?;
        let manifest = Manifest::parse(&text).map_err(|error| refused(error.to_string()))?;
        Ok((manifest, self.component()?))
    }

    fn component(&self) -> Result<Vec<u8>> {
        self.read(COMPONENT_FILE, COMPONENT_BYTES_MAX)
    }

    fn read(&self, name: &str, most: usize) -> Result<Vec<u8>> {
        let path = self.0.join(name);
        let unreadable = |why: std::io::Error| {
            refused(format!("{}: {why}; a release's folder is written by `hawser build`", path.display()))
        };
        let mut bytes = Vec::new();
        let file = File::open(&path).map_err(unreadable)?;
        file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() <= most {
            return Ok(bytes);
        }
        Err(refused(format!("{} has more than {most} bytes", path.display())))
    }
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
