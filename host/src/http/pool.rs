//! The connections of one client, free for the next request.
//!
//! As with directories, only what ended well comes back: a connection of HTTP/1.1 in use belongs to its [`Lease`], and a
//! lease that is dropped, with its call, after an error or before the answer was read, closes it. One of HTTP/2 is shared
//! until it closes, grows old or is given up on.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use super::connection::{Link, Many, One};
use super::failure::broken;
use super::limits::{CONNECTIONS_MAX, IDLE_MAX, LIFE_MAX};
use super::line::Line;
use crate::egress::{Egress, heard};
use crate::model::{Failure, FailureKind};

/// Free connections. Clones are the same pool.
#[derive(Clone)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    free: Mutex<Free>,
    /// Places for connections in use, and for those that are shared. As many as are left may wait in the pool: so whoever
    /// comes first is served first, with a connection that waits or with a new one.
    places: Arc<Semaphore>,
}

#[derive(Default)]
struct Free {
    waiting: VecDeque<Waiting>,
    shared: VecDeque<Shared>,
    /// Counts how often everything was forgotten: what was opened before does not come back.
    generation: u64,
    /// Somebody looks after those that wait too long.
    swept: bool,
}

struct Waiting {
    line: Arc<Line>,
    one: One,
    since: Instant,
}

struct Shared {
    line: Arc<Line>,
    many: Many,
    last: Instant,
}

/// A connection in use.
pub(super) struct Lease {
    pub(super) link: Link,
    /// Was it used before? Then it may have died unnoticed.
    pub(super) reused: bool,
    pub(super) line: Arc<Line>,
    pool: Pool,
    /// None where it is shared: its place is the connection's.
    place: Option<OwnedSemaphorePermit>,
    generation: u64,
}

impl Default for Pool {
    fn default() -> Self {
        Self(Arc::new(Inner { free: Mutex::default(), places: Arc::new(Semaphore::new(CONNECTIONS_MAX)) }))
    }
}

impl Pool {
    /// A connection that is free, or a new one.
    ///
    /// # Errors
    /// As the gate; `connection-broken`; `operation-timeout` if all places stay busy.
    pub(super) async fn lease(&self, egress: &Egress, line: &Arc<Line>, end: Instant) -> Result<Lease, Failure> {
        if let Some(lease) = self.shared_one(line) {
            return Ok(lease);
        }
        let turn = line.turn(end).await?;
        if turn.is_some()
            && let Some(lease) = self.shared_one(line)
        {
            return Ok(lease);
        }
        let place = self.place(line, end).await?;
        match self.waiting_one(line, place) {
            Ok(lease) => Ok(lease),
            // On the heap: what it takes to connect is large, and every request would carry it along.
            Err(place) => Box::pin(self.open(egress, line, place, end)).await,
        }
    }

    /// Does a connection wait to be used?
    pub(super) fn has(&self, line: &Arc<Line>) -> bool {
        let free = self.free();
        let waits = free.waiting.iter().any(|waiting| Arc::ptr_eq(&waiting.line, line));
        waits || free.shared.iter().any(|shared| Arc::ptr_eq(&shared.line, line))
    }

    async fn open(
        &self,
        egress: &Egress,
        line: &Arc<Line>,
        place: OwnedSemaphorePermit,
        end: Instant,
    ) -> Result<Lease, Failure> {
        let generation = self.make_room();
        let stream = egress.connect(&line.route, end).await.map_err(heard)?;
        line.speaks(stream.is_http2());
        let failed = |_| broken(line.target(), "it speaks no HTTP");
        let (link, place) = if stream.is_http2() {
            let many = Many::open(stream, place).await.map_err(failed)?;
            self.share(line, &many, generation);
            (Link::Many(many), None)
        } else {
            (Link::One(One::open(stream).await.map_err(failed)?), Some(place))
        };
        Ok(Lease { link, reused: false, line: Arc::clone(line), pool: self.clone(), place, generation })
    }

    /// Forgets every connection: what is free is closed now, what is in use when it ends.
    pub(super) fn forget(&self) {
        let mut free = self.free();
        free.generation += 1;
        free.waiting.clear();
        free.shared.clear();
    }

    fn shared_one(&self, line: &Arc<Line>) -> Option<Lease> {
        let (link, generation) = {
            let mut free = self.free();
            (Link::Many(free.shared_one(line)?), free.generation)
        };
        Some(self.reused(line, link, None, generation))
    }

    /// The youngest that waits, so that those left over grow old and go; else the place is given back.
    fn waiting_one(&self, line: &Arc<Line>, place: OwnedSemaphorePermit) -> Result<Lease, OwnedSemaphorePermit> {
        loop {
            let Some((Waiting { mut one, since, .. }, generation)) = self.free().waiting_one(line) else {
                return Err(place);
            };
            if is_fresh(one.begun, since) && one.is_free() {
                return Ok(self.reused(line, Link::One(one), Some(place), generation));
            }
        }
    }

