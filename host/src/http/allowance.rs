//! So many at once, and one more after each interval: refusals, and what is done again because of somebody else.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What is left of it comes back with time.
pub(super) struct Allowance {
    burst: u32,
    interval: Duration,
    /// When the next one is due; in the past, as far as there is a burst to spend.
    next: Mutex<Option<Instant>>,
}

impl Allowance {
    pub(super) fn new(burst: u32, interval: Duration) -> Self {
        Self { burst, interval, next: Mutex::default() }
    }

    /// When the next one is due, which is taken.
    pub(super) fn due(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let due = self.after(*next, now);
        *next = Some(due);
        due
    }

    /// Takes one, if one is due.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let due = self.after(*next, now);
        if due <= now {
            *next = Some(due);
        }
        due <= now
    }

    fn after(&self, last: Option<Instant>, now: Instant) -> Instant {
        let earliest = now.checked_sub(self.interval * self.burst).unwrap_or(now);
        last.map_or(earliest, |last| last.max(earliest)) + self.interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_had_at_once_and_one_more_after_each_interval() {
        let (second, begun) = (Duration::from_secs(1), Instant::now() + Duration::from_hours(1));
        let allowance = Allowance::new(2, second);
        let taken = |after: u32| allowance.take(begun + second * after);
        assert_eq!([0, 0, 0, 1, 1, 100, 100, 100].map(taken), [true, true, false, true, false, true, true, false]);
        let due = |after: u32| allowance.due(begun + second * after) - begun;
        assert_eq!([200, 200, 200, 200].map(due), [199, 200, 201, 202].map(|after| second * after));
    }
}
