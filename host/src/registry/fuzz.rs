//! The fuzzers' doors to what vendors send: manifests, and the statements they sign.

use std::sync::LazyLock;

use super::envelope::Envelope;
use super::manifest::print;
use super::statement::Document;
use super::{Manifest, SigningKey, Trust, verify_statement, verify_with};
use crate::model::{Permission, Result, fuzz};

/// A `connector.toml`.
pub fn manifest(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Manifest::parse(text) {
        Err(error) => fuzz::readable(&error.to_string()),
        Ok(manifest) => {
            for asked in manifest.requests() {
                assert_eq!(asked.permission.to_string().parse::<Permission>(), Ok(asked.permission));
                fuzz::readable(&asked.words);
            }
            let printed = print(&manifest);
            assert_eq!(Manifest::parse(&printed), Ok(manifest), "{printed}");
        }
    }
}

/// A `release.json`, or what a trusted publisher signed in one.
pub fn statement(data: &[u8]) {
    if let Some(envelope) = read(Envelope::parse(data)) {
        assert_eq!(envelope.write().as_deref(), Ok(data));
    }
    if let Some(document) = read(Document::parse(data)) {
        assert_eq!(document.write().as_deref(), Ok(data));
    }
    // Nobody is trusted, so nothing is believed.
    assert!(read(verify_statement(data, &Trust::default())).is_none());
    if let Some(sealed) = read(sealed(data)) {
        believed(&sealed);
        changed(sealed, data);
    }
}

/// What is believed of a signed payload is what it says, and is within its bounds.
fn believed(sealed: &[u8]) {
    let Some(statement) = KEY.as_ref().ok().and_then(|key| read(verify_with(sealed, &key.public().ok()?))) else {
        return;
    };
    assert!(statement.counter <= super::limits::COUNTER_MAX && statement.issued < statement.expires);
    assert_eq!(super::verify::reread(sealed).as_ref(), Ok(&statement.manifest));
    assert!(statement.check_installable(statement.expires, None).is_err());
    assert!(statement.check_installable(statement.issued, Some(statement.counter)).is_err());
    assert_eq!(statement.check_installable(statement.issued, statement.counter.checked_sub(1)), Ok(()));
}

/// One bit, and nobody believes it any more.
fn changed(mut sealed: Vec<u8>, data: &[u8]) {
    let at = data.iter().fold(data.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
    let at = at.checked_rem(sealed.len()).unwrap_or_default();
    if let Some(byte) = sealed.get_mut(at) {
        *byte ^= 1;
    }
    let public = KEY.as_ref().ok().and_then(|key| key.public().ok());
    assert!(public.is_none_or(|public| read(verify_with(&sealed, &public)).is_none()), "changed at {at}");
}

static KEY: LazyLock<Result<SigningKey>> = LazyLock::new(SigningKey::generate);

fn sealed(payload: &[u8]) -> Result<Vec<u8>> {
    let key = KEY.as_ref().map_err(Clone::clone)?;
    let mut envelope = Envelope { payload: payload.to_owned(), key: key.public()?.id(), signature: Vec::new() };
    envelope.signature = key.sign(&envelope.signed_bytes())?;
    envelope.write()
}

fn read<T>(read: Result<T>) -> Option<T> {
    read.inspect_err(fuzz::refused).ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_fuzzers_found_in_manifests_stays_found() {
        crate::model::fuzz::replay("manifest", super::manifest);
    }

    #[test]
    fn what_fuzzers_found_in_statements_stays_found() {
        crate::model::fuzz::replay("statement", super::statement);
    }
}
