//! Granting: one request each, outcomes that are true, and assignments page by page.

use crate::support::{Web, rest, user};
use hawser_sdk::http::Response;
use hawser_sdk::{
    Assignment, Attribute, Edge, EdgeRequest, Entitlements, FailureKind, GrantOutcome, Item, Key, ObjectRef,
    RevokeOutcome, Source, testing,
};
use serde_json::json;

const GROUPS: &str = "
classes:
  user: {kind: account, uid: /id, list: {request: GET /users}}
  group:
    kind: entitlement
    uid: /id
    list: {request: GET /groups}
    entitlement:
      to: [user]
      parameters:
        level: {pointer: /level, type: integer, required: true}
        note: {pointer: /note}
      grant: {request: 'PUT /groups/{{ entitlement.uid }}/{{ principal.uid }}', already: [304]}
      revoke: {request: 'DELETE /groups/{{ entitlement.uid }}/{{ principal.uid }}', already: [404]}
      list:
        request: GET /users/{{ principal.uid }}/groups
        entitlement: /group
        paging: {offset: {parameter: from}}
      holders:
        attribute: members
        request: GET /groups/{{ entitlement.uid }}/members
        principal: /user
";
const READ: &str = "      read: {request: 'GET /groups/{{ entitlement.uid }}/{{ principal.uid }}'}\n";

fn assignment(level: i64) -> Assignment {
    Assignment {
        parameters: vec![Attribute::new("level", [level])],
        ..Assignment::direct(ObjectRef::new("group", "g/1"))
    }
}

#[test]
fn a_grant_takes_its_parameters_as_they_are_declared() {
    let (_host, log) = Web::new(GROUPS).answers(|_| Response::new(204, ""));
    let granted = rest().grant(&user("7"), &assignment(3)).unwrap();
    assert_eq!(granted.outcome, GrantOutcome::Granted);
    assert_eq!((log.last().line.as_str(), log.last().body), ("PUT /api/groups/g%2F1/7", json!({"level": 3})));
    let refused = |parameters: Vec<Attribute>| {
        let error = rest().grant(&user("7"), &Assignment { parameters, ..assignment(3) }).unwrap_err();
        (error.kind(), error.attributes().to_vec())
    };
    assert_eq!(refused(vec![]), (FailureKind::InvalidAttributeValue, vec!["level".to_owned()]));
    assert_eq!(
        refused(vec![Attribute::new("level", ["x"])]),
        (FailureKind::InvalidAttributeValue, vec!["level".to_owned()])
    );
    assert_eq!(refused(vec![Attribute::new("scope", ["x"])]), (FailureKind::SchemaViolation, vec!["scope".to_owned()]));
    assert_eq!(log.lines().len(), 1, "nothing that was refused was sent");
}

#[test]
fn what_cannot_be_granted_is_refused() {
    let (_host, log) = Web::new(GROUPS).scripted(&[]);
    let kind = |principal: &ObjectRef, what: Assignment| rest().grant(principal, &what).unwrap_err().kind();
    assert_eq!(kind(&ObjectRef::new("group", "g"), assignment(1)), FailureKind::SchemaViolation);
    assert_eq!(kind(&user("7"), Assignment::direct(user("8"))), FailureKind::Unsupported);
    assert_eq!(kind(&user("7"), Assignment { not_after: Some(1), ..assignment(1) }), FailureKind::Unsupported);
    assert!(log.lines().is_empty());
}

#[test]
fn statuses_can_say_that_it_was_so_already() {
    let (_host, _log) =
        Web::new(GROUPS).answers(|sent| Response::new(if sent.line.starts_with("PUT") { 304 } else { 404 }, ""));
    assert_eq!(rest().grant(&user("7"), &assignment(1)).unwrap().outcome, GrantOutcome::AlreadyGranted);
    assert_eq!(rest().revoke(&user("7"), &assignment(1)).unwrap(), RevokeOutcome::AlreadyRevoked);
}

#[test]
fn a_deletion_has_no_body_unless_the_mapping_says_so() {
    let (_host, log) = Web::new(GROUPS).answers(|_| Response::new(204, ""));
    assert_eq!(rest().revoke(&user("7"), &assignment(1)).unwrap(), RevokeOutcome::Revoked);
    assert_eq!((log.last().line.as_str(), log.last().body), ("DELETE /api/groups/g%2F1/7", json!(null)));
}

#[test]
fn a_revocation_takes_only_the_parameters_that_its_requests_say() {
    let bare = || Assignment { parameters: vec![], ..assignment(1) };
    let (_host, log) = Web::new(GROUPS).answers(|_| Response::new(204, ""));
    assert_eq!(rest().revoke(&user("7"), &bare()).unwrap(), RevokeOutcome::Revoked);
    assert_eq!(log.lines().len(), 1);
    let revoke = "'DELETE /groups/{{ entitlement.uid }}/{{ principal.uid }}'";
    for said in ["'DELETE /{{ parameters.level }}/{{ principal.uid }}'", "'POST /ungrant/{{ principal.uid }}'"] {
        let (_host, log) = Web::new(&GROUPS.replace(revoke, said)).scripted(&[]);
        let error = rest().revoke(&user("7"), &bare()).unwrap_err();
        assert_eq!((error.kind(), error.attributes()), (FailureKind::InvalidAttributeValue, &["level".to_owned()][..]));
        assert!(log.lines().is_empty(), "{said}");
    }
}

