//! Which keys a pass has met already, in as little memory as the file allows.
//!
//! Exports are mostly sorted by their key, and then remembering the last key is enough. At the first key that is out
//! of order, the keys so far are read again and from there on remembered as hashes: about 20 bytes a row. Two different
//! keys with the same hash of 64 bits (one chance in 37 million for a million rows) would set a row aside, never
//! mix two rows up.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};

/// The keys so far.
pub(crate) enum Seen {
    /// Every key was greater than the one before: this is the last one.
    Ascending(Vec<u8>),
    /// All of them.
    Hashed(Hashes),
}

/// What `meet` found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Met {
    New,
    Again,
    /// Unknown: the keys so far have to be read again into [`Hashes`].
    OutOfOrder,
}

impl Seen {
    pub(crate) fn new() -> Self {
        Self::Ascending(Vec::new())
    }

    pub(crate) fn meet(&mut self, key: &[u8]) -> Met {
        match self {
            Self::Ascending(last) => match key.cmp(last.as_slice()) {
                std::cmp::Ordering::Greater => {
                    last.clear();
                    last.extend_from_slice(key);
                    Met::New
                }
                std::cmp::Ordering::Equal => Met::Again,
                std::cmp::Ordering::Less => Met::OutOfOrder,
            },
            Self::Hashed(hashes) => match hashes.insert(key) {
                true => Met::New,
                false => Met::Again,
            },
        }
    }
}

/// Hashes of keys, with a key of their own, so that nobody can choose keys that collide.
#[derive(Default)]
pub(crate) struct Hashes {
    hashes: HashSet<u64, BuildHasherDefault<AlreadyHashed>>,
    state: RandomState,
}

impl Hashes {
    /// Adds a key; false if it was there.
    pub(crate) fn insert(&mut self, key: &[u8]) -> bool {
        self.hashes.insert(self.state.hash_one(key))
    }
}

/// Hands a hash through: it is one already.
#[derive(Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| (hash << 8) | u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_met_again_is_found_sorted_or_not() {
        let mut seen = Seen::new();
        assert_eq!(seen.meet(b"a"), Met::New);
        assert_eq!(seen.meet(b"a"), Met::Again);
        assert_eq!(seen.meet(b"c"), Met::New);
        assert_eq!(seen.meet(b"b"), Met::OutOfOrder);
        let mut seen = Seen::Hashed(Hashes::default());
        assert_eq!((seen.meet(b"b"), seen.meet(b"a"), seen.meet(b"b")), (Met::New, Met::New, Met::Again));
    }
}
