//! Mappings and schedules as code: refused where they name what will not be, kept unverified where nobody can know yet,
//! verified once somebody does, exported as they were declared.

use hawser_tests::bed::{Bed, items};

use super::*;

/// The company with a mapping of its people and how they belong to groups, imported every night.
pub(super) fn mapped(people: &People, permissions: &[&str]) -> Json {
    let mut declaration = company(people, permissions);
    declaration["mappings"] = json!({
        "person": {
            "kind": "entity", "title": "People", "key": "id", "unique": ["mail"],
            "sources": [{"table": "people_account", "where": "row[\"department\"] != \"Sales\""}],
            "properties": {
                "id": {"from": {"column": ":uid", "then": ["upper"]}},
                "mail": {"from": {"column": "email", "then": ["trim", "lower"]}},
            },
        },
        "boss": {
            "kind": "association", "title": "Boss", "table": "people_account",
            "left": {"from": {"column": ":uid", "then": ["upper"]}, "entity": "person"},
            "right": {"from": {"column": "email", "then": ["lower"]}, "entity": "person", "by": "mail"},
        },
    });
    declaration["schedules"] = json!({
        "nightly": {"kind": "import", "connection": "people", "cron": "30 2 * * *", "timeZone": "Europe/Berlin"},
        "schemas": {"kind": "refresh-schema", "system": "hr", "cron": "@weekly", "catchUp": false, "paused": true},
    });
    declaration
}

/// A host with the company's connection, its schema read, and what can be declared on top.
pub(super) async fn read_company(people: &People) -> House {
    let house = House::start().await;
    applied(&house, &company(people, &[WRITE])).await;
    house.operator().order("/v1/connections/people/schema/refresh").await.expect(200);
    house
}

async fn verified(house: &House) -> Vec<Json> {
    let listed = items(&house.core().get("/v1/mappings").await.expect(200));
    listed.into_iter().map(|mapping| mapping["verified"].clone()).collect()
}

#[tokio::test]
async fn a_mapping_that_names_what_is_not_there_is_refused_with_its_place_and_nothing_is_applied() {
    let people = People::new(1, 0);
    let house = read_company(&people).await;
    for (pointer, value, told) in [
        ("person/properties/mail/from/column", json!("emial"), "mappings.person.sources[0].properties.mail"),
        ("person/properties/mail/from/column", json!("emial"), "did you mean email"),
        ("person/sources/0/table", json!("people_acount"), "did you mean people_account"),
        ("person/sources/0/table", json!("poeple_account"), "did you mean people?"),
        ("boss/left/entity", json!("persn"), "mappings.boss.left.entity: there is no entity mapping persn"),
        ("person/key", json!("number"), "mappings.person.key"),
        ("person/id", json!("person"), "mappings.person"),
        ("person/knid", json!("entity"), "knid"),
    ] {
        let mut wrong = mapped(&people, &[WRITE]);
        wrong["systems"]["hr"]["title"] = json!("Changed");
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        wrong["mappings"].pointer_mut(&format!("/{parent}")).unwrap()[key] = value;
        send(&house, "plan", &wrong, json!({})).await.refusal().names(told);
        send(&house, "apply", &wrong, json!({"approve": true})).await.refusal().names(told);
    }
    let exported = house.operator().get("/v1/configuration").await.expect(200).json();
    assert_eq!((&exported["systems"]["hr"]["title"], exported.get("mappings")), (&json!("HR records"), None));
    assert_eq!(exported.get("schedules"), None);
}

#[tokio::test]
async fn a_schedule_that_says_nothing_or_names_what_is_not_there_is_refused_with_its_place() {
    let people = People::new(1, 0);
    let house = read_company(&people).await;
    for (key, value, told) in [
        ("connection", json!("poeple"), "schedules.nightly.connection: there will be no connection poeple"),
        ("cron", json!("every night"), "schedules.nightly"),
        ("timeZone", json!("Europe/Nowhere"), "timeZone"),
        ("system", json!("hr"), "an import names a connection"),
        ("kind", json!("write-tables"), "kind of a schedule is import, fulfil or refresh-schema"),
        ("corn", json!("@daily"), "corn"),
    ] {
        let mut wrong = mapped(&people, &[WRITE]);
        wrong["schedules"]["nightly"][key] = value;
        send(&house, "apply", &wrong, json!({})).await.refusal().names(told);
    }
    assert!(items(&house.core().get("/v1/schedules").await.expect(200)).is_empty());
    assert!(items(&house.core().get("/v1/mappings").await.expect(200)).is_empty());
}

