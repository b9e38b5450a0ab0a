//! `hawser token`: whose tokens the host takes. The tokens themselves are shown once, when they are made.

use clap::{Args, Subcommand};

use super::client::Call;
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
}

impl Token {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let Command::List(paging) = self.command;
        let columns = [("token", "/name"), ("role", "/role"), ("created", "/created")];
        self.remote.open()?.page(Call::get("/v1/tokens"), &paging, &columns).await
    }
}
