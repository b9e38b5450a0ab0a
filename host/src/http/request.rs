//! A request: what a guest asks for, and what goes over the wire.
//!
//! [`Request`] never holds a secret. [`Wire`] does, from the moment it is written until its bytes are with the protocol;
//! what was made for it wipes itself.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT_ENCODING, HOST, HeaderValue, USER_AGENT};
use hyper::http::uri::{Authority, Parts, PathAndQuery, Scheme};
use hyper::{HeaderMap, Method, Uri};
use zeroize::Zeroizing;

use super::failure::unsupported;
use crate::model::Failure;

/// What is decompressed here (`decoding`).
const ENCODINGS: HeaderValue = HeaderValue::from_static("gzip, deflate");
/// Who asks, where the guest does not say.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("hawser/", env!("CARGO_PKG_VERSION")));

/// A request without its secrets.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    /// From `/` on, with the query, percent-encoded.
    pub path: String,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
}

/// A request as it is sent.
pub(super) struct Wire {
    pub(super) method: Method,
    pub(super) path: Bytes,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Wire {
    pub(super) fn of(request: &Request) -> Self {
        let mut headers = request.headers.clone();
        headers.insert(ACCEPT_ENCODING, ENCODINGS);
        headers.entry(USER_AGENT).or_insert(AGENT);
        let path = Bytes::copy_from_slice(request.path.as_bytes());
        Self { method: request.method.clone(), path, headers, body: request.body.clone().unwrap_or_default() }
    }

    /// For HTTP/1.1 (RFC 9112, 3.2.1).
    pub(super) fn http1(mut self, host: &HeaderValue) -> Result<hyper::Request<Full<Bytes>>, Failure> {
        let path = path(self.path.clone())?;
        self.headers.insert(HOST, host.clone());
        Ok(self.with(Uri::from(path)))
    }

    /// For HTTP/2 (RFC 9113, 8.3.1).
    pub(super) fn http2(self, authority: &Authority) -> Result<hyper::Request<Full<Bytes>>, Failure> {
        let mut parts = Parts::default();
        parts.scheme = Some(Scheme::HTTPS);
        parts.authority = Some(authority.clone());
        parts.path_and_query = Some(path(self.path.clone())?);
        let uri = Uri::from_parts(parts).map_err(|_| no_path())?;
        Ok(self.with(uri))
    }

    fn with(self, uri: Uri) -> hyper::Request<Full<Bytes>> {
        let mut request = hyper::Request::new(Full::new(self.body));
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = self.headers;
        request
    }
}

/// Bytes that are wiped when nobody holds them any more.
pub(super) fn wiped(bytes: Zeroizing<Vec<u8>>) -> Bytes {
    Bytes::from_owner(bytes)
}

fn path(bytes: Bytes) -> Result<PathAndQuery, Failure> {
    PathAndQuery::from_maybe_shared(bytes).map_err(|_| no_path())
}

fn no_path() -> Failure {
    unsupported("the path is none: what is not in RFC 3986 is percent-encoded")
}
