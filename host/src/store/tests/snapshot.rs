//! Snapshots: what readers of tables see, block by block, and what changed since a position, taken together.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::store::snapshot::BLOCK_ROWS;
use crate::store::{BlockCursor, Snapshot};

/// Objects of a part, read in blocks.
async fn read(snapshot: &Snapshot, class: &str) -> BTreeMap<String, String> {
    let part = snapshot.part(class, None).unwrap();
    let (mut found, mut cursor) = (BTreeMap::new(), Some(BlockCursor::default()));
    while let Some(at) = cursor {
        let (block, next) = snapshot.objects(part, &at).await.unwrap();
        for row in block.rows() {
            let [uid, _, _, body] = row.unwrap();
            assert!(found.insert(uid.to_owned(), body.to_owned()).is_none(), "{uid} comes twice");
        }
        cursor = next;
    }
    found
}

async fn snapshot(room: &Room) -> Snapshot {
    room.store.snapshot(&id("hr")).await.unwrap().unwrap()
}

fn numbered(count: usize, body: &str) -> Content {
    let texts: Vec<String> = (0..count).map(|n| format!("{n:03}={body}")).collect();
    rows(&texts.iter().map(String::as_str).collect::<Vec<_>>())
}

#[tokio::test]
async fn a_snapshot_stays_what_it_is_while_others_are_published_and_swept() {
    let room = Room::new().await;
    assert!(room.store.snapshot(&id("hr")).await.unwrap().is_none());
    room.imported(&[(accounts(), numbered(23, "1"))]).await;
    let before = snapshot(&room).await;
    for body in ["2", "3"] {
        room.imported(&[(accounts(), numbered(7, body))]).await;
    }
    let seen = read(&before, "account").await;
    assert_eq!(seen.len(), 23);
    assert!(seen.values().all(|body| body.contains("[1]")), "{seen:?}");
    assert_eq!(before.position, Position(23));
    drop(before);
    room.store.sweep().await.unwrap();
    let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM run WHERE state = 'superseded'")
        .fetch_one(room.store.database.reader())
        .await
        .unwrap();
    assert_eq!(left, 0, "what nobody reads any more is swept");
}

#[tokio::test]
async fn a_snapshot_of_a_connection_that_is_gone_says_so_and_is_not_shortened() {
    let room = Room::new().await;
    room.imported(&[(accounts(), numbered(9, "1"))]).await;
    let snapshot = snapshot(&room).await;
    room.store.delete_connection(&id("hr"), None).await.unwrap();
    room.store.sweep().await.unwrap();
    let error = snapshot.objects(&snapshot.parts[0].clone(), &BlockCursor::default()).await.unwrap_err();
    assert!(error.is(FailureKind::ResyncRequired), "{error}");
}

#[tokio::test]
async fn changes_that_are_no_longer_known_ask_for_a_complete_reading() {
    let room = Room::new().await;
    for count in [3, 5, 9] {
        room.imported(&[(accounts(), numbered(count, "1"))]).await;
    }
    let snapshot = snapshot(&room).await;
    for known in [0, 1, 3, 5, 9] {
        snapshot.since(Position(known)).await.unwrap();
    }
    assert!(snapshot.since(Position(10)).await.unwrap_err().is(FailureKind::ResyncRequired));
    let mut tx = room.store.database.write().await.unwrap();
    sqlx::query("UPDATE run SET state = 'dropped' WHERE first_position = 0").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert!(snapshot.since(Position(2)).await.unwrap_err().is(FailureKind::ResyncRequired));
    snapshot.since(Position(3)).await.unwrap();
}

/// Some links, and the accounts they point to with what each holds.
type State = (BTreeMap<u8, u8>, std::collections::BTreeSet<(u8, u8)>);

