//! Running the programs of the vendor's machine: a failure carries the line that failed and what it said.

use std::process::{Command, Output, Stdio};

use super::error::BuildError;

/// How much of a failed program's last words an error repeats, in lines.
const LAST_LINES: usize = 20;

/// Runs a program and hands back what it printed; what it complained about is kept for the error.
pub(super) fn output(command: &mut Command) -> Result<String, BuildError> {
    finished(command, Stdio::piped())
}

/// The same, for a program whose progress and complaints the person at the terminal should see as they come.
pub(super) fn output_shown(command: &mut Command) -> Result<String, BuildError> {
    finished(command, Stdio::inherit())
}

fn finished(command: &mut Command, stderr: Stdio) -> Result<String, BuildError> {
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .map_err(|source| BuildError::Program {
            program: command.get_program().to_string_lossy().into_owned(),
            source,
        })?;
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(failed(command, &output)) }
}

fn failed(command: &Command, output: &Output) -> BuildError {
    let stderr = text(&output.stderr);
    let lines: Vec<&str> = stderr.lines().collect();
    let last = lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default();
    BuildError::Command { line: line(command), status: output.status.to_string(), stderr: last.join("\n") }
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = output(&mut Command::new("hawser-no-such-program")).unwrap_err().to_string();
        assert!(error.contains("`hawser-no-such-program`") && error.contains("install it"), "{error}");
    }

    #[test]
    fn a_failure_has_the_line_and_the_last_words() {
        let mut command = Command::new("sh");
        let error = output(command.args(["-c", "seq 100 >&2; exit 7"])).unwrap_err().to_string();
        assert!(error.contains("`sh -c seq") && error.contains("exit status: 7"), "{error}");
        assert!(error.ends_with("99\n100") && !error.contains("\n80\n"), "{error}");
    }

    #[test]
    fn a_success_hands_back_what_was_printed() {
        assert_eq!(output(Command::new("sh").args(["-c", "echo here; echo there >&2"])).unwrap(), "here\n");
    }
}
