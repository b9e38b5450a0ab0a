//! SHA-256: what a component, a release's statement and a publisher's key are known by. Written in lower-case
//! hexadecimal, and read only so, so that two spellings are never two things.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use super::id::InvalidId;

/// Characters of a digest in hexadecimal.
const HEX_DIGITS: usize = 64;

/// The SHA-256 of some bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// Hashes the bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A publisher's key: the SHA-256 of its SubjectPublicKeyInfo (RFC 5280, section 4.1) in DER.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(Digest);

impl KeyId {
    /// The id of a key by its SubjectPublicKeyInfo in DER.
    pub fn of(spki: &[u8]) -> Self {
        Self(Digest::of(spki))
    }
}

macro_rules! hexadecimal {
    ($name:ident, $what:literal) => {
        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(digest: $name) -> Self {
                digest.to_string()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let rule = "it has 64 digits of lower-case hexadecimal";
                let invalid = || InvalidId { what: $what, given: text.chars().take(80).collect(), rule };
                bytes(text).map(Self::from).ok_or_else(invalid)
            }
        }
    };
}

hexadecimal!(Digest, "SHA-256");
hexadecimal!(KeyId, "key id");

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<[u8; 32]> for KeyId {
    fn from(bytes: [u8; 32]) -> Self {
        Self(Digest(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    let spelling = text.len() == HEX_DIGITS && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !spelling {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_has_one_spelling() {
        let digest = Digest::of(b"");
        let text = digest.to_string();
        assert_eq!(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(text.parse(), Ok(digest));
        for wrong in [&text.to_uppercase(), &text[1..], &format!("{text}0"), &text.replace('e', "g"), "", "é"] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
            assert!(wrong.parse::<KeyId>().unwrap_err().to_string().contains("key id"), "{wrong}");
        }
    }
}
