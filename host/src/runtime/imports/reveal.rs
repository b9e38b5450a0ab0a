//! The bytes of a secret, where an operator approved it for that slot. Every use is noted, and the edge audits it.

use wasmtime::component::Resource;

use super::Said;
use super::credentials::{Credential, Origin, not_permitted};
use crate::model::{Failure, FailureKind, Permission, SlotName};
use crate::runtime::outcome::Used;
use crate::runtime::state::State;

pub(in crate::runtime) async fn reveal(state: &mut State, handle: &Resource<Credential>) -> Said<Vec<u8>> {
    let Credential { origin, secret } = state.table.get(handle)?;
    let slot = match origin {
        Origin::Call(slot) => slot.clone(),
        Origin::Secured(slot, _) => slot.to_string(),
        Origin::Sealed | Origin::Captured(_) | Origin::Token(..) => {
            return Ok(Err(denied("only secured options and secrets of the call are revealed")));
        }
    };
    let Ok(name) = slot.parse::<SlotName>() else {
        return Ok(Err(denied(&format!("{slot:?} is no slot that could be approved"))));
    };
    let wanted = Permission::Reveal { slot: name };
    if !state.context.permits(&wanted) {
        return Ok(Err(not_permitted(&wanted)));
    }
    let bytes = secret.expose().to_vec();
    let note = |used: &mut Used| {
        used.credentials.insert(slot.clone());
        used.revealed.insert(slot);
    };
    state.uses(note).await?;
    Ok(Ok(bytes))
}

fn denied(message: &str) -> Failure {
    Failure::new(FailureKind::CredentialDenied, message)
}
