//! Small things worth remembering between calls (capabilities of the target, compiled mappings): 64 KiB for one
//! connection and release. Never secrets.

use crate::backend::cache;
use std::time::Duration;

/// What was remembered, unless it has expired.
pub fn get(key: &str) -> Option<Vec<u8>> {
    cache::get(key)
}

/// Remembers something for a while; the host may forget it earlier.
pub fn put(key: &str, value: &[u8], time_to_live: Duration) {
    cache::put(key, value, u32::try_from(time_to_live.as_millis()).unwrap_or(u32::MAX));
}
