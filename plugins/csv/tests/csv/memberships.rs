//! Granting and revoking: idempotent, one row each.

use crate::support::{Folder, account, csv, group};
use hawser_sdk::{Assignment, Attribute, Entitlements, FailureKind, GrantOutcome, Provision, RevokeOutcome};

fn assignment(uid: &str) -> Assignment {
    Assignment::direct(group(uid))
}

#[test]
fn who_or_what_does_not_exist_is_granted_nothing() {
    let folder = Folder::with_groups("group,account\n");
    let _host = folder.enter();
    let kind = |uid: &str, to: &str| csv().grant(&account(uid), &assignment(to)).unwrap_err().kind();
    assert_eq!(kind("7", "g1"), FailureKind::UnknownUid);
    assert_eq!(kind("1", "g7"), FailureKind::UnknownUid);
    let scoped = Assignment { parameters: vec![Attribute::new("scope", ["x"])], ..assignment("g1") };
    assert_eq!(csv().grant(&account("1"), &scoped).unwrap_err().kind(), FailureKind::Unsupported);
    assert_eq!(folder.text("members.csv"), "group,account\n");
}

#[test]
fn without_a_memberships_file_there_is_nothing_to_grant() {
    let folder = Folder::new("id\n1\n");
    let _host = folder.enter();
    let error = csv().grant(&account("1"), &assignment("g1")).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Unsupported);
    assert!(error.message().contains("memberships-file"));
}

#[test]
fn granting_and_revoking_twice_changes_the_file_once() {
    let folder = Folder::with_groups("group,account,since\r\ng1,2,2020\r\n");
    let _host = folder.enter();
    let grant = || csv().grant(&account("1"), &assignment("g1")).unwrap().outcome;
    assert_eq!((grant(), grant()), (GrantOutcome::Granted, GrantOutcome::AlreadyGranted));
    assert_eq!(folder.text("members.csv"), "group,account,since\r\ng1,2,2020\r\ng1,1,\r\n");
    let revoke = || csv().revoke(&account("1"), &assignment("g1")).unwrap();
    assert_eq!((revoke(), revoke()), (RevokeOutcome::Revoked, RevokeOutcome::AlreadyRevoked));
    assert_eq!(folder.text("members.csv"), "group,account,since\r\ng1,2,2020\r\n", "foreign members survive");
}

#[test]
fn what_is_granted_comes_page_by_page() {
    let folder = Folder::with_groups("group,account\ng2,1\ng1,2\ng1,1\n");
    let _host = folder.enter();
    let first = csv().list_granted(&account("1"), None, 1).unwrap();
    assert_eq!(first.assignments, [assignment("g2")]);
    let second = csv().list_granted(&account("1"), first.next.as_deref(), 5).unwrap();
    assert_eq!((second.assignments, second.next), (vec![assignment("g1")], None));
    folder.write("members.csv", "group,account\n");
    let stale = csv().list_granted(&account("1"), first.next.as_deref(), 5).unwrap_err();
    assert_eq!(stale.kind(), FailureKind::ResyncRequired);
}

#[test]
fn memberships_go_with_the_account_or_the_group() {
    let folder = Folder::with_groups("group,account\ng1,1\ng1,2\ng2,1\ng2,2\n");
    let _host = folder.enter();
    csv().delete(&account("1"), None).unwrap();
    assert_eq!(folder.text("members.csv"), "group,account\ng1,2\ng2,2\n");
    csv().delete(&group("g1"), None).unwrap();
    assert_eq!(folder.text("members.csv"), "group,account\ng2,2\n");
    assert_eq!(folder.text("groups.csv"), "id,title\ng2,Staff\n");
}
