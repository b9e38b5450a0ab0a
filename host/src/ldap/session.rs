//! One connection to a directory: connected through the gate, protected, logged in, and one question at a time.
//!
//! Whatever breaks the order of questions and answers (a timeout, bytes that are no LDAP, an answer to something else)
//! makes the connection useless: it says so by its error, and its owner drops it.

use bytes::{Buf as _, BytesMut};
use futures_util::FutureExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use super::ber;
use super::failure::{broken, judged, late, malformed, not_logged_in};
use super::limits::{DIAGNOSTIC_BYTES_MAX, MESSAGE_BYTES_MAX, REQUEST_BYTES_MAX};
use super::message::{Answer, Bind, Control, Outcome, Request, START_TLS, policy};
use crate::egress::rules::Route;
use crate::egress::{Egress, Stream, heard, secure};
use crate::model::text::shown;
use crate::model::{Failure, FailureKind, Protocol, Secret};

/// How a destination is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// TLS from the first byte, or by StartTLS (RFC 4511, 4.14) where the protocol begins without it.
    Tls,
    /// Nothing, where an operator approved that.
    None,
}

/// Who logs in.
#[derive(Clone)]
pub enum Login {
    Anonymous,
    Simple { dn: String, password: Secret },
    External,
}

/// An unsolicited message has this id (RFC 4511, 4.4).
const UNSOLICITED: u32 = 0;
/// Room made for each read, in bytes.
const READ_BYTES: usize = 64 << 10;

/// A connection.
pub(super) struct Session {
    stream: Stream,
    received: BytesMut,
    last: u32,
    pub(super) begun: Instant,
    /// For people: where it goes.
    pub(super) place: String,
}

impl Session {
    /// Connects, protects and logs in.
    ///
    /// # Errors
    /// As the gate; `connection-failed` if the server cannot be protected or does not take the login.
    pub(super) async fn open(
        egress: &Egress,
        route: &Route,
        protection: Protection,
        login: &Login,
        end: Instant,
    ) -> Result<Self, Failure> {
        let mut session = Self::connect(egress, route, protection, end).await?;
        let bind = match login {
            Login::Anonymous => return Ok(session),
            Login::Simple { dn, password } => Bind::Simple { dn, password: password.expose() },
            Login::External => Bind::External,
        };
        let outcome = session.ask(&Request::Bind(bind), &[policy()], end).await?;
        judged(&outcome).map_err(|failure| not_logged_in(failure, &session.place))?;
        Ok(session)
    }

