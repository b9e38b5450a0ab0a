//! Updates, against services of the standard and of their own mind.

use super::*;
use crate::Scim;
use crate::options::{Options, Profile, Updates};
use crate::server::tests::{Asked, Service, ok};
use hawser_sdk::http::Placement;
use hawser_sdk::{AttributeChange, FailureKind, ObjectRef, Provision as _, Secret, testing};

fn update(changes: Vec<AttributeChange>) -> Update {
    Update {
        object: ObjectRef::new("account", "1"),
        name: None,
        container: None,
        changes,
        secrets: Vec::new(),
        revision: None,
    }
}

fn ada() -> Json {
    json!({"id": "1", "userName": "ada", "meta": {"version": "v1", "created": "2026-01-01T00:00:00Z"}, "title": "Miss",
        "emails": [{"value": "a@x", "type": "work"}], "groups": [{"value": "9"}]})
}

/// Shows Ada and answers writes as it is told.
fn run(service: Service, options: Options, update: Update, answer: Response) -> (Result<Outcome>, Vec<Asked>) {
    let (_host, requests) = service.enter(move |asked| if asked.method == "GET" { ok(&ada()) } else { answer.clone() });
    (Scim { options }.update(update), requests.writes())
}

fn title(text: &str) -> Vec<AttributeChange> {
    vec![AttributeChange::replace("title", [text])]
}

fn done(outcome: Result<Outcome>) -> Written {
    match outcome.unwrap() {
        Outcome::Done(written) => written,
        Outcome::Pending(handle) => panic!("{handle}"),
    }
}

#[test]
fn another_revision_is_refused_by_us_or_by_the_service() {
    let with = |revision: &str| Update { revision: Some(revision.to_owned()), ..update(title("x")) };
    let (outcome, writes) = run(Service::new(), Options::default(), with("v0"), Response::new(204, ""));
    assert_eq!(outcome.unwrap_err().kind(), FailureKind::PreconditionFailed);
    assert_eq!(writes, [], "nothing is sent");
    let (outcome, writes) = run(Service::new(), Options::default(), with("v1"), Response::new(412, ""));
    assert_eq!(outcome.unwrap_err().kind(), FailureKind::PreconditionFailed);
    assert_eq!(writes[0].if_match.as_deref(), Some("v1"));
}

#[test]
fn a_change_that_was_answered_with_500_is_unknown() {
    let (outcome, writes) = run(Service::new(), Options::default(), update(title("x")), Response::new(500, ""));
    assert_eq!(outcome.unwrap_err().kind(), FailureKind::OutcomeUnknown);
    assert_eq!(writes.len(), 1);
}

#[test]
fn what_is_so_already_is_not_sent() {
    let (outcome, writes) = run(Service::new(), Options::default(), update(title("Miss")), Response::new(500, ""));
    assert_eq!((done(outcome), writes), (Written::new("1", "ada").revision("v1"), Vec::new()));
    let put = Options { updates: Updates::Put, ..Options::default() };
    let (_, writes) = run(Service::new(), put, update(title("Miss")), Response::new(500, ""));
    assert_eq!(writes, []);
}

#[test]
fn one_patch_has_the_password_first_and_only_what_differs() {
    let secrets = vec![Secret { name: "password".to_owned(), password: testing::password("s3cret") }];
    let update = Update { name: Some("augusta".to_owned()), secrets, ..update(title("Countess")) };
    let answer = Response::new(204, "").with_header("ETag", "v2");
    let (outcome, writes) = run(Service::new(), Options::default(), update, answer);
    assert_eq!(done(outcome), Written::new("1", "augusta").revision("v2"));
    let operations = json!([
        {"op": "replace", "path": "password", "value": ""},
        {"op": "replace", "path": "title", "value": "Countess"},
        {"op": "replace", "path": "userName", "value": "augusta"},
    ]);
    assert_eq!(writes[0].method, "PATCH");
    assert_eq!(writes[0].body, json!({"schemas": [PATCH_SCHEMA], "Operations": operations}));
    assert_eq!(writes[0].secrets, [Placement::JsonPointer(PASSWORD_POINTER.to_owned())]);
    assert_eq!(writes[0].if_match, None, "whoever else changes something else is not in the way");
}

#[test]
fn without_patch_the_resource_is_written_as_it_was_read() {
    let unable = Service::new().provider("patch", json!({"supported": false}));
    let answer = ok(&json!({"id": "1", "userName": "ada", "meta": {"version": "v2"}}));
    let (outcome, writes) = run(unable, Options::default(), update(title("Countess")), answer);
    assert_eq!(done(outcome), Written::new("1", "ada").revision("v2"));
    assert_eq!((writes[0].method.as_str(), writes[0].if_match.as_deref()), ("PUT", Some("v1")));
    let expected = json!({"id": "1", "userName": "ada", "title": "Countess",
        "emails": [{"value": "a@x", "type": "work"}], "schemas": [crate::documents::USER]});
    assert_eq!(writes[0].body, expected, "what only the service writes is left out");
}

#[test]
fn what_was_not_stored_is_a_part_that_failed() {
    let options = Options { profile: Profile::ReadBack, ..Options::default() };
    let (outcome, _) = run(Service::new(), options, update(title("Countess")), ok(&json!({"title": "Countess"})));
    let expected = Written::new("1", "ada").failed("title", not_stored("it is not so when it is read back"));
    assert_eq!(done(outcome), expected);
}

#[test]
fn what_cannot_be_changed_is_refused_before_anything_is_sent() {
    let container = Update { container: Some("x".to_owned()), ..update(title("x")) };
    let nosuch = update(vec![AttributeChange::replace("nosuch", ["x"])]);
    for update in [container, nosuch] {
        let (outcome, writes) = run(Service::new(), Options::default(), update, Response::new(204, ""));
        outcome.unwrap_err();
        assert_eq!(writes, []);
    }
}
