//! The mapping that ships for Keystone, against answers of Keystone 30.

use crate::support::{Log, Sent, Web, rest, uids, user};
use hawser_sdk::http::{Placement, Response};
use hawser_sdk::testing::Entered;
use hawser_sdk::{
    Assignment, Attribute, AttributeChange, Draft, EdgeRequest, Entitlements, FailureKind, GrantOutcome, Item,
    ObjectRef, Passwords, Provision, Reference, RevokeOutcome, Source, Update, Value, Written, testing,
};
use serde_json::json;

const MAPPING: &str = include_str!("../../examples/keystone.yaml");
const PASSWORD: &str = "/auth/identity/password/user/password";
const ADA: &str = r#"{"user": {"email": "a@x", "id": "e315", "name": "ada", "domain_id": "default", "enabled": true, "password_expires_at": null, "options": {}}}"#;
const ASSIGNMENTS: &str = r#"{"role_assignments": [
    {"scope": {"project": {"id": "p1"}}, "user": {"id": "e315"}, "role": {"id": "r1"}},
    {"scope": {"system": {"all": true}}, "user": {"id": "c39b"}, "role": {"id": "r1"}},
    {"scope": {"project": {"id": "p1"}}, "group": {"id": "g1"}, "role": {"id": "r1"}}], "links": {"next": null}}"#;

fn keystone(mut answer: impl FnMut(&Sent) -> (u16, String) + 'static) -> (Entered, Log) {
    let web = Web::new(MAPPING)
        .option("base-path", "/v3")
        .option("login-path", "/v3/auth/tokens")
        .option("secret-pointer", PASSWORD)
        .option("check-pointer", PASSWORD)
        .option("password-pointer", "/user/password")
        .option("old-password-pointer", "/user/original_password")
        .variables(&["domain=default", "project=admin"]);
    web.answers(move |sent| {
        if sent.line == "POST /v3/auth/tokens" && sent.secrets[0].0 == "secret" {
            return Response::new(201, r#"{"token": {}}"#).with_header("X-Subject-Token", "gAAAAAB");
        }
        let (status, body) = answer(sent);
        Response::new(status, body)
    })
}

fn on(project: &str) -> Assignment {
    let project = Value::Reference(Reference::uid("project", project));
    Assignment {
        parameters: vec![Attribute::new("project", [project])],
        ..Assignment::direct(ObjectRef::new("role", "r1"))
    }
}

#[test]
fn it_logs_in_first_and_the_token_goes_in_a_header() {
    let (_host, log) = keystone(|_| (200, r#"{"users": [], "links": {"next": null}}"#.to_owned()));
    uids("user").unwrap();
    let expected = json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": {"name": "svc", "domain": {"id": "default"}, "password": ""}}},
        "scope": {"project": {"name": "admin", "domain": {"id": "default"}}},
    }});
    assert_eq!(log.all()[0].body, expected);
    assert_eq!(log.all()[0].secrets, [("secret".to_owned(), Placement::JsonPointer(PASSWORD.to_owned()))]);
    let token = Placement::Header { name: "X-Auth-Token".to_owned(), prefix: String::new() };
    assert_eq!(
        (log.last().line.as_str(), log.last().secrets),
        ("GET /v3/users?domain_id=default&limit=500", vec![("session".to_owned(), token)])
    );
}

