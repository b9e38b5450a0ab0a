//! The ordinary way: rustup downloads the target for the active toolchain.

use std::path::Path;
use std::process::Command;

use super::super::command;
use super::super::error::BuildError;
use super::active::Active;
use super::{TARGET, Toolchain};

/// Adds the target to the toolchain that is active in `project`.
pub(super) fn add_target(active: &Active, project: &Path, say: &mut dyn FnMut(&str)) -> Result<Toolchain, BuildError> {
    say(&format!("adding the target {TARGET} to {}", active.toolchain()));
    command::output(Command::new("rustup").args(["target", "add", TARGET]).current_dir(project))?;
    Ok(active.toolchain())
}
