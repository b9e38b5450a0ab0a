//! Systems: created, read, replaced, deleted; and everything that is refused on the way in.

use hawser_tests::bed::{Bed, pages};
use hawser_tests::house::House;
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_system_is_created_read_replaced_and_deleted() {
    let operator = House::shared().await.operator();
    let created = operator.post("/v1/systems", &json!({"id": "HR", "title": "Human resources"})).await.expect(201);
    assert_eq!(created.header("location"), "/v1/systems/HR");
    let read = operator.get("/v1/systems/hr").await.expect(200);
    assert_eq!((&read.json()["id"], &read.json()["title"]), (&json!("HR"), &json!("Human resources")));
    assert!(!read.header("etag").is_empty());
    let replaced = operator.put("/v1/systems/HR", &json!({"id": "HR", "title": "People"})).await.expect(200);
    assert_eq!(replaced.json()["title"], "People");
    assert_ne!(replaced.header("etag"), read.header("etag"));
    operator.delete("/v1/systems/HR").await.expect(204);
    operator.get("/v1/systems/HR").await.problem(404, "not-found").names("HR");
}

#[tokio::test]
async fn a_stale_if_match_changes_nothing() {
    let operator = House::shared().await.operator();
    operator.post("/v1/systems", &json!({"id": "stale", "title": "First"})).await.expect(201);
    let seen = operator.get("/v1/systems/stale").await.expect(200).header("etag").to_owned();
    operator.put("/v1/systems/stale", &json!({"id": "stale", "title": "Second"})).await.expect(200);
    let late = operator.request(Method::PUT, "/v1/systems/stale").header("if-match", &seen);
    late.json(&json!({"id": "stale", "title": "Third"})).send().await.problem(412, "stale");
    let late = operator.request(Method::DELETE, "/v1/systems/stale").header("if-match", &seen);
    late.send().await.problem(412, "stale");
    assert_eq!(operator.get("/v1/systems/stale").await.expect(200).json()["title"], "Second");
}

#[tokio::test]
async fn a_second_system_that_differs_only_in_case_is_refused() {
    let operator = House::shared().await.operator();
    operator.post("/v1/systems", &json!({"id": "Twin", "title": "First"})).await.expect(201);
    let second = operator.post("/v1/systems", &json!({"id": "tWIN", "title": "Second"})).await;
    second.problem(409, "conflict").names("tWIN");
    assert_eq!(operator.get("/v1/systems/twin").await.expect(200).json()["title"], "First");
}

#[tokio::test]
async fn a_system_with_connections_is_not_deleted() {
    let bed = Bed::new(1, 0).await;
    bed.operator.delete(&format!("/v1/systems/{}", bed.system)).await.problem(409, "conflict");
    bed.operator.get(&format!("/v1/systems/{}", bed.system)).await.expect(200);
    bed.operator.get(&bed.at("")).await.expect(200);
}

#[tokio::test]
async fn systems_are_listed_page_by_page() {
    let operator = House::shared().await.operator();
    for n in 0..5 {
        operator.post("/v1/systems", &json!({"id": format!("page-{n}"), "title": "x"})).await.expect(201);
    }
    let seen = pages(&operator, "/v1/systems?", 2).await;
    let ids = seen.iter().map(|system| system["id"].as_str().unwrap());
    let ours: Vec<&str> = ids.filter(|id| id.starts_with("page-")).collect();
    assert_eq!(ours, ["page-0", "page-1", "page-2", "page-3", "page-4"]);
}

#[tokio::test]
async fn a_malformed_system_is_refused_by_name_and_nothing_is_created() {
    let operator = House::shared().await.operator();
    let long = "a".repeat(129);
    let bodies = [
        (json!({"id": "under_score", "title": "x"}), "under_score"),
        (json!({"id": "9lives", "title": "x"}), "9lives"),
        (json!({"id": "", "title": "x"}), "system identifier"),
        (json!({"id": long, "title": "x"}), "128"),
        (json!({"id": "malformed"}), "title"),
        (json!({"title": "x"}), "id"),
        (json!({"id": 5, "title": "x"}), "integer"),
        (json!({"id": "malformed", "title": "x", "colour": "red"}), "colour"),
        (json!({"id": "malformed", "title": null}), "null"),
        (json!(["malformed", "x"]), "object"),
    ];
    for (body, wrong) in bodies {
        operator.post("/v1/systems", &body).await.problem(400, "invalid-request").names(wrong);
    }
    operator.get("/v1/systems/malformed").await.problem(404, "not-found");
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused_with_the_place() {
    let operator = House::shared().await.operator();
    let post = || operator.request(Method::POST, "/v1/systems");
    let cut = post().body("application/json", "{\n\"id\": \"x\",\n").send().await;
    cut.problem(400, "invalid-request").names("line 3");
    let plain = post().body("text/plain", "{\"id\": \"x\", \"title\": \"y\"}").send().await;
    plain.problem(415, "unsupported-media-type").names("application/json");
    let nothing = post().send().await;
    nothing.refusal();
    let not_utf8 = post().body("application/json", vec![b'{', b'"', 0xff, b'"', b'}']).send().await;
    not_utf8.problem(400, "invalid-request");
    let twice =
        post().body("application/json", "{\"id\": \"twice\", \"id\": \"twice\", \"title\": \"y\"}").send().await;
    twice.problem(400, "invalid-request").names("id");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let operator = House::shared().await.operator();
    let huge = json!({"id": "huge", "title": "x".repeat(2 * 1024 * 1024)});
    operator.post("/v1/systems", &huge).await.problem(413, "too-large");
    operator.get("/v1/systems/huge").await.problem(404, "not-found");
}

#[tokio::test]
async fn unknown_parameters_routes_and_methods_are_problems() {
    let operator = House::shared().await.operator();
    operator.get("/v1/systems?colour=red").await.problem(400, "invalid-request").names("colour");
    for limit in ["0", "1001", "-1", "many"] {
        operator.get(&format!("/v1/systems?limit={limit}")).await.problem(400, "invalid-request").names("limit");
    }
    operator.get("/v1/systems?cursor=%00").await.problem(400, "invalid-request").names("cursor");
    operator.get("/v1/nothing").await.problem(404, "not-found");
    let method = operator.request(Method::PATCH, "/v1/systems").send().await;
    assert!(method.header("allow").contains("POST"), "{:?}", method.headers);
    method.problem(405, "method-not-allowed").names("Allow");
    operator.get("/v1/systems/under_score").await.problem(400, "invalid-request").names("under_score");
}
