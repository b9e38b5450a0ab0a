//! A host in this process: the real composition root, on a free port of the loopback, over a directory of its own.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use hawser::clock::Clock;
use hawser::config::{CompileConfig, Config, ImportConfig};
use hawser::connections::Connections;
use hawser::host::{self, Running};
use hawser::registry::Registry;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::client::Client;
use crate::{binary, guests};

/// Hosts outlive the test that started them, and so does the runtime they run on.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime can be started"));
static SHARED: OnceCell<House> = OnceCell::const_new();
static SHARED_WEB: OnceCell<House> = OnceCell::const_new();

/// A running host and its two tokens.
pub struct House {
    running: Running,
    data: Arc<TempDir>,
    tokens: Tokens,
    config: Config,
    clock: Clock,
}

/// What a first start shows once.
#[derive(Clone)]
pub struct Tokens {
    pub operator: String,
    pub core: String,
}

impl House {
    /// The host that tests share.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(Self::start).await
    }

    /// A host of one's own.
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A host of one's own, configured differently.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::holding(guests::connectors, change).await
    }

    /// A host of one's own, with a clock that the test turns.
    pub async fn timed(start: Timestamp) -> Self {
        Self::within(guests::connectors, |_| {}, Clock::manual(start)).await
    }

    /// The host that tests of web services share, with their connectors; it may dial the loopback.
    pub async fn shared_web() -> &'static Self {
        SHARED_WEB.get_or_init(Self::web).await
    }

    /// The same as a host of one's own.
    pub async fn web() -> Self {
        Self::web_with(|_| {}).await
    }

    /// The same, configured differently.
    pub async fn web_with(change: impl FnOnce(&mut Config)) -> Self {
        let change = |config: &mut Config| {
            config.egress.loopback = true;
            change(config);
        };
        Self::holding(guests::web_connectors, change).await
    }

    async fn holding(connectors: fn() -> &'static Path, change: impl FnOnce(&mut Config)) -> Self {
        Self::within(connectors, change, Clock::system()).await
    }

    async fn within(connectors: fn() -> &'static Path, change: impl FnOnce(&mut Config), clock: Clock) -> Self {
        let data = Arc::new(tempfile::Builder::new().prefix("hawser-data-").tempdir().expect("a folder can be made"));
        let connectors = tokio::task::spawn_blocking(connectors).await.expect("the guests are built");
        let mut config = config(data.path(), connectors);
        change(&mut config);
        let running = run(config.clone(), clock.clone()).await;
        let first = running.first_tokens.as_ref().expect("a first start makes tokens");
        let tokens = Tokens { operator: first.operator.clone(), core: first.core.clone() };
        Self { running, data, tokens, config, clock }
    }

    /// The same host after a stop and a start.
    pub async fn restart(self) -> Self {
        self.restart_with(|_| {}).await
    }

    /// The same host after a stop, what happens meanwhile, and a start.
    pub async fn restart_after(self, meanwhile: impl FnOnce()) -> Self {
        self.restart_with(|_| meanwhile()).await
    }

    /// The same host after a stop and a start, configured differently.
    pub async fn restart_with(self, change: impl FnOnce(&mut Config)) -> Self {
        let Self { running, data, tokens, mut config, clock } = self;
        stop(running).await;
        change(&mut config);
        let running = run(config.clone(), clock.clone()).await;
        assert!(running.first_tokens.is_none(), "tokens are made once");
        Self { running, data, tokens, config, clock }
    }

    /// Stops the host; what it leaves behind goes with the returned folder.
    pub async fn stop(self) -> (Arc<TempDir>, Tokens) {
        stop(self.running).await;
        (self.data, self.tokens)
    }

    /// What it loaded and what it refused.
    pub fn registry(&self) -> &Registry {
        &self.running.registry
    }

    /// What it takes for the time.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Its configured connections, past the API.
    pub fn connections(&self) -> &Connections {
        &self.running.connections
    }

    /// Where the host keeps its data.
    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// `http://127.0.0.1:port`.
    pub fn base(&self) -> String {
        format!("http://{}", self.running.addr)
    }

    /// The two tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// A caller who may do everything.
    pub fn operator(&self) -> Client {
        Client::new(&self.base(), Some(&self.tokens.operator))
    }

    /// A caller who may run operations on connections.
    pub fn core(&self) -> Client {
        Client::new(&self.base(), Some(&self.tokens.core))
    }

    /// A caller nobody knows.
    pub fn stranger(&self) -> Client {
        Client::new(&self.base(), None)
    }
}

fn config(data: &Path, connectors: &Path) -> Config {
    Config {
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir: data.to_owned(),
        connectors: vec![connectors.to_owned()],
        allow_unsigned: true,
        imports: ImportConfig { workers: 4, ..Config::default().imports },
        compile: CompileConfig { program: binary(), ..Config::default().compile },
        ..Config::default()
    }
}

async fn run(config: Config, clock: Clock) -> Running {
    let start = RUNTIME.spawn(host::start(config, clock));
    start.await.expect("starting does not panic").unwrap_or_else(|error| panic!("the host did not start: {error}"))
}

async fn stop(running: Running) {
    RUNTIME.spawn(running.stop()).await.expect("stopping does not panic");
}
