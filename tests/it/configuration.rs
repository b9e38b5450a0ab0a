//! Configuration as code: declared in files, planned, applied at once or not at all, and exported as it was declared.

mod kept;
mod mapped;
mod partly;
mod refused;

use std::path::Path;
use std::process::{Command, Output};

use expect_test::expect_file;
use hawser_tests::bed::{items, pages};
use hawser_tests::binary;
use hawser_tests::client::Answer;
use hawser_tests::house::House;
use hawser_tests::people::People;
use serde_json::{Value as Json, json};

const CONNECTIONS: usize = 300;

/// A system with a connection over these people.
fn company(people: &People, permissions: &[&str]) -> Json {
    let mut connection = people.connection("people", "hr");
    let fields = connection.as_object_mut().unwrap();
    fields.remove("id");
    fields.insert("permissions".into(), json!(permissions));
    json!({"systems": {"hr": {"title": "HR records"}}, "connections": {"people": connection}})
}

async fn send(house: &House, path: &str, declaration: &Json, options: Json) -> Answer {
    let mut order = json!({"declaration": declaration});
    order.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    house.operator().post(&format!("/v1/configuration/{path}"), &order).await
}

async fn applied(house: &House, declaration: &Json) -> Json {
    send(house, "apply", declaration, json!({"approve": true})).await.expect(200).json()
}

/// What is done to what, in order.
fn steps(plan: &Json) -> Vec<String> {
    let word = |step: &Json, key: &str| step[key].as_str().unwrap().to_owned();
    let steps = plan["steps"].as_array().unwrap();
    steps.iter().map(|step| format!("{} {} {}", word(step, "action"), word(step, "kind"), word(step, "id"))).collect()
}

const WRITE: &str = "directory:data:read-write";

#[tokio::test]
async fn what_is_applied_twice_changes_nothing_the_second_time_and_works() {
    let (house, people) = (House::start().await, People::new(3, 1));
    let declaration = company(&people, &[WRITE]);
    let plan = send(&house, "plan", &declaration, json!({"approve": true})).await.expect(200).json();
    assert_eq!(steps(&plan), ["create system hr", "create connection people"], "{plan}");
    house.operator().get("/v1/systems/hr").await.problem(404, "not-found");

    assert_eq!(applied(&house, &declaration).await["steps"], plan["steps"]);
    let again = applied(&house, &declaration).await;
    assert_eq!((&again["steps"], &again["unchanged"]), (&json!([]), &json!(2)), "{again}");
    let checked = house.core().post("/v1/connections/people/check", &json!({"aspect": "complete"})).await.expect(200);
    assert_eq!(checked.json()["ok"], true, "{}", checked.text);
}

#[tokio::test]
async fn one_mistake_among_many_changes_nothing_and_says_where_it_is() {
    let (house, people) = (House::start().await, People::new(1, 0));
    let mut declaration = company(&people, &[WRITE]);
    declaration["connections"]["wrong"] = declaration["connections"]["people"].clone();
    declaration["connections"]["wrong"]["options"]["accounts-file"] = json!(7);
    let refused = send(&house, "apply", &declaration, json!({"approve": true})).await;
    refused.problem(422, "configuration").names("connections.wrong");
    house.operator().get("/v1/systems/hr").await.problem(404, "not-found");

    declaration["connections"]["wrong"] = declaration["connections"]["people"].clone();
    declaration["connections"]["wrong"]["system"] = json!("nowhere");
    send(&house, "apply", &declaration, json!({})).await.refusal().names("nowhere");
    house.operator().get("/v1/connections/people").await.problem(404, "not-found");
    for (key, value, told) in [
        ("colours", json!({}), "colours"),
        ("systems", json!({"under_score": {"title": "x"}}), "under_score"),
        ("systems", json!({"hr": {"title": ""}}), "title"),
        ("systems", json!({"hr": {"title": "a"}, "HR": {"title": "b"}}), "twice"),
        ("publishers", json!({"acme": {"keys": [{"title": "x", "publicKey": "no key"}]}}), "acme"),
        ("connectors", json!({"acme/crm": {"versions": ["1.0.0"]}}), "acme/crm"),
        ("connectors", json!({"acme/crm": {"versions": ["1.0.0", "1.2.0"]}}), "only one can serve"),
        ("connectors", json!({"acme/crm": {"versions": []}}), "needs versions"),
        ("publishers", json!({"acme": {"keys": []}}), "has no keys"),
    ] {
        let declaration = json!({ key: value });
        send(&house, "apply", &declaration, json!({})).await.refusal().names(told);
    }
}

