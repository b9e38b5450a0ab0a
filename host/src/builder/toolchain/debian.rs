//! A guest compiler made of Debian's packages: its Rust compiler for web targets, its wasi-libc, and a standard library
//! compiled here from its sources. Needs apt's mirrors and crates.io, no root, and two to three minutes; kept in the
//! user's cache, and made again only for another active toolchain (whose linkers it uses) or another recipe.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::cargo::cargo;
use super::super::command;
use super::super::error::BuildError;
use super::active::Active;
use super::apt::Apt;
use super::prefix::Prefix;
use super::{TARGET, Toolchain};

/// Counts the ways this file has laid out a prefix; another number makes everyone's anew.
const RECIPE: u32 = 1;
/// The oldest minor version of Rust 1 that the SDK compiles with (the workspace's `rust-version`).
const RUST_MINOR_MIN: u32 = 95;

const COMPILER: &str = "rustc-web";
const HOST_STD: &str = "libstd-rust-web-dev";
/// The package of the libraries rustc is linked with ends in the version, e.g. `libstd-rust-web-1.96`.
const HOST_STD_LIBRARIES: &str = "libstd-rust-web-1.";
const STD_SOURCE: &str = "rust-web-src";
const WASI_LIBC: &str = "wasi-libc";

/// How much of a digest tells one standard library from another, in hexadecimal digits.
const DIGEST_SHOWN: usize = 12;

/// The crate whose compilation compiles the standard library.
const EMPTY_CRATE: &str = "hawser-guest-std";

/// Finds the compiler in the cache, or makes it there. Of two that come at the same time, one makes it and the other
/// waits.
pub(super) fn find_or_make(active: &Active, cache: &Path, say: &mut dyn FnMut(&str)) -> Result<Toolchain, BuildError> {
    let folder = cache.join("guest-toolchain");
    let key = format!("debian-{RECIPE}-rust-{}-{}", active.release, active.host);
    fs::create_dir_all(&folder).map_err(BuildError::io("make the folder", &folder))?;
    let _lock = lock(&folder.join(format!("{key}.lock")))?;
    let found = Prefix::at(folder.join(&key));
    if let Some(digest) = found.usable(active) {
        return Ok(toolchain(&found, &digest));
    }
    // Always the same folder: it leaves traces in what is compiled, and guests compiled before must still fit.
    let scratch = Scratch::at(folder.join(format!("{key}.making")))?;
    let made = make(active, &scratch.0, say)?.rename_to(&folder.join(&key))?;
    let unusable = || BuildError::NotOffered(format!("what was made in {} is not whole", folder.join(&key).display()));
    made.usable(active).map(|digest| toolchain(&made, &digest)).ok_or_else(unusable)
}

fn toolchain(prefix: &Prefix, digest: &str) -> Toolchain {
    let id = format!("debian-{}", digest.get(..DIGEST_SHOWN).unwrap_or(digest));
    Toolchain { name: "Debian's guest toolchain".to_owned(), id, rustc: Some(prefix.rustc()) }
}

/// Held until the file is closed.
fn lock(path: &Path) -> Result<File, BuildError> {
    let file = File::create(path).map_err(BuildError::io("write", path))?;
    file.lock().map_err(BuildError::io("lock", path))?;
    Ok(file)
}

fn make(active: &Active, scratch: &Path, say: &mut dyn FnMut(&str)) -> Result<Prefix, BuildError> {
    say("making a guest toolchain of Debian's packages (once; two to three minutes)");
    say("- reading apt's lists");
    let apt = Apt::open(&scratch.join("apt"))?;
    let packages = packages(&apt)?;
    say(&format!("- downloading {}", packages.join(", ")));
    let unpacked = scratch.join("unpacked");
    apt.unpack(&packages, &unpacked)?;
    let prefix = Prefix::at(scratch.join("prefix"));
    prefix.lay_out(&unpacked, active)?;
    say("- compiling the standard library for guests");
    prefix.add_std(&compile_std(&prefix, &scratch.join("std"))?)?;
    link_something(&prefix, scratch)?;
    Ok(prefix)
}

