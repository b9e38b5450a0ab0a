//! Signing a release, and believing one. The order is the point: bounds, the envelope's narrow form, a known key, its
//! signature, and only then what was signed. No WebAssembly is parsed by any of it: it has bytes and keys, and no
//! runtime to hand them to.

use jiff::Timestamp;

use super::envelope::Envelope;
use super::statement::{Document, Predicate};
use super::{Manifest, PublicKey, SigningKey, Statement, Trust};
use crate::model::{Digest, Error, ErrorKind, PublisherName, Result};

/// Reads the statement of a release that a trusted key signed for its publisher.
///
/// # Errors
/// `release-refused`, with the reason and what to do.
pub fn verify_statement(envelope: &[u8], trust: &Trust) -> Result<Statement> {
    let parsed = Envelope::parse(envelope)?;
    let id = parsed.key;
    let key = trust.key(&id).ok_or_else(|| {
        refused(format!(
            "nobody trusts the key {id} that signed it; if it is the publisher's, `hawser publisher trust` it"
        ))
    })?;
    open(envelope, &parsed, key, |publisher| {
        if trust.admits(&id, publisher) {
            return Ok(());
        }
        let message = format!(
            "the key {id} that signed it is trusted for {}, not for {publisher}; if it is {publisher}'s too, `hawser \
             publisher trust {publisher}` it",
            trust.publishers(&id)
        );
        Err(refused(message))
    })
}

/// The same for whichever publisher it names, with the one key that is asked about.
///
/// # Errors
/// `release-refused`, with the reason and what to do.
pub fn verify_with(envelope: &[u8], key: &PublicKey) -> Result<Statement> {
    let parsed = Envelope::parse(envelope)?;
    if parsed.key != key.id() {
        return Err(refused(format!("it was signed with the key {}, not with {}", parsed.key, key.id())));
    }
    open(envelope, &parsed, key, |_| Ok(()))
}

/// Reads again what was verified when the release was installed, whoever is trusted today: to show it and to compare
/// with it, never to run it. The caller knows by their digest that these are the bytes of then.
///
/// # Errors
/// `release-refused` if this version of the host does not understand it any more.
pub(super) fn reread(envelope: &[u8]) -> Result<Manifest> {
    let envelope = Envelope::parse(envelope)?;
    manifest(&Document::parse(&envelope.payload)?.predicate.manifest)
}

/// Signs a release: the text of its manifest, and its component.
///
/// # Errors
/// `release-refused` if no host would take it: a manifest that is wrong, a counter or an expiry out of bounds, too much
/// of anything.
pub fn sign(
    key: &SigningKey,
    manifest_text: &str,
    component: &[u8],
    counter: u64,
    issued: Timestamp,
    expires: Timestamp,
) -> Result<Vec<u8>> {
    let publisher = manifest(manifest_text)?.connector.publisher();
    let predicate = Predicate { manifest: manifest_text.to_owned(), publisher, counter, issued, expires };
    predicate.check()?;
    let payload = Document::new(component, predicate)?.write()?;
    let mut envelope = Envelope { payload, key: key.public()?.id(), signature: Vec::new() };
    envelope.signature = key.sign(&envelope.signed_bytes())?;
    envelope.write()
}

/// Why a release is not taken.
pub(super) fn refused(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::ReleaseRefused, why)
}

fn open(
    bytes: &[u8],
    envelope: &Envelope,
    key: &PublicKey,
    admit: impl FnOnce(&PublisherName) -> Result<()>,
) -> Result<Statement> {
    if !key.verifies(&envelope.signed_bytes(), &envelope.signature) {
        let message = "its signature is wrong: it was changed after it was signed; fetch the release again, and if it \
                       stays so, tell the publisher";
        return Err(refused(message));
    }
    let document = Document::parse(&envelope.payload)?;
    let component = document.component()?;
    let predicate = document.predicate;
    predicate.check()?;
    admit(&predicate.publisher)?;
    let manifest = manifest(&predicate.manifest)?;
    if manifest.connector.publisher() != predicate.publisher {
        let message =
            format!("it is published by {}, but its manifest is of {}", predicate.publisher, manifest.connector);
        return Err(refused(message));
    }
    Ok(Statement {
        manifest,
        counter: predicate.counter,
        issued: predicate.issued,
        expires: predicate.expires,
        key: envelope.key,
        component,
        digest: Digest::of(bytes),
    })
}

fn manifest(text: &str) -> Result<Manifest> {
    Manifest::parse(text).map_err(|error| refused(error.to_string()))
}

#[cfg(test)]
mod tests;
