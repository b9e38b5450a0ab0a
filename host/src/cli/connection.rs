//! `hawser connection`: configured uses of connectors, and what can be asked about one.

mod permissions;
mod schema;
mod switches;

use std::fs::File;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value as Json, json};

use super::client::{Call, word};
use super::fault::{Exit, Fault};
use super::remote::{Paging, Remote, Session};
use super::table::Column;
use super::{out, secret, table};

/// The longest description of a connection, in bytes; the API takes no more.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

const COLUMNS: &[Column<'_>] = &[
    ("connection", "/id"),
    ("system", "/system"),
    ("connector", "/connector"),
    ("version", "/version"),
    ("title", "/title"),
];

const ALL: &[Column<'_>] = &[
    ("connection", "/id"),
    ("system", "/system"),
    ("connector", "/connector"),
    ("version", "/version"),
    ("title", "/title"),
    ("options", "/options"),
    ("directories", "/directories"),
    ("destinations", "/destinations"),
    ("thresholds", "/thresholds"),
    ("switches", "/switches"),
    ("release", "/release/version"),
    ("unsigned", "/release/development"),
    ("created", "/created"),
    ("changed", "/changed"),
];

/// Configured uses of connectors.
#[derive(Args)]
pub(super) struct Connection {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// All connections.
    List {
        /// Only of this system.
        #[arg(long)]
        system: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// One connection.
    Show { connection: String },
    /// Add a connection.
    Create {
        /// Its description: TOML (*.toml) or JSON with the API's keys; `-` reads JSON from standard input.
        #[arg(short, long)]
        file: PathBuf,
    },
    /// Replace a connection's configuration.
    Replace {
        connection: String,
        /// Its description: TOML (*.toml) or JSON with the API's keys; `-` reads JSON from standard input.
        #[arg(short, long)]
        file: PathBuf,
        /// Only if it still is what was seen: the ETag that `show` prints.
        #[arg(long, value_name = "ETAG")]
        if_match: Option<String>,
    },
    /// Remove a connection with everything imported through it.
    Delete { connection: String },
    /// Does it work? Asks the target.
    Check {
        connection: String,
        /// What to check.
        #[arg(long, value_enum, default_value = "connect")]
        aspect: Aspect,
    },
    /// Values the connector suggests for an option.
    Suggest { connection: String, option: String },
    /// What its connector asks for, and what is approved.
    Permissions { connection: String },
    /// Approve what its connector asks for.
    Approve {
        connection: String,
        /// Each as `hawser connection permissions` lists it.
        #[arg(required_unless_present = "all")]
        permissions: Vec<String>,
        /// All it asks for, except to read secrets: what begins with `reveal:` has to be named.
        #[arg(long, conflicts_with = "permissions")]
        all: bool,
    },
    /// Withdraw what was approved.
    Withdraw {
        connection: String,
        #[arg(required = true)]
        permissions: Vec<String>,
    },
    /// What would be decided if its connector wanted to reach a place, and by which rule. Nothing is connected to.
    Explain {
        connection: String,
        /// As protocol://host:port, e.g. ldaps://dc1.example.org:636.
        target: String,
    },
    /// What the target looks like: classes and attributes.
    Schema {
        connection: String,
        /// Ask the target anew.
        #[arg(long)]
        refresh: bool,
        /// Its versions instead: one for each refresh that found something different.
        #[arg(long, conflicts_with_all = ["refresh", "changes"])]
        snapshots: bool,
        /// What the newest version, or --to, says differently from the one before, or --from.
        #[arg(long, conflicts_with = "refresh")]
        changes: bool,
        /// The earlier version.
        #[arg(long, requires = "changes", value_name = "NUMBER")]
        from: Option<u32>,
        /// The later version.
        #[arg(long, requires = "changes", value_name = "NUMBER")]
        to: Option<u32>,
    },
    /// Turn parts of it off and on again.
    Switch(switches::Set),
    /// Secured options: passwords, tokens and keys that the connector uses.
    #[command(subcommand)]
    Secret(secret::Command),
}

#[derive(Clone, Copy, ValueEnum)]
enum Aspect {
    Connect,
    Complete,
    Incremental,
    Provision,
}

impl Aspect {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Complete => "complete",
            Self::Incremental => "incremental",
            Self::Provision => "provision",
        }
    }
}

