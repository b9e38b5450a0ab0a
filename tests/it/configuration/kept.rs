//! A declaration beside what is not declared: it does not take away what an undeclared mapping needs, and leaves switches
//! that it does not name.

use hawser_tests::bed::items;

use super::mapped::{mapped, read_company};
use super::*;

/// Plans and applies, which both are refused because of that mapping, in the same words.
async fn refused_because_of(house: &House, mapping: &str, declaration: &Json, options: Json) {
    let plan = send(house, "plan", declaration, options.clone()).await.problem(409, "conflict").names(mapping);
    let apply = send(house, "apply", declaration, options).await.problem(409, "conflict");
    assert_eq!(plan.detail(), apply.detail());
}

async fn person_still_reads(house: &House) {
    let told = house.core().get("/v1/mappings/person/entities").await.expect(200).lines();
    assert!(told.last().unwrap()["end"].is_object(), "{told:?}");
}

#[tokio::test]
async fn a_connection_that_an_undeclared_mapping_names_is_not_pruned_until_that_is_gone() {
    let people = People::new(2, 1);
    let house = read_company(&people).await;
    let mut person = mapped(&people, &[])["mappings"]["person"].clone();
    person["id"] = json!("person");
    house.operator().post("/v1/mappings", &person).await.expect(201);
    let mut other = company(&people, &[WRITE]);
    other["connections"]["others"] = other["connections"]["people"].take();
    other["connections"].as_object_mut().unwrap().remove("people");

    let prune = json!({"approve": true, "prune": true});
    refused_because_of(&house, "person", &other, prune.clone()).await;
    house.operator().get("/v1/connections/people").await.expect(200);
    house.operator().get("/v1/connections/others").await.problem(404, "not-found");
    person_still_reads(&house).await;
    house.operator().delete("/v1/mappings/person").await.expect(204);
    let pruned = send(&house, "apply", &other, prune).await.expect(200).json();
    assert_eq!(steps(&pruned), ["create connection others", "delete connection people"]);
}

#[tokio::test]
async fn a_declared_mapping_does_not_lose_what_an_undeclared_one_names() {
    let people = People::new(2, 1);
    let house = read_company(&people).await;
    let mut declaration = mapped(&people, &[WRITE]);
    let mut boss = declaration["mappings"]["boss"].take();
    declaration["mappings"].as_object_mut().unwrap().remove("boss");
    applied(&house, &declaration).await;
    boss["id"] = json!("boss");
    house.operator().post("/v1/mappings", &boss).await.expect(201);

    let mut less = declaration.clone();
    less["mappings"]["person"]["properties"].as_object_mut().unwrap().remove("mail");
    less["mappings"]["person"].as_object_mut().unwrap().remove("unique");
    refused_because_of(&house, "boss", &less, json!({})).await;
    let kept = house.core().get("/v1/mappings/person").await.expect(200).json();
    assert!(kept["definition"]["properties"]["mail"].is_object(), "{kept}");
    house.operator().delete("/v1/mappings/boss").await.expect(204);
    assert_eq!(steps(&applied(&house, &less).await), ["update mapping person"]);
}

#[tokio::test]
async fn a_mapping_that_was_wrong_before_stands_in_nobodys_way() {
    let people = People::new(2, 1);
    let house = read_company(&people).await;
    let mut wrong = json!({"mappings": {"wrong": mapped(&people, &[])["mappings"]["person"]}});
    wrong["mappings"]["wrong"]["sources"][0]["table"] = json!("late_account");
    let mut late = company(&people, &[]);
    late["connections"]["late"] = late["connections"]["people"].clone();
    late["mappings"] = wrong["mappings"].clone();
    applied(&house, &late).await;
    let listed = items(&house.core().get("/v1/mappings").await.expect(200));
    assert_eq!(listed[0]["verified"], false, "nobody read that schema");
    let mut title = company(&people, &[WRITE]);
    title["connections"]["people"]["title"] = json!("Other");
    assert_eq!(steps(&applied(&house, &title).await), ["update connection people"]);
}

#[tokio::test]
async fn naming_one_switch_leaves_the_others_as_somebody_set_them() {
    let (house, people) = (House::start().await, People::new(1, 0));
    let mut declaration = company(&people, &[WRITE]);
    declaration["connections"]["people"]["switches"] = json!({"import": false});
    applied(&house, &declaration).await;
    let patch = house.operator().patch("/v1/connections/people/switches", &json!({"maintenance": true})).await;
    patch.expect(200);
    assert_eq!(applied(&house, &declaration).await["steps"], json!([]), "maintenance is not its business");

    declaration["connections"]["people"]["switches"] = json!({"import": true});
    let plan = applied(&house, &declaration).await;
    let differences = plan["steps"][0]["differences"].as_array().unwrap();
    assert_eq!((differences.len(), &differences[0]["path"]), (1, &json!("/switches/import")), "{plan}");
    let all = json!({"enabled": true, "import": true, "fulfil": true, "maintenance": true});
    let connection = house.operator().get("/v1/connections/people").await.expect(200).json();
    assert_eq!(connection["switches"], all);
    let exported = house.operator().get("/v1/configuration").await.expect(200).json();
    assert_eq!(exported["connections"]["people"]["switches"], all);
    declaration["connections"]["people"]["switches"] = json!({"imports": true});
    send(&house, "plan", &declaration, json!({})).await.refusal().names("imports");
}
