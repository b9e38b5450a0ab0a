//! The key ring: lines of `<key id> <base64 of 32 bytes>`. The first key seals, all of them open, so that a key is
//! rotated by putting a new one before it.
//!
//! A key is never used itself: one sub-key seals, another makes fingerprints (HKDF, RFC 5869). Its id is the beginning
//! of a hash of it, so that a damaged line is noticed and a missing key can be named.

use std::fmt::Display;
use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM_SIV, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::refused;
use crate::model::{Error, Result};

/// The key file's name in the data directory.
pub(super) const KEY_FILE: &str = "vault.key";
/// The next key file while it is written.
const NEXT_FILE: &str = "vault.key.next";
/// The largest key file, in bytes.
const KEY_FILE_BYTES_MAX: u64 = 4096;
/// A key, in bytes.
const KEY_BYTES: usize = 32;
/// The part of a key's hash that is its id, in bytes.
const KEY_ID_BYTES: usize = 4;

/// The keys of a vault; at least one.
pub(super) struct KeyRing {
    first: Key,
    older: Vec<Key>,
}

/// One key, as the two it is used for.
pub(super) struct Key {
    id: String,
    pub(super) sealing: RandomizedNonceKey,
    pub(super) fingerprints: hmac::Key,
}

impl KeyRing {
    /// Reads the lines of a ring; what is wrong is told without repeating any of it.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(text).map_err(|_| "is not text".to_owned())?;
        let lines = text.lines().zip(1_u32..).filter(|(line, _)| !line.trim().is_empty());
        let mut keys = lines.map(|(line, number)| {
            Key::parse(line).ok_or_else(|| {
                format!("line {number} is no key; a line is `<key id> <base64 of {KEY_BYTES} bytes>`, and the id fits the key")
            })
        });
        let first = keys.next().ok_or_else(|| "has no key".to_owned())??;
        Ok(Self { first, older: keys.collect::<Result<_, _>>()? })
    }

    /// The key that seals.
    pub(super) fn first(&self) -> &Key {
        &self.first
    }

    /// The key of that id.
    pub(super) fn key(&self, id: &str) -> Option<&Key> {
        std::iter::once(&self.first).chain(&self.older).find(|key| key.id == id)
    }

    /// The ids of the keys that only open.
    pub(super) fn older(&self) -> Vec<String> {
        self.older.iter().map(|key| key.id.clone()).collect()
    }

    /// The ids of all keys, that of the first one first.
    pub(super) fn ids(&self) -> Vec<String> {
        std::iter::once(self.first.id.clone()).chain(self.older()).collect()
    }
}

impl Key {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    fn parse(line: &str) -> Option<Self> {
        let (id, encoded) = line.trim().split_once(' ')?;
        let bytes = Zeroizing::new(BASE64.decode(encoded.trim()).ok()?);
        (bytes.len() == KEY_BYTES && key_id(&bytes) == id).then(|| Self::from(&bytes))?
    }

    fn from(bytes: &[u8]) -> Option<Self> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"hawser vault 1").extract(bytes);
        let mut sub = Zeroizing::new([0; KEY_BYTES]);
        root.expand(&[b"sealing"], hkdf::HKDF_SHA256).ok()?.fill(&mut *sub).ok()?;
        let sealing = RandomizedNonceKey::new(&AES_256_GCM_SIV, &*sub).ok()?;
        root.expand(&[b"fingerprints"], hkdf::HKDF_SHA256).ok()?.fill(&mut *sub).ok()?;
        Some(Self { id: key_id(bytes), sealing, fingerprints: hmac::Key::new(hmac::HMAC_SHA256, &*sub) })
    }
}

/// The key ring in a folder, if there is one. What a killed process left beside it is removed.
pub(super) fn read(folder: &Path) -> Result<Option<KeyRing>> {
    match std::fs::remove_file(folder.join(NEXT_FILE)) {
        Err(why) if why.kind() != ErrorKind::NotFound => return Err(wrong(folder, &why)),
        _ => {}
    }
    let Some(text) = text(folder)? else { return Ok(None) };
    KeyRing::parse(&text).map(Some).map_err(|why| wrong(folder, &why))
}

