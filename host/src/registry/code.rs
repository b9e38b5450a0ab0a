//! Compiled code between two starts: a folder of the host's own, each file under a seal that only this host can make.
//!
//! What is deserialised is executed (`runtime/code.rs`), so a file is believed only if it carries a tag of AES-256-GCM
//! (NIST SP 800-38D: with nothing to encrypt it is GMAC, ten times as fast as an HMAC) under a random key of this host
//! (`code.key`, mode 0600) and a random nonce, over all of it and what it says it is of; it is read once, and checked and
//! used from that one copy. Owner and mode are looked at as well: a file that somebody else could write is not even read.
//!
//! Invariant: anything wrong with a file costs a compilation, never more. It is logged, because it does not happen by
//! itself.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::limits::{CODE_BYTES_MAX, CODE_FILES_MAX};
use crate::model::{Digest, Error, Result};
use crate::runtime::Code;

/// Beside the folder, so that a copy of the folder does not hold it.
const KEY_FILE: &str = "code.key";
const FOLDER: &str = "code";
const KEY_BYTES: usize = 32;
/// How a file ends, after the code, so that this needs not be moved: what it is of, the seal's nonce and tag, and this.
const MAGIC: &[u8; 16] = b"hawser code 0002";
const OF_BYTES: usize = 32 + 8;
const TAG_BYTES: usize = 16;
const TRAILER_BYTES: usize = OF_BYTES + NONCE_LEN + TAG_BYTES + MAGIC.len();

/// The compiled code this host kept.
pub(super) struct CodeCache {
    folder: PathBuf,
    key: LessSafeKey,
    /// See [`crate::runtime::Runtime::compatibility`].
    compatibility: u64,
}

impl CodeCache {
    /// Opens the cache in the host's directory, makes what is missing of it, and removes what is of no use any more.
    ///
    /// # Errors
    /// `internal` if the directory cannot be written.
    pub(super) fn open(data: &Path, compatibility: u64) -> Result<Self> {
        let folder = data.join(FOLDER);
        private_folder(&folder).map_err(unusable(&folder))?;
        let cache = Self { folder, key: key(&data.join(KEY_FILE))?, compatibility };
        cache.sweep();
        Ok(cache)
    }

    /// The code of a component, if it was kept and nobody touched it since. Blocks while it reads.
    pub(super) fn get(&self, component: &Digest) -> Option<Code> {
        let path = self.path(component);
        match self.read(&path, component) {
            Ok(code) => Some(code),
            Err(Untrusted::Missing) => None,
            Err(Untrusted::Because(why)) => {
                tracing::error!(path = %path.display(), why, "compiled code is not as this host kept it; compiling it again");
                None
            }
        }
    }

    /// Keeps the code of a component. A cache that cannot be written costs time, so it is only told to the log.
    pub(super) fn put(&self, component: &Digest, code: &Code) {
        if let Err(why) = self.write(component, code) {
            tracing::warn!(%why, folder = %self.folder.display(), "compiled code cannot be kept");
        }
    }

    fn path(&self, component: &Digest) -> PathBuf {
        self.folder.join(format!("{component}{}", self.suffix()))
    }

    fn suffix(&self) -> String {
        format!("-{:016x}", self.compatibility)
    }

