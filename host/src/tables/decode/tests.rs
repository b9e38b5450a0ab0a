//! Bodies and their cells: every kind of value, and the kinds of nothing.

use super::*;
use crate::model::schema::tests::{people, plain};
use crate::model::{AttributeInfo, ClassInfo, Schema, Syntax};
use crate::tables::view::{Source, View, views};

fn view(attributes: Vec<AttributeInfo>) -> View {
    let class = ClassInfo { attributes, ..people() };
    views(&"hr".parse().unwrap(), &[], &Schema(vec![class])).remove(0)
}

/// The cells of the attributes, and of `:unread`.
fn cells<'a>(view: &'a View, body: &'a str, named: &'a Named) -> (Vec<TableCell<'a>>, TableCell<'a>) {
    let Source::Objects { classes, .. } = &view.source else { panic!("a table of objects") };
    let mut cells = vec![TableCell::Null; view.columns.len()];
    super::body(body, &classes[0].slots, named, &view.columns, &mut cells).unwrap();
    (cells[UNREAD + 1..].to_vec(), cells[UNREAD].clone())
}

fn many(name: &str, syntax: Syntax) -> AttributeInfo {
    AttributeInfo { multi_valued: true, ..plain(name, syntax) }
}

fn text(text: &str) -> TableCell<'_> {
    TableCell::Text(Cow::Borrowed(text))
}

fn json(text: &str) -> TableCell<'_> {
    TableCell::Json(Cow::Borrowed(text))
}

#[test]
fn every_kind_of_value_has_its_cell() {
    let view = view(vec![
        plain("text", Syntax::Text),
        plain("quoted", Syntax::Text),
        plain("integer", Syntax::Integer),
        plain("real", Syntax::Real),
        plain("boolean", Syntax::Boolean),
        plain("instant", Syntax::Instant),
        plain("date", Syntax::Date),
        plain("binary", Syntax::Binary),
        plain("complex", Syntax::Complex),
        many("texts", Syntax::Text),
        many("binaries", Syntax::Binary),
    ]);
    let body = r#"{"attributes":{"text":["a ü"],"quoted":["a\"\n\\"],"integer":[-9223372036854775808],"real":[0.5],
        "boolean":[true],"instant":["1970-01-01T00:00:01Z"],"date":["1969-12-31"],"binary":[{"binary":"AAE="}],
        "complex":[{"a":1}],"texts":["x","\"y"],"binaries":[{"binary":"AA=="},{"binary":""}]}}"#;
    let expected = [
        text("a ü"),
        text("a\"\n\\"),
        TableCell::Integer(i64::MIN),
        TableCell::Real(0.5),
        TableCell::Boolean(true),
        TableCell::Instant(1_000_000),
        TableCell::Date(-1),
        TableCell::Binary(Cow::Borrowed(b"\0\x01")),
        json(r#"{"a":1}"#),
        json(r#"["x","\"y"]"#),
        json(r#"["AA==",""]"#),
    ];
    assert_eq!(cells(&view, body, &Named::default()), (expected.to_vec(), TableCell::Null));
}

#[test]
fn what_was_not_read_or_not_all_of_it_is_no_null() {
    let view = view(vec![plain("a", Syntax::Text), many("b", Syntax::Text), plain("c", Syntax::Text)]);
    let body = r#"{"attributes":{"b":["x"]},"unread":["a"],"partial":["b"]}"#;
    let expected = vec![TableCell::Unread, TableCell::Unread, TableCell::Null];
    assert_eq!(cells(&view, body, &Named::default()), (expected, json(r#"["a","b"]"#)));
}

#[test]
fn absent_and_empty_are_both_no_value() {
    let view = view(vec![plain("a", Syntax::Text), many("b", Syntax::Text)]);
    let body = r#"{"attributes":{"a":[],"b":[]}}"#;
    assert_eq!(cells(&view, body, &Named::default()), (vec![TableCell::Null; 2], TableCell::Null));
}

#[test]
fn what_does_not_fit_its_column_any_more_was_not_read() {
    let view = view(vec![plain("a", Syntax::Integer), plain("b", Syntax::Text), plain("c", Syntax::Date)]);
    let body = r#"{"attributes":{"a":["x"],"b":["x","y"],"c":["2026-02-30"],"gone":[1]}}"#;
    assert_eq!(cells(&view, body, &Named::default()), (vec![TableCell::Unread; 3], json(r#"["a","b","c"]"#)));
}

#[test]
fn a_reference_is_a_uid_where_one_object_of_a_fitting_class_has_the_name() {
    let points = |name: &str, refers_to: &[&str]| AttributeInfo {
        refers_to: refers_to.iter().map(|it| (*it).to_owned()).collect(),
        ..plain(name, Syntax::Reference)
    };
    let view = view(vec![points("uid", &["account"]), points("name", &["account"]), points("any", &[])]);
    let body = r#"{"attributes":{"uid":[{"uid":"u1"}],"name":[{"name":"cn=a"}],"any":[{"name":"cn=a"}]}}"#;
    let objects = |objects: &[(&str, &str, bool)]| {
        objects.iter().map(|(class, uid, only)| ((*class).to_owned(), (*uid).to_owned(), *only)).collect::<Vec<_>>()
    };
    let named = Named::from([("cn=a".to_owned(), objects(&[("account", "u2", true), ("group", "g2", true)]))]);
    let expected = vec![text("u1"), text("u2"), text("cn=a"), TableCell::Null];
    assert_eq!(cells(&view, body, &named).0, expected, "a name that two objects have stays a name");
    let named = Named::from([("cn=a".to_owned(), objects(&[("group", "g2", true)]))]);
    assert_eq!(cells(&view, body, &named).0, vec![text("u1"), text("cn=a"), text("g2"), text("group")]);
    let named = Named::from([("cn=a".to_owned(), objects(&[("account", "u2", false)]))]);
    assert_eq!(cells(&view, body, &named).0, vec![text("u1"), text("cn=a"), text("cn=a"), TableCell::Null]);
}

#[test]
fn references_are_a_list_of_uids() {
    let view = view(vec![many("members", Syntax::Reference)]);
    let body = r#"{"attributes":{"members":[{"class":"account","uid":"u1"},{"name":"cn=b"}]}}"#;
    let expected = vec![json(r#"["u1","cn=b"]"#), json(r#"["account",null]"#)];
    assert_eq!(cells(&view, body, &Named::default()).0, expected);
}
