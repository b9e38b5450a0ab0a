//! Secrets that an answer brings: taken out of it before a guest sees it, with `***` in their place.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{HeaderName, HeaderValue, SET_COOKIE};
use hyper::{HeaderMap, StatusCode};
use serde_json::Value;

use super::failure::unsupported;
use super::limits::JSON_BYTES_MAX;
use crate::model::{Failure, Secret};

/// What stands for a secret.
const MASK: &str = "***";
const TOO_LONG: &str = "its answer is too long for what is in it to be taken out";
const NO_JSON: &str = "its answer is no JSON, and may hold a secret that would have to be taken out";

/// Where in an answer a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Header(String),
    /// RFC 6901.
    JsonPointer(String),
    /// A cookie that is set (RFC 6265, 4.1).
    Cookie(String),
}

/// What of an answer is a secret, and how long it is kept under which name.
#[derive(Clone, Debug)]
pub struct Capture {
    pub source: Source,
    pub name: String,
    pub ttl: Duration,
}

/// A secret that was taken out.
#[derive(Clone)]
pub struct Captured {
    pub name: String,
    pub secret: Secret,
    pub ttl: Duration,
}

/// Can they be looked for?
///
/// # Errors
/// `unsupported` for a header or a pointer that is none.
pub(super) fn check(captures: &[Capture]) -> Result<(), Failure> {
    let fits = |capture: &Capture| match &capture.source {
        Source::Header(name) => name.parse::<HeaderName>().is_ok(),
        Source::JsonPointer(pointer) => pointer.is_empty() || pointer.starts_with('/'),
        Source::Cookie(name) => !name.is_empty(),
    };
    match captures.iter().find(|capture| !fits(capture)) {
        None => Ok(()),
        Some(odd) => Err(unsupported(format!("what is captured as {:?} can be nowhere: {:?}", odd.name, odd.source))),
    }
}

/// Takes out what is there of them. What stands in its place but is no text, or too long to be kept, is masked all the same.
///
/// # Errors
/// Why not, where a secret may stand in a body that cannot be looked into: what was asked for was granted, and is no JSON;
/// or it is too long.
pub(super) fn taken(
    status: StatusCode,
    headers: &mut HeaderMap,
    body: &mut Bytes,
    captures: &[Capture],
) -> Result<Vec<Captured>, &'static str> {
    let mut found = of_head(headers, captures);
    let pointers = || captures.iter().filter_map(|capture| Some((capture, pointer(&capture.source)?)));
    if pointers().next().is_none() || body.is_empty() {
        return Ok(found);
    }
    if body.len() > JSON_BYTES_MAX {
        return Err(TOO_LONG);
    }
    let mut value: Value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(_) if status.is_success() => return Err(NO_JSON),
        Err(_) => return Ok(found),
    };
    let mut masked = false;
    for (capture, pointer) in pointers() {
        let Some(place) = value.pointer_mut(pointer).filter(|place| !place.is_null()) else { continue };
        if let Value::String(text) = std::mem::replace(place, Value::from(MASK)) {
            found.extend(captured(capture, text.into_bytes()));
        }
        masked = true;
    }
    if masked {
        *body = serde_json::to_vec(&value).unwrap_or_default().into();
    }
    Ok(found)
}

/// Takes out what is in headers and cookies.
pub(super) fn of_head(headers: &mut HeaderMap, captures: &[Capture]) -> Vec<Captured> {
    let mut found = Vec::new();
    for capture in captures {
        match &capture.source {
            Source::Header(name) => found.extend(of_header(headers, name, capture)),
            Source::Cookie(name) => found.extend(of_cookie(headers, name, capture)),
            Source::JsonPointer(_) => {}
        }
    }
    found
}

/// The first value; none is left to be seen.
fn of_header(headers: &mut HeaderMap, name: &str, capture: &Capture) -> Option<Captured> {
    let name: HeaderName = name.parse().ok()?;
    let mut first = None;
    for value in values(headers, &name) {
        let value = std::mem::replace(value, HeaderValue::from_static(MASK));
        first = first.or_else(|| captured(capture, value.as_bytes().to_vec()));
    }
    first
}

/// The first cookie of that name with a value; none is left to be seen.
fn of_cookie(headers: &mut HeaderMap, name: &str, capture: &Capture) -> Option<Captured> {
    let mut first = None;
    for header in values(headers, &SET_COOKIE) {
        let Some((value, rest)) = cookie(header.as_bytes(), name) else { continue };
        let masked = [name.as_bytes(), b"=", MASK.as_bytes(), rest].concat();
        first = first.or_else(|| captured(capture, value.to_vec()));
        *header = HeaderValue::from_bytes(&masked).unwrap_or(HeaderValue::from_static(MASK));
    }
    first
}

fn values<'a>(headers: &'a mut HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a mut HeaderValue> {
    headers.iter_mut().filter(move |(known, _)| *known == name).map(|(_, value)| value)
}

/// The value of a cookie of that name, and what follows it.
fn cookie<'a>(header: &'a [u8], name: &str) -> Option<(&'a [u8], &'a [u8])> {
    let end = header.iter().position(|byte| *byte == b';').unwrap_or(header.len());
    let (pair, rest) = header.split_at_checked(end)?;
    let equals = pair.iter().position(|byte| *byte == b'=')?;
    let (known, value) = pair.split_at_checked(equals)?;
    (known.trim_ascii() == name.as_bytes()).then(|| (value.get(1..).unwrap_or_default().trim_ascii(), rest))
}

fn captured(capture: &Capture, bytes: Vec<u8>) -> Option<Captured> {
    Some(Captured { name: capture.name.clone(), secret: Secret::new(bytes)?, ttl: capture.ttl })
}

/// Where in the body it is.
pub(super) fn pointer(source: &Source) -> Option<&str> {
    match source {
        Source::JsonPointer(pointer) => Some(pointer),
        Source::Header(_) | Source::Cookie(_) => None,
    }
}