#[tokio::test]
async fn permissions_stay_requests_unless_whoever_applies_says_that_he_approves() {
    let (house, people) = (House::start().await, People::new(1, 0));
    let declaration = company(&people, &[WRITE]);
    let plan = send(&house, "apply", &declaration, json!({})).await.expect(200).json();
    assert_eq!(plan["waiting"], json!([{"connection": "people", "permission": WRITE}]));
    house.core().get("/v1/connections/people/objects/account").await.refusal();
    let approved = applied(&house, &declaration).await;
    assert_eq!(steps(&approved), ["update connection people"], "{approved}");
    assert_eq!(approved["steps"][0]["differences"][0]["path"], "/permissions");
    let withdrawn = send(&house, "apply", &company(&people, &[]), json!({})).await.expect(200).json();
    assert_eq!(withdrawn["steps"][0]["differences"][0]["after"], json!([]), "taking away needs nobody's leave");
    let core = house.core().request(reqwest::Method::POST, "/v1/configuration/apply");
    core.json(&json!({"declaration": declaration})).send().await.problem(403, "forbidden");
    let unknown = company(&people, &["directory:elsewhere:read-write"]);
    send(&house, "apply", &unknown, json!({"approve": true})).await.refusal().names("directory:elsewhere:read-write");
}

#[tokio::test]
async fn what_is_left_out_is_deleted_only_when_asked_for() {
    let (house, people) = (House::start().await, People::new(1, 0));
    applied(&house, &company(&people, &[WRITE])).await;
    let mut other =
        json!({"systems": {"it": {"title": "IT"}}, "connections": {"other": people.connection("other", "it")}});
    other["connections"]["other"].as_object_mut().unwrap().remove("id");
    let plan = applied(&house, &other).await;
    assert_eq!(steps(&plan), ["create system it", "create connection other"]);
    let pruned = send(&house, "apply", &other, json!({"prune": true})).await.expect(200).json();
    assert_eq!(steps(&pruned), ["delete connection people", "delete system hr"], "{pruned}");
    house.operator().get("/v1/connections/people").await.problem(404, "not-found");
}

#[tokio::test]
async fn secrets_are_references_and_a_value_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "s3cr3t-in-a-file\n").unwrap();
    let allowed = folder.path().to_owned();
    let house = House::with(move |config| config.secrets.directories = vec![allowed]).await;
    let connection = |secured: Json| {
        json!({"systems": {"lab": {"title": "Lab"}}, "connections": {"prowler": {
            "system": "lab", "connector": "hawser/prowler", "title": "Prowler", "securedOptions": secured,
            "directories": {"data": {"path": folder.path(), "access": "read-write"}}}}})
    };
    let value = connection(json!({"token": "s3cr3t-in-a-file"}));
    let refused = send(&house, "apply", &value, json!({})).await;
    assert!(!refused.text.contains("s3cr3t"), "a value is not repeated: {}", refused.text);
    refused.refusal().names("securedOptions");
    let elsewhere = connection(json!({"token": "file:/etc/passwd"}));
    send(&house, "apply", &elsewhere, json!({})).await.refusal().names("[secrets]");

    let declared = connection(json!({"token": format!("file:{}", token.display())}));
    applied(&house, &declared).await;
    assert_eq!(applied(&house, &declared).await["steps"], json!([]));
    let exported = house.operator().get("/v1/configuration").await.expect(200);
    assert!(!exported.text.contains("s3cr3t"), "{}", exported.text);
    assert_eq!(
        exported.json()["connections"]["prowler"]["securedOptions"],
        declared["connections"]["prowler"]["securedOptions"]
    );
    let gone = applied(&house, &connection(json!({}))).await;
    assert_eq!(gone["steps"][0]["differences"][0]["path"], "/securedOptions", "{gone}");
    let set = house.operator().get("/v1/connections/prowler/secured-options").await.expect(200);
    assert!(!set.text.contains("file:"), "{}", set.text);
}

#[tokio::test]
async fn what_a_declaration_does_not_say_stays_values_in_maps_and_switches_among_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("y"), "a header in a file\n").unwrap();
    let allowed = folder.path().to_owned();
    let house = House::with(move |config| config.secrets.directories = vec![allowed]).await;
    let declared = |title: &str| {
        json!({"systems": {"lab": {"title": "Lab"}}, "connections": {"mirror": {
            "system": "LAB", "connector": "hawser/mirror", "title": title,
            "directories": {"data": {"path": folder.path(), "access": "read-write"}},
            "securedOptions": {"headers": {"y": format!("file:{}", folder.path().join("y").display())}}}}})
    };
    applied(&house, &declared("One")).await;
    let entry = "/v1/connections/mirror/secured-options/headers/x";
    house.operator().put(entry, &json!({"value": "a header of the tests"})).await.expect(204);
    let switches = house.operator().request(reqwest::Method::PATCH, "/v1/connections/mirror/switches");
    switches.json(&json!({"import": false})).send().await.expect(200);

    let plan = applied(&house, &declared("Two")).await;
    assert_eq!(plan["steps"][0]["differences"].as_array().unwrap().len(), 1, "the title alone: {plan}");
    let options = house.operator().get("/v1/connections/mirror/secured-options").await.expect(200);
    let set = items(&options).into_iter().find(|option| option["name"] == "headers").unwrap()["set"].clone();
    let entries: Vec<&Json> = set.as_array().unwrap().iter().map(|status| &status["key"]).collect();
    assert_eq!(entries, ["x", "y"], "{set}");
    let connection = house.operator().get("/v1/connections/mirror").await.expect(200).json();
    assert_eq!((&connection["switches"]["import"], &connection["title"]), (&json!(false), &json!("Two")));
    assert_eq!(applied(&house, &declared("Two")).await["steps"], json!([]));
}

