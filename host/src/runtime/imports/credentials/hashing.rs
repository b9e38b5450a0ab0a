//! Passwords of the call, hashed for targets that store a hash, or compared with one.
//!
//! On a thread of its own and a few at a time, because each takes memory or a core. argon2id and PBKDF2 with OWASP's
//! parameters; `{SSHA512}` is for directories that know nothing better.

use std::num::NonZeroU32;
use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha512};
use tokio::sync::Semaphore;
use wasmtime::component::Resource;

use super::{Credential, Origin, denied};
use crate::model::{Error, Failure, FailureKind, Result, Secret};
use crate::runtime::imports::Said;
use crate::runtime::limits::HASHES_PER_CALL_MAX;
use crate::runtime::state::{State, blocking};

/// Memory of one hash, in KiB (OWASP's recommendation for argon2id, as are the next two).
const ARGON2_MEMORY_KIB: u32 = 19 * 1024;
/// Passes over the memory.
const ARGON2_PASSES: u32 = 2;
/// Lanes.
const ARGON2_LANES: u32 = 1;
/// The most a hash to be verified may ask for: it is the guest's text, and would otherwise take any amount of memory.
const ARGON2_MEMORY_KIB_MAX: u32 = 64 * 1024;
const ARGON2_PASSES_MAX: u32 = 10;
const ARGON2_LANES_MAX: u32 = 4;
/// Longest hash that is looked at, in bytes.
const HASH_BYTES_MAX: usize = 512;

/// The name in the PHC string format.
const PBKDF2: &str = "pbkdf2-sha256";
/// OWASP's recommendation for PBKDF2 with HMAC-SHA256.
const PBKDF2_ITERATIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(599_999);
const PBKDF2_ITERATIONS_MAX: u32 = 2_000_000;
const PBKDF2_BYTES: usize = 32;

/// How an LDAP directory marks the scheme (as RFC 2307 does for others).
const SSHA512: &str = "{SSHA512}";
const SSHA512_SALT_BYTES: usize = 16;
const SHA512_BYTES: usize = 64;

/// How a password is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime) enum Scheme {
    Argon2id,
    Pbkdf2Sha256,
    Ssha512,
}

/// A salted hash of a password of the call.
pub(in crate::runtime) async fn hash(state: &mut State, handle: &Resource<Credential>, scheme: Scheme) -> Said<String> {
    let secret = match take_turn(state, handle).await? {
        Ok(secret) => secret,
        Err(failure) => return Ok(Err(failure)),
    };
    Ok(Ok(one_at_a_time(state, move || hashed(secret.expose(), scheme)).await??))
}

/// Is this the password of the call the hash was made from?
pub(in crate::runtime) async fn verify(state: &mut State, handle: &Resource<Credential>, hash: String) -> Said<bool> {
    let secret = match take_turn(state, handle).await? {
        Ok(secret) => secret,
        Err(failure) => return Ok(Err(failure)),
    };
    if let Err(failure) = one_verification(state) {
        return Ok(Err(failure));
    }
    Ok(one_at_a_time(state, move || verified(secret.expose(), &hash)).await?)
}

/// Takes one of the passwords that this connection may verify now, here or in a directory.
///
/// # Errors
/// `rate-limited`, saying when the next one comes back.
pub(in crate::runtime::imports) fn one_verification(state: &State) -> Result<(), Failure> {
    state.share.verification(state.clock().now()).map_err(|wait| {
        let message = "this connection verified too many passwords; wait before the next";
        Failure { retry_after_ms: Some(wait), ..Failure::new(FailureKind::RateLimited, message) }
    })
}

