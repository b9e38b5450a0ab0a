//! Granting and revoking: verbs with typed, idempotent outcomes, never a rewrite of a member list.

use super::object::{Attribute, ObjectRef, Reference};

/// One entitlement of one principal.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The target's own identifier of the assignment, where it has one.
    pub id: Option<String>,
    pub entitlement: ObjectRef,
    pub parameters: Vec<Attribute>,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub not_before: Option<i64>,
    /// Microseconds since 1970-01-01T00:00:00Z.
    pub not_after: Option<i64>,
    /// False when it comes through another entitlement, named in `via`.
    pub direct: bool,
    pub via: Vec<Reference>,
}

/// What a grant did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantOutcome {
    Granted,
    AlreadyGranted,
    Replaced,
    Pending,
}

/// What a revoke did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeOutcome {
    Revoked,
    AlreadyRevoked,
    Inherited,
    Pending,
}

/// The answer to a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    pub outcome: GrantOutcome,
    pub id: Option<String>,
}

/// One page of a principal's entitlements.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AssignmentPage {
    pub assignments: Vec<Assignment>,
    /// Where the next page begins; none: this was the last.
    pub next: Option<Vec<u8>>,
}

impl GrantOutcome {
    /// The contract's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::AlreadyGranted => "already-granted",
            Self::Replaced => "replaced",
            Self::Pending => "pending",
        }
    }
}

impl RevokeOutcome {
    /// The contract's spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::AlreadyRevoked => "already-revoked",
            Self::Inherited => "inherited",
            Self::Pending => "pending",
        }
    }
}
