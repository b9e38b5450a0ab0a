//! Fulfilments: provisioning orders carried out some at a time, each with an outcome of its own, and none of them twice.

use std::collections::BTreeMap;
use std::fs;

use hawser_tests::bed::{Bed, items, pages};
use hawser_tests::canary::Canaries;
use hawser_tests::child::Host;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};

/// More than are carried out before a host can be killed.
const MANY: usize = 200;

fn created(id: &str) -> Json {
    json!({"id": format!("order-{id}"), "type": "created", "class": "account", "name": format!("name.{id}"),
        "attributes": {"id": [id]}, "owner": format!("person {id}")})
}

fn titled(uid: &str, title: &str) -> Json {
    json!({"type": "modified", "class": "account", "uid": uid, "changes": {"title": {"replace": [title]}}})
}

fn deleted(uid: &str) -> Json {
    json!({"type": "deleted", "class": "account", "uid": uid})
}

/// Orders some and answers the task's path.
async fn start(bed: &Bed, body: &Json) -> String {
    let started = bed.core.post(&bed.at("/fulfilments"), body).await.expect(202);
    started.header("location").to_owned()
}

/// Orders some, waits for the end, and answers the task and its orders.
async fn fulfilled(bed: &Bed, body: &Json) -> (Json, Vec<Json>) {
    let task = start(bed, body).await;
    (bed.settled(&task).await, orders(bed, &task).await)
}

async fn orders(bed: &Bed, task: &str) -> Vec<Json> {
    pages(&bed.core, &format!("{task}/orders?"), 1000).await
}

