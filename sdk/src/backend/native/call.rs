//! The call of native tests.

use super::current;
use std::time::Duration;

/// What a call has left unless the test says otherwise.
const REMAINING: Duration = Duration::from_secs(30);

pub(crate) fn request_id() -> String {
    "test".to_owned()
}

pub(crate) fn idempotency_key() -> Option<String> {
    current().idempotency_key.clone()
}

pub(crate) fn remaining_ms() -> u32 {
    u32::try_from(current().remaining.unwrap_or(REMAINING).as_millis()).unwrap_or(u32::MAX)
}
