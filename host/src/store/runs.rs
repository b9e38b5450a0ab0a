//! Runs: one pass of one import, part by part, resumable.

use std::fmt;

use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::Store;
use super::connections::identify;
use super::fault::fault;
use super::numbers::{count, next_number, stored};
use super::tasks::{Closing, close_task, discard_runs};
use crate::model::{ConnectionId, Error, FailureKind, Result, TaskError, TaskId, TaskState};

/// What a run reads in one go: the objects of a class, or one of its relations.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RunPart {
    pub class: String,
    /// The reference attribute whose edges are read; none: the objects themselves.
    pub attribute: Option<String>,
}

/// How far one part of a run has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartProgress {
    pub part: RunPart,
    pub complete: bool,
    /// Where another session resumes; none: at the beginning.
    pub checkpoint: Option<Vec<u8>>,
    /// Rows or links staged so far.
    pub staged: u64,
}

/// A run as its worker needs it: what is left to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Never the same twice.
    pub number: i64,
    /// The plan, in its order.
    pub parts: Vec<PartProgress>,
    /// Records set aside so far.
    pub rejected: u64,
    /// Where a feed goes on from: of a complete pass the first token it was given.
    pub token: Option<Vec<u8>>,
}

impl RunPart {
    /// The objects of a class.
    pub fn objects(class: impl Into<String>) -> Self {
        Self { class: class.into(), attribute: None }
    }

    /// A relation of a class.
    pub fn relation(class: impl Into<String>, attribute: impl Into<String>) -> Self {
        Self { class: class.into(), attribute: Some(attribute.into()) }
    }

    pub(super) fn from_columns(class: String, attribute: String) -> Self {
        Self { class, attribute: (!attribute.is_empty()).then_some(attribute) }
    }

    pub(super) fn attribute_column(&self) -> &str {
        self.attribute.as_deref().unwrap_or_default()
    }
}

impl fmt::Display for RunPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.attribute {
            None => f.write_str(&self.class),
            Some(attribute) => write!(f, "{}.{attribute}", self.class),
        }
    }
}

impl Run {
    /// The part to read next; none: the pass is complete and can be compared.
    pub fn current(&self) -> Option<&PartProgress> {
        self.parts.iter().find(|part| !part.complete)
    }

    /// Was nothing read yet?
    pub fn is_new(&self) -> bool {
        self.parts.iter().all(|part| !part.complete && part.checkpoint.is_none() && part.staged == 0)
    }
}

impl Store {
    /// Begins the run of a task, or resumes the one it has. A run with another plan (the schema changed between two
    /// attempts) is discarded and begun again; a part without a checkpoint begins anew.
    pub async fn begin_run(&self, task: TaskId, connection: &ConnectionId, plan: &[RunPart]) -> Result<Run> {
        if plan.is_empty() {
            return Err(Error::failure(FailureKind::Configuration, "there is nothing to import: the schema is empty"));
        }
        if let Some(run) = self.run_of(task).await? {
            self.restart_parts(run.number).await?;
        }
        let mut tx = self.database.write().await?;
        let (number, _) = identify(&mut tx, connection).await?;
        if let Some(run) = unfinished(&mut tx, task).await? {
            if run.has_plan(plan) {
                return Ok(run);
            }
            discard_runs(&mut tx, task).await?;
        }
        let run = insert_run(&mut tx, task, number, plan).await?;
        tx.commit().await.map_err(fault)?;
        Ok(run)
    }

    /// Notes the token a pass was given, unless it was given one before.
    pub async fn note_token(&self, run: i64, token: &[u8]) -> Result<()> {
        let mut tx = self.database.write().await?;
        keep_first_token(&mut tx, run, token).await?;
        tx.commit().await.map_err(fault)
    }

    /// The task's run that is neither published nor discarded.
    pub async fn run_of(&self, task: TaskId) -> Result<Option<Run>> {
        let mut tx = self.database.reader().begin().await.map_err(fault)?;
        unfinished(&mut tx, task).await
    }

    /// Throws away what a task has staged, and leaves the task running: its next run starts afresh.
    pub async fn restart_run(&self, task: TaskId) -> Result<()> {
        let mut tx = self.database.write().await?;
        discard_runs(&mut tx, task).await?;
        tx.commit().await.map_err(fault)
    }

