//! Where a secret is written, and how it stands there. It happens last, in what goes over the wire: a request that
//! anybody else holds never has it.
//!
//! A JSON body is read, and written anew around the secret: members keep their order, of members of the same name the last
//! one stays, white space goes, and numbers are spelt as Rust spells them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use memchr::memmem;
use serde_json::Value;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::failure::{denied, too_much, unsupported};
use super::limits::JSON_BYTES_MAX;
use super::request::{Wire, wiped};
use super::rules::{is_framing, is_misleading};
use super::token::Token;
use crate::model::{Failure, Secret};

/// The type of a form (WHATWG URL, 5).
const FORM: &str = "application/x-www-form-urlencoded";

/// A place for a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// `Authorization: Bearer` (RFC 6750, 2.1).
    Bearer,
    /// `Authorization: Basic` (RFC 7617).
    Basic { user: String },
    /// The value of a header, behind a prefix.
    Header { name: String, prefix: String },
    /// A parameter, appended to the query.
    Query(String),
    /// A field, appended to a form.
    FormField(String),
    /// A text of a JSON body (RFC 6901), in the place of what stands there; a new member of an object that is there.
    JsonPointer(String),
}

/// What is written there.
#[derive(Clone)]
pub enum Material {
    Secret(Secret),
    /// A token of ours, of which there is another one if the server refuses it.
    Token(Token),
}

/// A secret and its place.
#[derive(Clone)]
pub struct Placed {
    pub placement: Placement,
    pub secret: Material,
}

/// A request with its secrets.
///
/// # Errors
/// `credential-denied` where a secret cannot stand in its place; `unsupported` where there is no such place;
/// `quota-exceeded` for a JSON body that is too long to be read.
pub(super) fn written(mut wire: Wire, secrets: &[(&Placement, Secret)]) -> Result<Wire, Failure> {
    let mut texts = Vec::new();
    for (placement, secret) in secrets {
        match placement {
            Placement::Bearer => header(&mut wire, AUTHORIZATION, &[b"Bearer ", secret.expose()])?,
            Placement::Basic { user } => basic(&mut wire, user, secret)?,
            Placement::Header { name, prefix } => {
                header(&mut wire, header_name(name)?, &[prefix.as_bytes(), secret.expose()])?;
            }
            Placement::Query(name) => query(&mut wire, name, secret)?,
            Placement::FormField(name) => form_field(&mut wire, name, secret)?,
            Placement::JsonPointer(pointer) => texts.push((pointer.as_str(), secret)),
        }
    }
    if !texts.is_empty() {
        wire.body = json(&wire.body, &texts)?;
    }
    Ok(wire)
}

/// The name of a header a secret may be placed in.
fn header_name(name: &str) -> Result<HeaderName, Failure> {
    let parsed = name.parse::<HeaderName>().map_err(|_| unsupported("the header of a secret has no such name"))?;
    let refused = is_framing(&parsed) || is_misleading(&parsed);
    if refused { Err(denied(format!("no secret is written into the header {parsed}"))) } else { Ok(parsed) }
}

fn basic(wire: &mut Wire, user: &str, secret: &Secret) -> Result<(), Failure> {
    if user.contains(|c: char| c == ':' || c.is_control()) {
        return Err(unsupported("a user name for basic authentication has no colon and no control characters"));
    }
    let plain = joined(&[user.as_bytes(), b":", secret.expose()]);
    let mut encoded = Zeroizing::new(String::with_capacity(plain.len() * 4 / 3 + 4));
    BASE64_STANDARD.encode_string(plain.as_slice(), &mut encoded);
    header(wire, AUTHORIZATION, &[b"Basic ", encoded.as_bytes()])
}

/// A value that says of itself that it is a secret.
fn header(wire: &mut Wire, name: HeaderName, parts: &[&[u8]]) -> Result<(), Failure> {
    // A server drops the space around a value, and the secret would be another one.
    if parts.last().is_some_and(|secret| secret.trim_ascii() != *secret) {
        return Err(no_header());
    }
    let value = wiped(joined(parts));
    let mut value = HeaderValue::from_maybe_shared(value).map_err(|_| no_header())?;
    value.set_sensitive(true);
    match wire.headers.insert(name, value) {
        Some(other) if other.is_sensitive() => Err(denied("two secrets of a request are for the same header")),
        Some(_) | None => Ok(()),
    }
}

fn query(wire: &mut Wire, name: &str, secret: &Secret) -> Result<(), Failure> {
    let at = wire.path.iter().position(|byte| *byte == b'?');
    let before = at.and_then(|at| wire.path.get(at + 1..)).unwrap_or_default();
    if has_field(before, name) {
        return Err(denied(format!("the query has a parameter {name:?} already")));
    }
    let separator: &[u8] = if at.is_none() { b"?" } else { b"&" };
    wire.path = wiped(joined(&[&wire.path, separator, &encoded(name.as_bytes()), b"=", &encoded(secret.expose())]));
    Ok(())
}

