//! Connections: options, directories and versions held against the manifest before anything is stored.

use hawser_tests::bed::{Bed, items};
use hawser_tests::house::House;
use hawser_tests::people::People;
use reqwest::Method;
use serde_json::{Value as Json, json};

/// A connection's body with one thing changed: the value at a JSON pointer's place, made if it is not there.
fn with(body: &Json, key: &str, value: Json) -> Json {
    let mut body = body.clone();
    let (parent, last) = key.rsplit_once('/').unwrap_or(("", key));
    let parent = if parent.is_empty() { &mut body } else { body.pointer_mut(&format!("/{parent}")).unwrap() };
    parent[last] = value;
    body
}

fn without(body: &Json, key: &str) -> Json {
    let mut body = body.clone();
    body.as_object_mut().unwrap().remove(key);
    body
}

/// Bodies with one thing wrong, and what the refusal must name.
fn malformed(good: &Json) -> Vec<(Json, &'static str)> {
    vec![
        (with(good, "id", json!("under_score")), "under_score"),
        (with(good, "id", json!("")), "connection identifier"),
        (with(good, "id", json!("x".repeat(129))), "128"),
        (without(good, "system"), "system"),
        (with(good, "system", json!("nowhere")), "nowhere"),
        (with(good, "connector", json!("csv")), "publisher/name"),
        (with(good, "connector", json!("hawser/nothing")), "hawser/nothing"),
        (with(good, "version", json!("latest!")), "version"),
        (with(good, "version", json!("^9")), "^9"),
        (with(good, "colour", json!("red")), "colour"),
        (with(good, "options/colour", json!("red")), "colour"),
        (with(good, "options/No Such", json!("red")), "No Such"),
        (with(good, "options/account-key", json!(5)), "account-key"),
        (with(good, "options/account-key", json!(["id", "userName"])), "account-key"),
        (with(good, "options/integer-columns", json!([true])), "integer-columns"),
        (with(good, "options/encoding", json!("ebcdic")), "encoding"),
        (with(good, "options", json!([])), "options"),
        (with(good, "directories", json!({})), "data"),
        (with(good, "directories/attic", good["directories"]["data"].clone()), "attic"),
        (with(good, "directories/data/path", json!("people")), "absolute"),
        (with(good, "directories/data/path", json!("/nowhere/at/all")), "/nowhere/at/all"),
        (with(good, "directories/data/access", json!("execute")), "execute"),
        (with(good, "directories/data/colour", json!("red")), "colour"),
        (with(good, "thresholds", json!({"removed": -1})), "thresholds.removed"),
        (with(good, "thresholds", json!({"removedPercent": 101})), "removedPercent"),
        (with(good, "thresholds", json!({"removedPercent": -1})), "removedPercent"),
        (with(good, "thresholds", json!({"colour": 1})), "colour"),
        (with(good, "title", json!(7)), "title"),
    ]
}

#[tokio::test]
async fn a_malformed_connection_is_refused_by_name_and_not_created() {
    let bed = Bed::bare(House::shared().await, People::new(1, 0)).await;
    for (body, wrong) in malformed(&bed.connection()) {
        let refused = bed.operator.post("/v1/connections", &body).await;
        refused.refusal().names(wrong);
    }
    let listed = bed.operator.get(&format!("/v1/connections?system={}", bed.system)).await.expect(200);
    assert_eq!(items(&listed), Vec::<Json>::new());
}

#[tokio::test]
async fn a_malformed_replacement_is_refused_by_name_and_changes_nothing() {
    let bed = Bed::new(1, 0).await;
    let before = bed.operator.get(&bed.at("")).await.expect(200);
    for (body, wrong) in malformed(&bed.connection()) {
        bed.operator.put(&bed.at(""), &body).await.refusal().names(wrong);
    }
    let after = bed.operator.get(&bed.at("")).await.expect(200);
    assert_eq!(after.text, before.text);
    assert_eq!(after.header("etag"), before.header("etag"));
}

#[tokio::test]
async fn a_connection_is_read_back_as_it_was_given() {
    let bed = Bed::new(1, 0).await;
    let given = bed.connection();
    let read = bed.core.get(&bed.at("")).await.expect(200);
    for key in ["id", "system", "connector", "version", "title", "options", "directories"] {
        assert_eq!(read.json()[key], given[key], "{key}");
    }
    assert_eq!(read.json()["thresholds"], json!({"removed": 100, "removedPercent": 10.0}));
    let folded = bed.core.get(&format!("/v1/connections/{}", bed.id.to_uppercase())).await.expect(200);
    assert_eq!(folded.json()["id"], bed.id.as_str());
}

#[tokio::test]
async fn a_second_connection_that_differs_only_in_case_is_refused() {
    let bed = Bed::new(1, 0).await;
    let second = with(&bed.connection(), "id", json!(bed.id.to_uppercase()));
    bed.operator.post("/v1/connections", &second).await.problem(409, "conflict");
}

