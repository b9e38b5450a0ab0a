//! Creating and deleting, against services of the standard and of their own mind.

use super::*;
use crate::options::{Options, Profile};
use crate::server::tests::{Asked, Service, ok};
use hawser_sdk::http::Placement;
use hawser_sdk::{Part, Reference, Scalar, Value, testing};

fn draft(attributes: Vec<Given>) -> Draft {
    Draft {
        class: "account".to_owned(),
        auxiliary: Vec::new(),
        name: "ada".to_owned(),
        container: None,
        attributes,
        secrets: Vec::new(),
    }
}

fn secret(name: &str) -> Secret {
    Secret { name: name.to_owned(), password: testing::password("s3cret") }
}

fn create(
    service: Service,
    options: Options,
    draft: Draft,
    answer: impl FnMut(&Asked) -> Response + 'static,
) -> (Result<Outcome>, Vec<Asked>) {
    let (_host, requests) = service.enter(answer);
    (Scim { options }.create(draft), requests.all())
}

fn done(outcome: Result<Outcome>) -> Written {
    match outcome.unwrap() {
        Outcome::Done(written) => written,
        Outcome::Pending(handle) => panic!("{handle}"),
    }
}

#[test]
fn a_create_that_was_answered_with_500_is_unknown_and_not_repeated() {
    let (outcome, asked) =
        create(Service::new(), Options::default(), draft(Vec::new()), |_| Response::new(500, "committed"));
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (FailureKind::OutcomeUnknown, Effect::Unknown));
    assert_eq!(asked.len(), 1);
}

#[test]
fn whoever_stands_in_the_way_is_named() {
    let (outcome, asked) =
        create(Service::new(), Options::default(), draft(Vec::new()), |asked| match asked.method.as_str() {
            "POST" => Response::new(409, r#"{"scimType": "uniqueness"}"#),
            _ => ok(&json!({"totalResults": 1, "Resources": [{"id": "7", "userName": "Ada"}]})),
        });
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.existing().unwrap().uid.as_str()), (FailureKind::AlreadyExists, "7"));
    assert!(asked[1].path.contains("filter=userName%20eq%20%22ada%22"), "{asked:?}");
}

#[test]
fn a_success_without_an_id_is_no_success() {
    let (outcome, _) = create(Service::new(), Options::default(), draft(Vec::new()), |_| Response::new(201, ""));
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (FailureKind::OutcomeUnknown, Effect::Some));
    let (outcome, _) = create(Service::new(), Options::default(), draft(Vec::new()), |_| {
        Response::new(201, "").with_header("Location", "https://x/scim/v2/Users/a%20b").with_header("ETag", "W/\"1\"")
    });
    assert_eq!(done(outcome), Written::new("a b", "ada").revision("W/\"1\""));
}

#[test]
fn a_resource_is_written_with_its_schemas_and_the_host_writes_the_password() {
    let part = |name: &str, value| Part { name: name.to_owned(), value };
    let email =
        Value::Complex(vec![part("value", Scalar::Text("a@x".to_owned())), part("primary", Scalar::Boolean(true))]);
    let attributes = vec![
        Given::new("name:givenName", ["Ada"]),
        Given::new("enabled", [true]),
        Given::new("emails", [email]),
        Given::new(crate::builder::tests::DEPARTMENT, ["Maths"]),
    ];
    let draft = Draft { secrets: vec![secret("password")], ..draft(attributes) };
    let answer = json!({"id": "1", "userName": "ADA", "meta": {"version": "v1"}});
    let (outcome, asked) =
        create(Service::new(), Options::default(), draft, move |_| Response::new(201, answer.to_string()));
    assert_eq!(done(outcome), Written::new("1", "ADA").revision("v1"));
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let expected = json!({
        "userName": "ada", "name": {"givenName": "Ada"}, "active": true,
        "emails": [{"value": "a@x", "primary": true}], enterprise: {"department": "Maths"}, "password": "",
        "schemas": [crate::documents::USER, enterprise],
    });
    assert_eq!(asked[0].body, expected);
    assert_eq!(asked[0].secrets, [Placement::JsonPointer("/password".to_owned())]);
}

#[test]
fn what_has_no_place_is_refused_before_anything_is_sent() {
    for draft in [
        Draft { secrets: vec![secret("pin")], ..draft(Vec::new()) },
        Draft { secrets: vec![secret("password"), secret("password")], ..draft(Vec::new()) },
        Draft { container: Some("x".to_owned()), ..draft(Vec::new()) },
        draft(vec![Given::new("nosuch", ["x"])]),
        draft(vec![Given::new("emails", ["x"])]),
    ] {
        let (outcome, asked) = create(Service::new(), Options::default(), draft, |_| Response::new(500, ""));
        outcome.unwrap_err();
        assert_eq!(asked, []);
    }
}

