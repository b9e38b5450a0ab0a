//! `hawser schedule`: tasks that the host orders by itself.

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::client::{Call, word};
use super::fault::Fault;
use super::output::Output;
use super::remote::{Paging, Remote};
use super::table::Column;

const COLUMNS: &[Column<'_>] = &[
    ("schedule", "/id"),
    ("kind", "/kind"),
    ("connection", "/connection"),
    ("system", "/system"),
    ("cron", "/cron"),
    ("time zone", "/timeZone"),
    ("paused", "/paused"),
    ("next run", "/nextRun"),
    ("last task", "/lastTask/state"),
];

const ALL: &[Column<'_>] = &[
    ("schedule", "/id"),
    ("kind", "/kind"),
    ("mode", "/mode"),
    ("output", "/output"),
    ("connection", "/connection"),
    ("system", "/system"),
    ("cron", "/cron"),
    ("time zone", "/timeZone"),
    ("catches up", "/catchUp"),
    ("paused", "/paused"),
    ("next run", "/nextRun"),
    ("last run", "/lastRun"),
    ("last task", "/lastTask"),
    ("last skipped", "/lastSkipped"),
    ("last failure", "/lastFailure"),
];

/// Schedules: imports, schema refreshes and fulfilments that the host begins by itself.
#[derive(Args)]
pub(super) struct Schedule {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// All schedules.
    List(Paging),
    /// One schedule: when it runs next, and what became of it so far.
    Show { schedule: String },
    /// Add a schedule.
    Add(Box<New>),
    /// Remove a schedule; its tasks stay.
    Remove { schedule: String },
    /// Pause a schedule.
    Pause { schedule: String },
    /// Resume a schedule; what was due meanwhile is not made up for.
    Resume { schedule: String },
    /// Do what a schedule says now.
    Run { schedule: String },
}

/// What to add.
#[derive(Args)]
struct New {
    schedule: String,
    #[command(flatten)]
    work: Work,
    /// Minute, hour, day of the month, month and day of the week, or a nickname like @daily.
    #[arg(long)]
    cron: String,
    /// Of the IANA database, as in Europe/Berlin.
    #[arg(long, default_value = "UTC")]
    time_zone: String,
    /// A run that was missed while the host was down is not made up for.
    #[arg(long)]
    no_catch_up: bool,
}

/// What to do.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct What {
    /// Import through this connection.
    #[arg(long, value_name = "CONNECTION")]
    import: Option<String>,
    /// Refresh the schema of this connection.
    #[arg(long, value_name = "CONNECTION")]
    refresh: Option<String>,
    /// Refresh the schemas of all connections of this system.
    #[arg(long, value_name = "SYSTEM")]
    refresh_system: Option<String>,
    /// Begin the orders of this connection that wait for it (`hawser fulfil --scheduled`).
    #[arg(long, value_name = "CONNECTION")]
    fulfil: Option<String>,
}

#[derive(Args)]
struct Work {
    #[command(flatten)]
    what: What,
    /// Of an import: only what changed since the one that was published last.
    #[arg(long, requires = "import")]
    incremental: bool,
    #[command(flatten)]
    output: Output,
}

impl Schedule {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        let path = |schedule: &str| format!("/v1/schedules/{}", word(schedule));
        let act = |schedule: &str, verb: &str| Call::act(format!("{}/{verb}", path(schedule)));
        match self.command {
            Command::List(paging) => session.page(Call::get("/v1/schedules"), &paging, COLUMNS).await,
            Command::Show { schedule } => session.one(Call::get(path(&schedule)), ALL).await,
            Command::Add(new) => {
                let New { schedule, work, cron, time_zone, no_catch_up } = *new;
                let when = json!({"id": schedule, "cron": cron, "timeZone": time_zone, "catchUp": !no_catch_up});
                session.one(Call::post("/v1/schedules", joined(when, work.says())), ALL).await
            }
            Command::Remove { schedule } => {
                session.done(Call::delete(path(&schedule)), &format!("removed schedule {schedule}")).await
            }
            Command::Pause { schedule } => session.one(act(&schedule, "pause"), ALL).await,
            Command::Resume { schedule } => session.one(act(&schedule, "resume"), ALL).await,
            Command::Run { schedule } => session.one(act(&schedule, "run"), &[("tasks", "/tasks")]).await,
        }
    }
}

impl Work {
    fn says(self) -> Json {
        let mode = if self.incremental { "incremental" } else { "complete" };
        let What { import, refresh, refresh_system, fulfil } = self.what;
        let what = match (import, refresh, fulfil) {
            (Some(connection), ..) => json!({"kind": "import", "connection": connection, "mode": mode}),
            (None, Some(connection), _) => json!({"kind": "refresh-schema", "connection": connection}),
            (None, None, Some(connection)) => json!({"kind": "fulfil", "connection": connection}),
            (None, None, None) => json!({"kind": "refresh-schema", "system": refresh_system}),
        };
        match self.output.says() {
            Some(output) => joined(what, json!({"output": output})),
            None => what,
        }
    }
}

/// The members of both.
fn joined(mut one: Json, other: Json) -> Json {
    if let (Json::Object(one), Json::Object(other)) = (&mut one, other) {
        one.extend(other);
    }
    one
}