/// Puts a new key before those of a folder's ring, which are `known`: on the disk when this returns.
pub(super) fn put_new_first(folder: &Path, known: &[String]) -> Result<KeyRing> {
    replace(folder, known, |old| Zeroizing::new([fresh().as_bytes(), old].concat()))
}

/// Leaves the first key of a folder's ring, whose keys are `known`, and no other: on the disk when this returns.
pub(super) fn keep_first(folder: &Path, known: &[String]) -> Result<KeyRing> {
    let is_key = |line: &&[u8]| !line.trim_ascii().is_empty();
    replace(folder, known, |old| {
        let first = old.split(|byte| *byte == b'\n').find(is_key).unwrap_or_default();
        Zeroizing::new([first, b"\n"].concat())
    })
}

/// Replaces a key file, in one step.
fn replace(folder: &Path, known: &[String], change: impl FnOnce(&[u8]) -> Zeroizing<Vec<u8>>) -> Result<KeyRing> {
    let path = folder.join(KEY_FILE);
    if path.is_symlink() {
        let told = "it is a link to where the key is kept: put a line of `hawser secrets new-key` before the one there, \
                    restart the host, and remove the old line";
        return Err(wrong(folder, &told));
    }
    let old = text(folder)?.unwrap_or_default();
    if !KeyRing::parse(&old).is_ok_and(|ring| ring.ids() == known) {
        return Err(wrong(folder, &"it was changed since the host was started; restart the host"));
    }
    let new = change(&old);
    let ring = KeyRing::parse(&new).map_err(Error::internal)?;
    let next = folder.join(NEXT_FILE);
    write(&next, &new).and_then(|()| std::fs::rename(&next, path)).map_err(|why| {
        drop(std::fs::remove_file(&next));
        wrong(folder, &why)
    })?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|why| wrong(folder, &why))?;
    Ok(ring)
}

/// Writes a file for the host's eyes only: on the disk when this returns, but for its name.
fn write(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

fn text(folder: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let file = match File::open(folder.join(KEY_FILE)) {
        Err(why) if why.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|why| wrong(folder, &why))?,
    };
    let is_private = file.metadata().is_ok_and(|metadata| is_private(&metadata));
    if !is_private {
        return Err(wrong(folder, &"others can read it; `chmod 600` it, and rotate the key if they may have"));
    }
    let mut text = Zeroizing::new(Vec::new());
    file.take(KEY_FILE_BYTES_MAX).read_to_end(&mut text).map_err(|why| wrong(folder, &why))?;
    Ok(Some(text))
}

fn wrong(folder: &Path, why: &dyn Display) -> Error {
    refused(format!("{}: {why}", folder.join(KEY_FILE).display()))
}

/// Makes a key ring with one key: whole, or not at all.
pub(super) fn make(folder: &Path) -> Result<KeyRing> {
    let path = folder.join(KEY_FILE);
    let wrong = |why: std::io::Error| refused(format!("{} cannot be made: {why}", path.display()));
    let line = fresh();
    // Mode 0600 from its first moment on.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(wrong)?;
    file.write_all(line.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(wrong)?;
    file.persist_noclobber(&path).map_err(|why| wrong(why.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(wrong)?;
    KeyRing::parse(line.as_bytes()).map_err(Error::internal)
}

/// A line with a new key.
pub(super) fn fresh() -> Zeroizing<String> {
    let bytes = Zeroizing::new(rand::random::<[u8; KEY_BYTES]>());
    let encoded = Zeroizing::new(BASE64.encode(*bytes));
    Zeroizing::new(format!("{} {}\n", key_id(&*bytes), *encoded))
}

fn key_id(bytes: &[u8]) -> String {
    let hash = Sha256::new().chain_update(b"hawser vault key id\0").chain_update(bytes).finalize();
    hash.iter().take(KEY_ID_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(unix)]
fn is_private(metadata: &Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 == 0
}

#[cfg(not(unix))]
fn is_private(_: &Metadata) -> bool {
    true
}
