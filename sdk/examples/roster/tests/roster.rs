//! The roster, natively: what a vendor's own unit tests look like.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation is a failed test")]

use hawser_roster::Roster;
use hawser_sdk::testing::{self, Host};
use hawser_sdk::{Aspect, FailureKind, Item, ListRequest, Object, ObjectRef, Probe, Source};

fn request() -> ListRequest {
    ListRequest { class: "account".into(), attributes: vec!["mail".into()], filter: None, container: None }
}

fn folder(lines: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("roster.jsonl"), lines).unwrap();
    folder
}

#[test]
fn a_line_that_is_no_person_is_set_aside_and_the_others_are_read() {
    let folder = folder(
        "{\"id\": \"1\", \"name\": \"ada\", \"mail\": \"ada@example.com\"}\noops\n{\"id\": \"2\", \"name\": \"bob\"}\n",
    );
    let _host = Host::new().option("file", "roster.jsonl").directory("data", folder.path()).enter();
    let items = testing::collect(testing::connector::<Roster>().unwrap().list(request(), None).unwrap()).unwrap();
    let [ada, Item::Rejected(oops), bob] = items.as_slice() else { panic!("{items:?}") };
    assert_eq!(*ada, Object::new("1", "ada").set("mail", "ada@example.com").into());
    assert_eq!(*bob, Object::new("2", "bob").set("mail", None::<String>).into());
    assert_eq!(oops.key(), "line 2");
}

#[test]
fn somebody_who_is_not_there_is_an_unknown_uid() {
    let folder = folder("{\"id\": \"1\", \"name\": \"ada\"}\n");
    let _host = Host::new().option("file", "roster.jsonl").directory("data", folder.path()).enter();
    let roster = testing::connector::<Roster>().unwrap();
    assert_eq!(roster.get(&ObjectRef::new("account", "7"), &[]).unwrap_err().kind(), FailureKind::UnknownUid);
    assert_eq!(roster.get(&ObjectRef::new("account", "1"), &[]).unwrap().uid(), "1");
}

#[test]
fn a_missing_file_fails_the_check() {
    let folder = folder("");
    let _host = Host::new().option("file", "elsewhere.jsonl").directory("data", folder.path()).enter();
    assert!(testing::connector::<Roster>().unwrap().check(Aspect::Connect).is_err());
}
