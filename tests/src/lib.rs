//! The harness: hosts in this process and in one that can be killed, their callers, people in files, built guests.
//!
//! Most tests share one host ([`house::House::shared`]) and each has a system and a connection of its own in it
//! ([`bed::Bed`]); those that stop, restart or kill a host have one to themselves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test harness stops at the first surprise"
)]

pub mod bed;
pub mod canary;
pub mod child;
pub mod client;
pub mod directory;
pub mod disk;
pub mod dns;
pub mod guests;
pub mod house;
pub mod memory;
pub mod people;
pub mod sink;
pub mod stall;
pub mod usage;
pub mod vendor;
pub mod web;

use std::path::{Path, PathBuf};

/// The repository's root.
pub fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests stand in the repository").to_owned()
}

/// The folder of the profile that these tests were built into.
fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its binary");
    test.ancestors().nth(2).expect("cargo puts tests into a folder `deps`").to_owned()
}

/// The product's command line (see `src/bin/hawser-under-test.rs`).
pub fn binary() -> PathBuf {
    profile_folder().join("hawser-under-test")
}
