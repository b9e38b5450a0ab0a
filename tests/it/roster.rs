//! The SDK's example: a complete read-only connector in sixty lines, compiled and run as it stands in the repository.

use hawser_tests::bed::Bed;
use hawser_tests::house::House;
use hawser_tests::people::People;
use hawser_tests::workspace_root;
use serde_json::json;

/// A bed whose connection is the roster's.
async fn roster(lines: &str) -> Bed {
    let bed = Bed::bare(House::shared().await, People::new(0, 0)).await;
    bed.people.write("roster.jsonl", lines);
    let body = json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/roster", "version": "^0.1", "title": "Roster",
        "directories": {"data": {"path": bed.people.path(), "access": "read-only"}},
    });
    bed.connect(&body).await;
    bed
}

const TWO: &str = "{\"id\":\"1\",\"name\":\"ada\",\"mail\":\"ada@example.com\"}\n{\"id\":\"2\",\"name\":\"bob\"}\n";

#[tokio::test]
async fn the_example_imports_people() {
    let bed = roster(TWO).await;
    let task = bed.import_published().await;
    assert_eq!(task["counts"]["inserted"], 2, "{task}");
    let ada = bed.core.get(&bed.at("/published/account/1")).await.expect(200).json();
    assert_eq!((&ada["name"], &ada["attributes"]["mail"]), (&json!("ada"), &json!(["ada@example.com"])));
}

#[tokio::test]
async fn a_line_it_cannot_read_is_set_aside() {
    let bed = roster(&format!("{TWO}not json\n")).await;
    let task = bed.import_published().await;
    assert_eq!((&task["counts"]["inserted"], &task["counts"]["rejected"]), (&json!(2), &json!(1)), "{task}");
}

#[tokio::test]
async fn what_it_does_not_implement_is_refused_by_the_interfaces_name() {
    let bed = roster(TWO).await;
    let draft = json!({"name": "eve", "attributes": {}});
    bed.core.post(&bed.at("/objects/account"), &draft).await.problem(501, "unsupported").names("provision");
    bed.core
        .put(&format!("{}/password", bed.account("1")), &json!({"new": "x"}))
        .await
        .problem(501, "unsupported")
        .names("passwords");
    bed.core.get(&format!("{}/entitlements", bed.account("1"))).await.problem(501, "unsupported").names("entitlements");
    assert_eq!(bed.people.read("roster.jsonl"), TWO);
}

#[test]
fn the_example_fits_in_sixty_lines() {
    let source = std::fs::read_to_string(workspace_root().join("sdk/examples/roster/src/lib.rs")).unwrap();
    assert!(source.lines().count() <= 60, "{} lines", source.lines().count());
}
