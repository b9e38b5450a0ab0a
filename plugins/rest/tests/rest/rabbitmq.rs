//! The mapping that ships for RabbitMQ, against answers of RabbitMQ 3.10.

use crate::support::{Log, Web, list, rest, user};
use hawser_sdk::http::Placement;
use hawser_sdk::testing::Entered;
use hawser_sdk::{
    Assignment, Attribute, AttributeChange, Cell, Draft, EdgeRequest, Entitlements, FailureKind, GrantOutcome, Item,
    ObjectRef, Passwords, Provision, Schema, Secret, Source, Update, Value, testing,
};
use serde_json::json;

const MAPPING: &str = include_str!("../../examples/rabbitmq.yaml");
const ADA: &str = r#"{"name":"ada","password_hash":"kI3GCqW5","hashing_algorithm":"rabbit_password_hashing_sha256","tags":["management","x"],"limits":{}}"#;
const NOT_FOUND: &str = r#"{"error":"Object Not Found","reason":"Not Found"}"#;

fn rabbitmq(script: &[(&str, u16, &str)]) -> (Entered, Log) {
    Web::new(MAPPING).scripted(script)
}

fn permission(configure: &str) -> Assignment {
    let parameters = [("configure", configure), ("write", ".*"), ("read", ".*")];
    let parameters = parameters.into_iter().map(|(name, value)| Attribute::new(name, [value])).collect();
    Assignment { parameters, ..Assignment::direct(ObjectRef::new("vhost", "/")) }
}

#[test]
fn a_permission_takes_a_virtual_host_and_three_patterns() {
    let (_host, _log) = rabbitmq(&[]);
    let schema = rest().schema().unwrap();
    let vhost = schema.iter().find(|class| class.name == "vhost").unwrap();
    let names: Vec<_> = vhost.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    assert_eq!(
        (names.as_slice(), vhost.grantable_to.as_slice()),
        (["configure", "read", "write"].as_slice(), ["user".to_owned()].as_slice())
    );
}

#[test]
fn a_permission_is_granted_once_and_replaced_when_it_differs() {
    let standing = r#"{"user":"ada","vhost":"/","configure":"^$","write":".*","read":".*"}"#;
    let path = "/api/permissions/%2F/ada";
    let (get, put) = (format!("GET {path}"), format!("PUT {path}"));
    let (_host, log) = rabbitmq(&[(&get, 200, standing), (&put, 204, "")]);
    assert_eq!(rest().grant(&user("ada"), &permission("^$")).unwrap().outcome, GrantOutcome::AlreadyGranted);
    assert_eq!(rest().grant(&user("ada"), &permission("x")).unwrap().outcome, GrantOutcome::Replaced);
    assert_eq!(log.last().body, json!({"configure": "x", "read": ".*", "write": ".*"}));
    assert_eq!(log.last().secrets, [("secret".to_owned(), Placement::Basic { user: "svc".to_owned() })]);
}

#[test]
fn a_permission_of_nobody_is_an_unknown_uid() {
    let no = r#"{"error":"bad_request","reason":"vhost_or_user_not_found"}"#;
    let (_host, _log) =
        rabbitmq(&[("GET /api/permissions/%2F/nobody", 404, NOT_FOUND), ("PUT /api/permissions/%2F/nobody", 400, no)]);
    let error = rest().grant(&user("nobody"), &permission("x")).unwrap_err();
    assert_eq!(error.kind(), FailureKind::UnknownUid);
    assert!(error.message().contains("vhost_or_user_not_found"), "{error}");
}

#[test]
fn tags_change_and_the_hash_of_the_password_goes_back_unseen() {
    let (_host, log) = rabbitmq(&[("GET /api/users/ada", 200, ADA), ("PUT /api/users/ada", 204, "")]);
    let changes = vec![AttributeChange::edit("tags", ["monitoring"], ["x"])];
    let update = Update { object: user("ada"), name: None, container: None, changes, secrets: vec![], revision: None };
    rest().update(update).unwrap();
    let sent = log.last();
    let hash = ("password".to_owned(), Placement::JsonPointer("/password_hash".to_owned()));
    assert!(sent.secrets.contains(&hash), "{:?}", sent.secrets);
    let algorithm = "rabbit_password_hashing_sha256";
    assert_eq!(
        sent.body,
        json!({"hashing_algorithm": algorithm, "tags": ["management", "monitoring"], "password_hash": ""})
    );
}

