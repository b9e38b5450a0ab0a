//! A task as it goes over the wire.

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{Counts, ImportMode, OnError, OrderCounts, Output, Progress, Start, Task, TaskError, TaskId};

/// Work that outlives a request.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Task)]
pub(in crate::api) struct TaskView {
    #[schema(value_type = String, format = "uuid")]
    id: TaskId,
    /// `import`, `refresh-schema`, `fulfil` or `write-tables`.
    kind: &'static str,
    /// Of an import and of the writing of its tables: `complete` or `incremental`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    /// Of the same: where the tables are written as files.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<OutputSchema>)]
    output: Option<Output>,
    /// Of a published import: the task that writes its tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    written_by: Option<TaskId>,
    connection: String,
    /// The schedule it was made for.
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<String>,
    /// `queued`, `running`, `paused`, `held`, `succeeded`, `failed`, `cancelled` or `rejected`.
    state: &'static str,
    /// The name of the token that asked for it, or `schedule:` and the schedule's.
    requested_by: String,
    request_id: String,
    #[schema(value_type = String, format = DateTime)]
    created: jiff::Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    started: Option<jiff::Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    finished: Option<jiff::Timestamp>,
    /// From when it was first begun until it ended, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    /// How often it was claimed; more than once after a fault.
    attempts: u32,
    #[schema(value_type = ProgressSchema)]
    progress: Progress,
    /// What it changes; known once the pass was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<CountsSchema>)]
    counts: Option<Counts>,
    /// Of a fulfilment: how many of its orders are carried out at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u8>,
    /// Of a fulfilment: `continue` or `stop`.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_error: Option<&'static str>,
    /// Of a fulfilment: `now`, or `scheduled` while it waits for a schedule to begin it.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<&'static str>,
    /// Of a fulfilment: its orders, counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<OrderCountsSchema>)]
    orders: Option<OrderCounts>,
    /// Why it is held, or why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TaskErrorSchema>)]
    error: Option<TaskError>,
}

/// Tables written as files, in a folder `<connection>/<task>` of the place with a `manifest.json`; it appears whole.
#[derive(ToSchema)]
#[schema(as = Output, rename_all = "camelCase")]
#[allow(dead_code, reason = "describes the model's type to the API document")]
pub(in crate::api) struct OutputSchema {
    /// A place of the host's configuration.
    place: String,
    /// `csv` or `parquet`.
    format: String,
    /// CSV: a text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return gets a `'` before it.
    #[schema(default = false)]
    escape_formulas: Option<bool>,
    /// The suffixes of the tables; all tables, if it is left out.
    tables: Option<Vec<String>>,
}

/// How far an import has come.
#[derive(ToSchema)]
#[schema(as = Progress)]
#[allow(dead_code, reason = "describes the model's type to the API document")]
struct ProgressSchema {
    /// What is being read: a class, or `class.attribute` for a relation.
    reading: Option<String>,
    /// Rows staged so far, of all classes.
    rows: u64,
    /// Links staged so far.
    links: u64,
    /// Records set aside so far.
    rejected: u64,
    /// Rows of the class being read, if the connector has an idea.
    estimate: Option<u64>,
}

/// What a pass changes, counted.
#[derive(ToSchema)]
#[schema(as = Counts, rename_all = "camelCase")]
#[allow(dead_code, reason = "describes the model's type to the API document")]
struct CountsSchema {
    inserted: u64,
    updated: u64,
    deleted: u64,
    unchanged: u64,
    links_added: u64,
    links_removed: u64,
    /// Records set aside with a reason.
    rejected: u64,
}

/// The orders of a fulfilment, counted.
#[derive(ToSchema)]
#[schema(as = OrderCounts, rename_all = "camelCase")]
#[allow(dead_code, reason = "describes the model's type to the API document")]
struct OrderCountsSchema {
    /// They wait.
    pending: u64,
    running: u64,
    /// Objects created.
    created: u64,
    /// Objects modified.
    modified: u64,
    /// Objects deleted.
    deleted: u64,
    failed: u64,
    /// Never begun, because the task ended before.
    skipped: u64,
    /// Begun, and nobody knows what they did.
    outcome_unknown: u64,
}

/// Why a task is held, or why it failed.
#[derive(ToSchema)]
#[schema(as = TaskError)]
#[allow(dead_code, reason = "describes the model's type to the API document")]
struct TaskErrorSchema {
    /// As in the last part of a problem's type.
    kind: String,
    message: String,
}

impl From<Task> for TaskView {
    fn from(task: Task) -> Self {
        let took = task.started.zip(task.finished).map(|(from, to)| to.duration_since(from).as_millis());
        Self {
            id: task.id,
            kind: task.kind.as_str(),
            mode: task.mode.map(ImportMode::as_str),
            output: task.output,
            written_by: task.written_by,
            connection: task.connection.into(),
            schedule: task.schedule.map(String::from),
            state: task.state.as_str(),
            requested_by: task.requested_by,
            request_id: task.request_id.into(),
            created: task.created,
            started: task.started,
            finished: task.finished,
            duration_ms: took.and_then(|ms| ms.try_into().ok()),
            attempts: task.attempts,
            progress: task.progress,
            counts: task.counts,
            concurrency: task.fulfilment.map(|fulfilment| fulfilment.concurrency),
            on_error: task.fulfilment.map(|fulfilment| OnError::as_str(fulfilment.on_error)),
            start: task.fulfilment.map(|fulfilment| Start::as_str(fulfilment.start)),
            orders: task.orders,
            error: task.error,
        }
    }
}
