//! A server that runs: it ends when it is told to, and also when this process is gone, however that came about.
//!
//! A shell holds the server, as root where the server needs that, and reads signals to send from a pipe. When the pipe
//! ends (the value was dropped, or this process was killed, or a test's `static` outlived its last test) the shell
//! kills the server and removes its folder. So nothing is left running, and nobody looks for processes by name.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use super::ServerError;
use super::command::as_root;
use super::tools::{Bind, Scope, Tools};
use crate::clock::Clock;

/// How long a server may take until it answers.
const START_MAX: Duration = Duration::from_secs(60);
/// How long a server may take to stop before it is killed.
const STOP_MAX: Duration = Duration::from_secs(30);
/// How long it is left alone between two looks at it.
const LOOK_PAUSE: Duration = Duration::from_millis(10);
/// How much of a server's log is told when it does not start.
const LOG_BYTES_TOLD: usize = 2000;

/// `$1`: the server's folder; what follows is its command line.
const HOLDER: &str = r#"
folder=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{
    while read -r signal; do kill -s "$signal" "$server"; done
    trap '' TERM
    kill -s KILL "$server"
    rm -rf "$folder"
} <&3 2>/dev/null &
reader=$!
exec 3<&-
wait "$server"
ended=$?
kill "$reader" 2>/dev/null
wait
exit "$ended"
"#;

/// What to send to a server.
#[derive(Clone, Copy)]
enum Signal {
    Term,
    Kill,
}

/// A running server.
pub struct Process {
    holder: Child,
    /// None: its end is being waited for.
    signals: Option<ChildStdin>,
}

impl Process {
    /// Starts a command line (its program and its arguments; what else a command may have does not count) whose log goes
    /// to `log` in its folder.
    ///
    /// # Errors
    /// The log cannot be written, or there is no shell.
    pub fn start(folder: &Path, command: &Command) -> Result<Self, ServerError> {
        Self::hold(Command::new("sh"), folder, command)
    }

    /// The same as root.
    pub(super) fn start_as_root(folder: &Path, command: &Command) -> Result<Self, ServerError> {
        Self::hold(as_root(OsStr::new("sh")), folder, command)
    }

    fn hold(mut shell: Command, folder: &Path, command: &Command) -> Result<Self, ServerError> {
        let log = log_of(folder);
        let out = File::create(&log).map_err(ServerError::io("write", &log))?;
        let twice = out.try_clone().map_err(ServerError::io("write", &log))?;
        shell.args(["-c", HOLDER, "sh"]).arg(folder).arg(command.get_program()).args(command.get_args());
        // A group of its own: Ctrl-C is for whoever holds the server, not for the server.
        shell.stdin(Stdio::piped()).stdout(out).stderr(twice).process_group(0);
        let started = shell.spawn();
        let mut holder = started.map_err(|source| ServerError::Io { what: format!("run {shell:?}"), source })?;
        let signals = holder.stdin.take();
        Ok(Self { holder, signals })
    }

    /// Waits until the server answers everybody's question for its root entry.
    ///
    /// # Errors
    /// It ended, or it took too long; with what its log says.
    pub(super) fn answering(mut self, folder: &Path, tools: &Tools) -> Result<Self, ServerError> {
        let root = || tools.search(Bind::Anonymous, "", Scope::Base, "(objectClass=*)", &["1.1"]);
        self.ready(folder, || root().is_ok())?;
        Ok(self)
    }

    /// Looks again and again whether the server answers, as `answers` finds out.
    ///
    /// # Errors
    /// It ended, or it took too long; with what its log says.
    pub fn ready(&mut self, folder: &Path, mut answers: impl FnMut() -> bool) -> Result<(), ServerError> {
        let started = looked(START_MAX, || if self.ended() { Some(false) } else { answers().then_some(true) });
        match started {
            Some(true) => Ok(()),
            Some(false) | None => Err(ServerError::failed("starting the server", log_end(folder))),
        }
    }

