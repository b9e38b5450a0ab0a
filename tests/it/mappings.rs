//! Mappings: refused until all they name exists, kept with revisions, and streamed as entities and pairs.

use hawser_tests::bed::{Bed, pages};
use hawser_tests::house::House;
use reqwest::Method;
use serde_json::{Value as Json, json};

/// The people of a bed, by a mapping of that id.
fn person(bed: &Bed, id: &str) -> Json {
    json!({
        "kind": "entity", "id": id, "title": "People",
        "sources": [{"table": format!("{}_account", bed.id), "where": "row[\"department\"] != \"Sales\""}],
        "key": "id", "unique": ["mail"],
        "properties": {
            "id": {"from": {"column": ":uid", "then": ["upper"]}},
            "mail": {"from": {"column": "email", "then": ["trim", "lower"]}},
            "domain": {"from": {"column": "email", "then": [{"split": {"separator": "@", "index": -1}}]}},
        },
    })
}

#[tokio::test]
async fn a_mapping_is_refused_until_the_schema_was_read() {
    let bed = Bed::bare(House::shared().await, hawser_tests::people::People::new(2, 1)).await;
    // A connection in use reads its schema by itself.
    let mut connection = bed.connection();
    connection["switches"] = json!({"enabled": false});
    bed.create(&connection).await;
    let refused = bed.operator.post("/v1/mappings", &person(&bed, &format!("{}-early", bed.id))).await;
    refused.problem(400, "invalid-request").names("refresh it first");
    connection["switches"] = json!({"enabled": true});
    bed.operator.put(&bed.at(""), &connection).await.expect(200);
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
    bed.operator.post("/v1/mappings", &person(&bed, &format!("{}-early", bed.id))).await.expect(201);
}

#[tokio::test]
async fn a_column_that_is_not_there_is_refused_with_the_nearest_names_and_nothing_is_kept() {
    let bed = Bed::new(2, 1).await;
    let id = format!("{}-wrong", bed.id);
    let mut mapping = person(&bed, &id);
    mapping["properties"]["mail"]["from"]["column"] = json!("emial");
    mapping["key"] = json!("uid");
    let flaws = bed.operator.post("/v1/mappings/check", &mapping).await.expect(200).json();
    let flaws = flaws["flaws"].as_array().unwrap();
    assert_eq!(flaws.len(), 2, "{flaws:?}");
    assert!(flaws.iter().any(|flaw| flaw["nearest"][0] == "email"), "{flaws:?}");
    bed.operator.post("/v1/mappings", &mapping).await.problem(400, "invalid-request").names("did you mean email?");
    bed.operator.get(&format!("/v1/mappings/{id}")).await.problem(404, "not-found");
    mapping["kye"] = json!("x");
    bed.operator.post("/v1/mappings", &mapping).await.problem(400, "invalid-request").names("kye");
}

#[tokio::test]
async fn a_mapping_is_kept_replaced_and_removed_like_every_resource() {
    let bed = Bed::new(2, 1).await;
    let id = format!("{}-kept", bed.id);
    let path = format!("/v1/mappings/{id}");
    let created = bed.operator.post("/v1/mappings", &person(&bed, &id)).await.expect(201);
    assert_eq!((created.header("location"), &created.json()["verified"]), (path.as_str(), &json!(true)));
    bed.operator.post("/v1/mappings", &person(&bed, &id.to_uppercase())).await.problem(409, "conflict");
    let read = bed.core.get(&path).await.expect(200);
    assert_eq!(read.json()["definition"], person(&bed, &id));

    let mut changed = person(&bed, &id);
    changed["title"] = json!("Staff");
    bed.operator.put(&path, &changed).await.expect(200);
    let late = bed.operator.request(Method::PUT, &path).header("if-match", read.header("etag"));
    late.json(&changed).send().await.problem(412, "stale");
    bed.operator.put("/v1/mappings/nobody", &changed).await.problem(400, "invalid-request").names("id");

    let report = json!({
        "kind": "association", "id": format!("{id}-boss"), "title": "Boss", "table": format!("{}_account", bed.id),
        "left": {"from": {"column": ":uid", "then": ["upper"]}, "entity": id},
        "right": {"from": {"column": "email", "then": ["lower"]}, "entity": id, "by": "mail"},
    });
    bed.operator.post("/v1/mappings", &report).await.expect(201);
    bed.operator.delete(&path).await.problem(409, "conflict").names("-boss");
    let pairs = bed.core.get(&format!("{path}-boss/associations")).await.expect(200).lines();
    assert_eq!(pairs.len(), 1, "nothing is imported: {pairs:?}");
    bed.operator.delete(&format!("{path}-boss")).await.expect(204);
    bed.operator.delete(&path).await.expect(204);
    bed.core.get(&path).await.problem(404, "not-found");
}

