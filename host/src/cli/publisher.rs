//! `hawser publisher`: whose signatures the host trusts.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::{Call, word};
use super::fault::Fault;
use super::remote::{Paging, Remote};
use super::table::Column;
use super::verify::read_key;

const COLUMNS: &[Column<'_>] = &[
    ("publisher", "/publisher"),
    ("key", "/keyId"),
    ("title", "/title"),
    ("added", "/added"),
    ("added by", "/addedBy"),
];

/// Publishers whose signatures the host trusts.
#[derive(Args)]
pub(super) struct Publisher {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// All trusted keys.
    List(Paging),
    /// Trust a key for one publisher's releases.
    Trust {
        /// The part of connectors' names before the slash.
        publisher: String,
        /// The publisher's public key, in PEM.
        #[arg(value_name = "FILE")]
        key: PathBuf,
        /// What people call it [default: the publisher].
        #[arg(long)]
        title: Option<String>,
    },
    /// Trust a key no longer: what it signed for that publisher stops serving.
    Distrust {
        publisher: String,
        /// The key's id, as `list` shows it.
        #[arg(value_name = "KEY")]
        key: String,
    },
}

impl Publisher {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        match self.command {
            Command::List(paging) => session.page(Call::get("/v1/publishers"), &paging, COLUMNS).await,
            Command::Trust { publisher, key, title } => {
                // Read here and written again: a private key that was named by mistake does not leave this machine.
                let key = read_key(&key)?.to_pem();
                let path = format!("/v1/publishers/{}/keys", word(&publisher));
                let body = json!({"publicKey": key, "title": title.unwrap_or(publisher)});
                session.one(Call::post(path, body), COLUMNS).await
            }
            Command::Distrust { publisher, key } => {
                let path = format!("/v1/publishers/{}/keys/{}", word(&publisher), word(&key));
                session.done(Call::delete(path), &format!("{publisher}'s key {key} is not trusted any more")).await
            }
        }
    }
}
