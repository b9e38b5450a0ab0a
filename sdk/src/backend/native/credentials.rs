//! Secrets of native tests: each knows where it came from, and is refused the verbs that the host refuses.
//!
//! Hashing and signing are behind the feature `testing`, so that they can never be part of a guest.

#[cfg(feature = "testing")]
mod crypto;

use super::current;
use crate::bindings::host::model::Failure;
use crate::error::{Error, FailureKind};

pub(crate) use crate::bindings::host::credentials::{HashScheme, Signature};

/// How a test names the passwords of a call.
const PASSWORD: &str = "password";

/// What every token endpoint of a test answers.
const TOKEN: &[u8] = b"access-token";

/// A secret and where it came from.
#[derive(Clone)]
pub(crate) struct Native {
    origin: Origin,
    bytes: Vec<u8>,
}

#[derive(Clone)]
enum Origin {
    Call,
    Secured(String),
    Sealed,
    /// By the name it was captured under.
    Captured(String),
    /// Of the secured option it was fetched with.
    Token(String),
}

/// What a test set a secured option to.
pub(crate) enum Secured {
    Field(String),
    Map(Vec<(String, String)>),
}

/// A password as it arrives with a call.
pub(crate) fn password(text: &str) -> Native {
    Native { origin: Origin::Call, bytes: text.as_bytes().to_vec() }
}

pub(crate) fn get(slot: &str) -> Result<Native, Failure> {
    match current().secured.get(slot) {
        Some(Secured::Field(value)) => Ok(secured(slot, value)),
        Some(Secured::Map(_)) => Err(denied(format!("the secured option `{slot}` is a map"))),
        None => Err(denied(format!("the test set no secured option `{slot}`"))),
    }
}

pub(crate) fn keys(slot: &str) -> Result<Vec<String>, Failure> {
    map(slot, |values| Ok(values.iter().map(|(key, _)| key.clone()).collect()))
}

pub(crate) fn get_key(slot: &str, key: &str) -> Result<Native, Failure> {
    map(slot, |values| {
        let value = values.iter().find(|(known, _)| known == key);
        let value = value.ok_or_else(|| Error::configuration(format!("`{slot}` has no value under `{key}`")))?;
        Ok(secured(slot, &value.1))
    })
}

pub(crate) fn seal(bytes: &[u8]) -> Result<Native, Failure> {
    if bytes.is_empty() {
        return Err(denied("an empty secret is refused"));
    }
    Ok(Native { origin: Origin::Sealed, bytes: bytes.to_vec() })
}

pub(crate) fn keep(name: &str, secret: &Native, _ttl_ms: u32) -> Result<(), Failure> {
    if !matches!(secret.origin, Origin::Sealed) {
        return Err(denied("only what was sealed can be kept"));
    }
    current().kept.borrow_mut().insert(name.to_owned(), secret.clone());
    Ok(())
}

/// Keeps what a response said under a name, as the host does.
pub(crate) fn capture(name: &str, bytes: &[u8]) {
    let captured = Native { origin: Origin::Captured(name.to_owned()), bytes: bytes.to_vec() };
    current().kept.borrow_mut().insert(name.to_owned(), captured);
}

/// A token that was fetched with a secured option.
pub(crate) fn token(client: &Native) -> Result<Native, Failure> {
    match &client.origin {
        Origin::Secured(slot) => Ok(Native { origin: Origin::Token(slot.clone()), bytes: TOKEN.to_vec() }),
        _ => Err(denied("a token is fetched with a secured option")),
    }
}

pub(crate) fn captured(name: &str) -> Option<Native> {
    current().kept.borrow().get(name).cloned()
}

pub(crate) fn hash(secret: &Native, scheme: HashScheme) -> Result<String, Failure> {
    crypto::hash(secret.of_call()?, scheme)
}

pub(crate) fn verify(secret: &Native, hash: &str) -> Result<bool, Failure> {
    crypto::verify(secret.of_call()?, hash)
}

pub(crate) fn sign(secret: &Native, algorithm: Signature, message: &[u8]) -> Result<Vec<u8>, Failure> {
    match secret.origin {
        Origin::Secured(_) => crypto::sign(&secret.bytes, algorithm, message),
        _ => Err(denied("only a secured option signs")),
    }
}

pub(crate) fn reveal(secret: &Native) -> Result<Vec<u8>, Failure> {
    let slot = match &secret.origin {
        Origin::Call => PASSWORD,
        Origin::Secured(slot) => slot,
        _ => return Err(denied("only secured options and passwords of the call are revealed")),
    };
    if current().revealed.iter().any(|approved| approved == slot) {
        return Ok(secret.bytes.clone());
    }
    Err(Error::new(FailureKind::NotPermitted, "the test did not approve this reveal").into())
}

impl Native {
    /// Its secured option, `password`, or the name it was captured under; nothing for what was sealed.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.origin {
            Origin::Call => Some(PASSWORD),
            Origin::Secured(name) | Origin::Captured(name) | Origin::Token(name) => Some(name),
            Origin::Sealed => None,
        }
    }

    /// The bytes of a password of the call.
    fn of_call(&self) -> Result<&[u8], Failure> {
        match self.origin {
            Origin::Call if self.bytes.is_empty() => {
                Err(Error::invalid_password("an empty password is refused").into())
            }
            Origin::Call => Ok(&self.bytes),
            _ => Err(denied("only passwords of the call are hashed and verified")),
        }
    }
}

fn secured(slot: &str, value: &str) -> Native {
    Native { origin: Origin::Secured(slot.to_owned()), bytes: value.as_bytes().to_vec() }
}

fn map<T>(slot: &str, read: impl FnOnce(&[(String, String)]) -> Result<T, Failure>) -> Result<T, Failure> {
    match current().secured.get(slot) {
        Some(Secured::Map(values)) => read(values),
        _ => Err(denied(format!("the test set no secured map `{slot}`"))),
    }
}

fn denied(message: impl Into<String>) -> Failure {
    Error::new(FailureKind::CredentialDenied, message).into()
}

#[cfg(not(feature = "testing"))]
mod crypto {
    use super::{Error, Failure, HashScheme, Signature};

    pub(super) fn hash(_: &[u8], _: HashScheme) -> Result<String, Failure> {
        Err(missing())
    }

    pub(super) fn verify(_: &[u8], _: &str) -> Result<bool, Failure> {
        Err(missing())
    }

    pub(super) fn sign(_: &[u8], _: Signature, _: &[u8]) -> Result<Vec<u8>, Failure> {
        Err(missing())
    }

    fn missing() -> Failure {
        let remedy = "add hawser-sdk with the feature `testing` to [dev-dependencies] to hash and sign natively";
        Error::unsupported(remedy).into()
    }
}
