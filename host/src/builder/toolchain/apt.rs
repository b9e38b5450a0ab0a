//! Debian's packages without installing any: apt with lists, caches and preferences of its own, so that neither root
//! nor a change to the machine is needed. The mirrors are those the machine already uses.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::command;
use super::super::error::BuildError;

/// The release whose wasi-libc has the objects for wasm32-wasip2.
const WASI_RELEASE: &str = "trixie";
const WASI_LIBC: &str = "wasi-libc";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
const OS_RELEASE: &str = "/etc/os-release";

/// Options for every call: nothing of the machine's own state is written, and no more is fetched than is needed.
const OPTIONS: [&str; 6] = [
    "Dir::Etc::sourceparts=/dev/null",
    "Dir::Etc::preferencesparts=/dev/null",
    "APT::Sandbox::User=root",
    "Acquire::Languages=none",
    "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
    "Acquire::Retries=3",
];

/// An index of Debian's packages.
pub(super) struct Apt {
    folder: PathBuf,
}

impl Apt {
    /// Makes an index in `folder`, which must not exist yet.
    ///
    /// # Errors
    /// `NotOffered` where the machine is no Debian, or its mirrors cannot be reached.
    pub(super) fn open(folder: &Path) -> Result<Self, BuildError> {
        let os_release = fs::read_to_string(OS_RELEASE).unwrap_or_default();
        let codename = debian_codename(&os_release)
            .ok_or_else(|| BuildError::NotOffered(format!("{OS_RELEASE} says that this is not Debian")))?;
        for part in ["lists/partial", "cache/archives/partial"] {
            let part = folder.join(part);
            fs::create_dir_all(&part).map_err(BuildError::io("make the folder", &part))?;
        }
        let apt = Self { folder: folder.to_owned() };
        let sources = sources(&apt.machine_targets()?, &codename)
            .ok_or_else(|| BuildError::NotOffered(format!("apt knows no mirror of Debian {codename}")))?;
        apt.write("sources.list", &sources)?;
        apt.write("preferences", &preferences(&codename))?;
        command::output(apt.get().args(["-q", "update"])).map_err(BuildError::not_offered)?;
        Ok(apt)
    }

    /// The packages that the newest version of `package` depends on.
    pub(super) fn dependencies(&self, package: &str) -> Result<Vec<String>, BuildError> {
        command::output(self.cache().args(["depends", package]))
            .map(|text| dependencies(&text))
            .map_err(BuildError::not_offered)
    }

    /// The packages that `package` needs to run, directly or not, and that the machine lacks.
    pub(super) fn missing_below(&self, package: &str) -> Result<Vec<String>, BuildError> {
        let mut depends = self.cache();
        depends.args(["depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks"]);
        depends.args(["--no-replaces", "--no-enhances", package]);
        let needed = packages(&command::output(&mut depends)?);
        let installed =
            command::output(Command::new("dpkg-query").args(["-W", "-f", "${db:Status-Status} ${Package}\n"]))?;
        let installed: BTreeSet<&str> = installed.lines().filter_map(|line| line.strip_prefix("installed ")).collect();
        Ok(needed.into_iter().filter(|name| name != package && !installed.contains(name.as_str())).collect())
    }

    /// Downloads the packages and unpacks them below `root`.
    pub(super) fn unpack(&self, packages: &[String], root: &Path) -> Result<(), BuildError> {
        let archives = self.folder.join("packages");
        fs::create_dir_all(&archives).map_err(BuildError::io("make the folder", &archives))?;
        command::output(self.get().args(["-q", "download"]).args(packages).current_dir(&archives))?;
        let entries = fs::read_dir(&archives).map_err(BuildError::io("read", &archives))?;
        for archive in entries.filter_map(Result::ok) {
            command::output(Command::new("dpkg").arg("-x").arg(archive.path()).arg(root))?;
        }
        Ok(())
    }

    /// The package lists the machine uses, a line each: where, release, component. A machine whose lists were never
    /// fetched (a fresh container) names none, so they are fetched here, aside.
    fn machine_targets(&self) -> Result<String, BuildError> {
        let format = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
        let arguments = ["indextargets", "--format", format, "Created-By: Packages"];
        let known = command::output(Command::new("apt-get").args(arguments)).map_err(BuildError::not_offered)?;
        if !known.is_empty() {
            return Ok(known);
        }
        let aside = |command: &mut Command| command::output(self.own_state(command)).map_err(BuildError::not_offered);
        aside(Command::new("apt-get").args(["-q", "update"]))?;
        aside(Command::new("apt-get").args(arguments))
    }

