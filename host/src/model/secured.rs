//! Secured options: written once, used through handles, never read back.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::secret::Secret;

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
