//! `hawser audit`: who changed what, and whether the chain of entries is whole.

use clap::{Args, Subcommand};
use serde_json::Value as Json;

use super::client::Call;
use super::fault::Fault;
use super::remote::{Paging, Remote, Session};
use super::table::Column;
use super::{out, table};

const COLUMNS: &[Column<'_>] = &[
    ("entry", "/id"),
    ("when", "/at"),
    ("who", "/caller"),
    ("action", "/action"),
    ("connection", "/connection"),
    ("object", "/uid"),
    ("outcome", "/outcome/status"),
];

/// The audit trail.
#[derive(Args)]
pub(super) struct Audit {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Entries, oldest first.
    List {
        /// Only of this connection.
        #[arg(long)]
        connection: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Is every entry what it was when it was written? Fails if not.
    Verify,
}

impl Audit {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        match self.command {
            Command::List { connection, paging } => {
                session.page(Call::get("/v1/audit").query("connection", connection), &paging, COLUMNS).await
            }
            Command::Verify => verify(&session).await,
        }
    }
}

async fn verify(session: &Session) -> Result<(), Fault> {
    let reply = session.ask(Call::get("/v1/audit/verify")).await?;
    if session.json {
        out::json(&reply.body)?;
    }
    if reply.body.pointer("/intact").and_then(Json::as_bool) == Some(true) {
        let rows = table::cell(&reply.body, "/rows");
        return if session.json { Ok(()) } else { out::line(format_args!("the audit trail is intact, {rows} rows")) };
    }
    let [first, reason] = ["/firstBroken", "/reason"].map(|field| table::cell(&reply.body, field));
    Err(Fault::failed(format!("the audit trail was changed, from row {first} on: {reason}")))
}
