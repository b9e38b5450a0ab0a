//! What is known of a destination: how it is called in a request, which HTTP it speaks, and whether it wants to be left
//! alone for a while.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::HeaderValue;
use hyper::http::uri::Authority;
use tokio::sync::MutexGuard;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::failure::{late, paused, unsupported};
use super::limits::PAUSE_MAX;
use crate::egress::heard;
use crate::egress::rules::Route;
use crate::egress::target::Target;
use crate::model::{Failure, Protocol};

/// A destination, as long as its route is the same.
pub(super) struct Line {
    pub(super) route: Arc<Route>,
    /// As HTTP/1.1 calls it, and as HTTP/2 does; the certificate was asked for under the same name.
    pub(super) host: HeaderValue,
    pub(super) authority: Authority,
    /// Known to take one request a connection, so that nobody waits for a connection to share.
    single: AtomicBool,
    opening: tokio::sync::Mutex<()>,
    pause: Mutex<Option<Pause>>,
}

/// Nobody asks before `until`.
#[derive(Clone, Copy)]
struct Pause {
    until: Instant,
    /// As the server said, which may be longer than anybody is kept waiting.
    asked: Instant,
    status: StatusCode,
}

impl Line {
    /// # Errors
    /// `not-permitted` where it would be spoken to without encryption; `unsupported` for another protocol.
    pub(super) fn new(route: &Arc<Route>) -> Result<Self, Failure> {
        let target = &route.target;
        let default_port = match target.protocol {
            Protocol::Https => 443,
            Protocol::Http => 80,
            Protocol::Ldaps | Protocol::Ldap => return Err(unsupported(format!("{target} is no web service"))),
        };
        route.protects(target.protocol.is_tls()).map_err(heard)?;
        let port = target.port.get();
        let name = if port == default_port { target.host.to_string() } else { format!("{}:{port}", target.host) };
        let unfit = || unsupported(format!("{target} cannot be named in a request"));
        Ok(Self {
            host: HeaderValue::from_str(&name).map_err(|_| unfit())?,
            authority: name.parse().map_err(|_| unfit())?,
            single: AtomicBool::new(!target.protocol.is_tls()),
            route: Arc::clone(route),
            opening: tokio::sync::Mutex::default(),
            pause: Mutex::default(),
        })
    }

    pub(super) fn target(&self) -> &Target {
        &self.route.target
    }

    /// Its address, as others write it.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.target().protocol.as_str(), self.authority)
    }

    /// The turn to open a connection: where it may turn out to be one for all, one after the other.
    ///
    /// # Errors
    /// `operation-timeout`.
    pub(super) async fn turn(&self, end: Instant) -> Result<Option<MutexGuard<'_, ()>>, Failure> {
        if self.is_single() {
            return Ok(None);
        }
        let turn = timeout_at(end, self.opening.lock()).await.map_err(|_| late(self.target()))?;
        Ok((!self.is_single()).then_some(turn))
    }

    fn is_single(&self) -> bool {
        self.single.load(Ordering::Relaxed)
    }

    /// Notes which HTTP the server chose.
    pub(super) fn speaks(&self, http2: bool) {
        self.single.store(!http2, Ordering::Relaxed);
    }

    /// Waits until the server takes requests again, as everybody does who asks it.
    ///
    /// # Errors
    /// `rate-limited` or `target-maintenance` where that is after `end`.
    pub(super) async fn pass(&self, end: Instant) -> Result<(), Failure> {
        while let Some(pause) = self.paused() {
            let now = Instant::now();
            if pause.until >= end {
                return Err(paused(self.target(), pause.status, pause.asked - now));
            }
            if pause.until <= now {
                self.resume(now);
            } else {
                sleep_until(pause.until).await;
            }
        }
        Ok(())
    }

    /// The server wants nobody to ask for so long.
    pub(super) fn pause(&self, status: StatusCode, wait: Duration) {
        let now = Instant::now();
        let pause = Pause { until: now + wait.min(PAUSE_MAX), asked: now + wait, status };
        let mut known = self.locked();
        if known.is_none_or(|known| known.until < pause.until) {
            *known = Some(pause);
        }
    }

    fn resume(&self, now: Instant) {
        self.locked().take_if(|pause| pause.until <= now);
    }

    fn paused(&self) -> Option<Pause> {
        *self.locked()
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Option<Pause>> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
