//! Tasks.

use super::*;
use crate::model::{Asked, Counts, ErrorKind, Schema, TaskError, TaskState};
use crate::store::TaskFilter;

#[tokio::test]
async fn a_second_import_of_a_connection_is_a_conflict_that_names_the_first() {
    let room = Room::new().await;
    let first = room.store.enqueue_task(&import("hr")).await.unwrap();
    let error = room.store.enqueue_task(&import("HR")).await.unwrap_err();
    assert!(is_conflict(&error) && error.message.contains(&first.id.to_string()), "{error}");
    let refresh = NewTask { kind: TaskKind::RefreshSchema, mode: None, ..import("hr") };
    room.store.enqueue_task(&refresh).await.unwrap();
    let unknown = room.store.enqueue_task(&import("nobody")).await.unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn the_oldest_queued_task_is_claimed_once() {
    let room = Room::new().await;
    room.store.create_connection(&connection("b"), no_secrets).await.unwrap();
    let (first, second) =
        (room.store.enqueue_task(&import("hr")).await.unwrap(), room.store.enqueue_task(&import("b")).await.unwrap());
    let claimed = room.store.claim_task(Claim::Imports).await.unwrap().unwrap();
    assert_eq!((claimed.id, claimed.state, claimed.attempts), (first.id, TaskState::Running, 1));
    assert_eq!(claimed.started, Some(room.clock.now()));
    assert_eq!(room.store.claim_task(Claim::Imports).await.unwrap().unwrap().id, second.id);
    assert_eq!(room.store.claim_task(Claim::Imports).await.unwrap(), None);
}

#[tokio::test]
async fn a_queued_task_is_cancelled_at_once_and_a_running_one_is_asked() {
    let room = Room::new().await;
    let queued = room.store.enqueue_task(&import("hr")).await.unwrap();
    let cancelled = room.store.cancel_task(queued.id).await.unwrap();
    assert_eq!((cancelled.state, cancelled.finished), (TaskState::Cancelled, Some(room.clock.now())));
    assert!(is_conflict(&room.store.cancel_task(queued.id).await.unwrap_err()));
    assert_eq!(room.store.cancel_task(TaskId::fresh()).await.unwrap_err().kind, ErrorKind::NotFound);

    let (task, run) = room.begun(&[accounts()]).await;
    assert_eq!(room.store.asked(task).await.unwrap(), None);
    assert_eq!(room.store.cancel_task(task).await.unwrap().state, TaskState::Running);
    assert_eq!(room.store.asked(task).await.unwrap(), Some(Asked::Cancel));
    let page = [row("1")];
    let progress = Progress::default();
    let staged = room.store.stage_rows(run.number, &accounts(), &page, &[], &at("1"), &progress).await;
    assert!(staged.unwrap().stop_requested);
    room.store.discard(task, TaskState::Cancelled, None).await.unwrap();
    assert_eq!(room.store.task(task).await.unwrap().state, TaskState::Cancelled);
}

#[tokio::test]
async fn what_was_running_when_the_host_stopped_is_queued_again_and_counts_its_attempts() {
    let mut room = Room::new().await;
    let task = room.claimed().await;
    room.reopen().await;
    assert_eq!(room.store.requeue_running_tasks().await.unwrap(), 1);
    let again = room.store.claim_task(Claim::Imports).await.unwrap().unwrap();
    assert_eq!((again.id, again.attempts, again.started), (task.id, 2, task.started));
}

#[tokio::test]
async fn a_task_that_is_to_pause_and_then_to_stop_stops() {
    let mut room = Room::new().await;
    let task = room.claimed().await.id;
    room.store.pause_task(task).await.unwrap();
    room.store.cancel_task(task).await.unwrap();
    assert_eq!(room.store.park_task(task).await.unwrap(), TaskState::Running, "its worker ends it");
    room.reopen().await;
    room.store.requeue_running_tasks().await.unwrap();
    let again = room.store.claim_task(Claim::Imports).await.unwrap().unwrap();
    assert_eq!((again.id, room.store.asked(task).await.unwrap()), (task, Some(Asked::Cancel)));
}

#[tokio::test]
async fn a_task_is_finished_once() {
    let room = Room::new().await;
    let task = room.claimed().await.id;
    let (counts, error) = (
        Counts { deleted: 101, ..Counts::default() },
        TaskError { kind: "held".into(), message: "101 objects would go".into() },
    );
    let held = room.store.finish_task(task, TaskState::Held, Some(&counts), Some(&error)).await.unwrap();
    assert_eq!(
        (held.state, held.finished, held.counts, held.error),
        (TaskState::Held, None, Some(counts), Some(error))
    );
    let error = room.store.finish_task(task, TaskState::Failed, None, None).await.unwrap_err();
    assert!(is_conflict(&error) && error.message.contains("held"), "{error}");
    assert!(is_conflict(&room.store.cancel_task(task).await.unwrap_err()));
    assert!(is_conflict(&room.store.enqueue_task(&import("hr")).await.unwrap_err()));
    room.store.discard(task, TaskState::Rejected, None).await.unwrap();
    room.store.enqueue_task(&import("hr")).await.unwrap();
}

#[tokio::test]
async fn tasks_are_listed_newest_first_by_connection_and_state() {
    let room = Room::new().await;
    room.store.create_connection(&connection("b"), no_secrets).await.unwrap();
    let refresh = |connection| NewTask { kind: TaskKind::RefreshSchema, mode: None, ..import(connection) };
    let mut made = Vec::new();
    for new in [import("hr"), import("b"), refresh("hr"), refresh("b")] {
        made.push(room.store.enqueue_task(&new).await.unwrap().id);
    }
    assert_eq!(room.store.claim_task(Claim::Imports).await.unwrap().unwrap().id, made[0]);
    let ids = |tasks: Vec<Task>| -> Vec<TaskId> { tasks.into_iter().map(|task| task.id).collect() };
    let all = TaskFilter::default();
    assert_eq!(ids(room.store.tasks(&all, None, 3).await.unwrap()), [made[3], made[2], made[1]]);
    assert_eq!(ids(room.store.tasks(&all, Some(made[1]), 3).await.unwrap()), [made[0]]);
    let queued = TaskFilter { connection: Some(id("HR")), state: Some(TaskState::Queued), ..TaskFilter::default() };
    assert_eq!(ids(room.store.tasks(&queued, None, 9).await.unwrap()), [made[2]]);
}

#[tokio::test]
async fn progress_is_kept() {
    let room = Room::new().await;
    let task = room.claimed().await.id;
    let progress = Progress { reading: Some("account".into()), rows: 7, ..Progress::default() };
    room.store.task_progress(task, &progress).await.unwrap();
    assert_eq!(room.store.task(task).await.unwrap().progress, progress);
}

#[tokio::test]
async fn a_refresh_that_waits_is_not_queued_twice_and_slow_targets_are_left_to_places_for_any() {
    let room = Room::new().await;
    room.store.create_connection(&connection("slow"), no_secrets).await.unwrap();
    room.store.note_slow(&id("slow"), true).await.unwrap();
    let refresh = |connection| NewTask { kind: TaskKind::RefreshSchema, mode: None, ..import(connection) };
    let slow = room.store.enqueue_task(&refresh("slow")).await.unwrap().id;
    assert_eq!(room.store.enqueue_task(&refresh("slow")).await.unwrap().id, slow);
    let quick = room.store.enqueue_task(&refresh("hr")).await.unwrap().id;

    assert!(room.store.claim_task(Claim::Imports).await.unwrap().is_none(), "refreshes have places of their own");
    assert!(room.store.claim_task(Claim::QuickRefreshes).await.unwrap().is_none(), "nothing is known of it yet");
    assert_eq!(room.store.claim_task(Claim::HopefulRefreshes).await.unwrap().unwrap().id, quick);
    assert!(room.store.claim_task(Claim::HopefulRefreshes).await.unwrap().is_none());
    assert_eq!(room.store.claim_task(Claim::Refreshes).await.unwrap().unwrap().id, slow);
    room.store.note_slow(&id("hr"), true).await.unwrap();
    room.store.defer_refresh(quick).await.unwrap();
    assert!(room.store.claim_task(Claim::HopefulRefreshes).await.unwrap().is_none(), "it turned out to be slow");
    assert_eq!(room.store.claim_task(Claim::Refreshes).await.unwrap().unwrap().attempts, 2);
    room.store.note_slow(&id("hr"), false).await.unwrap();
    room.store.defer_refresh(quick).await.unwrap();
    assert!(room.store.claim_task(Claim::QuickRefreshes).await.unwrap().is_none(), "it was never read");
    room.store.put_schema(&id("hr"), &Schema::default(), room.clock.now()).await.unwrap();
    assert_eq!(room.store.claim_task(Claim::QuickRefreshes).await.unwrap().unwrap().id, quick);
}

#[tokio::test]
async fn disabling_a_connection_cancels_what_waits_and_asks_what_runs_to_stop() {
    let room = Room::new().await;
    let running = room.claimed().await.id;
    let refresh = NewTask { kind: TaskKind::RefreshSchema, mode: None, ..import("hr") };
    let waiting = room.store.enqueue_task(&refresh).await.unwrap().id;
    let off = |switches| Switches { enabled: false, ..switches };
    let switched = room.store.switch_connection(&id("hr"), None, off).await.unwrap();
    assert_eq!((switched.value.switches.enabled, switched.value.switches.import, switched.revision), (false, true, 2));
    assert_eq!(room.store.task(waiting).await.unwrap().state, TaskState::Cancelled);
    assert_eq!(room.store.asked(running).await.unwrap(), Some(Asked::Cancel));
    assert_eq!(room.store.switch_connection(&id("hr"), Some(1), off).await.unwrap_err().kind, ErrorKind::Stale);
}
