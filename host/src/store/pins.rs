//! Pins: runs that somebody reads, kept from the sweep until they are read or have been read for too long.
//!
//! A published run does not change, so readers need no transaction, which would hold up the write-ahead log and one of
//! the few connections for as long as a slow reader reads. What they need is that a superseded run is not swept
//! under them; and where it must be, because it was read for too long or its connection was deleted, that they notice.
//!
//! Invariant: a run is swept only after its pins were revoked, and a page counts only if its pin was not revoked when
//! the page had been read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model::{Error, FailureKind, Result};

/// How long a run that is no longer the published one is kept for a reader, in microseconds: six hours.
const KEPT_MICROS: i64 = 6 * 60 * 60 * 1_000_000;

/// The runs that are being read, by number.
#[derive(Debug, Default)]
pub(super) struct Pins(Mutex<HashMap<i64, Pinned>>);

#[derive(Debug)]
struct Pinned {
    readers: usize,
    /// When the last of them began.
    since: i64,
    revoked: Arc<AtomicBool>,
}

/// One reader's pin; dropped, it is gone.
#[derive(Debug)]
pub(super) struct Pin {
    pins: Arc<Pins>,
    run: i64,
    revoked: Arc<AtomicBool>,
}

impl Pins {
    /// Keeps a run from now on; the caller looks afterwards whether it is still the published one.
    pub(super) fn pin(self: &Arc<Self>, run: i64, now: i64) -> Pin {
        let mut pins = self.lock();
        let pinned = pins.entry(run).or_insert_with(|| Pinned { readers: 0, since: now, revoked: Arc::default() });
        pinned.readers += 1;
        pinned.since = now;
        Pin { pins: Arc::clone(self), run, revoked: Arc::clone(&pinned.revoked) }
    }

    /// May a superseded run be swept? If so, whoever still reads it is told.
    pub(super) fn release(&self, run: i64, now: i64) -> bool {
        let due = self.lock().get(&run).is_none_or(|pinned| now.saturating_sub(pinned.since) > KEPT_MICROS);
        if due {
            self.revoke(run);
        }
        due
    }

    /// Tells the readers of a run that it goes.
    pub(super) fn revoke(&self, run: i64) {
        if let Some(pinned) = self.lock().remove(&run) {
            pinned.revoked.store(true, Ordering::SeqCst);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i64, Pinned>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pin {
    /// Is what was just read whole?
    ///
    /// # Errors
    /// `resync-required` if the run is being swept.
    pub(super) fn check(&self) -> Result<()> {
        if !self.revoked.load(Ordering::SeqCst) {
            return Ok(());
        }
        let message = "another import was published while this one was read, too long ago to go on; start again";
        Err(Error::failure(FailureKind::ResyncRequired, message))
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut pins = self.pins.lock();
        let Some(pinned) = pins.get_mut(&self.run).filter(|it| Arc::ptr_eq(&it.revoked, &self.revoked)) else { return };
        pinned.readers -= 1;
        if pinned.readers == 0 {
            pins.remove(&self.run);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_is_read_is_kept_until_the_last_reader_is_gone() {
        let pins = Arc::new(Pins::default());
        let (first, second) = (pins.pin(7, 0), pins.pin(7, 1));
        drop(first);
        assert!(!pins.release(7, 2) && pins.release(8, 2));
        second.check().unwrap();
        drop(second);
        assert!(pins.release(7, 2));
    }

    #[test]
    fn a_reader_who_takes_too_long_loses_the_run_and_is_told() {
        let pins = Arc::new(Pins::default());
        let slow = pins.pin(7, 0);
        assert!(!pins.release(7, KEPT_MICROS) && pins.release(7, KEPT_MICROS + 1));
        assert!(slow.check().unwrap_err().is(FailureKind::ResyncRequired));
        let next = pins.pin(7, KEPT_MICROS);
        drop(slow);
        assert!(!pins.release(7, KEPT_MICROS), "a pin that was revoked takes no other one along");
        next.check().unwrap();
    }
}
