//! A file written anew: beside the old one, and renamed over it once it is on the disk. Whatever happens before the
//! rename, the old file stays; after it, the new one is complete.
//!
//! What a killed host left behind is removed when the same file is replaced next: a draft in use is locked, a dead one
//! is not.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::fs::{Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use sha2::{Digest, Sha256};

use super::folder::{Folder, hex, io_failure, version};
use crate::model::{Effect, Failure, FailureKind};
use crate::runtime::limits::FILE_BYTES_MAX;

/// How names of drafts begin; no guest can name a file that begins with a dot.
const DRAFT_PREFIX: &str = ".hawser-";
/// Mode of a file that did not exist before.
const NEW_FILE_MODE: u32 = 0o640;
/// Commits that can go on at the same time, at most.
const LOCKS: usize = 64;

/// Makes checking a file's version and renaming over it one step within this host. A fixed number of locks, shared by
/// all files.
pub(in crate::runtime) struct FileLocks {
    locks: Vec<Mutex<()>>,
    hasher: RandomState,
}

impl Default for FileLocks {
    fn default() -> Self {
        Self { locks: (0..LOCKS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl FileLocks {
    fn hold<T>(&self, folder: (u64, u64), name: &str, work: impl FnOnce() -> T) -> T {
        let hash = self.hasher.hash_one((folder, name));
        let at = usize::try_from(hash % LOCKS as u64).unwrap_or(0);
        let held = self.locks.get(at).map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner));
        let done = work();
        drop(held);
        done
    }
}

/// A new content, not yet in the old one's place. Dropped, it is removed.
#[derive(Debug)]
pub(in crate::runtime) struct Draft {
    folder: Folder,
    name: String,
    expected: Option<String>,
    file: File,
    draft_name: String,
    written: u64,
    /// There is nothing left to remove.
    renamed: bool,
}

impl Draft {
    /// Begins a draft beside the file.
    ///
    /// # Errors
    /// `precondition-failed` if the file is already another than expected; `not-permitted` for names that cannot be
    /// opened either.
    pub(super) fn begin(
        folder: Folder,
        name: String,
        expected: Option<String>,
        locks: &FileLocks,
    ) -> Result<Self, Failure> {
        let old = folder.regular(&name)?;
        still_expected(&name, old.as_ref(), expected.as_deref())?;
        let prefix = draft_prefix(&name);
        let draft_name = format!("{prefix}{:016x}", rand::random::<u64>());
        let begin = || {
            remove_dead_drafts(&folder, &prefix)?;
            create(&folder, &draft_name)
        };
        let file = locks.hold(folder.identity, &name, begin).map_err(|error| failed(&name, &error))?;
        Ok(Self { folder, name, expected, file, draft_name, written: 0, renamed: false })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.written = self.written.saturating_add(bytes.len() as u64);
        if self.written > FILE_BYTES_MAX {
            let message = format!("{:?} would grow beyond {FILE_BYTES_MAX} bytes", self.name);
            return Err(Failure::new(FailureKind::QuotaExceeded, message));
        }
        self.file.write_all(bytes).map_err(|error| failed(&self.name, &error))
    }

    /// Puts the draft in the file's place.
    ///
    /// # Errors
    /// `precondition-failed` if the file is not the version that was expected; with effect `unknown` if it is in place
    /// but not certain to survive a power cut.
    pub(super) fn commit(mut self, locks: &FileLocks, now: SystemTime) -> Result<(), Failure> {
        let name = self.name.clone();
        locks.hold(self.folder.identity, &name, || self.put_in_place(now))?;
        let directory = self.folder.dir.open(".").map_err(|error| uncertain(&name, &error))?;
        directory.sync_all().map_err(|error| uncertain(&name, &error))
    }

    fn put_in_place(&mut self, now: SystemTime) -> Result<(), Failure> {
        let old = self.folder.regular(&self.name)?;
        still_expected(&self.name, old.as_ref(), self.expected.as_deref())?;
        self.finish(old.as_ref(), now).map_err(|error| failed(&self.name, &error))?;
        self.renamed = true;
        Ok(())
    }

    /// Gives the draft the old file's mode and a time of its own (two drafts within one tick of the file system's clock
    /// are two versions), brings it to the disk and renames it.
    fn finish(&self, old: Option<&Metadata>, now: SystemTime) -> io::Result<()> {
        use std::os::unix::fs::PermissionsExt;
        let mode = old.map_or(NEW_FILE_MODE, |old| old.mode() & 0o777);
        self.file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        let after = old.and_then(|old| old.modified().ok()).map(|old| old.into_std() + Duration::from_nanos(1));
        self.file.set_modified(after.map_or(now, |after| after.max(now)))?;
        self.file.sync_all()?;
        self.folder.dir.rename(&self.draft_name, &self.folder.dir, &self.name)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.renamed
            && let Err(error) = self.folder.dir.remove_file(&self.draft_name)
        {
            tracing::warn!(draft = self.draft_name, %error, "a draft could not be removed");
        }
    }
}

fn still_expected(name: &str, now: Option<&Metadata>, expected: Option<&str>) -> Result<(), Failure> {
    let Some(expected) = expected else { return Ok(()) };
    if now.map(version).as_deref() == Some(expected) {
        return Ok(());
    }
    let message = format!("{name:?} was changed by somebody else since it was read: read it again");
    Err(Failure::new(FailureKind::PreconditionFailed, message))
}

/// Drafts of one file have names of their own, whatever the file is called and however long that is.
fn draft_prefix(name: &str) -> String {
    format!("{DRAFT_PREFIX}{}-", hex(&Sha256::digest(name.as_bytes())))
}

fn create(folder: &Folder, draft_name: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).follow(FollowSymlinks::No).mode(0o600);
    let file = folder.dir.open_with(draft_name, &options)?.into_std();
    file.lock()?;
    Ok(file)
}

fn remove_dead_drafts(folder: &Folder, prefix: &str) -> io::Result<()> {
    for entry in folder.dir.entries()? {
        let name = entry?.file_name();
        if let Some(name) = name.to_str().filter(|name| name.starts_with(prefix))
            && is_dead(folder, name)
        {
            folder.dir.remove_file(name)?;
        }
    }
    Ok(())
}

fn is_dead(folder: &Folder, draft_name: &str) -> bool {
    let mut options = OpenOptions::new();
    options.write(true).follow(FollowSymlinks::No).nonblock(true);
    folder.dir.open_with(draft_name, &options).is_ok_and(|file| file.into_std().try_lock().is_ok())
}

fn failed(name: &str, error: &io::Error) -> Failure {
    io_failure(&format!("{name:?}"), error)
}

fn uncertain(name: &str, error: &io::Error) -> Failure {
    let failure = failed(name, error);
    Failure {
        message: format!("{}; the new content is in place but may not survive a power cut", failure.message),
        effect: Effect::Unknown,
        ..failure
    }
}