fn states(orders: &[Json]) -> Vec<&str> {
    orders.iter().map(|order| order["state"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn objects_are_created_modified_and_deleted_and_each_order_says_what_came_of_it() {
    let bed = Bed::new(5, 0).await;
    let body = json!({"orders": [created("n1"), titled("u1", "Boss"), deleted("u2")]});
    let (task, orders) = fulfilled(&bed, &body).await;
    assert_eq!((&task["kind"], &task["state"]), (&json!("fulfil"), &json!("succeeded")), "{task}");
    let counts = &task["orders"];
    assert_eq!((&counts["created"], &counts["modified"], &counts["deleted"]), (&json!(1), &json!(1), &json!(1)));
    assert!(task["durationMs"].is_number(), "{task}");
    assert_eq!(states(&orders), ["succeeded"; 3], "{orders:?}");
    let first = &orders[0];
    assert_eq!(
        (&first["number"], &first["id"], &first["uid"], &first["owner"]),
        (&json!(1), &json!("order-n1"), &json!("n1"), &json!("person n1")),
        "{first}"
    );
    let file = bed.people.read("accounts.csv");
    assert!(file.contains("n1,name.n1") && file.contains(",Boss,") && !file.contains("\nu2,"), "{file}");
}

#[tokio::test]
async fn what_fails_is_told_with_its_error_and_does_not_keep_the_others() {
    let bed = Bed::new(5, 0).await;
    let body = json!({"orders": [created("u1"), titled("ghost", "x"), created("n2"), deleted("u3")], "concurrency": 1});
    let (task, orders) = fulfilled(&bed, &body).await;
    assert_eq!((&task["state"], &task["error"]["kind"]), (&json!("failed"), &json!("partially-applied")), "{task}");
    assert!(task["error"]["message"].as_str().unwrap().contains("of 4 orders: 2 failed"), "{task}");
    assert_eq!(states(&orders), ["failed", "failed", "succeeded", "succeeded"]);
    let kinds: Vec<&Json> = orders.iter().map(|order| &order["error"]["kind"]).collect();
    assert_eq!(kinds[..2], [&json!("already-exists"), &json!("unknown-uid")]);
    assert_eq!(orders[0]["error"]["effect"], "none");
    let path = format!("/v1/tasks/{}/orders?state=failed", task["id"].as_str().unwrap());
    assert_eq!(items(&bed.core.get(&path).await.expect(200)).len(), 2);
}

#[tokio::test]
async fn whoever_wants_to_stop_at_the_first_error_has_the_rest_skipped() {
    let bed = Bed::new(3, 0).await;
    let body = json!({"orders": [created("n1"), created("u1"), created("n2")], "concurrency": 1, "onError": "stop"});
    let (task, orders) = fulfilled(&bed, &body).await;
    assert_eq!(states(&orders), ["succeeded", "failed", "skipped"], "{task}");
    assert!(task["error"]["message"].as_str().unwrap().contains("1 failed, 1 skipped"), "{task}");
    assert!(!bed.people.read("accounts.csv").contains("n2"));
}

#[tokio::test]
async fn orders_for_one_object_follow_each_other_however_many_run_at_the_same_time() {
    let bed = Bed::new(3, 0).await;
    let steps: Vec<Json> = (1..=30).map(|step| titled("u1", &format!("Step {step}"))).collect();
    let (task, _) = fulfilled(&bed, &json!({"orders": steps, "concurrency": 8})).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    let account = bed.core.get(&bed.account("u1")).await.expect(200).json();
    assert_eq!(account["attributes"]["title"], json!(["Step 30"]));
}

#[tokio::test]
async fn orders_for_one_file_do_not_fail_because_of_each_other() {
    let bed = Bed::new(2, 0).await;
    let many: Vec<Json> = (0..60).map(|n| created(&format!("n{n}"))).collect();
    let (task, orders) = fulfilled(&bed, &json!({"orders": many, "concurrency": 16})).await;
    let unwell = orders.iter().find(|order| order["state"] != "succeeded");
    assert_eq!((&task["state"], unwell), (&json!("succeeded"), None), "{task}");
    assert_eq!(bed.people.read("accounts.csv").lines().filter(|line| line.contains(",name.n")).count(), 60);
}

#[tokio::test]
async fn a_request_that_is_too_large_or_not_right_is_refused_whole_and_names_the_order() {
    let bed = Bed::new(2, 0).await;
    let refuse = async |body: Json, named: &str| {
        bed.core.post(&bed.at("/fulfilments"), &body).await.refusal().names(named);
    };
    refuse(json!({"orders": []}), "orders").await;
    refuse(json!({"orders": vec![deleted("u1"); 1_001]}), "1000").await;
    refuse(json!({"orders": [deleted("u1")], "concurrency": 33}), "concurrency").await;
    refuse(json!({"orders": [deleted("u1")], "onError": "panic"}), "onError").await;
    refuse(json!({"orders": [deleted("u1"), {"type": "created", "class": "account"}]}), "orders[1]").await;
    refuse(json!({"orders": [{"type": "deleted", "uid": "u1", "resourceType": "User"}]}), "/v1/fulfilments").await;
    refuse(json!({"orders": [{"type": "deleted", "uid": "u1", "class": "account", "colour": 1}]}), "colour").await;
    assert!(bed.people.read("accounts.csv").contains("\nu1,"));
}

/// A resource type for the accounts of a bed.
async fn resource_type(bed: &Bed) -> String {
    let id = format!("{}-user", bed.id);
    let mapping = json!({
        "kind": "resource", "id": id, "title": "User", "connection": bed.id, "class": "account",
        "name": {"column": "login", "then": ["lower"]},
        "attributes": {
            "id": {"from": {"column": "number"}, "createOnly": true},
            "email": {"from": {"column": "mail", "then": ["trim", "lower"]}},
            "title": {"from": {"column": "job"}},
        },
    });
    bed.operator.post("/v1/mappings", &mapping).await.expect(201);
    id
}

#[tokio::test]
async fn orders_of_resource_types_go_to_the_connection_each_brings_with_what_it_makes_of_the_properties() {
    let (one, other) = (Bed::new(3, 0).await, Bed::new(3, 0).await);
    let (of_one, of_other) = (resource_type(&one).await, resource_type(&other).await);
    let grace = json!({"number": "g1", "login": "Grace", "mail": " GRACE@example.com ", "job": "Admiral"});
    let body = json!({"orders": [
        {"type": "created", "resourceType": of_one, "properties": grace, "owner": "identity 1"},
        {"type": "modified", "resourceType": of_other.to_uppercase(), "uid": "u1", "properties": {"job": "Boss"}},
        {"type": "modified", "resourceType": of_one, "uid": "u1", "properties": {"mail": null}},
        {"type": "deleted", "resourceType": of_one, "uid": "u2"},
    ]});
    let started = one.core.post("/v1/fulfilments", &body).await.expect(202).json();
    let tasks: Vec<String> = started["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| format!("/v1/tasks/{}", task["id"].as_str().unwrap()))
        .collect();
    assert_eq!((tasks.len(), &started["tasks"][0]["connection"]), (2, &json!(one.id)), "{started}");
    for (bed, task) in [(&one, &tasks[0]), (&other, &tasks[1])] {
        assert_eq!(bed.settled(task).await["state"], "succeeded", "{:?}", orders(bed, task).await);
    }
    let account = one.core.get(&one.account("g1")).await.expect(200).json();
    assert_eq!((&account["name"], &account["attributes"]["email"]), (&json!("grace"), &json!(["grace@example.com"])));
    let cleared = one.core.get(&one.account("u1")).await.expect(200).json();
    assert!(cleared["attributes"].get("email").is_none_or(|email| email == &json!([])), "{cleared}");
    one.core.get(&one.account("u2")).await.problem(404, "unknown-uid");
    let kept = other.core.get(&other.account("u1")).await.expect(200).json();
    assert_eq!(kept["attributes"]["title"], json!(["Boss"]));
    assert!(kept["attributes"]["email"].is_array(), "what was not told stays: {kept}");
}

#[tokio::test]
async fn orders_that_name_a_connection_and_a_resource_type_or_neither_are_refused_and_nothing_is_queued() {
    let bed = Bed::new(2, 0).await;
    let user = resource_type(&bed).await;
    let refuse = async |order: Json, named: &str| {
        let whole = json!({"orders": [{"type": "deleted", "resourceType": user, "uid": "u1"}, order]});
        bed.core.post("/v1/fulfilments", &whole).await.refusal().names(named);
    };
    refuse(json!({"type": "deleted", "uid": "u2"}), "resourceType").await;
    refuse(json!({"type": "deleted", "class": "account", "resourceType": user, "uid": "u2"}), "class").await;
    refuse(json!({"type": "deleted", "resourceType": "nobody", "uid": "u2"}), "orders[1]").await;
    refuse(json!({"type": "created", "resourceType": user, "properties": {"mail": "a@b.example"}}), "name").await;
    refuse(json!({"type": "deleted", "resourceType": user, "uid": "u2", "properties": {}}), "properties").await;
    let both = json!({"connection": bed.id, "orders": [{"type": "deleted", "resourceType": user, "uid": "u1"}]});
    bed.core.post("/v1/fulfilments", &both).await.refusal().names("connection");
    let listed = bed.core.get(&format!("/v1/tasks?connection={}&kind=fulfil", bed.id)).await.expect(200);
    assert_eq!(items(&listed).len(), 0);
}

#[tokio::test]
async fn each_order_is_in_the_audit_trail_once_with_its_outcome() {
    let bed = Bed::new(2, 0).await;
    let (task, _) = fulfilled(&bed, &json!({"orders": [created("n1"), created("u1")], "concurrency": 1})).await;
    let trail = bed.audit().await;
    let of_task = trail.iter().filter(|entry| entry["parameters"]["task"] == task["id"]);
    let mut of_task: Vec<(&Json, &Json, &Json)> =
        of_task.map(|entry| (&entry["action"], &entry["parameters"]["orderId"], &entry["outcome"]["status"])).collect();
    of_task.sort_by_key(|(_, order, _)| order.to_string());
    let create = json!("object.create");
    let expected = [(&create, json!("order-n1"), json!("succeeded")), (&create, json!("order-u1"), json!("failed"))];
    assert_eq!(of_task.len(), 2, "{trail:#?}");
    for (found, (action, order, status)) in of_task.iter().zip(&expected) {
        assert_eq!(*found, (*action, order, status));
    }
    assert!(trail.iter().any(|entry| entry["action"] == "task.fulfil"), "{trail:#?}");
}

#[tokio::test]
async fn a_fulfilment_pauses_after_what_it_has_begun_goes_on_where_it_stood_and_is_cancelled() {
    let bed = Bed::new(2, 0).await;
    let many: Vec<Json> = (0..MANY).map(|n| created(&format!("n{n}"))).collect();
    let task = start(&bed, &json!({"orders": many, "concurrency": 2})).await;
    bed.when(&task, |task| task["orders"]["created"].as_u64() > Some(5)).await;
    bed.core.order(&format!("{task}/pause")).await.expect(200);
    let paused = bed.when(&task, |task| task["state"] == "paused").await;
    assert_eq!(paused["orders"]["running"], 0, "{paused}");
    let done = paused["orders"]["created"].as_u64().unwrap();
    assert!(done < MANY as u64, "{paused}");
    bed.core.order(&format!("{task}/resume")).await.expect(200);
    bed.when(&task, |task| task["orders"]["created"].as_u64() > Some(done + 5)).await;
    bed.core.order(&format!("{task}/cancel")).await.expect(200);
    let ended = bed.settled(&task).await;
    assert_eq!(ended["state"], "cancelled", "{ended}");
    let orders = orders(&bed, &task).await;
    let created = orders.iter().filter(|order| order["state"] == "succeeded").count();
    let skipped = orders.iter().filter(|order| order["state"] == "skipped").count();
    assert_eq!((created + skipped, skipped > 0), (MANY, true), "{ended}");
    let file = bed.people.read("accounts.csv");
    assert_eq!(file.lines().filter(|line| line.contains(",name.n")).count(), created, "each once");
}

#[tokio::test]
async fn orders_that_were_under_way_when_the_host_was_killed_are_unknown_and_the_others_go_on_each_once() {
    let house = House::start().await;
    let mut bed = Bed::bare(&house, People::new(2, 0)).await;
    bed.connect(&bed.connection()).await;
    let (data, tokens) = house.stop().await;
    let host = Host::start(data.path(), &tokens, "").await;
    (bed.operator, bed.core) = (host.operator(), host.core());
    let many: Vec<Json> = (0..MANY).map(|n| created(&format!("n{n}"))).collect();
    let task = start(&bed, &json!({"orders": many, "concurrency": 8})).await;
    bed.when(&task, |task| task["orders"]["created"].as_u64() > Some(20)).await;
    host.kill();

    let host = Host::start(data.path(), &tokens, "").await;
    (bed.operator, bed.core) = (host.operator(), host.core());
    let ended = bed.settled(&task).await;
    let orders = orders(&bed, &task).await;
    let unknown = ended["orders"]["outcomeUnknown"].as_u64().unwrap();
    assert!((1..=8).contains(&unknown), "some were under way: {ended}");
    assert_eq!(ended["orders"]["created"].as_u64(), Some(MANY as u64 - unknown), "{ended}");
    assert_eq!(ended["error"]["kind"], "partially-applied", "{ended}");
    let mut in_target = BTreeMap::new();
    for line in bed.people.read("accounts.csv").lines().filter(|line| line.contains(",name.n")) {
        *in_target.entry(line.split(',').next().unwrap().to_owned()).or_insert(0) += 1;
    }
    for (order, n) in orders.iter().zip(0..) {
        let found = in_target.get(&format!("n{n}")).copied().unwrap_or(0);
        match order["state"].as_str().unwrap() {
            "succeeded" => assert_eq!(found, 1, "{order}"),
            "outcome-unknown" => {
                assert!(found <= 1, "{order}");
                assert_eq!(order["error"]["effect"], "unknown");
            }
            _ => panic!("{order}"),
        }
    }
    let trail = pages(&bed.operator, &format!("/v1/audit?connection={}", bed.id), 1000).await;
    let mut begun = BTreeMap::new();
    for entry in trail.iter().filter(|entry| entry["action"] == "object.create") {
        assert!(entry["outcome"]["status"].is_string(), "{entry}");
        *begun.entry(entry["parameters"]["order"].as_i64().unwrap()).or_insert(0) += 1;
    }
    assert!(begun.values().all(|times| *times == 1), "an order was begun twice: {begun:?}");
}

#[tokio::test]
async fn what_orders_say_is_in_no_file_no_log_and_no_answer_neither_before_nor_after() {
    let mut secrets = Canaries::new();
    let house = House::start().await;
    let mut bed = Bed::bare(&house, People::new(3, 0)).await;
    bed.connect(&bed.connection()).await;
    let (data, tokens) = house.stop().await;
    let log = data.path().join("host.log");
    let host =
        Host::logging(data.path(), &tokens, "[log]\nfilter = \"trace\"\n[imports]\nfulfilments = 1\n", &log).await;
    (bed.operator, bed.core) = (host.operator(), host.core());
    let mut secret = |uid: &str, place: &str| {
        let mut order = created(uid);
        order["attributes"]["password"] = json!([secrets.plant(place)]);
        order
    };
    let wrong = json!({"type": "modified", "class": "account", "uid": "u1",
        "changes": {"password": {"replace": [{"x": secret("x", "a password of the wrong shape")["attributes"]["password"][0]}]}}});
    let orders = [secret("n1", "of what is created"), secret("u1", "of what is there already"), wrong];
    let mut later = secret("n9", "of what waits");
    later["id"] = json!("later");
    let task = start(&bed, &json!({"orders": orders})).await;
    let done = bed.settled(&task).await;
    // The next one waits, paused, while the host is looked at.
    let blocker: Vec<Json> = (0..MANY).map(|_| titled("u2", "Busy")).collect();
    let busy = start(&bed, &json!({"orders": blocker, "concurrency": 1})).await;
    let waiting = start(&bed, &json!({"orders": [later]})).await;
    bed.core.order(&format!("{waiting}/pause")).await.expect(200);
    bed.core.order(&format!("{busy}/cancel")).await.expect(200);
    bed.settled(&busy).await;
    assert_eq!(bed.core.get(&waiting).await.expect(200).json()["state"], "paused");
    let mut answers = vec![done.to_string()];
    for path in [format!("{task}/orders"), format!("{waiting}/orders"), waiting, "/v1/tasks".into()] {
        answers.push(bed.core.get(&path).await.expect(200).text);
    }
    answers.push(bed.operator.get("/v1/audit?limit=1000").await.expect(200).text);
    drop(host);

    assert_eq!(done["orders"]["created"], 1, "{done}");
    let search = secrets.search();
    for answer in &answers {
        assert!(search.leak(answer.as_bytes()).is_none(), "{:?} in {answer}", search.leak(answer.as_bytes()));
    }
    assert!(fs::metadata(&log).unwrap().len() > 100_000, "TRACE says a lot");
    let leaks = search.folder(data.path(), &|_| false);
    assert!(leaks.is_empty(), "{leaks:#?}");
}