async fn publish(room: &Room, (objects, pairs): &State) {
    let texts: Vec<String> = objects.iter().map(|(uid, body)| format!("{uid:03}={body}")).collect();
    let people = rows(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let ends: Vec<(String, String)> =
        pairs.iter().map(|(owner, target)| (format!("g{owner}"), format!("{target:03}"))).collect();
    let links = links(&ends.iter().map(|(owner, target)| (owner.as_str(), target.as_str())).collect::<Vec<_>>());
    room.imported(&[(accounts(), people), (members(), links)]).await;
}

/// Objects and links with whether they were there before and are there now.
async fn changed(snapshot: &Snapshot, since: Position) -> BTreeMap<String, (bool, Option<String>)> {
    let mut found = BTreeMap::new();
    let mut cursor = Some(snapshot.since(since).await.unwrap());
    let part = snapshot.part("account", None).unwrap();
    while let Some(at) = cursor {
        let (changes, next) = snapshot.changed_objects(part, &at).await.unwrap();
        assert!(changes.len() <= BLOCK_ROWS, "{} changes in a page", changes.len());
        let uids: Vec<&str> = changes.iter().map(|(uid, _)| uid.as_str()).collect();
        let block = snapshot.objects_of(part, &uids).await.unwrap();
        let now: BTreeMap<&str, &str> =
            block.rows().map(|row| row.unwrap()).map(|[uid, _, _, body]| (uid, body)).collect();
        for (uid, before) in &changes {
            let now = now.get(uid.as_str()).map(|body| (*body).to_owned());
            assert!(found.insert(uid.clone(), (*before, now)).is_none(), "{uid} is told twice");
        }
        cursor = next;
    }
    let part = snapshot.part("group", Some("member")).unwrap();
    let mut cursor = Some(snapshot.since(since).await.unwrap());
    while let Some(at) = cursor {
        let (changes, next) = snapshot.changed_links(part, &at).await.unwrap();
        assert!(changes.len() <= BLOCK_ROWS, "{} changes in a page", changes.len());
        let block = snapshot.links_of(part, &changes).await.unwrap();
        let now: Vec<String> =
            block.rows().map(|row| row.unwrap()).map(|[owner, target, ..]| format!("{owner}>{target}")).collect();
        for ((owner, target, _), before) in &changes {
            let key = format!("{owner}>{target}");
            let now = now.contains(&key).then(String::new);
            assert!(found.insert(key.clone(), (*before, now)).is_none(), "{key} is told twice");
        }
        cursor = next;
    }
    found
}

fn flat((objects, pairs): &State) -> BTreeMap<String, String> {
    let objects =
        objects.iter().map(|(uid, body)| (format!("{uid:03}"), format!("{{\"attributes\":{{\"v\":[{body}]}}}}")));
    objects.chain(pairs.iter().map(|(owner, target)| (format!("u:g{owner}>u:{target:03}"), String::new()))).collect()
}

#[test]
fn what_changed_since_any_position_leads_from_what_was_to_what_is() {
    let state = || {
        let objects = prop::collection::btree_map(0..30u8, 0..3u8, 0..25);
        let pairs = prop::collection::btree_set((0..3u8, 0..30u8), 0..20);
        (objects, pairs)
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Config { cases: 24, ..Config::default() });
    let cases = prop::collection::vec(state(), 2..5);
    runner
        .run(&cases, |states: Vec<State>| {
            runtime.block_on(async {
                let room = Room::new().await;
                let mut positions = Vec::new();
                for state in &states {
                    publish(&room, state).await;
                    positions.push(room.store.last_position(&id("hr")).await.unwrap());
                }
                let snapshot = snapshot(&room).await;
                for (position, state) in positions.into_iter().zip(&states) {
                    let mut replayed = flat(state);
                    for (key, (before, now)) in changed(&snapshot, position).await {
                        let was = match now {
                            Some(now) => replayed.insert(key.clone(), now),
                            None => replayed.remove(&key),
                        };
                        assert_eq!(was.is_some(), before, "{key}");
                    }
                    assert_eq!(replayed, flat(states.last().unwrap()));
                }
            });
            Ok(())
        })
        .unwrap();
}
