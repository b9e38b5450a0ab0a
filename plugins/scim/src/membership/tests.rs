//! Grants and revocations against services that keep their groups: what is left in the group is what counts.

use super::*;
use crate::options::{Options, Updates};
use crate::server::tests::{Asked, Requests, Service, ok};
use hawser_sdk::http::Response;
use hawser_sdk::testing::Entered;
use std::cell::RefCell;
use std::rc::Rc;

/// What a service does when it is told to remove members.
#[derive(Clone, Copy, PartialEq)]
enum Habit {
    Standard,
    /// Takes a list of values, and knows no paths.
    Entra,
    /// Answers 200 and stores nothing.
    Liar,
    /// Removes everybody, whatever the path says.
    Wrecker,
    /// Answers 400 `noTarget` or 409 to what is so already.
    Strict,
}

type Members = Rc<RefCell<Vec<String>>>;

/// A service with a group `g`, whose members are told; users 1 to 9 exist.
fn service(kind: Habit, members: &[&str], service: Service) -> (Entered, Requests, Members) {
    let held: Members = Rc::new(RefCell::new(members.iter().map(|id| (*id).to_owned()).collect()));
    let group = Rc::clone(&held);
    let (entered, requests) = service.enter(move |asked| match asked.method.as_str() {
        "GET" if asked.path.starts_with("/Users/") => user(&asked.path),
        "GET" if asked.path.starts_with("/Groups?") => found(&group.borrow(), &asked.path),
        "GET" => {
            let shown: Vec<Json> = group.borrow().iter().map(|id| json!({"value": id, "type": "User"})).collect();
            ok(&json!({"id": "g", "displayName": "g", "meta": {"version": "v1"}, "members": shown}))
        }
        _ => patched(kind, &mut group.borrow_mut(), asked),
    });
    (entered, requests, held)
}

fn user(path: &str) -> Response {
    let id = path.trim_start_matches("/Users/").split('?').next().unwrap();
    let exists = id.len() == 1;
    if exists { ok(&json!({"id": id, "userName": format!("u{id}")})) } else { Response::new(404, "") }
}

/// Finds the group, if the member that the filter names is in it.
fn found(members: &[String], path: &str) -> Response {
    let asked = path.split("members.value%20eq%20%22").nth(1).unwrap().split("%22").next().unwrap();
    let found: Vec<Json> =
        members.iter().filter(|id| *id == asked).map(|_| json!({"id": "g", "displayName": "g"})).collect();
    ok(&json!({"totalResults": found.len(), "Resources": found}))
}

