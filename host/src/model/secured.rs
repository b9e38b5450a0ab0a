//! Secured options: written once, used through handles, never read back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::secret::Secret;

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

/// What a secured option holds. Like the secrets in it, it can be neither printed nor serialised.
#[derive(Clone)]
pub enum Secured {
    /// One value.
    Field(Secret),
    /// Values under keys of the operator's choice.
    Map(BTreeMap<String, Secret>),
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

/// What may be shown of a value that is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecuredStatus {
    /// Of a map: the key of the value.
    pub entry: Option<String>,
    /// A keyed MAC of the value: equal for equal values of the same option, and good for nothing else.
    pub fingerprint: String,
    pub set_at: Timestamp,
    /// The token's name.
    pub set_by: String,
}
