//! Reading: items become rows, one by one or found in a list.

use crate::support::{Web, list, names, rest, row, uids, user};
use hawser_sdk::http::Response;
use hawser_sdk::{Cell, Effect, Error, FailureKind, Reference, Source, Value};

const USERS: &str = "
classes:
  user:
    kind: account
    uid: /id
    name: /login
    revision: {json: /version}
    attributes:
      mail: {pointer: /contact/mail}
      roles: {pointer: /roles, multi-valued: true}
      boss: {pointer: /boss, type: reference, refers-to: user}
      enabled: {pointer: /locked, type: boolean, when-true: false, when-false: true}
    list: {request: GET /users}
";

const ADA: &str =
    r#"{"id": 7, "login": "ada", "version": 3, "contact": {"mail": "a@x"}, "roles": [], "boss": 8, "locked": false}"#;

#[test]
fn an_item_is_a_row_of_what_was_asked_for() {
    let (_host, _log) = Web::new(USERS).answers(|_| Response::new(200, format!("[{ADA}]")));
    let (rows, aside) = list("user", &["boss", "mail", "roles", "enabled"]).unwrap();
    assert!(aside.is_empty());
    assert_eq!((rows[0].uid.as_str(), rows[0].name.as_str(), rows[0].revision.as_deref()), ("7", "ada", Some("3")));
    let boss = Cell::Reference(Reference::uid("user", "8"));
    assert_eq!(rows[0].cells, [boss, Cell::from("a@x"), Cell::Many(vec![]), Cell::Boolean(true)]);
}

#[test]
fn an_item_that_is_no_object_is_set_aside_and_the_others_stay() {
    let items = r#"[{"login": "nobody"}, {"id": 8, "login": "bob", "locked": "maybe"}, {"id": 9, "login": "eve"}]"#;
    let (_host, _log) = Web::new(USERS).answers(move |_| Response::new(200, items));
    let (rows, aside) = list("user", &["enabled"]).unwrap();
    assert_eq!((rows.len(), rows[0].cells.as_slice()), (1, [Cell::Absent].as_slice()));
    assert!(aside[0].starts_with("nobody: ") && aside[1].starts_with("8: /locked is \"maybe\""), "{aside:?}");
}

#[test]
fn an_attribute_or_a_class_that_is_not_there_is_refused_before_anything_is_sent() {
    let (_host, log) = Web::new(USERS).answers(|_| Response::new(200, "[]"));
    assert_eq!(list("user", &["nope"]).unwrap_err().attributes(), ["nope"]);
    assert_eq!(list("nope", &[]).unwrap_err().kind(), FailureKind::SchemaViolation);
    assert!(log.lines().is_empty());
}

#[test]
fn an_object_is_found_in_the_list_where_there_is_no_other_way() {
    let (_host, _log) = Web::new(USERS).answers(|_| Response::new(200, format!("[{ADA}]")));
    let found = rest().get(&user("7"), &names(&["mail"])).unwrap();
    assert_eq!(row(found).cells, [Cell::from("a@x")]);
    assert_eq!(rest().get(&user("1"), &[]).unwrap_err().kind(), FailureKind::UnknownUid);
}

#[test]
fn an_object_is_asked_for_by_its_uid_which_stays_in_its_segment() {
    let mapping =
        USERS.replace("{json: /version}", "etag") + "    get: {request: 'GET /users/{{ uid }}', item: /user}\n";
    let (_host, log) = Web::new(&mapping).answers(|sent| {
        if sent.line.ends_with("/1") {
            return Response::new(404, "");
        }
        Response::new(200, format!("{{\"user\": {ADA}}}")).with_header("ETag", "\"v9\"")
    });
    let found = row(rest().get(&user("../a?b"), &names(&["roles"])).unwrap());
    assert_eq!(log.last().line, "GET /api/users/..%2Fa%3Fb");
    assert_eq!(found.revision.as_deref(), Some("\"v9\""));
    let error = rest().get(&user("1"), &[]).unwrap_err();
    assert_eq!((error.kind(), error.target_code()), (FailureKind::UnknownUid, Some("http:404")));
    assert_eq!(rest().get(&user(".."), &[]).unwrap_err().kind(), FailureKind::InvalidAttributeValue);
}

#[test]
fn a_uid_may_be_put_together() {
    let mapping =
        "classes: {user: {kind: account, uid: '{{ item.realm }}/{{ item.id }}', list: {request: GET /users}}}";
    let (_host, _log) = Web::new(mapping).answers(|_| Response::new(200, r#"[{"realm": "r", "id": 1}]"#));
    assert_eq!(uids("user").unwrap(), ["r/1"]);
}

#[test]
fn values_of_a_list_are_read_whatever_they_are_and_a_value_never_becomes_another() {
    let (_host, _log) =
        Web::new(USERS).answers(|_| Response::new(200, r#"[{"id": 1, "login": "a", "roles": "only", "contact": 1}]"#));
    let (rows, _) = list("user", &["roles", "mail"]).unwrap();
    assert_eq!(rows[0].cells, [Cell::Many(vec![Value::from("only")]), Cell::Absent]);
}

#[test]
fn a_list_may_be_asked_for_with_a_post_and_stays_a_reading() {
    let mapping = USERS.replace("{request: GET /users}", "{request: POST /search, body: {json: {kind: user}}}");
    let (_host, log) = Web::new(&mapping).answers(|_| Response::new(200, format!("[{ADA}]")));
    assert_eq!(uids("user").unwrap(), ["7"]);
    assert_eq!((log.last().line.as_str(), log.last().body["kind"].as_str()), ("POST /api/search", Some("user")));
    let (_host, _log) = Web::new(&mapping).answers(|_| Response::new(500, ""));
    assert_eq!(uids("user").unwrap_err().kind(), FailureKind::Retryable);
    let (_host, _log) = Web::new(&mapping).tries(|_| Err(Error::outcome_unknown("lost").with_effect(Effect::Unknown)));
    let error = uids("user").unwrap_err();
    assert_eq!((error.kind(), error.effect()), (FailureKind::ConnectionBroken, Effect::None));
}
