//! Where the demo happens: a temporary folder with the host's data, the connector built from its source, the company in
//! its target, and a host on a free port of this machine. All of it is gone when the demo ends.

use std::env::current_dir;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::super::build::GuestArgs;
use super::super::client::Client;
use super::super::fault::Fault;
use super::directory::Directory;
use super::files::Files;
use super::people::Company;
use super::service::Service;
use super::show;
use super::target::{Kind, Target};
use crate::api::FirstTokens;
use crate::builder::Care;
use crate::clock::Clock;
use crate::config::{Config, EgressConfig};
use crate::host::{self, Running};

/// A host over the company.
pub(super) struct Ground {
    /// Removed with everything in it when this is dropped.
    folder: TempDir,
    running: Running,
    tokens: FirstTokens,
    side: Side,
    /// What else the company is in, if the story is about two targets.
    other: Option<Side>,
}

/// A target, and what manages it.
pub(super) struct Side {
    /// The built connector.
    pub(super) connector: PathBuf,
    /// The company as it is outside of the host.
    pub(super) target: Arc<dyn Target>,
}

impl Ground {
    /// Builds the connector, founds the company, starts the host.
    pub(super) async fn prepare(kind: Kind, guest: GuestArgs, company: Company, clock: Clock) -> Result<Self, Fault> {
        let folder = tempfile::tempdir().map_err(Fault::io("cannot make a temporary folder"))?;
        let side = Side::prepare(kind, guest.clone(), folder.path(), company).await?;
        let other = match kind.other() {
            Some(other) => Some(Side::prepare(other, guest, folder.path(), company).await?),
            None => None,
        };
        let loopback =
            [Some(&side), other.as_ref()].into_iter().flatten().any(|side| side.target.terms().range.is_some());
        let config = Config {
            egress: EgressConfig { loopback, ..EgressConfig::default() },
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            data_dir: folder.path().join("host"),
            ..Config::default()
        };
        let mut running = host::start(config, clock).await?;
        let tokens = running.first_tokens.take();
        let tokens = tokens.ok_or_else(|| Fault::failed("a fresh host made no tokens"))?;
        let ground = Self { folder, running, tokens, side, other };
        show::say(&format!("started a host with an embedded database on {}", ground.url()))?;
        Ok(ground)
    }

    /// The built connector.
    pub(super) fn connector(&self) -> &Path {
        &self.side.connector
    }

    /// The company as it is outside of the host.
    pub(super) fn target(&self) -> &Arc<dyn Target> {
        &self.side.target
    }

    /// All of it.
    pub(super) fn sides(&self) -> impl Iterator<Item = &Side> {
        [Some(&self.side), self.other.as_ref()].into_iter().flatten()
    }

    /// The host's address.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.running.addr)
    }

    /// The tokens of the host's first start.
    pub(super) fn tokens(&self) -> &FirstTokens {
        &self.tokens
    }

    /// A client of the host with one of its tokens.
    pub(super) fn client(&self, token: &str) -> Result<Client, Fault> {
        Client::new(&self.url(), Some(token))
    }

    /// Stops the host and the target, and removes everything.
    pub(super) async fn clear(self) -> Result<(), Fault> {
        self.running.stop().await;
        drop((self.side, self.other));
        self.folder.close().map_err(Fault::io("cannot remove the temporary folder"))
    }
}

impl Side {
    async fn prepare(kind: Kind, guest: GuestArgs, folder: &Path, company: Company) -> Result<Self, Fault> {
        let connector = build(kind, guest).await?;
        Ok(Self { connector, target: found(kind, folder.to_owned(), company).await? })
    }
}

/// Founds the company in its target.
async fn found(kind: Kind, folder: PathBuf, company: Company) -> Result<Arc<dyn Target>, Fault> {
    let founded = move || -> Result<Arc<dyn Target>, Fault> {
        Ok(match kind {
            Kind::Csv | Kind::Mapping => Arc::new(Files::write(&folder.join("data"), company)?),
            Kind::Ldap => Arc::new(Directory::openldap(&folder, company)?),
            Kind::Ad => Arc::new(Directory::active_directory(company)?),
            Kind::Scim => Arc::new(Service::start(&folder, company)?),
        })
    };
    blocking(founded).await?
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work).await.map_err(|why| Fault::failed(why.to_string()))
}

/// Builds the connector as its vendor would: `hawser build plugins/csv`.
async fn build(kind: Kind, guest: GuestArgs) -> Result<PathBuf, Fault> {
    let source = source(kind.terms().connector)?;
    show::say(&format!("building {}, as `hawser build` does", source.display()))?;
    let mut told = |line: &str| drop(show::detail(line));
    let built = blocking(move || guest.build(&source, None, Care::Well, &mut told)).await??;
    let kib = built.component_bytes.div_ceil(1024);
    show::say(&format!("built {} {}, a component of {kib} KiB", built.connector, built.version))?;
    Ok(built.folder)
}

/// The connector's source: of the repository the demo is called in, else of the one it was compiled from.
fn source(connector: &str) -> Result<PathBuf, Fault> {
    let connector = format!("plugins/{connector}");
    let here = current_dir().map_err(Fault::io("cannot tell the current folder"))?;
    let compiled_from = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    here.ancestors()
        .chain([compiled_from])
        .map(|top| top.join(&connector))
        .find(|source| source.join("connector.toml").is_file())
        .ok_or_else(|| {
            Fault::usage(format!("{connector} is not found: call the demo in a clone of Hawser's repository"))
        })
}
