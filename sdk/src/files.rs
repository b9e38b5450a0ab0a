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
