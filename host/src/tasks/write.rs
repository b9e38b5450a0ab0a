//! Writing the tables of a published import as files.
//!
//! It is a task of its own, queued in the transaction that publishes: an import that was held is published by a request,
//! which has no time for files, and whatever becomes of the files, the import is published and stays so. A host that was
//! killed begins again, and finds out if the files had appeared before.

use std::pin::pin;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Tasks;
use super::worker::{End, TELL_EVERY, told_to_end};
use crate::model::output::OUTPUT_TABLES_MAX;
use crate::model::{ConnectionId, Error, FailureKind, ImportMode, Output, Progress, Result, Task, TaskState};
use crate::tables::{Begun, Writing};

/// How long a place that may not answer is asked to delete what was written.
const ABANDON_TIME_MAX: Duration = Duration::from_secs(10);

impl Tasks {
    /// Can the tables be written like that?
    ///
    /// # Errors
    /// As [`Self::require_place`].
    pub(super) async fn require_output(&self, connection: &ConnectionId, output: &Output) -> Result<()> {
        self.require_place(output)?;
        let Some(tables) = &output.tables else { return Ok(()) };
        self.tables.require(connection, tables).await
    }

    /// Can the tables of some connection be written like that?
    ///
    /// # Errors
    /// `invalid-request`, blaming what is wrong and naming what there is.
    pub fn require_place(&self, output: &Output) -> Result<()> {
        let place = self.places.get(&output.place);
        place.map_err(|error| Error::invalid(error.message).blaming("output.place"))?;
        let Some(tables) = &output.tables else { return Ok(()) };
        if tables.is_empty() || tables.len() > OUTPUT_TABLES_MAX {
            let message = format!("name 1 to {OUTPUT_TABLES_MAX} tables, or leave them out for all");
            return Err(Error::invalid(message).blaming("output.tables"));
        }
        let mut folded: Vec<String> = tables.iter().map(crate::model::TableSuffix::folded).collect();
        folded.sort();
        if folded.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return Err(Error::invalid("a table is named twice").blaming("output.tables"));
        }
        Ok(())
    }
}

/// Writes the tables a task asks for.
///
/// # Errors
/// `configuration` if the place is gone or cannot be written; `retryable` if that may pass.
pub(super) async fn run(tasks: &Tasks, task: &Task, stop: &CancellationToken) -> Result<End> {
    let output = task.output.as_ref().ok_or_else(|| Error::internal("the task has no output"))?;
    let place = tasks.places.get(&output.place)?;
    let since = match task.mode {
        Some(ImportMode::Incremental) => tasks.store.written(&task.connection, &place.location()).await?,
        _ => std::collections::HashMap::new(),
    };
    // Besides everything, because a place may not answer.
    let mut told = pin!(told_to_end(tasks, task, stop));
    let begun = tokio::select! {
        biased;
        end = &mut told => return end,
        begun = tasks.tables.write(task, output, place, &since) => begun?,
    };
    let tables = match begun {
        Begun::Done(tables) => tables,
        Begun::Now(mut writing) => {
            let ended = tokio::select! {
                biased;
                end = &mut told => end.map(Some),
                written = write(tasks, task, &mut writing) => written.map(|()| None),
            };
            match ended {
                // To stop here would leave open whether they have appeared; so does a failure, and the next try looks.
                Ok(None) => writing.finish().await?,
                Ok(Some(end)) => return abandoned(*writing, Ok(end)).await,
                Err(error) => return abandoned(*writing, Err(error)).await,
            }
        }
    };
    tasks.store.note_written(&task.connection, &place.location(), &tables).await?;
    tasks.store.finish_task(task.id, TaskState::Succeeded, None, None).await?;
    tracing::info!(task = %task.id, connection = %task.connection, place = %output.place, "the tables are written");
    Ok(End::Succeeded)
}

/// Writes until there is nothing left.
async fn write(tasks: &Tasks, task: &Task, writing: &mut Writing) -> Result<()> {
    let mut due = Instant::now();
    while writing.step().await? {
        if Instant::now() < due {
            continue;
        }
        due = Instant::now() + TELL_EVERY;
        let progress = Progress { reading: writing.table(), rows: writing.rows(), ..Progress::default() };
        tasks.store.task_progress(task.id, &progress).await?;
    }
    let progress = Progress { rows: writing.rows(), ..Progress::default() };
    tasks.store.task_progress(task.id, &progress).await
}

/// Throws away what was written, for as long as that is worth it: a task that begins again does so first of all.
async fn abandoned(writing: Writing, ended: Result<End>) -> Result<End> {
    if tokio::time::timeout(ABANDON_TIME_MAX, writing.abandon()).await.is_err() {
        tracing::warn!("a place does not answer, and what was written there is left behind");
    }
    ended
}

/// What may pass: the place, not what is read.
pub(super) fn may_pass(error: &Error) -> bool {
    error.is(FailureKind::Retryable) || error.is(FailureKind::ResyncRequired)
}
