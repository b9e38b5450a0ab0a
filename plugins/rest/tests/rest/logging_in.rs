//! Who requests come from: secrets are placed by the host, tokens captured by it, and both only as options say.

use crate::support::{Sent, Web, rest, uids, user};
use hawser_sdk::http::{Placement, Response};
use hawser_sdk::{Effect, Error, FailureKind, Source};
use serde_json::json;
use std::cell::Cell;

const CLASSES: &str =
    "classes: {user: {kind: account, uid: /id, list: {request: GET /users}, get: {request: 'GET /users/{{ uid }}'}}}";

const LOGIN: &str = "
auth:
  login:
    request: POST /login
    body: {json: {user: '{{ user }}', realm: '{{ var.realm }}'}}
    secret: {json: /pass}
    token: {header: X-Token}
    as: {header: {name: X-Auth, prefix: 'T '}}
";

fn logging_in() -> Web {
    let web = Web::new(&format!("{LOGIN}{CLASSES}")).variables(&["realm=people"]);
    web.option("login-path", "/api/login").option("secret-pointer", "/pass")
}

/// Takes the first so many log-ins' tokens for expired.
fn expiring(expired: u32) -> impl FnMut(&Sent) -> Response {
    let logins = Cell::new(0);
    move |sent| match sent.line.as_str() {
        "POST /api/login" => {
            logins.set(logins.get() + 1);
            Response::new(201, "").with_header("X-Token", "t0k3n")
        }
        _ if logins.get() <= expired => Response::new(401, ""),
        _ => Response::new(200, "[]"),
    }
}

#[test]
fn a_secret_goes_where_the_mapping_and_the_option_say() {
    let header = Placement::Header { name: "X-Key".to_owned(), prefix: String::new() };
    for (auth, option, expected) in [
        ("bearer", None, Placement::Bearer),
        ("{basic: '{{ user }}'}", None, Placement::Basic { user: "svc".to_owned() }),
        ("{header: {name: X-Key}}", Some(("secret-header", "X-Key")), header),
        ("{query: key}", Some(("secret-query", "key")), Placement::Query("key".to_owned())),
    ] {
        let web = Web::new(&format!("auth: {{secret: {auth}}}\n{CLASSES}"));
        let web = option.into_iter().fold(web, |web, (name, value)| web.option(name, value));
        let (_host, log) = web.answers(|_| Response::new(200, "[]"));
        uids("user").unwrap();
        assert_eq!(log.last().secrets, [("secret".to_owned(), expected)]);
    }
}

#[test]
fn a_secret_that_no_option_permits_is_sent_nowhere() {
    let (_host, log) = Web::new(&format!("auth: {{secret: {{header: {{name: X-Key}}}}}}\n{CLASSES}")).scripted(&[]);
    let error = uids("user").unwrap_err();
    assert!(error.message().contains("`secret-header`"), "{error}");
    assert!(log.lines().is_empty());
}

#[test]
fn a_token_is_fetched_once_and_placed_by_its_handle() {
    let (_host, log) = logging_in().answers(expiring(0));
    uids("user").unwrap();
    uids("user").unwrap();
    assert_eq!(log.lines(), ["POST /api/login", "GET /api/users", "GET /api/users"]);
    let login = &log.all()[0];
    assert_eq!(login.body, json!({"user": "svc", "realm": "people", "pass": ""}), "there is a place for the secret");
    assert_eq!(login.secrets, [("secret".to_owned(), Placement::JsonPointer("/pass".to_owned()))]);
    let token = Placement::Header { name: "X-Auth".to_owned(), prefix: "T ".to_owned() };
    assert_eq!(log.last().secrets, [("session".to_owned(), token)]);
}

#[test]
fn a_token_that_is_refused_is_fetched_anew_once() {
    let (_host, log) = logging_in().answers(expiring(1));
    uids("user").unwrap_err();
    uids("user").unwrap();
    let login = "POST /api/login";
    let users = "GET /api/users";
    assert_eq!(log.lines(), [login, users, users, login, users], "a new token that is refused is not worth another");
}

#[test]
fn a_log_in_that_is_refused_or_gives_no_token_is_a_failed_connection() {
    for (status, header) in [(401, "X-Token"), (403, "X-Token"), (400, "X-Token"), (201, "X-Other")] {
        let (_host, log) = logging_in().answers(move |_| Response::new(status, "").with_header(header, "t0k3n"));
        let error = uids("user").unwrap_err();
        assert_eq!(error.kind(), FailureKind::ConnectionFailed, "{status} {header}");
        assert!(error.message().starts_with("logging in"), "{error}");
        assert_eq!(log.lines(), ["POST /api/login"]);
    }
}

#[test]
fn a_log_in_that_gets_no_answer_changed_nothing() {
    let (_host, _log) = logging_in().tries(|_| Err(Error::outcome_unknown("lost").with_effect(Effect::Unknown)));
    let error = uids("user").unwrap_err();
    assert_eq!((error.kind(), error.effect()), (FailureKind::ConnectionBroken, Effect::None));
}

#[test]
fn another_user_has_another_token() {
    let (_host, _) = logging_in().answers(expiring(0));
    uids("user").unwrap();
    let (_host, log) = logging_in().option("user", "other").answers(expiring(0));
    uids("user").unwrap();
    assert_eq!(log.lines()[0], "POST /api/login");
}

#[test]
fn a_token_of_oauth_is_fetched_by_the_host() {
    let oauth = format!("auth: {{oauth: {{client-id: '{{{{ user }}}}', parameters: {{scope: all}}}}}}\n{CLASSES}");
    let web = Web::new(&oauth).secured("client-secret", "cl13nt");
    let (_host, _log) = web.scripted(&[]);
    assert!(uids("user").unwrap_err().message().contains("`token-path`"));
    let web = Web::new(&oauth).secured("client-secret", "cl13nt").option("token-path", "/token");
    let (_host, log) = web.answers(|_| Response::new(200, "[]"));
    uids("user").unwrap();
    assert_eq!(log.last().secrets, [("client".to_owned(), Placement::Bearer)]);
}

#[test]
fn a_rejected_service_account_is_a_failed_connection_and_a_forbidden_one_is_told_so() {
    for (status, kind) in [(401, FailureKind::ConnectionFailed), (403, FailureKind::PermissionDenied)] {
        let (_host, _log) =
            Web::new(&format!("auth: {{secret: bearer}}\n{CLASSES}")).answers(move |_| Response::new(status, ""));
        assert_eq!(rest().get(&user("1"), &[]).unwrap_err().kind(), kind);
    }
}
