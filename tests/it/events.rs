//! A task's life as server-sent events, and tasks that are put aside and go on.

use hawser_tests::bed::{Bed, items};
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};

/// The events of a whole stream: name and data.
fn events(stream: &str) -> Vec<(String, Json)> {
    let event = |text: &str| {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        Some((field("event:")?.to_owned(), serde_json::from_str(field("data:")?).unwrap()))
    };
    stream.split("\n\n").filter_map(event).collect()
}

#[tokio::test]
async fn a_watcher_is_told_how_far_the_task_has_come_until_it_has_ended() {
    let bed = Bed::new(2_000, 2).await;
    let task = bed.core.order(&bed.at("/imports")).await.expect(202).header("location").to_owned();
    let stream = bed.core.get(&format!("{task}/events")).await.expect(200);
    assert!(stream.header("content-type").starts_with("text/event-stream"));
    let events = events(&stream.text);
    let last = events.last().unwrap();
    assert_eq!((last.0.as_str(), &last.1["state"]), ("state", &json!("succeeded")), "{events:?}");
    let rows: Vec<u64> = events
        .iter()
        .filter(|(name, _)| name == "progress")
        .map(|(_, progress)| progress["rows"].as_u64().unwrap())
        .collect();
    assert!(rows.is_sorted() && rows.last() == Some(&2_002), "{rows:?}");
    let finals = events.iter().filter(|(name, data)| name == "state" && data["finished"].is_string()).count();
    assert_eq!(finals, 1);
}

#[tokio::test]
async fn a_watcher_of_what_has_ended_is_told_so_and_of_what_never_was_as_well() {
    let bed = Bed::new(2, 0).await;
    let task = bed.import_published().await;
    let path = format!("/v1/tasks/{}/events", task["id"].as_str().unwrap());
    let told = events(&bed.core.get(&path).await.expect(200).text);
    assert_eq!(told.last().unwrap().1["state"], "succeeded", "{told:?}");
    bed.core.get("/v1/tasks/019aa000-0000-7000-8000-000000000000/events").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_watcher_of_a_fulfilment_is_told_of_its_orders() {
    let bed = Bed::new(2, 0).await;
    let order = json!({"type": "modified", "class": "account", "uid": "u1", "changes": {"title": {"replace": ["x"]}}});
    let started = bed.core.post(&bed.at("/fulfilments"), &json!({"orders": vec![order; 20]})).await.expect(202);
    let told = events(&bed.core.get(&format!("{}/events", started.header("location"))).await.expect(200).text);
    let progress = told.iter().rfind(|(name, _)| name == "progress").unwrap();
    assert_eq!(progress.1["orders"]["modified"], 20, "{told:?}");
}

#[tokio::test]
async fn a_host_that_stops_does_not_wait_for_its_watchers() {
    let house = House::start().await;
    let bed = Bed::bare(&house, People::new(60, 0)).await;
    bed.connect(&bed.connection()).await;
    bed.import_published().await;
    bed.people.keep_lines("accounts.csv", |_| false);
    let held = bed.import().await;
    assert_eq!(held["state"], "held");
    let path = format!("/v1/tasks/{}/events", held["id"].as_str().unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let watching = client.get(format!("{}{path}", house.base())).bearer_auth(&house.tokens().core).send();
    let mut stream = watching.await.unwrap();
    assert_eq!(stream.status(), 200);
    assert!(stream.chunk().await.unwrap().is_some(), "what is so already is told at once");
    house.stop().await;
    while stream.chunk().await.expect("the stream ends as it should").is_some() {}
}

#[tokio::test]
async fn a_paused_import_keeps_its_place_and_goes_on_from_its_checkpoint() {
    let house = House::with(|config| config.imports.page_rows = 4).await;
    let bed = Bed::bare(&house, People::new(600, 0)).await;
    bed.connect(&bed.connection()).await;
    let task = bed.core.order(&bed.at("/imports")).await.expect(202).header("location").to_owned();
    bed.when(&task, |task| task["progress"]["rows"].as_u64() > Some(20)).await;
    bed.core.order(&format!("{task}/pause")).await.expect(200);
    let paused = bed.when(&task, |task| task["state"] != "running").await;
    assert_eq!(paused["state"], "paused", "{paused}");
    let rows = paused["progress"]["rows"].as_u64().unwrap();
    assert!(rows < 600, "{paused}");
    bed.core.order(&bed.at("/imports")).await.problem(409, "conflict").names("resume");
    assert_eq!(items(&bed.core.get("/v1/tasks?state=paused").await.expect(200)).len(), 1);

    let house = house.restart().await;
    let core = house.core();
    let bed = Bed { core: core.clone(), operator: house.operator(), ..bed };
    assert_eq!(core.get(&task).await.expect(200).json()["progress"]["rows"], rows, "{rows}");
    core.order(&format!("{task}/resume")).await.expect(200);
    let done = bed.settled(&task).await;
    assert_eq!((&done["state"], &done["counts"]["inserted"]), (&json!("succeeded"), &json!(600)), "{done}");
    assert_eq!(done["attempts"], 2, "{done}");
    core.order(&format!("{task}/pause")).await.problem(409, "conflict");
    core.order(&format!("{task}/resume")).await.problem(409, "conflict");
    house.stop().await;
}

#[tokio::test]
async fn tasks_are_found_by_kind_and_by_when_they_were_made() {
    let bed = Bed::new(2, 0).await;
    let task = bed.import_published().await;
    let found = async |query: &str| {
        let path = format!("/v1/tasks?connection={}&{query}", bed.id);
        items(&bed.core.get(&path).await.expect(200)).len()
    };
    let created = task["created"].as_str().unwrap();
    assert_eq!((found("kind=import").await, found("kind=fulfil").await), (1, 0));
    assert_eq!(
        (found(&format!("kind=import&since={created}")).await, found(&format!("kind=import&until={created}")).await),
        (1, 0)
    );
    assert!(task["durationMs"].is_number(), "{task}");
    bed.core.get("/v1/tasks?since=yesterday").await.problem(400, "invalid-request");
}
