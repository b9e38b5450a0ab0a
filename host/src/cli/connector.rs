//! `hawser connector`: which connectors the host has loaded, and what each declares.

use clap::{Args, Subcommand};
use serde_json::Value as Json;

use super::client::{Call, word};
use super::fault::Fault;
use super::remote::{Paging, Remote, Session};
use super::{out, table};

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
}

impl Connector {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        match self.command {
            Command::List(paging) => list(&session, &paging).await,
            Command::Show { connector } => show(&session, &connector).await,
        }
    }
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
    )
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
