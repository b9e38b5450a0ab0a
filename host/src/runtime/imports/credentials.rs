//! Secrets as handles: a guest uses them and never sees them.
//!
//! A verb that took any handle would be an oracle: a service password could be guessed by verifying it, a TLS key could
//! sign anything. So every handle knows where it came from, and each verb takes one kind only.
//!
//! | handle | comes from | verbs |
//! |---|---|---|
//! | a secret of the call | the caller | `hash`, `verify` |
//! | a secured option | `get`, `get-key`, where approved | the one use of its slot, e.g. `sign` |
//! | what the guest sealed | `seal`, `captured` | `keep` |
//! | what was captured from an answer | `captured` | none: requests to where it came from |
//! | a token | `http.token` | none: requests, where what it came of may be sent |
//!
//! A handle lives in the table of its call's store: in another call its number means nothing.

mod handles;
mod hashing;
mod signing;

pub(in crate::runtime) use handles::{captured, get, get_key, keep, keys, seal};
pub(super) use hashing::one_verification;
pub(in crate::runtime) use hashing::{Scheme, hash, verify};
pub(in crate::runtime) use signing::sign;

use crate::http::Token;
use crate::model::{CredentialUse, Failure, FailureKind, OptionName, Permission, Secret};
use crate::runtime::context::CallContext;
use crate::runtime::kept::Captor;

/// A secret and where it came from.
#[allow(unreachable_pub, reason = "the bindings re-export it")]
pub struct Credential {
    pub(in crate::runtime) origin: Origin,
    pub(in crate::runtime) secret: Secret,
}

/// Where a secret came from.
#[derive(Clone)]
pub(in crate::runtime) enum Origin {
    /// It arrived with the call, under that slot.
    Call(String),
    /// A secured option, and the one use it has.
    Secured(OptionName, CredentialUse),
    /// The guest made or received it.
    Sealed,
    /// An answer brought it, from that destination.
    Captured(Captor),
    /// It was fetched with that secured option.
    Token(OptionName, Token),
}

/// May this connection use that option? At one of the places it goes to is enough to have the handle; the place that
/// writes it asks for itself.
fn permit(context: &CallContext, slot: &OptionName, usage: CredentialUse) -> Result<(), Failure> {
    let approved = |permission: &Permission| matches!(permission, Permission::Credential { slot: of, usage: to, .. } if of == slot && *to == usage);
    if context.permissions.iter().any(approved) {
        return Ok(());
    }
    match context.web.of_slot(slot) {
        Some((_, true)) => Ok(()),
        Some((missing, false)) => Err(not_permitted(&missing)),
        None => Err(not_permitted(&Permission::Credential { slot: slot.clone(), usage, place: None })),
    }
}

/// Names the permission that would allow it.
pub(super) fn not_permitted(missing: &Permission) -> Failure {
    let message = format!("not permitted: {missing}; an operator can approve it for the connection");
    Failure::new(FailureKind::NotPermitted, message)
}

pub(super) fn denied(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::CredentialDenied, message)
}
