//! The one reader of time. Rooms take a [`Clock`]; tests turn one by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

/// What time it is: the system's, or what a test says.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Microseconds since the epoch; none: the system's clock.
    manual: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still at `start` until it is turned.
    pub fn manual(start: Timestamp) -> Self {
        Self { manual: Some(Arc::new(AtomicI64::new(start.as_microsecond()))) }
    }

    /// Now.
    #[allow(clippy::disallowed_methods, reason = "the one reader of time")]
    pub fn now(&self) -> Timestamp {
        match &self.manual {
            None => Timestamp::now(),
            Some(micros) => Timestamp::from_microsecond(micros.load(Ordering::Relaxed)).unwrap_or(Timestamp::MAX),
        }
    }

    /// Turns a manual clock forward; the system's clock is not moved.
    pub fn advance(&self, by: Duration) {
        if let Some(micros) = &self.manual {
            micros.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::Relaxed);
        }
    }

    /// How long until `deadline`; zero once it has passed.
    pub fn until(&self, deadline: Timestamp) -> Duration {
        Duration::try_from(deadline.duration_since(self.now())).unwrap_or(Duration::ZERO)
    }

    /// The instant `after` from now.
    pub fn after(&self, after: Duration) -> Timestamp {
        self.now().saturating_add(after).unwrap_or(Timestamp::MAX)
    }
}
