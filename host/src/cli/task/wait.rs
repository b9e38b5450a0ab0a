//! Waiting for a task: the host tells how far it has come, and a progress bar shows it on a terminal.

use std::io::IsTerminal as _;
use std::ops::ControlFlow;
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::Value as Json;

use super::super::client::{Call, Client, Reply};
use super::super::fault::{Exit, Fault};
use super::super::out;
use super::path;
use crate::model::{Counts, OrderCounts, Progress, TaskError, TaskState};

/// How long to wait before watching again, where the host would not or its stream broke off.
const PAUSE: Duration = Duration::from_millis(500);

/// What waiting needs to know of a task.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cli) struct Seen {
    pub(in crate::cli) id: String,
    pub(in crate::cli) state: TaskState,
    #[serde(default)]
    pub(in crate::cli) progress: Progress,
    #[serde(default)]
    pub(in crate::cli) counts: Option<Counts>,
    #[serde(default)]
    orders: Option<OrderCounts>,
    /// The task that goes on with it.
    #[serde(default, rename = "writtenBy")]
    pub(in crate::cli) written_by: Option<String>,
    #[serde(default)]
    pub(in crate::cli) error: Option<TaskError>,
}

impl Seen {
    /// How it ended, as a command ends.
    pub(in crate::cli) fn outcome(&self) -> Result<(), Fault> {
        let why = self.error.as_ref().map(|error| format!(": {}: {}", error.kind, error.message)).unwrap_or_default();
        let fault = |exit, what: &str| Err(Fault::new(exit, format!("task {} {what}{why}", self.id)));
        match self.state {
            TaskState::Succeeded => Ok(()),
            TaskState::Held => {
                fault(Exit::Held, "is held; look at `hawser import removals`, then approve or reject it")
            }
            TaskState::Failed => fault(self.exit_of_failure(), "failed"),
            TaskState::Cancelled => fault(Exit::Failed, "was cancelled"),
            TaskState::Rejected => fault(Exit::Failed, "was rejected"),
            TaskState::Paused => fault(Exit::Held, "is paused; resume it with `hawser task resume`"),
            TaskState::Queued | TaskState::Running => fault(Exit::Failed, "has not ended"),
        }
    }

    /// What it did, in words.
    pub(in crate::cli) fn done(&self) -> String {
        let counts = self.counts.as_ref().map(counted);
        let orders = self.orders.as_ref().map(ordered);
        counts.or(orders).map(|counts| format!(": {counts}")).unwrap_or_default()
    }

    /// Will it stay as it is until a person does something?
    fn rests(&self) -> bool {
        self.state.is_final() || matches!(self.state, TaskState::Held | TaskState::Paused)
    }

    fn exit_of_failure(&self) -> Exit {
        self.error.as_ref().map_or(Exit::Failed, |error| Exit::of_problem(&error.kind, 500))
    }
}

/// Waits until a task has ended, or waits itself for a person; gives the last answer. A progress bar on a terminal,
/// silence elsewhere.
pub(in crate::cli) async fn wait(client: &Client, task: &str) -> Result<(Seen, Reply), Fault> {
    let bar = ProgressBar::new_spinner();
    let mut screen = Screen { bar: &bar, lines: false, said: String::new() };
    let outcome = watch(client, task, &mut screen).await;
    bar.finish_and_clear();
    outcome
}

/// The same as [`wait`], with lines on standard error where that is no terminal.
pub(in crate::cli) async fn follow(client: &Client, task: &str) -> Result<(Seen, Reply), Fault> {
    let bar = ProgressBar::new_spinner();
    let mut screen = Screen { bar: &bar, lines: !std::io::stderr().is_terminal(), said: String::new() };
    let outcome = watch(client, task, &mut screen).await;
    bar.finish_and_clear();
    outcome
}

