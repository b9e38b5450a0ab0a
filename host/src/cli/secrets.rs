//! `hawser secrets`: what is done with secrets as a whole. `new-key` and `forget-lost` ask no host: the one makes a line for
//! where the operator keeps keys, the other needs the host to stand still.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value as Json;

use super::client::Call;
use super::fault::Fault;
use super::remote::{Remote, Session};
use super::{connection, out, table};
use crate::clock::Clock;
use crate::{host, secrets};

/// References to secrets outside the host, and the key that seals those inside.
#[derive(Args)]
pub(super) struct Secrets {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Read again what references point at: of one connection, or of all.
    Reread { connection: Option<String> },
    /// Seal everything anew under a new key, and remove the old one; an interrupted rotation is gone on with.
    Rotate,
    /// Print a line with a new key, for a key ring that is kept in `HAWSER_VAULT_KEY`.
    NewKey,
    /// Give up what was sealed under a key that is lost, so that the host starts again. The host must stand still.
    ForgetLost {
        /// The host's own directory.
        #[arg(long, value_name = "DIR")]
        data_dir: PathBuf,
        /// The lost key, as the host names it when it does not start.
        #[arg(long = "key", value_name = "ID", required = true)]
        keys: Vec<String>,
    },
}

const REREAD: &[table::Column<'_>] = &[("references", "/read"), ("changed", "/changed"), ("failed", "/failed")];

const ROTATED: &[table::Column<'_>] = &[
    ("key", "/key"),
    ("sealed anew", "/sealed"),
    ("went on with an interrupted rotation", "/continued"),
    ("removed", "/removed"),
    ("may be removed from HAWSER_VAULT_KEY", "/removable"),
];

impl Secrets {
    pub(super) async fn run(self) -> Result<(), Fault> {
        match self.command {
            Command::Reread { connection } => reread(&self.remote.open()?, connection.as_deref()).await,
            Command::Rotate => {
                let session = self.remote.open()?;
                session.one(Call::act("/v1/secrets/rotate"), ROTATED).await
            }
            Command::NewKey => out::line(secrets::new_key().trim_end()),
            Command::ForgetLost { data_dir, keys } => {
                let keys = keys.into_iter().collect();
                let count = host::forget_lost_secrets(&data_dir, &keys, Clock::system()).await?;
                out::line(format_args!("{count} secured options and orders are forgotten; enter them again"))
            }
        }
    }
}

/// Says what came of it; a reference that leads nowhere is a failure of the command.
async fn reread(session: &Session, of: Option<&str>) -> Result<(), Fault> {
    let path = match of {
        Some(of) => format!("{}/secured-options/reread", connection::path(of)),
        None => "/v1/secrets/reread".to_owned(),
    };
    let reply = session.ask(Call::act(path)).await?;
    session.show(&reply, REREAD)?;
    let failures = reply.body.pointer("/failures").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    if failures.is_empty() {
        return Ok(());
    }
    for failure in failures {
        out::note(format_args!("{}: {}", table::cell(failure, "/connection"), table::cell(failure, "/message")));
    }
    Err(Fault::failed("not every reference leads to a value"))
}
