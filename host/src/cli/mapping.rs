//! `hawser mapping`: which rows are entities, how they belong together, what targets are told, which account is whose.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value as Json;

use super::client::{Call, word};
use super::fault::{Exit, Fault};
use super::remote::{Paging, Remote, Session};
use super::table::Column;
use super::{connection, out, table};

const COLUMNS: &[Column<'_>] = &[
    ("mapping", "/id"),
    ("kind", "/kind"),
    ("title", "/title"),
    ("verified", "/verified"),
    ("first warning", "/warnings/0/message"),
];

const ALL: &[Column<'_>] = &[
    ("mapping", "/id"),
    ("kind", "/kind"),
    ("title", "/title"),
    ("verified", "/verified"),
    ("flaws", "/flaws"),
    ("warnings", "/warnings"),
    ("definition", "/definition"),
    ("created", "/created"),
    ("changed", "/changed"),
];

const FLAWS: &[Column<'_>] = &[("at", "/at"), ("what is wrong", "/message")];

/// What is made of the tables of imports.
#[derive(Args)]
pub(super) struct Mapping {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// All mappings.
    List(Paging),
    /// One mapping.
    Show { mapping: String },
    /// Add a mapping, or replace it.
    Put {
        /// Its definition: TOML (*.toml) or JSON; `-` reads JSON from standard input.
        #[arg(short, long)]
        file: PathBuf,
        /// Replace it only if it still is what was seen: the ETag that `show` prints.
        #[arg(long, value_name = "ETAG")]
        if_match: Option<String>,
    },
    /// Say what is wrong with a definition, and change nothing.
    Check {
        /// The definition: TOML (*.toml) or JSON; `-` reads JSON from standard input.
        #[arg(short, long)]
        file: PathBuf,
    },
    /// Take note of the warnings that `show` tells: of what it named and is there no longer.
    Acknowledge { mapping: String },
    /// Remove a mapping that no other one names.
    Remove { mapping: String },
    /// The entities of a type, one on a line, as JSON.
    Entities {
        mapping: String,
        /// Only what changed since: the position that the last line told.
        #[arg(long, value_name = "POSITION")]
        since: Option<String>,
    },
    /// The pairs of an association, one on a line, as JSON.
    Associations {
        mapping: String,
        /// Only what changed since: the position that the last line told.
        #[arg(long, value_name = "POSITION")]
        since: Option<String>,
    },
    /// Whose each account is by a rule of correlation, one on a line, as JSON.
    Owners { mapping: String },
}

impl Mapping {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        match self.command {
            Command::List(paging) => session.page(Call::get("/v1/mappings"), &paging, COLUMNS).await,
            Command::Show { mapping } => show(&session, &mapping).await,
            Command::Put { file, if_match } => put(&session, connection::describe(&file)?, if_match.as_deref()).await,
            Command::Check { file } => check(&session, connection::describe(&file)?).await,
            Command::Acknowledge { mapping } => {
                let call = Call::act(format!("{}/acknowledge", path(&mapping)));
                session.done(call, &format!("acknowledged the warnings of mapping {mapping}")).await
            }
            Command::Remove { mapping } => {
                session.done(Call::delete(path(&mapping)), &format!("removed mapping {mapping}")).await
            }
            Command::Entities { mapping, since } => {
                stream(&session, format!("{}/entities", path(&mapping)), since).await
            }
            Command::Associations { mapping, since } => {
                stream(&session, format!("{}/associations", path(&mapping)), since).await
            }
            Command::Owners { mapping } => stream(&session, format!("{}/owners", path(&mapping)), None).await,
        }
    }
}

async fn show(session: &Session, mapping: &str) -> Result<(), Fault> {
    let reply = session.ask(Call::get(path(mapping))).await?;
    session.show(&reply, ALL)?;
    match reply.etag() {
        Some(etag) if !session.json => out::line(format_args!("etag        {}", out::visible(etag))),
        _ => Ok(()),
    }
}

/// Replaces it; adds it, if it is not there and nobody said which revision it has.
async fn put(session: &Session, definition: Json, if_match: Option<&str>) -> Result<(), Fault> {
    let Some(id) = definition.pointer("/id").and_then(Json::as_str) else {
        return Err(Fault::usage("the definition has no `id`"));
    };
    let replace = Call::put(path(id), definition.clone()).header("if-match", if_match)?;
    match session.ask(replace).await {
        Err(fault) if fault.exit == Exit::NotFound && if_match.is_none() => {
            session.one(Call::post("/v1/mappings", definition), COLUMNS).await
        }
        reply => session.show(&reply?, COLUMNS),
    }
}

async fn check(session: &Session, definition: Json) -> Result<(), Fault> {
    let reply = session.ask(Call::post("/v1/mappings/check", definition)).await?;
    let flaws = reply.body.pointer("/flaws").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    if session.json {
        out::json(&reply.body)?;
    } else if !flaws.is_empty() {
        table::list(flaws, FLAWS)?;
    }
    match flaws.len() {
        0 if session.json => Ok(()),
        0 => out::line("nothing is wrong"),
        1 => Err(Fault::usage("the mapping has a flaw")),
        count => Err(Fault::usage(format!("the mapping has {count} flaws"))),
    }
}

async fn stream(session: &Session, path: String, since: Option<String>) -> Result<(), Fault> {
    session.client.lines(&Call::get(path).query("since", since), |line| out::line(line)).await.map(drop)
}

fn path(mapping: &str) -> String {
    format!("/v1/mappings/{}", word(mapping))
}