    fn reused(&self, line: &Arc<Line>, link: Link, place: Option<OwnedSemaphorePermit>, generation: u64) -> Lease {
        Lease { link, reused: true, line: Arc::clone(line), pool: self.clone(), place, generation }
    }

    /// A place for a connection; one that is shared and idle makes room.
    async fn place(&self, line: &Line, end: Instant) -> Result<OwnedSemaphorePermit, Failure> {
        let places = Arc::clone(&self.0.places);
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            return Ok(place);
        }
        self.free().close_shared();
        match timeout_at(end, places.acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => {
                let message = format!("all {CONNECTIONS_MAX} connections to {} and others are busy", line.target());
                Err(Failure::new(FailureKind::OperationTimeout, message))
            }
        }
    }

    /// Closes those that wait longest, as far as there are no places for them, and says which generation it is.
    fn make_room(&self) -> u64 {
        let mut free = self.free();
        let most = self.0.places.available_permits();
        let over = free.waiting.len().saturating_sub(most);
        free.waiting.drain(..over);
        free.generation
    }

    fn share(&self, line: &Arc<Line>, many: &Many, generation: u64) {
        let mut free = self.free();
        if generation == free.generation {
            free.shared.push_back(Shared { line: Arc::clone(line), many: many.clone(), last: Instant::now() });
            self.look_after(&mut free);
        }
    }

    fn put(&self, lease: Lease) {
        // The place goes back when the connection is in the pool: whoever waits for one finds it there.
        let Lease { mut link, line, place: _place, generation, .. } = lease;
        let is_free = link.is_free();
        let (now, mut free) = (Instant::now(), self.free());
        if !is_free || generation != free.generation {
            return;
        }
        match link {
            Link::One(one) if is_fresh(one.begun, now) => {
                free.waiting.push_back(Waiting { line, one, since: now });
                self.look_after(&mut free);
            }
            Link::One(_) => {}
            Link::Many(many) => free.used(&many, now),
        }
    }

    fn look_after(&self, free: &mut Free) {
        if !free.swept {
            free.swept = true;
            tokio::spawn(sweep(self.clone()));
        }
    }

    fn free(&self) -> MutexGuard<'_, Free> {
        self.0.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Free {
    fn shared_one(&mut self, line: &Arc<Line>) -> Option<Many> {
        self.shared.retain(|shared| !shared.many.is_closed());
        let fits = |shared: &&Shared| Arc::ptr_eq(&shared.line, line) && shared.is_fresh();
        self.shared.iter().rev().find(fits).map(|shared| shared.many.clone())
    }

    fn used(&mut self, many: &Many, now: Instant) {
        if let Some(shared) = self.shared.iter_mut().find(|shared| shared.many.is(many)) {
            shared.last = now;
        }
    }

    fn waiting_one(&mut self, line: &Arc<Line>) -> Option<(Waiting, u64)> {
        let at = self.waiting.iter().rposition(|waiting| Arc::ptr_eq(&waiting.line, line))?;
        Some((self.waiting.remove(at)?, self.generation))
    }

    /// Closes a shared connection that nobody uses.
    fn close_shared(&mut self) {
        if let Some(at) = self.shared.iter().position(|shared| shared.many.is_idle()) {
            drop(self.shared.remove(at));
        }
    }

    /// Closes what waits too long; what is shared and in use is only not handed out any more.
    fn close_old(&mut self) {
        self.waiting.retain(|waiting| is_fresh(waiting.one.begun, waiting.since));
        self.shared.retain(|shared| !shared.many.is_closed() && (shared.is_fresh() || !shared.many.is_idle()));
        self.swept = !(self.waiting.is_empty() && self.shared.is_empty());
    }
}

impl Shared {
    fn is_fresh(&self) -> bool {
        is_fresh(self.many.begun(), if self.many.is_idle() { self.last } else { Instant::now() })
    }
}

impl Lease {
    /// Gives the connection back: the answer is whole. It is closed unless the request is, too.
    pub(super) fn give_back(self) {
        self.pool.clone().put(self);
    }

    /// Nobody gets it any more: the server does not answer on it.
    pub(super) fn give_up(self) {
        if let Link::Many(many) = &self.link {
            self.pool.free().shared.retain(|shared| !shared.many.is(many));
        }
    }

    /// A new connection in the place of this one, which died or took nothing.
    pub(super) async fn renew(mut self, egress: &Egress, end: Instant) -> Result<Self, Failure> {
        let (pool, line, place) = (self.pool.clone(), Arc::clone(&self.line), self.place.take());
        self.give_up();
        match place {
            Some(place) => pool.open(egress, &line, place, end).await,
            None => pool.lease(egress, &line, end).await,
        }
    }
}

fn is_fresh(begun: Instant, since: Instant) -> bool {
    since.elapsed() < IDLE_MAX && begun.elapsed() < LIFE_MAX
}

async fn sweep(pool: Pool) {
    loop {
        sleep(IDLE_MAX / 2).await;
        let mut free = pool.free();
        free.close_old();
        if !free.swept {
            return;
        }
    }
}
