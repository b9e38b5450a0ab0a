//! One request and the head of its answer: over a connection of the pool, a second time where nobody can have noticed the
//! first, and after a pause where the server asks for one.
//!
//! | what happened | methods that read | methods that write |
//! |---|---|---|
//! | nothing was sent, or the server says it did nothing | once more | once more |
//! | a connection of the pool died before the answer | once more | `outcome-unknown` |
//! | a new one did, or it took too long | `connection-broken`, `operation-timeout` | `outcome-unknown` |
//! | 429 with `Retry-After` | again, in time | again, in time: it was not taken |
//! | 503 with `Retry-After` | again, in time | `target-maintenance`, effect unknown |

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{HeaderMap, RETRY_AFTER};
use hyper::{Response, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use tokio::time::Instant;

use super::client::Client;
use super::connection::Lost;
use super::download::Body;
use super::failure::{broken, late, paused, unanswered};
use super::limits::{
    ANSWER_HEADERS_MAX, FIRST_BYTE_TIME_MAX, RETRY_AFTER_MAX, TOKEN_ANSWER_BYTES_MAX, WAIT_MIN, WAITS_MAX,
};
use super::line::Line;
use super::placement::{Placement, written};
use super::pool::Lease;
use super::request::{Request, Wire};
use crate::egress::Egress;
use crate::model::{Effect, Failure, Secret};

/// A request on its way: what is the same each time it is sent.
pub(super) struct Exchange<'a> {
    pub(super) client: &'a Client,
    pub(super) egress: &'a Egress,
    pub(super) line: Arc<Line>,
    pub(super) request: &'a Request,
    /// Does it change something?
    pub(super) writes: bool,
    pub(super) end: Instant,
}

/// The head of an answer, and where the rest of it comes from.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
}

impl Exchange<'_> {
    /// Sends the request, and again while the server asks to wait and there is time.
    ///
    /// # Errors
    /// As the table says; as the gate, and as a placement, before anything is sent.
    pub(super) async fn answer(&self, secrets: &[(&Placement, Secret)]) -> Result<Answer, Failure> {
        let mut waits = 0;
        loop {
            self.line.pass(self.end).await?;
            let answer = self.once(secrets).await?;
            let Some(wait) = self.asks_to_wait(&answer, waits) else { return Ok(answer) };
            let status = answer.status;
            self.line.pause(status, wait);
            let again = waits < WAITS_MAX && !self.may_be_done(status);
            if !again || Instant::now() + wait >= self.end {
                return Err(self.given_up(status, wait));
            }
            waits += 1;
            Box::pin(answer.body.discard(TOKEN_ANSWER_BYTES_MAX, self.end)).await;
        }
    }

    /// How long the server wants to be left alone; none where the answer is the guest's to judge.
    fn asks_to_wait(&self, answer: &Answer, waits: u32) -> Option<Duration> {
        if !matches!(answer.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            return None;
        }
        let asked = retry_after(&answer.headers, self.client.clock().now())?;
        Some(asked.max(WAIT_MIN * 2_u32.saturating_pow(waits)))
    }

    fn given_up(&self, status: StatusCode, wait: Duration) -> Failure {
        let failure = paused(self.line.target(), status, wait);
        Failure { effect: if self.may_be_done(status) { Effect::Unknown } else { Effect::None }, ..failure }
    }

    async fn once(&self, secrets: &[(&Placement, Secret)]) -> Result<Answer, Failure> {
        let wire = self.wire(secrets)?;
        let mut lease = self.client.pool().lease(self.egress, &self.line, self.end).await?;
        let lost = match self.ask(&mut lease, wire).await {
            Ok(response) => return self.head(lease, response),
            Err(lost) => lost,
        };
        let again = match &lost {
            Lost::Unsent(_) => true,
            Lost::Sent(_) => lease.reused && !self.writes,
            Lost::Refused(_) => false,
        };
        if !again {
            lease.give_up();
            return Err(self.failure(lost));
        }
        Box::pin(self.once_more(lease, secrets)).await
    }

    /// By a connection of its own.
    async fn once_more(&self, lost: Lease, secrets: &[(&Placement, Secret)]) -> Result<Answer, Failure> {
        let mut lease = lost.renew(self.egress, self.end).await?;
        match self.ask(&mut lease, self.wire(secrets)?).await {
            Ok(response) => self.head(lease, response),
            Err(lost) => {
                lease.give_up();
                Err(self.failure(lost))
            }
        }
    }

    fn wire(&self, secrets: &[(&Placement, Secret)]) -> Result<Wire, Failure> {
        written(Wire::of(self.request), secrets)
    }

    async fn ask(&self, lease: &mut Lease, wire: Wire) -> Result<Response<Incoming>, Lost> {
        let until = self.end.min(Instant::now() + FIRST_BYTE_TIME_MAX);
        let asked = lease.link.ask(wire, &self.line, until).await;
        asked.unwrap_or_else(|| Err(Lost::Refused(unanswered(self.writes, late(self.line.target())))))
    }

    fn failure(&self, lost: Lost) -> Failure {
        match lost {
            Lost::Unsent(why) => broken(self.line.target(), &why),
            Lost::Sent(why) => unanswered(self.writes, broken(self.line.target(), &why)),
            Lost::Refused(failure) => failure,
        }
    }

    /// A gateway says 503 also after the server behind it has done the work.
    fn may_be_done(&self, status: StatusCode) -> bool {
        self.writes && status == StatusCode::SERVICE_UNAVAILABLE
    }

    /// Is it an answer as there may be?
    fn head(&self, lease: Lease, response: Response<Incoming>) -> Result<Answer, Failure> {
        let odd = |why: &str| Err(unanswered(self.writes, broken(self.line.target(), why)));
        let (head, incoming) = response.into_parts();
        if head.status.is_informational() {
            return odd("it changes to another protocol");
        }
        let mut headers = head.headers;
        if headers.len() > ANSWER_HEADERS_MAX {
            return odd("the head of its answer is too large");
        }
        match Body::of(lease, incoming, &mut headers, self.writes) {
            Ok(body) => Ok(Answer { status: head.status, headers, body }),
            Err(_) => odd("its answer is compressed as nobody asked for"),
        }
    }
}

/// What `Retry-After` says (RFC 9110, 10.2.3), within bounds; none where it says nothing that can be read.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        Duration::from_secs(text.parse().ok()?)
    } else {
        let at = rfc2822::parse(text).ok()?.timestamp();
        Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
    };
    Some(asked.min(RETRY_AFTER_MAX))
}