/// The secret behind a handle, if it is one of the call, and unless the call had its share of hashing.
async fn take_turn(state: &mut State, handle: &Resource<Credential>) -> Said<Secret> {
    let Credential { origin, secret } = state.table.get(handle)?;
    let Origin::Call(slot) = origin else {
        let message =
            "only passwords that arrived with the call are hashed and verified, never a secret of the connection";
        return Ok(Err(denied(message)));
    };
    let (slot, secret) = (slot.clone(), secret.clone());
    state.spent.hashes += 1;
    if state.spent.hashes > HASHES_PER_CALL_MAX {
        let message = format!("a call may hash or verify {HASHES_PER_CALL_MAX} times");
        return Ok(Err(Failure::new(FailureKind::QuotaExceeded, message)));
    }
    state.uses(|used| _ = used.credentials.insert(slot)).await?;
    Ok(Ok(secret))
}

async fn one_at_a_time<T: Send + 'static>(state: &mut State, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let turns: Arc<Semaphore> = state.hashing();
    let turn = turns.acquire_owned().await.map_err(|_| Error::internal("hashing was shut down"))?;
    blocking(move || {
        let done = work();
        drop(turn);
        done
    })
    .await
}

fn hashed(secret: &[u8], scheme: Scheme) -> Result<String> {
    match scheme {
        Scheme::Argon2id => argon2id(secret),
        Scheme::Pbkdf2Sha256 => pbkdf2(secret).map_err(|error| Error::internal(format!("PBKDF2 failed: {error}"))),
        Scheme::Ssha512 => ssha512(secret),
    }
}

fn argon2id(secret: &[u8]) -> Result<String> {
    let fault = |error: &dyn std::fmt::Display| Error::internal(format!("argon2 failed: {error}"));
    let params = Params::new(ARGON2_MEMORY_KIB, ARGON2_PASSES, ARGON2_LANES, None).map_err(|error| fault(&error))?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash = hasher.hash_password(secret).map_err(|error| fault(&error))?;
    Ok(hash.to_string())
}

fn pbkdf2(secret: &[u8]) -> Result<String, password_hash::phc::Error> {
    let salt = Salt::generate();
    let mut output = [0; PBKDF2_BYTES];
    pbkdf2::derive(PBKDF2_HMAC_SHA256, PBKDF2_ITERATIONS, &salt, secret, &mut output);
    let mut params = ParamsString::new();
    params.add_decimal("i", PBKDF2_ITERATIONS.get())?;
    let algorithm = PBKDF2.parse()?;
    let hash = PasswordHash { algorithm, version: None, params, salt: Some(salt), hash: Some(Output::new(&output)?) };
    Ok(hash.to_string())
}

fn ssha512(secret: &[u8]) -> Result<String> {
    let mut salt = [0; SSHA512_SALT_BYTES];
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| Error::internal("the system's random generator failed"))?;
    Ok(format!("{SSHA512}{}", STANDARD.encode([&sha512(secret, &salt)[..], &salt].concat())))
}

fn sha512(secret: &[u8], salt: &[u8]) -> [u8; SHA512_BYTES] {
    Sha512::new().chain_update(secret).chain_update(salt).finalize().into()
}

fn verified(secret: &[u8], hash: &str) -> Result<bool, Failure> {
    if hash.len() > HASH_BYTES_MAX {
        return Err(unusable("it is too long"));
    }
    if let Some(encoded) = hash.strip_prefix(SSHA512) {
        return ssha512_verified(secret, encoded);
    }
    let parsed = PasswordHash::new(hash).map_err(|_| unusable("it is neither in the PHC string format nor SSHA512"))?;
    match parsed.algorithm.as_str() {
        PBKDF2 => pbkdf2_verified(secret, &parsed),
        known if known == Algorithm::Argon2id.as_str() => argon2id_verified(secret, &parsed),
        _ => Err(unusable("only argon2id, pbkdf2-sha256 and SSHA512 are known")),
    }
}

fn argon2id_verified(secret: &[u8], parsed: &PasswordHash) -> Result<bool, Failure> {
    let params = Params::try_from(parsed).map_err(|_| unusable("its parameters make no sense"))?;
    if params.m_cost() > ARGON2_MEMORY_KIB_MAX
        || params.t_cost() > ARGON2_PASSES_MAX
        || params.p_cost() > ARGON2_LANES_MAX
    {
        return Err(unusable("it asks for more memory, passes or lanes than are given"));
    }
    match Argon2::default().verify_password(secret, parsed) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(unusable("argon2 refuses it")),
    }
}

