//! Small things a connector remembers between calls: bounded in bytes and time, and gone with its release.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::limits::{CACHE_BYTES_MAX, CACHE_ENTRIES_MAX};

/// What one release of a connector remembers for one connection.
#[derive(Default)]
pub(super) struct Cache {
    release: Option<semver::Version>,
    entries: HashMap<String, Entry>,
}

struct Entry {
    value: Vec<u8>,
    expires: Timestamp,
}

impl Cache {
    /// What `release` put there, unless it expired.
    pub(super) fn get(&self, release: &semver::Version, key: &str, now: Timestamp) -> Option<Vec<u8>> {
        let entry = self.entries.get(key).filter(|entry| entry.expires > now)?;
        (self.release.as_ref() == Some(release)).then(|| entry.value.clone())
    }

    /// Remembers a value. What another release put there goes; what expires first goes until there is room.
    ///
    /// # Errors
    /// When the entry alone is larger than the cache.
    pub(super) fn put(
        &mut self,
        release: &semver::Version,
        key: String,
        value: Vec<u8>,
        ttl: Duration,
        now: Timestamp,
    ) -> Result<(), TooLarge> {
        if self.release.as_ref() != Some(release) {
            self.clear();
            self.release = Some(release.clone());
        }
        self.entries.remove(&key);
        let size = key.len() + value.len();
        if size > CACHE_BYTES_MAX {
            return Err(TooLarge);
        }
        self.entries.retain(|_, entry| entry.expires > now);
        while self.bytes() + size > CACHE_BYTES_MAX || self.entries.len() >= CACHE_ENTRIES_MAX {
            self.forget_one();
        }
        let expires = now.saturating_add(ttl).unwrap_or(Timestamp::MAX);
        self.entries.insert(key, Entry { value, expires });
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    fn bytes(&self) -> usize {
        self.entries.iter().map(|(key, entry)| key.len() + entry.value.len()).sum()
    }

    fn forget_one(&mut self) {
        let first = self.entries.iter().min_by_key(|(_, entry)| entry.expires).map(|(key, _)| key.clone());
        if let Some(key) = first {
            self.entries.remove(&key);
        }
    }
}

/// The entry is larger than the whole cache.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

#[cfg(test)]
mod tests {
    use super::*;

    const V1: semver::Version = semver::Version::new(1, 0, 0);
    const V2: semver::Version = semver::Version::new(2, 0, 0);
    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn put(cache: &mut Cache, key: &str, bytes: usize, seconds: u64) -> Result<(), TooLarge> {
        cache.put(&V1, key.into(), vec![1; bytes], Duration::from_secs(seconds), NOW)
    }

    #[test]
    fn an_entry_larger_than_the_cache_is_refused_and_forgets_what_was_there() {
        let mut cache = Cache::default();
        put(&mut cache, "a", 1, 9).unwrap();
        assert_eq!(put(&mut cache, "a", CACHE_BYTES_MAX, 9), Err(TooLarge));
        assert_eq!(cache.get(&V1, "a", NOW), None);
    }

    #[test]
    fn what_expires_first_makes_room() {
        let mut cache = Cache::default();
        put(&mut cache, "soon", 40_000, 5).unwrap();
        put(&mut cache, "late", 20_000, 9).unwrap();
        put(&mut cache, "new", 30_000, 7).unwrap();
        assert_eq!(cache.get(&V1, "soon", NOW), None);
        assert!(cache.get(&V1, "late", NOW).is_some() && cache.get(&V1, "new", NOW).is_some());
    }

    #[test]
    fn nothing_outlives_its_time_or_its_release() {
        let mut cache = Cache::default();
        put(&mut cache, "a", 1, 5).unwrap();
        assert_eq!(cache.get(&V1, "a", NOW + Duration::from_secs(5)), None);
        assert_eq!(cache.get(&V2, "a", NOW), None);
        cache.put(&V2, "b".into(), vec![2], Duration::from_secs(5), NOW).unwrap();
        assert_eq!(cache.get(&V1, "a", NOW), None);
    }
}
