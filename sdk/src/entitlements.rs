//! Entitlements: granting and revoking, as verbs with typed outcomes.

use crate::bindings::entitlements as wit;
use crate::bindings::host::model::Failure;
use crate::connector::{Connector, open};
use crate::error::Result;
use crate::export::Exported;
use crate::model::ObjectRef;

pub use wit::{Assignment, Assignments, GrantOutcome, Granted, RevokeOutcome};

/// Grants and revokes. Both are idempotent: what is so already is an outcome, not an error.
pub trait Entitlements: Connector {
    /// Grants an entitlement.
    ///
    /// # Errors
    /// [`Error::unknown_uid`](crate::Error::unknown_uid) if either object does not exist.
    fn grant(&self, principal: &ObjectRef, what: &Assignment) -> Result<Granted>;

    /// Revokes an entitlement.
    ///
    /// # Errors
    /// As [`Entitlements::grant`].
    fn revoke(&self, principal: &ObjectRef, what: &Assignment) -> Result<RevokeOutcome>;

    /// What a principal has been granted, at most `max` of it, after the position of the previous page.
    ///
    /// # Errors
    /// As [`Entitlements::grant`].
    fn list_granted(&self, principal: &ObjectRef, after: Option<&[u8]>, max: u32) -> Result<Assignments>;
}

impl Assignment {
    /// A direct assignment without parameters and without an end.
    pub fn direct(entitlement: ObjectRef) -> Self {
        Self {
            id: None,
            entitlement,
            parameters: Vec::new(),
            not_before: None,
            not_after: None,
            direct: true,
            via: Vec::new(),
        }
    }
}

impl From<GrantOutcome> for Granted {
    fn from(outcome: GrantOutcome) -> Self {
        Self { outcome, id: None }
    }
}

impl<T: Entitlements> wit::Guest for Exported<T> {
    fn grant(principal: ObjectRef, what: Assignment) -> Result<Granted, Failure> {
        Ok(open::<T>()?.grant(&principal, &what)?)
    }

    fn revoke(principal: ObjectRef, what: Assignment) -> Result<RevokeOutcome, Failure> {
        Ok(open::<T>()?.revoke(&principal, &what)?)
    }

    fn list_granted(principal: ObjectRef, after: Option<Vec<u8>>, max: u32) -> Result<Assignments, Failure> {
        Ok(open::<T>()?.list_granted(&principal, after.as_deref(), max)?)
    }
}