#[test]
fn a_hash_that_cannot_go_back_is_not_cleared() {
    let odd = ADA.replace("\"kI3GCqW5\"", "17");
    let (_host, log) = rabbitmq(&[("GET /api/users/ada", 200, &odd), ("PUT /api/users/ada", 204, "")]);
    let changes = vec![AttributeChange::replace("tags", ["x"])];
    let update = Update { object: user("ada"), name: None, container: None, changes, secrets: vec![], revision: None };
    let error = rest().update(update).unwrap_err();
    assert!(error.kind() == FailureKind::Unsupported && error.message().contains("`password-hash`"), "{error}");
    assert_eq!(log.lines(), ["GET /api/users/ada"]);
    rest().set_password(&user("ada"), &testing::password("n3w"), false).unwrap();
}

#[test]
fn a_new_password_leaves_the_tags_as_they_are() {
    let (_host, log) = rabbitmq(&[("GET /api/users/ada", 200, ADA), ("PUT /api/users/ada", 204, "")]);
    rest().set_password(&user("ada"), &testing::password("n3w"), false).unwrap();
    assert_eq!(log.last().body, json!({"tags": ["management", "x"], "password": ""}));
}

#[test]
fn nobody_who_is_there_is_created_again_and_nobody_who_is_not_is_made_by_a_change() {
    let (_host, log) = rabbitmq(&[
        ("GET /api/users/ada", 200, ADA),
        ("GET /api/users/eve", 404, NOT_FOUND),
        ("PUT /api/users/eve", 201, ""),
    ]);
    let draft = |name: &str| Draft {
        class: "user".into(),
        auxiliary: vec![],
        name: name.into(),
        container: None,
        attributes: vec![Attribute::new("tags", ["monitoring"])],
        secrets: vec![Secret { name: "password".into(), password: testing::password("n3w") }],
    };
    assert_eq!(rest().create(draft("ada")).unwrap_err().kind(), FailureKind::AlreadyExists);
    rest().create(draft("eve")).unwrap();
    assert_eq!(log.last().body, json!({"name": "eve", "tags": ["monitoring"], "password": ""}));
    assert_eq!(
        rest().set_password(&user("eve"), &testing::password("x"), false).unwrap_err().kind(),
        FailureKind::UnknownUid
    );
}

#[test]
fn users_are_imported_without_hashes_and_permissions_as_links_with_their_patterns() {
    let permissions = r#"[{"user":"admin","vhost":"/","configure":".*","write":".*","read":".*"}]"#;
    let (_host, _log) = rabbitmq(&[
        ("GET /api/users?columns=name%2Ctags", 200, r#"[{"name":"admin","tags":["administrator"]}]"#),
        ("GET /api/permissions", 200, permissions),
    ]);
    assert_eq!(list("user", &["tags"]).unwrap().0[0].cells, [Cell::Many(vec![Value::from("administrator")])]);
    let request = EdgeRequest { class: "vhost".into(), attribute: "users".into(), owner: None };
    let edges = testing::collect(rest().edges(request, None).unwrap()).unwrap();
    assert!(matches!(edges.as_slice(), [Item::Found(edge)] if edge.parameters.len() == 3), "{edges:?}");
}

#[test]
fn a_password_is_checked_as_the_user() {
    let (_host, log) = rabbitmq(&[("GET /api/whoami", 401, r#"{"error":"not_authorized","reason":"Login failed"}"#)]);
    let error = rest().authenticate("user", "ada", &testing::password("wrong")).unwrap_err();
    assert_eq!(error.kind(), FailureKind::InvalidCredential);
    assert_eq!(log.last().secrets, [("password".to_owned(), Placement::Basic { user: "ada".to_owned() })]);
}
