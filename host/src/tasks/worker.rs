//! Workers: claim a task, run it, write down how it ended. A worker outlives every task, whatever becomes of it.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::{Tasks, fulfil, import, persist, refresh, write};
use crate::audit;
use crate::model::{
    Asked, Caller, Error, ErrorKind, FailureKind, Gate, ImportMode, RequestContext, Result, Role, Task, TaskError,
    TaskKind, TaskState,
};
use crate::runtime::Used;
use crate::store::Claim;

/// How often an idle worker looks for work that nobody woke it for.
const IDLE: Duration = Duration::from_secs(5);
/// The longest a task takes; its calls have limits of their own.
pub(super) const TASK_TIME_MAX: Duration = Duration::from_secs(365 * 24 * 3600);
/// How often superseded rows are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// Attempts at one task while its failure may pass.
const ATTEMPTS_MAX: u32 = 5;
/// The wait after the first failed attempt; it doubles with each.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
/// The longest wait between attempts.
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// How often a task that waits for something else says how far it has come, and asks whether it is to stop.
pub(super) const TELL_EVERY: Duration = Duration::from_millis(250);

/// How a task ended, or did not.
pub(super) enum End {
    /// Succeeded; an import was published.
    Succeeded,
    /// Waits for a person.
    Held,
    /// Somebody asked it to stop.
    Cancelled,
    /// Somebody asked it to wait until it is resumed.
    Paused,
    /// The host stops; the task goes on at its next start.
    Interrupted,
    /// It did not get there in the time it was given, and is queued again.
    Deferred,
}

/// Runs the tasks that may be claimed so, each with as much time, until the host stops.
pub(super) async fn work(tasks: Tasks, claim: Claim, time: Duration, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match tasks.store.claim_task(claim).await {
            Ok(Some(task)) => run(&tasks, &task, &stop, time).await,
            Ok(None) => {
                let idle = tokio::time::timeout(IDLE, tasks.wakes.woken(claim));
                stop.run_until_cancelled(idle).await;
            }
            Err(error) => {
                tracing::warn!(%error, detail = error.detail, "cannot look for tasks");
                stop.run_until_cancelled(tokio::time::sleep(IDLE)).await;
            }
        }
    }
}

/// Collects what superseded and discarded runs left, a piece at a time.
pub(super) async fn sweep(tasks: Tasks, stop: CancellationToken) {
    loop {
        if stop.run_until_cancelled(tokio::time::sleep(SWEEP_EVERY)).await.is_none() {
            return;
        }
        if let Err(error) = tasks.store.sweep().await {
            tracing::warn!(%error, detail = error.detail, "cannot collect superseded rows");
        }
    }
}

/// Runs a task that was claimed, with as much time, to an end that is written down.
async fn run(tasks: &Tasks, task: &Task, stop: &CancellationToken, time: Duration) {
    tracing::info!(task = %task.id, kind = task.kind.as_str(), connection = %task.connection, attempt = task.attempts, "task begins");
    let entry = entry(task);
    let begun = persist(stop, "the begin of a task", || tasks.audit.begin(&entry)).await;
    let mut used = Used::default();
    let ended = match &begun {
        Ok(_) => match AssertUnwindSafe(with_retries(tasks, task, stop, time, &mut used)).catch_unwind().await {
            Ok(ended) => ended,
            Err(_) => Err(Error::internal("the task panicked")),
        },
        Err(error) if error.kind == ErrorKind::Unavailable => Ok(End::Interrupted),
        Err(error) => Err(error.clone()),
    };
    if matches!(ended, Ok(End::Interrupted)) {
        tracing::info!(task = %task.id, "task goes on at the next start");
    }
    let finished = persist(stop, "the end of a task", || finish(tasks, task, &ended)).await;
    if let Ok(begun) = begun {
        let outcome = audit::Outcome::of(&noted(&ended), &used);
        if let Err(error) = persist(stop, "the outcome of a task", || begun.finish(&outcome)).await {
            tracing::error!(task = %task.id, %error, "cannot write the outcome into the audit trail");
        }
    }
    if let Err(error) = finished {
        tracing::error!(task = %task.id, %error, detail = error.detail, "cannot finish the task");
    }
}

/// What the audit trail says: a task that was stopped, by a person or with its host, did not do what it should.
fn noted(ended: &Result<End>) -> Result<()> {
    match ended {
        Ok(End::Succeeded | End::Held) => Ok(()),
        Ok(End::Cancelled) => Err(Error::failure(FailureKind::Cancelled, "somebody asked it to stop")),
        Ok(End::Paused) => Err(Error::failure(FailureKind::Cancelled, "somebody paused it; it goes on later")),
        Ok(End::Interrupted) => Err(Error::failure(FailureKind::Cancelled, "the host stopped; it goes on later")),
        Ok(End::Deferred) => Err(Error::failure(FailureKind::OperationTimeout, "its turn comes again, with more time")),
        Err(error) => Err(error.clone()),
    }
}