    fn get(&self) -> Command {
        self.configured("apt-get")
    }

    fn cache(&self) -> Command {
        self.configured("apt-cache")
    }

    fn configured(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (key, file) in [("sourcelist", "sources.list"), ("preferences", "preferences")] {
            command.arg("-o").arg(format!("Dir::Etc::{key}={}", self.folder.join(file).display()));
        }
        self.own_state(&mut command);
        for option in OPTIONS {
            command.args(["-o", option]);
        }
        command
    }

    fn own_state<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.arg("-o").arg(format!("Dir::State::lists={}", self.folder.join("lists").display()));
        command.arg("-o").arg(format!("Dir::Cache={}", self.folder.join("cache").display()))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), BuildError> {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(BuildError::io("write", &path))
    }
}

fn debian_codename(os_release: &str) -> Option<String> {
    let field = |name: &str| os_release.lines().find_map(|line| line.strip_prefix(name)).map(|v| v.trim_matches('"'));
    field("ID=").filter(|id| *id == "debian")?;
    field("VERSION_CODENAME=").map(str::to_owned)
}

/// The machine's own Debian lists and the release with the wasi objects, from the mirror of the machine's release.
fn sources(targets: &str, codename: &str) -> Option<String> {
    let targets = targets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut lines = BTreeSet::new();
    let mut mirror = None;
    for target in targets {
        let [uri, release, component] = target.as_slice() else { continue };
        if *release == codename {
            mirror = Some((*uri).to_owned());
        } else if !release.strip_prefix(codename).is_some_and(|rest| rest.starts_with('-')) {
            continue;
        }
        lines.insert(source(uri, release, component));
    }
    lines.insert(source(&mirror?, WASI_RELEASE, "main"));
    Some(lines.into_iter().collect())
}

fn source(uri: &str, release: &str, component: &str) -> String {
    format!("deb [signed-by={KEYRING}] {uri} {release} {component}\n")
}

/// Programs come from the machine's release, whose libraries they run with; only the wasi objects from the other one.
fn preferences(codename: &str) -> String {
    if codename == WASI_RELEASE {
        return String::new();
    }
    let pin =
        |package, priority| format!("Package: {package}\nPin: release n={WASI_RELEASE}\nPin-Priority: {priority}\n\n");
    pin("*", 100) + &pin(WASI_LIBC, 900)
}

fn dependencies(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.trim_start().strip_prefix("Depends: ")).map(str::to_owned).collect()
}

/// The packages of a recursive answer: the lines that are not indented, without virtual ones.
fn packages(text: &str) -> Vec<String> {
    text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric())).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_debian_is_debian() {
        let ubuntu = "ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n";
        assert_eq!(debian_codename(ubuntu), None);
        assert_eq!(debian_codename(""), None);
        let debian = "PRETTY_NAME=\"Debian\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        assert_eq!(debian_codename(debian).as_deref(), Some("bookworm"));
    }

    #[test]
    fn sources_are_the_machines_own_debian_lists_and_the_release_with_the_wasi_objects() {
        let targets = "http://m/debian/ bookworm main\nhttp://m/security/ bookworm-security main\n\
                       http://other/ nodistro main\nhttp://m/cloud bookwormish main\n";
        let sources = sources(targets, "bookworm").unwrap();
        let lines: Vec<&str> = sources.lines().map(|line| line.split_once("] ").unwrap().1).collect();
        assert_eq!(
            lines,
            [
                "http://m/debian/ bookworm main",
                "http://m/debian/ trixie main",
                "http://m/security/ bookworm-security main"
            ]
        );
    }

    #[test]
    fn a_machine_without_debians_archive_is_told_so() {
        assert_eq!(sources("http://other/ nodistro main\n", "bookworm"), None);
        assert_eq!(sources("", "bookworm"), None);
    }

    #[test]
    fn only_the_wasi_objects_come_from_another_release() {
        let preferences = preferences("bookworm");
        assert!(preferences.contains("Package: *\nPin: release n=trixie\nPin-Priority: 100"), "{preferences}");
        assert!(preferences.contains("Package: wasi-libc\nPin: release n=trixie\nPin-Priority: 900"), "{preferences}");
    }

    #[test]
    fn conflicts_and_virtual_packages_are_no_dependencies() {
        let text =
            "libstd\n  Depends: libc6\n  Depends: libllvm22\n  Conflicts: rustup\n  Replaces: libold\n    libnew\n";
        assert_eq!(dependencies(text), ["libc6", "libllvm22"]);
        assert_eq!(packages("a\n  Depends: b\nb\n<c>\n"), ["a", "b"]);
    }
}
