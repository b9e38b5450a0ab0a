//! Refreshing the schemas of connections, as tasks with places of their own: however many targets are asked, imports do
//! not wait for them.
//!
//! A target that does not answer keeps its place for as long as a call may take, and whoever refreshes five hundred
//! connections has some of those. So half of the places are only for targets that answered quickly when they were last
//! asked. The other half is for those of which nothing is known, and for those that are known not to answer; of these
//! places, half are kept from the latter, so that who is new does not wait for them. One that does not answer loses a
//! place that is not for its kind after [`QUICK`]: it is queued again.
//! Invariant: targets that never answered, or did not when they were last asked, hold half of the places at most. One that
//! falls silent holds one of the others for [`QUICK`], once.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::worker::End;
use super::{Tasks, worker};
use crate::model::{ConnectionId, Error, FailureKind, RequestContext, Result, SchemaStatus, Task, TaskKind, TaskState};
use crate::runtime::{Called, Used};
use crate::store::Claim;

/// How long a target keeps a place that is for quick ones.
const QUICK: Duration = Duration::from_secs(3);
/// How long one keeps any other place; a guest's call is over long before.
const PATIENT: Duration = Duration::from_secs(3600);

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
    tracker.spawn(follow(tasks.clone(), stop.clone()));
    for number in 0..tasks.config.refreshes {
        let (claim, time) = place(number, tasks.config.refreshes);
        tracker.spawn(worker::work(tasks.clone(), claim, time, stop.clone()));
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
    (stop, time): (&CancellationToken, Duration),
    used: &mut Used,
) -> Result<End> {
    let begun = tasks.clock.now();
    let called = tokio::select! {
        called = tasks.refresh_schema(rc, &task.connection) => called,
        told = worker::told_to_end(tasks, task, stop) => {
            // The schema may have been written down just before.
            tasks.mappings.verify(Some(&task.connection)).await;
            return told;
        }
    };
    used.merge(called.used);
    let took = tasks.clock.now().duration_since(begun).unsigned_abs();
    let slow = took >= QUICK || called.result.as_ref().is_err_and(unreachable);
    if let Err(error) = tasks.store.note_slow(&task.connection, slow).await {
        tracing::warn!(connection = %task.connection, %error, "cannot note how fast the target answers");
    }
    match called.result {
        Err(error) if time <= QUICK && error.is(FailureKind::OperationTimeout) => {
            tasks.store.defer_refresh(task.id).await?;
            tasks.wakes.wake(TaskKind::RefreshSchema);
            Ok(End::Deferred)
        }
        Err(error) => Err(error),
        Ok(_) => {
            tasks.store.finish_task(task.id, TaskState::Succeeded, None, None).await?;
            Ok(End::Succeeded)
        }
    }
}

/// Looks again at the mappings where a release brought another schema with it, which nobody refreshes.
async fn follow(tasks: Tasks, stop: CancellationToken) {
    while stop.run_until_cancelled(tasks.connections.declared_anew()).await.is_some() {
        tasks.mappings.verify(None).await;
    }
}

/// Which refreshes the place of that number takes, and for how long.
fn place(number: u32, places: u32) -> (Claim, Duration) {
    match number {
        _ if number < places / 2 => (Claim::QuickRefreshes, QUICK),
        _ if number < places / 2 + places / 4 => (Claim::HopefulRefreshes, QUICK),
        _ => (Claim::Refreshes, PATIENT),
    }
}

/// Did the target not answer at all?
fn unreachable(error: &Error) -> bool {
    [FailureKind::ConnectionFailed, FailureKind::ConnectionBroken, FailureKind::OperationTimeout]
        .into_iter()
        .any(|kind| error.is(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_places_are_for_those_who_answered_and_each_kind_has_one() {
        for places in 2..=256 {
            let claims: Vec<Claim> = (0..places).map(|number| place(number, places).0).collect();
            let of = |claim| u32::try_from(claims.iter().filter(|it| **it == claim).count()).unwrap();
            assert_eq!(of(Claim::QuickRefreshes), places / 2);
            assert!(of(Claim::Refreshes) > 0 && (places < 4 || of(Claim::HopefulRefreshes) > 0), "{claims:?}");
        }
    }
}
