//! Programs of PyPI in an environment of their own, made once into a cache from requirements with exact versions.
//!
//! Only what PyPI has as wheels: nothing is compiled, and no code of a package runs while it is installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{ServerError, cache, command, write};

/// Downloads fail now and then.
const INSTALL_TRIES: u32 = 2;

/// An environment with its packages.
#[derive(Clone, Debug)]
pub struct Python {
    folder: PathBuf,
}

impl Python {
    /// Insists on Python, and on the module an environment begins with: Debian has it in a package of its own.
    ///
    /// # Errors
    /// What is missing, who needs it, and how to get it.
    pub fn require(who: &str) -> Result<(), ServerError> {
        let has = command::output("python3", command::bounded("python3").args(["-I", "-c", "import ensurepip, venv"]));
        let install = "on Debian: apt-get install --no-install-recommends python3 python3-venv";
        has.map(drop).map_err(|_| ServerError::Missing(format!("{who} needs python3, python3-venv; {install}")))
    }

    /// The environment in the cache that has those requirements (the text of a file that `pip install -r` reads); the
    /// first to come makes it, which takes some ten seconds to a minute.
    ///
    /// # Errors
    /// Python or its `venv` is not installed, or a package, which is named, cannot be had.
    pub fn made_once(cache: &Path, name: &str, requirements: &str) -> Result<Self, ServerError> {
        Self::require(name)?;
        let version = command::output("python3 --version", command::bounded("python3").arg("--version"))?;
        let make = |folder: &Path| make(folder, name, requirements);
        let folder = cache::made_once(cache, &format!("python-{name}"), &format!("{version}{requirements}"), make)?;
        Ok(Self { folder })
    }

    /// Its interpreter, which sees nothing but the environment.
    pub fn interpreter(&self) -> Command {
        let mut python = Command::new(interpreter(&self.folder));
        python.arg("-I");
        python
    }

    /// A program that a package has put into the environment.
    pub fn program(&self, name: &str) -> Command {
        let mut python = self.interpreter();
        python.arg(self.folder.join("bin").join(name));
        python
    }

    /// Runs a command line of this environment to its end, and gives what it said.
    ///
    /// # Errors
    /// What it said as it failed.
    pub fn run(what: &str, command: &Command) -> Result<String, ServerError> {
        let mut bounded = command::bounded(&command.get_program().to_string_lossy());
        bounded.args(command.get_args());
        bounded.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command::output(what, &mut bounded)
    }
}

fn interpreter(folder: &Path) -> PathBuf {
    folder.join("bin/python3")
}

fn make(folder: &Path, name: &str, requirements: &str) -> Result<(), ServerError> {
    command::output("python3 -m venv", command::bounded("python3").args(["-I", "-m", "venv"]).arg(folder))?;
    let file = folder.join("requirements.txt");
    write(&file, requirements)?;
    let what = format!("installing the Python packages of {name}");
    let install = || {
        let mut pip = command::bounded(&interpreter(folder).to_string_lossy());
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
        command::output(&what, pip.args(["--only-binary", ":all:", "--requirement"]).arg(&file)).map(drop)
    };
    (1..INSTALL_TRIES).find_map(|_| install().ok()).map_or_else(install, Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_has_its_programs_wherever_it_was_moved_and_no_packages_of_the_machine() {
        let cache = tempfile::tempdir().unwrap();
        let python = Python::made_once(cache.path(), "empty", "").unwrap();
        let said = Python::run("pip", python.program("pip").arg("list")).unwrap();
        assert!(said.contains("pip"), "{said}");
        let paths = Python::run("paths", python.interpreter().args(["-c", "import sys; print(sys.path)"])).unwrap();
        assert!(!paths.contains("dist-packages"), "{paths}");
    }

    #[test]
    fn a_package_that_cannot_be_had_is_named_and_leaves_nothing_in_the_cache() {
        let cache = tempfile::tempdir().unwrap();
        let requirements = "hawser-has-no-such-package @ file:///no/such/package-1.0-py3-none-any.whl\n";
        let error = Python::made_once(cache.path(), "it", requirements).unwrap_err().to_string();
        assert!(error.starts_with("installing the Python packages of it failed"), "{error}");
        assert!(error.contains("/no/such/package"), "{error}");
        assert!(std::fs::read_dir(cache.path()).unwrap().all(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            ["python-it.lock", "python-it.unfinished"].contains(&name.as_str())
        }));
    }
}
