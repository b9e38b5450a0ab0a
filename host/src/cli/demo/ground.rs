//! Where the demo happens: a temporary folder with the company's files and the host's data, the CSV connector built
//! from its source, and a host on a free port of this machine. All of it is gone when the demo ends.

use std::env::current_dir;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::build::GuestArgs;
use super::super::client::Client;
use super::super::fault::Fault;
use super::people::Company;
use super::show;
use crate::api::FirstTokens;
use crate::clock::Clock;
use crate::config::Config;
use crate::host::{self, Running};

/// Where the connector's source is, seen from the top of the repository.
const CONNECTOR: &str = "plugins/csv";

/// A host over the company's files.
pub(super) struct Ground {
    /// Removed with everything in it when this is dropped.
    folder: TempDir,
    running: Running,
    tokens: FirstTokens,
    /// The built connector.
    pub(super) connector: PathBuf,
}

impl Ground {
    /// Builds the connector, writes the files, starts the host.
    pub(super) async fn prepare(guest: GuestArgs, company: Company, clock: Clock) -> Result<Self, Fault> {
        let connector = build(guest).await?;
        let folder = tempfile::tempdir().map_err(Fault::io("cannot make a temporary folder"))?;
        let data = data_of(folder.path());
        std::fs::create_dir(&data).map_err(Fault::io(data.display()))?;
        company.write(&data).map_err(|why| Fault::failed(format!("{}: {why}", data.display())))?;
        show::say(&format!("wrote the company's accounts.csv, groups.csv and memberships.csv to {}", data.display()))?;
        let config = Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            data_dir: folder.path().join("host"),
            ..Config::default()
        };
        let mut running = host::start(config, clock).await?;
        let tokens = running.first_tokens.take();
        let tokens = tokens.ok_or_else(|| Fault::failed("a fresh host made no tokens"))?;
        let ground = Self { folder, running, tokens, connector };
        show::say(&format!("started a host with an embedded database on {}", ground.url()))?;
        Ok(ground)
    }

    /// The host's address.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.running.addr)
    }

    /// The folder of the company's files.
    pub(super) fn data(&self) -> PathBuf {
        data_of(self.folder.path())
    }

    /// The tokens of the host's first start.
    pub(super) fn tokens(&self) -> &FirstTokens {
        &self.tokens
    }

    /// A client of the host with one of its tokens.
    pub(super) fn client(&self, token: &str) -> Result<Client, Fault> {
        Client::new(&self.url(), Some(token))
    }

    /// Stops the host and removes everything.
    pub(super) async fn clear(self) -> Result<(), Fault> {
        self.running.stop().await;
        self.folder.close().map_err(Fault::io("cannot remove the temporary folder"))
    }
}

fn data_of(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// Builds the CSV connector as its vendor would: `hawser build plugins/csv`.
async fn build(guest: GuestArgs) -> Result<PathBuf, Fault> {
    let source = source()?;
    show::say(&format!("building {}, as `hawser build` does", source.display()))?;
    let mut told = |line: &str| drop(show::detail(line));
    let built = tokio::task::spawn_blocking(move || guest.build(&source, None, &mut told)).await;
    let built = built.map_err(|why| Fault::failed(why.to_string()))??;
    let kib = built.component_bytes.div_ceil(1024);
    show::say(&format!("built {} {}, a component of {kib} KiB", built.connector, built.version))?;
    Ok(built.folder)
}

/// The connector's source: of the repository the demo is called in, else of the one it was compiled from.
fn source() -> Result<PathBuf, Fault> {
    let here = current_dir().map_err(Fault::io("cannot tell the current folder"))?;
    let compiled_from = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    here.ancestors()
        .chain([compiled_from])
        .map(|top| top.join(CONNECTOR))
        .find(|source| source.join("connector.toml").is_file())
        .ok_or_else(|| {
            Fault::usage(format!("{CONNECTOR} is not found: call the demo in a clone of Hawser's repository"))
        })
}
