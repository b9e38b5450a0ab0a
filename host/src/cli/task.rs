//! `hawser task`: work that outlives a request, listed, watched, paused and stopped.

mod wait;

use clap::{Args, Subcommand};

use super::client::{Call, word};
use super::fault::Fault;
use super::out;
use super::remote::{Paging, Remote, Session};
use super::table::Column;

pub(super) use wait::{Seen, counted, wait};

/// What a list of tasks shows.
pub(super) const COLUMNS: &[Column<'_>] = &[
    ("task", "/id"),
    ("kind", "/kind"),
    ("mode", "/mode"),
    ("connection", "/connection"),
    ("state", "/state"),
    ("rows", "/progress/rows"),
    ("schedule", "/schedule"),
    ("created", "/created"),
    ("finished", "/finished"),
];

/// What is shown of one task.
pub(super) const ALL: &[Column<'_>] = &[
    ("task", "/id"),
    ("kind", "/kind"),
    ("mode", "/mode"),
    ("connection", "/connection"),
    ("output", "/output"),
    ("written by", "/writtenBy"),
    ("state", "/state"),
    ("asked for by", "/requestedBy"),
    ("request", "/requestId"),
    ("created", "/created"),
    ("started", "/started"),
    ("finished", "/finished"),
    ("took (ms)", "/durationMs"),
    ("attempts", "/attempts"),
    ("progress", "/progress"),
    ("counts", "/counts"),
    ("orders", "/orders"),
    ("why", "/error/message"),
];

/// What a list of orders shows.
const ORDERS: &[Column<'_>] = &[
    ("order", "/number"),
    ("id", "/id"),
    ("type", "/type"),
    ("class", "/class"),
    ("uid", "/uid"),
    ("state", "/state"),
    ("kind", "/error/kind"),
    ("why", "/error/message"),
];

/// Tasks: list, watch, pause and resume, stop.
#[derive(Args)]
pub(super) struct Task {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tasks, newest first.
    List {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        paging: Paging,
    },
    /// One task.
    Show { task: String },
    /// Watch a task until it ends, with a progress bar on a terminal; the exit code says how it ended.
    Watch { task: String },
    /// Pause a task: at its next page, or after the orders it has begun.
    Pause { task: String },
    /// Let a paused task go on where it stood.
    Resume { task: String },
    /// Stop a task.
    Cancel { task: String },
    /// The orders of a fulfilment, and what came of each.
    Orders {
        task: String,
        /// Only in this state: pending, running, succeeded, failed, skipped, outcome-unknown.
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
}

/// Which tasks to list.
#[derive(Args)]
struct Which {
    /// Only of this connection.
    #[arg(long)]
    connection: Option<String>,
    /// Only in this state: queued, running, paused, held, succeeded, failed, cancelled, rejected.
    #[arg(long)]
    state: Option<String>,
    /// Only of this kind: import, refresh-schema, fulfil, write-tables.
    #[arg(long)]
    kind: Option<String>,
    /// Only of this schedule.
    #[arg(long)]
    schedule: Option<String>,
    /// Only those created then or later (RFC 3339).
    #[arg(long)]
    since: Option<String>,
    /// Only those created before then (RFC 3339).
    #[arg(long)]
    until: Option<String>,
}

impl Task {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        match self.command {
            Command::List { which, paging } => session.page(which.of(Call::get("/v1/tasks")), &paging, COLUMNS).await,
            Command::Show { task } => session.one(Call::get(path(&task)), ALL).await,
            Command::Watch { task } => finish(&session, &task).await,
            Command::Pause { task } => act(&session, &task, "pause").await,
            Command::Resume { task } => act(&session, &task, "resume").await,
            Command::Cancel { task } => act(&session, &task, "cancel").await,
            Command::Orders { task, state, paging } => {
                let call = Call::get(format!("{}/orders", path(&task))).query("state", state);
                session.page(call, &paging, ORDERS).await
            }
        }
    }
}

impl Which {
    fn of(self, call: Call) -> Call {
        let call = call.query("connection", self.connection).query("state", self.state).query("kind", self.kind);
        call.query("schedule", self.schedule).query("since", self.since).query("until", self.until)
    }
}

/// The path of a task.
pub(super) fn path(task: &str) -> String {
    format!("/v1/tasks/{}", word(task))
}

/// Watches a task to its end and then the one that writes its tables, says how each ended, and ends the command so.
pub(super) async fn finish(session: &Session, id: &str) -> Result<(), Fault> {
    let (seen, reply) = wait::follow(&session.client, id).await?;
    if session.json {
        out::json(&reply.body)?;
    } else {
        out::line(format_args!("task {id} {}{}", seen.state.as_str(), seen.done()))?;
    }
    seen.outcome()?;
    match &seen.written_by {
        Some(writing) => Box::pin(finish(session, writing)).await,
        None => Ok(()),
    }
}

/// Decides something about a task.
pub(super) async fn act(session: &Session, task: &str, verb: &str) -> Result<(), Fault> {
    session.one(Call::act(format!("{}/{verb}", path(task))), ALL).await
}
