//! The envelope of a release, `release.json`: DSSE v1 (<https://github.com/secure-systems-lab/dsse>), with one payload
//! type and exactly one signature. It is the only thing parsed of a release before its signature was checked, so its
//! form is as narrow as it can be.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::canonical;
use super::limits::{ENVELOPE_BYTES_MAX, VALUE_SHOWN_BYTES_MAX};
use super::verify::refused;
use crate::model::text::cut;
use crate::model::{KeyId, Result};

/// What the payload is: an in-toto Statement.
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A payload with one signature over [`Envelope::signed_bytes`].
pub(super) struct Envelope {
    pub(super) payload: Vec<u8>,
    /// Whose signature it claims to be.
    pub(super) key: KeyId,
    pub(super) signature: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Document {
    payload: String,
    payload_type: String,
    signatures: Vec<Signature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    keyid: KeyId,
    sig: String,
}

impl Envelope {
    /// Reads an envelope; its signature is not checked here.
    ///
    /// # Errors
    /// `release-refused`, with what is wrong with its form.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        at_most(bytes.len())?;
        let document: Document = canonical::read("release.json", bytes)?;
        if document.payload_type != PAYLOAD_TYPE {
            return Err(refused(format!(
                "its payloadType is {:?}; only {PAYLOAD_TYPE} is read",
                cut(&document.payload_type, VALUE_SHOWN_BYTES_MAX)
            )));
        }
        let count = document.signatures.len();
        let [signature] = <[Signature; 1]>::try_from(document.signatures)
            .map_err(|_| refused(format!("it has {count} signatures; sign it with `hawser sign`, which makes one")))?;
        Ok(Self {
            payload: decoded("payload", &document.payload)?,
            key: signature.keyid,
            signature: decoded("sig", &signature.sig)?,
        })
    }

    /// The envelope as it is shipped.
    ///
    /// # Errors
    /// `release-refused` if nobody would read one so large.
    pub(super) fn write(&self) -> Result<Vec<u8>> {
        let signature = Signature { keyid: self.key, sig: BASE64.encode(&self.signature) };
        let bytes = canonical::write(&Document {
            payload: BASE64.encode(&self.payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![signature],
        })?;
        at_most(bytes.len()).map(|()| bytes)
    }

    /// What the signature is over.
    pub(super) fn signed_bytes(&self) -> Vec<u8> {
        pre_authentication_encoding(&self.payload)
    }
}

/// DSSE's PAE: type and payload, each with its length before it, so that neither can borrow from the other.
pub(super) fn pre_authentication_encoding(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

fn at_most(length: usize) -> Result<()> {
    if length <= ENVELOPE_BYTES_MAX {
        return Ok(());
    }
    Err(refused(format!(
        "release.json has {length} bytes; at most {ENVELOPE_BYTES_MAX} are read, so shorten the manifest"
    )))
}

fn decoded(field: &str, text: &str) -> Result<Vec<u8>> {
    BASE64.decode(text).map_err(|why| refused(format!("`{field}` of release.json is no base64: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signed_bytes_are_those_of_the_specification() {
        let expected = b"DSSEv1 28 application/vnd.in-toto+json 11 hello world";
        assert_eq!(pre_authentication_encoding(b"hello world"), expected);
    }
}
