//! A small disk of its own for one host: a tmpfs in a mount namespace that nothing but that host is in. It is really
//! full when it is full, and nobody else's is.
//!
//! It takes Linux and `unshare`, `nsenter` (util-linux) and either root or user namespaces. Where they are missing the
//! tests fail and say so; they are not skipped.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

const READY_SECONDS_MAX: u64 = 20;
const LOOK_MS: u64 = 10;
/// What fills the disk, beside the host's files.
const BALLAST: &str = "ballast";
/// What is written at a time; a tmpfs gives space away in pages of this size.
pub const PAGE: usize = 4096;

/// The disk; it goes when this is dropped.
pub struct Disk {
    /// Keeps the namespace while no host runs in it.
    holder: Child,
    mount: TempDir,
}

impl Disk {
    /// A disk of so many MiB with a copy of what is in `content`.
    pub fn with(content: &Path, mebibytes: u32) -> Self {
        let mount = tempfile::tempdir().expect("a folder can be made");
        let script = "mount -t tmpfs -o mode=0700,size=\"$2\" none \"$1\" && cp -a \"$3\"/. \"$1\" && touch \"$1\"/.ready \
                      && exec sleep 3600";
        let mut unshare = Command::new("unshare");
        unshare.args(if is_root() { &["--mount"][..] } else { &["--mount", "--user", "--map-root-user"] });
        unshare.args(["sh", "-c", script, "sh"]).arg(mount.path()).arg(format!("{mebibytes}m")).arg(content);
        let holder = unshare.stdin(Stdio::null()).spawn();
        let holder = holder.unwrap_or_else(|why| panic!("{NEEDED}: unshare does not start: {why}"));
        let disk = Self { holder, mount };
        disk.wait();
        disk
    }

    /// Where the host finds it.
    pub fn inner(&self) -> &Path {
        self.mount.path()
    }

    /// Where everybody else finds it.
    pub fn outer(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.mount.path().strip_prefix("/").expect("temporary folders have absolute paths"))
    }

    /// A program that sees it.
    pub fn inside(&self, program: &Path) -> Command {
        let mut enter = Command::new("nsenter");
        enter.args(["--target", &self.holder.id().to_string(), "--mount"]);
        if !is_root() {
            enter.args(["--user", "--preserve-credentials"]);
        }
        enter.arg(program);
        enter
    }

    /// Fills it, but for so many pages.
    pub fn fill_but(&self, pages: usize) {
        self.free();
        let mut ballast =
            File::create(self.outer().join(BALLAST)).expect("the disk has an end, but not before its start");
        let full = loop {
            if let Err(why) = ballast.write_all(&[0; PAGE]) {
                break why;
            }
        };
        assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
        let length = ballast.metadata().expect("a file has a length").len();
        ballast.set_len(length.saturating_sub((pages * PAGE) as u64)).expect("a file can be cut");
    }

    /// Makes room again.
    pub fn free(&self) {
        match fs::remove_file(self.outer().join(BALLAST)) {
            Err(why) if why.kind() != ErrorKind::NotFound => panic!("there is no room to be made: {why}"),
            _ => {}
        }
    }

    fn wait(&self) {
        for _ in 0..READY_SECONDS_MAX * 1000 / LOOK_MS {
            if self.outer().join(".ready").exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(LOOK_MS));
        }
        panic!("{NEEDED}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}

const NEEDED: &str = "tests of a full disk mount a small one: run them as root, or allow user namespaces (on Ubuntu: \
                      sysctl kernel.apparmor_restrict_unprivileged_userns=0), and install util-linux";

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0)
}
