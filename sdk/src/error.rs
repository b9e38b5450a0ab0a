//! The one error a connector returns: a kind of the contract's vocabulary, a message that says what to do, and what
//! the failure did to the target.

use crate::bindings::host::model::Failure;
use crate::model::ObjectRef;
use std::fmt;
use std::time::Duration;

pub use crate::bindings::host::model::{Effect, FailureKind};

/// What a connector's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation failed. Boxed, because the successes it travels beside are small.
#[derive(Clone, PartialEq)]
pub struct Error(Box<Failure>);

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)+) => {
        impl Error { $(
            $(#[$doc])*
            pub fn $name(message: impl Into<String>) -> Self {
                Self::new(FailureKind::$kind, message)
            }
        )+ }
    };
}

kinds! {
    /// The object is there already; name it with [`Error::object`].
    already_exists => AlreadyExists;
    /// The connection's options cannot work.
    configuration => Configuration;
    /// The target cannot be reached; a wrong service credential is this too.
    connection_failed => ConnectionFailed;
    /// The connection was lost in the middle.
    connection_broken => ConnectionBroken;
    /// Somebody's name or password is wrong. Never tell which.
    invalid_credential => InvalidCredential;
    /// The password is not acceptable.
    invalid_password => InvalidPassword;
    /// The password was right once.
    password_expired => PasswordExpired;
    /// The account is locked.
    account_locked => AccountLocked;
    /// The account is disabled.
    account_disabled => AccountDisabled;
    /// The target refuses this to the account the connector works with.
    permission_denied => PermissionDenied;
    /// A value is not acceptable; name its attributes with [`Error::attribute`].
    invalid_attribute_value => InvalidAttributeValue;
    /// A class or an attribute that the target does not know.
    schema_violation => SchemaViolation;
    /// No object with this uid.
    unknown_uid => UnknownUid;
    /// The revision or version does not match: somebody else was faster.
    precondition_failed => PreconditionFailed;
    /// The target insists on a revision.
    precondition_required => PreconditionRequired;
    /// The target's state does not allow this.
    conflict => Conflict;
    /// The target took too long.
    operation_timeout => OperationTimeout;
    /// Worth another attempt, for no kind of its own.
    retryable => Retryable;
    /// Too many requests; say when with [`Error::retry_after`].
    rate_limited => RateLimited;
    /// The target has no room left.
    quota_exceeded => QuotaExceeded;
    /// The target is under maintenance.
    target_maintenance => TargetMaintenance;
    /// The checkpoint or token is worth nothing any more: a complete pass has to begin.
    resync_required => ResyncRequired;
    /// The connector or the target cannot do this.
    unsupported => Unsupported;
    /// Some of it was done; the message says what.
    partially_applied => PartiallyApplied;
    /// Sent, and never answered.
    outcome_unknown => OutcomeUnknown;
}

impl Error {
    /// An error of any kind, with nothing done to the target.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self(Box::new(Failure {
            kind,
            message: message.into(),
            effect: Effect::None,
            object: None,
            attributes: Vec::new(),
            retry_after_ms: None,
            code: None,
        }))
    }

    /// Says what the failed operation did to the target all the same.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.0.effect = effect;
        self
    }

    /// Blames an attribute; call it again for each further one.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>) -> Self {
        self.0.attributes.push(name.into());
        self
    }

    /// Names the object that exists although the operation failed.
    #[must_use]
    pub fn object(mut self, object: ObjectRef) -> Self {
        self.0.object = Some(object);
        self
    }

    /// Says when another attempt makes sense.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after_ms = Some(u32::try_from(wait.as_millis()).unwrap_or(u32::MAX));
        self
    }

    /// Keeps the target's own code, e.g. `ldap:53` or `http:409`.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// The kind of failure.
    pub fn kind(&self) -> FailureKind {
        self.0.kind
    }

    /// The message for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What was done to the target.
    pub fn effect(&self) -> Effect {
        self.0.effect
    }

    /// The attributes to blame.
    pub fn attributes(&self) -> &[String] {
        &self.0.attributes
    }

    /// The target's own code, as the host or [`Error::code`] noted it.
    pub fn target_code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The object that exists now although the operation failed.
    pub fn existing(&self) -> Option<&ObjectRef> {
        self.0.object.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::error::Error for Error {}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self(Box::new(failure))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        *error.0
    }
}

/// An input or output error is what the host said, if the host said it, and a broken connection otherwise.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => error,
            Err(error) => Self::connection_broken(error.to_string()),
        }
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_kind_on_its_way_through_io() {
        let io = std::io::Error::from(Error::precondition_failed("changed meanwhile").with_effect(Effect::Unknown));
        let back = Error::from(io);
        assert_eq!(back.kind(), FailureKind::PreconditionFailed);
        assert_eq!(back.effect(), Effect::Unknown);
        let foreign = Error::from(std::io::Error::other("cable"));
        assert_eq!(foreign.kind(), FailureKind::ConnectionBroken);
    }
}
