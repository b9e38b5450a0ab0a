//! The audit trail: what was asked, by whom, and what came of it; written before the effect, chained, without values.

use std::path::Path;

use hawser_tests::bed::{Bed, items, pages};
use hawser_tests::house::House;
use hawser_tests::people::People;
use reqwest::Method;
use serde_json::{Value as Json, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

fn entry<'a>(trail: &'a [Json], action: &str) -> &'a Json {
    trail.iter().find(|entry| entry["action"] == action).unwrap_or_else(|| panic!("no {action} in {trail:#?}"))
}

#[tokio::test]
async fn every_change_is_written_with_who_what_and_how_it_ended() {
    let bed = Bed::new(3, 1).await;
    let change = json!({"changes": {"title": {"replace": ["Hush-hush"]}}});
    let change = bed.core.request(Method::PATCH, &bed.account("u1")).header("x-request-id", "ask-4711").json(&change);
    change.send().await.expect(200);
    bed.core.delete(&bed.account("ghost")).await.problem(404, "unknown-uid");
    let trail = bed.audit().await;
    let update = entry(&trail, "object.update");
    assert_eq!(
        (&update["requestId"], &update["role"], &update["uid"]),
        (&json!("ask-4711"), &json!("core"), &json!("u1"))
    );
    assert!(update["attributes"].to_string().contains("title"), "{update}");
    assert_eq!(update["outcome"]["status"], "succeeded", "{update}");
    assert!(update["outcome"]["directories"].to_string().contains("data"), "what it reached is named: {update}");
    let delete = entry(&trail, "object.delete");
    assert_eq!(
        (&delete["outcome"]["status"], &delete["outcome"]["error"]),
        (&json!("failed"), &json!("unknown-uid")),
        "{delete}"
    );
    assert!(!format!("{trail:?}").contains("Hush-hush"), "values have no place in the trail");
}

#[tokio::test]
async fn reading_leaves_the_trail_as_it_was_and_refusals_at_the_door_too() {
    let bed = Bed::new(3, 1).await;
    let before = bed.audit().await.len();
    bed.core.get(&bed.at("")).await.expect(200);
    bed.core.get(&bed.at("/published")).await.expect(200);
    bed.core.put(&bed.at(""), &bed.connection()).await.problem(403, "forbidden");
    assert_eq!(bed.audit().await.len(), before);
}

#[tokio::test]
async fn imports_and_decisions_about_them_are_written() {
    let bed = Bed::new(60, 1).await;
    bed.import_published().await;
    bed.people.keep_lines("accounts.csv", |_| false);
    let task = bed.import().await;
    bed.operator.order(&format!("/v1/tasks/{}/reject", task["id"].as_str().unwrap())).await.expect(200);
    let trail = bed.audit().await;
    entry(&trail, "import.start");
    let reject = entry(&trail, "task.reject");
    assert_eq!(reject["role"], "operator", "{reject}");
}

#[tokio::test]
async fn the_trail_is_read_page_by_page() {
    let bed = Bed::new(1, 0).await;
    for _ in 0..3 {
        bed.core.delete(&bed.account("ghost")).await.problem(404, "unknown-uid");
    }
    let path = format!("/v1/audit?connection={}", bed.id);
    let whole = items(&bed.operator.get(&format!("{path}&limit=1000")).await.expect(200));
    assert!(whole.len() > 5, "{whole:?}");
    let ids = |entries: &[Json]| entries.iter().map(|entry| entry["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(&pages(&bed.operator, &path, 2).await), ids(&whole));
}

#[tokio::test]
async fn sixteen_callers_at_once_each_have_their_own_rows() {
    const CALLERS: usize = 16;
    let bed = Bed::bare(House::shared().await, People::new(0, 0)).await;
    // (The guest is `tests/guests/idle`: "idle".)
    let body = json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/idle", "version": "^0.1", "title": "Idle",
    });
    bed.connect(&body).await;
    let creations = (0..CALLERS).map(|number| {
        let (core, path) = (bed.core.clone(), bed.at("/objects/account"));
        let name = format!("person-{number}");
        let body = json!({"name": name, "attributes": {"userName": [name], "active": [true]}});
        tokio::spawn(
            async move { core.post(&path, &body).await.expect(201).json()["uid"].as_str().unwrap().to_owned() },
        )
    });
    let mut uids = Vec::new();
    for creation in creations.collect::<Vec<_>>() {
        uids.push(creation.await.unwrap());
    }
    let trail = bed.audit().await;
    for uid in uids {
        let entry =
            trail.iter().find(|entry| entry["name"] == *uid).unwrap_or_else(|| panic!("no {uid} in {trail:#?}"));
        assert_eq!((&entry["outcome"]["status"], &entry["outcome"]["uid"]), (&json!("succeeded"), &json!(uid)));
    }
}

#[tokio::test]
async fn a_guest_that_cannot_be_audited_touches_nothing_and_says_so() {
    let house = House::start().await;
    let bed = Bed::bare(&house, People::new(3, 0)).await;
    bed.connect(&bed.connection()).await;
    let (file, rows) = (bed.people.read("accounts.csv"), bed.audit().await.len());
    let change = json!({"changes": {"title": {"replace": ["Hush-hush"]}}});
    let locked = lock(&house.data().join("audit.db")).await;
    let refused = bed.core.request(Method::PATCH, &bed.account("u1")).json(&change).send().await;
    assert_eq!(refused.problem(503, "unavailable").0["effect"], "none");
    assert_eq!(bed.people.read("accounts.csv"), file);
    locked.close().await.unwrap();
    assert_eq!(bed.audit().await.len(), rows);
    bed.core.request(Method::PATCH, &bed.account("u1")).json(&change).send().await.expect(200);
    assert_ne!(bed.people.read("accounts.csv"), file);
    assert_eq!(bed.audit().await.len(), rows + 1);
    assert_eq!(bed.operator.get("/v1/audit/verify").await.expect(200).json()["intact"], true);
    house.stop().await;
}

/// Keeps a database from being written until it is closed.
async fn lock(database: &Path) -> SqliteConnection {
    let mut connection = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
    connection
}

#[tokio::test]
async fn a_row_changed_behind_the_hosts_back_is_found() {
    let house = House::start().await;
    let bed = Bed::bare(&house, People::new(1, 0)).await;
    bed.connect(&bed.connection()).await;
    assert_eq!(bed.operator.get("/v1/audit/verify").await.expect(200).json()["intact"], true);
    let database = house.data().join("audit.db");
    let (_data, tokens) = house.stop().await;
    tamper(&database);
    let host = hawser_tests::child::Host::start(database.parent().unwrap(), &tokens, "").await;
    let verdict = host.operator().get("/v1/audit/verify").await.expect(200).json();
    assert_eq!(verdict["intact"], false, "{verdict}");
    assert!(verdict["firstBroken"].is_number(), "{verdict}");
}

/// Changes one letter of who did it, in the file: as somebody with the disk in his hands would.
fn tamper(database: &Path) {
    let mut bytes = std::fs::read(database).unwrap();
    let needle = b"system.create";
    let at = bytes.windows(needle.len()).position(|window| window == needle).expect("the row is in the file");
    bytes[at + needle.len() - 1] = b'f';
    std::fs::write(database, bytes).unwrap();
}
