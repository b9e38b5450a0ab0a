//! The folder a guest compiler lives in, laid out the way rustc expects its sysroot:
//!
//! ```text
//! bin/rustc                          a wrapper: finds the libraries and the sysroot from where it stands
//! libexec/rustc                      Debian's compiler, and in lib/ the libraries it was linked with
//! lib/rustlib/<host>/                the host's standard library (build scripts, macros), and the linkers
//! lib/rustlib/wasm32-wasip2/lib/     the guest's standard library, and wasi-libc under self-contained/
//! lib/rustlib/src/rust/library/      the standard library's source, only while the guest's is compiled
//! std.sha256                         which guest's standard library this is
//! ```
//!
//! Nothing in it names the folder itself, so it is made aside and renamed into its place.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::super::error::BuildError;
use super::TARGET;
use super::active::{Active, has_std};

/// What a component is linked with; they come with the active toolchain and stay there, because a copy would not find
/// its libraries.
const LINKERS: [&str; 2] = ["rust-lld", "wasm-component-ld"];

const WRAPPER: &str = r#"#!/bin/sh
prefix=${0%/bin/rustc}
export LD_LIBRARY_PATH="$prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec "$prefix/libexec/rustc" --sysroot "$prefix" "$@"
"#;

/// The folder of one guest compiler.
pub(super) struct Prefix(PathBuf);

impl Prefix {
    pub(super) fn at(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(super) fn rustc(&self) -> PathBuf {
        self.0.join("bin/rustc")
    }

    /// The digest of the guest's standard library, if it is whole: with the compiler, that library, and linkers that are
    /// still where they were.
    pub(super) fn usable(&self, active: &Active) -> Option<String> {
        let linked = LINKERS.iter().all(|name| self.linker(active, name).exists());
        let whole = linked && self.rustc().is_file() && has_std(&self.0);
        whole.then(|| fs::read_to_string(self.digest()).ok()).flatten()
    }

    /// Lays it out from unpacked packages, which are moved rather than copied. The guest's standard library is missing
    /// until [`Self::add_std`].
    pub(super) fn lay_out(&self, unpacked: &Path, active: &Active) -> Result<(), BuildError> {
        let usr = unpacked.join("usr");
        move_to(&usr.join("bin/rustc"), &self.0.join("libexec/rustc"))?;
        let multiarch = active.host.replace("-unknown", "");
        for folder in [usr.join("lib").join(&multiarch), unpacked.join("lib").join(&multiarch)] {
            move_matching(&folder, &self.0.join("lib"), |name| name.contains(".so"))?;
        }
        move_to(&usr.join("lib/rustlib"), &self.0.join("lib/rustlib"))?;
        self.add_library_source(&usr.join("src"))?;
        let wasi = usr.join("lib").join(TARGET);
        move_matching(&wasi, &self.guest_lib().join("self-contained"), |name| name == "libc.a" || is_startup(name))?;
        for name in LINKERS {
            let link = self.linker(active, name);
            make_parent(&link)?;
            symlink(active.own_program(name), &link).map_err(BuildError::io("link", &link))?;
        }
        self.add_wrapper()
    }

    /// Adds the guest's standard library, compiled into `built`, and drops its source.
    pub(super) fn add_std(&self, built: &Path) -> Result<(), BuildError> {
        move_matching(built, &self.guest_lib(), |name| name.starts_with("lib") && name.ends_with(".rlib"))?;
        let source = self.source();
        fs::remove_dir_all(&source).map_err(BuildError::io("remove", &source))?;
        self.add_digest()
    }

    /// Puts it where it stays.
    pub(super) fn rename_to(self, folder: &Path) -> Result<Self, BuildError> {
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(BuildError::io("remove", folder))?;
        }
        fs::rename(&self.0, folder).map_err(BuildError::io("put in place", folder))?;
        Ok(Self(folder.to_owned()))
    }

    /// In place of Debian's link to where the source would be installed.
    fn add_library_source(&self, sources: &Path) -> Result<(), BuildError> {
        let source = self.source();
        fs::remove_dir_all(&source).map_err(BuildError::io("remove", &source))?;
        let library = entries(sources)?.into_iter().map(|entry| entry.join("library")).find(|library| library.is_dir());
        let missing = || BuildError::Crate(format!("{} has no Rust source with a library folder", sources.display()));
        move_to(&library.ok_or_else(missing)?, &source.join("rust/library"))
    }

    /// Of every library's bytes, because two compilations of the same source need not fit each other's dependents.
    fn add_digest(&self) -> Result<(), BuildError> {
        let mut libraries = entries(&self.guest_lib())?;
        libraries.retain(|library| library.is_file());
        libraries.sort();
        let mut digest = Sha256::new();
        for library in libraries {
            digest.update(fs::read(&library).map_err(BuildError::io("read", &library))?);
        }
        let text: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(self.digest(), text).map_err(BuildError::io("write", &self.digest()))
    }

    fn digest(&self) -> PathBuf {
        self.0.join("std.sha256")
    }

    fn add_wrapper(&self) -> Result<(), BuildError> {
        let wrapper = self.rustc();
        make_parent(&wrapper)?;
        fs::write(&wrapper, WRAPPER).map_err(BuildError::io("write", &wrapper))?;
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).map_err(BuildError::io("write", &wrapper))
    }

    fn source(&self) -> PathBuf {
        self.0.join("lib/rustlib/src")
    }

    fn guest_lib(&self) -> PathBuf {
        self.0.join("lib/rustlib").join(TARGET).join("lib")
    }

    fn linker(&self, active: &Active, name: &str) -> PathBuf {
        self.0.join("lib/rustlib").join(&active.host).join("bin").join(name)
    }
}

/// The objects a program begins with.
fn is_startup(name: &str) -> bool {
    name.starts_with("crt1") && name.ends_with(".o")
}

/// Moves the entries of a folder whose names match; a folder that is not there has none.
fn move_matching(from: &Path, to: &Path, matches: impl Fn(&str) -> bool) -> Result<(), BuildError> {
    if !from.exists() {
        return Ok(());
    }
    for entry in entries(from)? {
        match entry.file_name().and_then(|name| name.to_str()) {
            Some(name) if matches(name) => move_to(&entry, &to.join(name))?,
            _ => {}
        }
    }
    Ok(())
}

fn move_to(from: &Path, to: &Path) -> Result<(), BuildError> {
    make_parent(to)?;
    fs::rename(from, to).map_err(BuildError::io("find", from))
}

fn make_parent(path: &Path) -> Result<(), BuildError> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(BuildError::io("make the folder", parent))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let entries = fs::read_dir(folder).map_err(BuildError::io("read", folder))?;
    entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(BuildError::io("read", folder))
}
