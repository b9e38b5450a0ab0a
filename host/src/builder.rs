//! `hawser build`: from a connector's folder to what a host loads. Reads the manifest, finds or makes the guest
//! toolchain, compiles, holds the component against the manifest, and writes the result with the world it was built
//! for, so that any language's tools can be used on the same contract.
//!
//! Everything here runs programs of the vendor's machine (cargo, rustc, rustup, apt) and blocks; a host that serves
//! never comes by.
//!
//! Invariant: a folder that was written holds a component that was checked against the manifest beside it. A failed
//! build leaves the folder of the last good one alone.

mod cargo;
mod command;
mod component;
mod error;
mod output;
pub mod toolchain;
mod world;

use std::fs;
use std::path::{Path, PathBuf};

use crate::model::ConnectorName;
use crate::registry::{MANIFEST_FILE, Manifest};

pub use cargo::Care;
pub use error::BuildError;

/// What to build, and where.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The connector's folder, with `connector.toml` and `Cargo.toml`.
    pub project: &'a Path,
    /// The folder to write `<publisher>-<name>/` into; `target/hawser` of the connector's workspace if none.
    pub out: Option<&'a Path>,
    /// How to get a compiler for guests.
    pub toolchain: toolchain::Choice,
    pub care: Care,
    /// The folder for what takes long to make and serves again (see [`toolchain::cache_folder`]).
    pub cache: &'a Path,
}

/// A connector that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    pub connector: ConnectorName,
    pub version: semver::Version,
    /// Where `connector.toml`, `component.wasm` and `world.wit` are.
    pub folder: PathBuf,
    /// The component's size, in bytes.
    pub component_bytes: u64,
}

/// Builds one connector. `say` is told, in a line, of every step that takes a while.
///
/// # Errors
/// A manifest, a toolchain, a compilation or a component that is not as it should be, with what to do about it.
pub fn build(order: &Order<'_>, say: &mut dyn FnMut(&str)) -> Result<Built, BuildError> {
    let manifest_text = read(&order.project.join(MANIFEST_FILE))?;
    let manifest = Manifest::parse(&manifest_text)?;
    let project = cargo::Project::locate(order.project)?;
    let toolchain = toolchain::find_or_make(order.toolchain, order.cache, order.project, say)?;
    say(&format!("compiling {} {} with {toolchain}", manifest.connector, manifest.version));
    let component = project.compile(&toolchain, order.care)?;
    let component = fs::read(&component).map_err(BuildError::io("read", &component))?;
    component::check(&component, &manifest)?;
    let out = order.out.map_or_else(|| project.target().join("hawser"), Path::to_owned);
    let folder = output::write(&out, &manifest, &manifest_text, &component)?;
    let component_bytes = u64::try_from(component.len()).unwrap_or(u64::MAX);
    Ok(Built { connector: manifest.connector, version: manifest.version, folder, component_bytes })
}

fn read(path: &Path) -> Result<String, BuildError> {
    fs::read_to_string(path).map_err(BuildError::io("read", path))
}
