//! Writing: one request for each change, nothing overwritten that nobody meant, and failures that say what was done.

use crate::support::{Sent, Web, rest, user};
use hawser_sdk::http::{Placement, Response};
use hawser_sdk::{
    Attribute, AttributeChange, Draft, Effect, FailureKind, Key, Outcome, Provision, Reference, Secret, Update, Value,
    Written, testing,
};
use serde_json::json;

const USERS: &str = "
classes:
  user:
    kind: account
    uid: /id
    name: /login
    revision: {json: /version}
    attributes:
      mail: {pointer: /mail}
      roles: {pointer: /roles, multi-valued: true}
      enabled: {pointer: /enabled, type: boolean, creatable: false}
      since: {pointer: /since, updateable: false}
    get: {request: 'GET /users/{{ uid }}'}
    delete: {request: 'DELETE /users/{{ uid }}'}
";

/// The class with more in it.
fn with(more: &str) -> String {
    let lines: String = more.lines().map(|line| format!("    {line}\n")).collect();
    format!("{USERS}{lines}")
}

fn draft(attributes: Vec<Attribute>) -> Draft {
    let (class, name) = ("user".to_owned(), "ada".to_owned());
    Draft { class, auxiliary: Vec::new(), name, container: None, attributes, secrets: Vec::new() }
}

fn update(changes: Vec<AttributeChange>) -> Update {
    Update { object: user("7"), name: None, container: None, changes, secrets: Vec::new(), revision: None }
}

fn secret(name: &str) -> Secret {
    Secret { name: name.to_owned(), password: testing::password("pa55word") }
}

const ADA: &str =
    r#"{"id": "7", "login": "ada", "version": 3, "mail": "a@x", "roles": ["a", "b"], "more": {"kept": true}}"#;

fn create(
    mapping: &str,
    answer: impl FnMut(&Sent) -> Response + 'static,
    draft: Draft,
) -> (hawser_sdk::Result<Outcome>, Vec<Sent>) {
    let (_host, log) = Web::new(mapping).answers(answer);
    (rest().create(draft), log.all())
}

#[test]
fn an_object_is_created_with_what_is_given_and_nothing_else() {
    let mapping = with(
        "create: {request: POST /users, at: /user, body: {json: {user: {realm: r}}}, secrets: {password: {json: /password}}}",
    );
    let mut draft = draft(vec![Attribute::new("mail", ["a@x"]), Attribute::new("roles", ["a"])]);
    draft.secrets.push(secret("password"));
    let (outcome, sent) = create(&mapping, |_| Response::new(201, ADA), draft);
    assert_eq!(outcome.unwrap(), Written::new("7", "ada").revision("3").into());
    assert_eq!(
        sent[0].body,
        json!({"user": {"realm": "r", "login": "ada", "mail": "a@x", "roles": ["a"]}, "password": ""})
    );
    assert_eq!(sent[0].secrets, [("password".to_owned(), Placement::JsonPointer("/password".to_owned()))]);
}

#[test]
fn a_uid_that_the_answer_does_not_have_is_where_it_leads_to() {
    let mapping = with("create: {request: POST /users}");
    let (outcome, _) =
        create(&mapping, |_| Response::new(201, "").with_header("Location", "/api/users/a%20b"), draft(vec![]));
    assert_eq!(outcome.unwrap(), Written::new("a b", "ada").into());
    for answer in [Response::new(201, ""), Response::new(202, "").with_header("Location", "/api/jobs/5")] {
        let (outcome, _) = create(&mapping, move |_| answer.clone(), draft(vec![]));
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.effect()), (FailureKind::PartiallyApplied, Effect::Some));
    }
}

#[test]
fn a_server_error_after_a_creation_is_an_unknown_outcome_and_not_sent_again() {
    let (outcome, sent) = create(&with("create: {request: POST /users}"), |_| Response::new(500, ""), draft(vec![]));
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (FailureKind::OutcomeUnknown, Effect::Unknown));
    assert_eq!(sent.len(), 1);
}

