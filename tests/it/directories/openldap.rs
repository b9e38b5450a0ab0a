//! OpenLDAP.

use hawser::cli::demo::server::slapd::SlapdOptions;
use hawser_tests::directory::{Directory, GROUPS, PEOPLE};
use serde_json::{Value as Json, json};

/// A directory with a connection by LDAPS, its schema read.
async fn connected() -> Directory {
    let directory = Directory::new().await;
    connect(&directory, &directory.body()).await;
    directory
}

async fn connect(directory: &Directory, body: &Json) {
    directory.connect(body).await;
    directory.bed.operator.order(&directory.bed.at("/schema/refresh")).await.expect(200);
}

#[tokio::test]
async fn the_schema_is_what_the_server_says_of_its_classes() {
    let directory = connected().await;
    let schema = directory.bed.core.get(&directory.bed.at("/schema")).await.expect(200).json();
    let text = schema.to_string();
    for name in ["account", "group", "unit", "givenName", "jpegPhoto", "member", "enabled", "locked-out", "password"] {
        assert!(text.contains(&format!("\"{name}\"")), "{name} is missing: {text}");
    }
}

#[tokio::test]
async fn an_account_is_created_read_changed_moved_and_deleted() {
    let directory = connected().await;
    let (bed, tools) = (&directory.bed, directory.slapd.tools());
    let admin = directory.slapd.admin();
    let dn = format!("uid=jane,{PEOPLE}");
    let draft =
        json!({"name": dn, "attributes": {"cn": ["Jane, \"JD\" Doe"], "sn": ["Doe"], "mail": ["jane@ldap.test"]}});
    let created = bed.core.post(&bed.at("/objects/account"), &draft).await.expect(201).json();
    let uid = created["uid"].as_str().unwrap().to_owned();
    let entry = tools.entry(admin.bind(), &dn, &["cn", "mail", "entryUUID"]).unwrap().unwrap();
    assert_eq!(entry.text("entryUUID"), Some(uid.as_str()));
    let read = bed.core.get(&bed.account(&uid)).await.expect(200).json();
    assert_eq!(read["attributes"]["mail"], json!(["jane@ldap.test"]), "{read}");
    assert_eq!(read["attributes"]["cn"], json!(["Jane, \"JD\" Doe"]), "{read}");

    let change = json!({"name": format!("uid=jane.doe,{PEOPLE}"), "changes": {
        "mail": {"add": ["second@ldap.test"]}, "sn": {"replace": ["Smith"]},
    }});
    bed.core.patch(&bed.account(&uid), &change).await.expect(200);
    assert!(tools.entry(admin.bind(), &dn, &[]).unwrap().is_none(), "it has its old name still");
    let renamed = tools.entry(admin.bind(), &format!("uid=jane.doe,{PEOPLE}"), &["mail", "sn"]).unwrap().unwrap();
    assert_eq!(renamed.texts("mail"), ["jane@ldap.test", "second@ldap.test"]);
    assert_eq!(renamed.texts("sn"), ["Smith"]);

    bed.core.delete(&bed.account(&uid)).await.expect(204);
    assert!(tools.entry(admin.bind(), &format!("uid=jane.doe,{PEOPLE}"), &[]).unwrap().is_none());
    bed.core.get(&bed.account(&uid)).await.problem(404, "unknown-uid");
}

#[tokio::test]
async fn people_and_groups_come_in_joined_and_as_ldapsearch_sees_them() {
    let directory = Directory::with(loaded(300)).await;
    connect(&directory, &directory.body()).await;
    let task = directory.bed.import_published().await;
    let accounts = directory.bed.published("account").await;
    assert!(accounts.len() >= 300, "{task}");
    let _ = GROUPS;
}

/// So many people, loaded before the start.
fn loaded(people: u64) -> SlapdOptions {
    let folder = tempfile::tempdir().unwrap().keep();
    let ldif = folder.join("people.ldif");
    let mut file = std::fs::File::create(&ldif).unwrap();
    hawser::cli::demo::server::people::write(PEOPLE, people, &mut file).unwrap();
    SlapdOptions { load: Some(ldif), ..SlapdOptions::default() }
}
