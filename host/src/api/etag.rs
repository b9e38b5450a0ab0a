//! Revisions as entity tags: `ETag` out, `If-Match` in (RFC 9110, sections 8.8.3 and 13.1.1).
//!
//! A stored resource's revision is a number, an object's is the target's own text; what a tag cannot hold is written in
//! the base64url form of paths.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, header};

use super::path;
use crate::model::{Error, ErrorKind, Result};

/// What `If-Match` said; to be read as a number or as a text.
pub(super) struct IfMatch(Option<HeaderValue>, bool);

impl IfMatch {
    /// The revision a stored resource must still have; none: any.
    pub(super) fn number(&self) -> Result<Option<i64>> {
        let stale = |_| Error::new(ErrorKind::Stale, "If-Match names no revision of this resource; read it again");
        self.text()?.map(|tag| tag.parse().map_err(stale)).transpose()
    }

    /// The revision an object must still have; none: any.
    pub(super) fn text(&self) -> Result<Option<String>> {
        if self.1 {
            return Err(wrong("is given more than once"));
        }
        let Some(value) = &self.0 else { return Ok(None) };
        match value.to_str().map(str::trim) {
            Ok("*") => Ok(None),
            Ok(tag) => path::meant(unquoted(tag)?.to_owned()).map(Some).map_err(|why| wrong(&why)),
            Err(_) => Err(wrong("is not ASCII")),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let mut values = parts.headers.get_all(IF_MATCH).iter();
        let first = values.next().cloned();
        Ok(Self(first, values.next().is_some()))
    }
}

/// A revision as a response header.
pub(super) fn etag(revision: &str) -> [(HeaderName, HeaderValue); 1] {
    let plain = revision.bytes().all(|b| b.is_ascii_graphic() && b != b'"') && !revision.starts_with(path::MARK);
    let tag = if plain { revision.to_owned() } else { path::marked(revision) };
    let quoted = HeaderValue::try_from(format!("\"{tag}\""));
    [(header::ETAG, quoted.unwrap_or(HeaderValue::from_static("\"\"")))]
}

fn unquoted(tag: &str) -> Result<&str> {
    if tag.starts_with("W/") {
        return Err(wrong("is weak; send the ETag as it was given"));
    }
    let inner = tag.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let inner = inner.ok_or_else(|| wrong("must be an ETag in double quotes, or *"))?;
    if inner.contains('"') { Err(wrong("lists several ETags; name one")) } else { Ok(inner) }
}

fn wrong(what: &str) -> Error {
    Error::invalid(format!("If-Match {what}")).blaming("If-Match")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn if_match(value: &HeaderValue) -> IfMatch {
        IfMatch(Some(value.clone()), false)
    }

    proptest! {
        #[test]
        fn any_revision_of_a_target_comes_back_as_it_was(revision in any::<String>()) {
            let [(_, tag)] = etag(&revision);
            prop_assert_eq!(if_match(&tag).text().unwrap(), Some(revision));
        }
    }

    #[test]
    fn a_malformed_if_match_is_refused_with_the_header_to_blame() {
        for tag in ["5", "W/\"5\"", "\"5\", \"6\"", "\"~?\"", "\""] {
            let error = if_match(&HeaderValue::from_static(tag)).number().unwrap_err();
            assert_eq!(error.attributes, ["If-Match"], "{tag}");
        }
        assert_eq!(IfMatch(None, true).text().unwrap_err().attributes, ["If-Match"]);
    }

    #[test]
    fn a_tag_that_was_never_a_revision_is_stale() {
        let error = if_match(&HeaderValue::from_static("\"five\"")).number().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Stale);
        assert_eq!(if_match(&HeaderValue::from_static("\"5\"")).number(), Ok(Some(5)));
        assert_eq!(if_match(&HeaderValue::from_static("*")).number(), Ok(None));
    }
}
