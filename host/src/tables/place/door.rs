//! The way of `object_store` to its server: through our gate, to the one endpoint that was configured.
//!
//! Connections are kept by hyper's own client, for as long as the folder is written. An answer is a listing or a manifest
//! and is held whole, within bounds; nothing waits longer than [`REQUEST_TIME_MAX`].

use std::error::Error as _;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::{StatusCode, Uri};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioIo};
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
    HttpService,
};
use tokio::time::{Instant, timeout};
use tower::Service;

use crate::egress::rules::Route;
use crate::egress::{Egress, Stream};
use crate::model::text::shown;
use crate::model::{Error, FailureKind, Result};

/// How long a request may take, from the first byte sent to the last one read; a part is [`super::bucket::PART_BYTES`].
const REQUEST_TIME_MAX: Duration = Duration::from_secs(120);
/// How long it may take to connect.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(20);
/// What people are shown of a store's own words, in bytes.
pub(super) const SHOWN_BYTES_MAX: usize = 300;
/// What the store calls a bucket that is not there ("Error responses" of Amazon's reference).
const NO_BUCKET: &str = "NoSuchBucket";
/// What is wrong with one request and not with all of them; where keys expired, the next try reads them anew.
const PASSING: [&str; 4] = ["BadDigest", "ExpiredToken", "IncompleteBody", "RequestTimeout"];
/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// Opens connections to one endpoint.
#[derive(Clone)]
pub(super) struct Door {
    egress: Egress,
    route: Arc<Route>,
}

/// A client behind a door.
struct Requests(Client<Door, HttpRequestBody>);

impl Door {
    pub(super) fn new(egress: Egress, route: Route) -> Self {
        Self { egress, route: Arc::new(route) }
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Door({})", self.route.target)
    }
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Requests")
    }
}

impl HttpConnector for Door {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Requests(Client::builder(TokioExecutor::new()).build(self.clone()))))
    }
}

#[async_trait::async_trait]
impl HttpService for Requests {
    async fn call(&self, request: HttpRequest) -> std::result::Result<HttpResponse, HttpError> {
        let answered = async {
            let (head, body) = self.0.request(request).await.map_err(unsent)?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|why| HttpError::new(HttpErrorKind::Interrupted, Broken(why.to_string())))?;
            let body = body.to_bytes();
            match refused(head.status, &String::from_utf8_lossy(&body)) {
                Some(error) => Err(HttpError::new(HttpErrorKind::Unknown, error)),
                None => Ok(HttpResponse::from_parts(head, body.into())),
            }
        };
        timeout(REQUEST_TIME_MAX, answered)
            .await
            .unwrap_or_else(|late| Err(HttpError::new(HttpErrorKind::Timeout, late)))
    }
}

/// An answer that broke off.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off: {0}")]
struct Broken(String);

/// The gate's refusal is final; where nobody took the connection or it broke, the request can be sent again.
fn unsent(why: legacy::Error) -> HttpError {
    let gate = why.source().and_then(|source| source.downcast_ref::<Error>()).cloned();
    match gate {
        Some(error) if error.is(FailureKind::ConnectionFailed) || error.is(FailureKind::OperationTimeout) => {
            HttpError::new(HttpErrorKind::Connect, error)
        }
        Some(error) => HttpError::new(HttpErrorKind::Unknown, error),
        None => HttpError::new(HttpErrorKind::Interrupted, why),
    }
}

/// What the store will refuse however often it is asked; not that there is no such object, which is an answer.
fn refused(status: StatusCode, body: &str) -> Option<Error> {
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        rest.split_once("</").map(|(text, _)| text)
    };
    let code = element("Code").unwrap_or_default();
    let passes = [StatusCode::REQUEST_TIMEOUT, StatusCode::CONFLICT, StatusCode::TOO_MANY_REQUESTS].contains(&status)
        || PASSING.contains(&code);
    let is_answer = status == StatusCode::NOT_FOUND && code != NO_BUCKET;
    if passes || is_answer || !(status.is_redirection() || status.is_client_error()) {
        return None;
    }
    let told = [status.as_str(), code, element("Message").unwrap_or_default()].join(" ");
    Some(Error::failure(FailureKind::Configuration, shown(told.trim(), SHOWN_BYTES_MAX)))
}

impl Service<Uri> for Door {
    type Response = TokioIo<Stream>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Whatever the request says, there is one endpoint.
    fn call(&mut self, _: Uri) -> Self::Future {
        let Self { egress, route } = self.clone();
        Box::pin(async move { egress.connect(&route, Instant::now() + CONNECT_TIME_MAX).await.map(TokioIo::new) })
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        if self.is_http2() { Connected::new().negotiated_h2() } else { Connected::new() }
    }
}
