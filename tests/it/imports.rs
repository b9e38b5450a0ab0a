//! Imports: staged page by page, compared, held when they would remove too much, published in one step.

use hawser_tests::bed::{Bed, items};
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};

fn kinds(changes: &[Json]) -> Vec<(&str, &str)> {
    let text = |change: &'_ Json, key: &str| change[key].as_str().unwrap_or_else(|| panic!("no {key}: {change}")).len();
    assert!(changes.iter().all(|change| text(change, "kind") > 0 && text(change, "uid") > 0));
    changes.iter().map(|change| (change["kind"].as_str().unwrap(), change["uid"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_first_import_publishes_everybody_and_every_link() {
    let bed = Bed::new(1_100, 7).await;
    let task = bed.import_published().await;
    assert_eq!(task["counts"]["inserted"], 1_107, "{task}");
    assert_eq!(task["counts"]["linksAdded"], 1_100, "{task}");
    assert_eq!((&task["kind"], &task["connection"]), (&json!("import"), &json!(bed.id)));
    assert_eq!((bed.published("account").await.len(), bed.published("group").await.len()), (1_100, 7));
    let links = bed.core.get(&bed.at("/published/group/links/members")).await.expect(200).lines();
    assert_eq!(links.len(), 1_100);
}

#[tokio::test]
async fn a_second_import_changes_what_changed_and_nothing_else() {
    let bed = Bed::new(200, 3).await;
    bed.import_published().await;
    let position = bed.position().await;
    bed.people.replace("accounts.csv", "Engineer 7,", "Director,");
    bed.people.append("accounts.csv", "u900,late,Late,Comer,,,,,true,1,,");
    bed.people.keep_lines("accounts.csv", |line| !line.starts_with("u9,"));
    bed.people.keep_lines("memberships.csv", |line| !line.ends_with(",u9"));
    bed.people.append("memberships.csv", "g1,u900");
    let task = bed.import_published().await;
    let counts = json!({
        "inserted": 1, "updated": 1, "deleted": 1, "unchanged": 201, "linksAdded": 1, "linksRemoved": 1, "rejected": 0,
    });
    assert_eq!(task["counts"], counts);
    let changes = bed.changes(position).await;
    let mut objects: Vec<_> = kinds(&changes).into_iter().filter(|(kind, _)| !kind.starts_with("link")).collect();
    objects.sort_unstable();
    assert_eq!(objects, [("delete", "u9"), ("insert", "u900"), ("update", "u7")]);
    let changed = changes.iter().find(|change| change["kind"] == "update").unwrap();
    assert_eq!(changed["attributes"]["title"], json!(["Director"]), "{changed}");
}

#[tokio::test]
async fn an_import_of_the_same_changes_nothing() {
    let bed = Bed::new(50, 2).await;
    bed.import_published().await;
    let position = bed.position().await;
    let task = bed.import_published().await;
    assert_eq!(task["counts"]["unchanged"], 52, "{task}");
    assert_eq!(bed.changes(position).await, Vec::<Json>::new());
}

#[tokio::test]
async fn an_import_after_the_configuration_changed_reads_the_schema_again() {
    let bed = Bed::new(20, 1).await;
    bed.import_published().await;
    let mut connection = bed.connection();
    connection["options"]["integer-columns"] = json!([]);
    bed.operator.put(&bed.at(""), &connection).await.expect(200);
    let task = bed.import_published().await;
    assert_eq!(task["counts"]["updated"], 20, "{task}");
    let accounts = bed.published("account").await;
    assert!(accounts.iter().all(|account| account["attributes"]["employeeNumber"][0].is_string()), "{accounts:?}");
}

#[tokio::test]
async fn an_emptied_file_is_held_with_its_list_and_rejected_without_a_trace() {
    let bed = Bed::new(60, 2).await;
    bed.import_published().await;
    let (before, position) = (bed.published("account").await, bed.position().await);
    bed.people.keep_lines("accounts.csv", |_| false);
    bed.people.keep_lines("memberships.csv", |_| false);
    let task = bed.import().await;
    assert_eq!(task["state"], "held", "{task}");
    assert!(task["error"]["message"].as_str().unwrap().contains("60"), "{task}");
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
    let removals = items(&bed.core.get(&format!("{path}/removals?limit=1000")).await.expect(200));
    assert_eq!(removals.len(), 60);
    assert_eq!(bed.published("account").await, before, "a held run changes nothing visible");

    bed.core.order(&format!("{path}/approve")).await.problem(403, "forbidden");
    let rejected = bed.operator.order(&format!("{path}/reject")).await.expect(200).json();
    assert_eq!(rejected["state"], "rejected");
    assert_eq!((bed.published("account").await, bed.position().await), (before, position));
    bed.operator.order(&format!("{path}/approve")).await.problem(409, "conflict");
}

#[tokio::test]
async fn a_held_import_that_is_approved_is_published() {
    let bed = Bed::new(60, 2).await;
    bed.import_published().await;
    bed.people.keep_lines("accounts.csv", |line| line.starts_with("u1,"));
    let task = bed.import().await;
    assert_eq!(task["state"], "held", "{task}");
    let path = format!("/v1/tasks/{}", task["id"].as_str().unwrap());
    bed.operator.order(&format!("{path}/approve")).await.expect(200);
    let done = bed.when(&path, |task| task["state"] == "succeeded").await;
    assert_eq!(done["counts"]["deleted"], 59, "{done}");
    assert_eq!(bed.published("account").await.len(), 1);
}

#[tokio::test]
async fn the_threshold_is_the_connections_own() {
    let bed = Bed::bare(House::shared().await, People::new(60, 0)).await;
    let mut body = bed.connection();
    body["thresholds"] = json!({"removed": 10, "removedPercent": null});
    bed.connect(&body).await;
    bed.import_published().await;
    bed.people.keep_lines("accounts.csv", |line| !line.starts_with("u1"));
    let task = bed.import().await;
    assert_eq!((&task["state"], &task["counts"]["deleted"]), (&json!("held"), &json!(11)), "{task}");
}

#[tokio::test]
async fn records_that_cannot_be_read_are_set_aside_and_their_people_stay() {
    let bed = Bed::new(30, 1).await;
    bed.import_published().await;
    bed.people.replace("accounts.csv", "u7,user.7,", "u7,user.7,ragged\nu700,user.700,");
    bed.people.append("accounts.csv", "u8,twice,,,,,,,,,,");
    let task = bed.import_published().await;
    assert_eq!(task["counts"]["deleted"], 0, "{task}");
    let aside = items(&bed.core.get(&format!("/v1/tasks/{}/rejected", task["id"].as_str().unwrap())).await.expect(200));
    let keys: Vec<&str> = aside.iter().map(|record| record["key"].as_str().unwrap()).collect();
    assert!(keys.contains(&"u7") && keys.contains(&"u8"), "{aside:?}");
    assert!(aside.iter().all(|record| !record["message"].as_str().unwrap().is_empty()));
    let names: Vec<Json> = bed.published("account").await.into_iter().map(|account| account["uid"].clone()).collect();
    assert!(names.contains(&json!("u7")), "somebody unreadable is not somebody gone");
}

#[tokio::test]
async fn an_import_of_a_missing_file_fails_and_nobody_is_gone() {
    let bed = Bed::new(20, 1).await;
    bed.import_published().await;
    let position = bed.position().await;
    std::fs::remove_file(bed.people.path().join("accounts.csv")).unwrap();
    let task = bed.import().await;
    assert_eq!(task["state"], "failed", "{task}");
    assert!(task["error"]["message"].as_str().unwrap().contains("accounts.csv"), "{task}");
    assert_eq!((bed.published("account").await.len(), bed.position().await), (20, position));
}

#[tokio::test]
async fn a_second_import_at_the_same_time_is_refused_and_the_first_can_be_cancelled() {
    let house = House::with(|config| config.imports.page_rows = 4).await;
    let bed = Bed::bare(&house, People::new(20_000, 0)).await;
    bed.connect(&bed.connection()).await;
    let order = bed.core.order(&bed.at("/imports")).await.expect(202);
    let task = order.header("location").to_owned();
    bed.core.order(&bed.at("/imports")).await.problem(409, "conflict").names(order.json()["id"].as_str().unwrap());
    bed.when(&task, |task| task["progress"]["rows"].as_u64() > Some(0)).await;
    bed.core.order(&format!("{task}/cancel")).await.expect(200);
    let cancelled = bed.settled(&task).await;
    assert_eq!(cancelled["state"], "cancelled", "{cancelled}");
    assert_eq!(bed.published("account").await, Vec::<Json>::new());
    bed.core.order(&format!("{task}/cancel")).await.problem(409, "conflict");
    house.stop().await;
}

#[tokio::test]
async fn tasks_are_listed_newest_first_and_filtered() {
    let bed = Bed::new(2, 0).await;
    let first = bed.import_published().await;
    let second = bed.import_published().await;
    let query = format!("/v1/tasks?connection={}&state=succeeded", bed.id);
    let ids: Vec<Json> = items(&bed.core.get(&query).await.expect(200)).iter().map(|task| task["id"].clone()).collect();
    let imports: Vec<&Json> = ids.iter().filter(|id| [&first["id"], &second["id"]].contains(id)).collect();
    assert_eq!(imports, [&second["id"], &first["id"]]);
    bed.core.get("/v1/tasks?state=tired").await.problem(400, "invalid-request").names("tired");
    bed.core.get("/v1/tasks/none").await.problem(400, "invalid-request").names("none");
    let unknown = "/v1/tasks/019aa000-0000-7000-8000-000000000000";
    bed.core.get(unknown).await.problem(404, "not-found").names("019aa000");
}
