//! The Rust toolchain that is active where the connector's crate lies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::command;
use super::super::error::BuildError;
use super::{TARGET, Toolchain};

/// What `rustc` says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Active {
    /// E.g. `1.95.0`.
    pub release: String,
    /// The target it runs on, e.g. `x86_64-unknown-linux-gnu`.
    pub host: String,
    sysroot: PathBuf,
}

impl Active {
    pub(super) fn of(project: &Path) -> Result<Self, BuildError> {
        let rustc = |arguments: &[&str]| command::output(Command::new("rustc").args(arguments).current_dir(project));
        let sysroot = PathBuf::from(rustc(&["--print", "sysroot"])?.trim_end());
        Self::read(&rustc(&["-vV"])?, sysroot)
            .ok_or_else(|| BuildError::NotOffered("`rustc -vV` names no release and host; reinstall Rust".to_owned()))
    }

    fn read(version: &str, sysroot: PathBuf) -> Option<Self> {
        let field = |name: &str| version.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        Some(Self { release: field("release: ")?, host: field("host: ")?, sysroot })
    }

    /// Whether it can compile guests as it is.
    pub(super) fn has_target(&self) -> bool {
        has_std(&self.sysroot)
    }

    pub(super) fn toolchain(&self) -> Toolchain {
        Toolchain {
            name: format!("the active toolchain (Rust {})", self.release),
            id: format!("rust-{}", self.release),
            rustc: None,
        }
    }

    /// A program that comes with it and is not on PATH, such as the linker.
    pub(super) fn own_program(&self, name: &str) -> PathBuf {
        self.sysroot.join("lib/rustlib").join(&self.host).join("bin").join(name)
    }
}

/// Whether a compiler with that sysroot has the standard library for guests.
pub(super) fn has_std(sysroot: &Path) -> bool {
    let folder = sysroot.join("lib/rustlib").join(TARGET).join("lib");
    let is_std = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with("libstd-");
    fs::read_dir(folder).is_ok_and(|entries| entries.filter_map(Result::ok).any(is_std))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn release_and_host_are_read_off_the_version() {
        let version =
            "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\nrelease: 1.95.0\n";
        let active = Active::read(version, "/s".into()).unwrap();
        assert_eq!((active.release.as_str(), active.host.as_str()), ("1.95.0", "x86_64-unknown-linux-gnu"));
        assert_eq!(Active::read("rustc 1.95.0", "/s".into()), None);
    }

    #[test]
    fn a_target_without_its_standard_library_does_not_count() {
        let sysroot = tempfile::tempdir().unwrap();
        assert!(!has_std(sysroot.path()));
        let folder = sysroot.path().join("lib/rustlib/wasm32-wasip2/lib");
        fs::create_dir_all(&folder).unwrap();
        assert!(!has_std(sysroot.path()));
        fs::write(folder.join("libstd-0123.rlib"), "").unwrap();
        assert!(has_std(sysroot.path()));
    }
}