    /// Sends a signal.
    fn send(&mut self, signal: Signal) -> Result<(), ServerError> {
        let name = match signal {
            Signal::Term => "TERM\n",
            Signal::Kill => "KILL\n",
        };
        let Some(signals) = &mut self.signals else { return Ok(()) };
        let sent = signals.write_all(name.as_bytes());
        sent.map_err(|source| ServerError::Io { what: "send a signal to the server".to_owned(), source })
    }

    /// Lets it end by itself; kills it when it does not.
    pub(super) fn stop(mut self) -> Result<(), ServerError> {
        self.send(Signal::Term)?;
        match looked(STOP_MAX, || self.ended().then_some(())) {
            Some(()) => Ok(()),
            None => self.kill(),
        }
    }

    /// SIGKILL: no chance to tidy up. Its folder stays.
    pub(super) fn kill(mut self) -> Result<(), ServerError> {
        self.send(Signal::Kill)?;
        self.wait();
        Ok(())
    }

    fn ended(&mut self) -> bool {
        self.holder.try_wait().is_ok_and(|ended| ended.is_some())
    }

    fn wait(&mut self) {
        drop(self.holder.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.signals.take());
        self.wait();
    }
}

/// Looks again and again until there is something to see, for no longer than that: a look may take long itself. By the
/// machine's own time: a real server knows no other.
fn looked<T>(max: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let clock = Clock::system();
    let deadline = clock.after(max);
    loop {
        let seen = look();
        if seen.is_some() || clock.until(deadline).is_zero() {
            return seen;
        }
        sleep(LOOK_PAUSE);
    }
}

fn log_of(folder: &Path) -> std::path::PathBuf {
    folder.join("log")
}

fn log_end(folder: &Path) -> String {
    let log = std::fs::read(log_of(folder)).unwrap_or_default();
    let end = log.get(log.len().saturating_sub(LOG_BYTES_TOLD)..).unwrap_or_default();
    String::from_utf8_lossy(end).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that says its pid and then sleeps.
    fn sleeper(folder: &Path, script: &str) -> (Process, u32) {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{script} echo $$; exec sleep 600")]);
        let mut process = Process::start(folder, &command).unwrap();
        let said = || std::fs::read_to_string(log_of(folder)).unwrap_or_default().trim().parse().ok();
        process.ready(folder, || said().is_some()).unwrap();
        (process, said().unwrap())
    }

    fn runs(pid: u32) -> bool {
        Path::new(&format!("/proc/{pid}")).exists()
    }

    #[test]
    fn a_server_that_is_stopped_or_killed_is_gone_and_its_folder_is_not() {
        let folder = tempfile::tempdir().unwrap();
        for end in [Process::stop, Process::kill] {
            let (process, pid) = sleeper(folder.path(), "");
            assert!(runs(pid));
            end(process).unwrap();
            assert!(!runs(pid));
            assert!(folder.path().exists());
        }
    }

    #[test]
    fn a_server_that_nobody_holds_any_more_is_gone_with_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (process, pid) = sleeper(folder.path(), "trap '' TERM;");
        drop(process);
        assert!(!runs(pid));
        assert!(!folder.path().exists());
    }

    #[test]
    fn looks_that_take_long_are_fewer_and_what_is_seen_ends_them() {
        let mut looks = 0;
        let slow = || {
            looks += 1;
            sleep(LOOK_PAUSE * 2);
            None::<()>
        };
        assert!(looked(LOOK_PAUSE * 4, slow).is_none());
        assert!((1..=2).contains(&looks), "{looks}");
        assert_eq!(looked(Duration::ZERO, || Some(1)), Some(1));
    }

    #[test]
    fn a_server_that_ends_at_once_is_told_with_its_last_words() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo the port is taken; exit 1"]);
        let mut process = Process::start(folder.path(), &command).unwrap();
        let error = process.ready(folder.path(), || false).unwrap_err();
        assert_eq!(error.to_string(), "starting the server failed: the port is taken");
    }
}
