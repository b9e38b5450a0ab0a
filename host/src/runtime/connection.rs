//! What the runtime remembers of a connection between calls: who computes, how many instances it has, its
//! connections to directories and web services, its cache, the tokens it keeps, and how many passwords it verified lately.
//! In memory only; forgotten when it is idle and room is needed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::cache::Cache;
use super::kept::Kept;
use super::limits::{self, RuntimeLimits};
use crate::clock::Clock;
use crate::http::Client;
use crate::ldap::Pool;
use crate::model::ConnectionId;

/// One connection's share of the runtime.
pub(super) struct Share {
    /// Turns to compute; a guest that yields queues behind the connection's other calls, so that politeness does not
    /// starve other connections.
    pub(super) computing: Arc<Semaphore>,
    pub(super) instances: Arc<Semaphore>,
    /// Its connections to directories.
    pub(super) directory: Pool,
    /// Its connections to web services, and the tokens for them.
    pub(super) web: Client,
    cache: Mutex<Cache>,
    kept: Mutex<Kept>,
    verifications: Mutex<Bucket>,
}

impl Share {
    fn new(limits: &RuntimeLimits, clock: &Clock) -> Self {
        let permits = |count: u32| Arc::new(Semaphore::new(count.max(1) as usize));
        Self {
            computing: permits(limits.computing_per_connection),
            instances: permits(limits.instances_per_connection),
            directory: Pool::default(),
            web: Client::new(clock.clone()),
            cache: Mutex::default(),
            kept: Mutex::default(),
            verifications: Mutex::new(Bucket { tokens: limits::VERIFY_BURST, filled: clock.now() }),
        }
    }

    pub(super) fn cache(&self) -> MutexGuard<'_, Cache> {
        locked(&self.cache)
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        locked(&self.kept)
    }

    /// Takes one verification, or says how many milliseconds it is to the next.
    pub(super) fn verification(&self, now: Timestamp) -> Result<(), u32> {
        locked(&self.verifications).take(now)
    }
}

/// The connections seen lately.
#[derive(Default)]
pub(super) struct Connections(Mutex<HashMap<String, Arc<Share>>>);

impl Connections {
    /// The connection's share, made when it is first seen.
    pub(super) fn share(&self, id: &ConnectionId, limits: &RuntimeLimits, clock: &Clock) -> Arc<Share> {
        let mut known = locked(&self.0);
        if known.len() >= limits::CONNECTIONS_REMEMBERED {
            known.retain(|_, share| Arc::strong_count(share) > 1);
        }
        known.entry(id.folded()).or_insert_with(|| Arc::new(Share::new(limits, clock))).clone()
    }

    /// Forgets what the connection cached, kept and had open.
    pub(super) fn forget(&self, id: &ConnectionId) {
        if let Some(share) = locked(&self.0).get(&id.folded()) {
            share.directory.forget();
            share.web.forget();
            share.cache().clear();
            share.kept().clear();
        }
    }
}

/// A token bucket.
struct Bucket {
    tokens: f64,
    filled: Timestamp,
}

impl Bucket {
    fn take(&mut self, now: Timestamp) -> Result<(), u32> {
        let passed = now.duration_since(self.filled).as_secs_f64().max(0.0);
        self.tokens = (self.tokens + passed * limits::VERIFY_PER_SECOND).min(limits::VERIFY_BURST);
        self.filled = now;
        if self.tokens < 1.0 {
            return Err(MILLIS_TO_NEXT);
        }
        self.tokens -= 1.0;
        Ok(())
    }
}

/// From an empty bucket to the next verification.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small positive constant")]
const MILLIS_TO_NEXT: u32 = (1_000.0 / limits::VERIFY_PER_SECOND) as u32;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn verifications_run_out_and_come_back_with_time() {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        let share = Share::new(&RuntimeLimits::default(), &clock);
        for _ in 0..20 {
            assert_eq!(share.verification(clock.now()), Ok(()));
        }
        assert_eq!(share.verification(clock.now()), Err(200));
        clock.advance(Duration::from_millis(250));
        assert_eq!(share.verification(clock.now()), Ok(()));
        assert_eq!(share.verification(clock.now()), Err(200));
    }

    #[test]
    fn a_connection_written_in_another_case_is_the_same_connection() {
        let connections = Connections::default();
        let (limits, clock) = (RuntimeLimits::default(), Clock::manual(Timestamp::UNIX_EPOCH));
        let share = |id: &str| connections.share(&id.parse().unwrap(), &limits, &clock);
        assert!(Arc::ptr_eq(&share("HR"), &share("hr")));
        assert!(!Arc::ptr_eq(&share("hr"), &share("hr2")));
    }
}
