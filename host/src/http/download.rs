//! The body of an answer, read as it comes: within a time between bytes and a size, decompressed, and with its connection
//! given back only when all of it was read.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Incoming};
use hyper::{HeaderMap, StatusCode};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::capture::Captured;
use super::decoding::{Decoder, Garbled};
use super::failure::{broken, late, too_much, unanswered, why};
use super::limits::{BETWEEN_BYTES_TIME_MAX, DOWNLOAD_BYTES_MAX, INFLATE_BYTES, READ_BYTES_MAX};
use super::line::Line;
use super::pool::Lease;
use crate::model::{Failure, Secret};

/// An answer that is read as it comes.
pub struct Download {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// What was taken out of the headers.
    pub captured: Vec<Captured>,
    /// Tokens that were fetched for this request; no answer may hold one.
    pub renewed: Vec<Secret>,
    pub(super) body: Body,
    pub(super) _turn: OwnedSemaphorePermit,
}

/// What is left of an answer.
pub(super) struct Body {
    incoming: Incoming,
    /// None once nothing more comes.
    lease: Option<Lease>,
    line: Arc<Line>,
    /// Was it asked for by what changes something?
    writes: bool,
    /// As it came.
    held: Bytes,
    decoder: Option<Decoder>,
    /// What was given out, in bytes.
    given: u64,
    /// Why nothing more comes, if that is not its end.
    failure: Option<Failure>,
}

impl Download {
    /// The next bytes, at most `max` of them; none at the end.
    ///
    /// # Errors
    /// `connection-broken`, `operation-timeout`, `outcome-unknown` after a method that writes; `quota-exceeded`. Then there
    /// is no more of it, and the same is answered again.
    pub async fn read(&mut self, max: usize, end: Instant) -> Result<Bytes, Failure> {
        self.body.read(max, end).await
    }
}

impl Body {
    /// # Errors
    /// It is compressed in an unknown way.
    pub(super) fn of(lease: Lease, incoming: Incoming, headers: &mut HeaderMap, writes: bool) -> Result<Self, Garbled> {
        let decoder = Decoder::of(headers)?;
        let line = Arc::clone(&lease.line);
        let mut body =
            Self { incoming, lease: Some(lease), line, writes, held: Bytes::new(), decoder, given: 0, failure: None };
        body.release();
        Ok(body)
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`Download::read`]; `quota-exceeded` for more than `max` bytes.
    pub(super) async fn collect(mut self, max: usize, end: Instant) -> Result<Bytes, Failure> {
        let mut all = BytesMut::new();
        loop {
            let piece = self.read(READ_BYTES_MAX, end).await?;
            if all.len() + piece.len() > max {
                let failure = too_much("the answer is longer than what is held as a whole, in bytes", max);
                return Err(unanswered(self.writes, failure));
            }
            match (all.is_empty(), self.is_over()) {
                // One piece is the rule, and is not copied.
                (true, true) => return Ok(piece),
                (true, false) if !piece.is_empty() => all = BytesMut::from(piece),
                _ if piece.is_empty() => return Ok(all.freeze()),
                _ => all.extend_from_slice(&piece),
            }
        }
    }

    /// Reads what nobody wants, so that the connection can be used again; where that is too much, it is closed.
    pub(super) async fn discard(self, max: usize, end: Instant) {
        drop(self.collect(max, end).await);
    }

    async fn read(&mut self, max: usize, end: Instant) -> Result<Bytes, Failure> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let read = self.next(max.clamp(1, READ_BYTES_MAX), end).await;
        read.and_then(|piece| self.counted(piece)).map_err(|failure| {
            let failure = unanswered(self.writes, failure);
            self.close();
            self.failure = Some(failure.clone());
            failure
        })
    }

    fn counted(&mut self, piece: Bytes) -> Result<Bytes, Failure> {
        self.given += piece.len() as u64;
        if self.given > DOWNLOAD_BYTES_MAX {
            let max = usize::try_from(DOWNLOAD_BYTES_MAX).unwrap_or(usize::MAX);
            return Err(too_much("the answer is longer, in bytes", max));
        }
        Ok(piece)
    }

    async fn next(&mut self, max: usize, end: Instant) -> Result<Bytes, Failure> {
        loop {
            let piece = self.piece(max)?;
            if !piece.is_empty() {
                return Ok(piece);
            }
            if self.lease.is_none() {
                let whole = self.decoder.as_ref().is_none_or(Decoder::is_whole);
                return if whole { Ok(Bytes::new()) } else { Err(self.garbled()) };
            }
            self.fill(end).await?;
        }
    }

    /// Of what came already.
    fn piece(&mut self, max: usize) -> Result<Bytes, Failure> {
        match &mut self.decoder {
            None => Ok(self.held.split_to(max.min(self.held.len()))),
            Some(decoder) => decoder.decode(&mut self.held, max.min(INFLATE_BYTES)).map_err(|_| self.garbled()),
        }
    }

    /// Waits for more.
    async fn fill(&mut self, end: Instant) -> Result<(), Failure> {
        let Some(lease) = &mut self.lease else { return Ok(()) };
        let until = end.min(Instant::now() + BETWEEN_BYTES_TIME_MAX);
        let came = timeout_at(until, lease.link.data(&mut self.incoming)).await;
        match came.map_err(|_| late(self.line.target()))? {
            Some(data) => self.held = data.map_err(|error| broken(self.line.target(), &why(&error)))?,
            None => self.end(),
        }
        self.release();
        Ok(())
    }

    /// Gives the connection back as soon as nothing more comes.
    fn release(&mut self) {
        if self.incoming.is_end_stream() {
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }

    fn close(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_up();
        }
        (self.held, self.decoder) = (Bytes::new(), None);
    }

    fn is_over(&self) -> bool {
        self.lease.is_none() && self.held.is_empty() && self.decoder.is_none()
    }

    fn garbled(&self) -> Failure {
        broken(self.line.target(), "its answer is compressed, and garbled")
    }
}