async fn watch(client: &Client, task: &str, screen: &mut Screen<'_>) -> Result<(Seen, Reply), Fault> {
    let (events, call) = (Call::get(format!("{}/events", path(task))), Call::get(path(task)));
    loop {
        let mut seen: Option<Seen> = None;
        let watched = client.events(&events, |name, data| hear(&mut seen, screen, name, data)).await;
        if let Err(fault) = watched
            && fault.exit != Exit::Unavailable
        {
            return Err(fault);
        }
        let reply = client.ask(&call).await?;
        let seen: Seen = reply.read()?;
        if seen.rests() {
            return Ok((seen, reply));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Takes one event; enough is heard when the task rests.
fn hear(seen: &mut Option<Seen>, screen: &mut Screen<'_>, name: &str, data: &str) -> Result<ControlFlow<()>, Fault> {
    let strange = |why: serde_json::Error| Fault::failed(format!("the host's events are not understood: {why}"));
    match (name, seen.as_mut()) {
        ("state", _) => *seen = Some(serde_json::from_str(data).map_err(strange)?),
        ("progress", Some(seen)) => {
            let mut data: Json = serde_json::from_str(data).map_err(strange)?;
            let orders = data.as_object_mut().and_then(|data| data.remove("orders"));
            seen.orders = orders.map(serde_json::from_value).transpose().map_err(strange)?;
            seen.progress = serde_json::from_value(data).map_err(strange)?;
        }
        _ => return Ok(ControlFlow::Continue(())),
    }
    let Some(seen) = seen else { return Ok(ControlFlow::Continue(())) };
    screen.show(seen)?;
    Ok(if seen.rests() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
}

/// Where progress is shown.
struct Screen<'a> {
    bar: &'a ProgressBar,
    /// Lines instead of a bar.
    lines: bool,
    said: String,
}

impl Screen<'_> {
    fn show(&mut self, seen: &Seen) -> Result<(), Fault> {
        let (position, length, what) = match &seen.orders {
            Some(orders) => (orders.all() - orders.pending - orders.running, Some(orders.all()), "orders"),
            None => (seen.progress.rows, seen.progress.estimate.filter(|estimate| *estimate > 0), "rows"),
        };
        let doing = out::visible(seen.progress.reading.as_deref().unwrap_or(seen.state.as_str()));
        if self.lines {
            self.say(format!("{doing}: {} {what}", HumanCount(position)));
            return Ok(());
        }
        let template = if let Some(length) = length {
            self.bar.set_length(length.max(position));
            format!("  {{spinner}} {{msg:24}} [{{bar:32}}] {{human_pos}} of {{human_len}} {what}, {{per_sec}}")
        } else {
            format!("  {{spinner}} {{msg:24}} {{human_pos}} {what}, {{per_sec}}")
        };
        let style = ProgressStyle::with_template(&template).map_err(|why| Fault::failed(why.to_string()))?;
        self.bar.set_style(style.progress_chars("=> "));
        self.bar.set_message(doing);
        self.bar.set_position(position);
        self.bar.tick();
        Ok(())
    }

    fn say(&mut self, line: String) {
        if self.said != line {
            out::note(&line);
            self.said = line;
        }
    }
}

/// Counts in words, leaving out what is zero.
pub(in crate::cli) fn counted(counts: &Counts) -> String {
    let parts = [
        (counts.inserted, "inserted"),
        (counts.updated, "updated"),
        (counts.deleted, "deleted"),
        (counts.unchanged, "unchanged"),
        (counts.links_added, "links added"),
        (counts.links_removed, "links removed"),
        (counts.rejected, "set aside"),
    ];
    let said: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", HumanCount(*count)))
        .collect();
    if said.is_empty() { "nothing to change".to_owned() } else { said.join(", ") }
}

/// Orders in words, leaving out what is zero.
fn ordered(orders: &OrderCounts) -> String {
    let parts = [
        (orders.created, "created"),
        (orders.modified, "modified"),
        (orders.deleted, "deleted"),
        (orders.failed, "failed"),
        (orders.skipped, "skipped"),
        (orders.outcome_unknown, "with an unknown outcome"),
    ];
    let said =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{} {what}", HumanCount(*count)));
    said.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(state: &str, error: &serde_json::Value) -> Seen {
        serde_json::from_value(json!({"id": "t", "state": state, "error": error, "kind": "import"})).unwrap()
    }

    #[test]
    fn a_held_task_ends_the_command_with_its_own_code() {
        let error = json!({"kind": "threshold", "message": "10000 objects would go"});
        let fault = seen("held", &error).outcome().unwrap_err();
        assert_eq!(fault.exit, Exit::Held);
        assert!(fault.message.contains("10000 objects would go"), "{fault}");
    }

    #[test]
    fn a_failed_task_ends_with_the_code_of_its_error() {
        let error = json!({"kind": "connection-failed", "message": "no route"});
        assert_eq!(seen("failed", &error).outcome().unwrap_err().exit, Exit::Unavailable);
        assert_eq!(seen("failed", &json!(null)).outcome().unwrap_err().exit, Exit::Failed);
        assert!(seen("succeeded", &json!(null)).outcome().is_ok());
    }

    #[test]
    fn what_the_host_tells_is_heard_until_the_task_rests() {
        let bar = ProgressBar::hidden();
        let (mut seen, mut screen) = (None, Screen { bar: &bar, lines: false, said: String::new() });
        let mut tell = |name: &str, data: serde_json::Value| {
            let flow = hear(&mut seen, &mut screen, name, &data.to_string()).unwrap();
            (flow.is_break(), seen.clone().map(|seen| seen.progress.rows))
        };
        let rows = |rows: u32| json!({"reading": "account", "rows": rows, "links": 0, "rejected": 0, "estimate": null});
        let task = |state: &str| json!({"id": "t", "state": state, "progress": rows(7)});
        assert_eq!(tell("progress", rows(5)), (false, None), "of what is not known yet");
        assert_eq!(tell("state", task("running")), (false, Some(7)));
        assert_eq!(tell("progress", rows(9)), (false, Some(9)));
        assert_eq!(tell("state", task("held")), (true, Some(7)));
    }

    #[test]
    fn counts_leave_out_what_did_not_happen() {
        let counts = Counts { inserted: 12_000, links_removed: 1, ..Counts::default() };
        assert_eq!(counted(&counts), "12,000 inserted, 1 links removed");
        assert_eq!(counted(&Counts::default()), "nothing to change");
    }
}
