//! Signatures with a secured option whose use is `sign`: the guest gets the signature and never the key.

use wasmtime::component::Resource;

use super::{Credential, Origin, denied, permit};
use crate::model::{CredentialUse, Failure, FailureKind, Secret};
use crate::runtime::imports::Said;
use crate::runtime::limits::SIGNATURES_PER_CALL_MAX;
use crate::runtime::state::{State, blocking};
use crate::signing::{Algorithm, signature};

/// The signature of a message.
pub(in crate::runtime) async fn sign(
    state: &mut State,
    handle: &Resource<Credential>,
    algorithm: Algorithm,
    message: Vec<u8>,
) -> Said<Vec<u8>> {
    let key = match take_turn(state, handle).await? {
        Ok(key) => key,
        Err(failure) => return Ok(Err(failure)),
    };
    let signed = blocking(move || signature(key.expose(), algorithm, &message)).await?;
    Ok(signed.ok_or_else(|| unfit(algorithm)))
}

/// The key behind a handle, if signing is what it is for, and unless the call had its share of signatures.
async fn take_turn(state: &mut State, handle: &Resource<Credential>) -> Said<Secret> {
    let Credential { origin, secret } = state.table.get(handle)?;
    let Origin::Secured(slot, CredentialUse::Sign) = origin else {
        return Ok(Err(denied("only a secured option whose use in the manifest is \"sign\" signs")));
    };
    if let Err(failure) = permit(&state.context, slot, CredentialUse::Sign) {
        return Ok(Err(failure));
    }
    let (slot, secret) = (slot.to_string(), secret.clone());
    state.spent.signatures += 1;
    if state.spent.signatures > SIGNATURES_PER_CALL_MAX {
        let message = format!("a call may sign {SIGNATURES_PER_CALL_MAX} times");
        return Ok(Err(Failure::new(FailureKind::QuotaExceeded, message)));
    }
    state.uses(|used| _ = used.credentials.insert(slot)).await?;
    Ok(Ok(secret))
}

fn unfit(algorithm: Algorithm) -> Failure {
    let kind = match algorithm {
        Algorithm::HmacSha256 | Algorithm::HmacSha512 => "HMAC",
        Algorithm::Rs256 => "RSA (2048 bits or more)",
        Algorithm::Es256 => "P-256",
        Algorithm::Ed25519 => "Ed25519",
    };
    denied(format!("the secured option does not hold an unencrypted {kind} key in PKCS#8, as PEM or DER"))
}
