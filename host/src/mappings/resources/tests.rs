//! Values on their way from the core to a target: their types, and the syntax they get.

use serde_json::json;

use super::*;

/// A resource type of plain attributes.
fn resource(then: &Json, names: &[&str]) -> ResourceMapping {
    let attributes: Map<String, Json> =
        names.iter().map(|name| ((*name).to_owned(), json!({"from": {"column": name, "then": then}}))).collect();
    let json = json!({
        "id": "ad-account", "title": "Accounts", "connection": "ad", "class": "user", "name": {"column": "login"},
        "attributes": attributes,
    });
    serde_json::from_value(json).unwrap()
}

fn attribute(syntax: &str) -> Json {
    json!({
        "name": syntax, "nativeName": syntax, "title": "", "syntax": syntax, "matching": "exact", "required": false,
        "multiValued": true, "creatable": true, "updateable": true, "readable": true, "returnedByDefault": true,
        "confidential": false, "large": false, "refersTo": [], "allowed": [],
    })
}

/// What an attribute becomes where the property of its name is this.
fn made(resources: &Resources, name: &str, value: &Json) -> Result<Vec<Value>> {
    let told = json!({name: value});
    let made = resources.make(Purpose::Update, told.as_object().unwrap())?;
    Ok(made.attributes[&name.parse().unwrap()].clone())
}

#[test]
fn values_of_a_list_stay_what_they_are_and_null_is_none_of_them() {
    let resources = Resources::compile(&resource(&json!([]), &["mail"]), &Known::default()).unwrap();
    let mail = |value: Json| made(&resources, "mail", &value);
    let mixed = vec![Value::Integer(1), Value::Boolean(true), Value::Text("a".to_owned())];
    assert_eq!(mail(json!([1, true, "a", null])), Ok(mixed));
    assert_eq!(mail(json!([{"binary": "AA=="}])), Ok(vec![Value::Binary(vec![0])]));
    assert_eq!(mail(json!([null])), Ok(Vec::new()));
    for number in [json!(u64::MAX), json!([u64::MAX]), json!(1e300)] {
        let error = mail(number).unwrap_err();
        assert!(error.message.contains("64 bits"), "{error}");
    }
}

#[test]
fn values_have_the_syntax_of_their_attribute() {
    let syntaxes = ["integer", "date", "binary", "reference", "text"];
    let schema: Schema = serde_json::from_value(json!([{
        "name": "user", "title": "", "kind": "account", "auxiliary": false, "uidMatching": "exact",
        "nameMatching": "exact", "grantableTo": [], "parameters": [], "attributes": syntaxes.map(attribute),
    }]))
    .unwrap();
    let known = Known { schema: Some(&schema), ..Known::default() };
    // Once as they are told, and once through a step, which makes texts of a list.
    for then in [json!([]), json!(["trim"])] {
        let resources = Resources::compile(&resource(&then, &syntaxes), &known).unwrap();
        let reference = crate::model::Reference { class: None, key: crate::model::Key::Uid("u1".to_owned()) };
        for (name, told, expected) in [
            ("integer", json!([7, "8"]), vec![Value::Integer(7), Value::Integer(8)]),
            ("date", json!(["1970-01-02"]), vec![Value::Date(1)]),
            ("binary", json!([{"binary": "AA=="}]), vec![Value::Binary(vec![0])]),
            ("reference", json!([{"uid": "u1"}]), vec![Value::Reference(reference)]),
            ("text", json!([7, null]), vec![Value::Text("7".to_owned())]),
        ] {
            assert_eq!(made(&resources, name, &told), Ok(expected), "{name} {then}");
        }
        let error = made(&resources, "integer", &json!(["geheim"])).unwrap_err();
        assert!(error.attributes == ["integer"] && !error.message.contains("geheim"), "{error}");
        let error = made(&resources, "reference", &json!([{"geheim": ["geheim"]}])).unwrap_err();
        assert!(error.attributes == ["reference"] && !error.message.contains("geheim"), "{error}");
    }
}
