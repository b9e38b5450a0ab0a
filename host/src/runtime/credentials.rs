//! The secured options a call may use, opened: what is behind a slot, and the one thing that may be done with it.
//!
//! Neither can be printed beyond its names.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::{CredentialUse, OptionName, Secured};

/// The connection's secured options by slot; those that are not set are here without a value.
#[derive(Default)]
pub struct Credentials(BTreeMap<OptionName, Slot>);

/// One secured option.
pub struct Slot {
    pub usage: CredentialUse,
    /// Nothing while no operator has set it, or after the place it goes to was changed.
    pub value: Option<Secured>,
}

impl Credentials {
    /// The option of that name.
    pub fn slot(&self, name: &str) -> Option<(&OptionName, &Slot)> {
        self.0.iter().find(|(known, _)| known.as_str() == name)
    }

    /// Every option.
    pub fn iter(&self) -> impl Iterator<Item = (&OptionName, &Slot)> {
        self.0.iter()
    }
}

impl FromIterator<(OptionName, Slot)> for Credentials {
    fn from_iter<T: IntoIterator<Item = (OptionName, Slot)>>(slots: T) -> Self {
        Self(slots.into_iter().collect())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
