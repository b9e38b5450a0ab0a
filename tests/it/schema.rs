//! Schema: read from the target on demand; a failed refresh leaves the last good one in use.

use hawser_tests::bed::Bed;
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
