//! Whose signatures the operator trusts: keys, each for the publishers it may sign for. Plain data; where it is kept
//! and who may change it is decided elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::PublicKey;
use crate::model::{KeyId, PublisherName};
use crate::store::PublisherKey;

/// The trusted keys. Empty: nobody is trusted.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    keys: BTreeMap<KeyId, Trusted>,
}

#[derive(Clone, Debug)]
struct Trusted {
    key: PublicKey,
    publishers: BTreeSet<PublisherName>,
}

impl Trust {
    /// Trusts a key for a publisher's releases, and for nobody else's.
    pub fn add(&mut self, publisher: PublisherName, key: PublicKey) {
        let trusted = self.keys.entry(key.id()).or_insert_with(|| Trusted { key, publishers: BTreeSet::new() });
        trusted.publishers.insert(publisher);
    }

    /// May this key sign for this publisher?
    pub fn admits(&self, key: &KeyId, publisher: &PublisherName) -> bool {
        self.keys.get(key).is_some_and(|trusted| trusted.publishers.contains(publisher))
    }

    /// The key of that id, if it is trusted for anybody.
    pub(super) fn key(&self, id: &KeyId) -> Option<&PublicKey> {
        self.keys.get(id).map(|trusted| &trusted.key)
    }

    /// Whom it may sign for, for people.
    pub(super) fn publishers(&self, id: &KeyId) -> String {
        let publishers = self.keys.get(id).map(|trusted| &trusted.publishers).into_iter().flatten();
        publishers.map(PublisherName::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl FromIterator<PublisherKey> for Trust {
    fn from_iter<I: IntoIterator<Item = PublisherKey>>(keys: I) -> Self {
        let mut trust = Self::default();
        keys.into_iter().for_each(|row| trust.add(row.publisher, row.public_key.into()));
        trust
    }
}
