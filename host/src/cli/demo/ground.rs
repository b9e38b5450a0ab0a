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
    /// The built connector.
    pub(super) connector: PathBuf,
    /// The company as it is outside of the host.
    pub(super) target: Arc<dyn Target>,
}

impl Ground {
    /// Builds the connector, founds the company, starts the host.
    pub(super) async fn prepare(kind: Kind, guest: GuestArgs, company: Company, clock: Clock) -> Result<Self, Fault> {
        let connector = build(kind, guest).await?;
        let folder = tempfile::tempdir().map_err(Fault::io("cannot make a temporary folder"))?;
        let target = found(kind, folder.path().to_owned(), company).await?;
        let config = Config {
            egress: EgressConfig { loopback: target.terms().range.is_some(), ..EgressConfig::default() },
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            data_dir: folder.path().join("host"),
            ..Config::default()
        };
        let mut running = host::start(config, clock).await?;
        let tokens = running.first_tokens.take();
        let tokens = tokens.ok_or_else(|| Fault::failed("a fresh host made no tokens"))?;
        let ground = Self { folder, running, tokens, connector, target };
        show::say(&format!("started a host with an embedded database on {}", ground.url()))?;
        Ok(ground)
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
        drop(self.target);
        self.folder.close().map_err(Fault::io("cannot remove the temporary folder"))
    }
}

/// Founds the company in its target.
async fn found(kind: Kind, folder: PathBuf, company: Company) -> Result<Arc<dyn Target>, Fault> {
    let founded = move || -> Result<Arc<dyn Target>, Fault> {
        Ok(match kind {
            Kind::Csv => Arc::new(Files::write(&folder.join("data"), company)?),
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
