//! What a request says: its path, its query and its JSON body, parsed before anything happens.
//!
//! An unknown key is refused by name wherever it stands, because a misspelt one would silently mean nothing.

use axum::body::{Body as RawBody, to_bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::model::text::shown;
use crate::model::{Error, ErrorKind, Result};
use crate::registry::limits::ENVELOPE_BYTES_MAX;
use crate::runtime::limits::COMPONENT_BYTES_MAX;

/// The largest JSON body, in bytes.
pub(super) const BODY_BYTES_MAX: usize = 1024 * 1024;
/// The largest configuration, in bytes: some ten thousand connections.
const CONFIGURATION_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a caller may take to send it.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);
/// What a form adds to the files in it, in bytes.
const FORM_BYTES_MAX: usize = 64 * 1024;
/// How long a caller may take to send a release: the largest, over a line of 2 Mbit/s.
const RELEASE_TIME_MAX: Duration = Duration::from_secs(300);

/// How much is told of what is wrong with a request, in bytes: it may name a key as long as the request.
const FAULT_BYTES_SHOWN: usize = 1024;
/// How much is told of where that is, in bytes.
const PATH_BYTES_SHOWN: usize = 512;

/// How large a body may be, and how long it may take to arrive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    bytes: usize,
    time: Duration,
}

impl Bounds {
    /// Of JSON.
    pub(super) const JSON: Self = Self { bytes: BODY_BYTES_MAX, time: BODY_TIME_MAX };
    /// Of a whole configuration.
    pub(super) const CONFIGURATION: Self = Self { bytes: CONFIGURATION_BYTES_MAX, time: BODY_TIME_MAX };
    /// Of a release.
    pub(super) const RELEASE: Self =
        Self { bytes: COMPONENT_BYTES_MAX + ENVELOPE_BYTES_MAX + FORM_BYTES_MAX, time: RELEASE_TIME_MAX };
}

/// No parameters, or no keys.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Where a request goes: the parameters of its path and of its query.
pub(super) struct At<P = Nothing, Q = Nothing> {
    pub(super) path: P,
    pub(super) query: Q,
}

impl<S: Send + Sync, P: DeserializeOwned + Send, Q: DeserializeOwned> FromRequestParts<S> for At<P, Q> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(path) = Path::from_request_parts(parts, state).await.map_err(|why| path_error(&why))?;
        let Query(query) = Query::try_from_uri(&parts.uri).map_err(|why| query_error(&why))?;
        Ok(Self { path, query })
    }
}

fn path_error(why: &PathRejection) -> Error {
    Error::invalid(shown(&why.body_text(), FAULT_BYTES_SHOWN))
}

fn query_error(why: &QueryRejection) -> Error {
    let text = why.body_text();
    let text = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
    let text = shown(text, FAULT_BYTES_SHOWN);
    Error::invalid(format!("the query is not right: {text}")).blaming(blamed(&text, ""))
}

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        require_json(&parts.headers)?;
        Ok(Self(parse(&read(body, Bounds::JSON).await?)?))
    }
}

/// A JSON body that is a whole configuration.
pub(super) struct LargeBody<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for LargeBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        require_json(&parts.headers)?;
        Ok(Self(parse(&read(body, Bounds::CONFIGURATION).await?)?))
    }
}

/// A JSON body that may be left out.
pub(super) struct OptionalBody<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, Bounds::JSON).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        require_json(&parts.headers)?;
        Ok(Self(parse(&bytes)?))
    }
}

/// Reads a body whole, within its bounds.
pub(super) async fn read(body: RawBody, Bounds { bytes, time }: Bounds) -> Result<Bytes> {
    let read = tokio::time::timeout(time, to_bytes(body, bytes)).await;
    let read = read.map_err(|_| Error::invalid(format!("the body took longer than {time:?} to arrive")))?;
    read.map_err(|why| {
        let too_large = std::error::Error::source(&why).is_some_and(|why| why.to_string().contains("length limit"));
        if too_large {
            Error::new(ErrorKind::TooLarge, format!("the body has more than {bytes} bytes"))
        } else {
            Error::invalid("the body did not arrive whole")
        }
    })
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = given.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") { Ok(()) } else { Err(Problem::unsupported_media_type()) }
}

pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    require_object(bytes)?;
    // Only what is wrong has to be found, and looking for it takes as long again.
    serde_json::from_slice(bytes).or_else(|_| explained(bytes))
}

