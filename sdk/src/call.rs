//! About the call in progress.

use crate::backend::call;
use std::time::Duration;

/// Identifies the request in the host's log and audit trail.
pub fn request_id() -> String {
    call::request_id()
}

/// The same for every attempt of one operation; hand it to targets that can tell a repetition by it.
pub fn idempotency_key() -> Option<String> {
    call::idempotency_key()
}

/// What is left until the host stops the call.
pub fn remaining() -> Duration {
    Duration::from_millis(call::remaining_ms().into())
}
