//! Schema: read from the target on demand; a failed refresh leaves the last good one in use.

use hawser_tests::bed::{Bed, items};
use hawser_tests::house::House;
use hawser_tests::people::People;
use reqwest::Method;
use serde_json::{Value as Json, json};

fn attribute<'a>(schema: &'a Json, class: &str, name: &str) -> &'a Json {
    let classes = schema["classes"].as_array().unwrap();
    let class =
        classes.iter().find(|found| found["name"] == class).unwrap_or_else(|| panic!("no class {class}: {schema}"));
    let attributes = class["attributes"].as_array().unwrap();
    attributes.iter().find(|found| found["name"] == name).unwrap_or_else(|| panic!("no attribute {name}: {class}"))
}

#[tokio::test]
async fn the_schema_comes_from_the_headers() {
    let bed = Bed::new(2, 1).await;
    let schema = bed.core.get(&bed.at("/schema")).await.expect(200).json();
    assert_eq!(attribute(&schema, "account", "employeeNumber")["syntax"], "integer");
    assert_eq!(attribute(&schema, "account", "active")["syntax"], "boolean");
    assert_eq!(attribute(&schema, "account", "department")["syntax"], "text");
    assert_eq!(attribute(&schema, "group", "members")["large"], true);
    assert!(schema["refreshed"].is_string() && schema["failed"].is_null(), "{schema}");
    assert!(!schema.to_string().contains("\"readable\":true,\"name\":\"passwordHash\""));
}

#[tokio::test]
async fn a_column_more_is_seen_after_a_refresh_and_not_before() {
    let bed = Bed::new(2, 0).await;
    bed.people.write("accounts.csv", "id,userName,passwordHash,active,employeeNumber,badge\nu1,a,,true,1,7\n");
    let stale = bed.core.get(&bed.at("/schema")).await.expect(200);
    assert!(!stale.text.contains("badge"));
    let fresh = bed.operator.order(&bed.at("/schema/refresh")).await.expect(200).json();
    attribute(&fresh, "account", "badge");
}

#[tokio::test]
async fn a_failed_refresh_is_shown_and_the_last_good_schema_stays() {
    let bed = Bed::new(2, 0).await;
    std::fs::remove_file(bed.people.path().join("accounts.csv")).unwrap();
    bed.operator.order(&bed.at("/schema/refresh")).await.refusal().names("accounts.csv");
    let status = bed.core.get(&bed.at("/schema")).await.expect(200).json();
    assert!(status["failed"].to_string().contains("accounts.csv"), "{status}");
    attribute(&status, "account", "department");
}

#[tokio::test]
async fn a_refresh_can_be_ordered_and_followed_as_a_task() {
    let bed = Bed::new(2, 0).await;
    let order = bed.operator.request(Method::POST, &bed.at("/schema/refresh")).header("prefer", "respond-async");
    let order = order.send().await.expect(202);
    let task = bed.settled(order.header("location")).await;
    assert_eq!((&task["kind"], &task["state"]), (&json!("refresh-schema"), &json!("succeeded")), "{task}");
}

#[tokio::test]
async fn an_import_before_the_first_refresh_says_what_to_do() {
    let bed = Bed::bare(House::shared().await, People::new(2, 0)).await;
    bed.operator.post("/v1/connections", &bed.connection()).await.expect(201);
    let status = bed.core.get(&bed.at("/schema")).await.expect(200).json();
    assert_eq!(status["classes"], json!([]), "{status}");
    bed.core.get(&bed.at("/objects/account")).await.refusal().names("refresh");
}

#[tokio::test]
async fn each_refresh_that_finds_something_different_is_a_version_and_versions_are_compared() {
    let bed = Bed::new(2, 1).await;
    let snapshots = async || items(&bed.core.get(&bed.at("/schema/snapshots")).await.expect(200));
    let refresh = async || bed.operator.order(&bed.at("/schema/refresh")).await.expect(200).json();
    refresh().await;
    let [first] = snapshots().await.try_into().expect("one version, as nothing changed");
    assert!(first["firstRead"].as_str() < first["lastRead"].as_str(), "{first}");

    let accounts = bed.people.read("accounts.csv").replace("phone", "telephone");
    bed.people.write("accounts.csv", &accounts);
    assert_eq!(refresh().await["snapshot"], 2);
    let numbers: Vec<Json> = snapshots().await.into_iter().map(|one| one["number"].clone()).collect();
    assert_eq!(numbers, [2, 1]);
    let changes = bed.core.get(&bed.at("/schema/changes")).await.expect(200).json();
    assert_eq!((&changes["from"], &changes["to"]), (&json!(1), &json!(2)));
    let said = json!([{"name": "account", "change": "changed", "attributes": [
        {"name": "phone", "change": "removed"}, {"name": "telephone", "change": "added"}]}]);
    assert_eq!(changes["classes"], said);
    let back = bed.core.get(&bed.at("/schema/changes?from=2&to=1")).await.expect(200).json();
    assert_eq!(back["classes"][0]["attributes"][0], json!({"name": "phone", "change": "added"}));
    bed.core.get(&bed.at("/schema/changes?from=7")).await.problem(404, "not-found").names("7");
}

#[tokio::test]
async fn a_connector_without_a_schema_says_so_offers_no_refresh_and_imports_what_its_manifest_declares() {
    let bed = Bed::bare(House::shared().await, People::new(0, 0)).await;
    let lines = r#"{"uid": "1", "name": "Ada", "desk": 7}"#.to_owned()
        + "\n"
        + r#"{"uid": "2", "name": "Bo", "deputy": "1"}"#
        + "\n";
    bed.people.write("people.jsonl", &lines);
    let body = json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/clerk", "title": "No schema",
        "directories": {"data": {"path": bed.people.path(), "access": "read-only"}},
    });
    bed.create(&body).await;
    let schema = bed.core.get(&bed.at("/schema")).await.expect(200).json();
    assert_eq!(schema["message"], "There is no schema for this connection", "{schema}");
    assert_eq!(attribute(&schema, "person", "desk")["syntax"], "integer");
    bed.operator
        .order(&bed.at("/schema/refresh"))
        .await
        .problem(501, "unsupported")
        .names("There is no schema for this connection");
    let order = bed.operator.request(Method::POST, &bed.at("/schema/refresh")).header("prefer", "respond-async");
    order.send().await.problem(501, "unsupported").names("There is no schema for this connection");

    bed.import_published().await;
    let people = bed.published("person").await;
    assert_eq!(people[0]["attributes"]["desk"], json!([7]), "{people:?}");
    assert_eq!(people[1]["attributes"]["deputy"], json!([{"class": "person", "uid": "1"}]), "{people:?}");
}
