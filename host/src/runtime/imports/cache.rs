//! Small things remembered between calls, per connection and release.

use std::time::Duration;

use crate::runtime::guest_log::Level;
use crate::runtime::limits::CACHE_BYTES_MAX;
use crate::runtime::state::State;

pub(in crate::runtime) fn get(state: &State, key: &str) -> Option<Vec<u8>> {
    state.share.cache().get(&state.context.version, key, state.clock().now())
}

/// Remembers a value; one that is too large is dropped, and the log says so.
///
/// # Errors
/// One that holds a secret ends the guest.
pub(in crate::runtime) fn put(state: &State, key: String, value: Vec<u8>, ttl_ms: u32) -> wasmtime::Result<()> {
    state.leaks.check(&key).and_then(|()| state.leaks.check(&value))?;
    let (ttl, now) = (Duration::from_millis(ttl_ms.into()), state.clock().now());
    let put = state.share.cache().put(&state.context.version, key, value, ttl, now);
    if put.is_err() {
        state.log.write(Level::Warn, &format!("a cache entry of more than {CACHE_BYTES_MAX} bytes was dropped"), &[]);
    }
    Ok(())
}