#[test]
fn a_conflict_of_a_creation_is_that_it_is_there_already() {
    let (outcome, _) = create(&with("create: {request: POST /users}"), |_| Response::new(409, ""), draft(vec![]));
    assert_eq!(outcome.unwrap_err().kind(), FailureKind::AlreadyExists);
}

#[test]
fn a_put_creates_only_what_is_not_there() {
    let mapping = with("create: {request: 'PUT /users/{{ name }}'}");
    let (outcome, sent) = create(&mapping, |_| Response::new(200, ADA), draft(vec![]));
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.existing().map(|it| it.uid.as_str())), (FailureKind::AlreadyExists, Some("7")));
    assert_eq!(sent.len(), 1, "nothing was written");
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is_sent() {
    let mapping = with("create: {request: POST /users}\nupdate: {request: 'PATCH /users/{{ uid }}'}");
    let (_host, log) = Web::new(&mapping).scripted(&[]);
    let kind = |outcome: hawser_sdk::Result<Outcome>| outcome.unwrap_err().kind();
    assert_eq!(kind(rest().create(draft(vec![Attribute::new("enabled", [true])]))), FailureKind::SchemaViolation);
    assert_eq!(
        kind(rest().create(draft(vec![Attribute::new("mail", ["a", "b"])]))),
        FailureKind::InvalidAttributeValue
    );
    assert_eq!(kind(rest().create(Draft { container: Some("x".into()), ..draft(vec![]) })), FailureKind::Unsupported);
    assert_eq!(
        kind(rest().create(Draft { secrets: vec![secret("password")], ..draft(vec![]) })),
        FailureKind::Unsupported
    );
    assert_eq!(
        kind(rest().create(Draft { secrets: vec![secret("pin")], ..draft(vec![]) })),
        FailureKind::SchemaViolation
    );
    assert_eq!(
        kind(rest().update(update(vec![AttributeChange::replace("since", ["x"])]))),
        FailureKind::SchemaViolation
    );
    assert_eq!(kind(rest().update(Update { name: Some("eve".into()), ..update(vec![]) })), FailureKind::Unsupported);
    assert!(log.lines().is_empty());
}

#[test]
fn an_update_sends_what_changed_and_null_for_what_is_cleared() {
    let (_host, log) = Web::new(&with("update: {request: 'PATCH /users/{{ uid }}', renames: true}"))
        .answers(|_| Response::new(204, ""));
    let changes = vec![AttributeChange::replace("mail", Vec::<Value>::new()), AttributeChange::replace("roles", ["c"])];
    let outcome = rest().update(Update { name: Some("eve".into()), ..update(changes) }).unwrap();
    assert_eq!(outcome, Written::new("7", "eve").into());
    assert_eq!(log.last().body, json!({"login": "eve", "mail": null, "roles": ["c"]}));
    assert_eq!(log.lines(), ["PATCH /api/users/7"]);
}

#[test]
fn single_values_are_added_to_what_is_there() {
    let (_host, log) =
        Web::new(&with("update: {request: 'PATCH /users/{{ uid }}'}")).answers(|_| Response::new(200, ADA));
    rest().update(update(vec![AttributeChange::edit("roles", ["c", "a"], ["b"])])).unwrap();
    assert_eq!(log.lines(), ["GET /api/users/7", "PATCH /api/users/7"]);
    assert_eq!(log.last().body, json!({"roles": ["a", "c"]}));
}