fn patched(kind: Habit, members: &mut Vec<String>, asked: &Asked) -> Response {
    let operation = &asked.body["Operations"][0];
    let path = operation["path"].as_str().unwrap();
    let values: Vec<String> = operation["value"]
        .as_array()
        .map(|values| values.iter().map(|value| value["value"].as_str().unwrap().to_owned()).collect())
        .unwrap_or_default();
    let by_path = path.split('"').nth(1).map(str::to_owned);
    match (kind, operation["op"].as_str().unwrap()) {
        (Habit::Liar, _) => return Response::new(200, "{}"),
        (Habit::Strict, "add") if members.contains(&values[0]) => return Response::new(409, "{}"),
        (_, "add") => members.extend(values),
        (Habit::Entra, _) if by_path.is_some() => return Response::new(400, r#"{"scimType": "invalidPath"}"#),
        (Habit::Entra, _) => members.retain(|id| !values.contains(id)),
        (Habit::Wrecker, _) => members.clear(),
        (Habit::Strict, _) if !members.contains(by_path.as_ref().unwrap()) => {
            return Response::new(400, r#"{"scimType": "noTarget"}"#);
        }
        // To the standard, a path without a filter is everybody, and a value beside it means nothing.
        _ => members.retain(|id| by_path.as_ref().is_some_and(|gone| gone != id)),
    }
    Response::new(204, "")
}

fn scim(profile: Profile) -> Scim {
    Scim { options: Options { profile, ..Options::default() } }
}

fn who(uid: &str) -> ObjectRef {
    ObjectRef::new("account", uid)
}

fn what() -> Assignment {
    Assignment::direct(ObjectRef::new("group", "g"))
}

fn unable() -> Service {
    Service::new().provider("filter", json!({"supported": false}))
}

#[test]
fn others_stay_whatever_the_service_and_its_profile() {
    for (kind, profile) in
        [(Habit::Standard, Profile::Standard), (Habit::Standard, Profile::ReadBack), (Habit::Entra, Profile::Entra)]
    {
        for server in [Service::new(), unable()] {
            let (_host, requests, members) = service(kind, &["1", "2", "3"], server);
            assert_eq!(scim(profile).revoke(&who("2"), &what()).unwrap(), RevokeOutcome::Revoked);
            assert_eq!(*members.borrow(), ["1", "3"]);
            scim(profile).revoke(&who("2"), &what()).unwrap();
            assert_eq!(scim(profile).grant(&who("4"), &what()).unwrap().outcome, GrantOutcome::Granted);
            let writes = requests.writes().len();
            assert_eq!(scim(profile).grant(&who("4"), &what()).unwrap().outcome, GrantOutcome::AlreadyGranted);
            assert_eq!(*members.borrow(), ["1", "3", "4"]);
            assert_eq!(requests.writes().len(), writes, "what is so already is not written");
        }
    }
}

#[test]
fn who_is_out_already_is_not_removed_where_a_search_says_so_too() {
    for (kind, profile, server) in [
        (Habit::Standard, Profile::Standard, Service::new()),
        (Habit::Entra, Profile::Entra, Service::new()),
        (Habit::Entra, Profile::Entra, unable()),
    ] {
        let (_host, requests, _) = service(kind, &["1", "3"], server);
        assert_eq!(scim(profile).revoke(&who("2"), &what()).unwrap(), RevokeOutcome::AlreadyRevoked);
        assert_eq!(requests.writes(), []);
    }
}

/// A group that shows member 7 alone, and whatever else it says.
fn cut_off(more: Json, removed: Response) -> (Entered, Requests) {
    unable().enter(move |asked| match asked.method.as_str() {
        "GET" => {
            let mut group = json!({"id": "g", "displayName": "g", "members": [{"value": "7"}]});
            group.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            ok(&group)
        }
        _ => removed.clone(),
    })
}

#[test]
fn who_is_not_in_a_list_that_may_be_cut_off_is_removed_by_a_path_all_the_same() {
    let signs =
        [json!({}), json!({"members@nextLink": "https://x"}), json!({"nextCursor": "c"}), json!({"totalResults": 9})];
    for more in signs {
        let (_host, requests) = cut_off(more, Response::new(204, ""));
        for profile in [Profile::Standard, Profile::ReadBack] {
            assert_eq!(scim(profile).revoke(&who("2"), &what()).unwrap(), RevokeOutcome::Revoked);
        }
        assert_eq!(requests.writes().len(), 2);
    }
}

#[test]
fn who_is_not_in_a_list_that_is_cut_off_cannot_be_removed_without_a_path() {
    for options in [
        Options { profile: Profile::Entra, ..Options::default() },
        Options { updates: Updates::Put, ..Options::default() },
    ] {
        let (_host, requests) = cut_off(json!({"totalResults": 9}), Response::new(204, ""));
        let error = Scim { options }.revoke(&who("2"), &what()).unwrap_err();
        assert_eq!((error.kind(), requests.writes()), (FailureKind::Unsupported, Vec::new()));
    }
}

#[test]
fn a_service_that_finds_nobody_to_remove_is_believed_unless_it_shows_him() {
    for more in [json!({}), json!({"members": null}), json!({"nextCursor": "c"})] {
        let (_host, _) = cut_off(more, Response::new(400, r#"{"scimType": "noTarget"}"#));
        assert_eq!(scim(Profile::Standard).revoke(&who("2"), &what()).unwrap(), RevokeOutcome::AlreadyRevoked);
        assert_eq!(cut_off_kind(), FailureKind::Conflict);
    }
}

/// How the removal of the one who is shown fails.
fn cut_off_kind() -> FailureKind {
    let (_host, _) = cut_off(json!({}), Response::new(400, r#"{"scimType": "noTarget"}"#));
    scim(Profile::Standard).revoke(&who("7"), &what()).unwrap_err().kind()
}

#[test]
fn a_member_whose_id_is_a_number_is_one() {
    let (_host, requests) = unable().enter(|asked| match asked.method.as_str() {
        "GET" if asked.path.starts_with("/Users/") => ok(&json!({"id": 42, "userName": "u"})),
        "GET" => ok(&json!({"id": "g", "meta": {"version": "v"}, "members": [{"value": 42}, {"value": 43}]})),
        _ => Response::new(204, ""),
    });
    assert_eq!(scim(Profile::ReadBack).grant(&who("42"), &what()).unwrap().outcome, GrantOutcome::AlreadyGranted);
    let put = Scim { options: Options { updates: Updates::Put, ..Options::default() } };
    assert_eq!(put.revoke(&who("42"), &what()).unwrap(), RevokeOutcome::Revoked);
    assert_eq!(requests.writes()[0].body["members"], json!([{"value": 43}]));
}

#[test]
fn a_grant_into_a_list_that_is_cut_off_is_looked_after_by_a_search() {
    for (found, is_stored) in [(json!([{"id": "g", "displayName": "g"}]), true), (json!([]), false)] {
        let (_host, _) = Service::new().enter(move |asked| match asked.method.as_str() {
            "GET" if asked.path.starts_with("/Groups?") => ok(&json!({"totalResults": 1, "Resources": found})),
            "GET" => ok(&json!({"id": "g", "userName": "u", "nextCursor": "c", "members": [{"value": "7"}]})),
            _ => Response::new(204, ""),
        });
        assert_eq!(scim(Profile::ReadBack).grant(&who("2"), &what()).is_ok(), is_stored);
    }
}

#[test]
fn a_service_that_stored_nothing_is_found_out() {
    let (_host, _, _) = service(Habit::Liar, &["1"], Service::new());
    for result in [
        scim(Profile::ReadBack).grant(&who("2"), &what()).map(drop),
        scim(Profile::ReadBack).revoke(&who("1"), &what()).map(drop),
    ] {
        assert_eq!(result.unwrap_err().kind(), FailureKind::PartiallyApplied);
    }
}

#[test]
fn a_service_that_removed_the_others_is_found_out() {
    let (_host, _, members) = service(Habit::Wrecker, &["1", "2", "3"], Service::new());
    let error = scim(Profile::ReadBack).revoke(&who("2"), &what()).unwrap_err();
    assert_eq!((error.kind(), error.effect()), (FailureKind::PartiallyApplied, Effect::Some));
    assert!(error.message().contains("2 of the 2 others"), "{error}");
    assert!(members.borrow().is_empty());
}

#[test]
fn a_list_of_values_is_never_sent_to_a_group_that_hides_its_members() {
    for options in [
        Options { profile: Profile::Entra, ..Options::default() },
        Options { updates: Updates::Put, ..Options::default() },
    ] {
        let (_host, requests) =
            Service::new().enter(|_| ok(&json!({"id": "g", "displayName": "g", "meta": {"version": "v"}})));
        let error = Scim { options }.revoke(&who("2"), &what()).unwrap_err();
        assert_eq!(error.kind(), FailureKind::Unsupported);
        assert_eq!(requests.writes(), []);
    }
}

#[test]
fn a_group_that_hides_its_members_is_told_whom_to_remove_by_a_path() {
    let (_host, requests) = unable().enter(|asked| match asked.method.as_str() {
        "GET" => ok(&json!({"id": "g", "displayName": "g"})),
        _ => Response::new(204, ""),
    });
    assert_eq!(scim(Profile::Standard).revoke(&who("2\" or \"1"), &what()).unwrap(), RevokeOutcome::Revoked);
    let operation = json!({"op": "remove", "path": r#"members[value eq "2\" or \"1"]"#});
    assert_eq!(requests.writes()[0].body["Operations"], json!([operation]));
}

#[test]
fn who_was_faster_did_the_same() {
    let race = |granting: bool| {
        // The question finds no member, or one, and the write meets the opposite.
        let held = if granting { vec!["1"] } else { Vec::new() };
        let (_host, _, _members) = service(Habit::Strict, &held, Service::new());
        let scim = scim(Profile::Standard);
        let server = scim.server().unwrap();
        let (principal, what) = (who("1"), what());
        let pair = pair(&server, &principal, &what).unwrap();
        let operation = if granting {
            json!({"op": "add", "path": "members", "value": [pair.written().unwrap()]})
        } else {
            json!({"op": "remove", "path": "members[value eq \"1\"]"})
        };
        let error = send(&pair, operation).unwrap_err();
        is_so_already(&pair, &error, if granting { Seen::Yes } else { Seen::No }).unwrap()
    };
    assert!(race(true) && race(false));
}

#[test]
fn a_service_that_ignores_the_question_is_not_believed() {
    let (_host, requests) = Service::new().enter(|asked| match asked.method.as_str() {
        "GET" if asked.path.starts_with("/Groups?") => {
            let all = ["a", "g", "z"].map(|id| json!({"id": id, "displayName": id}));
            ok(&json!({"totalResults": 3, "Resources": all}))
        }
        "GET" => ok(&json!({"id": "g", "displayName": "g", "userName": "u", "members": [{"value": "7"}]})),
        _ => Response::new(204, ""),
    });
    assert_eq!(scim(Profile::Standard).revoke(&who("2"), &what()).unwrap(), RevokeOutcome::Revoked);
    assert_eq!(scim(Profile::Standard).grant(&who("2"), &what()).unwrap().outcome, GrantOutcome::Granted);
    assert_eq!(requests.writes().len(), 2);
}

#[test]
fn only_a_plain_membership_of_a_group_is_granted_and_only_to_who_exists() {
    let (_host, requests, _) = service(Habit::Standard, &[], Service::new());
    let scim = scim(Profile::Standard);
    let period = Assignment { not_after: Some(7), ..what() };
    assert_eq!(scim.grant(&who("1"), &period).unwrap_err().kind(), FailureKind::Unsupported);
    let account = Assignment::direct(who("1"));
    assert_eq!(scim.grant(&who("1"), &account).unwrap_err().kind(), FailureKind::SchemaViolation);
    assert_eq!(scim.grant(&who("gone"), &what()).unwrap_err().kind(), FailureKind::UnknownUid);
    assert_eq!(requests.writes(), []);
}

#[test]
fn members_may_be_shown_by_their_names() {
    let (_host, requests) = unable().enter(|asked| match asked.method.as_str() {
        "GET" if asked.path.starts_with("/Users/") => ok(&json!({"id": "1", "userName": "ada"})),
        "GET" => ok(&json!({"id": "g", "displayName": "g", "members": [{"value": "ada"}, {"value": "bob"}]})),
        _ => Response::new(204, ""),
    });
    let scim = Scim { options: Options { member_value: MemberValue::Name, ..Options::default() } };
    assert_eq!(scim.grant(&who("1"), &what()).unwrap().outcome, GrantOutcome::AlreadyGranted);
    assert_eq!(scim.revoke(&who("1"), &what()).unwrap(), RevokeOutcome::Revoked);
    assert_eq!(requests.writes()[0].body["Operations"][0]["path"], r#"members[value eq "ada"]"#);
}

/// The groups of member 1, where a search finds these and he himself shows those.
fn granted(service: Service, found: Json, shown: Json) -> Result<Vec<String>> {
    let (_host, _) = service.enter(move |asked| match asked.path.starts_with("/Groups?") {
        true => ok(&json!({"totalResults": found.as_array().unwrap().len(), "Resources": found})),
        false => ok(&json!({"id": "1", "userName": "u", "groups": shown})),
    });
    let scim = scim(Profile::Standard);
    let (mut uids, mut after) = (Vec::new(), None);
    loop {
        let page = scim.list_granted(&who("1"), after.as_deref(), 1)?;
        uids.extend(page.assignments.into_iter().map(|it| it.entitlement.uid));
        after = page.next;
        if after.is_none() {
            return Ok(uids);
        }
    }
}

#[test]
fn groups_of_a_principal_come_page_by_page_from_a_search_or_from_himself() {
    let of = |id: &str| json!({"id": id, "displayName": id, "members": [{"value": 7}, {"value": "1"}]});
    let shown = json!([{"value": "b"}, {"value": 3, "type": "direct"}, {"value": "z", "type": "Indirect"}]);
    assert_eq!(granted(Service::new(), json!([of("b"), of("a")]), Json::Null).unwrap(), ["a", "b"]);
    assert_eq!(granted(unable(), json!([]), shown.clone()).unwrap(), ["3", "b"]);
    let any = json!({"id": "x", "displayName": "x", "members": [{"value": "7"}]});
    assert_eq!(granted(Service::new(), json!([of("a"), any]), shown).unwrap(), ["3", "b"], "it does not filter");
    assert_eq!(granted(unable(), json!([]), json!([])).unwrap(), [""; 0]);
    assert_eq!(granted(unable(), json!([]), Json::Null).unwrap_err().kind(), FailureKind::Unsupported);
}
