//! What is written down of an operation: before it, and after it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::model::{
    Access, ConnectionId, DirectoryName, Effect, Error, ErrorKind, FailureKind, RequestId, Result, Role,
};
use crate::runtime::Used;

/// What is about to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The token's name.
    pub who: String,
    pub role: Role,
    pub request_id: RequestId,
    /// Noun and verb, e.g. `object.create`.
    pub action: String,
    pub connection: Option<ConnectionId>,
    pub class: Option<String>,
    pub uid: Option<String>,
    pub name: Option<String>,
    /// Names of the attributes or options that are to change; never their values.
    pub attributes: Vec<String>,
    /// Whatever else tells this operation from others of its kind, e.g. the entitlement granted; never a secret.
    pub parameters: BTreeMap<String, Json>,
}

/// The part of an entry that is kept as JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Detail {
    pub(super) connection: Option<ConnectionId>,
    pub(super) class: Option<String>,
    pub(super) uid: Option<String>,
    pub(super) name: Option<String>,
    pub(super) attributes: Vec<String>,
    pub(super) parameters: BTreeMap<String, Json>,
}

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutcomeStatus {
    Succeeded,
    Failed,
    /// It began, and nobody knows what it did.
    OutcomeUnknown,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Outcome {
    pub status: OutcomeStatus,
    /// The kind of the error.
    pub error: Option<String>,
    /// What a failed operation did to the target: none, some or unknown.
    pub effect: Option<String>,
    /// The uid that a create returned.
    pub uid: Option<String>,
    /// What served it: `publisher/name version`, and `UNSIGNED` if it was; nothing if no connector was asked.
    #[serde(default)]
    pub release: Option<String>,
    /// Network places the connector reached, each by its destination and where it was.
    #[serde(default)]
    pub destinations: Vec<String>,
    /// Directories the connector used, each with the access it took.
    pub directories: Vec<String>,
    /// Credentials the connector used, by slot.
    pub credentials: Vec<String>,
    /// Of these, the ones it read.
    #[serde(default)]
    pub revealed: Vec<String>,
    /// How many requests the connector was refused.
    #[serde(default)]
    pub refused: u64,
}

impl Entry {
    /// An entry about nothing in particular yet.
    pub fn new(who: impl Into<String>, role: Role, request_id: RequestId, action: impl Into<String>) -> Self {
        Self {
            who: who.into(),
            role,
            request_id,
            action: action.into(),
            connection: None,
            class: None,
            uid: None,
            name: None,
            attributes: Vec::new(),
            parameters: BTreeMap::new(),
        }
    }

    pub(super) fn detail(&self) -> Detail {
        Detail {
            connection: self.connection.clone(),
            class: self.class.clone(),
            uid: self.uid.clone(),
            name: self.name.clone(),
            attributes: self.attributes.clone(),
            parameters: self.parameters.clone(),
        }
    }
}

impl Outcome {
    /// It did what it should.
    pub fn succeeded() -> Self {
        Self {
            status: OutcomeStatus::Succeeded,
            error: None,
            effect: None,
            uid: None,
            release: None,
            destinations: Vec::new(),
            directories: Vec::new(),
            credentials: Vec::new(),
            revealed: Vec::new(),
            refused: 0,
        }
    }

    /// How a call on a connection ended, with what it reached and which credentials it used on the way.
    pub fn of<T>(result: &Result<T>, used: &Used) -> Self {
        let outcome = result.as_ref().map_or_else(Self::failed, |_| Self::succeeded());
        let directory = |(name, access): &(DirectoryName, Access)| match access {
            Access::ReadOnly => format!("{name} read-only"),
            Access::ReadWrite => format!("{name} read-write"),
        };
        Self {
            release: used.release.clone(),
            destinations: used.destinations.iter().map(|(name, target)| format!("{name} {target}")).collect(),
            directories: used.directories.iter().map(directory).collect(),
            credentials: used.credentials.iter().cloned().collect(),
            revealed: used.revealed.iter().cloned().collect(),
            refused: used.refused,
            ..outcome
        }
    }

    /// It failed, or its outcome cannot be known.
    pub fn failed(error: &Error) -> Self {
        let unknown = error.kind == ErrorKind::Failure(FailureKind::OutcomeUnknown) || error.effect == Effect::Unknown;
        Self {
            status: if unknown { OutcomeStatus::OutcomeUnknown } else { OutcomeStatus::Failed },
            error: Some(error.kind.as_str().to_owned()),
            effect: Some(error.effect.as_str().to_owned()),
            ..Self::succeeded()
        }
    }

    /// The host stopped in the middle of it.
    pub(super) fn interrupted() -> Self {
        Self {
            status: OutcomeStatus::OutcomeUnknown,
            error: Some(FailureKind::OutcomeUnknown.as_str().to_owned()),
            effect: Some(Effect::Unknown.as_str().to_owned()),
            ..Self::succeeded()
        }
    }
}

/// As the trail keeps it.
pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|why| Error::internal(why.to_string()))
}
