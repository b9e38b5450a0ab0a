//! Resources as the standard has them, as services have them, and as nobody should.

use super::*;
use crate::builder::tests::{DEPARTMENT, standard};
use crate::layout::tests::{layout, targets};
use crate::options::MemberValue;
use hawser_sdk::{Key, Part, Reference, Scalar, Value};
use proptest::prelude::*;

const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager:value";

fn user(attributes: &[&str], json: &str) -> Result<Row, Rejected> {
    read(&layout(&standard()[0], attributes, 2), json.as_bytes()).unwrap()
}

fn cells(attributes: &[&str], rest: &str) -> Vec<Cell> {
    user(attributes, &format!(r#"{{"id": "1", "userName": "ada", {rest}}}"#)).unwrap().cells
}

fn group(members: &str) -> Cell {
    let json = format!(r#"{{"displayName": "g", "members": {members}, "id": "9"}}"#);
    read(&layout(&standard()[1], &["members"], 2), json.as_bytes()).unwrap().unwrap().cells.remove(0)
}

fn account(uid: &str) -> Value {
    Value::Reference(Reference::uid("account", uid))
}

#[test]
fn what_cannot_be_a_row_is_set_aside_with_the_reason() {
    for (json, key, why) in [
        (r#"{"userName": "ada"}"#, "ada", "`id`"),
        (r#"{"id": ""}"#, "", "`id`"),
        (r#"{"id": "1"}"#, "1", "name"),
        (r#"{"id": "1", "userName": {}}"#, "1", "`userName`"),
        (r#"{"id": "1", "userName": "ada", "title": ["a", "b"]}"#, "1", "`title`"),
        (r#"{"id": "1", "userName": "ada", "title": {"a": 1}}"#, "1", "`title`"),
        (r#"{"id": "1", "userName": "ada", "name": "Ada"}"#, "1", "`name`"),
        (r#"{"id": "1", "userName": "ada", "groups": [{"display": "g"}]}"#, "1", "`groups`"),
        ("7", "a resource", "`the resource`"),
        ("[]", "a resource", "`the resource`"),
    ] {
        let rejected = user(&["title", "name:givenName", "groups"], json).unwrap_err();
        assert_eq!(rejected.key(), key, "{json}");
        assert!(rejected.reason().message().contains(why), "{json}: {}", rejected.reason());
    }
}

#[test]
fn an_answer_that_is_cut_off_is_no_resource() {
    let layout = layout(&standard()[0], &["title"], 2);
    for cut in ["", "{", r#"{"id": "1", "userName": "ada", "title": "a"#, "<html>"] {
        assert_eq!(read(&layout, cut.as_bytes()).unwrap_err().kind(), hawser_sdk::FailureKind::ConnectionBroken);
    }
}

#[test]
fn absent_unread_partial_and_a_list_stay_apart() {
    let row = cells(&["password", "title", "emails", "nickName"], r#""title": null, "emails": [], "password": "x""#);
    assert_eq!(row, [Cell::Unread, Cell::Absent, Cell::Absent, Cell::Absent]);
    let member = |id: u8| format!(r#"{{"value": "{id}", "type": "User"}}"#);
    assert_eq!(group("[]"), Cell::Absent);
    assert_eq!(group(&format!("[{}, {}]", member(1), member(2))), Cell::Many(vec![account("1"), account("2")]));
    let three = format!("[{}, {}, {}]", member(1), member(2), member(3));
    assert_eq!(group(&three), Cell::Partial(vec![account("1"), account("2")]));
}

#[test]
fn a_resource_becomes_flat() {
    let attributes = ["name:givenName", DEPARTMENT, MANAGER, "enabled", "meta:lastModified", "userName", "emails"];
    let json = r#"{"schemas": [], "ID": "1", "meta": {"version": "W/\"7\"", "lastModified": "1970-01-01T00:00:01Z"},
        "userName": "ad\u0061", "name": {"familyName": "L", "givenName": "Ada"}, "active": "False",
        "emails": [{"value": "a@x", "primary": true, "colour": 7, "type": null}, "b@x"],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":
            {"department": "Maths", "manager": {"value": "2", "$ref": "../Users/2"}}}"#;
    let row = user(&attributes, json).unwrap();
    assert_eq!((row.uid.as_str(), row.name.as_str(), row.revision.as_deref()), ("1", "ada", Some("W/\"7\"")));
    let part = |name: &str, value: Scalar| Part { name: name.to_owned(), value };
    let expected = [
        "Ada".into(),
        "Maths".into(),
        Cell::Reference(Reference::uid("account", "2")),
        Cell::Boolean(false),
        Cell::Instant(1_000_000),
        "ada".into(),
        Cell::Many(vec![
            Value::Complex(vec![part("value", Scalar::Text("a@x".to_owned())), part("primary", Scalar::Boolean(true))]),
            Value::Complex(vec![part("value", Scalar::Text("b@x".to_owned()))]),
        ]),
    ];
    assert_eq!(row.cells, expected);
}

#[test]
fn members_are_told_by_type_by_url_or_not_at_all() {
    let of = |member: &str| group(&format!("[{member}]"));
    let reference = |class: Option<&str>| {
        let class = class.map(str::to_owned);
        Cell::Many(vec![Value::Reference(Reference { class, key: Key::Uid("1".to_owned()) })])
    };
    assert_eq!(of(r#"{"value": "1", "type": "Group"}"#), reference(Some("group")));
    assert_eq!(of(r#"{"$ref": "https://x/v2/Users/1", "value": "1"}"#), reference(Some("account")));
    assert_eq!(of(r#"{"value": "1", "display": "who"}"#), reference(None));
    assert_eq!(of(r#""1""#), reference(None));
}

#[test]
fn members_may_be_shown_by_their_names() {
    let layout = Layout::of(&standard()[1], &["members".to_owned()], targets(MemberValue::Name, 2)).unwrap();
    let json = br#"{"id": "9", "displayName": "g", "members": [{"value": "ada", "$ref": "https://x/Users/ada"}]}"#;
    let cell = read(&layout, json).unwrap().unwrap().cells.remove(0);
    assert_eq!(cell, Cell::Many(vec![Value::Reference(Reference::name("account", "ada"))]));
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        "\\PC{0,4}".prop_map(Into::into),
    ];
    let names = prop::sample::select(vec!["id", "userName", "name", "givenName", "emails", "value", "active", "x"]);
    leaf.prop_recursive(4, 32, 4, move |inner| {
        let map = prop::collection::vec((names.clone().prop_map(str::to_owned), inner.clone()), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Into::into),
            map.prop_map(|entries| serde_json::Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_json_is_a_row_or_set_aside(json in json()) {
        let layout = layout(&standard()[0], &["name:givenName", "emails", "enabled", "groups"], 2);
        let read = read(&layout, json.to_string().as_bytes());
        prop_assert!(read.is_ok(), "a mismatch is no broken answer");
        if let Ok(row) = read.unwrap() {
            prop_assert_eq!(row.cells.len(), 4);
        }
    }
}
