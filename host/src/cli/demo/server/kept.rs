//! A server that is started, stopped, killed and started again where it lives. What kind of server that is, and where it
//! lives, says its [`Home`]: a folder with what it keeps, and ports or an address of its own.

use super::ServerError;
use super::process::Process;

/// How often another place is tried when somebody else took one.
const START_TRIES: u32 = 3;

/// Where a server lives.
pub trait Home {
    /// Runs the server there, and waits until it answers.
    ///
    /// # Errors
    /// It does not start.
    fn run(&self) -> Result<Process, ServerError>;

    /// Finds other ports or another address, since somebody else took these.
    ///
    /// # Errors
    /// All are taken.
    fn move_on(&mut self) -> Result<(), ServerError>;
}

/// A server; it ends, and its folder goes, when this is dropped.
pub struct Kept<H> {
    /// None: it has not begun, or was stopped or killed. Before its home: it ends there.
    process: Option<Process>,
    pub(super) home: H,
}

impl<H: Home> Kept<H> {
    /// Starts it, somewhere else when its place is taken.
    pub(super) fn settle(home: H) -> Result<Self, ServerError> {
        let mut server = Self { process: None, home };
        for _ in 1..START_TRIES {
            if server.restart().is_ok() {
                return Ok(server);
            }
            server.home.move_on()?;
        }
        server.restart()?;
        Ok(server)
    }

    /// Stops it in order; what it keeps on the disk stays for [`Self::restart`].
    ///
    /// # Errors
    /// The signal could not be sent.
    pub fn stop(&mut self) -> Result<(), ServerError> {
        self.process.take().map_or(Ok(()), Process::stop)
    }

    /// SIGKILL: connections break, and what was being written is lost.
    ///
    /// # Errors
    /// The signal could not be sent.
    pub fn kill(&mut self) -> Result<(), ServerError> {
        self.process.take().map_or(Ok(()), Process::kill)
    }

    /// Stops it if it runs, and starts it in the same place over the same data.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&mut self) -> Result<(), ServerError> {
        self.stop()?;
        self.process = Some(self.home.run()?);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::process::Command;

    use tempfile::TempDir;

    use super::*;

    /// A home that was taken so many times.
    struct Crowded {
        taken: u32,
        runs: Cell<u32>,
        folder: TempDir,
    }

    impl Home for Crowded {
        fn run(&self) -> Result<Process, ServerError> {
            self.runs.set(self.runs.get() + 1);
            if self.taken > 0 {
                return Err(ServerError::failed("listening", "the port is taken"));
            }
            let mut command = Command::new("sleep");
            command.arg("600");
            Process::start(self.folder.path(), &command)
        }

        fn move_on(&mut self) -> Result<(), ServerError> {
            self.taken -= 1;
            Ok(())
        }
    }

    fn settled(taken: u32) -> Result<Kept<Crowded>, ServerError> {
        Kept::settle(Crowded { taken, runs: Cell::new(0), folder: tempfile::tempdir().unwrap() })
    }

    #[test]
    fn a_server_whose_place_is_taken_moves_on_and_gives_up_in_the_end() {
        let server = settled(2).unwrap();
        assert_eq!((server.home.runs.get(), server.home.taken), (3, 0));
        assert!(settled(3).err().unwrap().to_string().contains("the port is taken"));
    }

    #[test]
    fn a_server_that_was_stopped_or_killed_starts_again_and_one_that_runs_is_stopped_before() {
        let mut server = settled(0).unwrap();
        server.kill().unwrap();
        server.restart().unwrap();
        server.restart().unwrap();
        server.stop().unwrap();
        server.stop().unwrap();
        assert_eq!(server.home.runs.get(), 3);
        assert!(server.home.folder.path().exists());
    }
}