#[tokio::test]
async fn a_mapping_may_come_before_its_schema_was_read_and_is_verified_when_it_was() {
    let (house, people) = (House::start().await, People::new(3, 1));
    let mut early = mapped(&people, &[WRITE]);
    early["mappings"]["wrong"] = early["mappings"]["person"].clone();
    early["mappings"]["wrong"]["properties"]["mail"]["from"]["column"] = json!("emial");
    send(&house, "apply", &early, json!({})).await.expect(200);
    assert_eq!(verified(&house).await, [false, false, false], "nobody approved that the schema may be read");
    for id in ["person", "boss"] {
        let shown = house.core().get(&format!("/v1/mappings/{id}")).await.expect(200).json();
        assert_eq!(shown["verified"], false, "{shown}");
        assert!(shown["flaws"][0]["message"].as_str().unwrap().contains("refresh it first"), "{shown}");
    }
    house.core().get("/v1/mappings/person/entities").await.problem(422, "configuration").names("refresh it first");

    house.operator().post("/v1/connections/people/permissions", &json!({"approve": [WRITE]})).await.expect(200);
    house.operator().order("/v1/connections/people/schema/refresh").await.expect(200);
    assert_eq!(verified(&house).await, [true, true, false], "boss, person, wrong");
    let wrong = house.core().get("/v1/mappings/wrong").await.expect(200).json();
    assert_eq!((&wrong["verified"], &wrong["flaws"][0]["nearest"][0]), (&json!(false), &json!("email")), "{wrong}");
    house.core().get("/v1/mappings/wrong/entities").await.problem(422, "configuration").names("did you mean email");
    let person = house.core().get("/v1/mappings/person").await.expect(200);
    assert_eq!((&person.json()["flaws"], person.header("etag")), (&Json::Null, "\"1\""), "nobody changed it");
    house.core().get("/v1/mappings/person/entities").await.expect(200);
}

#[tokio::test]
async fn the_refresh_that_the_host_makes_after_applying_verifies_what_waited_for_it() {
    let (house, people) = (House::start().await, People::new(1, 0));
    let bed = Bed::bare(&house, People::new(0, 0)).await;
    applied(&house, &mapped(&people, &[WRITE])).await;
    let all_are = |listed: &Json| listed["items"].as_array().unwrap().iter().all(|one| one["verified"] == true);
    bed.when("/v1/mappings", all_are).await;
    let again = applied(&house, &mapped(&people, &[WRITE])).await;
    assert_eq!((&again["steps"], &again["unchanged"]), (&json!([]), &json!(6)), "{again}");
}

#[tokio::test]
async fn a_mapping_of_a_connection_without_a_schema_is_verified_when_it_is_applied() {
    let (house, people) = (House::start().await, People::new(0, 0));
    let mut declaration = company(&people, &[]);
    declaration["connections"]["people"] = json!({"system": "hr", "connector": "hawser/clerk", "title": "No schema",
        "directories": {"data": {"path": people.path(), "access": "read-only"}}});
    declaration["mappings"] = json!({"person": {"kind": "entity", "title": "People", "key": "id",
        "sources": [{"table": "people_person"}], "properties": {"id": {"from": {"column": ":uid"}}}}});
    applied(&house, &declaration).await;
    assert_eq!(verified(&house).await, [true]);
}

