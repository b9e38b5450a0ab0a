//! Parts of answers that several resources share.

use axum::http::header::LOCATION;
use axum::http::{HeaderName, HeaderValue};

use super::etag::etag;
use super::path::segment;
use crate::model::{Error, Result};

/// Where a resource is, from the segments of its path after `/v1`.
pub(super) fn location(segments: &[&str]) -> [(HeaderName, HeaderValue); 1] {
    let path: String = segments.iter().map(|text| format!("/{}", segment(text))).collect();
    let value = HeaderValue::try_from(format!("/v1{path}"));
    [(LOCATION, value.unwrap_or(HeaderValue::from_static("/v1")))]
}

/// The entity tag of a stored resource.
pub(super) fn revision(revision: i64) -> [(HeaderName, HeaderValue); 1] {
    etag(&revision.to_string())
}

/// A replacement may repeat the identifier of its path, and no other: identifiers never change.
pub(super) fn require_same_id(given: Option<String>, path: &str) -> Result<()> {
    match given {
        Some(given) if given != path => {
            let message = format!("id is {given:?}, but the path says {path:?}; an identifier cannot be changed");
            Err(Error::invalid(message).blaming("id"))
        }
        _ => Ok(()),
    }
}
