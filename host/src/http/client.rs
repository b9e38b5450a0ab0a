//! What one connection of the house keeps between its requests: connections, tokens, what its servers asked for, and how
//! many refusals it has had.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::{Instant, sleep_until};

use super::limits::{LINES_MAX, REFUSAL_INTERVAL, REFUSALS_BURST};
use super::line::Line;
use super::pool::Pool;
use super::token::Tokens;
use crate::clock::Clock;
use crate::egress::Egress;
use crate::egress::rules::Route;
use crate::model::{Failure, FailureKind};

/// A client. Clones are the same one; a route is known by its `Arc`.
#[derive(Clone, Default)]
pub struct Client(Arc<Inner>);

#[derive(Default)]
struct Inner {
    clock: Clock,
    pool: Pool,
    tokens: Tokens,
    lines: Mutex<Vec<Arc<Line>>>,
    /// When the next refusal is due; in the past, as far as there is a burst to spend.
    refusals: Mutex<Option<Instant>>,
}

impl Client {
    /// A client that dates its assertions, and reads its servers' dates, by a clock.
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner { clock, ..Inner::default() }))
    }

    /// Forgets connections, tokens and pauses: the configuration is another.
    pub fn forget(&self) {
        self.lines().clear();
        self.0.pool.forget();
        self.0.tokens.forget();
    }

    /// Makes sure that there is a connection.
    ///
    /// # Errors
    /// As the gate; `not-permitted` where it would be spoken to without encryption.
    pub async fn warm(&self, egress: &Egress, route: &Arc<Route>, end: Instant) -> Result<(), Failure> {
        let line = self.line(route)?;
        self.0.pool.lease(egress, &line, end).await?.give_back();
        Ok(())
    }

    /// Waits, where there were many refusals lately; whoever refuses something says so here. A guest that asks in a loop for
    /// what it may not is slowed down, and nobody else is.
    pub async fn refused(&self, end: Instant) {
        let due = self.refusal(Instant::now());
        sleep_until(due.min(end)).await;
    }

    fn refusal(&self, now: Instant) -> Instant {
        let mut next = self.0.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(REFUSAL_INTERVAL * REFUSALS_BURST).unwrap_or(now);
        let due = next.map_or(earliest, |next| next.max(earliest)) + REFUSAL_INTERVAL;
        *next = Some(due);
        due
    }

    /// A failure on its way out; one that is a refusal takes its time.
    pub(super) async fn heard(&self, failure: Failure, end: Instant) -> Failure {
        if matches!(failure.kind, FailureKind::NotPermitted | FailureKind::EgressDenied) {
            self.refused(end).await;
        }
        failure
    }

    /// What is known of a destination.
    pub(super) fn line(&self, route: &Arc<Route>) -> Result<Arc<Line>, Failure> {
        let mut lines = self.lines();
        if let Some(line) = lines.iter().find(|line| Arc::ptr_eq(&line.route, route)) {
            return Ok(Arc::clone(line));
        }
        let line = Arc::new(Line::new(route)?);
        if lines.len() >= LINES_MAX {
            lines.remove(0);
        }
        lines.push(Arc::clone(&line));
        Ok(line)
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.0.pool
    }

    pub(super) fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Arc<Line>>> {
        self.0.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
