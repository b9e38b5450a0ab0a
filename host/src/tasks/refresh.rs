//! Refreshing the schemas of connections, as tasks with places of their own: however many targets are asked, imports do
//! not wait for them.
//!
//! A target that does not answer keeps its place for as long as a call may take, and whoever refreshes five hundred
//! connections has some of those. So half of the places are only for targets that answered quickly when they were last
//! asked, and one that turns out not to loses such a place after [`QUICK`]: it is queued again, for the other half.
//! Invariant: targets that are known not to answer never hold more than half of the places.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::worker::{End, IDLE};
use super::{Tasks, worker};
use crate::model::{ConnectionId, Error, FailureKind, RequestContext, Result, SchemaStatus, Task, TaskState};
use crate::runtime::{Called, Used};

/// How long a target keeps a place that is for quick ones.
const QUICK: Duration = Duration::from_secs(3);
/// How long one keeps any other place; a guest's call is over long before.
const PATIENT: Duration = Duration::from_secs(3600);

/// Who may have a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Targets that answered quickly when they were last asked, or were not asked yet.
    Quick,
    /// Any.
    Any,
}

impl Tasks {
    /// Asks a connection's target what it looks like, and looks again at the mappings that waited for that.
    pub async fn refresh_schema(&self, rc: &RequestContext, connection: &ConnectionId) -> Called<SchemaStatus> {
        let called = self.connections.refresh_schema(rc, connection).await;
        if called.result.is_ok() {
            self.mappings.verify(Some(connection)).await;
        }
        called
    }
}

/// Opens the places; they close with `stop`.
pub(super) fn open(tasks: &Tasks, tracker: &TaskTracker, stop: &CancellationToken) {
    for number in 0..tasks.config.refreshes {
        let place = if number < tasks.config.refreshes / 2 { Place::Any } else { Place::Quick };
        tracker.spawn(work(tasks.clone(), place, stop.clone()));
    }
}

/// Refreshes one connection's schema.
///
/// # Errors
/// What kept it from being read; the last good one stays in use.
pub(super) async fn run(
    tasks: &Tasks,
    task: &Task,
    rc: &RequestContext,
    time: Duration,
    used: &mut Used,
) -> Result<End> {
    let begun = tasks.clock.now();
    let called = tasks.refresh_schema(rc, &task.connection).await;
    used.merge(called.used);
    let took = tasks.clock.now().duration_since(begun).unsigned_abs();
    let slow = took >= QUICK || called.result.as_ref().is_err_and(unreachable);
    if let Err(error) = tasks.store.note_slow(&task.connection, slow).await {
        tracing::warn!(connection = %task.connection, %error, "cannot note how fast the target answers");
    }
    match called.result {
        Err(error) if time <= QUICK && error.is(FailureKind::OperationTimeout) => {
            tasks.store.defer_refresh(task.id).await?;
            tasks.wake_refreshing();
            Ok(End::Deferred)
        }
        Err(error) => Err(error),
        Ok(_) => {
            tasks.store.finish_task(task.id, TaskState::Succeeded, None, None).await?;
            Ok(End::Succeeded)
        }
    }
}

async fn work(tasks: Tasks, place: Place, stop: CancellationToken) {
    let time = if place == Place::Quick { QUICK } else { PATIENT };
    while !stop.is_cancelled() {
        match tasks.store.claim_refresh(place == Place::Quick).await {
            Ok(Some(task)) => worker::run(&tasks, &task, &stop, time).await,
            Ok(None) => {
                let idle = tokio::time::timeout(IDLE, tasks.refreshes.notified());
                stop.run_until_cancelled(idle).await;
            }
            Err(error) => {
                tracing::warn!(%error, detail = error.detail, "cannot look for refreshes");
                stop.run_until_cancelled(tokio::time::sleep(IDLE)).await;
            }
        }
    }
}

/// Did the target not answer at all?
fn unreachable(error: &Error) -> bool {
    [FailureKind::ConnectionFailed, FailureKind::ConnectionBroken, FailureKind::OperationTimeout]
        .into_iter()
        .any(|kind| error.is(kind))
}
