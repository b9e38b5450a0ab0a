//! A compiler for guests: found where one is installed, made where it is not.
//!
//! | choice   | what it means                                                                                       |
//! |----------|-----------------------------------------------------------------------------------------------------|
//! | `auto`   | the installed target; else Debian's packages, where apt offers them; else rustup's download          |
//! | `debian` | the prefix made of Debian's packages (made once, two to three minutes, kept in the user's cache)     |
//! | `rustup` | the active toolchain, with the target added if it lacks it                                           |

mod active;
mod apt;
mod debian;
mod prefix;
mod rustup;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::BuildError;
use crate::config::user_cache_dir;
use active::Active;

/// What guests are compiled for.
pub(super) const TARGET: &str = "wasm32-wasip2";

/// How to get a compiler for guests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Choice {
    /// The installed wasm32-wasip2 target; else Debian's packages, where apt offers them; else rustup's download
    #[default]
    Auto,
    /// Made of Debian's packages, once, and kept in the user's cache
    Debian,
    /// The active toolchain's own target, which rustup downloads if it is missing
    Rustup,
}

/// A compiler for guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// In words, e.g. `the active toolchain (Rust 1.95.0)`.
    name: String,
    /// Another for every standard library that guests are compiled against, e.g. `rust-1.95.0`.
    id: String,
    /// The compiler, unless it is the one that cargo finds anyway.
    rustc: Option<PathBuf>,
}

impl Toolchain {
    /// The folder, below `guests`, for what is compiled with it. Cargo takes notice of another compiler, but not of
    /// another standard library under the same one.
    pub(super) fn target_folder(&self, guests: &Path) -> PathBuf {
        guests.join(&self.id)
    }

    /// Makes cargo, called as this command, compile with it.
    pub(super) fn choose_for(&self, cargo: &mut Command) {
        if let Some(rustc) = &self.rustc {
            cargo.env("RUSTC", rustc);
        }
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The user's cache folder of this program.
///
/// # Errors
/// Where the environment names neither a cache folder nor a home.
pub fn cache_folder() -> Result<PathBuf, BuildError> {
    let nowhere = || BuildError::NotOffered("there is no folder to keep it in; set XDG_CACHE_HOME".to_owned());
    user_cache_dir().map(|caches| caches.join("hawser")).ok_or_else(nowhere)
}

/// Finds a toolchain, or makes one, for the crate in `project` (whose `rust-toolchain.toml` counts). `say` is told what
/// takes long.
///
/// # Errors
/// Where the chosen way is not open here, or fails.
pub fn find_or_make(
    choice: Choice,
    cache: &Path,
    project: &Path,
    say: &mut dyn FnMut(&str),
) -> Result<Toolchain, BuildError> {
    let active = Active::of(project)?;
    match choice {
        Choice::Debian => debian::find_or_make(&active, cache, say),
        Choice::Auto | Choice::Rustup if active.has_target() => Ok(active.toolchain()),
        Choice::Rustup => rustup::add_target(&active, project, say),
        Choice::Auto => match debian::find_or_make(&active, cache, say) {
            Err(BuildError::NotOffered(reason)) => {
                say(&format!("Debian's guest toolchain is not to be had: {reason}"));
                rustup::add_target(&active, project, say)
            }
            found => found,
        },
    }
}
