//! The one vocabulary of errors: the contract's kinds and those only the host raises.
//!
//! Every room below the edge returns these; the API turns a kind into a status in one match, the CLI into an exit code.

use super::failure::{Effect, Failure, FailureKind};
use super::object::ObjectRef;

/// A result of the house.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A kind of the contract: said by the connector, or by the host in its words.
    Failure(FailureKind),
    /// The connector broke: a trap or a panic.
    GuestTrap,
    /// The connector was stopped at a limit: memory, time, handles, amount of data.
    GuestLimit,
    /// The release cannot be loaded.
    ReleaseRefused,
    /// The request itself is wrong.
    InvalidRequest,
    /// A resource of the host does not exist: a connection, a task, a route.
    NotFound,
    /// No token, or one that nobody issued.
    Unauthenticated,
    /// The token's role does not allow it.
    Forbidden,
    /// The stored resource is no longer what the caller saw (If-Match).
    Stale,
    /// The body or another part is over its limit.
    TooLarge,
    /// The host cannot do it right now: the store is locked or full, the host is stopping, too many calls wait.
    Unavailable,
    /// A fault of the host.
    Internal,
}

impl ErrorKind {
    /// The kind's name, which is also the last part of the problem type in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failure(kind) => kind.as_str(),
            Self::GuestTrap => "guest-trap",
            Self::GuestLimit => "guest-limit",
            Self::ReleaseRefused => "release-refused",
            Self::InvalidRequest => "invalid-request",
            Self::NotFound => "not-found",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Stale => "stale",
            Self::TooLarge => "too-large",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// An error with what its reader needs to go on: what was wrong, what the target has gone through, what to do next.
#[derive(Clone, Debug, PartialEq)]
pub struct Error {
    /// What went wrong.
    pub kind: ErrorKind,
    /// For the caller.
    pub message: String,
    /// For the log only.
    pub detail: Option<String>,
    /// What it did to the target.
    pub effect: Effect,
    /// The object that exists now although the operation failed.
    pub object: Option<ObjectRef>,
    /// Attributes, options or parameters to blame.
    pub attributes: Vec<String>,
    /// When it makes sense to try again.
    pub retry_after_ms: Option<u32>,
    /// The target's own code.
    pub code: Option<String>,
}

impl Error {
    /// An error that changed nothing.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            detail: None,
            effect: Effect::None,
            object: None,
            attributes: Vec::new(),
            retry_after_ms: None,
            code: None,
        }
    }

    /// A failure in the contract's words that changed nothing.
    pub fn failure(kind: FailureKind, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failure(kind), message)
    }

    /// The request is wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
    }

    /// No such resource of the host.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// A fault of the host; `detail` is for the log, the caller only learns that it was not his doing.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, "the host failed; its log has the details under this request's id")
            .with_detail(detail)
    }

    /// Adds what only the log should hold.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Says what the failed operation did to the target.
    #[must_use]
    pub fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Names what is to blame.
    #[must_use]
    pub fn blaming(mut self, attribute: impl Into<String>) -> Self {
        self.attributes.push(attribute.into());
        self
    }

    /// Is it this kind of the contract?
    pub fn is(&self, kind: FailureKind) -> bool {
        self.kind == ErrorKind::Failure(kind)
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.kind.as_str(), self.message)
    }
}

impl std::error::Error for Error {}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self {
            kind: ErrorKind::Failure(failure.kind),
            message: failure.message,
            detail: None,
            effect: failure.effect,
            object: failure.object,
            attributes: failure.attributes,
            retry_after_ms: failure.retry_after_ms,
            code: failure.code,
        }
    }
}

impl From<super::id::InvalidId> for Error {
    fn from(invalid: super::id::InvalidId) -> Self {
        Self::invalid(invalid.to_string())
    }
}