#[tokio::test]
async fn the_trail_says_which_permissions_an_apply_approved() {
    let (house, people) = (House::start().await, People::new(1, 0));
    applied(&house, &company(&people, &[WRITE])).await;
    let trail = pages(&house.operator(), "/v1/audit?", 1000).await;
    let created = trail.iter().find(|entry| entry["action"] == "connection.create").unwrap();
    assert_eq!((&created["parameters"]["approve"], &created["parameters"]["by"]), (&json!(WRITE), &json!("apply")));
}

/// The command line as the operator of a house.
async fn hawser(house: &House, arguments: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.env("HAWSER_URL", house.base()).env("HAWSER_TOKEN", &house.tokens().operator).env("NO_COLOR", "1");
    command.args(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[tokio::test]
async fn files_are_shown_as_a_plan_applied_and_what_is_exported_makes_another_host_the_same() {
    let (house, people, folder) = (House::start().await, People::new(2, 1), tempfile::tempdir().unwrap());
    write(folder.path(), "systems.yaml", "systems:\n  hr: {title: HR records}\n");
    let connection = &company(&people, &[WRITE])["connections"];
    write(folder.path(), "connections.yaml", &format!("connections: {connection}\n"));
    let path = folder.path().to_str().unwrap();
    let planned = out(&hawser(&house, &["apply", "-f", path, "--approve", "--dry-run"]).await);
    assert!(planned.contains("+ system hr\n+ connection people\nto do: 2 created"), "{planned}");
    let applied = out(&hawser(&house, &["apply", "-f", path, "--approve"]).await);
    assert!(applied.contains("done: 2 created, 0 updated, 0 deleted; 0 unchanged"), "{applied}");

    let exported = tempfile::tempdir().unwrap();
    let file = exported.path().join("all.yaml");
    let file = file.to_str().unwrap();
    out(&hawser(&house, &["config", "export", "-o", file]).await);
    let same = out(&hawser(&house, &["apply", "-f", file, "--approve", "--prune", "--dry-run"]).await);
    assert_eq!(same, "to do: 0 created, 0 updated, 0 deleted; 2 unchanged\n");
    let second = House::start().await;
    out(&hawser(&second, &["apply", "-f", file, "--approve"]).await);
    let of = async |house: &House| house.operator().get("/v1/configuration").await.expect(200).json();
    assert_eq!(of(&second).await, of(&house).await);
}

#[tokio::test]
async fn hundreds_of_connections_are_made_at_once_and_each_leaves_its_row_in_the_trail() {
    let (house, people) = (House::start().await, People::new(1, 0));
    let mut declaration = company(&people, &[WRITE]);
    let one = declaration["connections"]["people"].clone();
    for number in 1..CONNECTIONS {
        declaration["connections"][format!("people-{number}")] = one.clone();
    }
    assert_eq!(applied(&house, &declaration).await["steps"].as_array().unwrap().len(), CONNECTIONS + 1);
    let again = applied(&house, &declaration).await;
    assert_eq!(again["unchanged"], CONNECTIONS + 1, "{}", again["steps"]);
    let trail = house.operator().get("/v1/audit?connection=people-7&limit=100").await.expect(200).json();
    let rows = trail["items"].as_array().unwrap();
    let row = rows.iter().find(|row| row["action"] == "connection.create").unwrap_or_else(|| panic!("{trail}"));
    assert_eq!((&row["outcome"]["status"], &row["parameters"]["by"]), (&json!("succeeded"), &json!("apply")), "{row}");
}

#[test]
fn the_schema_for_editors_is_the_one_in_the_guides() {
    let schema = serde_json::to_string_pretty(&hawser::declared::Declaration::json_schema()).unwrap() + "\n";
    expect_file!["../../docs/configuration.schema.json"].assert_eq(&schema);
}
