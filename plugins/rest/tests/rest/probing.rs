//! Probing tells an operator what to do, and does not fail itself.

use crate::support::{Web, refused, rest};
use hawser_sdk::http::Response;
use hawser_sdk::{Aspect, FailureKind, Probe, Value};

const MAPPING: &str = "
auth: {secret: {header: {name: X-Key}}}
check: {request: GET /me}
classes:
  user: {kind: account, uid: /id, list: {request: GET /users}}
  team: {kind: other, uid: /slug, list: {request: GET /teams}, delete: {request: 'DELETE /teams/{{ uid }}'}}
";

fn told(aspect: Aspect) -> Vec<(String, bool)> {
    rest().check(aspect).unwrap().into_iter().map(|finding| (finding.text, finding.failure.is_none())).collect()
}

#[test]
fn a_mapping_that_is_wrong_is_told_when_the_connection_is_opened() {
    let (_host, _log) = Web::new("classes: {}").scripted(&[]);
    assert_eq!(refused().kind(), FailureKind::Configuration);
}

#[test]
fn a_variable_that_no_option_gives_is_told_when_the_connection_is_opened() {
    let list = |query: &str| MAPPING.replace("GET /users}", &format!("GET /users, query: {{tenant: \"{query}\"}}}}"));
    for query in ["{{ var.tenant }}", "{{ var['tenant'] }}", "t-{{ var.tenant }}"] {
        let (_host, _log) = Web::new(&list(query)).variables(&["other=1"]).scripted(&[]);
        let error = refused();
        assert!(error.kind() == FailureKind::Configuration && error.message().contains("like tenant="), "{error}");
        let (_host, _log) = Web::new(&list(query)).variables(&["tenant=t"]).scripted(&[]);
        rest();
    }
}

#[test]
fn an_option_that_is_missing_is_a_finding_and_a_suggestion() {
    let (_host, _log) = Web::new(MAPPING).scripted(&[]);
    assert!(matches!(told(Aspect::Connect).as_slice(), [(text, false)] if text.contains("`secret-header`")));
    let choices = rest().suggest("secret-header").unwrap();
    assert_eq!(choices.into_iter().map(|choice| choice.value).collect::<Vec<_>>(), [Value::from("X-Key")]);
    assert!(rest().suggest("password-pointer").unwrap().is_empty());
}

#[test]
fn a_class_that_cannot_be_read_is_named_beside_those_that_can() {
    let (_host, log) = Web::new(MAPPING).option("secret-header", "X-Key").scripted(&[
        ("GET /api/me", 200, "{}"),
        ("GET /api/users", 200, r#"[{"id": 1}, {"id": 2}]"#),
        ("GET /api/teams", 200, r#"[{"name": 1}]"#),
    ]);
    assert!(matches!(told(Aspect::Connect).as_slice(), [(text, true)] if text.contains("GET /api/me: 200")));
    let complete = told(Aspect::Complete);
    assert!(
        matches!(complete.as_slice(), [(team, false), (user, true)] if team.contains("no uid") && user.contains("2 objects")),
        "{complete:?}"
    );
    assert_eq!(told(Aspect::Provision), [("team: delete".to_owned(), true), ("user: is only read".to_owned(), true)]);
    assert_eq!(log.lines().len(), 3);
}

#[test]
fn a_service_that_refuses_is_a_finding() {
    let (_host, _log) = Web::new(MAPPING).option("secret-header", "X-Key").answers(|_| Response::new(401, ""));
    assert!(
        matches!(told(Aspect::Connect).as_slice(), [(text, false)] if text.contains("does not take the credentials"))
    );
}