fn explained<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut from).map_err(|why| {
        let path = shown(&why.path().to_string(), PATH_BYTES_SHOWN);
        let text = shown(&without_value(why.into_inner().to_string()), FAULT_BYTES_SHOWN);
        let at = if path == "." { String::new() } else { format!("{path}: ") };
        Error::invalid(format!("the body is not right: {at}{text}")).blaming(blamed(&text, &path))
    })?;
    from.end().map_err(|why| Error::invalid(format!("the body goes on after its end: {why}")))?;
    Ok(value)
}

/// serde's sentence without the value it quotes, which may be a secret in a wrong place.
fn without_value(text: String) -> String {
    for wrong in ["invalid type: ", "invalid value: "] {
        if let Some((kind, expected)) = text.strip_prefix(wrong).and_then(|rest| rest.rsplit_once(", expected ")) {
            // What is quoted begins after the kind: `string "x"`, `integer `5``.
            let kind = kind.split(['"', '`']).next().unwrap_or_default().trim_end();
            return format!("{wrong}{kind}, expected {expected}");
        }
    }
    text
}

/// Refuses a list of values: serde would take it for an object, by position.
fn require_object(bytes: &[u8]) -> Result<()> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let is_list = first == Some(&b'[');
    if is_list { Err(Error::invalid("the body is a list; it must be an object with named keys")) } else { Ok(()) }
}

/// The key to blame: an unknown or missing one is named in backquotes by serde, any other by its path.
fn blamed(text: &str, path: &str) -> String {
    let named = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .find_map(|start| text.split_once(start)?.1.split_once('`').map(|(key, _)| key));
    let by_path = if path.is_empty() { text.split(':').next().unwrap_or_default() } else { path };
    named.unwrap_or(by_path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Draft {
        #[allow(dead_code, reason = "only parsed")]
        id: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[allow(dead_code, reason = "only parsed")]
        draft: Draft,
    }

    fn refused(text: &str) -> Error {
        parse::<Outer>(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn an_unknown_key_is_named() {
        assert_eq!(refused(r#"{"draft": {"id": 1, "tilte": 2}}"#).attributes, ["tilte"]);
        assert_eq!(refused(r#"{"draft": {}}"#).attributes, ["id"]);
        assert_eq!(refused(r#"{"draft": {"id": 1, "id": 2}}"#).attributes, ["id"]);
    }

    #[test]
    fn a_value_of_the_wrong_type_is_found_by_its_path() {
        let error = refused(r#"{"draft": {"id": "one"}}"#);
        assert_eq!(error.attributes, ["draft.id"]);
        assert!(error.message.contains("invalid type: string"), "{}", error.message);
    }

    #[test]
    fn a_refusal_does_not_quote_the_value() {
        for value in [r#""a, expected \"b""#, "-77", "7.5", "true"] {
            let error = refused(&format!(r#"{{"draft": {value}}}"#));
            assert!(error.message.contains("draft: invalid type: "), "{}", error.message);
            assert!(error.message.contains(", expected struct Draft"), "{}", error.message);
            for part in ["a,", "b\"", "77", "7.5", "true"] {
                assert!(!error.message.contains(part), "{}", error.message);
            }
        }
    }

    #[test]
    fn a_list_is_not_taken_for_an_object() {
        assert!(refused(" [{}]").message.contains("it must be an object"));
    }

    #[test]
    fn malformed_json_says_where() {
        assert!(refused("{\n  \"draft\"").message.contains("line 2"));
        assert!(refused(r#"{"draft": {"id": 1}} x"#).message.contains("after its end"));
    }

    #[test]
    fn a_query_key_nobody_knows_is_named() {
        let uri = "/x?limt=1".parse().unwrap();
        let why = Query::<super::super::page::PageQuery>::try_from_uri(&uri).unwrap_err();
        assert_eq!(query_error(&why).attributes, ["limt"]);
        let uri = "/x?limit=0".parse().unwrap();
        let why = Query::<super::super::page::PageQuery>::try_from_uri(&uri).unwrap_err();
        let error = query_error(&why);
        assert!(error.message.contains("1 to 1000"), "{}", error.message);
        assert_eq!(error.attributes, ["limit"]);
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_too_large() {
        let error = read(RawBody::from(vec![b' '; BODY_BYTES_MAX + 1]), Bounds::JSON).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge);
        assert_eq!(read(RawBody::from(vec![b' '; BODY_BYTES_MAX]), Bounds::JSON).await.unwrap().len(), BODY_BYTES_MAX);
    }
}
