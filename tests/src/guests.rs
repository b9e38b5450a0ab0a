//! The connectors that the tests run: built once by `hawser build`, as a vendor builds them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::{binary, profile_folder, workspace_root};

static WELL: AtomicBool = AtomicBool::new(false);

/// The folders of what most tests need, below the repository's root.
const PROJECTS: &[&str] = &[
    "plugins/csv",
    "plugins/ldap",
    "sdk/examples/roster",
    "tests/guests/burglar",
    "tests/guests/clerk",
    "tests/guests/idle",
    "tests/guests/liar",
    "tests/guests/mirror",
    "tests/guests/prowler",
    "tests/guests/stubborn",
    "tests/guests/ticker",
];

/// The same for what reaches web services. They are apart because every host of a test compiles all it is given.
const WEB_PROJECTS: &[&str] =
    &["plugins/rest", "plugins/scim", "tests/guests/courier", "tests/guests/poacher", "tests/guests/postman"];

/// The folder that holds the connectors most tests need, built.
pub fn connectors() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| built(PROJECTS, "test-connectors"))
}

/// The folder that holds the connectors for web services, built.
pub fn web_connectors() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| built(WEB_PROJECTS, "test-connectors-web"))
}

/// From now on test guests are compiled as connectors are: for who measures them.
pub fn build_well() {
    WELL.store(true, Ordering::Relaxed);
}

fn built(projects: &[&str], folder: &str) -> PathBuf {
    let out = profile_folder().join(folder);
    let (guests, connectors): (Vec<&str>, Vec<&str>) =
        projects.iter().partition(|project| project.starts_with("tests/guests/"));
    let quick: &[&str] = if WELL.load(Ordering::Relaxed) { &[] } else { &["--quick"] };
    for (projects, how) in [(connectors, &[][..]), (guests, quick)] {
        let mut build = Command::new(binary());
        build.arg("build").args(how).args(projects).arg("--out").arg(&out).current_dir(workspace_root());
        let built = build.output().expect("the product's command line starts");
        assert!(built.status.success(), "hawser build failed:\n{}", String::from_utf8_lossy(&built.stderr));
    }
    out
}
