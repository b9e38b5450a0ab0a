//! Listings that do not move: found, so that no import runs for ever.

use crate::model::{Error, ErrorKind, Result};

/// Pages in a row without a row, a rejected record or the end, after which a listing counts as stuck.
const IDLE_PAGES_MAX: u32 = 100;

/// Watches a listing for progress: a connector that hands out nothing for ever, or the same checkpoint again, is stuck.
#[derive(Default)]
pub(super) struct Watch {
    idle_pages: u32,
    last_checkpoint: Option<Vec<u8>>,
}

impl Watch {
    /// Looks at a page of so many records.
    ///
    /// # Errors
    /// `guest-limit` if the listing does not move.
    pub(super) fn look(&mut self, records: usize, checkpoint: Option<&[u8]>, complete: bool) -> Result<()> {
        let repeated = !complete && checkpoint.is_some() && checkpoint == self.last_checkpoint.as_deref();
        self.last_checkpoint = checkpoint.map(<[u8]>::to_vec);
        self.idle_pages = if records == 0 { self.idle_pages + 1 } else { 0 };
        if repeated && records > 0 {
            let message =
                "the connector hands out records under a checkpoint that does not move; its author has to look";
            return Err(Error::new(ErrorKind::GuestLimit, message));
        }
        if self.idle_pages > IDLE_PAGES_MAX {
            let message =
                format!("the connector handed out {IDLE_PAGES_MAX} empty pages in a row; its author has to look");
            return Err(Error::new(ErrorKind::GuestLimit, message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_that_does_not_move_is_stuck() {
        let mut watch = Watch::default();
        assert!(watch.look(1, Some(b"a"), false).is_ok());
        assert!(watch.look(1, Some(b"b"), false).is_ok());
        assert!(watch.look(1, Some(b"b"), false).is_err());
        let mut empty = Watch::default();
        assert!((0..IDLE_PAGES_MAX).all(|_| empty.look(0, None, false).is_ok()));
        assert!(empty.look(0, None, false).is_err());
    }
}