/// Ends when the host stops, or when somebody asks the task to.
pub(super) async fn told_to_end(tasks: &Tasks, task: &Task, stop: &CancellationToken) -> Result<End> {
    loop {
        match tasks.store.asked(task.id).await? {
            Some(Asked::Cancel) => return Ok(End::Cancelled),
            Some(Asked::Pause) => return Ok(End::Paused),
            None => {}
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(End::Interrupted),
            () = tokio::time::sleep(TELL_EVERY) => {}
        }
    }
}

async fn with_retries(
    tasks: &Tasks,
    task: &Task,
    stop: &CancellationToken,
    time: Duration,
    used: &mut Used,
) -> Result<End> {
    let (mut failures, mut wait) = (0, BACKOFF_FIRST);
    loop {
        let error = match attempt_once(tasks, task, stop, time, used).await {
            // The host's own trouble says nothing about the task, whose end could not be written now either.
            Err(error) if error.kind == ErrorKind::Unavailable => error,
            Err(error) if may_pass(task, &error) && failures + 1 < ATTEMPTS_MAX => {
                failures += 1;
                error
            }
            ended => return ended,
        };
        let asked = error.retry_after_ms.map(|ms| Duration::from_millis(ms.into()));
        let pause = asked.unwrap_or(wait).min(BACKOFF_MAX);
        tracing::warn!(task = %task.id, %error, failures, pause_ms = pause.as_millis(), "task will be tried again");
        match tokio::time::timeout(pause, told_to_end(tasks, task, stop)).await {
            Ok(Ok(end)) => return Ok(end),
            // Without the store nobody can be asked, nor the task go on.
            Ok(Err(_)) if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() => {
                return Ok(End::Interrupted);
            }
            Ok(Err(_)) | Err(_) => {}
        }
        wait = (wait * 2).min(BACKOFF_MAX);
    }
}

async fn attempt_once(
    tasks: &Tasks,
    task: &Task,
    stop: &CancellationToken,
    time: Duration,
    used: &mut Used,
) -> Result<End> {
    let rc = context(tasks, task, time);
    match task.kind {
        TaskKind::Import => import::run(tasks, task, &rc, stop, used).await,
        TaskKind::RefreshSchema => refresh::run(tasks, task, &rc, (stop, time), used).await,
        TaskKind::Fulfil => fulfil::run(tasks, task, &rc, stop, used).await,
        TaskKind::WriteTables => write::run(tasks, task, stop).await,
    }
}

/// The worker acts on behalf of whoever asked for the task.
fn context(tasks: &Tasks, task: &Task, time: Duration) -> RequestContext {
    let caller = Caller { name: task.requested_by.clone(), role: Role::Core };
    let deadline = tasks.clock.after(time);
    let (id, idempotency_key) = (task.request_id.clone(), Some(task.id.to_string()));
    RequestContext { caller, id, deadline, idempotency_key, gate: Gate::default() }
}

/// Is it worth another attempt, a few times? A refresh is not: whoever needs the schema asks again, and meanwhile its
/// place is for others.
fn may_pass(task: &Task, error: &Error) -> bool {
    if task.kind == TaskKind::RefreshSchema {
        return false;
    }
    if task.kind == TaskKind::WriteTables {
        return write::may_pass(error);
    }
    match error.kind {
        // Its orders have been tried one by one.
        _ if task.kind == TaskKind::Fulfil => false,
        ErrorKind::GuestTrap => true,
        // What a feed has lost it does not find again; a complete pass just begins anew.
        ErrorKind::Failure(FailureKind::ResyncRequired) => task.mode != Some(ImportMode::Incremental),
        ErrorKind::Failure(kind) => matches!(
            kind,
            FailureKind::ConnectionFailed
                | FailureKind::ConnectionBroken
                | FailureKind::OperationTimeout
                | FailureKind::Retryable
                | FailureKind::RateLimited
                | FailureKind::TargetMaintenance
        ),
        _ => false,
    }
}

async fn finish(tasks: &Tasks, task: &Task, ended: &Result<End>) -> Result<()> {
    let cancelled = TaskError { kind: "cancelled".to_owned(), message: "somebody asked it to stop".to_owned() };
    match ended {
        Ok(End::Succeeded | End::Held | End::Interrupted | End::Deferred) => Ok(()),
        Ok(End::Paused) => match tasks.store.park_task(task.id).await? {
            TaskState::Running => tasks.store.discard(task.id, TaskState::Cancelled, Some(&cancelled)).await,
            TaskState::Queued => {
                tasks.wakes.wake(task.kind);
                Ok(())
            }
            _ => Ok(()),
        },
        Ok(End::Cancelled) => tasks.store.discard(task.id, TaskState::Cancelled, Some(&cancelled)).await,
        Err(error) => {
            tracing::warn!(task = %task.id, %error, detail = error.detail, "task failed");
            let error = TaskError { kind: error.kind.as_str().to_owned(), message: error.message.clone() };
            tasks.store.discard(task.id, TaskState::Failed, Some(&error)).await
        }
    }
}

fn entry(task: &Task) -> audit::Entry {
    let action = format!("task.{}", task.kind.as_str());
    let connection = Some(task.connection.clone());
    let entry = audit::Entry::new(&task.requested_by, Role::Core, task.request_id.clone(), action);
    audit::Entry { connection, ..entry }
}

#[cfg(test)]
mod tests;
