//! Groups that could only be written as a whole.

use super::*;
use crate::Scim;
use crate::options::{Options, Updates};
use crate::server::tests::{Asked, Service, ok};
use hawser_sdk::{
    Assignment, AttributeChange, Entitlements as _, FailureKind, ObjectRef, Provision as _, RevokeOutcome, Update,
};
use serde_json::json;

const SHOWN: [&str; 3] = ["1", "2", "3"];

fn group() -> Json {
    json!({"id": "g", "displayName": "g", "externalId": "e", "meta": {"version": "v1"},
        "members": SHOWN.map(|id| json!({"value": id}))})
}

/// Revokes a member of that group by PUT.
fn revoke(service: Service, group: Json) -> (Result<RevokeOutcome>, Vec<Asked>) {
    let (_host, requests) =
        service.enter(move |asked| if asked.method == "GET" { ok(&group) } else { Response::new(200, "{}") });
    let scim = Scim { options: Options { updates: Updates::Put, ..Options::default() } };
    let what = Assignment::direct(ObjectRef::new("group", "g"));
    (scim.revoke(&ObjectRef::new("account", "2"), &what), requests.writes())
}

fn with(name: &str, value: Json) -> Json {
    let mut group = group();
    group[name] = value;
    group
}

#[test]
fn a_group_that_may_have_more_members_than_it_shows_is_never_written() {
    let no_etag = Service::new().provider("etag", json!({"supported": false}));
    for (service, group) in [
        (no_etag, group()),
        (Service::new(), with("meta", json!({}))),
        (Service::new(), with("nextCursor", json!("c"))),
        (Service::new(), with("totalResults", json!(9))),
        (Service::new(), with("members@nextLink", json!("https://x"))),
    ] {
        let (outcome, writes) = revoke(service, group.clone());
        let error = outcome.unwrap_err();
        assert_eq!(error.kind(), FailureKind::Unsupported, "{group}");
        assert!(error.message().contains("could be"), "{error}");
        assert_eq!(writes, [], "{group}");
    }
    for hidden in [Json::Null, json!("many")] {
        let (outcome, writes) = revoke(Service::new(), with("members", hidden));
        assert_eq!((outcome.unwrap_err().kind(), writes), (FailureKind::Unsupported, Vec::new()));
    }
}

/// A group with so many members, the one to revoke among them.
fn crowd(size: usize) -> Json {
    with("members", (1..=size).map(|id| json!({"value": id.to_string()})).collect())
}

#[test]
fn a_list_as_long_as_lists_are_cut_off_is_not_written() {
    let page_of = |max: u32| Service::new().provider("filter", json!({"supported": false, "maxResults": max}));
    let pages_of = |max: u32| page_of(7).provider("pagination", json!({"maxPageSize": max}));
    for (service, size) in [(page_of(9), 100), (page_of(9), 1_000), (pages_of(17), 17)] {
        let (outcome, writes) = revoke(service, crowd(size));
        assert_eq!((outcome.unwrap_err().kind(), writes), (FailureKind::Unsupported, Vec::new()), "{size}");
    }
    revoke(pages_of(17), crowd(18)).0.unwrap();
}

#[test]
fn a_list_of_any_length_is_written_where_as_many_users_are_in_the_group() {
    for (total, is_written) in [(100, true), (120, false)] {
        let (_host, requests) = Service::new().enter(move |asked| match asked.path.as_str() {
            path if path.starts_with("/Users?filter=groups.value%20eq%20%22g%22") => {
                ok(&json!({"totalResults": total, "Resources": [{"id": "1", "userName": "u"}]}))
            }
            path if path.starts_with("/Groups?") => Response::new(400, r#"{"scimType": "invalidFilter"}"#),
            _ if asked.method == "GET" => ok(&crowd(100)),
            _ => Response::new(200, "{}"),
        });
        let scim = Scim { options: Options { updates: Updates::Put, ..Options::default() } };
        let revoked = scim.revoke(&ObjectRef::new("account", "2"), &Assignment::direct(ObjectRef::new("group", "g")));
        assert_eq!((revoked.is_ok(), requests.writes().len()), (is_written, usize::from(is_written)));
    }
}

#[test]
fn a_group_is_written_with_everybody_else_and_only_as_it_was() {
    let (outcome, writes) = revoke(Service::new(), group());
    assert_eq!(outcome.unwrap(), RevokeOutcome::Revoked);
    assert_eq!(writes[0].body["members"], json!([{"value": "1"}, {"value": "3"}]));
    assert_eq!((writes[0].method.as_str(), writes[0].if_match.as_deref()), ("PUT", Some("v1")));
    assert_eq!(writes[0].body["externalId"], "e");
}

#[test]
fn what_the_object_named_and_held_stays_as_it_was_written() {
    let written = crate::builder::tests::DEPARTMENT.trim_end_matches(":department").to_uppercase();
    let user = json!({"id": "1", "userName": "ada", "meta": {"version": "v1"}, (written.as_str()): {"department": "Maths"},
        "schemas": ["urn:own:User", crate::documents::USER]});
    let (_host, requests) =
        Service::new().enter(move |asked| if asked.method == "GET" { ok(&user) } else { Response::new(200, "{}") });
    let update = Update {
        object: ObjectRef::new("account", "1"),
        name: None,
        container: None,
        changes: vec![AttributeChange::replace("title", ["Countess"])],
        secrets: Vec::new(),
        revision: None,
    };
    Scim { options: Options { updates: Updates::Put, ..Options::default() } }.update(update).unwrap();
    let body = &requests.writes()[0].body;
    assert_eq!(body[&written], json!({"department": "Maths"}));
    let extension = crate::builder::tests::DEPARTMENT.trim_end_matches(":department");
    assert_eq!(body.get(extension), None, "one extension in two cases");
    assert_eq!(body["schemas"], json!(["urn:own:User", crate::documents::USER, extension]));
}

#[test]
fn another_attribute_of_a_group_needs_the_same_proof() {
    let rename = |group: Json| {
        let (_host, requests) = Service::new()
            .enter(move |asked| if asked.method == "GET" { ok(&group) } else { Response::new(200, "{}") });
        let update = Update {
            object: ObjectRef::new("group", "g"),
            name: Some("h".to_owned()),
            container: None,
            changes: vec![AttributeChange::replace("externalId", ["f"])],
            secrets: Vec::new(),
            revision: None,
        };
        let scim = Scim { options: Options { updates: Updates::Put, ..Options::default() } };
        (scim.update(update).map(drop), requests.writes())
    };
    let (outcome, writes) = rename(with("members", Json::Null));
    assert_eq!((outcome.unwrap_err().kind(), writes), (FailureKind::Unsupported, Vec::new()));
    let (outcome, writes) = rename(group());
    outcome.unwrap();
    assert_eq!(writes[0].body["members"].as_array().unwrap().len(), SHOWN.len());
    assert_eq!((&writes[0].body["displayName"], &writes[0].body["externalId"]), (&json!("h"), &json!("f")));
}