#[test]
fn pages_are_followed_by_their_links() {
    let (_host, log) = keystone(|sent| {
        let next =
            if sent.line.contains("marker") { "null" } else { "\"http://api.test:5000/v3/users?limit=500&marker=a\"" };
        let id = if sent.line.contains("marker") { "b" } else { "a" };
        (200, format!(r#"{{"users": [{{"id": "{id}", "name": "{id}"}}], "links": {{"next": {next}}}}}"#))
    });
    assert_eq!(uids("user").unwrap(), ["a", "b"]);
    assert_eq!(log.last().line, "GET /v3/users?limit=500&marker=a");
}

#[test]
fn a_user_is_created_in_the_domain_and_renamed() {
    let (_host, log) = keystone(|sent| (if sent.line.starts_with("POST") { 201 } else { 200 }, ADA.to_owned()));
    let attributes = vec![Attribute::new("email", ["a@x"])];
    let draft = Draft {
        class: "user".into(),
        auxiliary: vec![],
        name: "ada".into(),
        container: None,
        attributes,
        secrets: vec![],
    };
    assert_eq!(rest().create(draft).unwrap(), Written::new("e315", "ada").into());
    assert_eq!(log.last().body, json!({"user": {"domain_id": "default", "name": "ada", "email": "a@x"}}));
    let changes = vec![AttributeChange::replace("enabled", [false])];
    let update = Update {
        object: user("e315"),
        name: Some("eve".into()),
        container: None,
        changes,
        secrets: vec![],
        revision: None,
    };
    rest().update(update).unwrap();
    assert_eq!(
        (log.last().line.as_str(), log.last().body),
        ("PATCH /v3/users/e315", json!({"user": {"name": "eve", "enabled": false}}))
    );
}

#[test]
fn a_role_is_granted_on_a_project() {
    let (_host, log) = keystone(|sent| (if sent.line.starts_with("HEAD") { 404 } else { 204 }, String::new()));
    assert_eq!(rest().grant(&user("e315"), &on("p1")).unwrap().outcome, GrantOutcome::Granted);
    let path = "/v3/projects/p1/users/e315/roles/r1";
    assert_eq!(log.lines()[1..], [format!("HEAD {path}"), format!("PUT {path}")]);
    assert_eq!(log.last().body, json!(null));
    assert_eq!(rest().revoke(&user("e315"), &on("p1")).unwrap(), RevokeOutcome::AlreadyRevoked);
    let (_host, _log) = keystone(|_| (204, String::new()));
    assert_eq!(rest().grant(&user("e315"), &on("p1")).unwrap().outcome, GrantOutcome::AlreadyGranted);
    assert_eq!(rest().revoke(&user("e315"), &on("p1")).unwrap(), RevokeOutcome::Revoked);
}

#[test]
fn assignments_to_groups_and_of_the_system_are_no_assignments_of_users_on_projects() {
    let (_host, _log) = keystone(|sent| match sent.line.as_str() {
        line if line.starts_with("GET /v3/role_assignments") => (200, ASSIGNMENTS.to_owned()),
        _ => (200, r#"{"groups": []}"#.to_owned()),
    });
    let request = EdgeRequest { class: "role".into(), attribute: "holders".into(), owner: None };
    let edges = testing::collect(rest().edges(request, None).unwrap()).unwrap();
    assert!(matches!(edges.as_slice(), [Item::Found(edge)] if edge.parameters == on("p1").parameters), "{edges:?}");
    let mut page = rest().list_granted(&user("e315"), None, 10).unwrap();
    while page.assignments.is_empty() {
        page = rest().list_granted(&user("e315"), page.next.as_deref(), 10).unwrap();
    }
    assert_eq!(page.assignments[0].parameters, on("p1").parameters);
}

#[test]
fn passwords_are_changed_with_the_old_one_and_checked() {
    let (_host, log) = keystone(|sent| match sent.line.as_str() {
        "POST /v3/auth/tokens" => (201, r#"{"token": {"user": {"id": "e315", "name": "ada"}}}"#.to_owned()),
        _ => (401, r#"{"error":{"code":401,"message":"requires authentication","title":"Unauthorized"}}"#.to_owned()),
    });
    assert_eq!(rest().authenticate("user", "ada", &testing::password("n3w")).unwrap(), "e315");
    assert_eq!(log.last().secrets, [("password".to_owned(), Placement::JsonPointer(PASSWORD.to_owned()))]);
    let error =
        rest().change_password(&user("e315"), &testing::password("bad"), &testing::password("n4w")).unwrap_err();
    assert_eq!(error.kind(), FailureKind::InvalidCredential);
    assert_eq!(log.last().body, json!({"user": {"original_password": "", "password": ""}}));
    assert_eq!(
        log.lines().iter().filter(|line| line.ends_with("/password")).count(),
        1,
        "a wrong password is tried once"
    );
}