#[tokio::test]
async fn what_a_mapping_names_stays_as_long_as_it_does() {
    let bed = Bed::new(2, 1).await;
    let id = format!("{}-named", bed.id);
    let path = format!("/v1/mappings/{id}");
    bed.operator.post("/v1/mappings", &person(&bed, &id)).await.expect(201);
    let rule = json!({
        "kind": "correlation", "id": format!("{id}-whose"), "title": "Whose", "accounts": id,
        "rules": [{"account": {"column": "mail"}, "identity": id, "property": "mail"}],
    });
    bed.operator.post("/v1/mappings", &rule).await.expect(201);
    let boss = json!({
        "kind": "association", "id": format!("{id}-boss"), "title": "Boss", "table": format!("{}_account", bed.id),
        "left": {"from": {"column": ":uid", "then": ["upper"]}, "entity": id},
        "right": {"from": {"column": "email", "then": ["lower"]}, "entity": id, "by": "mail"},
    });
    bed.operator.post("/v1/mappings", &boss).await.expect(201);

    let mut shared = person(&bed, &id);
    shared["unique"] = json!([]);
    bed.operator.put(&path, &shared).await.problem(409, "conflict").names("-boss").names("right.by");
    bed.operator.delete(&format!("{path}-boss")).await.expect(204);
    bed.operator.put(&path, &shared).await.expect(200);
    shared["properties"].as_object_mut().unwrap().remove("mail");
    bed.operator.put(&path, &shared).await.problem(409, "conflict").names("-whose").names("rules[0]");
    bed.operator.delete(&format!("{path}-whose")).await.expect(204);
    bed.operator.put(&path, &shared).await.expect(200);

    shared["key"] = json!("domain");
    bed.operator.put(&path, &shared).await.problem(400, "invalid-request").names("the key of the mapping");
    bed.operator.delete(&bed.at("")).await.problem(409, "conflict").names(&id);
    bed.operator.delete(&path).await.expect(204);
    bed.operator.delete(&bed.at("")).await.expect(204);
}

#[tokio::test]
async fn what_was_imported_is_streamed_as_entities_and_pairs_and_no_row_is_lost() {
    let bed = Bed::new(40, 2).await;
    let id = format!("{}-people", bed.id);
    bed.operator.post("/v1/mappings", &person(&bed, &id)).await.expect(201);
    bed.import_published().await;
    let lines = bed.core.get(&format!("/v1/mappings/{id}/entities")).await.expect(200).lines();
    let (end, lines) = lines.split_last().unwrap();
    let told = &end["end"]["told"];
    let sum: u64 = ["made", "setAside", "unmatched"].iter().map(|key| told[*key].as_u64().unwrap()).sum();
    assert_eq!(sum, 40, "{told}");
    assert!(told["unmatched"].as_u64().unwrap() > 0, "{told}");
    let first = lines.iter().find(|line| line["row"]["uid"] == "u1").unwrap();
    assert_eq!(first["key"], "U1");
    let mail = first["properties"]["mail"].as_str().unwrap();
    assert_eq!(mail.split_once('@').unwrap().1, first["properties"]["domain"]);
    bed.core.get(&format!("/v1/mappings/{id}/associations")).await.problem(400, "invalid-request").names("entity");
    bed.core.get(&format!("/v1/mappings/{id}/entities?since=41")).await.problem(400, "invalid-request").names("since");
}

#[tokio::test]
async fn a_mapping_is_written_into_the_audit_trail() {
    let bed = Bed::new(1, 1).await;
    let id = format!("{}-trail", bed.id);
    bed.operator.post("/v1/mappings", &person(&bed, &id)).await.expect(201);
    let trail = pages(&bed.operator, "/v1/audit?", 1000).await;
    let ours = |entry: &Json| entry["action"] == "mapping.create" && entry["parameters"]["mapping"] == id.as_str();
    assert!(trail.iter().any(ours), "{} entries", trail.len());
}

#[tokio::test]
async fn each_account_is_told_with_whose_it_is_or_why_nobody_knows() {
    let (people, accounts) = (Bed::new(40, 0).await, Bed::new(45, 0).await);
    let (person, account) = (format!("{}-person", people.id), format!("{}-account", accounts.id));
    people.operator.post("/v1/mappings", &whole(&people, &person)).await.expect(201);
    people.operator.post("/v1/mappings", &whole(&accounts, &account)).await.expect(201);
    people.import_published().await;
    accounts.import_published().await;
    let rule = format!("{account}-whose");
    let whose = json!({
        "kind": "correlation", "id": rule, "title": "Whose", "accounts": account,
        "rules": [
            {"account": {"column": "id"}, "identity": person, "property": "id"},
            {"account": {"column": "department"}, "identity": person, "property": "department"},
        ],
    });
    people.operator.post("/v1/mappings", &whose).await.expect(201);
    let lines = people.core.get(&format!("/v1/mappings/{rule}/owners")).await.expect(200).lines();
    let (end, lines) = lines.split_last().unwrap();
    assert_eq!((lines.len(), &end["end"]["told"]["made"]), (45, &json!(45)), "{end}");
    for number in 1..=45 {
        let line = lines.iter().find(|line| line["account"] == format!("U{number}")).unwrap();
        if number <= 40 {
            let owner = json!({"identity": person, "key": format!("U{number}"), "by": 0});
            assert_eq!(line["owner"], owner, "{line}");
        } else {
            assert_eq!(line["disputed"], json!({"by": 1}), "several people are in one department: {line}");
        }
    }
    people
        .core
        .get(&format!("/v1/mappings/{person}/owners"))
        .await
        .problem(400, "invalid-request")
        .names("correlation");
}

