//! Compiling a guest with cargo: a target folder of its own, so that guests and hosts never rebuild each other's
//! dependencies, and the same profiles for every guest, set from outside so that a connector's crate can be a member of any
//! workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::command;
use super::error::BuildError;
use super::toolchain::{TARGET, Toolchain};

/// How a guest is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Care {
    /// Small and fast: what is shipped.
    Well,
    /// In a fraction of the time, to try something.
    Quick,
}

impl Care {
    const fn profile(self) -> [(&'static str, &'static str); 3] {
        match self {
            Self::Well => [
                ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3"),
                ("CARGO_PROFILE_RELEASE_LTO", "fat"),
                ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
            ],
            Self::Quick => [
                ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
                ("CARGO_PROFILE_RELEASE_LTO", "off"),
                ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
            ],
        }
    }
}

/// Without what a sandbox has no use for: a panic ends the instance, its message is logged.
const PROFILE: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_PANIC", "abort"),
    ("CARGO_PROFILE_RELEASE_STRIP", "symbols"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "false"),
];

/// Joins whatever flags the connector's own configuration sets. Every host runs WebAssembly's vector instructions
/// (part of the core specification since 2.0), and searching bytes is a fifth of what reading a file costs.
const VECTORS: &str = r#"target.wasm32-wasip2.rustflags=["-Ctarget-feature=+simd128"]"#;

/// What a surrounding cargo or a developer's shell may have set for native code and would break or bloat a guest.
const FOREIGN: [&str; 13] = [
    "CARGO_BUILD_RUSTC",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_MAKEFLAGS",
    "CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS",
    "CARGO_TARGET_DIR",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTFLAGS",
];

/// A connector's crate.
pub(super) struct Project {
    manifest: PathBuf,
    workspace: PathBuf,
}

/// Cargo, as nobody had set anything.
pub(super) fn cargo() -> Command {
    let mut cargo = Command::new("cargo");
    for name in FOREIGN {
        cargo.env_remove(name);
    }
    cargo
}

impl Project {
    pub(super) fn locate(folder: &Path) -> Result<Self, BuildError> {
        let manifest = folder.join("Cargo.toml");
        let manifest = manifest.canonicalize().map_err(BuildError::io("find", &manifest))?;
        let mut locate = cargo();
        locate.args(["locate-project", "--workspace", "--message-format=plain", "--manifest-path"]).arg(&manifest);
        let root = PathBuf::from(command::output(&mut locate)?.trim_end());
        let workspace = root.parent().unwrap_or(folder).to_owned();
        Ok(Self { manifest, workspace })
    }

    /// The folder for everything that is built of this workspace.
    pub(super) fn target(&self) -> PathBuf {
        self.workspace.join("target")
    }

    /// Compiles the crate to a component and says where it is. Cargo's progress and errors go to the terminal.
    pub(super) fn compile(&self, toolchain: &Toolchain, care: Care) -> Result<PathBuf, BuildError> {
        let mut build = cargo();
        build.args(["build", "--release", "--lib", "--message-format=json-render-diagnostics", "--target", TARGET]);
        build.args(["--config", VECTORS]);
        build.arg("--manifest-path").arg(&self.manifest);
        build
            .envs(PROFILE)
            .envs(care.profile())
            .env("CARGO_TARGET_DIR", toolchain.target_folder(&self.target().join("guests")));
        toolchain.choose_for(&mut build);
        let messages = command::output_shown(&mut build)?;
        component(&messages, &self.manifest).ok_or_else(|| {
            let manifest = self.manifest.display();
            BuildError::Crate(format!(
                "{manifest} builds no component: add `crate-type = [\"cdylib\", \"rlib\"]` to [lib]"
            ))
        })
    }
}

/// One line of cargo's output; lines of another kind lack the fields.
#[derive(Deserialize)]
struct Artifact {
    manifest_path: PathBuf,
    filenames: Vec<PathBuf>,
}

/// The WebAssembly file among the artifacts of the crate of that manifest.
fn component(messages: &str, manifest: &Path) -> Option<PathBuf> {
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok());
    let own = artifacts.filter(|artifact| artifact.manifest_path == manifest);
    own.flat_map(|artifact| artifact.filenames)
        .find(|file| file.extension().is_some_and(|extension| extension == "wasm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_found_among_the_messages_of_dependencies() {
        let messages = r#"{"reason":"compiler-artifact","manifest_path":"/d/Cargo.toml","filenames":["/t/libd.rlib","/t/d.wasm"]}
{"reason":"compiler-artifact","manifest_path":"/c/Cargo.toml","filenames":["/t/libc.rlib"]}
not even json
{"reason":"compiler-artifact","manifest_path":"/c/Cargo.toml","filenames":["/t/c.wasm"]}
{"reason":"build-finished","success":true}"#;
        assert_eq!(component(messages, Path::new("/c/Cargo.toml")), Some("/t/c.wasm".into()));
        assert_eq!(component(messages, Path::new("/e/Cargo.toml")), None);
    }

    #[test]
    fn a_folder_without_a_crate_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Project::locate(folder.path()).err().unwrap().to_string();
        assert!(error.contains("Cargo.toml"), "{error}");
    }

    #[test]
    fn a_crate_of_its_own_is_its_workspace() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("src")).unwrap();
        std::fs::write(folder.path().join("src/lib.rs"), "").unwrap();
        std::fs::write(folder.path().join("Cargo.toml"), "[package]\nname = \"a\"\n[workspace]\n").unwrap();
        let project = Project::locate(folder.path()).unwrap();
        assert_eq!(project.target(), folder.path().canonicalize().unwrap().join("target"));
    }
}
