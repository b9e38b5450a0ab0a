//! Tasks as the command line sees them: shown, and waited for with a progress bar.

use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use serde::Deserialize;

use super::client::{Call, Client, Reply, word};
use super::fault::{Exit, Fault};
use super::out;
use super::table::Column;
use crate::model::{Counts, Progress, TaskError, TaskState};

/// How often a task that runs is looked at.
const POLL: Duration = Duration::from_millis(150);

/// What a list of tasks shows.
pub(super) const COLUMNS: &[Column<'_>] = &[
    ("task", "/id"),
    ("kind", "/kind"),
    ("mode", "/mode"),
    ("connection", "/connection"),
    ("state", "/state"),
    ("rows", "/progress/rows"),
    ("created", "/created"),
    ("finished", "/finished"),
];

/// What is shown of one task.
pub(super) const ALL: &[Column<'_>] = &[
    ("task", "/id"),
    ("kind", "/kind"),
    ("mode", "/mode"),
    ("connection", "/connection"),
    ("state", "/state"),
    ("asked for by", "/requestedBy"),
    ("request", "/requestId"),
    ("created", "/created"),
    ("started", "/started"),
    ("finished", "/finished"),
    ("attempts", "/attempts"),
    ("progress", "/progress"),
    ("counts", "/counts"),
    ("why", "/error/message"),
];

/// What waiting needs to know of a task.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Seen {
    pub(super) id: String,
    pub(super) state: TaskState,
    #[serde(default)]
    pub(super) progress: Progress,
    #[serde(default)]
    pub(super) counts: Option<Counts>,
    #[serde(default)]
    pub(super) error: Option<TaskError>,
}

impl Seen {
    /// How it ended, as a command ends.
    pub(super) fn outcome(&self) -> Result<(), Fault> {
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
            TaskState::Queued | TaskState::Running => fault(Exit::Failed, "has not ended"),
        }
    }

    fn exit_of_failure(&self) -> Exit {
        self.error.as_ref().map_or(Exit::Failed, |error| Exit::of_problem(&error.kind, 500))
    }
}

/// The path of a task.
pub(super) fn path(task: &str) -> String {
    format!("/v1/tasks/{}", word(task))
}

/// Looks at a task until it ended or is held, with a progress bar on a terminal; gives the last answer.
pub(super) async fn wait(client: &Client, task: &str) -> Result<(Seen, Reply), Fault> {
    let bar = ProgressBar::new_spinner();
    let outcome = watch(client, task, &bar).await;
    bar.finish_and_clear();
    outcome
}

async fn watch(client: &Client, task: &str, bar: &ProgressBar) -> Result<(Seen, Reply), Fault> {
    let call = Call::get(path(task));
    loop {
        let reply = client.ask(&call).await?;
        let seen: Seen = reply.read()?;
        draw(bar, &seen)?;
        if seen.state.is_final() || seen.state == TaskState::Held {
            return Ok((seen, reply));
        }
        tokio::time::sleep(POLL).await;
    }
}

fn draw(bar: &ProgressBar, seen: &Seen) -> Result<(), Fault> {
    let reading = seen.progress.reading.as_deref().unwrap_or(seen.state.as_str());
    let template = if let Some(estimate) = seen.progress.estimate.filter(|estimate| *estimate > 0) {
        bar.set_length(estimate.max(seen.progress.rows));
        "  {spinner} {msg:24} [{bar:32}] {human_pos} of about {human_len} rows, {per_sec}"
    } else {
        "  {spinner} {msg:24} {human_pos} rows, {per_sec}"
    };
    let style = ProgressStyle::with_template(template);
    bar.set_style(style.map_err(|why| Fault::failed(why.to_string()))?.progress_chars("=> "));
    bar.set_message(out::visible(reading));
    bar.set_position(seen.progress.rows);
    bar.tick();
    Ok(())
}

/// Counts in words, leaving out what is zero.
pub(super) fn counted(counts: &Counts) -> String {
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
    fn counts_leave_out_what_did_not_happen() {
        let counts = Counts { inserted: 12_000, links_removed: 1, ..Counts::default() };
        assert_eq!(counted(&counts), "12,000 inserted, 1 links removed");
        assert_eq!(counted(&Counts::default()), "nothing to change");
    }
}
