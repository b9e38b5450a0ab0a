//! Staging: pages, checkpoints, duplicates, resuming.

use sqlx::Executor as _;

use super::*;
use crate::model::{ErrorKind, TaskState};

#[tokio::test]
async fn rows_and_checkpoint_of_a_page_are_committed_together() {
    let mut room = Room::new().await;
    let (task, run) = room.begun(&[accounts()]).await;
    let store = &room.store;
    let progress = Progress { rows: 2, ..Progress::default() };
    store.stage_rows(run.number, &accounts(), &[row("1"), row("2")], &[], &at("two"), &progress).await.unwrap();
    // The next page fails in the middle, after its rows were written: the trigger stands for a crash there.
    let mut tx = store.database.write().await.unwrap();
    tx.execute("CREATE TRIGGER crash BEFORE UPDATE ON run_part BEGIN SELECT RAISE(ABORT, 'crash'); END").await.unwrap();
    tx.commit().await.unwrap();
    store.stage_rows(run.number, &accounts(), &[row("3")], &[], &at("three"), &progress).await.unwrap_err();

    room.reopen().await;
    room.store.requeue_running_tasks().await.unwrap();
    assert_eq!(room.store.claim_task(Claim::Imports).await.unwrap().unwrap().id, task);
    let resumed = room.store.begin_run(task, &id("hr"), &[accounts()]).await.unwrap();
    let current = resumed.current().unwrap();
    assert_eq!((resumed.number, current.staged), (run.number, 2));
    assert_eq!(current.checkpoint.as_deref(), Some(&b"two"[..]));
    let held: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM object_row").fetch_one(room.store.database.reader()).await.unwrap();
    assert_eq!(held, 2);
    assert_eq!(room.store.task(task).await.unwrap().progress.rows, 2);
}

#[tokio::test]
async fn a_part_without_a_checkpoint_begins_anew_and_nothing_comes_twice() {
    let mut room = Room::new().await;
    let units = RunPart::objects("unit");
    let plan = [accounts(), units.clone()];
    let (task, run) = room.begun(&plan).await;
    let store = &room.store;
    let page = |part_complete| Cursor { checkpoint: None, part_complete, token: None };
    let odd = |key: &str| SetAside { key: key.to_owned(), kind: "conflict".to_owned(), message: "odd".to_owned() };
    let progress = Progress::default();
    store.stage_rows(run.number, &accounts(), &[row("1")], &[odd("a")], &page(true), &progress).await.unwrap();
    store.stage_rows(run.number, &units, &[row("1"), row("2")], &[odd("b")], &page(false), &progress).await.unwrap();

    room.reopen().await;
    room.store.requeue_running_tasks().await.unwrap();
    room.store.claim_task(Claim::Imports).await.unwrap().unwrap();
    let resumed = room.store.begin_run(task, &id("hr"), &plan).await.unwrap();
    let staged: Vec<u64> = resumed.parts.iter().map(|part| part.staged).collect();
    assert_eq!((resumed.number, staged, resumed.rejected), (run.number, vec![1, 0], 1));
    let rows = [row("1"), row("2"), row("3")];
    let again = room.store.stage_rows(run.number, &units, &rows, &[odd("b")], &page(true), &progress).await.unwrap();
    assert_eq!(again.duplicates, 0);
    let set_aside = room.store.set_aside(task, None, 10).await.unwrap();
    let keys: Vec<&str> = set_aside.iter().map(|row| row.record.key.as_str()).collect();
    assert_eq!(keys, ["a", "b"]);
    assert_eq!(room.store.compare(run.number).await.unwrap().counts.inserted, 4);
}

#[tokio::test]
async fn a_page_whose_future_is_dropped_leaves_nothing_half_done() {
    let room = Room::new().await;
    let (task, run) = room.begun(&[accounts()]).await;
    let page: Vec<StagedRow> = (0..500).map(|n| row(&format!("{n:03}"))).collect();
    for wait in 0..1000 {
        let (part, cursor, progress) = (accounts(), at("end"), Progress::default());
        let staging = room.store.stage_rows(run.number, &part, &page, &[], &cursor, &progress);
        let done = tokio::time::timeout(Duration::from_millis(wait), staging).await.is_ok();
        // One snapshot for both: the commit of a dropped page may still be under way, and arrive between two reads.
        let mut tx = room.store.database.reader().begin().await.unwrap();
        let now = crate::store::runs::unfinished(&mut tx, task).await.unwrap().unwrap();
        let current = now.current().unwrap();
        let held: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM object_row").fetch_one(&mut *tx).await.unwrap();
        assert_eq!(held.unsigned_abs(), current.staged);
        assert_eq!(current.checkpoint.is_some(), held == 500);
        if done {
            return;
        }
    }
    panic!("no page was ever staged");
}

