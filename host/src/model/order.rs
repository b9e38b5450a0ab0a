//! Provisioning orders: what a core wants done to the objects of a target, many at a time, and what came of each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::id::{ClassName, Uid};

/// The most orders of one request.
pub const ORDERS_MAX: usize = 1_000;
/// The most orders of a task that are carried out at the same time.
pub const CONCURRENCY_MAX: u8 = 32;
/// The longest key a caller gives an order, in bytes.
pub const ORDER_KEY_BYTES_MAX: usize = 256;
/// The longest text that says whose an order is, in bytes.
pub const OWNER_BYTES_MAX: usize = 512;

/// How many at the same time, unless the caller says otherwise.
const CONCURRENCY_DEFAULT: u8 = 4;

/// What happened in the core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderKind {
    Created,
    Modified,
    Deleted,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrderState {
    Pending,
    Running,
    Succeeded,
    /// It failed, wholly or in part; its outcome says whether the target was changed.
    Failed,
    /// Never begun: the task ended before.
    Skipped,
    /// Begun, and nobody knows what it did.
    OutcomeUnknown,
}

/// What becomes of the other orders when one fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    #[default]
    Continue,
    /// None is begun any more.
    Stop,
}

/// When orders are begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    #[default]
    Now,
    /// When a schedule of their connection says so: until then their task is paused.
    Scheduled,
}

/// How to go about the orders of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fulfilment {
    /// How many at the same time, 1 to [`CONCURRENCY_MAX`].
    pub concurrency: u8,
    pub on_error: OnError,
    #[serde(default)]
    pub start: Start,
}

/// One order. It may hold passwords among its values: it is kept sealed and never printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    /// The caller's own, at most [`ORDER_KEY_BYTES_MAX`] bytes.
    pub key: Option<String>,
    /// Whose it is, in the core's words, at most [`OWNER_BYTES_MAX`] bytes.
    pub owner: Option<String>,
    pub class: ClassName,
    pub step: Step,
}

/// What to do to the object.
#[derive(Clone, Serialize, Deserialize)]
pub enum Step {
    /// Attributes are lists of values in their JSON form.
    Create { name: String, container: Option<Uid>, attributes: Map<String, Json> },
    /// Changes are `{"replace": [..]}` or `{"add": [..], "remove": [..]}`.
    Update {
        uid: Uid,
        name: Option<String>,
        container: Option<Uid>,
        changes: Map<String, Json>,
        /// Only if the object still has it.
        revision: Option<String>,
    },
    Delete {
        uid: Uid,
        /// Only if the object still has it.
        revision: Option<String>,
    },
}

/// What came of an order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OrderOutcome {
    /// The object's, as it is now.
    pub uid: Option<String>,
    pub name: Option<String>,
    pub revision: Option<String>,
    /// Side effects the connector knows of: lists of values in their JSON form.
    pub attributes: Map<String, Json>,
    /// Attributes for which the target made a secret; the secret is not kept.
    pub issued: Vec<String>,
    /// The target answers later: the connector's handle of what it waits for.
    pub pending: Option<String>,
    /// Parts that failed although the rest was done.
    pub failures: Vec<PartProblem>,
    /// Why it failed.
    pub error: Option<OrderError>,
}

/// A part of an order that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PartProblem {
    pub attribute: String,
    pub kind: String,
    pub message: String,
}

/// Why an order failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderError {
    /// As in the last part of a problem's type.
    pub kind: String,
    pub message: String,
    /// What it did to the target: none, some or unknown.
    pub effect: String,
    /// Attributes to blame.
    pub attributes: Vec<String>,
    /// The target's own code.
    pub code: Option<String>,
}

/// An order as it may be shown: without what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderStatus {
    /// From 1, in the order they came.
    pub number: i64,
    pub key: Option<String>,
    pub kind: OrderKind,
    pub class: String,
    pub owner: Option<String>,
    pub state: OrderState,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    pub outcome: Option<OrderOutcome>,
}

/// The orders of a task, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderCounts {
    pub pending: u64,
    pub running: u64,
    pub created: u64,
    pub modified: u64,
    pub deleted: u64,
    pub failed: u64,
    pub skipped: u64,
    pub outcome_unknown: u64,
}

impl Default for Fulfilment {
    fn default() -> Self {
        Self { concurrency: CONCURRENCY_DEFAULT, on_error: OnError::default(), start: Start::default() }
    }
}

impl Order {
    /// What happened in the core.
    pub const fn kind(&self) -> OrderKind {
        match self.step {
            Step::Create { .. } => OrderKind::Created,
            Step::Update { .. } => OrderKind::Modified,
            Step::Delete { .. } => OrderKind::Deleted,
        }
    }

    /// The object it is about, where the caller knows it.
    pub const fn uid(&self) -> Option<&Uid> {
        match &self.step {
            Step::Create { .. } => None,
            Step::Update { uid, .. } | Step::Delete { uid, .. } => Some(uid),
        }
    }

    /// The revision that the object must still have.
    pub fn revision(&self) -> Option<&str> {
        match &self.step {
            Step::Create { .. } => None,
            Step::Update { revision, .. } | Step::Delete { revision, .. } => revision.as_deref(),
        }
    }

    /// What the object is to be called.
    pub fn name(&self) -> Option<&str> {
        match &self.step {
            Step::Create { name, .. } => Some(name),
            Step::Update { name, .. } => name.as_deref(),
            Step::Delete { .. } => None,
        }
    }

    /// Which attributes are to change.
    pub fn attributes(&self) -> Vec<String> {
        match &self.step {
            Step::Create { attributes: named, .. } | Step::Update { changes: named, .. } => {
                named.keys().cloned().collect()
            }
            Step::Delete { .. } => Vec::new(),
        }
    }
}

impl OrderKind {
    /// The spelling in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
        }
    }
}

impl OrderState {
    /// The spelling in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::OutcomeUnknown => "outcome-unknown",
        }
    }
}

impl OnError {
    /// The spelling in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Continue => "continue",
            Self::Stop => "stop",
        }
    }
}

impl Start {
    /// The spelling in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Scheduled => "scheduled",
        }
    }
}

impl OrderCounts {
    /// All of them.
    pub const fn all(&self) -> u64 {
        self.pending + self.running + self.skipped + self.ended()
    }

    /// Those that have an outcome.
    pub const fn ended(&self) -> u64 {
        self.succeeded() + self.failed + self.outcome_unknown
    }

    /// Those that did what they should.
    pub const fn succeeded(&self) -> u64 {
        self.created + self.modified + self.deleted
    }
}
