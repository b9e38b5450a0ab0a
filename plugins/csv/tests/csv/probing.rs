//! Checks, suggestions and the schema.

use crate::support::{Folder, csv};
use hawser_sdk::testing::connector;
use hawser_sdk::{Aspect, AttributeFlags, AttributeInfo, FailureKind, Probe, Schema, Syntax, Value};

#[test]
fn options_that_contradict_each_other_do_not_open() {
    let refused = |folder: Folder| {
        let _host = folder.enter();
        connector::<hawser_csv::Csv>().err().unwrap().kind()
    };
    let both = Folder::new("id\n").options("integer-columns", &["a"]).options("boolean-columns", &["a"]);
    assert_eq!(refused(both), FailureKind::Configuration);
    assert_eq!(refused(Folder::new("id\n").option("list-separator", "")), FailureKind::Configuration);
    assert_eq!(refused(Folder::new("id\n").option("password-column", "id")), FailureKind::Configuration);
    assert_eq!(refused(Folder::new("id\n").option("encoding", "ebcdic")), FailureKind::Configuration);
}

#[test]
fn every_file_that_is_not_in_order_is_a_finding() {
    let folder = Folder::with_groups("team,account\n");
    folder.write("groups.csv", "");
    let _host = folder.enter();
    let findings = csv().check(Aspect::Connect).unwrap();
    let failed: Vec<_> = findings.iter().map(|finding| finding.failure.is_some()).collect();
    assert_eq!(failed, [false, true, true], "{findings:?}");
    assert!(findings[2].text.contains("`group`"), "{findings:?}");
}

#[test]
fn a_complete_check_counts_what_would_be_set_aside() {
    let folder = Folder::new("id,name\n1,a\n2\n,x\n1,b\n3\n");
    let _host = folder.enter();
    let findings = csv().check(Aspect::Complete).unwrap();
    assert_eq!(findings[0].text, "accounts.csv: 1 rows, 4 set aside");
    assert_eq!(findings.len(), 4, "three of them are shown: {findings:?}");
    assert!(csv().check(Aspect::Incremental).unwrap()[0].failure.is_some());
    assert!(csv().check(Aspect::Provision).unwrap()[0].failure.is_none());
}

#[test]
fn files_and_columns_are_suggested() {
    let folder = Folder::with_groups("group,account\n");
    let _host = folder.enter();
    let values =
        |option: &str| csv().suggest(option).unwrap().into_iter().map(|choice| choice.value).collect::<Vec<_>>();
    let texts = |texts: &[&str]| texts.iter().map(|text| Value::from(*text)).collect::<Vec<_>>();
    assert_eq!(values("groups-file"), texts(&["accounts.csv", "groups.csv", "members.csv"]));
    assert_eq!(values("account-name"), texts(&["id", "login"]));
    assert_eq!(values("group-name"), texts(&["id", "title"]));
    assert_eq!(values("membership-group"), texts(&["group", "account"]));
    assert_eq!(values("encoding"), texts(&[]));
}

#[test]
fn an_option_that_would_hide_a_column_is_refused() {
    let folder = Folder::new("id,active,enabled\n1,yes,no\n").option("enabled-column", "active");
    let _host = folder.enter();
    assert!(csv().schema().unwrap_err().message().contains("`enabled`"));
}

#[test]
fn the_schema_says_what_the_headers_and_the_options_say() {
    let folder = Folder::with_groups("group,account\n")
        .options("integer-columns", &["size"])
        .options("multi-valued", &["tags"])
        .option("enabled-column", "active")
        .option("password-column", "hash");
    folder.write("accounts.csv", "id,login,size,tags,active,hash\n");
    let _host = folder.enter();
    let schema = csv().schema().unwrap();
    let find = |class: usize, name: &str| -> AttributeInfo {
        schema[class].attributes.iter().find(|attribute| attribute.name == name).cloned().expect(name)
    };
    assert!(schema[0].attributes.iter().all(|attribute| attribute.name != "hash"));
    assert_eq!(find(0, "size").syntax, Syntax::Integer);
    assert!(find(0, "tags").flags.contains(AttributeFlags::MULTI_VALUED));
    assert_eq!((find(0, "enabled").syntax, find(0, "enabled").native_name), (Syntax::Boolean, "active".to_owned()));
    assert!(find(0, "id").flags.contains(AttributeFlags::REQUIRED | AttributeFlags::CREATABLE));
    assert!(!find(0, "id").flags.contains(AttributeFlags::UPDATEABLE));
    assert!(!find(0, "login").flags.intersects(AttributeFlags::CREATABLE | AttributeFlags::UPDATEABLE));
    assert!(find(0, "password").flags.contains(AttributeFlags::CONFIDENTIAL));
    assert!(!find(0, "password").flags.contains(AttributeFlags::READABLE));
    assert!(find(1, "members").flags.contains(AttributeFlags::LARGE | AttributeFlags::MULTI_VALUED));
    assert_eq!(
        (find(1, "members").refers_to, schema[1].grantable_to.clone()),
        (vec!["account".into()], vec!["account".into()])
    );
}