    fn read(&self, path: &Path, component: &Digest) -> Result<Code, Untrusted> {
        let mut bytes = read_private(path, CODE_BYTES_MAX + TRAILER_BYTES)?;
        let (rest, magic) = split_end(&bytes, MAGIC.len())?;
        if magic != MAGIC {
            return Err("it is no compiled code, or cut".into());
        }
        let (rest, tag) = split_end(rest, TAG_BYTES)?;
        let (sealed, nonce) = split_end(rest, NONCE_LEN)?;
        let (code, of) = split_end(sealed, OF_BYTES)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| "it is cut")?;
        let opened = self.key.open_in_place(nonce, Aad::from(sealed), &mut tag.to_vec()).is_ok();
        if !opened {
            return Err("its seal is not this host's".into());
        }
        if of != self.of(component) {
            return Err("it is of something else".into());
        }
        let code_bytes = code.len();
        bytes.truncate(code_bytes);
        Ok(Code::of_this_host(bytes))
    }

    fn write(&self, component: &Digest, code: &Code) -> std::io::Result<()> {
        let sealed = [code.bytes(), &self.of(component)].concat();
        let nonce: [u8; NONCE_LEN] = rand::random();
        let assumed = Nonce::assume_unique_for_key(nonce);
        let tag = self.key.seal_in_place_separate_tag(assumed, Aad::from(&sealed), &mut []);
        let tag = tag.map_err(std::io::Error::other)?;
        // A temporary file has mode 0600 from its beginning.
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        for part in [&sealed[..], &nonce, tag.as_ref(), MAGIC] {
            file.write_all(part)?;
        }
        file.persist(self.path(component)).map(drop).map_err(|why| why.error)
    }

    /// Of which component, and for which engine.
    fn of(&self, component: &Digest) -> [u8; OF_BYTES] {
        let mut of = [0; OF_BYTES];
        let parts = component.as_bytes().iter().copied().chain(self.compatibility.to_be_bytes());
        of.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        of
    }

    /// Removes what other versions of the host left, and the oldest of what is too much.
    fn sweep(&self) {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let (own, foreign): (Vec<_>, Vec<_>) =
            entries.partition(|entry| entry.file_name().to_string_lossy().ends_with(&self.suffix()));
        let changed =
            |entry: &fs::DirEntry| entry.metadata().and_then(|of| of.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut own: Vec<_> = own.into_iter().map(|entry| (changed(&entry), entry.path())).collect();
        own.sort_by(|a, b| b.cmp(a));
        let too_old = own.into_iter().skip(CODE_FILES_MAX).map(|(_, path)| path);
        for path in foreign.into_iter().map(|entry| entry.path()).chain(too_old) {
            if let Err(why) = fs::remove_file(&path) {
                tracing::warn!(path = %path.display(), %why, "old compiled code cannot be removed");
            }
        }
    }
}

/// What stands before the last so many bytes, and these.
fn split_end(bytes: &[u8], end: usize) -> Result<(&[u8], &[u8]), Untrusted> {
    let at = bytes.len().checked_sub(end).ok_or("it is cut")?;
    bytes.split_at_checked(at).ok_or_else(|| "it is cut".into())
}

/// Why a file is not used.
enum Untrusted {
    /// There is none, and nothing is wrong.
    Missing,
    Because(String),
}

impl From<&str> for Untrusted {
    fn from(why: &str) -> Self {
        Self::Because(why.to_owned())
    }
}

impl From<std::io::Error> for Untrusted {
    fn from(why: std::io::Error) -> Self {
        if why.kind() == std::io::ErrorKind::NotFound { Self::Missing } else { Self::Because(why.to_string()) }
    }
}

/// The host's key for sealing code; a key that others could read or write is worth nothing and made anew.
fn key(path: &Path) -> Result<LessSafeKey> {
    let bytes = match read_private(path, KEY_BYTES) {
        Ok(bytes) if bytes.len() == KEY_BYTES => bytes,
        found => {
            if let Err(Untrusted::Because(why)) = found {
                tracing::error!(path = %path.display(), why, "the key of the compiled code is not private; making a new one");
            }
            fresh_key(path).map_err(unusable(path))?
        }
    };
    let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|why| Error::internal(why.to_string()))?;
    Ok(LessSafeKey::new(key))
}

fn fresh_key(path: &Path) -> std::io::Result<Vec<u8>> {
    let bytes: [u8; KEY_BYTES] = rand::random();
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|why| why.error)?;
    Ok(bytes.to_vec())
}

/// Reads a file of at most so many bytes that nobody but this host's user can have written.
fn read_private(path: &Path, most: usize) -> Result<Vec<u8>, Untrusted> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(target_os = "linux")]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW);
    let file = options.open(path)?;
    // Looked at through the open file: its name may lead somewhere else meanwhile.
    check_private(&file)?;
    let mut bytes = Vec::with_capacity(usize::try_from(file.metadata()?.len()).unwrap_or(0).min(most));
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > most { Err("it is too long".into()) } else { Ok(bytes) }
}