#[test]
fn what_was_not_stored_is_a_part_that_failed() {
    let options = Options { profile: Profile::ReadBack, ..Options::default() };
    let attributes = vec![Given::new("title", ["Countess"]), Given::new("nickName", ["A"])];
    let (outcome, _) = create(Service::new(), options, draft(attributes), |asked| match asked.method.as_str() {
        "POST" => Response::new(201, r#"{"id": "1"}"#),
        _ => ok(&json!({"id": "1", "userName": "ada", "nickName": "A"})),
    });
    let expected = Written::new("1", "ada").failed("title", not_stored("it is not there when it is read back"));
    assert_eq!(done(outcome), expected);
}

#[test]
fn a_group_may_be_made_with_members() {
    let members = Given::new("members", [Value::Reference(Reference::uid("account", "1"))]);
    let draft = Draft { class: "group".to_owned(), name: "g".to_owned(), ..draft(vec![members]) };
    let (outcome, asked) = create(Service::new(), Options::default(), draft, |_| Response::new(201, r#"{"id": "9"}"#));
    assert_eq!(done(outcome), Written::new("9", "g"));
    assert_eq!(asked[0].body["members"], json!([{"value": "1"}]));
}

#[test]
fn who_has_another_name_does_not_stand_in_the_way() {
    for found in [
        json!([{"id": "7", "userName": "bob"}]),
        json!([{"id": "7", "userName": "ADA"}, {"id": "8", "userName": "ada"}]),
    ] {
        let (outcome, _) =
            create(Service::new(), Options::default(), draft(Vec::new()), move |asked| match asked.method.as_str() {
                "POST" => Response::new(409, r#"{"scimType": "uniqueness"}"#),
                _ => ok(&json!({"totalResults": 1, "Resources": found})),
            });
        assert_eq!(outcome.unwrap_err().existing(), None);
    }
}

#[test]
fn an_id_may_be_a_number_and_is_never_the_collection() {
    let (outcome, _) =
        create(Service::new(), Options::default(), draft(Vec::new()), |_| Response::new(201, r#"{"id": 42}"#));
    assert_eq!(done(outcome), Written::new("42", "ada"));
    let (outcome, _) = create(Service::new(), Options::default(), draft(Vec::new()), |_| {
        Response::new(201, "").with_header("Location", "https://x/scim/v2/Users")
    });
    assert_eq!(outcome.unwrap_err().kind(), FailureKind::OutcomeUnknown);
}

#[test]
fn a_name_and_first_members_that_were_not_stored_are_parts_that_failed() {
    for (members, failed) in
        [(json!([{"value": 1}]), None), (json!([{"value": "2"}]), Some("members")), (Json::Null, None)]
    {
        let options = Options { profile: Profile::ReadBack, ..Options::default() };
        let given = Given::new("members", [Value::Reference(Reference::uid("account", "1"))]);
        let draft = Draft { class: "group".to_owned(), name: "g".to_owned(), ..draft(vec![given]) };
        let (outcome, _) = create(Service::new(), options, draft, move |asked| match asked.method.as_str() {
            "POST" => Response::new(201, r#"{"id": "9"}"#),
            _ => ok(&json!({"id": "9", "displayName": "g (new)", "members": members})),
        });
        let name = not_stored("it has another name when it is read back");
        let expected = Written::new("9", "g").failed("@name", name);
        let why = not_stored("it is not there when it is read back");
        assert_eq!(done(outcome), failed.into_iter().fold(expected, |it, part| it.failed(part, why.clone())));
    }
}

#[test]
fn what_is_still_there_was_not_deleted() {
    let delete = |status: u16| {
        let (_host, _) = Service::new().enter(move |asked| match asked.method.as_str() {
            "GET" => Response::new(status, r#"{"id": "1"}"#),
            _ => Response::new(204, ""),
        });
        let options = Options { profile: Profile::ReadBack, ..Options::default() };
        Scim { options }.delete(&ObjectRef::new("account", "1"), None).map(drop)
    };
    delete(404).unwrap();
    delete(410).unwrap();
    for status in [200, 500] {
        assert_eq!(delete(status).unwrap_err().kind(), FailureKind::PartiallyApplied);
    }
}

#[test]
fn a_delete_holds_on_to_the_revision_in_every_service() {
    let delete = |service: Service, revision: Option<&str>| {
        let (_host, requests) = service.enter(|asked| match (asked.method.as_str(), asked.if_match.as_deref()) {
            ("GET", _) => ok(&json!({"id": "1", "meta": {"version": "v2"}})),
            (_, Some("v1")) => Response::new(412, ""),
            _ => Response::new(204, ""),
        });
        let deleted = Scim { options: Options::default() }.delete(&ObjectRef::new("account", "1"), revision);
        (deleted.map_err(|error| error.kind()), requests.writes().len())
    };
    let without = || Service::new().provider("etag", json!({"supported": false}));
    assert_eq!(delete(Service::new(), Some("v1")), (Err(FailureKind::PreconditionFailed), 1));
    assert_eq!(delete(without(), Some("v1")), (Err(FailureKind::PreconditionFailed), 0), "nothing is sent");
    for service in [Service::new(), without()] {
        assert_eq!(delete(service, Some("v2")), (Ok(Written::new("1", "1").into()), 1));
    }
    assert_eq!(delete(Service::new(), None), (Ok(Written::new("1", "1").into()), 1));
}

#[test]
fn what_is_gone_is_unknown() {
    let (_host, _) = Service::new().enter(|_| Response::new(404, ""));
    let error = Scim { options: Options::default() }.delete(&ObjectRef::new("account", "1"), None).unwrap_err();
    assert_eq!(error.kind(), FailureKind::UnknownUid);
    assert!(error.message().contains("`1`"), "{error}");
}
