//! The log.

use crate::runtime::guest_log::Level;
use crate::runtime::state::State;

pub(in crate::runtime) fn write(state: &State, level: Level, message: &str, fields: &[(String, String)]) {
    state.log.write(level, message, fields);
}
