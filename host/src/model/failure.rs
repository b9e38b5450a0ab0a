//! How a connector says that an operation failed: a kind everybody shares, and what the failure did to the target.

use wasmtime::component::{ComponentType, Lift, Lower};

use super::object::ObjectRef;

/// The kinds of failure, as in the contract. The meaning of each is in `docs/errors.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum FailureKind {
    #[component(name = "already-exists")]
    AlreadyExists,
    #[component(name = "configuration")]
    Configuration,
    #[component(name = "connection-failed")]
    ConnectionFailed,
    #[component(name = "connection-broken")]
    ConnectionBroken,
    #[component(name = "invalid-credential")]
    InvalidCredential,
    #[component(name = "invalid-password")]
    InvalidPassword,
    #[component(name = "password-expired")]
    PasswordExpired,
    #[component(name = "account-locked")]
    AccountLocked,
    #[component(name = "account-disabled")]
    AccountDisabled,
    #[component(name = "permission-denied")]
    PermissionDenied,
    #[component(name = "invalid-attribute-value")]
    InvalidAttributeValue,
    #[component(name = "schema-violation")]
    SchemaViolation,
    #[component(name = "unknown-uid")]
    UnknownUid,
    #[component(name = "precondition-failed")]
    PreconditionFailed,
    #[component(name = "precondition-required")]
    PreconditionRequired,
    #[component(name = "conflict")]
    Conflict,
    #[component(name = "operation-timeout")]
    OperationTimeout,
    #[component(name = "retryable")]
    Retryable,
    #[component(name = "rate-limited")]
    RateLimited,
    #[component(name = "quota-exceeded")]
    QuotaExceeded,
    #[component(name = "target-maintenance")]
    TargetMaintenance,
    #[component(name = "resync-required")]
    ResyncRequired,
    #[component(name = "unsupported")]
    Unsupported,
    #[component(name = "partially-applied")]
    PartiallyApplied,
    #[component(name = "outcome-unknown")]
    OutcomeUnknown,
    #[component(name = "cancelled")]
    Cancelled,
    #[component(name = "egress-denied")]
    EgressDenied,
    #[component(name = "credential-denied")]
    CredentialDenied,
    #[component(name = "not-permitted")]
    NotPermitted,
}

impl FailureKind {
    /// The contract's spelling, which is also the last part of the problem type in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyExists => "already-exists",
            Self::Configuration => "configuration",
            Self::ConnectionFailed => "connection-failed",
            Self::ConnectionBroken => "connection-broken",
            Self::InvalidCredential => "invalid-credential",
            Self::InvalidPassword => "invalid-password",
            Self::PasswordExpired => "password-expired",
            Self::AccountLocked => "account-locked",
            Self::AccountDisabled => "account-disabled",
            Self::PermissionDenied => "permission-denied",
            Self::InvalidAttributeValue => "invalid-attribute-value",
            Self::SchemaViolation => "schema-violation",
            Self::UnknownUid => "unknown-uid",
            Self::PreconditionFailed => "precondition-failed",
            Self::PreconditionRequired => "precondition-required",
            Self::Conflict => "conflict",
            Self::OperationTimeout => "operation-timeout",
            Self::Retryable => "retryable",
            Self::RateLimited => "rate-limited",
            Self::QuotaExceeded => "quota-exceeded",
            Self::TargetMaintenance => "target-maintenance",
            Self::ResyncRequired => "resync-required",
            Self::Unsupported => "unsupported",
            Self::PartiallyApplied => "partially-applied",
            Self::OutcomeUnknown => "outcome-unknown",
            Self::Cancelled => "cancelled",
            Self::EgressDenied => "egress-denied",
            Self::CredentialDenied => "credential-denied",
            Self::NotPermitted => "not-permitted",
        }
    }
}

/// What the failed operation did to the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum Effect {
    #[component(name = "none")]
    None,
    #[component(name = "some")]
    Some,
    #[component(name = "unknown")]
    Unknown,
}

impl Effect {
    /// The contract's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Some => "some",
            Self::Unknown => "unknown",
        }
    }
}

/// A failure as it crosses the contract.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Failure {
    pub kind: FailureKind,
    pub message: String,
    pub effect: Effect,
    /// The object that exists now although the operation failed.
    pub object: Option<ObjectRef>,
    /// Attributes to blame, if any.
    pub attributes: Vec<String>,
    #[component(name = "retry-after-ms")]
    pub retry_after_ms: Option<u32>,
    /// The target's own code, e.g. `ldap:53`, `http:409`, `sqlstate:23505`.
    pub code: Option<String>,
}

impl Failure {
    /// A failure that changed nothing.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            effect: Effect::None,
            object: None,
            attributes: Vec::new(),
            retry_after_ms: None,
            code: None,
        }
    }
}
