//! What all web servers here have in common: a folder and a port of their own, TLS by a private CA, `curl` as the judge.
//!
//! A kind of server says how it is run ([`Program`]); [`WebServer`] is one that runs.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::ca::{Ca, Leaf};
use super::curl::Curl;
use super::kept::{Home, Kept};
use super::process::Process;
use super::{ServerError, ports, temporary};

/// How long one look may take at whether it has come up.
const PROBE_SECONDS_MAX: u32 = 5;
/// The first status of those that say that a server is at fault: it has not come up yet.
const SERVER_FAULTS: u16 = 500;

/// How a kind of server is run.
pub trait Program {
    /// What the name of its folder begins with.
    const NAME: &'static str;
    /// A path that it answers without a fault when it has come up.
    const PROBE: &'static str;

    /// Puts into a new server's folder what its first start finds there.
    ///
    /// # Errors
    /// A file cannot be written, or a program failed.
    fn fill(&self, _folder: &Path) -> Result<(), ServerError> {
        Ok(())
    }

    /// Writes the configuration, and gives the command line that runs in the foreground. Only its program and its
    /// arguments count: what is to be in the environment stands before them, with `env`.
    ///
    /// # Errors
    /// A file cannot be written.
    fn command(&self, place: &Place<'_>) -> Result<Command, ServerError>;

    /// Logs in as its administrator.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    fn log_in(&self, curl: Curl) -> Result<Curl, ServerError>;
}

/// Where a server is.
pub struct Place<'a> {
    /// Its own folder, with nothing else in it but `ca` and `log`.
    pub folder: &'a Path,
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    /// Who issued its certificate.
    pub ca: &'a Ca,
    /// Its certificate, for 127.0.0.1 and `localhost`.
    pub leaf: &'a Leaf,
}

/// A web server; it ends, and its folder goes, when this is dropped.
pub type WebServer<P> = Kept<WebHome<P>>;

/// Where a web server lives.
pub struct WebHome<P> {
    program: P,
    ca: Ca,
    leaf: Leaf,
    port: u16,
    folder: TempDir,
}

impl<P: Program> WebServer<P> {
    /// Makes one and waits until it answers.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(program: P) -> Result<Self, ServerError> {
        let folder = temporary(&format!("hawser-{}-", P::NAME))?;
        let ca = Ca::create(&folder.path().join("ca"))?;
        let leaf = ca.server("server", &["localhost", "127.0.0.1"])?;
        program.fill(folder.path())?;
        Self::settle(WebHome { program, ca, leaf, port: ports::one()?, folder })
    }

    /// Where it is, without a path: `https://127.0.0.1:20443`.
    pub fn url(&self) -> String {
        self.home.url()
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.home.port
    }

    /// Who issued its certificate.
    pub fn ca(&self) -> &Ca {
        &self.home.ca
    }

    /// What is special about it.
    pub fn program(&self) -> &P {
        &self.home.program
    }

    /// `curl` as nobody in particular.
    pub fn anonymous(&self) -> Curl {
        self.home.anonymous()
    }

    /// `curl` as its administrator.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    pub fn admin(&self) -> Result<Curl, ServerError> {
        self.home.program.log_in(self.anonymous())
    }
}

impl<P> WebHome<P> {
    fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    fn anonymous(&self) -> Curl {
        Curl::new(&self.url(), self.ca.certificate())
    }
}

impl<P: Program> Home for WebHome<P> {
    fn run(&self) -> Result<Process, ServerError> {
        let folder = self.folder.path();
        let command = self.program.command(&Place { folder, port: self.port, ca: &self.ca, leaf: &self.leaf })?;
        let mut process = Process::start(folder, &command)?;
        let curl = self.anonymous().seconds_max(PROBE_SECONDS_MAX);
        // Whoever else took the port has no certificate by this CA.
        let answers = || curl.send("GET", P::PROBE, None).is_ok_and(|answer| answer.status < SERVER_FAULTS);
        process.ready(folder, answers)?;
        Ok(process)
    }

    fn move_on(&mut self) -> Result<(), ServerError> {
        self.port = ports::one()?;
        Ok(())
    }
}
