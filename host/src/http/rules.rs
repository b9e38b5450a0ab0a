//! What a request may look like, whoever asks: a path of this server, headers that leave its framing and its destination
//! to the host.
//!
//! | refused | because |
//! |---|---|
//! | `CONNECT`, `TRACE` | one makes a tunnel of the connection, the other hands its secrets back |
//! | a path that does not begin with one `/`, or holds `#`, `\` or white space | somebody may read another place in it |
//! | `Host` and whatever frames a message or belongs to one connection | the route says it, and HTTP |
//! | `Authorization`, `Cookie` | secrets are written there, by placement |
//!
//! Names are compared as servers do that hand headers on as variables (RFC 3875, 4.1.18): there `_` and `-` are one.

use std::borrow::Cow;

use hyper::Method;
use hyper::header::HeaderName;
use hyper::http::uri::PathAndQuery;

use super::failure::{too_much, unsupported};
use super::limits::{REQUEST_BODY_BYTES_MAX, REQUEST_HEAD_BYTES_MAX, REQUEST_HEADERS_MAX};
use super::request::Request;
use crate::model::Failure;
use crate::model::text::shown;

/// Longest word of a guest in a message, in bytes.
const QUOTE_BYTES_MAX: usize = 200;

/// Headers that are the host's to write, whoever asks.
const FRAMING: [&str; 9] =
    ["host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect", "keep-alive"];
/// The same, by how they begin.
const PROXY: &str = "proxy-";

/// Headers by which servers take a request for another one than was judged: another method, path or host.
const MISLEADING: [&str; 9] = [
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
    "x-original-host",
    "x-host",
    "forwarded",
    "alt-used",
];
/// The same, by how they begin.
const FORWARDED: &str = "x-forwarded-";

/// Is the header the host's alone, also where a secret is placed?
pub(super) fn is_framing(name: &HeaderName) -> bool {
    let name = compared(name);
    FRAMING.contains(&name.as_ref()) || name.starts_with(PROXY)
}

/// Is it none that a guest writes: the host's own, or one that holds secrets?
pub fn is_reserved(name: &HeaderName) -> bool {
    is_framing(name) || matches!(compared(name).as_ref(), "authorization" | "cookie")
}

/// Would a request with it be taken for another one? Then it is in none, also not with a secret in it.
pub fn is_misleading(name: &HeaderName) -> bool {
    let name = compared(name);
    MISLEADING.contains(&name.as_ref()) || name.starts_with(FORWARDED)
}

fn compared(name: &HeaderName) -> Cow<'_, str> {
    let name = name.as_str();
    if name.contains('_') { Cow::Owned(name.replace('_', "-")) } else { Cow::Borrowed(name) }
}

/// Is it a request that is sent like that?
///
/// # Errors
/// `unsupported`, `quota-exceeded`.
pub(super) fn check(request: &Request) -> Result<(), Failure> {
    if matches!(request.method, Method::CONNECT | Method::TRACE) {
        return Err(unsupported(format!("the method {} is not sent", request.method)));
    }
    let path = &request.path;
    if !is_path(path) {
        let path = shown(path, QUOTE_BYTES_MAX);
        let rule =
            "it begins with one `/`, has no fragment and no `\\`, and what is not in RFC 3986 is percent-encoded";
        return Err(unsupported(format!("{path:?} is no path: {rule}")));
    }
    if let Some(name) = request.headers.keys().find(|name| is_reserved(name)) {
        let name = shown(name.as_str(), QUOTE_BYTES_MAX);
        return Err(unsupported(format!(
            "the header {name:?} is the host's to write; a secret is placed there, if at all"
        )));
    }
    measure(request)
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"#\\".contains(&byte))
        && PathAndQuery::try_from(path).is_ok()
}

fn measure(request: &Request) -> Result<(), Failure> {
    let headers = request.headers.len();
    if headers > REQUEST_HEADERS_MAX {
        return Err(too_much(&format!("the request has {headers} headers"), REQUEST_HEADERS_MAX));
    }
    let bytes: usize = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let head = request.path.len() + bytes;
    if head > REQUEST_HEAD_BYTES_MAX {
        return Err(too_much(&format!("path and headers have {head} bytes"), REQUEST_HEAD_BYTES_MAX));
    }
    let body = request.body.as_ref().map_or(0, bytes::Bytes::len);
    if body > REQUEST_BODY_BYTES_MAX {
        return Err(too_much(&format!("the body has {body} bytes"), REQUEST_BODY_BYTES_MAX));
    }
    Ok(())
}