fn pbkdf2_verified(secret: &[u8], parsed: &PasswordHash) -> Result<bool, Failure> {
    let iterations = parsed.params.get_decimal("i").and_then(NonZeroU32::new);
    let parts = iterations.zip(parsed.salt).zip(parsed.hash);
    let ((iterations, salt), hash) = parts.ok_or_else(|| unusable("it lacks its iterations, its salt or its hash"))?;
    if iterations.get() > PBKDF2_ITERATIONS_MAX {
        return Err(unusable("it asks for more iterations than are given"));
    }
    Ok(pbkdf2::verify(PBKDF2_HMAC_SHA256, iterations, &salt, secret, hash.as_bytes()).is_ok())
}

fn ssha512_verified(secret: &[u8], encoded: &str) -> Result<bool, Failure> {
    let bytes = STANDARD.decode(encoded).map_err(|_| unusable("it is not in base64"))?;
    let (digest, salt) = bytes.split_at_checked(SHA512_BYTES).ok_or_else(|| unusable("it is too short"))?;
    Ok(verify_slices_are_equal(digest, &sha512(secret, salt)).is_ok())
}

fn unusable(why: &str) -> Failure {
    Failure::new(FailureKind::InvalidAttributeValue, format!("this is no usable hash: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMES: [(Scheme, &str); 3] = [
        (Scheme::Argon2id, "$argon2id$v=19$m=19456,t=2,p=1$"),
        (Scheme::Pbkdf2Sha256, "$pbkdf2-sha256$i=600000$"),
        (Scheme::Ssha512, "{SSHA512}"),
    ];

    #[test]
    fn a_hash_that_asks_for_a_terabyte_or_a_year_is_refused() {
        let hash = hashed(b"secret", Scheme::Argon2id).unwrap().replace("m=19456", "m=1073741824");
        assert!(verified(b"secret", &hash).unwrap_err().message.contains("more memory"));
        let hash = hashed(b"secret", Scheme::Pbkdf2Sha256).unwrap().replace("i=600000", "i=4294967295");
        assert!(verified(b"secret", &hash).unwrap_err().message.contains("more iterations"));
    }

    #[test]
    fn a_text_that_is_no_hash_is_refused_and_not_taken_for_a_mismatch() {
        for text in [
            "",
            "plain",
            "$2b$10$abc",
            "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g",
            "$pbkdf2-sha256$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaA",
            "{SSHA512}",
            "{SSHA512}c29tZWhhc2g=",
            "{SSHA512}!",
        ] {
            assert_eq!(verified(b"secret", text).unwrap_err().kind, FailureKind::InvalidAttributeValue, "{text}");
        }
    }

    #[test]
    fn only_the_password_it_was_made_from_matches_a_hash() {
        for (scheme, beginning) in SCHEMES {
            let hash = hashed(b"secret", scheme).unwrap();
            assert!(hash.starts_with(beginning), "{hash}");
            assert_eq!(verified(b"secret", &hash), Ok(true));
            assert_eq!(verified(b"Secret", &hash), Ok(false));
            assert_ne!(hashed(b"secret", scheme).unwrap(), hash);
        }
    }

    #[test]
    fn hashes_that_others_made_are_understood() {
        // Made with Python's hashlib.
        let pbkdf2 = "$pbkdf2-sha256$i=1000$c2FsdHNhbHQ$KBJH0RIw+FCnOKJi2s/ppNgRHFTFzBjXqxs+xS3zHTY";
        let ssha512 = "{SSHA512}qm797Jf3bATh99xiBRluKM/T0fGuu5xn2a3N794V1xPl28B7gWn\
                       +5bgQQbwcKaewx1gspx+51VhcetE8MLsQ6nNhbHRzYWx0";
        for hash in [pbkdf2, ssha512] {
            assert_eq!(verified(b"passwd", hash), Ok(true), "{hash}");
            assert_eq!(verified(b"Passwd", hash), Ok(false), "{hash}");
        }
    }
}
