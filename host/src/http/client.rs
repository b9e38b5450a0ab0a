//! What one connection of the house keeps between its requests: connections, tokens, what its servers asked for, and how
//! many refusals it has had.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::allowance::Allowance;
use super::limits::{DOWNLOADS_MAX, LINES_MAX, REFUSAL_INTERVAL, REFUSALS_BURST};
use super::line::Line;
use super::pool::Pool;
use super::token::Tokens;
use crate::clock::Clock;
use crate::egress::Egress;
use crate::egress::rules::Route;
use crate::model::{Failure, FailureKind};

/// A client. Clones are the same one; a route is known by its `Arc`.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    clock: Clock,
    pool: Pool,
    tokens: Tokens,
    lines: Mutex<Vec<Arc<Line>>>,
    refusals: Allowance,
    downloads: Arc<Semaphore>,
}

impl Default for Client {
    fn default() -> Self {
        Self::new(Clock::default())
    }
}

impl Client {
    /// A client that dates its assertions, and reads its servers' dates, by a clock.
    pub fn new(clock: Clock) -> Self {
        let refusals = Allowance::new(REFUSALS_BURST, REFUSAL_INTERVAL);
        let downloads = Arc::new(Semaphore::new(DOWNLOADS_MAX));
        let (pool, tokens, lines) = (Pool::default(), Tokens::default(), Mutex::default());
        Self(Arc::new(Inner { clock, pool, tokens, lines, refusals, downloads }))
    }

    /// Forgets connections, tokens and pauses: the configuration is another.
    pub fn forget(&self) {
        self.lines().clear();
        self.0.pool.forget();
        self.0.tokens.forget();
    }

    /// Makes sure that there is a connection, unless one waits already.
    ///
    /// # Errors
    /// As the gate; `not-permitted` where it would be spoken to without encryption.
    pub async fn warm(&self, egress: &Egress, route: &Arc<Route>, end: Instant) -> Result<(), Failure> {
        let line = self.line(route)?;
        if !self.0.pool.has(&line) {
            self.0.pool.lease(egress, &line, end).await?.give_back();
        }
        Ok(())
    }

    /// Waits, where there were many refusals lately; whoever refuses something says so here. A guest that asks in a loop for
    /// what it may not is slowed down, and nobody else is.
    pub async fn refused(&self, end: Instant) {
        let due = self.0.refusals.due(Instant::now());
        sleep_until(due.min(end)).await;
    }

    /// A turn to read an answer as it comes.
    ///
    /// # Errors
    /// `operation-timeout` if all others go on.
    pub(super) async fn download(&self, line: &Line, end: Instant) -> Result<OwnedSemaphorePermit, Failure> {
        match timeout_at(end, Arc::clone(&self.0.downloads).acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => {
                let message =
                    format!("all {DOWNLOADS_MAX} downloads of this connection go on; one from {} waits", line.target());
                Err(Failure::new(FailureKind::OperationTimeout, message))
            }
        }
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
