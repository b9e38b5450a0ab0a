//! The composition root: builds each room once, bottom up, starts the API and the workers, and drains them at the end.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::{self, ApiState, FirstTokens, Rooms};
use crate::audit::Audit;
use crate::clock::Clock;
use crate::config::{self, Config, GuestConfig};
use crate::connections::Connections;
use crate::declared::Declared;
use crate::egress::Egress;
use crate::mappings::Mappings;
use crate::model::{Error, ErrorKind, FailureKind, Result};
use crate::registry::Registry;
use crate::runtime::{CallLimits, Runtime, RuntimeLimits};
use crate::secrets::Vault;
use crate::store::Store;
use crate::tables::{Places, Tables};
use crate::tasks::{Tasks, Watch};

/// The database of everything but the audit trail.
const STORE_FILE: &str = "hawser.db";
/// The database of the audit trail: of its own, so that an import never blocks it.
const AUDIT_FILE: &str = "audit.db";
/// Held by the host that uses the directory.
const LOCK_FILE: &str = "hawser.lock";
/// How long requests and tasks may take to end when the host stops.
const DRAIN: Duration = Duration::from_secs(20);
/// How often idle listings are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// A host that runs. Dropped without [`Running::stop`], it stops without waiting for anybody.
pub struct Running {
    /// Where the API listens.
    pub addr: SocketAddr,
    /// The tokens made on the first start, shown this once.
    pub first_tokens: Option<FirstTokens>,
    /// The loaded releases.
    pub registry: Registry,
    /// The configured connections.
    pub connections: Connections,
    stop: CancellationToken,
    tracker: TaskTracker,
    store: Store,
    audit: Audit,
    _lock: File,
}

/// Starts a host: everything is ready when this returns, and nothing has been left behind if it fails.
///
/// # Errors
/// `configuration` if the address or the directory cannot be used, another host uses the directory, or the key of what
/// is sealed there is missing.
pub async fn start(config: Config, clock: Clock) -> Result<Running> {
    let lock = claim(&config.data_dir)?;
    let store = Store::open(&config.data_dir.join(STORE_FILE), clock.clone()).await?;
    let vault = Vault::open(&config.data_dir, config::vault_key()?, &store).await?;
    let vault = vault.reading(config.secrets, &config.data_dir)?;
    let audit = Audit::open(&config.data_dir.join(AUDIT_FILE), clock.clone()).await?;
    let (runtime_limits, ceiling) = limits(config.guests);
    let egress = Egress::new(config.egress);
    let runtime = Runtime::new(runtime_limits, egress.clone(), clock.clone())?;
    let data = &config.data_dir;
    let registry = Registry::open(data, runtime.clone(), store.clone(), clock.clone(), config.compile).await?;
    let mut watch = Watch::new(registry.clone(), audit.clone(), config.connectors, config.allow_unsigned);
    watch.look().await;
    let connections = Connections::new(store.clone(), vault, registry.clone(), runtime, clock.clone(), ceiling);
    let tables = Tables::new(store.clone(), connections.clone());
    let mappings = Mappings::new(store.clone(), Arc::new(tables.clone()), config.data_dir.clone());
    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    let outputs = (tables.clone(), Places::new(config.tables, &egress)?);
    let tasks = Tasks::new(
        store.clone(),
        connections.clone(),
        mappings.clone(),
        outputs,
        audit.clone(),
        clock.clone(),
        config.imports,
    );
    let first_tokens = api::ensure_tokens(&store).await?;
    let listener = listen(config.listen).await?;
    let addr = listener.local_addr().map_err(|why| Error::internal(why.to_string()))?;

    tasks.start(&tracker, &stop).await?;
    tracker.spawn(sweep(connections.clone(), stop.clone()));
    tracker.spawn(watch.run(stop.clone()));
    let declared = Declared::new(
        store.clone(),
        connections.clone(),
        mappings.clone(),
        registry.clone(),
        tasks.clone(),
        clock.clone(),
    );
    let state = ApiState::new(Rooms {
        tables,
        connections: connections.clone(),
        mappings,
        tasks,
        declared,
        registry: registry.clone(),
        store: store.clone(),
        audit: audit.clone(),
        egress,
        clock,
        request_timeout: config.request_timeout,
        hosts: config.hosts.into(),
        running: tracker.clone(),
        stop: stop.clone(),
    });
    let serve = axum::serve(listener, api::router(state)).with_graceful_shutdown(stop.clone().cancelled_owned());
    tracker.spawn(async move {
        if let Err(error) = serve.await {
            tracing::error!(%error, "the API stopped");
        }
    });
    Ok(Running { addr, first_tokens, registry, connections, stop, tracker, store, audit, _lock: lock })
}

/// Gives up what these keys, which are lost, sealed in a data directory, so that a host starts there again; how many
/// secured options and orders that were. Nothing else is touched.
///
/// # Errors
/// `configuration` if a host uses the directory, or there is no store in it; `conflict` if a key is not lost.
pub async fn forget_lost_secrets(data_dir: &Path, keys: &BTreeSet<String>, clock: Clock) -> Result<u64> {
    let file = data_dir.join(STORE_FILE);
    if !file.is_file() {
        let message = format!("{} is no host's data directory: it has no {STORE_FILE}", data_dir.display());
        return Err(Error::failure(FailureKind::Configuration, message));
    }
    let _lock = claim(data_dir)?;
    let store = Store::open(&file, clock).await?;
    let forgotten = Vault::forget_lost(data_dir, config::vault_key()?, &store, keys).await;
    store.close().await;
    forgotten
}

impl Running {
    /// Stops: no new requests, those in flight and running pages end, then the databases close. A task that has not
    /// finished goes on from its checkpoint at the next start.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        if tokio::time::timeout(DRAIN, self.tracker.wait()).await.is_err() {
            tracing::warn!("stopped with requests or tasks still running");
        }
        self.store.close().await;
        self.audit.close().await;
    }

    /// Completes when the host is asked to stop.
    pub fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Makes the directory, for the host's eyes only, and claims it.
fn claim(directory: &Path) -> Result<File> {
    let refused = |why: String| {
        let message = format!("the data directory {}: {why}", directory.display());
        Error::new(ErrorKind::Failure(FailureKind::Configuration), message)
    };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|why| refused(why.to_string()))?;
    let file = File::create(directory.join(LOCK_FILE)).map_err(|why| refused(why.to_string()))?;
    file.try_lock().map_err(|_| refused("another host uses it; stop that one or choose another directory".into()))?;
    Ok(file)
}

fn limits(guests: GuestConfig) -> (RuntimeLimits, CallLimits) {
    let memory_bytes = usize::try_from(guests.memory_bytes).unwrap_or(usize::MAX);
    let ceiling = CallLimits { memory_bytes, call: guests.call, page: guests.page };
    let limits = RuntimeLimits {
        instances: guests.instances,
        instances_per_connection: guests.calls_per_connection,
        ceiling,
        ..RuntimeLimits::default()
    };
    (limits, ceiling)
}

async fn listen(addr: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(addr).await.map_err(|why| {
        let message = format!("cannot listen on {addr}: {why}; set `listen` to another address");
        Error::new(ErrorKind::Failure(FailureKind::Configuration), message)
    })
}

async fn sweep(connections: Connections, stop: CancellationToken) {
    let mut every = tokio::time::interval(SWEEP_EVERY);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        connections.sweep();
    }
}