fn form_field(wire: &mut Wire, name: &str, secret: &Secret) -> Result<(), Failure> {
    let kind = wire.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(FORM));
    let is_form = kind
        .to_str()
        .is_ok_and(|kind| kind.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(FORM)));
    if !is_form {
        return Err(unsupported(format!("a secret is a field of a body of type {FORM} only")));
    }
    if has_field(&wire.body, name) {
        return Err(denied(format!("the form has a field {name:?} already")));
    }
    wire.body = wiped(with_field(&wire.body, name.as_bytes(), secret.expose()));
    Ok(())
}

/// A form with one more field.
pub(super) fn with_field(form: &[u8], name: &[u8], value: &[u8]) -> Zeroizing<Vec<u8>> {
    let separator: &[u8] = if form.is_empty() { b"" } else { b"&" };
    joined(&[form, separator, &encoded(name), b"=", &encoded(value)])
}

/// A server takes the first or the last of two; the guest shall not choose.
fn has_field(form: &[u8], name: &str) -> bool {
    form_urlencoded::parse(form).any(|(known, _)| known == name)
}

/// Percent-encoded as queries and forms alike understand it: all but what is unreserved (RFC 3986, 2.3).
pub(super) fn encoded(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    const HEX: [u8; 16] = *b"0123456789ABCDEF";
    let digit = |nibble: u8| HEX.get(usize::from(nibble)).copied().unwrap_or_default();
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len() * 3));
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(*byte);
        } else {
            text.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    text
}

/// The parts in one piece; there is room for all of it at once, because what a vector leaves behind when it grows is not
/// wiped.
pub(super) fn joined(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut whole = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| whole.extend_from_slice(part));
    whole
}

/// A JSON body with texts in it. Marks that nobody can know stand for the texts until it is written, so that a secret is
/// only ever in bytes that are wiped.
fn json(body: &[u8], texts: &[(&str, &Secret)]) -> Result<Bytes, Failure> {
    if body.len() > JSON_BYTES_MAX {
        let given = format!("the body that a secret is written into has {} bytes", body.len());
        return Err(too_much(&given, JSON_BYTES_MAX));
    }
    let no_json = |_| unsupported("a secret is a text of a JSON body, and this body is none");
    let mut value: Value = serde_json::from_slice(body).map_err(no_json)?;
    let mut marks = Vec::with_capacity(texts.len());
    for (pointer, secret) in texts {
        let mark = format!("\"{}\"", Uuid::new_v4());
        put(&mut value, pointer, mark.trim_matches('"'))?;
        marks.push((mark, quoted(secret)?));
    }
    let frame = serde_json::to_vec(&value).map_err(no_json)?;
    let mut found = Vec::with_capacity(marks.len());
    for (mark, text) in &marks {
        let at =
            memmem::find(&frame, mark.as_bytes()).ok_or_else(|| denied("one secret of the body covers another"))?;
        found.push((at, at + mark.len(), text));
    }
    found.sort_unstable_by_key(|(at, ..)| *at);
    let (mut parts, mut from): (Vec<&[u8]>, usize) = (Vec::new(), 0);
    for (at, end, text) in found {
        parts.push(frame.get(from..at).unwrap_or_default());
        parts.push(text);
        from = end;
    }
    parts.push(frame.get(from..).unwrap_or_default());
    Ok(wiped(joined(&parts)))
}

/// Puts a text where a pointer points.
fn put(value: &mut Value, pointer: &str, text: &str) -> Result<(), Failure> {
    let place = match pointer.rsplit_once('/') {
        None if pointer.is_empty() => Some(value),
        None => None,
        Some((parent, last)) => match value.pointer_mut(parent) {
            Some(Value::Object(members)) => Some(members.entry(unescaped(last)).or_insert(Value::Null)),
            Some(Value::Array(_)) => value.pointer_mut(pointer),
            _ => None,
        },
    };
    let place = place.ok_or_else(|| unsupported(format!("the body has no place {pointer:?} for a secret")))?;
    *place = Value::String(text.to_owned());
    Ok(())
}

fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// A secret as a JSON text.
fn quoted(secret: &Secret) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let no_text = || denied("a secret in a JSON body is text, and this one is no UTF-8");
    let text = std::str::from_utf8(secret.expose()).map_err(|_| no_text())?;
    // The longest escape of one byte is `\u00XX`.
    let mut quoted = Zeroizing::new(Vec::with_capacity(text.len() * 6 + 2));
    serde_json::to_writer(&mut *quoted, text).map_err(|_| no_text())?;
    Ok(quoted)
}

fn no_header() -> Failure {
    let rule = "a header has no line breaks, no control characters and no space at its ends";
    denied(format!("the secret cannot stand in a header: {rule}; was it saved with a line break behind it?"))
}
