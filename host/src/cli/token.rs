//! `hawser token`: whose tokens the host takes. A token itself is shown once, when it is made.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::client::{Call, word};
use super::fault::Fault;
use super::remote::{Paging, Remote};

/// Tokens the host takes.
#[derive(Args)]
pub(super) struct Token {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Names and roles; never the tokens.
    List(Paging),
    /// Make a token; it is shown this once.
    Make {
        /// Whose it is, for lists and the audit trail.
        name: String,
        /// What it may do.
        #[arg(long, value_enum)]
        role: Role,
    },
    /// Revoke a token, from the next request on.
    Revoke { name: String },
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    /// Run operations on connections.
    Core,
    /// Everything.
    Operator,
}

impl Token {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        match self.command {
            Command::List(paging) => {
                let columns = [("token", "/name"), ("role", "/role"), ("created", "/created")];
                session.page(Call::get("/v1/tokens"), &paging, &columns).await
            }
            Command::Make { name, role } => {
                let role = match role {
                    Role::Core => "core",
                    Role::Operator => "operator",
                };
                let call = Call::post("/v1/tokens", json!({"name": name, "role": role}));
                session.one(call, &[("name", "/name"), ("role", "/role"), ("token", "/token")]).await
            }
            Command::Revoke { name } => {
                session
                    .done(Call::delete(format!("/v1/tokens/{}", word(&name))), &format!("revoked token {name}"))
                    .await
            }
        }
    }
}