#[tokio::test]
async fn a_uid_that_came_already_is_set_aside_and_the_first_row_counts() {
    let room = Room::new().await;
    let (task, run) = room.begun(&[accounts()]).await;
    let (number, part, progress) = (run.number, accounts(), Progress::default());
    let stage = async |texts: &[&str], cursor| {
        let page = rows(texts).rows;
        room.store.stage_rows(number, &part, &page, &[reject("line 9")], &cursor, &progress).await.unwrap()
    };
    assert_eq!(stage(&["1=10", "2=20", "1=11"], at("a")).await.duplicates, 1);
    assert_eq!(stage(&["3=30", "2=21", "4=40"], last()).await.duplicates, 1);
    let aside: Vec<_> = room.store.set_aside(task, None, 9).await.unwrap();
    let short: Vec<_> = aside.iter().map(|row| (row.record.key.as_str(), row.record.kind.as_str())).collect();
    let ragged = ("line 9", "schema-violation");
    assert_eq!(short, [ragged, ("1", "conflict"), ragged, ("2", "conflict")]);
    let rest = room.store.set_aside(task, Some(aside[1].position), 9).await.unwrap();
    assert_eq!(rest, aside[2..]);
    assert_eq!(room.store.task(task).await.unwrap().progress.rejected, 4);

    let counts = room.store.compare(number).await.unwrap().counts;
    assert_eq!((counts.inserted, counts.rejected), (4, 4));
    room.store.publish(task).await.unwrap();
    let one = room.store.published_object(&id("hr"), "account", "1").await.unwrap().unwrap();
    assert_eq!(one.body, row("1=10").body);
}

#[tokio::test]
async fn a_large_page_and_its_odd_remainder_arrive_whole() {
    let room = Room::new().await;
    let (task, run) = room.begun(&[accounts()]).await;
    let page: Vec<StagedRow> = (0..999).map(|n| row(&format!("{n:04}"))).collect();
    room.store.stage_rows(run.number, &accounts(), &page, &[], &last(), &Progress::default()).await.unwrap();
    assert_eq!(room.store.compare(run.number).await.unwrap().counts.inserted, 999);
    room.store.publish(task).await.unwrap();
    let all = room.store.published(&id("hr"), "account", None, 2000).await.unwrap();
    let uids: Vec<_> = all.iter().map(|row| row.uid.as_str()).collect();
    assert!(uids.iter().eq(page.iter().map(|row| &row.uid)));
}

#[tokio::test]
async fn a_part_that_is_complete_or_not_in_the_plan_takes_no_rows() {
    let room = Room::new().await;
    let (task, run) = room.begun(&[accounts(), members()]).await;
    let progress = Progress::default();
    room.stage(run.number, &accounts(), &rows(&["1"])).await;
    let again = room.store.stage_rows(run.number, &accounts(), &[row("2")], &[], &last(), &progress).await;
    assert!(is_conflict(&again.unwrap_err()));
    let other = RunPart::objects("printer");
    let error = room.store.stage_rows(run.number, &other, &[], &[], &last(), &progress).await.unwrap_err();
    assert!(is_conflict(&error) && error.message.contains("printer"), "{error}");
    room.store.discard(task, TaskState::Failed, None).await.unwrap();
    let late = room.store.stage_links(run.number, &members(), &[], &[], &last(), &progress).await;
    assert!(is_conflict(&late.unwrap_err()));
}

#[tokio::test]
async fn a_run_of_another_plan_is_begun_afresh() {
    let room = Room::new().await;
    let (task, run) = room.begun(&[accounts()]).await;
    room.stage(run.number, &accounts(), &rows(&["1"])).await;
    let same = room.store.begin_run(task, &id("hr"), &[accounts()]).await.unwrap();
    assert_eq!((same.number, same.current()), (run.number, None));
    let fresh = room.store.begin_run(task, &id("hr"), &[accounts(), members()]).await.unwrap();
    assert!(fresh.number > run.number);
    assert_eq!(fresh.current().map(|progress| progress.staged), Some(0));
    assert_eq!(room.store.run_of(task).await.unwrap(), Some(fresh));
    let nothing = room.store.begin_run(task, &id("hr"), &[]).await.unwrap_err();
    assert!(nothing.is(FailureKind::Configuration));
}

#[tokio::test]
async fn a_locked_store_is_unavailable_and_loses_nothing() {
    let room = Room::new().await;
    let path = room.folder.path().join("store.db");
    let store = Store::open_waiting(&path, room.clock.clone(), SHORT).await.unwrap();
    let lock = room.store.database.write().await.unwrap();
    let error = store.create_system(&system("late")).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("locked") && error.message.contains("try again"), "{error}");
    assert_eq!(store.connection(&id("hr")).await.unwrap().revision, 1, "readers wait for nobody");
    drop(lock);
    store.create_system(&system("late")).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_loses_nothing() {
    let room = Room::new().await;
    let (task, run) = room.begun(&[accounts()]).await;
    room.store.stage_rows(run.number, &accounts(), &[row("1")], &[], &at("1"), &Progress::default()).await.unwrap();
    let mut tx = room.store.database.write().await.unwrap();
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *tx).await.unwrap();
    let limit = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    sqlx::query(limit).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let page: Vec<StagedRow> = (0..500).map(|n| row(&format!("{n}={n}"))).collect();
    let full = room.store.stage_rows(run.number, &accounts(), &page, &[], &last(), &Progress::default()).await;
    let error = full.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("full"), "{error}");
    let now = room.store.run_of(task).await.unwrap().unwrap();
    assert_eq!(now.current().map(|part| (part.staged, part.checkpoint.clone())), Some((1, Some(b"1".to_vec()))));
}

#[tokio::test]
async fn a_closed_store_says_that_the_host_is_stopping() {
    let room = Room::new().await;
    room.store.close().await;
    let error = room.store.system(&system("lab").id).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("stopping"), "{error}");
}
