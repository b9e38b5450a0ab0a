//! The API's document: what is served is what is written down, and it is whole.

use expect_test::expect_file;
use hawser_tests::house::House;
use serde_json::Value as Json;

#[test]
fn the_document_is_the_golden_one() {
    let document = serde_json::to_value(hawser::api::openapi()).unwrap();
    let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
    expect_file!["../golden/openapi.json"].assert_eq(&text);
}

#[tokio::test]
async fn the_served_document_is_the_same() {
    let served = House::shared().await.stranger().get("/openapi.json").await.expect(200).json();
    assert_eq!(served, serde_json::to_value(hawser::api::openapi()).unwrap());
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"), "{}", served["openapi"]);
}

#[test]
fn every_reference_in_the_document_points_somewhere() {
    let document = serde_json::to_value(hawser::api::openapi()).unwrap();
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(references.len() > 50, "{references:?}");
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("references stay in the document");
        assert!(document.pointer(pointer).is_some(), "{reference} points nowhere");
    }
}

fn collect(json: &Json, into: &mut Vec<String>) {
    match json {
        Json::Object(object) => {
            into.extend(object.get("$ref").and_then(Json::as_str).map(str::to_owned));
            object.values().for_each(|value| collect(value, into));
        }
        Json::Array(items) => items.iter().for_each(|item| collect(item, into)),
        _ => {}
    }
}

#[test]
fn every_operation_says_what_it_is_and_what_a_refusal_looks_like() {
    let document = serde_json::to_value(hawser::api::openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let told = |key: &str| operation[key].as_str().is_some_and(|text| !text.is_empty());
            assert!(told("summary") && told("operationId"), "{method} {path}: {operation}");
            if path.starts_with("/v1") {
                let responses = operation["responses"].as_object().unwrap();
                let refusals = responses.keys().any(|status| status.starts_with('4') || status == "default");
                assert!(refusals, "{method} {path} names no refusal");
                assert!(operation["security"].is_array() || document["security"].is_array(), "{method} {path}");
            }
        }
    }
}