#[test]
fn a_revocation_takes_every_parameter_that_its_address_names() {
    let revoke = "revoke: {request: 'DELETE /groups/{{ entitlement.uid }}/{{ principal.uid }}'";
    for name in ["parameters.note", "parameters['note']"] {
        let mapping = GROUPS.replace(revoke, &format!("{revoke}, query: {{note: \"{{{{ {name} }}}}\"}}"));
        let (_host, log) = Web::new(&mapping).answers(|_| Response::new(204, ""));
        let error = rest().revoke(&user("7"), &assignment(1)).unwrap_err();
        assert_eq!((error.kind(), error.attributes()), (FailureKind::InvalidAttributeValue, &["note".to_owned()][..]));
        assert!(log.lines().is_empty(), "{name}");
        let noted = vec![Attribute::new("level", [1]), Attribute::new("note", ["n"])];
        rest().revoke(&user("7"), &Assignment { parameters: noted, ..assignment(1) }).unwrap();
        assert_eq!(log.lines(), ["DELETE /api/groups/g%2F1/7?note=n"]);
    }
}

#[test]
fn what_can_be_read_is_read_and_only_a_difference_is_written() {
    let web = |status: u16, body: &'static str| {
        let answer = move |sent: &crate::support::Sent| {
            if sent.line.starts_with("GET") { Response::new(status, body) } else { Response::new(204, "") }
        };
        Web::new(&GROUPS.replace("      holders:", &format!("{READ}      holders:"))).answers(answer)
    };
    for (status, body, outcome, requests) in [
        (200, r#"{"level": 3}"#, GrantOutcome::AlreadyGranted, 1),
        (200, r#"{"level": 2}"#, GrantOutcome::Replaced, 2),
        (404, "", GrantOutcome::Granted, 2),
    ] {
        let (_host, log) = web(status, body);
        assert_eq!(rest().grant(&user("7"), &assignment(3)).unwrap().outcome, outcome);
        assert_eq!(log.lines().len(), requests);
    }
    let (_host, log) = web(404, "");
    assert_eq!(rest().revoke(&user("7"), &assignment(3)).unwrap(), RevokeOutcome::AlreadyRevoked);
    assert_eq!(log.lines().len(), 1);
    let (_host, log) = web(500, "");
    assert_eq!(rest().revoke(&user("7"), &assignment(3)).unwrap_err().kind(), FailureKind::Retryable);
    assert_eq!(log.lines().len(), 1, "what is not known is not taken away");
}

#[test]
fn what_somebody_was_granted_is_listed_page_by_page_and_ends() {
    let (_host, _log) = Web::new(GROUPS).answers(|sent| {
        let from: usize = sent.line.split("from=").nth(1).unwrap().parse().unwrap();
        let items: Vec<_> = (from..5.min(from + 2)).map(|id| json!({"group": id, "level": 1})).collect();
        Response::new(200, json!(items).to_string())
    });
    for max in [1, 2, 3, 100] {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = rest().list_granted(&user("7"), after.as_deref(), max).unwrap();
            assert!(page.assignments.len() <= max as usize);
            found.extend(page.assignments.into_iter().map(|it| it.entitlement.uid));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, ["0", "1", "2", "3", "4"], "{max} at a time");
    }
}

#[test]
fn what_cannot_be_listed_is_not_nothing() {
    let role = "  role:
    kind: entitlement
    uid: /id
    list: {request: GET /roles}
    entitlement: {to: [user], grant: {request: PUT /r}, revoke: {request: DELETE /r}}
";
    let (_host, log) = Web::new(&format!("{GROUPS}{role}")).scripted(&[]);
    let error = rest().list_granted(&user("7"), None, 10).unwrap_err();
    assert!(error.kind() == FailureKind::Unsupported && error.message().contains("the class role"), "{error}");
    let nobody = rest().list_granted(&ObjectRef::new("robot", "7"), None, 10).unwrap_err();
    assert_eq!(nobody.kind(), FailureKind::SchemaViolation);
    assert!(log.lines().is_empty());
}

#[test]
fn an_api_that_does_not_page_what_was_granted_is_found_out() {
    let (_host, _log) = Web::new(GROUPS).answers(|_| Response::new(200, r#"[{"group": 1, "level": 1}]"#));
    let first = rest().list_granted(&user("7"), None, 10).unwrap();
    assert_eq!(rest().list_granted(&user("7"), first.next.as_deref(), 10).unwrap_err().kind(), FailureKind::Retryable);
}

#[test]
fn holders_are_asked_for_each_entitlement_and_what_is_no_assignment_is_left_out() {
    let (_host, _log) = Web::new(GROUPS).scripted(&[
        ("GET /api/groups", 200, r#"[{"id": "a"}, {"id": "b"}]"#),
        ("GET /api/groups/a/members", 200, r#"[{"user": 1, "level": 2, "note": "n"}, {"level": 1}, {"user": 2}]"#),
        ("GET /api/groups/b/members", 200, r#"[{"user": 1, "level": "high"}]"#),
    ]);
    let edges = |owner: Option<&str>| {
        let owner = owner.map(|uid| ObjectRef::new("group", uid));
        let request = EdgeRequest { class: "group".into(), attribute: "members".into(), owner };
        testing::collect(rest().edges(request, None).unwrap()).unwrap()
    };
    let all = edges(None);
    let [Item::Found(edge), Item::Rejected(rejected)] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(shown(edge), "a members 1");
    assert_eq!(edge.parameters, [Attribute::new("level", [2]), Attribute::new("note", ["n"])]);
    assert_eq!(rejected.key(), "b of 1");
    assert_eq!(edges(Some("a")).len(), 1);
}

fn shown(edge: &Edge) -> String {
    let (Key::Uid(owner), Key::Uid(target)) = (&edge.owner.key, &edge.target.key) else { panic!("{edge:?}") };
    format!("{owner} {} {target}", edge.attribute)
}
