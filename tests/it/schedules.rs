//! Schedules: tasks that the host orders by itself, each turn once, by a clock that the test turns.

use std::time::Duration;

use hawser_tests::bed::{Bed, items};
use hawser_tests::client::Client;
use hawser_tests::house::House;
use hawser_tests::people::People;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value as Json, json};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A house at noon, with a connection.
async fn noon() -> (House, Bed) {
    let start: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    let house = House::timed(start).await;
    let bed = Bed::bare(&house, People::new(3, 0)).await;
    bed.connect(&bed.connection()).await;
    (house, bed)
}

/// At a quarter past every hour.
fn hourly(bed: &Bed, id: &str) -> Json {
    json!({"id": id, "kind": "import", "connection": bed.id, "cron": "15 * * * *"})
}

/// The same bed in the same house after a restart.
fn again(bed: &mut Bed, house: &House) {
    (bed.operator, bed.core) = (house.operator(), house.core());
}

/// The tasks of a schedule, once there are so many, and all have ended.
async fn tasks(core: &Client, schedule: &str, count: usize) -> Vec<Json> {
    let path = format!("/v1/tasks?schedule={schedule}");
    for _ in 0..600 {
        let found = items(&core.get(&path).await.expect(200));
        assert!(found.len() <= count, "{found:#?}");
        if found.len() == count && found.iter().all(|task| task["finished"].is_string()) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no {count} tasks: {}", core.get(path.as_str()).await.text);
}

/// The schedule, once it is as wished.
async fn when(core: &Client, schedule: &str, wished: impl Fn(&Json) -> bool) -> Json {
    let path = format!("/v1/schedules/{schedule}");
    for _ in 0..600 {
        let found = core.get(&path).await.expect(200).json();
        if wished(&found) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the schedule did not get there: {}", core.get(&path).await.text);
}

#[tokio::test]
async fn an_import_runs_when_its_time_has_come_in_the_name_of_the_schedule() {
    let (house, bed) = noon().await;
    let made = bed.operator.post("/v1/schedules", &hourly(&bed, "Nightly")).await.expect(201);
    assert_eq!(made.json()["nextRun"], "2026-06-01T12:15:00Z");
    house.clock().advance(14 * MINUTE);
    when(&bed.core, "nightly", |found| found["lastRun"].is_null()).await;
    house.clock().advance(MINUTE);
    let ran = tasks(&bed.core, "nightly", 1).await.remove(0);
    assert_eq!((&ran["state"], &ran["kind"]), (&json!("succeeded"), &json!("import")), "{ran}");
    assert_eq!((&ran["requestedBy"], &ran["schedule"]), (&json!("schedule:Nightly"), &json!("Nightly")), "{ran}");
    let schedule = bed.core.get("/v1/schedules/nightly").await.expect(200).json();
    assert_eq!(schedule["nextRun"], "2026-06-01T13:15:00Z");
    assert_eq!(schedule["lastTask"], json!({"id": ran["id"], "state": "succeeded"}));
    let trail = bed.audit().await;
    let ordered = trail.iter().find(|entry| entry["action"] == "schedule.run").unwrap();
    assert_eq!((&ordered["caller"], &ordered["outcome"]["status"]), (&json!("schedule:Nightly"), &json!("succeeded")));
    house.stop().await;
}

#[tokio::test]
async fn what_was_missed_while_the_host_was_down_runs_once_or_not_at_all_as_the_schedule_says() {
    let (house, mut bed) = noon().await;
    bed.operator.post("/v1/schedules", &hourly(&bed, "catches-up")).await.expect(201);
    let mut strict = hourly(&bed, "strict");
    strict["catchUp"] = json!(false);
    strict["cron"] = json!("20 * * * *");
    bed.operator.post("/v1/schedules", &strict).await.expect(201);
    let clock = house.clock().clone();
    // Five turns of each pass while nobody is there: the clock is turned in the moment the host has stopped.
    let house = house.restart_after(|| clock.advance(5 * HOUR)).await;
    again(&mut bed, &house);
    tasks(&bed.core, "catches-up", 1).await;
    let missed = when(&bed.core, "strict", |found| found["lastSkipped"].is_object()).await;
    assert_eq!((&missed["lastSkipped"]["kind"], &missed["lastRun"]), (&json!("missed"), &Json::Null), "{missed}");
    assert_eq!(missed["nextRun"], "2026-06-01T17:20:00Z");
    clock.advance(15 * MINUTE);
    tasks(&bed.core, "catches-up", 2).await;
    clock.advance(5 * MINUTE);
    tasks(&bed.core, "strict", 1).await;
    house.stop().await;
}

#[tokio::test]
async fn a_turn_that_was_taken_is_not_taken_again_after_a_restart() {
    let (house, mut bed) = noon().await;
    bed.operator.post("/v1/schedules", &hourly(&bed, "once")).await.expect(201);
    house.clock().advance(15 * MINUTE);
    tasks(&bed.core, "once", 1).await;
    let house = house.restart().await;
    again(&mut bed, &house);
    house.clock().advance(HOUR);
    tasks(&bed.core, "once", 2).await;
    house.stop().await;
}

#[tokio::test]
async fn a_run_whose_predecessor_has_not_ended_is_left_out_and_noted() {
    let (house, bed) = noon().await;
    bed.import_published().await;
    bed.people.keep_lines("accounts.csv", |_| false);
    bed.operator.post("/v1/schedules", &hourly(&bed, "held")).await.expect(201);
    house.clock().advance(15 * MINUTE);
    let held = when(&bed.core, "held", |found| found["lastTask"]["state"] == "held").await;
    assert!(held["lastSkipped"].is_null(), "{held}");
    house.clock().advance(HOUR);
    let skipped = when(&bed.core, "held", |found| found["lastSkipped"].is_object()).await;
    assert_eq!(skipped["lastSkipped"]["task"], held["lastTask"]["id"], "{skipped}");
    bed.core.order("/v1/schedules/held/run").await.problem(409, "conflict");
    assert_eq!(items(&bed.core.get("/v1/tasks?schedule=held").await.expect(200)).len(), 1);
    house.stop().await;
}

#[tokio::test]
async fn a_paused_schedule_runs_only_when_somebody_says_so_and_makes_nothing_up() {
    let (house, bed) = noon().await;
    bed.operator.post("/v1/schedules", &hourly(&bed, "rests")).await.expect(201);
    let paused = bed.operator.order("/v1/schedules/rests/pause").await.expect(200).json();
    assert_eq!((&paused["paused"], &paused["nextRun"]), (&json!(true), &Json::Null), "{paused}");
    house.clock().advance(3 * HOUR);
    let ordered = bed.core.order("/v1/schedules/rests/run").await.expect(202).json();
    let ran = tasks(&bed.core, "rests", 1).await.remove(0);
    assert_eq!((&ordered["tasks"], &ran["requestedBy"]), (&json!([ran["id"]]), &json!("core")), "{ran}");
    let resumed = bed.operator.order("/v1/schedules/rests/resume").await.expect(200).json();
    assert_eq!(resumed["nextRun"], "2026-06-01T15:15:00Z", "{resumed}");
    house.stop().await;
}

#[tokio::test]
async fn the_schemas_of_all_connections_of_a_system_are_refreshed() {
    let (house, bed) = noon().await;
    let mut second = bed.connection();
    second["id"] = json!("second");
    bed.operator.post("/v1/connections", &second).await.expect(201);
    let body = json!({"id": "schemas", "kind": "refresh-schema", "system": bed.system, "cron": "@hourly"});
    bed.operator.post("/v1/schedules", &body).await.expect(201);
    house.clock().advance(HOUR);
    let refreshed = tasks(&bed.core, "schemas", 2).await;
    let mut connections: Vec<&str> = refreshed.iter().map(|task| task["connection"].as_str().unwrap()).collect();
    connections.sort_unstable();
    assert_eq!(connections, [bed.id.as_str(), "second"]);
    house.stop().await;
}

#[tokio::test]
async fn a_run_that_cannot_begin_is_noted_with_its_reason() {
    let (house, bed) = noon().await;
    bed.operator.post("/v1/schedules", &hourly(&bed, "orphan")).await.expect(201);
    bed.operator.delete(&bed.at("")).await.expect(204);
    house.clock().advance(15 * MINUTE);
    let failed = when(&bed.core, "orphan", |found| found["lastFailure"].is_object()).await;
    assert_eq!(failed["lastFailure"]["kind"], "not-found", "{failed}");
    assert_eq!(failed["nextRun"], "2026-06-01T13:15:00Z");
    house.stop().await;
}

#[tokio::test]
async fn a_schedule_is_replaced_at_the_revision_that_was_seen_and_refused_with_what_is_wrong() {
    let bed = Bed::new(1, 0).await;
    let (id, path) = (format!("revised-{}", bed.id), format!("/v1/schedules/revised-{}", bed.id));
    let made = bed.operator.post("/v1/schedules", &hourly(&bed, &id)).await.expect(201);
    assert_eq!(made.header("location"), path);
    bed.operator.post("/v1/schedules", &hourly(&bed, &id.to_uppercase())).await.problem(409, "conflict");
    let put =
        |tag: &str, body: &Json| bed.operator.request(Method::PUT, &path).header("if-match", tag).json(body).send();
    let mut body = hourly(&bed, &id);
    body["timeZone"] = json!("Asia/Tokyo");
    let replaced = put(made.header("etag"), &body).await.expect(200);
    assert_eq!(replaced.json()["timeZone"], "Asia/Tokyo");
    put(made.header("etag"), &body).await.problem(412, "stale");
    for (key, value) in [
        ("cron", json!("every day")),
        ("timeZone", json!("Mars/Olympus")),
        ("connection", json!("nobody")),
        ("kind", json!("write-tables")),
        ("colour", json!("red")),
        ("system", json!(bed.system)),
    ] {
        let mut wrong = hourly(&bed, &id);
        wrong[key] = value;
        let blamed = if key == "system" { "connection" } else { key };
        bed.operator.put(&path, &wrong).await.problem(400, "invalid-request").names(blamed);
    }
    bed.operator.delete(&path).await.expect(204);
    bed.operator.get(&path).await.problem(404, "not-found");
}

#[tokio::test]
async fn orders_that_wait_for_a_schedule_are_begun_when_it_says_so_and_those_somebody_paused_are_not() {
    let (house, bed) = noon().await;
    let orders = |uid: &str, start: &str| json!({"orders": [{"type": "deleted", "class": "account", "uid": uid}], "start": start});
    let path = bed.at("/fulfilments");
    let refused = bed.core.post(&path, &orders("u1", "scheduled")).await;
    refused.problem(409, "conflict").names("no schedule begins").names("kind fulfil");

    let window = json!({"id": "window", "kind": "fulfil", "connection": bed.id, "cron": "15 * * * *"});
    bed.operator.post("/v1/schedules", &window).await.expect(201);
    let waits = async |uid: &str| {
        let task = bed.core.post(&path, &orders(uid, "scheduled")).await.expect(202);
        let shown = task.json();
        assert_eq!((&shown["state"], &shown["start"]), (&json!("paused"), &json!("scheduled")), "{shown}");
        task.header("location").to_owned()
    };
    let (begun, cancelled) = (waits("u1").await, waits("u2").await);
    bed.core.order(&format!("{cancelled}/cancel")).await.expect(200);
    house.clock().advance(HOUR);
    bed.when(&begun, |task| task["state"] == "succeeded").await;
    let shown = when(&bed.core, "window", |schedule| schedule["lastTask"].is_object()).await;
    assert_eq!(shown["lastTask"]["id"], json!(begun.rsplit('/').next()), "{shown}");
    let people = bed.people.read("accounts.csv");
    assert!(!people.contains("\nu1,") && people.contains("\nu2,"), "{people}");

    // Switched off, a turn cannot begin anything, and what waits goes on waiting.
    let waiting = waits("u2").await;
    let switches = json!({"fulfil": false});
    bed.operator.request(Method::PATCH, &bed.at("/switches")).json(&switches).send().await.expect(200);
    house.clock().advance(HOUR);
    let failed = when(&bed.core, "window", |schedule| schedule["lastFailure"].is_object()).await;
    assert!(failed["lastFailure"]["message"].as_str().unwrap().contains("`fulfil`"), "{failed}");
    assert_eq!(bed.core.get(&waiting).await.expect(200).json()["state"], "paused");
}
