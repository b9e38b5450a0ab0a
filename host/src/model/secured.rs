//! Secured options: written once, used through handles, never read back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::secret::Secret;
use super::secret_reference::{SecretReference, Unread};

/// The most values of one map.
pub const ENTRIES_MAX: usize = 64;
/// The longest key of a map, in bytes.
pub const ENTRY_KEY_BYTES_MAX: usize = 256;

/// The key of one value of a map.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct EntryKey(String);

/// Why a text is no key. It does not repeat the text: somebody may have put a value where a key belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key of a secured option has 1 to {ENTRY_KEY_BYTES_MAX} bytes and no control characters")]
pub struct InvalidEntryKey;

impl EntryKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EntryKey {
    type Error = InvalidEntryKey;

    fn try_from(text: String) -> Result<Self, InvalidEntryKey> {
        let fits = (1..=ENTRY_KEY_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text)) } else { Err(InvalidEntryKey) }
    }
}

impl From<EntryKey> for String {
    fn from(key: EntryKey) -> Self {
        key.0
    }
}

/// What may be set of a field, or of one entry of a map; one of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// A value, kept sealed.
    Value,
    /// A reference to where the value is kept outside: it goes before a value that is set as well.
    Reference,
}

impl Layer {
    /// The spelling everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Reference => "reference",
        }
    }
}

/// What a secured option holds. Like the secrets in it, it can be neither printed nor serialised.
#[derive(Clone)]
pub enum Secured<T = Secret> {
    /// One value.
    Field(T),
    /// Values under keys of the operator's choice.
    Map(BTreeMap<String, T>),
}

impl Secured {
    /// Its values.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let (field, map) = match self {
            Self::Field(secret) => (Some(secret), None),
            Self::Map(values) => (None, Some(values.values())),
        };
        field.into_iter().chain(map.into_iter().flatten())
    }
}

/// What an operator gives of a field or an entry: at least one of both.
#[derive(Clone)]
pub struct Given {
    pub value: Option<Secret>,
    pub from: Option<SecretReference>,
}

/// What may be shown of a value or a reference that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecuredStatus {
    /// Of a map: the key of the value.
    pub entry: Option<String>,
    /// A keyed MAC of the value: equal for equal values of the same option, and good for nothing else. Of a reference:
    /// that of the value it led to last, if it ever did.
    pub fingerprint: Option<String>,
    pub set_at: Timestamp,
    /// The token's name.
    pub set_by: String,
    /// It is a reference, which stands so.
    pub reference: Option<ReferenceStatus>,
}

/// How it stands with a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceStatus {
    /// None if somebody changed its row.
    pub from: Option<SecretReference>,
    /// When a value was found there last, while this process runs.
    pub read_at: Option<Timestamp>,
    /// When and why the last reading found none, if it did not.
    pub failed: Option<(Timestamp, Unread)>,
}
