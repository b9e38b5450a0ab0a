//! Incremental import: what changed since a token.

use crate::bindings::feed as wit;
use crate::bindings::host::model::Failure;
use crate::connector::{Connector, open};
use crate::error::Result;
use crate::export::Exported;
use crate::listing::{Item, Listing, Pages, Rejected, Weigh};
use std::cell::RefCell;

pub use wit::{ClassAttributes, ClassRow, Delta, Gone, Renamed};

/// Reads what changed in the target.
pub trait Feed: Connector {
    /// The token that means "from now on".
    ///
    /// # Errors
    /// When the target could not be asked.
    fn latest_token(&self, classes: &[String]) -> Result<Vec<u8>>;

    /// The changes since a token. The [`checkpoint`](Listing::checkpoint) of the listing is the token that resumes
    /// right after its last item.
    ///
    /// # Errors
    /// [`Error::resync_required`](crate::Error::resync_required) if the target no longer knows the token.
    fn changes(self, classes: Vec<ClassAttributes>, token: Vec<u8>) -> Result<impl Listing<Delta> + 'static>;
}

impl From<Delta> for Item<Delta> {
    fn from(delta: Delta) -> Self {
        Self::Found(delta)
    }
}

impl Weigh for Delta {
    fn bytes(&self) -> usize {
        match self {
            Self::Upsert(row) | Self::Patch(row) => row.row.bytes(),
            Self::Rename(renamed) => renamed.now.row.bytes() + renamed.previous.len(),
            Self::Delete(_) => 0,
            Self::LinkAdded(edge) | Self::LinkRemoved(edge) => edge.bytes(),
        }
    }
}

/// A feed behind the contract's resource.
pub struct OpenChanges(RefCell<Pages<Delta>>);

impl<T: Feed> wit::Guest for Exported<T> {
    type Changes = OpenChanges;

    fn latest_token(classes: Vec<String>) -> Result<Vec<u8>, Failure> {
        Ok(open::<T>()?.latest_token(&classes)?)
    }

    fn open(classes: Vec<ClassAttributes>, token: Vec<u8>) -> Result<wit::Changes, Failure> {
        let changes = open::<T>()?.changes(classes, token)?;
        Ok(wit::Changes::new(OpenChanges(RefCell::new(Pages::new(changes)))))
    }
}

impl wit::GuestChanges for OpenChanges {
    fn next(&self, max: u32) -> Result<wit::Deltas, Failure> {
        let page = self.0.borrow_mut().next(max, |delta| delta)?;
        let rejected = page.rejected.into_iter().map(unread).collect();
        Ok(wit::Deltas { deltas: page.found, rejected, token: page.checkpoint, more: !page.complete })
    }
}

fn unread(rejected: Rejected) -> wit::UnreadChange {
    let (key, reason) = rejected.into_parts();
    wit::UnreadChange { class: None, key, failure: reason.into() }
}
