//! The connectors that the tests run: built once by `hawser build`, as a vendor builds them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::{binary, profile_folder, workspace_root};

/// Their folders, below the repository's root.
const PROJECTS: &[&str] = &[
    "plugins/csv",
    "plugins/ldap",
    "sdk/examples/roster",
    "tests/guests/burglar",
    "tests/guests/idle",
    "tests/guests/liar",
    "tests/guests/mirror",
    "tests/guests/prowler",
    "tests/guests/stubborn",
    "tests/guests/ticker",
];

/// The folder that holds all of them, built.
pub fn connectors() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let out = profile_folder().join("test-connectors");
        let mut build = Command::new(binary());
        build.arg("build").args(PROJECTS).arg("--out").arg(&out).current_dir(workspace_root());
        let built = build.output().expect("the product's command line starts");
        assert!(built.status.success(), "hawser build failed:\n{}", String::from_utf8_lossy(&built.stderr));
        out
    })
}
