//! A permitted directory: nothing above it, nothing below it, no links, no devices.
//!
//! | name | |
//! |---|---|
//! | `accounts.csv` | a file, if it is a regular one |
//! | `a/b`, `..`, `/etc/passwd`, `.hidden`, longer than 255 bytes, NUL | refused: no plain name |
//! | a symbolic link, a FIFO, a device, a socket, a directory | refused: no regular file |

use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::fs::{Dir, Metadata, MetadataExt, OpenOptions};
use sha2::{Digest, Sha256};

use crate::model::{Directory, Failure, FailureKind};
use crate::runtime::limits::{FILE_BYTES_MAX, FILE_NAME_BYTES_MAX, FILES_LISTED_MAX};

/// What is known of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::runtime) struct FileInfo {
    pub(in crate::runtime) name: String,
    /// Bytes.
    pub(in crate::runtime) size: u64,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub(in crate::runtime) modified: i64,
    /// Changes whenever the content does.
    pub(in crate::runtime) version: String,
}

/// A file as it was opened; whoever replaces it meanwhile replaces another file.
#[derive(Debug)]
pub(in crate::runtime) struct OpenFile {
    pub(in crate::runtime) info: FileInfo,
    file: File,
}

/// An open directory.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) dir: Dir,
    /// Device and inode.
    pub(super) identity: (u64, u64),
}

impl Folder {
    pub(super) fn open(directory: &Directory) -> Result<Self, Failure> {
        let failed = |error: io::Error| io_failure("the configured directory", &error);
        let dir = Dir::open_ambient_dir(&directory.path, cap_std::ambient_authority()).map_err(failed)?;
        let metadata = dir.dir_metadata().map_err(failed)?;
        Ok(Self { dir, identity: (metadata.dev(), metadata.ino()) })
    }

    /// Its regular files with plain names, sorted by name.
    ///
    /// # Errors
    /// `quota-exceeded` if there are too many: a list cut short would be taken for the whole.
    pub(super) fn list(&self) -> Result<Vec<FileInfo>, Failure> {
        let failed = |error: io::Error| io_failure("the configured directory", &error);
        let mut files = Vec::new();
        for entry in self.dir.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| plain_name(name).is_ok()) else { continue };
            if files.len() == FILES_LISTED_MAX {
                let message = format!("the directory has more than {FILES_LISTED_MAX} files");
                return Err(Failure::new(FailureKind::QuotaExceeded, message));
            }
            match self.dir.symlink_metadata(name) {
                Ok(metadata) if metadata.is_file() => files.push(FileInfo::new(name, &metadata)),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        files.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }

    /// Opens a file for reading.
    pub(super) fn file(&self, name: &str) -> Result<OpenFile, Failure> {
        let metadata = self.regular(name)?.ok_or_else(|| missing(name))?;
        if metadata.len() > FILE_BYTES_MAX {
            let message = format!("{name:?} has {} bytes; at most {FILE_BYTES_MAX} are read", metadata.len());
            return Err(Failure::new(FailureKind::QuotaExceeded, message));
        }
        // Between the look and the opening the name may have become a link or a FIFO: neither is followed or waited for.
        let mut options = OpenOptions::new();
        options.read(true).follow(FollowSymlinks::No).nonblock(true);
        let failed = |error: io::Error| io_failure(&format!("{name:?}"), &error);
        let file = self.dir.open_with(name, &options).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        only_regular(name, &metadata)?;
        Ok(OpenFile { info: FileInfo::new(name, &metadata), file: file.into_std() })
    }

    /// What a name stands for, without following it.
    ///
    /// # Errors
    /// `not-permitted` if it is no plain name, or no regular file.
    pub(super) fn regular(&self, name: &str) -> Result<Option<Metadata>, Failure> {
        plain_name(name)?;
        match self.dir.symlink_metadata(name) {
            Ok(metadata) => only_regular(name, &metadata).map(|()| Some(metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_failure(&format!("{name:?}"), &error)),
        }
    }
}

impl OpenFile {
    /// At most `max` bytes from `position` on; none at the end.
    pub(in crate::runtime) fn read(&self, position: u64, max: u32) -> Result<Vec<u8>, Failure> {
        let mut bytes = vec![0; max as usize];
        let failed = |error: io::Error| io_failure(&format!("{:?}", self.info.name), &error);
        let read = self.file.read_at(&mut bytes, position).map_err(failed)?;
        bytes.truncate(read);
        Ok(bytes)
    }
}

impl FileInfo {
    fn new(name: &str, metadata: &Metadata) -> Self {
        let micros = metadata.mtime().saturating_mul(1_000_000).saturating_add(metadata.mtime_nsec() / 1_000);
        Self { name: name.to_owned(), size: metadata.len(), modified: micros, version: version(metadata) }
    }
}

/// Changes whenever the content does: another file has another inode, and a write moves the change time, which nobody
/// can set. Hashed, because the numbers are none of the guest's business.
pub(super) fn version(metadata: &Metadata) -> String {
    let (modified, changed) = ((metadata.mtime(), metadata.mtime_nsec()), (metadata.ctime(), metadata.ctime_nsec()));
    let facts = format!("{} {} {} {modified:?} {changed:?}", metadata.dev(), metadata.ino(), metadata.len());
    hex(&Sha256::digest(facts.as_bytes()))
}

/// The first sixteen bytes of a digest.
pub(super) fn hex(digest: &[u8]) -> String {
    digest.iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn plain_name(name: &str) -> Result<(), Failure> {
    let plain = !name.is_empty()
        && name.len() <= FILE_NAME_BYTES_MAX
        && !name.starts_with('.')
        && !name.contains(|c: char| matches!(c, '/' | '\\') || c.is_control());
    if plain {
        return Ok(());
    }
    let shown: String = name.chars().take(80).collect();
    let message =
        format!("not permitted: {shown:?} is no plain file name, and nothing else can be opened in a directory");
    Err(Failure::new(FailureKind::NotPermitted, message))
}

fn only_regular(name: &str, metadata: &Metadata) -> Result<(), Failure> {
    if metadata.is_file() {
        return Ok(());
    }
    let message = format!("not permitted: {name:?} is a link, a directory or a device, not a regular file");
    Err(Failure::new(FailureKind::NotPermitted, message))
}

fn missing(name: &str) -> Failure {
    Failure::new(FailureKind::Configuration, format!("there is no file {name:?} in the directory"))
}

/// An error of the file system in the contract's words. The path stays with the host.
pub(super) fn io_failure(what: &str, error: &io::Error) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => FailureKind::Configuration,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => FailureKind::PermissionDenied,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FailureKind::QuotaExceeded,
        _ => FailureKind::ConnectionFailed,
    };
    Failure::new(kind, format!("{what}: {error}"))
}
