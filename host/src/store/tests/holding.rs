//! Runs that wait for a person, and readers meanwhile.

use super::*;
use crate::model::TaskState;

impl Room {
    /// Ten accounts published, a second pass that has one of them, held.
    async fn held(&self) -> TaskId {
        self.imported(&[(accounts(), rows(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]))]).await;
        let (task, compared) = self.compared(&[(accounts(), rows(&["0", "new"]))]).await;
        self.store.finish_task(task, TaskState::Held, Some(&compared.counts), None).await.unwrap();
        task
    }
}

#[tokio::test]
async fn a_held_run_shows_what_it_would_remove_and_changes_nothing() {
    let room = Room::new().await;
    let task = room.held().await;
    room.store.sweep().await.unwrap();
    let (mut uids, mut after) = (Vec::new(), None);
    loop {
        let page = room.store.removals(task, after, 4).await.unwrap();
        let Some(end) = page.last() else { break };
        after = Some(end.position);
        uids.extend(page.into_iter().map(|removal| (removal.class, removal.uid, removal.name)));
    }
    let expected = (1..10).map(|n| ("account".to_owned(), n.to_string(), format!("name of {n}")));
    assert!(expected.eq(uids));
    assert_eq!(room.uids("account").await.len(), 10);
    assert_eq!(room.feed(0).await.len(), 10);
}

#[tokio::test]
async fn an_approved_run_is_published_even_after_a_restart() {
    let mut room = Room::new().await;
    let task = room.held().await;
    room.reopen().await;
    assert_eq!(room.store.requeue_running_tasks().await.unwrap(), 0);
    room.store.sweep().await.unwrap();
    assert_eq!(room.store.publish(task).await.unwrap().counts.map(|counts| counts.deleted), Some(9));
    assert_eq!(room.uids("account").await, ["0", "new"]);
    assert!(room.store.removals(task, None, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_rejected_run_leaves_everything_as_it_was() {
    let room = Room::new().await;
    let task = room.held().await;
    let before = (room.uids("account").await, room.feed(0).await);
    room.store.discard(task, TaskState::Rejected, None).await.unwrap();
    room.store.sweep().await.unwrap();
    assert_eq!((room.uids("account").await, room.feed(0).await), before);
    assert_eq!(room.store.task(task).await.unwrap().state, TaskState::Rejected);
    assert!(is_conflict(&room.store.publish(task).await.unwrap_err()));
    assert!(is_conflict(&room.store.discard(task, TaskState::Rejected, None).await.unwrap_err()));
    let left: i64 = sqlx::query_scalar("SELECT (SELECT COUNT(*) FROM object_row) + (SELECT COUNT(*) FROM change)")
        .fetch_one(room.store.database.reader())
        .await
        .unwrap();
    assert_eq!(left, 20, "ten rows and their ten inserts");
    room.imported(&[(accounts(), rows(&["0"]))]).await;
    assert_eq!(room.news(10).await.len(), 9, "positions go on where published ones ended");
}

#[tokio::test]
async fn readers_see_one_run_whole_while_others_are_published_and_swept() {
    let room = Room::new().await;
    let pass = |n: i64| {
        let rows = (0..40).map(|uid| row(&format!("{uid:02}={n}"))).collect();
        [(accounts(), Content { rows, ..Content::default() })]
    };
    room.imported(&pass(0)).await;
    let store = room.store.clone();
    let reader = tokio::spawn(async move {
        let mut seen = std::collections::BTreeSet::new();
        let mut reads = 0;
        while reads < 300 || seen.len() < 2 {
            reads += 1;
            let page = store.published(&id("hr"), "account", None, 100).await.unwrap();
            let bodies: std::collections::BTreeSet<_> = page.iter().map(|row| row.body.clone()).collect();
            assert_eq!((page.len(), bodies.len()), (40, 1));
            seen.extend(bodies);
        }
    });
    let mut n = 0;
    while !reader.is_finished() {
        n += 1;
        room.imported(&pass(n)).await;
    }
    reader.await.unwrap();
}
