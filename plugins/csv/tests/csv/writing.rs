//! Changes: exactly one row becomes another one, every other byte stays, and nothing happens over somebody else's file.

use crate::support::{Folder, account, csv, get, list};
use hawser_sdk::testing::password;
use hawser_sdk::{
    Attribute, AttributeChange, Cell, Draft, Effect, FailureKind, Outcome, Provision, Result, Secret, Update, Value,
};

fn draft(name: &str, attributes: &[(&str, &str)]) -> Draft {
    let attributes = attributes.iter().map(|(name, value)| Attribute::new(*name, [*value])).collect();
    Draft {
        class: "account".into(),
        auxiliary: vec![],
        name: name.into(),
        container: None,
        attributes,
        secrets: vec![],
    }
}

fn update(uid: &str, changes: Vec<AttributeChange>) -> Update {
    Update { object: account(uid), name: None, container: None, changes, secrets: vec![], revision: None }
}

fn kind<T: std::fmt::Debug>(result: Result<T>) -> FailureKind {
    result.unwrap_err().kind()
}

#[test]
fn refused_changes_leave_the_file_as_it_was() {
    let text = "id,login,size\n1,ada,5\n2,bob,\n";
    let folder = Folder::new(text).option("account-name", "login").options("integer-columns", &["size"]);
    let _host = folder.enter();
    use FailureKind::{AlreadyExists, InvalidAttributeValue, SchemaViolation, UnknownUid};
    let set = |name: &str, value: Value| vec![AttributeChange::replace(name, [value])];
    assert_eq!(kind(csv().create(draft("eve", &[("id", "1")]))), AlreadyExists);
    assert_eq!(kind(csv().create(draft("ada", &[("id", "3")]))), AlreadyExists);
    assert_eq!(kind(csv().create(draft("eve", &[]))), InvalidAttributeValue);
    assert_eq!(kind(csv().create(draft("", &[("id", "3")]))), InvalidAttributeValue);
    assert_eq!(kind(csv().create(draft("eve", &[("id", "3"), ("mail", "x")]))), SchemaViolation);
    assert_eq!(kind(csv().create(draft("=eve", &[("id", "3")]))), InvalidAttributeValue);
    assert_eq!(kind(csv().update(update("7", vec![]))), UnknownUid);
    assert_eq!(kind(csv().update(update("1", set("id", "9".into())))), InvalidAttributeValue);
    assert_eq!(kind(csv().update(update("1", set("login", "eve".into())))), InvalidAttributeValue);
    assert_eq!(kind(csv().update(update("1", set("size", "many".into())))), InvalidAttributeValue);
    assert_eq!(kind(csv().update(update("1", set("mail", "x".into())))), SchemaViolation);
    assert_eq!(kind(csv().update(Update { name: Some("bob".into()), ..update("1", vec![]) })), AlreadyExists);
    assert_eq!(kind(csv().update(Update { container: Some("x".into()), ..update("1", vec![]) })), SchemaViolation);
    assert_eq!(kind(csv().delete(&account("7"), None)), UnknownUid);
    let secrets = vec![Secret { name: "password".into(), password: password("x") }];
    assert_eq!(kind(csv().update(Update { secrets, ..update("1", vec![]) })), SchemaViolation);
    assert_eq!(folder.text("accounts.csv"), text);
}

#[test]
fn already_exists_names_the_object_that_is_there() {
    let folder = Folder::new("id,login\n1,ada\n").option("account-name", "login");
    let _host = folder.enter();
    let error = csv().create(draft("ada", &[("id", "3")])).unwrap_err();
    let object = error.existing().unwrap();
    assert_eq!((object.uid.as_str(), object.name.as_deref()), ("1", Some("ada")));
    assert_eq!(error.effect(), Effect::None);
}

#[test]
fn a_stale_revision_is_a_failed_precondition() {
    let folder = Folder::new("id,a\n1,x\n");
    let _host = folder.enter();
    let revision = get("1", &[]).unwrap().revision;
    folder.write("accounts.csv", "id,a\n1,y\n");
    let change = vec![AttributeChange::replace("a", ["z"])];
    let stale = Update { revision: revision.clone(), ..update("1", change.clone()) };
    assert_eq!(kind(csv().update(stale)), FailureKind::PreconditionFailed);
    assert_eq!(kind(csv().delete(&account("1"), revision.as_deref())), FailureKind::PreconditionFailed);
    assert_eq!(folder.text("accounts.csv"), "id,a\n1,y\n");
    let fresh = Update { revision: get("1", &[]).unwrap().revision, ..update("1", change) };
    let Outcome::Done(written) = csv().update(fresh).unwrap() else { panic!("nothing is pending here") };
    assert_eq!(folder.text("accounts.csv"), "id,a\n1,z\n");
    assert_eq!(csv().delete(&account("1"), get("1", &[]).unwrap().revision.as_deref()).unwrap(), {
        Outcome::Done(hawser_sdk::Written::new("1", "1"))
    });
    assert_eq!(written.uid(), "1");
}