    /// Connects and protects; nobody is logged in.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) async fn connect(
        egress: &Egress,
        route: &Route,
        protection: Protection,
        end: Instant,
    ) -> Result<Self, Failure> {
        route.protects(protection == Protection::Tls).map_err(heard)?;
        let stream = egress.connect(route, end).await.map_err(heard)?;
        let session = Self {
            stream,
            received: BytesMut::new(),
            last: UNSOLICITED,
            begun: Instant::now(),
            place: route.target.to_string(),
        };
        if protection == Protection::Tls && route.target.protocol == Protocol::Ldap {
            session.start_tls(route, end).await
        } else {
            Ok(session)
        }
    }

    async fn start_tls(mut self, route: &Route, end: Instant) -> Result<Self, Failure> {
        let outcome = self.ask(&Request::Extended { oid: START_TLS, value: None }, &[], end).await?;
        let refused = |failure: Failure| {
            let message = format!("{} does not change to TLS: {}", self.place, failure.message);
            Failure { kind: FailureKind::ConnectionFailed, message, ..failure }
        };
        judged(&outcome).map_err(refused)?;
        // What was sent before the handshake is not protected by it (CVE-2011-0411 and its kin).
        if !self.received.is_empty() {
            return Err(broken(&self.place, "it sent more before TLS than its answer"));
        }
        let Stream::Plain(stream) = self.stream else { return Err(broken(&self.place, "it has TLS already")) };
        let stream = secure(route, stream, end).await.map_err(heard)?;
        Ok(Self { stream, ..self })
    }

    /// Asks and waits for how it ended; for everything but a search.
    ///
    /// # Errors
    /// `connection-broken`, `operation-timeout`; then the session is of no more use.
    pub(super) async fn ask(
        &mut self,
        request: &Request<'_>,
        controls: &[Control],
        end: Instant,
    ) -> Result<Outcome, Failure> {
        let id = self.send(request, controls, end).await?;
        loop {
            match self.answer(id, end).await? {
                Answer::Done(outcome) => return Ok(outcome),
                Answer::Intermediate(_) => {}
                Answer::Entry(..) | Answer::Reference(_) => return Err(malformed(&self.place)),
            }
        }
    }

    /// Sends a request; its id.
    ///
    /// # Errors
    /// As [`Self::ask`]; `quota-exceeded` before anything is sent of what is too large.
    pub(super) async fn send(
        &mut self,
        request: &Request<'_>,
        controls: &[Control],
        end: Instant,
    ) -> Result<u32, Failure> {
        self.last = if self.last >= i32::MAX as u32 { 1 } else { self.last + 1 };
        let message: Zeroizing<Vec<u8>> = request.message(self.last, controls);
        if message.len() > REQUEST_BYTES_MAX {
            let text =
                format!("a request of {} bytes; {REQUEST_BYTES_MAX} are allowed: change less at once", message.len());
            return Err(Failure::new(FailureKind::QuotaExceeded, text));
        }
        let writing = async {
            self.stream.write_all(&message).await?;
            self.stream.flush().await
        };
        match timeout_at(end, writing).await {
            Ok(Ok(())) => Ok(self.last),
            Ok(Err(why)) => Err(broken(&self.place, &why.to_string())),
            Err(_) => Err(late(&self.place)),
        }
    }

    /// The next answer to a request.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(super) async fn answer(&mut self, id: u32, end: Instant) -> Result<Answer, Failure> {
        let length = match timeout_at(end, self.receive()).await {
            Ok(received) => received?,
            Err(_) => return Err(late(&self.place)),
        };
        let message = self.received.split_to(length).freeze();
        let (to, answer) = Answer::read(&message).map_err(|_| malformed(&self.place))?;
        match answer {
            answer if to == id => Ok(answer),
            Answer::Done(notice) if to == UNSOLICITED => {
                let words = shown(&notice.diagnostic, DIAGNOSTIC_BYTES_MAX);
                Err(broken(&self.place, &format!("the server closes it ({}) {words}", notice.code)))
            }
            _ => Err(malformed(&self.place)),
        }
    }

    /// Waits until an answer is there.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub(super) async fn wait(&mut self, end: Instant) -> Result<(), Failure> {
        timeout_at(end, self.receive()).await.map_err(|_| late(&self.place))?.map(drop)
    }

    /// Reads until a whole message is there; its length.
    async fn receive(&mut self) -> Result<usize, Failure> {
        loop {
            if let Some(length) = self.whole()? {
                return Ok(length);
            }
            self.received.reserve(READ_BYTES);
            match self.stream.read_buf(&mut self.received).await {
                Ok(0) => return Err(broken(&self.place, "the server closed it")),
                Ok(_) => {}
                Err(why) => return Err(broken(&self.place, &why.to_string())),
            }
        }
    }

    /// The length of the first message, if it is there as a whole. One that will be too large is refused by its header.
    fn whole(&self) -> Result<Option<usize>, Failure> {
        // Told from the first byte; the rest of another protocol might never come.
        if self.received.first().is_some_and(|first| *first != ber::SEQUENCE) {
            return Err(malformed(&self.place));
        }
        let measured = ber::measure(self.received.chunk()).map_err(|_| malformed(&self.place))?;
        let Some((header, content)) = measured else { return Ok(None) };
        let length = header.saturating_add(content);
        if length > MESSAGE_BYTES_MAX {
            let why = format!("it sends a message of {length} bytes; {MESSAGE_BYTES_MAX} are allowed");
            return Err(broken(&self.place, &why));
        }
        Ok((self.received.len() >= length).then_some(length))
    }

    /// Is another message, or a part of one, here already?
    pub(super) fn has_more(&self) -> bool {
        !self.received.is_empty()
    }

    /// Has the server closed it, or said something nobody asked for, while it was not used?
    pub(super) fn is_stale(&mut self) -> bool {
        let mut byte = [0; 1];
        self.has_more() || self.stream.read(&mut byte).now_or_never().is_some()
    }

    /// Says good-bye; whether anybody hears it makes no difference.
    pub(super) async fn close(mut self) {
        let message = Request::Unbind.message(self.last.wrapping_add(1), &[]);
        if self.stream.write_all(&message).await.is_ok() {
            drop(self.stream.shutdown().await);
        }
    }
}