#[cfg(unix)]
fn check_private(file: &File) -> Result<(), Untrusted> {
    use std::os::unix::fs::MetadataExt as _;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err("it is no plain file".into());
    }
    Ok(private(found.uid(), found.mode(), rustix::process::geteuid().as_raw())?)
}

#[cfg(not(unix))]
fn check_private(_: &File) -> Result<(), Untrusted> {
    Ok(())
}

/// Is a file of this owner and mode the host's alone?
#[cfg(unix)]
fn private(owner: u32, mode: u32, host: u32) -> Result<(), &'static str> {
    match (owner == host, mode & 0o077 == 0) {
        (true, true) => Ok(()),
        (false, _) => Err("it is another user's"),
        (_, false) => Err("others can read or write it"),
    }
}

/// Makes a folder for the host's eyes only; its parents as well.
pub(super) fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// For `map_err`: a place of the host's own that it cannot use.
pub(super) fn unusable(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    move |why| Error::internal(format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn component() -> Digest {
        Digest::of(b"component")
    }

    fn kept(folder: &Path) -> CodeCache {
        let cache = CodeCache::open(folder, 7).unwrap();
        cache.put(&component(), &Code::of_this_host(b"machine code".to_vec()));
        cache
    }

    fn found(folder: &Path) -> Option<Vec<u8>> {
        CodeCache::open(folder, 7).unwrap().get(&component()).map(|code| code.bytes().to_vec())
    }

    #[test]
    fn what_was_kept_is_found_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        kept(folder.path());
        assert_eq!(found(folder.path()).unwrap(), b"machine code");
    }

    #[test]
    fn a_file_with_any_byte_changed_cut_or_added_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = kept(folder.path()).path(&component());
        let good = fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, bad).unwrap();
            assert_eq!(found(folder.path()), None, "byte {at}");
        }
        for bad in [&good[..good.len() - 1], &good[..20], &[], &[&good[..], b"x"].concat()] {
            fs::write(&path, bad).unwrap();
            assert_eq!(found(folder.path()), None, "{} bytes", bad.len());
        }
        fs::write(&path, good).unwrap();
        assert!(found(folder.path()).is_some());
    }

    #[test]
    fn the_code_of_another_component_another_engine_or_another_host_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let cache = kept(folder.path());
        let other = Digest::of(b"another");
        fs::copy(cache.path(&component()), cache.path(&other)).unwrap();
        assert!(cache.get(&other).is_none());
        let elsewhere = tempfile::tempdir().unwrap();
        let foreign = CodeCache::open(elsewhere.path(), 7).unwrap();
        fs::copy(cache.path(&component()), foreign.path(&component())).unwrap();
        assert!(foreign.get(&component()).is_none());
        let later = CodeCache {
            compatibility: 8,
            folder: cache.folder.clone(),
            key: key(&folder.path().join(KEY_FILE)).unwrap(),
        };
        fs::copy(cache.path(&component()), later.path(&component())).unwrap();
        assert!(later.get(&component()).is_none());
    }

    #[test]
    fn a_file_that_others_could_write_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = kept(folder.path()).path(&component());
        for mode in [0o606, 0o660, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(found(folder.path()), None, "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(found(folder.path()).is_some());
        assert_eq!(private(1000, 0o100_600, 1000), Ok(()));
        assert_eq!(private(0, 0o100_600, 1000), Err("it is another user's"));
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = kept(folder.path()).path(&component());
        let aside = folder.path().join("aside");
        fs::rename(&path, &aside).unwrap();
        std::os::unix::fs::symlink(&aside, &path).unwrap();
        assert_eq!(found(folder.path()), None);
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_cut_is_made_anew_and_nothing_old_is_used() {
        let folder = tempfile::tempdir().unwrap();
        kept(folder.path());
        let key = folder.path().join(KEY_FILE);
        let before = fs::read(&key).unwrap();
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(found(folder.path()), None);
        let after = fs::read(&key).unwrap();
        assert_ne!(after, before);
        fs::write(&key, b"short").unwrap();
        kept(folder.path());
        assert_eq!(fs::read(&key).unwrap().len(), KEY_BYTES);
    }

    #[test]
    fn what_another_version_left_is_removed_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let old = kept(folder.path()).path(&component());
        CodeCache::open(folder.path(), 8).unwrap();
        assert!(!old.exists());
    }
}