    /// Throws a run away and closes its task as rejected, cancelled or failed; nothing visible changes. Its rows go
    /// with the next [`Store::sweep`].
    pub async fn discard(&self, task: TaskId, state: TaskState, error: Option<&TaskError>) -> Result<()> {
        let mut tx = self.database.write_erasing().await?;
        let from: &[TaskState] = match state {
            TaskState::Rejected => &[TaskState::Held],
            TaskState::Cancelled | TaskState::Failed => &[TaskState::Running],
            other => return Err(Error::internal(format!("a run is not discarded as {}", other.as_str()))),
        };
        let closing = Closing { id: task, from, to: state, counts: None, error, at: self.now() };
        let erased = close_task(&mut tx, &closing).await?;
        discard_runs(&mut tx, task).await?;
        self.database.commit_erasing(tx, erased).await
    }
}

impl Run {
    /// Does it read just that?
    pub(super) fn has_plan(&self, plan: &[RunPart]) -> bool {
        self.parts.iter().map(|progress| &progress.part).eq(plan)
    }
}

/// Notes a pass's token inside a transaction: only the first one sees everything since the pass began.
pub(super) async fn keep_first_token(at: &mut SqliteConnection, run: i64, token: &[u8]) -> Result<()> {
    sqlx::query("UPDATE run SET token = COALESCE(token, $2) WHERE number = $1")
        .bind(run)
        .bind(token)
        .execute(at)
        .await
        .map_err(fault)?;
    Ok(())
}

type PartColumns = (String, String, bool, Option<Vec<u8>>, i64);

pub(super) async fn unfinished(at: &mut SqliteConnection, task: TaskId) -> Result<Option<Run>> {
    let found: Option<(i64, i64, Option<Vec<u8>>)> = sqlx::query_as(
        "SELECT number, rejected, token FROM run WHERE task = $1 AND state IN ('copying', 'staging', 'compared')",
    )
    .bind(task.to_string())
    .fetch_optional(&mut *at)
    .await
    .map_err(fault)?;
    let Some((number, rejected, token)) = found else { return Ok(None) };
    let parts: Vec<PartColumns> = sqlx::query_as(
        "SELECT p.class, p.attribute, r.complete, r.checkpoint, r.held
         FROM run_part r JOIN part p ON p.number = r.part WHERE r.run = $1 ORDER BY r.ordinal",
    )
    .bind(number)
    .fetch_all(at)
    .await
    .map_err(fault)?;
    let progress = |(class, attribute, complete, checkpoint, held): PartColumns| PartProgress {
        part: RunPart::from_columns(class, attribute),
        complete,
        checkpoint,
        staged: count(held),
    };
    Ok(Some(Run { number, parts: parts.into_iter().map(progress).collect(), rejected: count(rejected), token }))
}

pub(super) async fn insert_run(
    tx: &mut Transaction<'_, Sqlite>,
    task: TaskId,
    connection: i64,
    plan: &[RunPart],
) -> Result<Run> {
    let number = next_number(tx, "run").await?;
    sqlx::query(
        "INSERT INTO run (number, connection, task, state, changes, rejected) VALUES ($1, $2, $3, 'staging', 0, 0)",
    )
    .bind(number)
    .bind(connection)
    .bind(task.to_string())
    .execute(&mut **tx)
    .await
    .map_err(fault)?;
    for (ordinal, part) in plan.iter().enumerate() {
        let part_number = part_number(tx, connection, part).await?;
        sqlx::query(
            "INSERT INTO run_part (run, ordinal, part, complete, held, unresolved)
             VALUES ($1, $2, $3, FALSE, 0, FALSE)",
        )
        .bind(number)
        .bind(stored(ordinal))
        .bind(part_number)
        .execute(&mut **tx)
        .await
        .map_err(fault)?;
    }
    let progress = |part: &RunPart| PartProgress { part: part.clone(), complete: false, checkpoint: None, staged: 0 };
    Ok(Run { number, parts: plan.iter().map(progress).collect(), rejected: 0, token: None })
}

async fn part_number(at: &mut SqliteConnection, connection: i64, part: &RunPart) -> Result<i64> {
    let known: Option<i64> =
        sqlx::query_scalar("SELECT number FROM part WHERE connection = $1 AND class = $2 AND attribute = $3")
            .bind(connection)
            .bind(&part.class)
            .bind(part.attribute_column())
            .fetch_optional(&mut *at)
            .await
            .map_err(fault)?;
    if let Some(number) = known {
        return Ok(number);
    }
    let number = next_number(at, "part").await?;
    sqlx::query("INSERT INTO part (number, connection, class, attribute) VALUES ($1, $2, $3, $4)")
        .bind(number)
        .bind(connection)
        .bind(&part.class)
        .bind(part.attribute_column())
        .execute(at)
        .await
        .map_err(fault)?;
    Ok(number)
}
