//! `hawser connector`: which connectors the host has loaded, what each declares, and which of its releases serves.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::client::{Call, word};
use super::fault::Fault;
use super::remote::{Paging, Remote, Session};
use super::{out, table};
use crate::registry::folder;

const RELEASE: &[table::Column<'_>] = &[
    ("connector", "/connector"),
    ("version", "/version"),
    ("state", "/state"),
    ("development", "/development"),
    ("awaits", "/awaits"),
    ("counter", "/counter"),
    ("expires", "/expires"),
    ("installed by", "/installedBy"),
    ("failure", "/failure"),
];

/// Connectors the host has loaded.
#[derive(Args)]
pub(super) struct Connector {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// All loaded connectors.
    List(Paging),
    /// One connector: what it can do, its options and directories.
    Show {
        /// PUBLISHER/NAME.
        connector: String,
    },
    /// Install a signed release; it serves at once unless it asks for more than the one that runs.
    Install {
        /// The release's folder, with component.wasm and release.json.
        folder: PathBuf,
        /// Only install it; `activate` lets it serve later.
        #[arg(long)]
        no_activate: bool,
    },
    /// All releases on the host.
    Releases(Paging),
    /// Let an installed release serve, a newer one or, to roll back, an older one.
    Activate {
        #[command(flatten)]
        release: ReleaseArgs,
        /// A permission it asks for beyond the one that runs; again for more.
        #[arg(long, value_name = "PERMISSION")]
        approve: Vec<String>,
    },
    /// Take a release out of service.
    Deactivate {
        #[command(flatten)]
        release: ReleaseArgs,
    },
}

/// Which release.
#[derive(Args)]
struct ReleaseArgs {
    /// PUBLISHER/NAME.
    connector: String,
    version: String,
}

impl Connector {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        match self.command {
            Command::List(paging) => list(&session, &paging).await,
            Command::Show { connector } => show(&session, &connector).await,
            Command::Install { folder, no_activate } => {
                session.one(installation(&folder, !no_activate)?, RELEASE).await
            }
            Command::Releases(paging) => session.page(Call::get("/v1/releases"), &paging, RELEASE).await,
            Command::Activate { release, approve } => {
                session.one(Call::post(release.path("activate")?, json!({"approve": approve})), RELEASE).await
            }
            Command::Deactivate { release } => session.one(Call::act(release.path("deactivate")?), RELEASE).await,
        }
    }
}

impl ReleaseArgs {
    fn path(&self, verb: &str) -> Result<String, Fault> {
        Ok(format!("{}/releases/{}/{verb}", path(&self.connector)?, word(&self.version)))
    }
}

fn installation(folder: &Path, activate: bool) -> Result<Call, Fault> {
    let (statement, component) = (folder::envelope(folder)?, folder::component(folder)?);
    let call = Call::act("/v1/releases").part("statement", statement).part("component", component);
    Ok(call.part("activate", activate.to_string()))
}

async fn list(session: &Session, paging: &Paging) -> Result<(), Fault> {
    let columns = [
        ("connector", "/connector"),
        ("version", "/version"),
        ("title", "/title"),
        ("development", "/development"),
        ("sha256", "/sha256"),
    ];
    session.page(Call::get("/v1/connectors"), paging, &columns).await
}

async fn show(session: &Session, connector: &str) -> Result<(), Fault> {
    let reply = session.ask(Call::get(path(connector)?)).await?;
    if session.json {
        return out::json(&reply.body);
    }
    let columns = [
        ("connector", "/connector"),
        ("version", "/version"),
        ("title", "/title"),
        ("summary", "/summary"),
        ("contract", "/wit"),
        ("can do", "/interfaces/exports"),
        ("may use", "/interfaces/imports"),
        ("development", "/development"),
        ("sha256", "/sha256"),
    ];
    table::one(&reply.body, &columns)?;
    let options = [("option", "/name"), ("kind", "/kind"), ("default", "/default"), ("label", "/label")];
    section(&reply.body, "/options", "Options", &options)?;
    section(
        &reply.body,
        "/directories",
        "Directories",
        &[("directory", "/name"), ("access", "/access"), ("label", "/label")],
    )?;
    let secured = [("option", "/name"), ("kind", "/kind"), ("use", "/use"), ("label", "/label")];
    section(&reply.body, "/securedOptions", "Secured options", &secured)?;
    let destinations = [("destination", "/name"), ("address", "/address"), ("label", "/label")];
    section(&reply.body, "/destinations", "Destinations", &destinations)?;
    let permissions = [("permission", "/permission"), ("what it means", "/words")];
    section(&reply.body, "/permissions", "Asks an operator to approve", &permissions)
}

fn section(body: &Json, pointer: &str, title: &str, columns: &[table::Column<'_>]) -> Result<(), Fault> {
    match body.pointer(pointer).and_then(Json::as_array) {
        Some(items) if !items.is_empty() => {
            out::line(format_args!("\n{title}"))?;
            table::list(items, columns)
        }
        _ => Ok(()),
    }
}

/// The path of a connector, by its full name.
pub(super) fn path(connector: &str) -> Result<String, Fault> {
    let (publisher, name) = connector
        .split_once('/')
        .ok_or_else(|| Fault::usage(format!("{connector:?} is no connector: write PUBLISHER/NAME, e.g. hawser/csv")))?;
    Ok(format!("/v1/connectors/{}/{}", word(publisher), word(name)))
}
