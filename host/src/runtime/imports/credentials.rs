//! Secrets as handles: a guest can have a password hashed or compared, and never sees it.
//!
//! Handles exist only for secrets that arrived with the call. Hashing is argon2id with OWASP's parameters, on a thread
//! of its own and a few at a time, because each takes memory and a core.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use wasmtime::component::Resource;

use super::Said;
use crate::model::{Error, Failure, FailureKind, Result, Secret};
use crate::runtime::limits::HASHES_PER_CALL_MAX;
use crate::runtime::state::State;

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
/// Longest hash in the PHC string format that is looked at, in bytes.
const PHC_BYTES_MAX: usize = 512;

/// A secret that arrived with the call, under the name of its slot.
#[allow(unreachable_pub, reason = "the bindings re-export it")]
pub struct Credential {
    pub(in crate::runtime) slot: String,
    pub(in crate::runtime) secret: Secret,
}

/// A salted hash of the secret in the PHC string format.
pub(in crate::runtime) async fn hash(state: &mut State, handle: &Resource<Credential>) -> Said<String> {
    let secret = match take_turn(state, handle)? {
        Ok(secret) => secret,
        Err(failure) => return Ok(Err(failure)),
    };
    Ok(Ok(one_at_a_time(state, move || hashed(secret.expose())).await??))
}

/// Is this the secret the hash was made from?
pub(in crate::runtime) async fn verify(state: &mut State, handle: &Resource<Credential>, hash: String) -> Said<bool> {
    let secret = match take_turn(state, handle)? {
        Ok(secret) => secret,
        Err(failure) => return Ok(Err(failure)),
    };
    if let Err(wait) = state.share.verification(state.clock().now()) {
        let message = "this connection verified too many passwords; wait before the next";
        let limited = Failure::new(FailureKind::RateLimited, message);
        return Ok(Err(Failure { retry_after_ms: Some(wait), ..limited }));
    }
    Ok(one_at_a_time(state, move || verified(secret.expose(), &hash)).await?)
}

/// The secret behind a handle, unless the call had its share of hashing.
fn take_turn(state: &mut State, handle: &Resource<Credential>) -> Said<Secret> {
    let credential = state.table.get(handle)?;
    let (slot, secret) = (credential.slot.clone(), credential.secret.clone());
    state.hashes += 1;
    if state.hashes > HASHES_PER_CALL_MAX {
        let message = format!("a call may hash or verify {HASHES_PER_CALL_MAX} times");
        return Ok(Err(Failure::new(FailureKind::QuotaExceeded, message)));
    }
    state.used.credentials.insert(slot);
    Ok(Ok(secret))
}

async fn one_at_a_time<T: Send + 'static>(state: &mut State, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let turns: Arc<Semaphore> = state.hashing();
    let turn = state.computing.while_waiting(turns.acquire_owned()).await;
    let turn = turn.map_err(|_| Error::internal("hashing was shut down"))?;
    state
        .blocking(move || {
            let done = work();
            drop(turn);
            done
        })
        .await
}

fn hashed(secret: &[u8]) -> Result<String> {
    let fault = |error: &dyn std::fmt::Display| Error::internal(format!("argon2 failed: {error}"));
    let params = Params::new(ARGON2_MEMORY_KIB, ARGON2_PASSES, ARGON2_LANES, None).map_err(|error| fault(&error))?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash = hasher.hash_password(secret).map_err(|error| fault(&error))?;
    Ok(hash.to_string())
}

fn verified(secret: &[u8], hash: &str) -> Result<bool, Failure> {
    let unusable =
        |why: &str| Failure::new(FailureKind::InvalidAttributeValue, format!("this is no usable hash: {why}"));
    if hash.len() > PHC_BYTES_MAX {
        return Err(unusable("it is too long"));
    }
    let parsed = PasswordHash::new(hash).map_err(|_| unusable("it is not in the PHC string format"))?;
    if parsed.algorithm.as_str() != Algorithm::Argon2id.as_str() {
        return Err(unusable("only argon2id is known"));
    }
    let params = Params::try_from(&parsed).map_err(|_| unusable("its parameters make no sense"))?;
    if params.m_cost() > ARGON2_MEMORY_KIB_MAX
        || params.t_cost() > ARGON2_PASSES_MAX
        || params.p_cost() > ARGON2_LANES_MAX
    {
        return Err(unusable("it asks for more memory, passes or lanes than are given"));
    }
    match Argon2::default().verify_password(secret, &parsed) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(unusable("argon2 refuses it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_that_asks_for_a_terabyte_is_refused() {
        let hash = hashed(b"secret").unwrap().replace("m=19456", "m=1073741824");
        assert!(verified(b"secret", &hash).unwrap_err().message.contains("more memory"));
    }

    #[test]
    fn a_text_that_is_no_hash_is_refused_and_not_taken_for_a_mismatch() {
        for text in ["", "plain", "$2b$10$abc", "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$c29tZWhhc2g"] {
            assert_eq!(verified(b"secret", text).unwrap_err().kind, FailureKind::InvalidAttributeValue, "{text}");
        }
    }

    #[test]
    fn only_the_password_it_was_made_from_matches_a_hash() {
        let hash = hashed(b"secret").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(verified(b"secret", &hash), Ok(true));
        assert_eq!(verified(b"Secret", &hash), Ok(false));
        assert_ne!(hashed(b"secret").unwrap(), hash);
    }
}
