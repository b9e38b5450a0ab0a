//! Passwords: handles that go where the options say, and refusals that tell nobody too much.

use crate::support::{Web, rest, user};
use hawser_sdk::http::{Placement, Response};
use hawser_sdk::{Effect, Error, FailureKind, Passwords, testing};
use serde_json::json;

const USERS: &str = "
auth: {secret: bearer}
classes:
  user:
    kind: account
    uid: /id
    get: {request: 'GET /users/{{ uid }}'}
    passwords:
      set:
        request: PATCH /users/{{ uid }}
        body: {json: {change_soon: '{{ must_change }}'}}
        secrets: {password: {json: /password}}
      change:
        request: POST /users/{{ uid }}/password
        body: {json: {}}
        secrets: {password: {json: /password}, old-password: {json: /old}}
      check:
        request: POST /login
        body: {form: {login: '{{ name }}'}}
        password: {form: pass}
        uid: /user/id
        capture: [{json: /token}]
      refused: [401, 422]
";

fn web() -> Web {
    Web::new(USERS).option("old-password-pointer", "/old").option("check-field", "pass")
}

#[test]
fn a_password_is_set_where_the_option_says() {
    let (_host, log) = web().answers(|_| Response::new(204, ""));
    rest().set_password(&user("7"), &testing::password("n3w"), true).unwrap();
    let sent = log.last();
    assert_eq!((sent.line.as_str(), sent.body), ("PATCH /api/users/7", json!({"change_soon": true, "password": ""})));
    let placed = ("password".to_owned(), Placement::JsonPointer("/password".to_owned()));
    assert!(sent.secrets.contains(&placed) && sent.secrets.len() == 2, "with who it comes from: {:?}", sent.secrets);
}

#[test]
fn a_change_at_the_next_log_in_that_the_mapping_cannot_say_is_refused() {
    let mapping = USERS.replace("{change_soon: '{{ must_change }}'}", "{}");
    let web = Web::new(&mapping).option("old-password-pointer", "/old").option("check-field", "pass");
    let (_host, log) = web.answers(|_| Response::new(204, ""));
    let refused = rest().set_password(&user("7"), &testing::password("n3w"), true);
    assert_eq!(refused.unwrap_err().kind(), FailureKind::Unsupported);
    assert!(log.lines().is_empty());
    rest().set_password(&user("7"), &testing::password("n3w"), false).unwrap();
}

#[test]
fn a_wrong_old_password_is_tried_once() {
    let (_host, log) = web().answers(|_| Response::new(422, ""));
    let changed = rest().change_password(&user("7"), &testing::password("0ld"), &testing::password("n3w"));
    assert_eq!(changed.unwrap_err().kind(), FailureKind::InvalidCredential);
    assert_eq!(log.lines(), ["POST /api/users/7/password"]);
    assert_eq!(log.last().body, json!({"old": "", "password": ""}));
    assert_eq!(log.last().secrets.len(), 3);
}

#[test]
fn a_refused_service_is_no_wrong_password_unless_the_mapping_says_so() {
    let kind = |mapping: &str| {
        let web = Web::new(mapping).option("old-password-pointer", "/old").option("check-field", "pass");
        let (_host, _log) = web.answers(|_| Response::new(401, ""));
        let changed = rest().change_password(&user("7"), &testing::password("0ld"), &testing::password("n3w"));
        let checked = rest().authenticate("user", "ada", &testing::password("x"));
        assert_eq!(checked.unwrap_err().kind(), FailureKind::InvalidCredential, "only the password was sent");
        changed.unwrap_err().kind()
    };
    assert_eq!(kind(USERS), FailureKind::InvalidCredential);
    let unsaid = USERS.replace("      refused: [401, 422]\n", "");
    assert_eq!(kind(&unsaid), FailureKind::ConnectionFailed);
    assert_eq!(kind(&unsaid.replace("auth: {secret: bearer}", "auth: none")), FailureKind::InvalidCredential);
}

#[test]
fn a_log_in_is_sent_as_nobody_and_its_token_seen_by_nobody() {
    let (_host, log) = web().answers(|_| Response::new(200, r#"{"user": {"id": 7}, "token": "t0k3n"}"#));
    assert_eq!(rest().authenticate("user", "a=b", &testing::password("pa55")).unwrap(), "7");
    assert_eq!(log.last().secrets, [("password".to_owned(), Placement::FormField("pass".to_owned()))]);
    assert_eq!(log.last().body, json!("login=a%3Db"));
}

#[test]
fn a_check_that_gets_no_answer_changed_nothing_and_a_change_that_gets_none_is_open() {
    let (_host, _log) = web().tries(|_| Err(Error::outcome_unknown("lost").with_effect(Effect::Unknown)));
    let password = || testing::password("pa55");
    let checked = rest().authenticate("user", "ada", &password()).unwrap_err();
    assert_eq!((checked.kind(), checked.effect()), (FailureKind::ConnectionBroken, Effect::None));
    let changed = rest().change_password(&user("7"), &password(), &password()).unwrap_err();
    assert_eq!((changed.kind(), changed.effect()), (FailureKind::OutcomeUnknown, Effect::Unknown));
}

#[test]
fn a_wrong_password_and_a_wrong_name_look_the_same() {
    for status in [401, 422] {
        let (_host, log) = web().answers(move |_| Response::new(status, ""));
        let error = rest().authenticate("user", "ada", &testing::password("wrong")).unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (FailureKind::InvalidCredential, "the name or the password is wrong")
        );
        assert_eq!(log.lines().len(), 1);
    }
    let (_host, _log) = web().answers(|_| Response::new(200, "{}"));
    assert_eq!(
        rest().authenticate("user", "ada", &testing::password("x")).unwrap_err().kind(),
        FailureKind::ConnectionBroken
    );
}
