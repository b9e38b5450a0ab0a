//! How a guest comes by a handle, and how one outlives its call.

use std::time::Duration;

use wasmtime::component::Resource;

use super::{Credential, Origin, denied, permit};
use crate::model::secret::SECRET_BYTES_MAX;
use crate::model::{CredentialUse, Failure, FailureKind, OptionName, Secret, Secured};
use crate::runtime::imports::Said;
use crate::runtime::kept::Keeping;
use crate::runtime::limits::{KEPT_NAME_BYTES_MAX, SEALS_PER_CALL_MAX};
use crate::runtime::state::State;

/// A secured option with one value.
pub(in crate::runtime) fn get(state: &mut State, slot: &str) -> Said<Resource<Credential>> {
    let field = approved(state, slot).and_then(|(name, usage, value)| match value {
        Secured::Field(secret) => Ok((name.clone(), usage, secret.clone())),
        Secured::Map(_) => Err(denied(format!("the secured option {slot:?} is a map; name a key of it"))),
    });
    hand_out(state, field)
}

/// The keys of a secured option that is a map.
pub(in crate::runtime) fn keys(state: &State, slot: &str) -> Result<Vec<String>, Failure> {
    match approved(state, slot)?.2 {
        Secured::Map(values) => Ok(values.keys().cloned().collect()),
        Secured::Field(_) => Err(no_map(slot)),
    }
}

/// One value of a secured option that is a map.
pub(in crate::runtime) fn get_key(state: &mut State, slot: &str, key: &str) -> Said<Resource<Credential>> {
    let value = approved(state, slot).and_then(|(name, usage, value)| match value {
        Secured::Field(_) => Err(no_map(slot)),
        Secured::Map(values) => {
            let secret = values.get(key).ok_or_else(|| not_set(&format!("{slot}, key {key:?},")))?;
            Ok((name.clone(), usage, secret.clone()))
        }
    });
    hand_out(state, value)
}

/// Bytes the guest wants handled as a secret.
pub(in crate::runtime) fn seal(state: &mut State, bytes: Vec<u8>) -> Said<Resource<Credential>> {
    state.spent.seals += 1;
    if state.spent.seals > SEALS_PER_CALL_MAX {
        let message = format!("a call may seal {SEALS_PER_CALL_MAX} secrets");
        return Ok(Err(Failure::new(FailureKind::QuotaExceeded, message)));
    }
    let Some(secret) = Secret::new(bytes) else {
        return Ok(Err(denied(format!("a secret has 1 to {SECRET_BYTES_MAX} bytes; an empty one protects nothing"))));
    };
    Ok(Ok(state.table.push(Credential { origin: Origin::Sealed, secret })?))
}

/// Keeps what was sealed for later calls of this connection.
pub(in crate::runtime) fn keep(state: &State, name: String, handle: &Resource<Credential>, ttl_ms: u32) -> Said<()> {
    let Credential { origin, secret } = state.table.get(handle)?;
    if !matches!(origin, Origin::Sealed) {
        return Ok(Err(denied("only what was sealed can be kept; the host has the other secrets anyway")));
    }
    if name.is_empty() || name.len() > KEPT_NAME_BYTES_MAX {
        return Ok(Err(denied(format!("the name of what is kept has 1 to {KEPT_NAME_BYTES_MAX} bytes"))));
    }
    let ttl = Duration::from_millis(ttl_ms.into());
    state.keep(name, Keeping { secret: secret.clone(), captor: None }, ttl);
    Ok(Ok(()))
}

/// What this connection kept under that name. A guest never had what was captured, and gives none of it out.
pub(in crate::runtime) fn captured(state: &mut State, name: &str) -> wasmtime::Result<Option<Resource<Credential>>> {
    let kept = state.share.kept().get(name, state.clock().now());
    let Some(Keeping { secret, captor }) = kept else { return Ok(None) };
    if captor.is_some() {
        state.meet(|| format!("the captured secret {name:?}"), &secret);
    }
    let origin = captor.map_or(Origin::Sealed, Origin::Captured);
    Ok(Some(state.table.push(Credential { origin, secret })?))
}

/// A secured option of the manifest that is approved and set.
fn approved<'a>(state: &'a State, slot: &str) -> Result<(&'a OptionName, CredentialUse, &'a Secured), Failure> {
    let unknown = || denied(format!("this connector's manifest has no secured option {slot:?}"));
    let (name, option) = state.context.credentials.slot(slot).ok_or_else(unknown)?;
    permit(&state.context, name, option.usage)?;
    let value = option.value.as_ref().ok_or_else(|| not_set(slot))?;
    Ok((name, option.usage, value))
}

fn hand_out(
    state: &mut State,
    found: Result<(OptionName, CredentialUse, Secret), Failure>,
) -> Said<Resource<Credential>> {
    match found {
        Err(failure) => Ok(Err(failure)),
        Ok((name, usage, secret)) => {
            Ok(Ok(state.table.push(Credential { origin: Origin::Secured(name, usage), secret })?))
        }
    }
}

fn no_map(slot: &str) -> Failure {
    denied(format!("the secured option {slot:?} has one value and no keys"))
}

fn not_set(what: &str) -> Failure {
    let message = format!(
        "the secured option {what} is not set, or has to be entered again because the place it goes to was changed; an \
         operator enters it"
    );
    Failure::new(FailureKind::Configuration, message)
}