/// What to download: the compiler and what it needs, as far as the machine lacks it.
fn packages(apt: &Apt) -> Result<Vec<String>, BuildError> {
    let libraries = apt.dependencies(HOST_STD)?.into_iter().find(|name| name.starts_with(HOST_STD_LIBRARIES));
    let libraries = libraries.ok_or_else(|| BuildError::NotOffered(format!("apt offers no {HOST_STD}")))?;
    match minor(&libraries) {
        Some(minor) if minor >= RUST_MINOR_MIN => {}
        _ => {
            let reason =
                format!("apt offers {libraries}, but guests need Rust 1.{RUST_MINOR_MIN}: add the security archive");
            return Err(BuildError::NotOffered(reason));
        }
    }
    let mut packages = [COMPILER, HOST_STD, STD_SOURCE, WASI_LIBC].map(str::to_owned).to_vec();
    packages.extend(apt.missing_below(&libraries)?);
    packages.push(libraries);
    Ok(packages)
}

fn minor(libraries: &str) -> Option<u32> {
    libraries.strip_prefix(HOST_STD_LIBRARIES)?.parse().ok()
}

/// Compiles the guest's standard library and says in which folder it is.
fn compile_std(prefix: &Prefix, folder: &Path) -> Result<PathBuf, BuildError> {
    let manifest = folder.join("Cargo.toml");
    let text =
        format!("[package]\nname = \"{EMPTY_CRATE}\"\nedition = \"2024\"\n[lib]\npath = \"lib.rs\"\n[workspace]\n");
    fs::create_dir_all(folder).map_err(BuildError::io("make the folder", folder))?;
    for (path, text) in [(&manifest, text.as_str()), (&folder.join("lib.rs"), "")] {
        fs::write(path, text).map_err(BuildError::io("write", path))?;
    }
    let mut build = cargo();
    build.args(["build", "--release", "-Zbuild-std=std,panic_abort", "--target", TARGET, "--manifest-path"]);
    // Bitcode is what a guest with fat LTO is linked from.
    build.arg(&manifest).env("RUSTC", prefix.rustc()).env("RUSTFLAGS", "-Cembed-bitcode=yes");
    build.env("RUSTC_BOOTSTRAP", "1").env("CARGO_TARGET_DIR", folder.join("target"));
    command::output(&mut build)?;
    let built = folder.join("target").join(TARGET).join("release/deps");
    remove_empty_crate(&built)?;
    Ok(built)
}

fn remove_empty_crate(built: &Path) -> Result<(), BuildError> {
    let own = format!("lib{}-", EMPTY_CRATE.replace('-', "_"));
    let entries = fs::read_dir(built).map_err(BuildError::io("read", built))?;
    for entry in entries.filter_map(Result::ok).filter(|entry| entry.file_name().to_string_lossy().starts_with(&own)) {
        fs::remove_file(entry.path()).map_err(BuildError::io("remove", &entry.path()))?;
    }
    Ok(())
}

/// A toolchain is handed out only after it has linked a component that uses the standard library.
fn link_something(prefix: &Prefix, scratch: &Path) -> Result<(), BuildError> {
    let source = scratch.join("probe.rs");
    fs::write(
        &source,
        "#[unsafe(no_mangle)]\npub extern \"C\" fn probe() { println!(\"{}\", std::env::args().count()); }\n",
    )
    .map_err(BuildError::io("write", &source))?;
    let mut rustc = Command::new(prefix.rustc());
    rustc.args(["--target", TARGET, "--crate-type", "cdylib", "--edition", "2024", "-Copt-level=3", "-Clto=fat"]);
    command::output(rustc.args(["-Cpanic=abort", "-o"]).arg(scratch.join("probe.wasm")).arg(&source)).map(drop)
}

/// A folder to work in, gone when the work is done or has failed.
struct Scratch(PathBuf);

impl Scratch {
    fn at(folder: PathBuf) -> Result<Self, BuildError> {
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(BuildError::io("remove", &folder))?;
        }
        fs::create_dir_all(&folder).map_err(BuildError::io("make the folder", &folder))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The next one removes what could not be removed now.
        drop(fs::remove_dir_all(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_off_the_package_of_the_libraries() {
        assert_eq!(minor("libstd-rust-web-1.96"), Some(96));
        assert_eq!(minor("libstd-rust-web-dev"), None);
    }

    #[test]
    fn the_oldest_compiler_is_the_workspaces() {
        assert_eq!(env!("CARGO_PKG_RUST_VERSION"), format!("1.{RUST_MINOR_MIN}"));
    }

    #[test]
    fn a_scratch_folder_begins_empty_and_ends_gone() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("making");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("left-over"), "").unwrap();
        let scratch = Scratch::at(folder.clone()).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        drop(scratch);
        assert!(!folder.exists());
    }
}
