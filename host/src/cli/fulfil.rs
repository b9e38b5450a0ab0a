//! `hawser fulfil`: provisioning orders from a file, carried out as tasks of the host.

use std::io::{Read as _, stdin};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::client::Call;
use super::fault::Fault;
use super::remote::{Remote, Session};
use super::{connection, task};

/// Carry out provisioning orders: objects created, modified, deleted.
#[derive(Args)]
pub(super) struct Fulfil {
    #[command(flatten)]
    remote: Remote,
    /// Leave it out if the orders name resource types, which bring their own.
    connection: Option<String>,
    /// A JSON list of orders, as the API takes them; `-` reads standard input.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// How many are carried out at the same time, 1 to 32 (the host's default is 4).
    #[arg(long, value_name = "N")]
    concurrency: Option<u8>,
    /// What becomes of the others when one fails.
    #[arg(long, value_enum, default_value = "continue")]
    on_error: OnError,
    /// Begin them when a schedule of their connection says so, and not now.
    #[arg(long, conflicts_with = "wait")]
    scheduled: bool,
    /// Wait for the end, with a progress bar; the exit code says how it ended.
    #[arg(long)]
    wait: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum OnError {
    Continue,
    /// None is begun any more.
    Stop,
}

impl Fulfil {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let session = self.remote.open()?;
        let on_error = match self.on_error {
            OnError::Continue => "continue",
            OnError::Stop => "stop",
        };
        let start = if self.scheduled { "scheduled" } else { "now" };
        let mut body = json!({"orders": orders(&self.file)?, "onError": on_error, "start": start});
        if let (Some(concurrency), Some(body)) = (self.concurrency, body.as_object_mut()) {
            body.insert("concurrency".to_owned(), concurrency.into());
        }
        let Some(connection) = &self.connection else {
            return mapped(&session, body, self.wait).await;
        };
        let path = format!("{}/fulfilments", connection::path(connection));
        let reply = session.ask(Call::post(path, body)).await?;
        if self.wait {
            return task::finish(&session, &reply.read::<task::Seen>()?.id).await;
        }
        session.show(&reply, task::ALL)
    }
}

/// Orders of resource types: a task for each connection. All are waited for; the first that did not go well decides.
async fn mapped(session: &Session, body: Json, wait: bool) -> Result<(), Fault> {
    let reply = session.ask(Call::post("/v1/fulfilments", body)).await?;
    let started: Started = reply.read()?;
    if !wait {
        return session.listed(&reply, "/tasks", task::COLUMNS);
    }
    let mut ended = Ok(());
    for task in started.tasks {
        ended = ended.and(task::finish(session, &task.id).await);
    }
    ended
}

/// What became of the orders.
#[derive(Deserialize)]
struct Started {
    tasks: Vec<task::Seen>,
}

fn orders(file: &Path) -> Result<Json, Fault> {
    let mut text = String::new();
    if file == Path::new("-") {
        stdin().read_to_string(&mut text).map_err(Fault::io("standard input"))?;
    } else {
        text = std::fs::read_to_string(file).map_err(Fault::io(file.display()))?;
    }
    let wrong = |why: serde_json::Error| Fault::usage(format!("{} is no JSON: {why}", file.display()));
    match serde_json::from_str(&text).map_err(wrong)? {
        orders @ Json::Array(_) => Ok(orders),
        _ => Err(Fault::usage(format!("{} must be a JSON list of orders", file.display()))),
    }
}
