//! Content-addressed storage: what was accepted of releases, each file named by the SHA-256 of its bytes.
//!
//! A file is written beside its place, flushed, and renamed into it, so it is there whole or not at all. It is hashed
//! again whenever it is read: what a disk or a person changed is no longer what its name says.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::code::{private_folder, unusable};
use crate::model::{Digest, Error, ErrorKind, Result};

/// Below the host's directory.
const FOLDER: &str = "content/sha256";

/// The stored files.
pub(super) struct Content(PathBuf);

impl Content {
    /// Opens the storage in the host's directory.
    ///
    /// # Errors
    /// `internal` if it cannot be made.
    pub(super) fn open(data: &Path) -> Result<Self> {
        let folder = data.join(FOLDER);
        private_folder(&folder).map_err(unusable(&folder))?;
        Ok(Self(folder))
    }

    /// Stores bytes; once this returns, they survive a power cut. What is there already is written again, so that a
    /// damaged file is mended. Blocks.
    ///
    /// # Errors
    /// `unavailable` if the disk does not take them.
    pub(super) fn put(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        self.write(&digest, bytes).map_err(|why| {
            let message =
                format!("the release cannot be stored ({why}); the operator must make room and look at the disk");
            Error::new(ErrorKind::Unavailable, message)
        })?;
        Ok(digest)
    }

    /// The bytes of that digest. Blocks.
    ///
    /// # Errors
    /// `release-refused` if they are missing or no longer what they were.
    pub(super) fn get(&self, digest: &Digest, most: usize) -> Result<Vec<u8>> {
        let lost = |why: String| {
            Error::new(
                ErrorKind::ReleaseRefused,
                format!("what was stored as {digest} {why}; install the release again"),
            )
        };
        let bytes = read(&self.path(digest), most).map_err(|why| lost(format!("cannot be read ({why})")))?;
        if Digest::of(&bytes) == *digest { Ok(bytes) } else { Err(lost("has been changed".to_owned())) }
    }

    /// Removes what no release needs: the rest of installations that were cut off.
    pub(super) fn sweep(&self, needed: &HashSet<Digest>) {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let orphaned = |entry: &fs::DirEntry| {
            let name = entry.file_name();
            name.to_str().and_then(|name| name.parse().ok()).is_none_or(|digest| !needed.contains(&digest))
        };
        for entry in entries.filter(orphaned) {
            if let Err(why) = fs::remove_file(entry.path()) {
                tracing::warn!(path = %entry.path().display(), %why, "an orphan cannot be removed");
            }
        }
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.0.join(digest.to_string())
    }

    fn write(&self, digest: &Digest, bytes: &[u8]) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.0)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(self.path(digest)).map_err(|why| why.error)?;
        // The name is durable once its folder is.
        File::open(&self.0)?.sync_all()
    }
}

/// A file's bytes, at most one more than `most`.
fn read(path: &Path, most: usize) -> std::io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let expected = usize::try_from(file.metadata()?.len()).unwrap_or(most).min(most);
    let mut bytes = Vec::with_capacity(expected.saturating_add(1));
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_found_by_its_hash_and_what_was_changed_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let content = Content::open(folder.path()).unwrap();
        let digest = content.put(b"component").unwrap();
        assert_eq!(content.get(&digest, 100).unwrap(), b"component");
        for bad in [&b"Component"[..], b"", b"component and more"] {
            fs::write(content.path(&digest), bad).unwrap();
            let error = content.get(&digest, 100).unwrap_err();
            assert!(error.kind == ErrorKind::ReleaseRefused && error.message.contains("changed"), "{error}");
        }
        assert!(content.get(&Digest::of(b"nothing"), 100).unwrap_err().message.contains("install the release again"));
        content.put(b"component").unwrap();
        assert_eq!(content.get(&digest, 100).unwrap(), b"component", "storing it again mends it");
    }

    #[test]
    fn orphans_and_what_a_killed_host_left_are_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let content = Content::open(folder.path()).unwrap();
        let (needed, orphan) = (content.put(b"needed").unwrap(), content.put(b"orphan").unwrap());
        fs::write(content.0.join(".tmpAbC123"), b"half").unwrap();
        content.sweep(&HashSet::from([needed]));
        assert!(content.get(&needed, 100).is_ok() && content.get(&orphan, 100).is_err());
        assert_eq!(fs::read_dir(&content.0).unwrap().count(), 1);
    }
}