impl Connection {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        match self.command {
            Command::List { system, paging } => {
                session.page(Call::get("/v1/connections").query("system", system), &paging, COLUMNS).await
            }
            Command::Show { connection } => show(&session, &connection).await,
            Command::Create { file } => session.one(Call::post("/v1/connections", describe(&file)?), ALL).await,
            Command::Replace { connection, file, if_match } => {
                let call = Call::put(path(&connection), describe(&file)?).header("if-match", if_match.as_deref())?;
                session.one(call, ALL).await
            }
            Command::Delete { connection } => {
                session.done(Call::delete(path(&connection)), &format!("deleted connection {connection}")).await
            }
            Command::Check { connection, aspect } => check(&session, &connection, aspect).await,
            Command::Suggest { connection, option } => {
                let call = Call::post(format!("{}/suggest", path(&connection)), json!({"option": option}));
                session.items(call, "/choices", &[("value", "/value"), ("label", "/label")]).await
            }
            Command::Permissions { connection } => {
                session.items(Call::get(permissions::path(&connection)), "/items", permissions::COLUMNS).await
            }
            Command::Approve { connection, permissions, all } => {
                permissions::approve(&session, &connection, permissions, all).await
            }
            Command::Withdraw { connection, permissions } => {
                permissions::change(&session, &connection, &json!({"withdraw": permissions})).await
            }
            Command::Explain { connection, target } => explain(&session, &connection, target).await,
            Command::Schema { connection, snapshots: true, .. } => schema::snapshots(&session, &connection).await,
            Command::Schema { connection, changes: true, from, to, .. } => {
                schema::changes(&session, &connection, from, to).await
            }
            Command::Schema { connection, refresh, .. } => schema::show(&session, &connection, refresh).await,
            Command::Switch(set) => set.run(&session).await,
            Command::Secret(command) => command.run(&session).await,
        }
    }
}

/// The path of a connection.
pub(super) fn path(connection: &str) -> String {
    format!("/v1/connections/{}", word(connection))
}

async fn show(session: &Session, connection: &str) -> Result<(), Fault> {
    let reply = session.ask(Call::get(path(connection))).await?;
    session.show(&reply, ALL)?;
    match reply.etag() {
        Some(etag) if !session.json => out::line(format_args!("etag         {}", out::visible(etag))),
        _ => Ok(()),
    }
}

async fn check(session: &Session, connection: &str, aspect: Aspect) -> Result<(), Fault> {
    let call = Call::post(format!("{}/check", path(connection)), json!({"aspect": aspect.as_str()}));
    let reply = session.ask(call).await?;
    if session.json {
        out::json(&reply.body)?;
    } else {
        for finding in reply.body.pointer("/findings").and_then(Json::as_array).into_iter().flatten() {
            let mark = if finding.get("problem").is_some_and(|problem| !problem.is_null()) { "-" } else { "+" };
            out::line(format_args!("{mark} {}", table::cell(finding, "/text")))?;
        }
    }
    match reply.body.pointer("/ok").and_then(Json::as_bool) {
        Some(true) => Ok(()),
        _ => Err(Fault::new(Exit::Failed, "the check found something wrong")),
    }
}

async fn explain(session: &Session, connection: &str, target: String) -> Result<(), Fault> {
    let call = Call::get(format!("{}/explain", path(connection))).query("target", Some(target));
    let reply = session.ask(call).await?;
    if session.json {
        out::json(&reply.body)?;
    } else {
        table::one(&reply.body, EXPLAINED)?;
        let addresses = reply.body.pointer("/addresses").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
        if !addresses.is_empty() {
            out::line(format_args!(""))?;
            table::list(addresses, &[("address", "/address"), ("range", "/range"), ("refusal", "/refusal")])?;
        }
    }
    match reply.body.pointer("/allowed").and_then(Json::as_bool) {
        Some(true) => Ok(()),
        _ => Err(Fault::new(Exit::Failed, "it would be refused")),
    }
}

const EXPLAINED: &[Column<'_>] = &[
    ("target", "/target"),
    ("destination", "/destination"),
    ("permission", "/permission"),
    ("allowed", "/allowed"),
    ("refusal", "/refusal"),
    ("without TLS", "/unprotected"),
];

/// A description in TOML or JSON.
pub(super) fn describe(file: &Path) -> Result<Json, Fault> {
    let shown = file.display();
    let wrong = |why: String| Fault::usage(format!("{shown}: {why}"));
    if file == Path::new("-") {
        return serde_json::from_str(&bounded(stdin().lock(), &shown)?).map_err(|why| wrong(why.to_string()));
    }
    let text = bounded(File::open(file).map_err(Fault::io(&shown))?, &shown)?;
    if file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml")) {
        return toml::from_str(&text).map_err(|why| wrong(why.to_string()));
    }
    serde_json::from_str(&text).map_err(|why| wrong(why.to_string()))
}

fn bounded(source: impl Read, shown: &impl std::fmt::Display) -> Result<String, Fault> {
    let mut text = String::new();
    let length = source.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(Fault::io(shown))?;
    if u64::try_from(length).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err(Fault::usage(format!("{shown} has more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        (folder, file)
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_with_the_place() {
        let (_folder, file) = written("c.json", "{\"id\": }");
        let fault = describe(&file).unwrap_err();
        assert_eq!(fault.exit, Exit::Usage);
        assert!(fault.message.contains("c.json") && fault.message.contains("line 1"), "{fault}");
        assert!(describe(Path::new("missing.toml")).unwrap_err().message.contains("missing.toml"));
    }

    #[test]
    fn toml_and_json_say_the_same() {
        let (_toml, toml) = written("c.toml", "id = \"people\"\n[directories.data]\npath = \"/srv\"\n");
        let (_json, json) = written("c.json", r#"{"id": "people", "directories": {"data": {"path": "/srv"}}}"#);
        assert_eq!(describe(&toml).unwrap(), describe(&json).unwrap());
    }
}
