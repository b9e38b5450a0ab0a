//! Switches of a connection: what is off is refused with the switch to set, and everything else goes on.

use hawser_tests::bed::Bed;
use hawser_tests::client::Answer;
use reqwest::Method;
use serde_json::{Value as Json, json};

async fn switch(bed: &Bed, switches: Json) -> Answer {
    bed.operator.request(Method::PATCH, &bed.at("/switches")).json(&switches).send().await
}

fn newcomer() -> Json {
    json!({"name": "new.comer", "attributes": {"id": ["u99"], "givenName": ["New"], "familyName": ["Comer"]}})
}

#[tokio::test]
async fn an_import_that_is_switched_off_is_refused_and_changes_are_not() {
    let bed = Bed::new(3, 1).await;
    switch(&bed, json!({"import": false})).await.expect(200);
    bed.core.order(&bed.at("/imports")).await.problem(409, "conflict").names("`import`");
    bed.core.post(&bed.at("/objects/account"), &newcomer()).await.expect(201);
    bed.core.get(&bed.account("u1")).await.expect(200);
    switch(&bed, json!({"import": true})).await.expect(200);
    bed.import_published().await;
}

#[tokio::test]
async fn changes_that_are_switched_off_are_refused_and_nothing_reaches_the_target() {
    let bed = Bed::new(3, 1).await;
    let before = bed.people.read("accounts.csv");
    switch(&bed, json!({"fulfil": false})).await.expect(200);
    for refused in refused_changes(&bed).await {
        refused.problem(409, "conflict").names("`fulfil`");
    }
    assert_eq!(bed.people.read("accounts.csv"), before);
    bed.import_published().await;
}

#[tokio::test]
async fn a_target_that_is_being_maintained_is_read_and_not_changed() {
    let bed = Bed::new(3, 1).await;
    let before = bed.people.read("accounts.csv");
    switch(&bed, json!({"maintenance": true})).await.expect(200);
    for refused in refused_changes(&bed).await {
        refused.problem(503, "target-maintenance").names("maintained");
    }
    assert_eq!(bed.people.read("accounts.csv"), before);
    bed.core.get(&bed.account("u1")).await.expect(200);
    switch(&bed, json!({"maintenance": false})).await.expect(200);
    bed.core.post(&bed.at("/objects/account"), &newcomer()).await.expect(201);
}

/// What changes a target, each tried once.
async fn refused_changes(bed: &Bed) -> Vec<Answer> {
    let patch = json!({"changes": {"title": {"replace": ["Boss"]}}});
    vec![
        bed.core.post(&bed.at("/objects/account"), &newcomer()).await,
        bed.core.request(Method::PATCH, &bed.account("u1")).json(&patch).send().await,
        bed.core.delete(&bed.account("u1")).await,
        bed.core.put(&format!("{}/entitlements/group/g1", bed.account("u1")), &json!({})).await,
        bed.core.put(&format!("{}/password", bed.account("u1")), &json!({"new": "Tr0ub4dor&3"})).await,
    ]
}

#[tokio::test]
async fn a_disabled_connection_is_checked_and_not_used() {
    let bed = Bed::new(3, 1).await;
    bed.import_published().await;
    switch(&bed, json!({"enabled": false})).await.expect(200);
    bed.core.order(&bed.at("/imports")).await.problem(409, "conflict").names("`enabled`");
    bed.core.get(&bed.account("u1")).await.problem(409, "conflict").names("`enabled`");
    bed.operator.order(&bed.at("/schema/refresh")).await.problem(409, "conflict").names("`enabled`");
    for aspect in ["connect", "complete"] {
        let checked = bed.core.post(&bed.at("/check"), &json!({"aspect": aspect})).await.expect(200);
        assert_eq!(checked.json()["ok"], true, "{}", checked.text);
    }
    assert_eq!(bed.published("account").await.len(), 3, "what was imported can be read");
    switch(&bed, json!({"enabled": true})).await.expect(200);
    bed.core.get(&bed.account("u1")).await.expect(200);
}

