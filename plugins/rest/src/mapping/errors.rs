//! What an API's errors mean, where its statuses do not say it.

use crate::pointer::Pointer;
use hawser_sdk::FailureKind;
use serde::Deserialize;
use serde_json::Value as Json;

/// How errors are read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Errors {
    /// Where the message for people stands; the first that holds a text.
    #[serde(default)]
    pub(crate) messages: Vec<Pointer>,
    /// The first that fits decides, before the status does.
    #[serde(default)]
    pub(crate) rules: Vec<Rule>,
}

/// All that is said has to fit.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Rule {
    /// One of success too, for APIs that say `200` and mean something else.
    pub(crate) status: Option<u16>,
    pub(crate) pointer: Option<Pointer>,
    /// What stands there.
    pub(crate) equals: Option<Json>,
    /// What the text that stands there contains.
    pub(crate) contains: Option<String>,
    #[serde(deserialize_with = "kind")]
    pub(crate) kind: FailureKind,
    /// The attributes to blame.
    #[serde(default)]
    pub(crate) attributes: Vec<String>,
}

impl Rule {
    pub(crate) fn fits(&self, status: u16, body: &Json) -> bool {
        if self.status.is_some_and(|wanted| wanted != status) {
            return false;
        }
        let Some(pointer) = &self.pointer else { return true };
        let found = pointer.get(body);
        let equal = self.equals.as_ref().is_none_or(|wanted| found == Some(wanted));
        let inside = |part: &String| found.and_then(Json::as_str).is_some_and(|text| text.contains(part.as_str()));
        found.is_some() && equal && self.contains.as_ref().is_none_or(inside)
    }
}

/// The kinds of failure an API can be the cause of, by their names in the contract.
const KINDS: [(&str, FailureKind); 19] = [
    ("already-exists", FailureKind::AlreadyExists),
    ("configuration", FailureKind::Configuration),
    ("connection-failed", FailureKind::ConnectionFailed),
    ("invalid-credential", FailureKind::InvalidCredential),
    ("invalid-password", FailureKind::InvalidPassword),
    ("password-expired", FailureKind::PasswordExpired),
    ("account-locked", FailureKind::AccountLocked),
    ("account-disabled", FailureKind::AccountDisabled),
    ("permission-denied", FailureKind::PermissionDenied),
    ("invalid-attribute-value", FailureKind::InvalidAttributeValue),
    ("schema-violation", FailureKind::SchemaViolation),
    ("unknown-uid", FailureKind::UnknownUid),
    ("precondition-failed", FailureKind::PreconditionFailed),
    ("conflict", FailureKind::Conflict),
    ("retryable", FailureKind::Retryable),
    ("rate-limited", FailureKind::RateLimited),
    ("quota-exceeded", FailureKind::QuotaExceeded),
    ("target-maintenance", FailureKind::TargetMaintenance),
    ("unsupported", FailureKind::Unsupported),
];

fn kind<'de, D: serde::Deserializer<'de>>(from: D) -> Result<FailureKind, D::Error> {
    let name = String::deserialize(from)?;
    KINDS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind).ok_or_else(|| {
        let known: Vec<&str> = KINDS.iter().map(|(known, _)| *known).collect();
        serde::de::Error::custom(format!("`{name}` is no kind of failure; it can be {}", known.join(", ")))
    })
}
