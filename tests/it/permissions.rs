//! Permissions: a connection reaches what was asked for and approved, and nothing else.

use hawser_tests::bed::{Bed, items};
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};

const WRITE: &str = "directory:data:read-write";
const READ: &str = "directory:data:read-only";

/// A bed whose connection nobody approved anything for.
async fn unapproved() -> Bed {
    let bed = Bed::bare(House::shared().await, People::new(3, 1)).await;
    bed.operator.post("/v1/connections", &bed.connection()).await.expect(201);
    bed
}

async fn listed(bed: &Bed) -> Vec<Json> {
    items(&bed.core.get(&bed.at("/permissions")).await.expect(200))
}

#[tokio::test]
async fn nothing_is_reached_before_an_operator_approved_it() {
    let bed = unapproved().await;
    let refused = bed.operator.order(&bed.at("/schema/refresh")).await;
    refused.problem(403, "not-permitted").names("directory:data:");
    bed.approve(&[WRITE]).await;
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
}

#[tokio::test]
async fn a_withdrawn_permission_is_refused_from_the_next_call_on() {
    let bed = Bed::new(3, 1).await;
    bed.core.get(&bed.account("u1")).await.expect(200);
    bed.withdraw(&[WRITE]).await;
    bed.core.get(&bed.account("u1")).await.problem(403, "not-permitted").names("directory:data:read-only");
}

#[tokio::test]
async fn less_than_asked_for_may_be_approved() {
    let bed = unapproved().await;
    bed.approve(&[READ]).await;
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
    let before = bed.people.read("accounts.csv");
    bed.core.delete(&bed.account("u1")).await.problem(403, "not-permitted").names(WRITE);
    assert_eq!(bed.people.read("accounts.csv"), before);
}

#[tokio::test]
async fn what_the_connector_does_not_ask_for_cannot_be_approved() {
    let bed = unapproved().await;
    for stray in ["directory:logs:read-only", "reveal:new-password", "credential:token:sign"] {
        let refused = bed.operator.post(&bed.at("/permissions"), &json!({"approve": [stray]})).await;
        refused.problem(400, "invalid-request").names(stray);
    }
    for nonsense in ["everything", "directory:data:all"] {
        let refused = bed.operator.post(&bed.at("/permissions"), &json!({"approve": [nonsense]})).await;
        refused.problem(400, "invalid-request").names(nonsense);
    }
    assert!(listed(&bed).await.iter().all(|item| item["approved"] == false));
}

#[tokio::test]
async fn permissions_are_shown_in_plain_words_with_who_approved_them() {
    let bed = unapproved().await;
    let before = listed(&bed).await;
    assert_eq!((&before[0]["permission"], &before[0]["approved"]), (&json!(WRITE), &json!(false)), "{before:?}");
    assert!(before[0]["words"].as_str().is_some_and(|words| words.contains("write")), "{before:?}");
    bed.approve(&[WRITE]).await;
    let after = listed(&bed).await;
    assert_eq!((&after[0]["approved"], &after[0]["approvedBy"]), (&json!(true), &json!("operator")), "{after:?}");
    let audit = bed.audit().await;
    let entry = audit.iter().find(|entry| entry["action"] == "connection.approve").expect("it is in the trail");
    assert!(entry["parameters"]["approve"].as_str().is_some_and(|approved| approved.contains(WRITE)), "{entry}");
}

#[tokio::test]
async fn the_core_cannot_approve() {
    let bed = unapproved().await;
    bed.core.post(&bed.at("/permissions"), &json!({"approve": [WRITE]})).await.problem(403, "forbidden");
}

#[tokio::test]
async fn what_was_approved_for_one_connector_is_not_approved_for_another() {
    let bed = Bed::new(3, 1).await;
    let mut other = bed.connection();
    other["connector"] = json!("hawser/roster");
    other["options"] = json!({});
    other["directories"]["data"]["access"] = json!("read-only");
    bed.operator.put(&bed.at(""), &other).await.expect(200);
    assert!(listed(&bed).await.iter().all(|item| item["approved"] == false));
}
