//! About the call in progress.

use crate::runtime::state::State;

pub(in crate::runtime) fn request_id(state: &State) -> String {
    state.context.request.to_string()
}

pub(in crate::runtime) fn idempotency_key(state: &State) -> Option<String> {
    state.context.idempotency_key.clone()
}

pub(in crate::runtime) fn remaining_ms(state: &State) -> u32 {
    u32::try_from(state.remaining().as_millis()).unwrap_or(u32::MAX)
}
