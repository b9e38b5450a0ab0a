//! JSON with exactly one spelling: compact, keys in the order of the type, no key twice, nothing around it. Whoever
//! signs and whoever verifies then talk about the same bytes, and there is no room to hide a second meaning in.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::limits::FAULT_BYTES_MAX;
use super::verify::refused;
use crate::model::text::shown;
use crate::model::{Error, Result};

/// Reads a text that is spelled as [`write`] spells it; `what` names it.
///
/// # Errors
/// `release-refused` with the place, or because it is spelled differently.
pub(super) fn read<T: Serialize + DeserializeOwned>(what: &str, bytes: &[u8]) -> Result<T> {
    let wrong = |why: serde_json::Error| {
        refused(format!("{what} has the wrong form: {}", shown(&why.to_string(), FAULT_BYTES_MAX)))
    };
    let document: T = serde_json::from_slice(bytes).map_err(wrong)?;
    if write(&document)? == bytes {
        return Ok(document);
    }
    Err(refused(format!("{what} is not spelled as `hawser sign` spells it; ship the file as it was written")))
}

/// The one spelling of a document.
pub(super) fn write<T: Serialize>(document: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(document).map_err(|why| Error::internal(why.to_string()))
}
