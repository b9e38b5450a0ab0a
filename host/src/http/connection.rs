//! One connection to a web service, in the version of HTTP the server chose.
//!
//! HTTP/1.1 is driven by whoever waits for its answer, and by nobody while it waits in the pool: there is no task to wake
//! for a request, and none left over. HTTP/2 is shared, and has a task of its own that ends with its last user.

use std::future::Future as _;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use super::failure;
use super::limits::{
    ANSWER_HEAD_BYTES_MAX, ANSWER_HEADERS_MAX, CONNECTION_WINDOW_BYTES, PING_INTERVAL, PING_TIME_MAX,
    RESET_STREAMS_MAX, SEND_BUFFER_BYTES, STREAM_WINDOW_BYTES,
};
use super::line::Line;
use super::request::Wire;
use crate::egress::Stream;
use crate::model::Failure;

/// A connection in the hands of one request.
pub(super) enum Link {
    One(One),
    Many(Many),
}

/// HTTP/1.1: one request at a time.
pub(super) struct One {
    sender: http1::SendRequest<Full<Bytes>>,
    driver: Driver,
    pub(super) begun: Instant,
    /// Ends the wait for an answer. There is one for all requests, because to set a new one wakes the thread that waits for
    /// the network, and to put one off does not.
    patience: Pin<Box<Sleep>>,
}

/// HTTP/2: many at a time. Clones are the same connection.
#[derive(Clone)]
pub(super) struct Many {
    sender: http2::SendRequest<Full<Bytes>>,
    shared: Arc<Shared>,
}

struct Shared {
    begun: Instant,
    _driver: AbortOnDropHandle<()>,
    _place: OwnedSemaphorePermit,
}

/// Why there is no answer.
pub(super) enum Lost {
    /// Nothing of the request was sent, or the server says that it did nothing about it.
    Unsent(String),
    /// It may have been.
    Sent(String),
    /// It cannot be sent.
    Refused(Failure),
}

impl One {
    pub(super) async fn open(stream: Stream) -> hyper::Result<Self> {
        let mut builder = http1::Builder::new();
        builder.max_headers(ANSWER_HEADERS_MAX).max_buf_size(ANSWER_HEAD_BYTES_MAX);
        let (sender, driver) = builder.handshake(TokioIo::new(stream)).await?;
        let begun = Instant::now();
        Ok(Self { sender, driver: Driver(Some(Box::new(driver))), begun, patience: Box::pin(sleep_until(begun)) })
    }

    /// None if there is no answer in time.
    async fn ask(&mut self, request: Request<Full<Bytes>>, until: Instant) -> Option<Result<Response<Incoming>, Lost>> {
        self.patience.as_mut().reset(until);
        let asked = self.sender.try_send_request(request);
        tokio::select! {
            biased;
            answer = self.driver.drive(asked) => Some(answer.map_err(lost)),
            () = self.patience.as_mut() => None,
        }
    }

    /// Can it take a request: did the last exchange end on both sides, and has the server neither closed it nor said
    /// something nobody asked for?
    pub(super) fn is_free(&mut self) -> bool {
        self.driver.poll(&mut Context::from_waker(Waker::noop()));
        self.sender.is_ready()
    }
}

impl Many {
    pub(super) async fn open(stream: Stream, place: OwnedSemaphorePermit) -> hyper::Result<Self> {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_header_list_size(u32::try_from(ANSWER_HEAD_BYTES_MAX).unwrap_or(u32::MAX))
            .max_send_buf_size(SEND_BUFFER_BYTES)
            .max_concurrent_reset_streams(RESET_STREAMS_MAX)
            .max_pending_accept_reset_streams(RESET_STREAMS_MAX)
            .max_local_error_reset_streams(RESET_STREAMS_MAX)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIME_MAX);
        let (sender, driver) = builder.handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(async move { drop(driver.await) });
        let shared = Shared { begun: Instant::now(), _driver: AbortOnDropHandle::new(driver), _place: place };
        Ok(Self { sender, shared: Arc::new(shared) })
    }

    pub(super) fn begun(&self) -> Instant {
        self.shared.begun
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Does nobody use it but who asks?
    pub(super) fn is_idle(&self) -> bool {
        Arc::strong_count(&self.shared) == 1
    }
}

impl Link {
    /// Sends a request, and waits for the head of its answer; none if it does not come in time.
    pub(super) async fn ask(
        &mut self,
        wire: Wire,
        line: &Line,
        until: Instant,
    ) -> Option<Result<Response<Incoming>, Lost>> {
        let request = match self {
            Self::One(_) => wire.http1(&line.host),
            Self::Many(_) => wire.http2(&line.authority),
        };
        match (self, request) {
            (_, Err(refused)) => Some(Err(Lost::Refused(refused))),
            (Self::One(one), Ok(request)) => one.ask(request, until).await,
            (Self::Many(many), Ok(request)) => {
                let asked = timeout_at(until, many.sender.try_send_request(request)).await.ok()?;
                Some(asked.map_err(lost))
            }
        }
    }

    /// The next bytes of an answer, which are some; none at its end. Trailers are nobody's.
    pub(super) async fn data(&mut self, body: &mut Incoming) -> Option<hyper::Result<Bytes>> {
        loop {
            let frame = match self {
                Self::One(one) => one.driver.drive(body.frame()).await?,
                Self::Many(_) => body.frame().await?,
            };
            match frame.map(hyper::body::Frame::into_data) {
                Err(why) => return Some(Err(why)),
                Ok(Ok(data)) if !data.is_empty() => return Some(Ok(data)),
                Ok(_) => {}
            }
        }
    }

    /// Can it take another request, now that an answer is whole?
    pub(super) fn is_free(&mut self) -> bool {
        match self {
            Self::One(one) => one.is_free(),
            Self::Many(many) => !many.is_closed(),
        }
    }
}

fn lost<T>(mut error: TrySendError<T>) -> Lost {
    let unsent = error.take_message().is_some() || failure::is_refused(error.error());
    let why = failure::why(error.error());
    if unsent { Lost::Unsent(why) } else { Lost::Sent(why) }
}

/// What moves the bytes of HTTP/1.1; none once the connection ended.
struct Driver(Option<Box<http1::Connection<TokioIo<Stream>, Full<Bytes>>>>);

impl Driver {
    /// Drives the connection while somebody waits for something of it.
    async fn drive<T>(&mut self, waits: impl Future<Output = T>) -> T {
        let mut waits = pin!(waits);
        std::future::poll_fn(|cx| {
            // The request is handed over first, and the answer picked up behind.
            if let Poll::Ready(done) = waits.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            self.poll(cx);
            waits.as_mut().poll(cx)
        })
        .await
    }

    fn poll(&mut self, cx: &mut Context<'_>) {
        if self.0.as_mut().is_some_and(|driver| Pin::new(driver).poll(cx).is_ready()) {
            self.0 = None;
        }
    }
}
