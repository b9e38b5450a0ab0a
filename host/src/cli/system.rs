//! `hawser system`: the target applications under management.

use clap::{Args, Subcommand};
use serde_json::json;

use super::client::{Call, word};
use super::fault::Fault;
use super::remote::{Paging, Remote};
use super::table::Column;

const COLUMNS: &[Column<'_>] = &[("system", "/id"), ("title", "/title")];

/// Target applications under management.
#[derive(Args)]
pub(super) struct System {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// All systems.
    List(Paging),
    /// One system.
    Show { system: String },
    /// Add a system.
    Create {
        system: String,
        /// What people call it.
        #[arg(long)]
        title: String,
    },
    /// Read the schemas of all its connections anew: a task each.
    Refresh { system: String },
    /// Remove a system that has no connections.
    Delete { system: String },
}

impl System {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        let path = |system: &str| format!("/v1/systems/{}", word(system));
        match self.command {
            Command::List(paging) => session.page(Call::get("/v1/systems"), &paging, COLUMNS).await,
            Command::Show { system } => session.one(Call::get(path(&system)), COLUMNS).await,
            Command::Create { system, title } => {
                session.one(Call::post("/v1/systems", json!({"id": system, "title": title})), COLUMNS).await
            }
            Command::Refresh { system } => {
                let columns = &[("connection", "/connection"), ("task", "/task"), ("problem", "/problem/detail")];
                session.items(Call::act(format!("{}/schema/refresh", path(&system))), "/items", columns).await
            }
            Command::Delete { system } => {
                session.done(Call::delete(path(&system)), &format!("deleted system {system}")).await
            }
        }
    }
}
