//! The cache of native tests: nothing expires.

use super::current;

pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
    current().cache.borrow().get(key).cloned()
}

pub(crate) fn put(key: &str, value: &[u8], _ttl_ms: u32) {
    current().cache.borrow_mut().insert(key.to_owned(), value.to_owned());
}