#[tokio::test]
async fn changes_of_pairs_are_not_told_where_who_they_name_may_have_changed() {
    let bed = Bed::new(40, 0).await;
    let id = format!("{}-named", bed.id);
    let mut all = whole(&bed, &id);
    all["unique"] = json!(["mail"]);
    all["properties"]["mail"] = json!({"from": {"column": "email"}});
    bed.operator.post("/v1/mappings", &all).await.expect(201);
    let own = json!({
        "kind": "association", "id": format!("{id}-own"), "title": "Themselves", "table": format!("{}_account", bed.id),
        "left": {"from": {"column": ":uid", "then": ["upper"]}, "entity": id},
        "right": {"from": {"column": "email"}, "entity": id, "by": "mail"},
    });
    bed.operator.post("/v1/mappings", &own).await.expect(201);
    bed.import_published().await;
    let path = format!("/v1/mappings/{id}-own/associations");
    let lines = bed.core.get(&path).await.expect(200).lines();
    let position = lines.last().unwrap()["end"]["position"].as_str().unwrap().to_owned();
    assert_eq!(lines.len(), 41, "{lines:?}");
    let nothing = bed.core.get(&format!("{path}?since={position}")).await.expect(200).lines();
    assert_eq!(nothing.len(), 1, "{nothing:?}");
    bed.people.keep_lines("accounts.csv", |line| !line.starts_with("u2,"));
    bed.import_published().await;
    bed.core.get(&format!("{path}?since={position}")).await.refusal().names("read everything");
}

#[tokio::test]
async fn a_mapped_attribute_that_vanished_is_warned_of_until_somebody_acknowledges_it() {
    let bed = Bed::new(2, 0).await;
    let id = format!("{}-warned", bed.id);
    let path = format!("/v1/mappings/{id}");
    bed.operator.post("/v1/mappings", &person(&bed, &id)).await.expect(201);
    let refreshed = async |from: &str, to: &str| {
        bed.people.replace("accounts.csv", from, to);
        bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
        let shown = bed.core.get(&path).await.expect(200).json();
        shown["warnings"].as_array().cloned().unwrap_or_default()
    };
    let warned = refreshed(",email,", ",mail,").await;
    assert!(warned.iter().all(|warning| warning["message"].as_str().unwrap().contains("email")), "{warned:?}");
    assert_eq!(warned.len(), 2, "in two properties: {warned:?}");
    let listed = pages(&bed.core, "/v1/mappings?", 1000).await.into_iter().find(|it| it["id"] == json!(id)).unwrap();
    assert_eq!(listed["warnings"], json!(warned), "whoever looks at all of them sees it");
    let broken = bed.core.get(&format!("{path}/entities")).await;
    broken.problem(422, "configuration").names("did you mean").names("an operator");
    assert_eq!(refreshed(",mail,", ",email,").await, warned, "it stays, though the attribute is back");
    let mut other = person(&bed, &id);
    other["title"] = "Another".into();
    bed.operator.put(&path, &other).await.expect(200);
    assert_eq!(refreshed(",email,", ",email,").await, warned, "it stays, though the mapping is another");
    bed.core.order(&format!("{path}/acknowledge")).await.problem(403, "forbidden");
    bed.operator.order(&format!("{path}/acknowledge")).await.expect(204);
    assert_eq!(refreshed(",email,", ",email,").await.len(), 0);
    assert_eq!(refreshed(",email,", ",mail,").await.len(), 2, "it vanished again");
    bed.operator.order(&format!("{path}/acknowledge")).await.expect(204);
    let shown = bed.core.get(&path).await.expect(200).json();
    assert_eq!(shown["flaws"].as_array().map(Vec::len), Some(2), "acknowledged, and wrong all the same: {shown}");
    assert_eq!(refreshed(",mail,", ",mail,").await.len(), 0, "acknowledged, and nothing else happened");
}

/// All accounts of a bed.
fn whole(bed: &Bed, id: &str) -> Json {
    json!({
        "kind": "entity", "id": id, "title": "All", "key": "id",
        "sources": [{"table": format!("{}_account", bed.id)}],
        "properties": {
            "id": {"from": {"column": ":uid", "then": ["upper"]}},
            "department": {"from": {"column": "department"}},
        },
    })
}