#[test]
fn a_reference_is_removed_with_and_without_its_class_and_never_by_a_name() {
    let mapping = with("update: {request: 'PATCH /users/{{ uid }}'}").replace(
        "      mail:",
        "      friends: {pointer: /friends, multi-valued: true, type: reference, refers-to: user}\n      mail:",
    );
    let (_host, log) = Web::new(&mapping).answers(|_| Response::new(200, r#"{"id": "7", "friends": ["8", "9"]}"#));
    let reference = |class: Option<&str>, key| Value::Reference(Reference { class: class.map(str::to_owned), key });
    let edit = |add: Vec<Value>, remove: Vec<Value>| {
        rest().update(update(vec![AttributeChange::edit("friends", add, remove)]))
    };
    let uid = |uid: &str| Key::Uid(uid.to_owned());
    edit(vec![reference(None, uid("9"))], vec![reference(None, uid("8"))]).unwrap();
    assert_eq!(log.last().body, json!({"friends": ["9"]}));
    edit(vec![], vec![reference(Some("user"), uid("9"))]).unwrap();
    assert_eq!(log.last().body, json!({"friends": ["8"]}));
    let error = edit(vec![], vec![reference(None, Key::Name("bob".to_owned()))]).unwrap_err();
    assert_eq!((error.kind(), error.attributes()), (FailureKind::InvalidAttributeValue, &["friends".to_owned()][..]));
}

#[test]
fn a_whole_object_is_sent_as_it_was_read_with_the_change_made() {
    let (_host, log) =
        Web::new(&with("update: {request: 'PUT /users/{{ uid }}', send: whole}")).answers(|_| Response::new(200, ADA));
    rest().update(update(vec![AttributeChange::replace("mail", ["new@x"])])).unwrap();
    let expected =
        json!({"id": "7", "login": "ada", "version": 3, "mail": "new@x", "roles": ["a", "b"], "more": {"kept": true}});
    assert_eq!(log.last().body, expected);
}

#[test]
fn a_put_never_makes_what_is_not_there() {
    let (_host, log) = Web::new(&with("update: {request: 'PUT /users/{{ uid }}'}")).answers(|_| Response::new(404, ""));
    let error = rest().update(update(vec![AttributeChange::replace("mail", ["x"])])).unwrap_err();
    assert_eq!(error.kind(), FailureKind::UnknownUid);
    assert_eq!(log.lines(), ["GET /api/users/7"]);
}

#[test]
fn a_change_is_held_to_its_revision() {
    let conditional = "update: {request: 'PATCH /users/{{ uid }}', headers: {If-Match: '{{ revision }}'}}";
    let changes = || vec![AttributeChange::replace("mail", ["x"])];
    let held = |mapping: &str, revision: &str| {
        let (_host, log) = Web::new(mapping).answers(|_| Response::new(200, ADA));
        let outcome = rest().update(Update { revision: Some(revision.into()), ..update(changes()) });
        (outcome.map_err(|error| error.kind()), log.all())
    };
    let (outcome, sent) = held(&with("update: {request: 'PATCH /users/{{ uid }}'}"), "2");
    assert_eq!((outcome.unwrap_err(), sent.len()), (FailureKind::PreconditionFailed, 1));
    held(&with("update: {request: 'PATCH /users/{{ uid }}'}"), "3").0.unwrap();
    let (outcome, sent) = held(&with(conditional), "2");
    outcome.unwrap();
    assert_eq!((sent.len(), sent[0].header("if-match")), (1, Some("2")), "the API holds it");
    let without = with(conditional)
        .replace("revision: {json: /version}", "title: x")
        .replace(", headers: {If-Match: '{{ revision }}'}", "");
    assert_eq!(held(&without, "2").0.unwrap_err(), FailureKind::Unsupported);
}

#[test]
fn a_password_and_a_switch_are_held_to_the_revision_if_they_are_first() {
    let mapping = with(
        "update: {request: 'PATCH /users/{{ uid }}'}
enable: {request: 'POST /users/{{ uid }}/enable'}
disable: {request: 'POST /users/{{ uid }}/disable'}
passwords: {set: {request: 'POST /users/{{ uid }}/password', body: {json: {}}, secrets: {password: {json: /password}}}}",
    );
    let disable = || vec![AttributeChange::replace("enabled", [false])];
    let sent = |revision: &str, changes: Vec<AttributeChange>, secrets: Vec<Secret>| {
        let (_host, log) = Web::new(&mapping).answers(|_| Response::new(200, ADA));
        let outcome = rest().update(Update { revision: Some(revision.into()), secrets, ..update(changes) });
        (outcome.map(drop).map_err(|error| error.kind()), log.lines())
    };
    let (read, password, off) = ("GET /api/users/7", "POST /api/users/7/password", "POST /api/users/7/disable");
    let failed = (Err(FailureKind::PreconditionFailed), vec![read.to_owned()]);
    assert_eq!(sent("2", disable(), vec![]), failed);
    assert_eq!(sent("2", vec![], vec![secret("password")]), failed);
    assert_eq!(sent("3", disable(), vec![]).1, [read, off]);
    assert_eq!(sent("3", disable(), vec![secret("password")]).1, [read, password, off], "what the first made is new");
}

#[test]
fn a_header_without_a_value_is_left_out() {
    let mapping = with(
        "update: {request: 'PATCH /users/{{ uid }}', headers: {If-Match: '{{ revision }}', Content-Type: application/merge-patch+json}}",
    );
    let (_host, log) = Web::new(&mapping).answers(|_| Response::new(200, ""));
    rest().update(update(vec![AttributeChange::replace("mail", ["x"])])).unwrap();
    let names: Vec<_> = log.last().headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(names, ["Content-Type: application/merge-patch+json", "Accept: application/json"]);
}

#[test]
fn enabling_is_a_request_of_its_own_and_a_part_that_fails_is_told() {
    let mapping = with(
        "update: {request: 'PATCH /users/{{ uid }}'}
enable: {request: 'POST /users/{{ uid }}/enable'}
disable: {request: 'POST /users/{{ uid }}/disable'}
passwords: {set: {request: 'POST /users/{{ uid }}/password', body: {json: {}}, secrets: {password: {json: /password}}}}",
    );
    let (_host, log) =
        Web::new(&mapping).answers(|sent| Response::new(if sent.line.ends_with("disable") { 403 } else { 204 }, ""));
    let disable = || AttributeChange::replace("enabled", [false]);
    assert_eq!(rest().update(update(vec![disable()])).unwrap_err().kind(), FailureKind::PermissionDenied);
    let secrets = vec![secret("password")];
    let outcome =
        rest().update(Update { secrets, ..update(vec![AttributeChange::replace("mail", ["x"]), disable()]) }).unwrap();
    let Outcome::Done(written) = &outcome else { panic!("{outcome:?}") };
    assert!(format!("{written:?}").contains("PermissionDenied"), "{written:?}");
    assert_eq!(log.lines()[1..], ["PATCH /api/users/7", "POST /api/users/7/password", "POST /api/users/7/disable"]);
    assert_eq!(log.all()[1].body, json!({"mail": "x"}));
}

#[test]
fn a_deletion_of_what_is_gone_says_so() {
    let (_host, log) =
        Web::new(USERS).answers(|sent| Response::new(if sent.line.ends_with("/7") { 204 } else { 404 }, ""));
    rest().delete(&user("7"), None).unwrap();
    let error = rest().delete(&user("8"), None).unwrap_err();
    assert!(error.kind() == FailureKind::UnknownUid && error.message().contains("`8`"), "{error}");
    assert_eq!(log.lines(), ["DELETE /api/users/7", "DELETE /api/users/8"]);
}

#[test]
fn what_an_api_says_to_a_change_need_not_be_json() {
    let (_host, _log) = Web::new(USERS).answers(|_| Response::new(200, "OK"));
    rest().delete(&user("7"), None).unwrap();
}

#[test]
fn a_form_is_filled_by_templates() {
    let mapping = with(
        "update: {request: 'POST /edit', send: none, body: {form: {id: '{{ uid }}', mail: '{{ changed.mail }}', role: '{{ changed.roles }}'}}}",
    );
    let (_host, log) = Web::new(&mapping).answers(|_| Response::new(200, ""));
    let changes = vec![AttributeChange::replace("mail", ["a&b=c d"]), AttributeChange::replace("roles", ["x", "y"])];
    rest().update(update(changes)).unwrap();
    assert_eq!(log.last().body, json!("id=7&mail=a%26b%3Dc%20d&role=x&role=y"));
    assert_eq!(log.last().header("content-type"), Some("application/x-www-form-urlencoded"));
}