#[tokio::test]
async fn disabling_stops_what_runs() {
    let bed = Bed::new(50_000, 0).await;
    let order = bed.core.order(&bed.at("/imports")).await.expect(202);
    let task = order.header("location").to_owned();
    bed.when(&task, |task| task["state"] == "running").await;
    switch(&bed, json!({"enabled": false})).await.expect(200);
    let task = bed.settled(&task).await;
    assert_eq!(task["state"], "cancelled", "{task}");
}

#[tokio::test]
async fn disabling_skips_the_orders_that_wait_and_keeps_nothing_of_what_they_say() {
    let bed = Bed::new(3, 0).await;
    let many: Vec<Json> = (0..200)
        .map(|n| json!({"type": "modified", "class": "account", "uid": "u1", "changes": {"title": {"replace": [n.to_string()]}}}))
        .collect();
    let order = bed.core.post(&bed.at("/fulfilments"), &json!({"orders": many, "concurrency": 1})).await.expect(202);
    let task = order.header("location").to_owned();
    bed.core.order(&format!("{task}/pause")).await.expect(200);
    bed.when(&task, |task| task["state"] != "running" && task["state"] != "queued").await;
    switch(&bed, json!({"enabled": false})).await.expect(200);
    let task = bed.settled(&task).await;
    let orders = &task["orders"];
    assert_eq!(
        (&task["state"], &orders["pending"], &orders["running"]),
        (&json!("cancelled"), &json!(0), &json!(0)),
        "{task}"
    );
    assert!(orders["skipped"].as_u64().unwrap() > 0, "{task}");
}

#[tokio::test]
async fn replacing_a_connection_leaves_its_switches_unless_it_names_them() {
    let bed = Bed::new(1, 0).await;
    switch(&bed, json!({"maintenance": true, "import": false})).await.expect(200);
    let replaced = bed.operator.put(&bed.at(""), &bed.connection()).await.expect(200).json();
    assert_eq!(replaced["switches"], json!({"enabled": true, "import": false, "fulfil": true, "maintenance": true}));
    let mut body = bed.connection();
    body["switches"] = json!({"fulfil": false});
    let replaced = bed.operator.put(&bed.at(""), &body).await.expect(200).json();
    assert_eq!(replaced["switches"], json!({"enabled": true, "import": true, "fulfil": false, "maintenance": false}));
}

#[tokio::test]
async fn only_an_operator_switches_and_only_what_there_is() {
    let bed = Bed::new(1, 0).await;
    let core = bed.core.request(Method::PATCH, &bed.at("/switches")).json(&json!({"import": false})).send().await;
    core.problem(403, "forbidden");
    switch(&bed, json!({})).await.problem(400, "invalid-request").names("maintenance");
    switch(&bed, json!({"imports": false})).await.problem(400, "invalid-request").names("imports");
    let seen = bed.operator.get(&bed.at("")).await.expect(200).header("etag").to_owned();
    switch(&bed, json!({"import": false})).await.expect(200);
    let late = bed.operator.request(Method::PATCH, &bed.at("/switches")).header("if-match", &seen);
    late.json(&json!({"import": true})).send().await.problem(412, "stale");
    let trail = bed.audit().await;
    let told =
        trail.iter().any(|entry| entry["action"] == "connection.switch" && entry["parameters"]["import"] == "off");
    assert!(told, "{trail:?}");
}

#[tokio::test]
async fn switching_does_not_make_the_schema_out_of_date() {
    let bed = Bed::new(1, 0).await;
    switch(&bed, json!({"import": false})).await.expect(200);
    assert_eq!(bed.core.get(&bed.at("/schema")).await.expect(200).json()["current"], true);
    let mut body = bed.connection();
    body["options"]["encoding"] = json!("utf-8");
    bed.operator.put(&bed.at(""), &body).await.expect(200);
    bed.when(&bed.at("/schema"), |schema| schema["current"] == true).await;
}
