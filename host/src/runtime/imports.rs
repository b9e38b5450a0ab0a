//! What guests may call. Each decides from the call's context alone; a refusal names the permission that would allow it.
//!
//! An `Err` of [`Said`] is the guest's to handle; the outer error ends the guest.

pub(super) mod cache;
pub(super) mod call;
pub(super) mod credentials;
pub(super) mod files;
pub(super) mod ldap;
pub(super) mod log;
pub(super) mod options;
pub(super) mod reveal;

use crate::model::Failure;

/// What a host function answers.
pub(super) type Said<T> = wasmtime::Result<Result<T, Failure>>;
