//! Hashes and signatures of native tests, as the host makes them but for their cost.

use super::{Error, Failure, HashScheme, Signature};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier};
use aws_lc_rs::hmac::{self, HMAC_SHA256, HMAC_SHA512};

/// Cheap on purpose: tests check that the right thing is hashed, not that it is slow.
fn cheap() -> Argon2<'static> {
    let params = Params::new(Params::MIN_M_COST, 1, 1, None).unwrap_or_default();
    Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
}

pub(super) fn hash(password: &[u8], scheme: HashScheme) -> Result<String, Failure> {
    if scheme != HashScheme::Argon2id {
        return Err(of_the_host("hash with argon2id only"));
    }
    let problem = |error| Error::invalid_password(format!("argon2: {error}"));
    let hash: PasswordHash = cheap().hash_password(password).map_err(problem)?;
    Ok(hash.to_string())
}

pub(super) fn verify(password: &[u8], hash: &str) -> Result<bool, Failure> {
    let parsed = PasswordHash::new(hash)
        .map_err(|error| Error::invalid_attribute_value(format!("the stored hash is none: {error}")))?;
    Ok(cheap().verify_password(password, &parsed).is_ok())
}

pub(super) fn sign(key: &[u8], algorithm: Signature, message: &[u8]) -> Result<Vec<u8>, Failure> {
    let algorithm = match algorithm {
        Signature::HmacSha256 => HMAC_SHA256,
        Signature::HmacSha512 => HMAC_SHA512,
        Signature::Rs256 | Signature::Es256 | Signature::Ed25519 => return Err(of_the_host("sign with HMAC only")),
    };
    Ok(hmac::sign(&hmac::Key::new(algorithm, key), message).as_ref().to_vec())
}

fn of_the_host(what: &str) -> Failure {
    Error::unsupported(format!("native tests {what}; run the connector in the host for the rest")).into()
}
