//! `hawser import`: passes over a target, complete or of what changed, run as tasks of the host.

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::client::Call;
use super::fault::Fault;
use super::output::Output;
use super::remote::{Paging, Remote, Session};
use super::{connection, task};

/// Imports: start, watch, decide about one that is held.
#[derive(Args)]
pub(super) struct Import {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Import everything of a connection, or what changed.
    Run {
        connection: String,
        /// Only what changed since the import that was published last.
        #[arg(long)]
        incremental: bool,
        #[command(flatten)]
        output: Output,
        /// Wait for the end, with a progress bar; the exit code says how it ended.
        #[arg(long)]
        wait: bool,
    },
    /// Tasks, newest first.
    List {
        /// Only of this connection.
        #[arg(long)]
        connection: Option<String>,
        /// Only in this state: queued, running, paused, held, succeeded, failed, cancelled, rejected.
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// One task.
    Show { task: String },
    /// Wait for the end of a task, with a progress bar.
    Wait { task: String },
    /// Publish a held import after all.
    Approve { task: String },
    /// Throw a held import away.
    Reject { task: String },
    /// Stop a task; nothing it staged becomes visible.
    Cancel { task: String },
    /// What a held import would remove.
    Removals {
        task: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Records an import set aside because they could not be read.
    Rejected {
        task: String,
        #[command(flatten)]
        paging: Paging,
    },
}

impl Import {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        match self.command {
            Command::Run { connection, incremental, output, wait } => {
                let mode = if incremental { "incremental" } else { "complete" };
                let mut order = json!({"mode": mode});
                if let (Some(output), Some(order)) = (output.says(), order.as_object_mut()) {
                    order.insert("output".to_owned(), output);
                }
                run(&session, &connection, &order, wait).await
            }
            Command::List { connection, state, paging } => {
                let call = Call::get("/v1/tasks").query("connection", connection).query("state", state);
                session.page(call, &paging, task::COLUMNS).await
            }
            Command::Show { task } => session.one(Call::get(task::path(&task)), task::ALL).await,
            Command::Wait { task } => task::finish(&session, &task).await,
            Command::Approve { task } => task::act(&session, &task, "approve").await,
            Command::Reject { task } => task::act(&session, &task, "reject").await,
            Command::Cancel { task } => task::act(&session, &task, "cancel").await,
            Command::Removals { task, paging } => {
                let columns = [("class", "/class"), ("uid", "/uid"), ("name", "/name")];
                session.page(Call::get(format!("{}/removals", task::path(&task))), &paging, &columns).await
            }
            Command::Rejected { task, paging } => {
                let columns = [("class", "/class"), ("record", "/key"), ("kind", "/kind"), ("why", "/message")];
                session.page(Call::get(format!("{}/rejected", task::path(&task))), &paging, &columns).await
            }
        }
    }
}

async fn run(session: &Session, connection: &str, order: &Json, wait: bool) -> Result<(), Fault> {
    let path = format!("{}/imports", connection::path(connection));
    let reply = session.ask(Call::post(path, order.clone())).await?;
    if wait {
        return task::finish(session, &reply.read::<task::Seen>()?.id).await;
    }
    session.show(&reply, task::ALL)
}
