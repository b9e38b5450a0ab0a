//! Sealing: AES-256-GCM-SIV (RFC 8452) under a random nonce. What a value belongs to is authenticated with it, so that a
//! row that was moved to another connection, option or entry, or whose places were changed, does not open.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the form: 1 |
//! | 32 | the digest of the places, so that a value can be sealed anew without knowing them |
//! | 12 | the nonce |
//! | the rest | the sealed value with its tag |

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use aws_lc_rs::hmac;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::key::Key;
use crate::model::{ConnectorName, Error, Layer, OptionName, Result, Secret};
use crate::store::Sealed;

/// The form of what is sealed here.
const FORM: u8 = 1;
/// The digest of places, in bytes.
const PLACES_BYTES: usize = 32;
/// The part of the MAC that people are shown, in bytes.
const FINGERPRINT_BYTES: usize = 8;

/// Whose a value is.
#[derive(Clone, Copy)]
pub struct Owner<'a> {
    /// The connection's number: a connection that later gets the name of a deleted one is another one.
    pub connection: i64,
    pub option: &'a OptionName,
    /// The key in a map; empty for a field.
    pub entry: &'a str,
    /// Whether it is a value or a reference: one is never taken for the other, and shown.
    pub layer: Layer,
}

/// Where a value goes: which connector uses it, and the addresses and paths it uses it at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Places([u8; PLACES_BYTES]);

impl Places {
    /// The places, in whichever order.
    pub fn new(connector: &ConnectorName, mut addresses: Vec<String>) -> Self {
        addresses.sort_unstable();
        let mut digest = Sha256::new().chain_update(b"hawser places 1\0");
        for part in std::iter::once(connector.as_str()).chain(addresses.iter().map(String::as_str)) {
            digest.update(framed(part.as_bytes()));
        }
        Self(digest.finalize().into())
    }
}

pub(super) fn seal(key: &Key, owner: &Owner<'_>, places: &Places, value: &Secret) -> Result<Sealed> {
    let mut text = Zeroizing::new(Vec::with_capacity(value.expose().len() + aws_lc_rs::aead::MAX_TAG_LEN));
    text.extend_from_slice(value.expose());
    let sealing = key.sealing.seal_in_place_append_tag(Aad::from(belongs_to(owner, places)), &mut *text);
    let nonce = sealing.map_err(|_| Error::internal("a value could not be sealed"))?;
    let bytes = [&[FORM][..], &places.0, nonce.as_ref(), &text].concat();
    Ok(Sealed { key_id: key.id().to_owned(), bytes, fingerprint: fingerprint(key, owner, value) })
}

pub(super) fn open(key: &Key, owner: &Owner<'_>, places: &Places, sealed: &Sealed) -> Option<Secret> {
    let rest = sealed.bytes.strip_prefix(&[FORM])?;
    let rest = rest.strip_prefix(&places.0)?;
    let (nonce, rest) = rest.split_first_chunk::<NONCE_LEN>()?;
    let mut text = Zeroizing::new(rest.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = key.sealing.open_in_place(nonce, Aad::from(belongs_to(owner, places)), &mut text).ok()?;
    Secret::new(opened.to_vec())
}

/// Opens a value for the places it says it was sealed for, to seal it anew.
pub(super) fn reopen(key: &Key, owner: &Owner<'_>, sealed: &Sealed) -> Option<(Places, Secret)> {
    let (places, _) = sealed.bytes.strip_prefix(&[FORM])?.split_first_chunk::<PLACES_BYTES>()?;
    let places = Places(*places);
    open(key, owner, &places, sealed).map(|value| (places, value))
}

/// A keyed MAC: who has the store and not the key cannot try values against it.
pub(super) fn fingerprint(key: &Key, owner: &Owner<'_>, value: &Secret) -> String {
    let mut mac = hmac::Context::with_key(&key.fingerprints);
    mac.update(&owned_by(owner));
    mac.update(value.expose());
    mac.sign().as_ref().iter().take(FINGERPRINT_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

fn belongs_to(owner: &Owner<'_>, places: &Places) -> Vec<u8> {
    let layer: &[u8] = match owner.layer {
        Layer::Value => b"",
        Layer::Reference => b"reference",
    };
    [&[FORM][..], &owned_by(owner), &places.0, layer].concat()
}

fn owned_by(owner: &Owner<'_>) -> Vec<u8> {
    [&owner.connection.to_be_bytes()[..], &framed(owner.option.as_str().as_bytes()), &framed(owner.entry.as_bytes())]
        .concat()
}

/// With its length before it, so that two parts cannot be read as other two.
fn framed(part: &[u8]) -> Vec<u8> {
    [&part.len().to_be_bytes()[..], part].concat()
}