#[tokio::test]
async fn a_replacement_under_another_identifier_is_refused() {
    let bed = Bed::new(1, 0).await;
    let other = with(&bed.connection(), "id", json!("somebody-else"));
    bed.operator.put(&bed.at(""), &other).await.refusal().names("somebody-else");
    bed.operator.get("/v1/connections/somebody-else").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_stale_replacement_changes_nothing() {
    let bed = Bed::new(1, 0).await;
    let seen = bed.operator.get(&bed.at("")).await.expect(200).header("etag").to_owned();
    let second = with(&bed.connection(), "title", json!("Second"));
    bed.operator.put(&bed.at(""), &second).await.expect(200);
    let third = with(&bed.connection(), "title", json!("Third"));
    let late = bed.operator.request(Method::PUT, &bed.at("")).header("if-match", &seen).json(&third);
    late.send().await.problem(412, "stale");
    let late = bed.operator.request(Method::DELETE, &bed.at("")).header("if-match", &seen);
    late.send().await.problem(412, "stale");
    assert_eq!(bed.operator.get(&bed.at("")).await.expect(200).json()["title"], "Second");
}

#[tokio::test]
async fn a_deleted_connection_takes_what_it_published_along() {
    let bed = Bed::new(3, 1).await;
    bed.import_published().await;
    bed.operator.delete(&bed.at("")).await.expect(204);
    for rest in ["", "/schema", "/published", "/published/account", "/changes", "/objects/account"] {
        bed.core.get(&bed.at(rest)).await.problem(404, "not-found").names(&bed.id);
    }
    bed.core.order(&bed.at("/imports")).await.problem(404, "not-found");
    bed.connect(&bed.connection()).await;
    assert_eq!(bed.published("account").await, Vec::<Json>::new());
    assert_eq!(bed.changes(0).await, Vec::<Json>::new());
}

#[tokio::test]
async fn a_check_says_what_is_wrong_with_the_target() {
    let bed = Bed::new(3, 1).await;
    let fine = bed.core.post(&bed.at("/check"), &json!({})).await.expect(200).json();
    assert_eq!(fine["ok"], true, "{fine}");
    std::fs::remove_file(bed.people.path().join("accounts.csv")).unwrap();
    let gone = bed.core.post(&bed.at("/check"), &json!({"aspect": "complete"})).await.expect(200).json();
    assert_eq!(gone["ok"], false, "{gone}");
    assert!(gone["findings"].to_string().contains("accounts.csv"), "{gone}");
    bed.core
        .post(&bed.at("/check"), &json!({"aspect": "colour"}))
        .await
        .problem(400, "invalid-request")
        .names("colour");
}

#[tokio::test]
async fn suggestions_are_offered_for_options_and_for_nothing_else() {
    let bed = Bed::new(3, 1).await;
    let suggest = bed.at("/suggest");
    let files = bed.operator.post(&suggest, &json!({"option": "accounts-file"})).await.expect(200).json();
    let values: Vec<&Json> = files["choices"].as_array().unwrap().iter().map(|choice| &choice["value"]).collect();
    assert!(values.contains(&&json!("groups.csv")), "{files}");
    bed.operator.post(&suggest, &json!({"option": "colour"})).await.refusal().names("colour");
    bed.operator.post(&suggest, &json!({})).await.problem(400, "invalid-request").names("option");
}

#[tokio::test]
async fn a_directory_with_fewer_rights_than_asked_for_is_respected() {
    let bed = Bed::bare(House::shared().await, People::new(2, 1)).await;
    bed.connect(&with(&bed.connection(), "directories/data/access", json!("read-only"))).await;
    let before = bed.people.read("accounts.csv");
    let refused = bed.core.delete(&bed.account("u1")).await;
    refused.problem(403, "not-permitted").names("read-write");
    assert_eq!(bed.people.read("accounts.csv"), before);
}

#[tokio::test]
async fn connectors_are_shown_and_marked_as_development() {
    let core = House::shared().await.core();
    let all = core.get("/v1/connectors").await.expect(200);
    let csv = items(&all).into_iter().find(|connector| connector.to_string().contains("hawser/csv")).unwrap();
    assert_eq!(csv["development"], true);
    let one = core.get("/v1/connectors/hawser/csv").await.expect(200).json();
    assert_eq!(one["sha256"].as_str().map(str::len), Some(64), "{one}");
    assert!(one["options"].to_string().contains("accounts-file"), "{one}");
    core.get("/v1/connectors/hawser/nothing").await.problem(404, "not-found").names("hawser/nothing");
    core.get("/v1/connectors/Hawser/csv").await.problem(400, "invalid-request").names("Hawser");
}
