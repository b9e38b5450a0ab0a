//! What guests may call. Each decides from the call's context alone; a refusal names the permission that would allow it.
//!
//! An `Err` of [`Said`] is the guest's to handle; the outer error ends the guest.

pub(super) mod cache;
pub(super) mod call;
pub(super) mod credentials;
pub(super) mod files;
pub(super) mod http;
pub(super) mod ldap;
pub(super) mod log;
pub(super) mod options;
pub(super) mod reveal;

use std::sync::Arc;

use super::context::CallContext;
use crate::egress::rules::Route;
use crate::model::{Failure, FailureKind};

/// What a host function answers.
pub(super) type Said<T> = wasmtime::Result<Result<T, Failure>>;

/// The destination of that name.
fn route(context: &CallContext, destination: &str) -> Result<Arc<Route>, Failure> {
    let of_name = |route: &&Arc<Route>| route.name.as_str() == destination;
    context.routes.iter().find(of_name).cloned().ok_or_else(|| {
        let known: Vec<&str> = context.routes.iter().map(|route| route.name.as_str()).collect();
        let known = known.join(", ");
        let message = format!(
            "not permitted: {destination:?} is no destination of this connection, which has [{known}]; the manifest \
             declares them, and the options say where they are"
        );
        Failure::new(FailureKind::NotPermitted, message)
    })
}
