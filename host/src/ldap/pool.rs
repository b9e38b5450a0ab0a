//! The connections of one connection that are free for the next operation.
//!
//! Only what ended well comes back: a connection in use belongs to its [`Lease`], and a lease that is dropped, with its
//! call or after an error, closes it. So nothing that is wedged is ever waited for, and nothing is handed on in another
//! state than it was opened in.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout_at};

use super::limits::{IDLE_MAX, LIFE_MAX, SESSIONS_MAX};
use super::session::{Login, Protection, Session};
use crate::egress::Egress;
use crate::egress::rules::Route;
use crate::model::{Failure, FailureKind};

/// Free connections. Clones are the same pool.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    free: Mutex<Free>,
    /// Places for connections in use. As many as are left may wait in the pool: so whoever comes first is served first, with
    /// a connection that waits or with a new one.
    places: Arc<Semaphore>,
}

#[derive(Default)]
struct Free {
    sessions: VecDeque<Waiting>,
    /// Counts how often everything was forgotten: what was opened before does not come back.
    generation: u64,
    /// Somebody looks after those that wait too long.
    swept: bool,
}

struct Waiting {
    to: Arc<To>,
    session: Session,
    since: Instant,
}

/// Where a connection goes, and as whom.
pub struct To {
    pub route: Arc<Route>,
    pub protection: Protection,
    pub login: Login,
}

impl To {
    /// Would a connection opened for the other do? Only under the very configuration it was opened under: a call that began
    /// before a change may end after it, and would leave a connection to the old place behind.
    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.route, &other.route) && self.protection == other.protection && self.login.is(&other.login)
    }
}

impl Login {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Anonymous, Self::Anonymous) | (Self::External, Self::External) => true,
            (Self::Simple { dn, password }, Self::Simple { dn: as_dn, password: as_password }) => {
                dn == as_dn && password.expose() == as_password.expose()
            }
            _ => false,
        }
    }
}

/// A connection in use.
pub(super) struct Lease {
    pub(super) session: Session,
    /// Was it used before? Then it may have died unnoticed.
    pub(super) reused: bool,
    pool: Pool,
    to: Arc<To>,
    place: OwnedSemaphorePermit,
    generation: u64,
}

impl Default for Pool {
    fn default() -> Self {
        Self(Arc::new(Inner { free: Mutex::default(), places: Arc::new(Semaphore::new(SESSIONS_MAX)) }))
    }
}

impl Pool {
    /// A connection that is free, or a new one.
    ///
    /// # Errors
    /// As [`Session::open`]; `operation-timeout` if all places stay busy.
    pub(super) async fn lease(&self, egress: &Egress, to: &Arc<To>, end: Instant) -> Result<Lease, Failure> {
        let place = self.place(to, end).await?;
        match self.free_one(to, place) {
            Ok(lease) => Ok(lease),
            Err(place) => self.open(egress, to, place, end).await,
        }
    }

    /// Makes sure that there is a connection.
    ///
    /// # Errors
    /// As the gate; `connection-failed` if the server cannot be protected or does not take the login.
    pub async fn warm(&self, egress: &Egress, to: &Arc<To>, end: Instant) -> Result<(), Failure> {
        self.lease(egress, to, end).await?.give_back();
        Ok(())
    }

    async fn open(
        &self,
        egress: &Egress,
        to: &Arc<To>,
        place: OwnedSemaphorePermit,
        end: Instant,
    ) -> Result<Lease, Failure> {
        let generation = self.make_room();
        let session = Session::open(egress, &to.route, to.protection, &to.login, end).await?;
        Ok(Lease { session, reused: false, pool: self.clone(), to: Arc::clone(to), place, generation })
    }

    /// Forgets every connection: what is free is closed now, what is in use when it ends.
    pub fn forget(&self) {
        let mut free = self.free();
        free.generation += 1;
        free.sessions.clear();
    }

    /// The youngest that fits, so that those left over grow old and go; else the place is given back.
    fn free_one(&self, to: &Arc<To>, place: OwnedSemaphorePermit) -> Result<Lease, OwnedSemaphorePermit> {
        loop {
            let Some((Waiting { to, mut session, since }, generation)) = self.free().fitting(to) else {
                return Err(place);
            };
            if is_fresh(&session, since) && !session.is_stale() {
                return Ok(Lease { session, reused: true, pool: self.clone(), to, place, generation });
            }
        }
    }

    async fn place(&self, to: &To, end: Instant) -> Result<OwnedSemaphorePermit, Failure> {
        match timeout_at(end, Arc::clone(&self.0.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => {
                let message = format!("all {SESSIONS_MAX} connections to {} are busy", to.route.target);
                Err(Failure::new(FailureKind::OperationTimeout, message))
            }
        }
    }

    /// Closes those that wait longest, as far as there are no places for them, and says which generation it is.
    fn make_room(&self) -> u64 {
        let mut free = self.free();
        let most = self.0.places.available_permits();
        let over = free.sessions.len().saturating_sub(most);
        free.sessions.drain(..over);
        free.generation
    }

    fn put(&self, lease: Lease) {
        // The place goes back when the connection is in the pool: whoever waits for one finds it there.
        let Lease { session, to, place: _place, generation, .. } = lease;
        let mut free = self.free();
        let now = Instant::now();
        if generation != free.generation || session.has_more() || !is_fresh(&session, now) {
            return;
        }
        free.sessions.push_back(Waiting { to, session, since: now });
        if !free.swept {
            free.swept = true;
            tokio::spawn(sweep(self.clone()));
        }
    }

    /// Closes what waits too long; says when to look again.
    fn old(&self) -> (Vec<Session>, bool) {
        let mut free = self.free();
        let (old, fresh) = std::mem::take(&mut free.sessions)
            .into_iter()
            .partition::<VecDeque<_>, _>(|waiting| !is_fresh(&waiting.session, waiting.since));
        free.sessions = fresh;
        free.swept = !free.sessions.is_empty();
        (old.into_iter().map(|waiting| waiting.session).collect(), free.swept)
    }

    fn free(&self) -> MutexGuard<'_, Free> {
        self.0.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Free {
    fn fitting(&mut self, to: &To) -> Option<(Waiting, u64)> {
        let at = self.sessions.iter().rposition(|waiting| waiting.to.is(to))?;
        Some((self.sessions.remove(at)?, self.generation))
    }
}

impl Lease {
    /// Gives the connection back: it ended well, and nothing is on its way.
    pub(super) fn give_back(self) {
        self.pool.clone().put(self);
    }

    /// A new connection in the place of this one, which died while nobody used it.
    pub(super) async fn renew(self, egress: &Egress, end: Instant) -> Result<Self, Failure> {
        let Self { pool, to, place, .. } = self;
        let generation = pool.free().generation;
        let session = Session::open(egress, &to.route, to.protection, &to.login, end).await?;
        Ok(Self { session, reused: false, pool, to, place, generation })
    }
}

fn is_fresh(session: &Session, since: Instant) -> bool {
    since.elapsed() < IDLE_MAX && session.begun.elapsed() < LIFE_MAX
}

async fn sweep(pool: Pool) {
    loop {
        sleep(IDLE_MAX / 2).await;
        let (old, more) = pool.old();
        for session in old {
            drop(timeout_at(Instant::now() + super::limits::ANSWER_MARGIN, session.close()).await);
        }
        if !more {
            return;
        }
    }
}
