//! The secured options a call may use, opened: what is behind a slot, and the one thing that may be done with it.
//!
//! Neither can be printed beyond its names.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::leak::Search;
use crate::model::{CredentialUse, OptionName, Secret, Secured};

/// The connection's secured options by slot; those that are not set are here without a value.
#[derive(Default)]
pub struct Credentials {
    slots: BTreeMap<OptionName, Slot>,
    /// Made with the first call; nothing where there is nothing to search for.
    search: OnceLock<Option<Arc<Search>>>,
}

/// One secured option.
pub struct Slot {
    pub usage: CredentialUse,
    /// Nothing while no operator has set it, or after the place it goes to was changed.
    pub value: Option<Secured>,
}

impl Credentials {
    /// The option of that name.
    pub fn slot(&self, name: &str) -> Option<(&OptionName, &Slot)> {
        self.slots.iter().find(|(known, _)| known.as_str() == name)
    }

    /// Every option.
    pub fn iter(&self) -> impl Iterator<Item = (&OptionName, &Slot)> {
        self.slots.iter()
    }

    /// A search for all of them in what a guest gives out.
    pub(super) fn search(&self) -> Option<Arc<Search>> {
        let named = |(slot, secret): (&OptionName, _)| (format!("the secured option {:?}", slot.as_str()), secret);
        self.search.get_or_init(|| Search::new(self.secrets().map(named)).map(Arc::new)).clone()
    }

    fn secrets(&self) -> impl Iterator<Item = (&OptionName, &Secret)> {
        let set = self.slots.iter().filter_map(|(name, slot)| Some((name, slot.value.as_ref()?)));
        set.flat_map(|(name, value)| value.secrets().map(move |secret| (name, secret)))
    }
}

impl FromIterator<(OptionName, Slot)> for Credentials {
    fn from_iter<T: IntoIterator<Item = (OptionName, Slot)>>(slots: T) -> Self {
        Self { slots: slots.into_iter().collect(), search: OnceLock::new() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.slots.keys()).finish()
    }
}
