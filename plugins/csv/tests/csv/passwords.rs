//! Passwords: hashes in, yes or no out.

use crate::support::{Folder, account, csv, get};
use hawser_sdk::testing::password;
use hawser_sdk::{Attribute, Cell, Draft, FailureKind, Passwords, Provision, Secret};

fn folder() -> Folder {
    Folder::new("id,login,hash,active\n1,ada,,true\n2,bob,,false\n3,twin,,true\n4,twin,,true\n")
        .option("account-name", "login")
        .option("password-column", "hash")
        .option("enabled-column", "active")
}

#[test]
fn nobody_learns_whether_the_name_or_the_password_was_wrong() {
    let folder = folder();
    let _host = folder.enter();
    csv().set_password(&account("1"), &password("right"), false).unwrap();
    csv().set_password(&account("3"), &password("right"), false).unwrap();
    let refused = |name: &str, secret: &str| csv().authenticate("account", name, &password(secret)).unwrap_err();
    let wrong = refused("ada", "wrong");
    assert_eq!(wrong.kind(), FailureKind::InvalidCredential);
    for (name, secret) in [("nobody", "right"), ("bob", "right"), ("ada", ""), ("twin", "right")] {
        assert_eq!(refused(name, secret), wrong, "{name}");
    }
    assert_eq!(csv().authenticate("account", "ada", &password("right")).unwrap(), "1");
}

#[test]
fn a_disabled_account_does_not_authenticate_and_says_so_only_to_its_owner() {
    let folder = folder();
    let _host = folder.enter();
    csv().set_password(&account("2"), &password("right"), false).unwrap();
    let kind = |secret: &str| csv().authenticate("account", "bob", &password(secret)).unwrap_err().kind();
    assert_eq!(kind("wrong"), FailureKind::InvalidCredential);
    assert_eq!(kind("right"), FailureKind::AccountDisabled);
}

#[test]
fn a_password_changes_only_for_who_knows_the_old_one() {
    let folder = folder();
    let _host = folder.enter();
    csv().set_password(&account("1"), &password("old"), false).unwrap();
    let before = folder.text("accounts.csv");
    let change = |old: &str| csv().change_password(&account("1"), &password(old), &password("new"));
    assert_eq!(change("guess").unwrap_err().kind(), FailureKind::InvalidCredential);
    assert_eq!(folder.text("accounts.csv"), before);
    change("old").unwrap();
    assert!(csv().authenticate("account", "ada", &password("old")).is_err());
    assert!(csv().authenticate("account", "ada", &password("new")).is_ok());
}

#[test]
fn what_is_stored_is_a_hash_that_no_listing_shows() {
    let folder = folder();
    let _host = folder.enter();
    csv().set_password(&account("1"), &password("s3cret-value"), false).unwrap();
    let text = folder.text("accounts.csv");
    assert!(text.contains("$argon2id$") && !text.contains("s3cret-value"), "{text}");
    assert_eq!(get("1", &["password"]).unwrap().cells, [Cell::Unread]);
}

#[test]
fn a_new_account_can_bring_its_password() {
    let folder = folder();
    let _host = folder.enter();
    let draft = Draft {
        class: "account".into(),
        auxiliary: vec![],
        name: "eve".into(),
        container: None,
        attributes: vec![Attribute::new("id", ["9"])],
        secrets: vec![Secret { name: "password".into(), password: password("first") }],
    };
    csv().create(draft).unwrap();
    assert_eq!(csv().authenticate("account", "eve", &password("first")).unwrap(), "9");
}

#[test]
fn must_change_needs_a_column_to_say_so() {
    let folder = folder();
    let host = folder.enter();
    let error = csv().set_password(&account("1"), &password("x"), true).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Unsupported);
    assert!(error.message().contains("must-change-column"));
    drop(host);
    let folder =
        Folder::new("id,hash,renew\n1,,no\n").option("password-column", "hash").option("must-change-column", "renew");
    let _host = folder.enter();
    csv().set_password(&account("1"), &password("x"), true).unwrap();
    assert_eq!(get("1", &["force-password-change"]).unwrap().cells, [Cell::Boolean(true)]);
}

#[test]
fn without_a_password_column_there_are_no_passwords() {
    let folder = Folder::new("id\n1\n");
    let _host = folder.enter();
    let error = csv().set_password(&account("1"), &password("x"), false).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Unsupported);
}
