//! A host in a process of its own, over a data directory that outlives it: the one to kill.

use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::client::Client;
use crate::house::Tokens;
use crate::usage::Usage;
use crate::{binary, guests};

/// How long a host may take until it answers.
const START_SECONDS_MAX: u64 = 60;
const LOOK_MS: u64 = 50;

/// A running process; killed when dropped.
pub struct Host {
    process: Child,
    base: String,
    tokens: Tokens,
}

impl Host {
    /// Starts `hawser serve` on a data directory that has been used before; `settings` are lines of its `hawser.toml`.
    pub async fn start(data: &Path, tokens: &Tokens, settings: &str) -> Self {
        Self::spawn(data, tokens, settings, Stdio::null(), Stdio::inherit()).await
    }

    /// The same, with everything it says in a file.
    pub async fn logging(data: &Path, tokens: &Tokens, settings: &str, log: &Path) -> Self {
        let log = File::create(log).expect("the log can be written");
        let twice = log.try_clone().expect("the log can be opened twice");
        Self::spawn(data, tokens, settings, log.into(), twice.into()).await
    }

    async fn spawn(data: &Path, tokens: &Tokens, settings: &str, out: Stdio, log: Stdio) -> Self {
        let connectors = tokio::task::spawn_blocking(guests::connectors).await.expect("the guests are built");
        let listen = free_address();
        let config = data.join("hawser.toml");
        let text = format!(
            "listen = {listen:?}\ndata-dir = {data:?}\nconnectors = [{connectors:?}]\nallow-unsigned = true\n{settings}\n"
        );
        std::fs::write(&config, text).expect("the configuration can be written");
        let mut serve = Command::new(binary());
        serve.arg("serve").arg("--config").arg(&config).stdout(out).stderr(log);
        let process = serve.spawn().expect("the product's command line starts");
        let host = Self { process, base: format!("http://{listen}"), tokens: tokens.clone() };
        host.ready().await;
        host
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

    async fn ready(&self) {
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
