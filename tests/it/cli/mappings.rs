//! `hawser mapping`: checked, kept, replaced, read and removed; and what is refused on the way.

use hawser_tests::bed::Bed;
use serde_json::{Value as Json, json};

use super::{complained, file, ran, said, told};

/// A bed with its people imported, and the definition of their mapping.
async fn mapped() -> (Bed, String, Json) {
    let bed = Bed::new(3, 0).await;
    bed.import_published().await;
    let id = format!("{}-cli", bed.id);
    let person = json!({
        "kind": "entity", "id": id, "title": "People", "key": "id", "unique": ["mail"],
        "sources": [{"table": format!("{}_account", bed.id)}],
        "properties": {
            "id": {"from": {"column": ":uid", "then": ["upper"]}},
            "mail": {"from": {"column": "email", "then": ["lower"]}},
        },
    });
    (bed, id, person)
}

fn written(definition: &Json) -> (tempfile::TempDir, String) {
    file("mapping.json", &definition.to_string())
}

/// Keeps a mapping.
async fn put(definition: &Json) {
    let (_folder, path) = written(definition);
    said(&["mapping", "put", "--file", &path]).await;
}

#[tokio::test]
async fn a_definition_that_is_wrong_is_told_place_by_place_and_not_kept() {
    let (_bed, id, mut person) = mapped().await;
    person["properties"]["mail"]["from"]["column"] = json!("emial");
    let (_folder, path) = written(&person);
    let check = ran(&["mapping", "check", "--file", &path]).await;
    assert_eq!(check.status.code(), Some(2), "{}", told(&check));
    assert!(told(&check).contains("did you mean email?") && told(&check).contains("has a flaw"), "{}", told(&check));
    assert!(complained(&["mapping", "put", "--file", &path], 2).await.contains("did you mean email?"));
    assert!(complained(&["mapping", "show", &id], 4).await.contains(&id));
    person.as_object_mut().unwrap().remove("id");
    let (_folder, path) = written(&person);
    assert!(complained(&["mapping", "put", "--file", &path], 2).await.contains("no `id`"));
    complained(&["mapping", "put", "--file", "/nowhere.json"], 1).await;
}

#[tokio::test]
async fn a_mapping_is_added_replaced_if_nobody_else_did_and_listed() {
    let (_bed, id, mut person) = mapped().await;
    let (_folder, path) = written(&person);
    assert_eq!(said(&["mapping", "check", "--file", &path]).await, "nothing is wrong\n");
    put(&person).await;
    assert!(said(&["mapping", "list", "--limit", "1000"]).await.contains(&id));
    let shown = said(&["mapping", "show", &id]).await;
    let etag = shown.lines().find_map(|line| line.strip_prefix("etag")).unwrap().trim().to_owned();
    person["title"] = json!("Staff");
    put(&person).await;
    assert!(said(&["mapping", "show", &id]).await.contains("Staff"));
    let (_folder, path) = written(&person);
    complained(&["mapping", "put", "--file", &path, "--if-match", &etag], 8).await;
}

#[tokio::test]
async fn entities_pairs_and_owners_are_read_and_since_a_position_only_what_changed() {
    let (bed, id, person) = mapped().await;
    put(&person).await;
    let (pairs, whose) = (format!("{id}-own"), format!("{id}-whose"));
    put(&json!({
        "kind": "association", "id": pairs, "title": "Themselves", "table": format!("{}_account", bed.id),
        "left": {"from": {"column": ":uid", "then": ["upper"]}, "entity": id},
        "right": {"from": {"column": "email"}, "entity": id, "by": "mail"},
    }))
    .await;
    put(&json!({
        "kind": "correlation", "id": whose, "title": "Whose", "accounts": id,
        "rules": [{"account": {"column": "mail"}, "identity": id, "property": "mail"}],
    }))
    .await;
    let read = async |verb: &str, of: &str| -> Vec<Json> {
        let lines = said(&["mapping", verb, of]).await;
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let entities = read("entities", &id).await;
    assert_eq!((entities.len(), &entities[0]["key"]), (4, &json!("U1")), "{entities:?}");
    let position = entities[3]["end"]["position"].as_str().unwrap();
    assert_eq!(said(&["mapping", "entities", &id, "--since", position]).await.lines().count(), 1);
    assert_eq!(read("associations", &pairs).await[0]["left"], "U1");
    assert_eq!(read("owners", &whose).await[0]["owner"]["key"], "U1");
    complained(&["mapping", "owners", &id], 2).await;
    complained(&["mapping", "entities", "nothing-of-the-kind"], 4).await;
    complained(&["mapping", "entities", &id, "--since", "no position"], 2).await;
    assert!(complained(&["mapping", "remove", &id], 8).await.contains(&pairs));
    for mapping in [&pairs, &whose, &id] {
        said(&["mapping", "remove", mapping]).await;
    }
    complained(&["mapping", "show", &id], 4).await;
}

#[tokio::test]
async fn what_a_mapping_names_and_is_gone_is_warned_of_until_it_is_acknowledged() {
    let (bed, id, person) = mapped().await;
    put(&person).await;
    bed.people.replace("accounts.csv", ",email,", ",mail,");
    said(&["connection", "schema", &bed.id, "--refresh"]).await;
    assert!(said(&["mapping", "show", &id]).await.contains("warnings"));
    said(&["mapping", "acknowledge", &id]).await;
    assert!(!said(&["mapping", "show", &id]).await.contains("warnings"));
    complained(&["mapping", "acknowledge", "nothing-of-the-kind"], 4).await;
}
