//! Keys of publishers: Ed25519 (RFC 8032), in the files that openssl reads and writes (RFC 8410: PKCS#8 for the private
//! key, SubjectPublicKeyInfo for the public one, both in PEM).
//!
//! A private key is a file of its owner's alone: it is written with mode 0600, refused where others can read it, and
//! never written over.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use zeroize::Zeroizing;

use super::limits::{KEY_PEM_BYTES_MAX, VALUE_SHOWN_BYTES_MAX};
use crate::model::text::cut;
use crate::model::{Error, KeyId, Result};

/// What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410, section 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const PUBLIC_TAG: &str = "PUBLIC KEY";
const PRIVATE_TAG: &str = "PRIVATE KEY";

/// A publisher's public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// A publisher's private key.
pub struct SigningKey(Ed25519KeyPair);

impl PublicKey {
    /// Reads a public key in PEM.
    ///
    /// # Errors
    /// `invalid-request`, with how to make one.
    pub fn from_pem(text: &str) -> Result<Self> {
        let der = der(PUBLIC_TAG, text)?;
        let raw = der.strip_prefix(&SPKI_PREFIX).and_then(|raw| raw.try_into().ok());
        raw.map(Self).ok_or_else(|| Error::invalid("the public key is no Ed25519 key; make one with `hawser keygen`"))
    }

    /// The key in PEM.
    pub fn to_pem(&self) -> String {
        encoded(PUBLIC_TAG, self.spki())
    }

    /// What it is known by.
    pub fn id(&self) -> KeyId {
        KeyId::of(&self.spki())
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Is it this key's signature over the message?
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(message, signature).is_ok()
    }

    fn spki(&self) -> Vec<u8> {
        [&SPKI_PREFIX[..], &self.0].concat()
    }
}

impl From<[u8; 32]> for PublicKey {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl SigningKey {
    /// Makes a key.
    ///
    /// # Errors
    /// `internal` if the system has no randomness.
    pub fn generate() -> Result<Self> {
        Ed25519KeyPair::generate().map(Self).map_err(|_| Error::internal("no key could be generated"))
    }

    /// Reads a private key from a file that only its owner can read.
    ///
    /// # Errors
    /// `invalid-request` if the file cannot be read, others can read it, or it holds no Ed25519 key.
    pub fn read(path: &Path) -> Result<Self> {
        let at = |why: String| Error::invalid(format!("{}: {why}", path.display()));
        let mut file = File::open(path).map_err(|why| at(why.to_string()))?;
        require_private(&file).map_err(at)?;
        // One byte more than is taken, so that a longer file is refused and not cut. Room for all of it from the start:
        // a buffer that grows leaves copies of the key behind.
        let mut text = Zeroizing::new(String::with_capacity(KEY_PEM_BYTES_MAX + 1));
        let most = KEY_PEM_BYTES_MAX as u64 + 1;
        (&mut file).take(most).read_to_string(&mut text).map_err(|why| at(why.to_string()))?;
        Self::from_pem(&text).map_err(|error| at(error.message))
    }

    /// Writes the key to a file that is not there yet, readable by its owner only.
    ///
    /// # Errors
    /// `invalid-request` if there is a file already, or it cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let at = |why: std::io::Error| Error::invalid(format!("{}: {why}", path.display()));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let der = self.0.to_pkcs8v1().map_err(|_| Error::internal("the key could not be encoded"))?;
        let text = Zeroizing::new(encoded(PRIVATE_TAG, der.as_ref()));
        let mut file = options.open(path).map_err(at)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(at)
    }

    /// The public key to it.
    ///
    /// # Errors
    /// `internal` if the key cannot be encoded.
    pub fn public(&self) -> Result<PublicKey> {
        let raw = self.0.public_key().as_ref().try_into();
        raw.map(PublicKey).map_err(|_| Error::internal("a public key has not 32 bytes"))
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let signature = self.0.try_sign(message).map_err(|_| Error::internal("the key did not sign"))?;
        Ok(signature.as_ref().to_vec())
    }

    fn from_pem(text: &str) -> Result<Self> {
        let der = Zeroizing::new(der(PRIVATE_TAG, text)?);
        // Openssl writes PKCS#8 without the public key (RFC 5958, version 1), which the strict reading asks for.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
        pair.map(Self).map_err(|_| Error::invalid("the private key is no Ed25519 key; make one with `hawser keygen`"))
    }
}

/// The one block of a PEM text (RFC 7468).
fn der(tag: &str, text: &str) -> Result<Vec<u8>> {
    if text.len() > KEY_PEM_BYTES_MAX {
        return Err(Error::invalid(format!("a key has at most {KEY_PEM_BYTES_MAX} bytes in PEM")));
    }
    let mut blocks = pem::parse_many(text).map_err(|why| Error::invalid(format!("it is no PEM: {why}")))?;
    match (blocks.pop(), blocks.pop()) {
        (Some(block), None) if block.tag() == tag => Ok(block.into_contents()),
        (Some(block), None) => {
            let held = cut(block.tag(), VALUE_SHOWN_BYTES_MAX);
            Err(Error::invalid(format!("it holds {held:?}; {tag:?} is wanted")))
        }
        (None, _) => Err(Error::invalid(format!("it has no PEM block \"{tag}\""))),
        (Some(_), Some(_)) => Err(Error::invalid("it has more than one PEM block; give one key")),
    }
}

fn encoded(tag: &str, der: impl Into<Vec<u8>>) -> String {
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(tag, der), config)
}

#[cfg(unix)]
fn require_private(file: &File) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().map_err(|why| why.to_string())?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(format!(
        "others can read or write this private key (mode {mode:03o}); chmod 600 it, and if they did, make a new one"
    ))
}

#[cfg(not(unix))]
fn require_private(_: &File) -> Result<(), String> {
    Ok(())
}

#[cfg(test)]
mod tests;
