//! Running a program to its end: bounded in time, its words kept, root asked for where only root will do.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::NamedTempFile;

use super::{ServerError, programs};

/// How long a program may take that is run to its end, in seconds: for the slowest there is, the load of a large
/// directory on a busy machine.
const RUN_SECONDS_MAX: u32 = 300;
/// What `timeout` ends with when it had to end the program.
const TIMED_OUT: i32 = 124;

/// A program that is ended when it takes too long.
pub fn bounded(program: &str) -> Command {
    let mut command = Command::new("timeout");
    command.arg(RUN_SECONDS_MAX.to_string()).arg(programs::find(program).as_deref().unwrap_or(Path::new(program)));
    command
}

/// The same as root: as it is for root, else through a `sudo` that asks nobody.
pub(super) fn bounded_as_root(program: &str) -> Command {
    let bounded = bounded(program);
    let mut command = as_root(bounded.get_program());
    command.args(bounded.get_args());
    command
}

/// A program run by root.
pub(super) fn as_root(program: &OsStr) -> Command {
    if is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.arg("-n").arg(program);
    command
}

/// Whether this process is root's.
pub(super) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// Insists that this is root, or may become it without being asked; `why` says what for.
pub(super) fn must_be_root(why: &str) -> Result<(), ServerError> {
    let ask = |_| ServerError::Missing(format!("{why}: call this as root, or allow `sudo` without a password"));
    output("root's rights", &mut as_root(OsStr::new("true"))).map(drop).map_err(ask)
}

/// Runs a program to its end and gives what it said to standard output.
///
/// # Errors
/// What it said as it failed, and its exit code.
pub fn output(what: &str, command: &mut Command) -> Result<String, ServerError> {
    run(what, command.stdin(Stdio::null()))
}

/// The same for a program that reads `input`.
pub(super) fn output_of_input(what: &str, command: &mut Command, input: &str) -> Result<String, ServerError> {
    let file = unnamed(input).map_err(|source| ServerError::Io { what: format!("write to {what}"), source })?;
    run(what, command.stdin(file))
}

/// A secret in a file of this user's alone: everybody sees what stands on a command line.
pub(super) fn unseen(secret: &str) -> Result<NamedTempFile, ServerError> {
    let made = NamedTempFile::new().and_then(|mut file| file.write_all(secret.as_bytes()).map(|()| file));
    made.map_err(|source| ServerError::Io { what: "write a secret to a file".to_owned(), source })
}

/// A file, since a pipe would have to be written and read at a time.
fn unnamed(content: &str) -> std::io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(content.as_bytes())?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

fn run(what: &str, command: &mut Command) -> Result<String, ServerError> {
    let output = command.output().map_err(|source| ServerError::Io { what: format!("run {what}"), source })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let (code, said) = match output.status.code() {
        Some(TIMED_OUT) => (None, format!("it did not end within {RUN_SECONDS_MAX} seconds")),
        code => (code, format!("{}{}", text(&output.stderr), text(&output.stdout)).trim().to_owned()),
    };
    Err(ServerError::Failed { what: what.to_owned(), code, said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_is_told_with_its_code_and_its_words() {
        let error = output("it", bounded("sh").args(["-c", "echo 'No such object (32)' >&2; exit 1"])).unwrap_err();
        assert_eq!(error.ldap_code(), Some(32));
        assert_eq!(error.to_string(), "it failed (1): No such object (32)");
        let error = output("it", bounded("sh").args(["-c", "exit 4"])).unwrap_err();
        assert_eq!(error.ldap_code(), Some(4));
    }

    #[test]
    fn a_program_reads_more_input_than_a_pipe_holds_while_it_writes() {
        let input = "x".repeat(1 << 20);
        assert_eq!(output_of_input("cat", &mut bounded("cat"), &input).unwrap(), input);
    }
}