#[tokio::test]
async fn what_mappings_and_schedules_say_differently_is_told_and_changed_and_twice_changes_nothing() {
    let people = People::new(1, 0);
    let house = read_company(&people).await;
    let mut declaration = mapped(&people, &[WRITE]);
    let created =
        ["create mapping boss", "create mapping person", "create schedule nightly", "create schedule schemas"];
    assert_eq!(steps(&applied(&house, &declaration).await), created);
    assert_eq!(verified(&house).await, [true, true], "the schema was read before");
    assert_eq!(applied(&house, &declaration).await["steps"], json!([]));
    let nightly = house.core().get("/v1/schedules/nightly").await.expect(200).json();
    assert!(nightly["nextRun"].is_string() && nightly["timeZone"] == "Europe/Berlin", "{nightly}");
    assert_eq!(house.core().get("/v1/schedules/schemas").await.expect(200).json().get("nextRun"), None, "paused");

    declaration["mappings"]["person"]["title"] = json!("Staff");
    declaration["schedules"]["nightly"]["paused"] = json!(true);
    let changed = applied(&house, &declaration).await;
    assert_eq!(steps(&changed), ["update mapping person", "update schedule nightly"]);
    let paths = [0, 1].map(|step| changed["steps"][step]["differences"][0]["path"].clone());
    assert_eq!(paths, [json!("/title"), json!("/paused")]);
    assert_eq!(applied(&house, &declaration).await["steps"], json!([]));

    let mut other = declaration.clone();
    other["mappings"]["person"] = other["mappings"]["boss"].clone();
    other["systems"]["hr"]["title"] = json!("Changed");
    send(&house, "apply", &other, json!({"approve": true})).await.refusal().names("mappings.person");
    let system = house.core().get("/v1/systems/hr").await.expect(200).json();
    assert_eq!(system["title"], "HR records", "all of it or nothing");
}

#[tokio::test]
async fn pruning_leaves_nothing_that_names_what_is_gone() {
    let people = People::new(1, 0);
    let house = read_company(&people).await;
    let whole = mapped(&people, &[WRITE]);
    applied(&house, &whole).await;
    let prune = json!({"approve": true, "prune": true});
    let without = |path: &[&str]| {
        let mut declaration = whole.clone();
        for pointer in path {
            let (kind, id) = pointer.split_once('/').unwrap();
            declaration[kind].as_object_mut().unwrap().remove(id);
        }
        declaration
    };
    send(&house, "apply", &without(&["mappings/person"]), prune.clone()).await.refusal().names("mappings.boss");
    let mut moved = without(&["connections/people"]);
    moved["connections"]["others"] = whole["connections"]["people"].clone();
    moved["schedules"].as_object_mut().unwrap().remove("nightly");
    send(&house, "apply", &moved, prune.clone()).await.refusal().names("there is no connection people");
    moved["schedules"] = whole["schedules"].clone();
    send(&house, "apply", &moved, prune.clone()).await.refusal().names("schedules.nightly.connection");
    assert_eq!(applied(&house, &whole).await["unchanged"], 6, "nothing was deleted");

    let pruned = send(&house, "apply", &without(&["mappings/boss", "schedules/schemas"]), prune.clone()).await;
    let pruned = pruned.expect(200).json();
    assert_eq!(steps(&pruned), ["delete schedule schemas", "delete mapping boss"], "{pruned}");
    house.core().get("/v1/mappings/boss").await.problem(404, "not-found");
    house.core().get("/v1/schedules/schemas").await.problem(404, "not-found");
}

#[tokio::test]
async fn files_with_mappings_and_schedules_come_back_from_an_export_and_make_another_host_the_same() {
    let (house, people, folder) = (House::start().await, People::new(2, 1), tempfile::tempdir().unwrap());
    let declaration = mapped(&people, &[WRITE]);
    for kind in ["systems", "connections", "mappings", "schedules"] {
        write(folder.path(), &format!("{kind}.yaml"), &format!("{kind}: {}\n", declaration[kind]));
    }
    let path = folder.path().to_str().unwrap();
    let done = out(&hawser(&house, &["apply", "-f", path, "--approve"]).await);
    assert!(done.contains("+ mapping person\n") && done.contains("+ schedule schemas\ndone: 6 created"), "{done}");

    let file = folder.path().join("exported");
    let file = file.to_str().unwrap();
    out(&hawser(&house, &["config", "export", "-o", file]).await);
    let same = out(&hawser(&house, &["apply", "-f", file, "--approve", "--prune", "--dry-run"]).await);
    assert_eq!(same, "to do: 0 created, 0 updated, 0 deleted; 6 unchanged\n");
    let second = House::start().await;
    out(&hawser(&second, &["apply", "-f", file, "--approve"]).await);
    let of = async |house: &House| house.operator().get("/v1/configuration").await.expect(200).json();
    let (first, second) = (of(&house).await, of(&second).await);
    assert_eq!(second, first);
    assert_eq!(first["mappings"], declaration["mappings"]);
}
