//! The connection's options, as the context holds them: checked, and with their defaults.

use crate::model::{OptionName, Value};
use crate::runtime::state::State;

/// The option's values; none for one that is not set, or that the manifest does not know.
pub(in crate::runtime) fn get(state: &State, name: &str) -> Vec<Value> {
    let known = name.parse::<OptionName>().ok().and_then(|name| state.context.options.get(&name));
    known.cloned().unwrap_or_default()
}
