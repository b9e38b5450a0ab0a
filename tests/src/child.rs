//! A host in a process of its own, over a data directory that outlives it: the one to kill.

use std::fs::File;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::client::Client;
use crate::disk::Disk;
use crate::house::Tokens;
use crate::usage::Usage;
use crate::{binary, guests};

/// How long a host may take until it answers.
const START_SECONDS_MAX: u64 = 60;
const LOOK_MS: u64 = 10;

/// A running process; killed when dropped.
pub struct Host {
    process: Child,
    base: String,
    tokens: Tokens,
    _config: TempDir,
}

impl Host {
    /// Starts `hawser serve` on a data directory that has been used before; `settings` are lines of its `hawser.toml`.
    pub async fn start(data: &Path, tokens: &Tokens, settings: &str) -> Self {
        let host = Self::launch(data, tokens, settings).await;
        host.ready().await;
        host
    }

    /// The same as [`Self::logging_within`] with the connectors for web services.
    pub async fn web_logging(
        environment: &[(&str, &str)],
        data: &Path,
        tokens: &Tokens,
        settings: &str,
        log: &Path,
    ) -> Self {
        let log = File::create(log).expect("the log can be written");
        let twice = log.try_clone().expect("the log can be opened twice");
        let (mut program, says) = (Command::new(binary()), (log.into(), twice.into()));
        program.envs(environment.iter().copied());
        let host = Self::holding(guests::web_connectors, program, data, tokens, settings, says).await;
        host.ready().await;
        host
    }

    /// The same as [`Self::start`] with the connectors for web services.
    pub async fn web(data: &Path, tokens: &Tokens, settings: &str) -> Self {
        let quiet = (Stdio::null(), Stdio::null());
        let program = Command::new(binary());
        let host = Self::holding(guests::web_connectors, program, data, tokens, settings, quiet).await;
        host.ready().await;
        host
    }

    /// The same as [`Self::start`], in an environment that has these variables as well.
    pub async fn within(environment: &[(&str, &str)], data: &Path, tokens: &Tokens, settings: &str) -> Self {
        let mut program = Command::new(binary());
        program.envs(environment.iter().copied());
        let host = Self::spawn(program, data, tokens, settings, (Stdio::null(), Stdio::null())).await;
        host.ready().await;
        host
    }

    /// The same as [`Self::start`], with everything it says in a file.
    pub async fn logging(data: &Path, tokens: &Tokens, settings: &str, log: &Path) -> Self {
        Self::logging_within(&[], data, tokens, settings, log).await
    }

    /// The same in an environment that has these variables as well.
    pub async fn logging_within(
        environment: &[(&str, &str)],
        data: &Path,
        tokens: &Tokens,
        settings: &str,
        log: &Path,
    ) -> Self {
        let log = File::create(log).expect("the log can be written");
        let twice = log.try_clone().expect("the log can be opened twice");
        let mut program = Command::new(binary());
        program.envs(environment.iter().copied());
        let host = Self::spawn(program, data, tokens, settings, (log.into(), twice.into())).await;
        host.ready().await;
        host
    }

    /// The same as [`Self::start`], on a disk of its own, where everything else the host sees is as usual.
    pub async fn on(disk: &Disk, tokens: &Tokens, settings: &str) -> Self {
        let quiet = (Stdio::null(), Stdio::null());
        let host = Self::spawn(disk.inside(&binary()), disk.inner(), tokens, settings, quiet).await;
        host.ready().await;
        host
    }

    /// Starts a host that does not get ready, on such a disk, and answers what it says as it ends.
    pub async fn refused(disk: &Disk, tokens: &Tokens, settings: &str) -> String {
        let piped = (Stdio::null(), Stdio::piped());
        let mut host = Self::spawn(disk.inside(&binary()), disk.inner(), tokens, settings, piped).await;
        let mut said = String::new();
        let mut log = host.process.stderr.take().expect("it is a pipe");
        log.read_to_string(&mut said).expect("a host speaks UTF-8");
        assert!(!host.process.wait().expect("the process ends").success(), "{said}");
        said
    }

    /// The same as [`Self::start`], without waiting until it answers.
    pub async fn launch(data: &Path, tokens: &Tokens, settings: &str) -> Self {
        let quiet = (Stdio::null(), Stdio::null());
        Self::spawn(Command::new(binary()), data, tokens, settings, quiet).await
    }

    async fn spawn(program: Command, data: &Path, tokens: &Tokens, settings: &str, says: (Stdio, Stdio)) -> Self {
        Self::holding(guests::connectors, program, data, tokens, settings, says).await
    }

    async fn holding(
        connectors: fn() -> &'static Path,
        mut program: Command,
        data: &Path,
        tokens: &Tokens,
        settings: &str,
        (out, log): (Stdio, Stdio),
    ) -> Self {
        let connectors = tokio::task::spawn_blocking(connectors).await.expect("the guests are built");
        let listen = free_address();
        let folder = tempfile::tempdir().expect("a folder can be made");
        let config = folder.path().join("hawser.toml");
        let text = format!(
            "listen = {listen:?}\ndata-dir = {data:?}\nconnectors = [{connectors:?}]\nallow-unsigned = true\n{settings}\n"
        );
        std::fs::write(&config, text).expect("the configuration can be written");
        program.arg("serve").arg("--config").arg(&config).stdout(out).stderr(log);
        let process = program.spawn().expect("the product's command line starts");
        Self { process, base: format!("http://{listen}"), tokens: tokens.clone(), _config: folder }
    }

    /// `http://127.0.0.1:port`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A caller who may do everything.
    pub fn operator(&self) -> Client {
        Client::new(&self.base, Some(&self.tokens.operator))
    }

    /// A caller who may run operations on connections.
    pub fn core(&self) -> Client {
        Client::new(&self.base, Some(&self.tokens.core))
    }

    /// What it uses up, as the kernel counts it.
    pub fn usage(&self) -> Usage {
        Usage::of(&self.process.id().to_string())
    }

    /// SIGKILL: no chance to tidy up.
    pub fn kill(mut self) {
        self.process.kill().expect("the process can be killed");
        self.process.wait().expect("the process ends");
    }

    /// Waits until it answers.
    pub async fn ready(&self) {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client can be built");
        for _ in 0..START_SECONDS_MAX * 1000 / LOOK_MS {
            let answer = http.get(format!("{}/health/ready", self.base)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(LOOK_MS)).await;
        }
        panic!("the host did not get ready");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("a listener has an address").to_string()
}