#[test]
fn create_appends_in_the_files_own_dialect() {
    let cases: [(&[u8], &[u8]); 5] = [
        (b"id,n\n1,a\n", b"id,n\n1,a\n2,\"x,y\"\n"),
        (b"id,n\n1,a", b"id,n\n1,a\n2,\"x,y\"\n"),
        (b"\xEF\xBB\xBFid;n\r\n1;a\r\n", b"\xEF\xBB\xBFid;n\r\n1;a\r\n2;x,y\r\n"),
        (b"\"id\",\"n\"\r\n\"1\",\"a\"", b"\"id\",\"n\"\r\n\"1\",\"a\"\r\n\"2\",\"x,y\"\r\n"),
        (b"id\tn\r", b"id\tn\r2\tx,y\r"),
    ];
    for (before, after) in cases {
        let folder = Folder::new(before);
        let _host = folder.enter();
        csv().create(draft("2", &[("n", "x,y")])).unwrap();
        assert_eq!(folder.read("accounts.csv"), after, "{}", String::from_utf8_lossy(before));
    }
}

#[test]
fn update_changes_one_row_and_no_other_byte() {
    for newline in ["\n", "\r\n"] {
        let before = "id,n\n\"1\",\"a\"\n\n2,\"b\nb\"\n'3',c\n4,d".replace('\n', newline);
        let folder = Folder::new(&before);
        let _host = folder.enter();
        csv().update(update("2", vec![AttributeChange::replace("n", ["z"])])).unwrap();
        let after = before.replace(&format!("2,\"b{newline}b\""), "2,z");
        assert_eq!(folder.text("accounts.csv"), after);
        csv().update(update("4", vec![AttributeChange::replace("n", [] as [&str; 0])])).unwrap();
        assert_eq!(folder.text("accounts.csv"), after.replace("4,d", "4,"));
    }
}

#[test]
fn delete_removes_one_row_and_keeps_whole_line_breaks() {
    for newline in ["\n", "\r\n", "\r"] {
        for (uid, after) in [("1", "id,n\n2,b\n3,c\n"), ("2", "id,n\n1,a\n3,c\n"), ("3", "id,n\n1,a\n2,b\n")] {
            let folder = Folder::new("id,n\n1,a\n2,b\n3,c\n".replace('\n', newline));
            let _host = folder.enter();
            csv().delete(&account(uid), None).unwrap();
            assert_eq!(folder.text("accounts.csv"), after.replace('\n', newline), "{uid} {newline:?}");
        }
    }
}

#[test]
fn lists_are_edited_value_by_value() {
    let folder = Folder::new("id,tags\n1,a|b\n").options("multi-valued", &["tags"]);
    let _host = folder.enter();
    csv().update(update("1", vec![AttributeChange::edit("tags", ["c", "a"], ["b", "x"])])).unwrap();
    assert_eq!(get("1", &["tags"]).unwrap().cells, [Cell::from(vec!["a", "c"])]);
}

#[test]
fn renaming_changes_the_name_and_not_the_key() {
    let folder = Folder::new("id,login\n1,ada\n").option("account-name", "login");
    let _host = folder.enter();
    csv().update(Update { name: Some("countess".into()), ..update("1", vec![]) }).unwrap();
    assert_eq!(folder.text("accounts.csv"), "id,login\n1,countess\n");
    let folder = Folder::new("id\n1\n");
    let _host = folder.enter();
    let rename = Update { name: Some("2".into()), ..update("1", vec![]) };
    assert_eq!(kind(csv().update(rename)), FailureKind::InvalidAttributeValue);
}

#[test]
fn what_the_encoding_lacks_is_refused_and_the_rest_is_kept_in_it() {
    let folder = Folder::new(b"id,n\n1,J\xFCrgen\n2,b\n").option("encoding", "latin-1");
    let _host = folder.enter();
    let refused = csv().update(update("2", vec![AttributeChange::replace("n", ["5 €"])]));
    assert_eq!(kind(refused), FailureKind::InvalidAttributeValue);
    csv().update(update("2", vec![AttributeChange::replace("n", ["Zoë"])])).unwrap();
    assert_eq!(folder.read("accounts.csv"), b"id,n\n1,J\xFCrgen\n2,Zo\xEB\n");
}

#[test]
fn formulas_are_refused_unless_the_operator_allows_them() {
    let folder = Folder::new("id,n\n1,\n");
    let host = folder.enter();
    let formula = || update("1", vec![AttributeChange::replace("n", ["=HYPERLINK(\"x\")"])]);
    assert_eq!(csv().update(formula()).unwrap_err().attributes(), ["n"]);
    drop(host);
    let folder = folder.option("formulas", "allow");
    let _host = folder.enter();
    csv().update(formula()).unwrap();
    assert_eq!(list(&["n"]).unwrap().cells(), [[Cell::from("=HYPERLINK(\"x\")")]]);
}

#[test]
fn booleans_are_spelt_as_the_file_spells_them() {
    let folder = Folder::new("id,active\n1,yes\n").option("enabled-column", "active");
    let _host = folder.enter();
    let enabled = Attribute::new("enabled", [false]);
    csv().create(Draft { attributes: vec![enabled], ..draft("2", &[]) }).unwrap();
    csv().update(update("1", vec![AttributeChange::replace("enabled", [false])])).unwrap();
    assert_eq!(folder.text("accounts.csv"), "id,active\n1,no\n2,no\n");
}
