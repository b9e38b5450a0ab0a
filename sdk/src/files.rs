//! Files of a directory that the operator permitted, by plain name.

use crate::backend::files;
use crate::error::{Error, Result};
use std::io::{self, Read, Seek, SeekFrom, Write};

pub use crate::bindings::host::files::FileInfo;

/// How much is read from or written to the host at once, in bytes.
pub const CHUNK_BYTES: usize = 256 << 10;

/// A directory, by its name in the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory(String);

impl Directory {
    /// The directory the manifest calls so.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// Its files.
    ///
    /// # Errors
    /// When it is not permitted, or not there.
    pub fn list(&self) -> Result<Vec<FileInfo>> {
        Ok(files::list(&self.0)?)
    }

    /// Opens a file.
    ///
    /// # Errors
    /// When there is no such file, or it is not permitted.
    pub fn open(&self, name: &str) -> Result<Reader> {
        let handle = files::open(&self.0, name)?;
        Ok(Reader { info: handle.info(), handle, at: 0 })
    }

    /// Writes a file anew. Nothing is changed until [`Replacement::commit`], which fails with `precondition-failed`
    /// if the file is no longer the expected version.
    ///
    /// # Errors
    /// When writing is not permitted.
    pub fn replace(&self, name: &str, expected: Option<&str>) -> Result<Replacement> {
        Ok(Replacement { handle: files::replace(&self.0, name, expected)?, buffer: Vec::new() })
    }
}

/// An open file. It does not buffer: read in pieces of [`CHUNK_BYTES`], or wrap it in a `BufReader` of that capacity.
pub struct Reader {
    handle: files::Reader,
    info: FileInfo,
    at: u64,
}

impl Reader {
    /// The file, as it was when it was opened.
    pub fn info(&self) -> &FileInfo {
        &self.info
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let max = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        let chunk = self.handle.read(max).map_err(Error::from)?;
        let room = buffer.get_mut(..chunk.len()).ok_or_else(|| io::Error::other("more than was asked for"))?;
        room.copy_from_slice(&chunk);
        self.at += chunk.len() as u64;
        Ok(chunk.len())
    }
}

impl Seek for Reader {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let outside = || io::Error::from(io::ErrorKind::InvalidInput);
        let to = match position {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(by) => self.info.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = to.ok_or_else(outside)?;
        self.handle.seek(self.at).map_err(Error::from)?;
        Ok(self.at)
    }
}

/// A file being written anew; dropped without commit, nothing changed.
pub struct Replacement {
    handle: files::Replacement,
    buffer: Vec<u8>,
}

impl Replacement {
    /// Puts the new file in the place of the old one, at once.
    ///
    /// # Errors
    /// `precondition-failed` if somebody else changed the file meanwhile.
    pub fn commit(mut self) -> Result<()> {
        self.flush()?;
        Ok(self.handle.commit()?)
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.handle.write(&self.buffer).map_err(Error::from)?;
            self.buffer.clear();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FailureKind;
    use crate::testing::Host;

    #[test]
    fn nothing_but_a_plain_name_in_a_permitted_directory_opens() {
        let folder = tempfile::tempdir().unwrap();
        let _host = Host::new().directory("data", folder.path()).enter();
        for name in ["../x", "a/b", "", ".."] {
            assert_eq!(Directory::new("data").open(name).err().unwrap().kind(), FailureKind::NotPermitted, "{name}");
        }
        assert_eq!(Directory::new("other").list().unwrap_err().kind(), FailureKind::NotPermitted);
    }

    #[test]
    fn a_replacement_changes_nothing_until_it_is_committed_over_the_version_it_expects() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "old").unwrap();
        let _host = Host::new().directory("data", folder.path()).enter();
        let data = Directory::new("data");
        let version = data.open("a.txt").unwrap().info().version.clone();

        let mut dropped = data.replace("a.txt", Some(&version)).unwrap();
        dropped.write_all(b"new").unwrap();
        drop(dropped);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");

        let late = data.replace("a.txt", Some(&version)).unwrap();
        let mut first = data.replace("a.txt", Some(&version)).unwrap();
        first.write_all(b"new").unwrap();
        first.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(late.commit().unwrap_err().kind(), FailureKind::PreconditionFailed);
    }

    #[test]
    fn a_reader_seeks_and_reads_like_any_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "0123456789").unwrap();
        let _host = Host::new().directory("data", folder.path()).enter();
        let mut file = Directory::new("data").open("a.txt").unwrap();
        assert!(file.seek(SeekFrom::Current(-1)).is_err());
        let mut text = String::new();
        assert_eq!(file.seek(SeekFrom::End(-3)).unwrap(), 7);
        file.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), file.stream_position().unwrap()), ("789", 10));
    }
}
