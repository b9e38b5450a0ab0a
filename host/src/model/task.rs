//! Work that outlives a request: its kind, its state, how far it has come and what came out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{ConnectionId, RequestId, ScheduleId, TaskId};
use super::order::{Fulfilment, OrderCounts};
use super::output::Output;

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// Reading the target, staged, compared and published.
    Import,
    /// Reading the target's schema.
    RefreshSchema,
    /// Carrying out provisioning orders.
    Fulfil,
    /// Writing the tables of a published import as files.
    WriteTables,
}

/// How much an import reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportMode {
    /// Everything.
    #[default]
    Complete,
    /// What changed since the import that was published last.
    Incremental,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskState {
    Queued,
    Running,
    /// Put aside by a person, until somebody resumes it; it goes on where it stood.
    Paused,
    /// Waits for a person: a threshold tripped. Approve or reject.
    Held,
    Succeeded,
    Failed,
    /// Stopped by a person; nothing visible changed.
    Cancelled,
    /// Held, looked at and thrown away; nothing visible changed.
    Rejected,
}

impl TaskKind {
    /// The spelling in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::RefreshSchema => "refresh-schema",
            Self::Fulfil => "fulfil",
            Self::WriteTables => "write-tables",
        }
    }
}

impl ImportMode {
    /// The spelling in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incremental => "incremental",
        }
    }
}

impl TaskState {
    /// The spelling in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Held => "held",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
        }
    }

    /// Will it never change again?
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Rejected)
    }
}

/// What a person asked of a task that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To stop for good.
    Cancel,
    /// To stop until it is resumed.
    Pause,
}

/// How far an import has come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Progress {
    /// What is being read: a class, or `class.attribute` for a relation.
    pub reading: Option<String>,
    /// Rows staged so far, of all classes.
    pub rows: u64,
    /// Edges staged so far.
    pub links: u64,
    /// Records set aside so far.
    pub rejected: u64,
    /// Rows of the class being read, if the connector has an idea.
    pub estimate: Option<u64>,
}

/// What a pass changes, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Counts {
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
    pub unchanged: u64,
    pub links_added: u64,
    pub links_removed: u64,
    /// Records set aside with a reason.
    pub rejected: u64,
}

/// An error as a task keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskError {
    pub kind: String,
    pub message: String,
}

/// A task, whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub id: TaskId,
    pub kind: TaskKind,
    /// Of an import, and of the writing of its tables; other tasks have none.
    pub mode: Option<ImportMode>,
    /// Of the same: where the tables are written as files once the import is published.
    pub output: Option<Output>,
    /// Of a published import: the task that writes its tables.
    pub written_by: Option<TaskId>,
    pub connection: ConnectionId,
    /// The schedule it was made for.
    pub schedule: Option<ScheduleId>,
    /// How to go about its orders; only a fulfilment has some.
    pub fulfilment: Option<Fulfilment>,
    pub state: TaskState,
    /// The name of the token that asked for it, or `schedule:` and the schedule's.
    pub requested_by: String,
    pub request_id: RequestId,
    pub created: Timestamp,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    /// How often it was claimed; more than once after a fault.
    pub attempts: u32,
    pub progress: Progress,
    /// Known once the pass was compared.
    pub counts: Option<Counts>,
    /// Its orders; only a fulfilment has some.
    pub orders: Option<OrderCounts>,
    /// Why it is held, or why it failed.
    pub error: Option<TaskError>,
}
