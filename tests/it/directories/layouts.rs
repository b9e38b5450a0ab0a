//! Directories that are laid out otherwise: names in several parts, members under another name.

use hawser_tests::client::Answer;
use hawser_tests::directory::{Directory, GROUPS, PEOPLE};
use serde_json::json;

use super::openldap::{sorted, uuid};

fn outcome(answer: Answer) -> String {
    answer.expect(200).json()["outcome"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn of_a_name_in_several_parts_only_the_one_that_is_the_name_changes() {
    let directory = Directory::new().await;
    let mut body = directory.body();
    body["options"]["account-name"] = json!("uid");
    directory.connect_and_refresh(&body).await;
    let (bed, tools, admin) = (&directory.bed, directory.server.tools(), directory.server.admin());
    let dn = format!("uid=ada+cn=Ada,{PEOPLE}");
    tools.add(admin.bind(), &format!("dn: {dn}\nobjectClass: inetOrgPerson\nuid: ada\ncn: Ada\nsn: L\n")).unwrap();
    let uid = uuid(&directory, &dn);
    let renamed = bed.core.patch(&bed.account(&uid), &json!({"name": "grace"})).await.expect(200).json();
    assert_eq!((&renamed["uid"], &renamed["name"]), (&json!(uid), &json!("grace")), "{renamed}");
    let dn = format!("uid=grace+cn=Ada,{PEOPLE}");
    assert_eq!(uuid(&directory, &dn), uid);
    assert_eq!((directory.texts(&dn, "uid"), directory.texts(&dn, "cn")), (vec!["grace".into()], vec!["Ada".into()]));
}

#[tokio::test]
async fn members_under_another_name_are_granted_imported_and_revoked() {
    let directory = Directory::new().await;
    let (ada, bob) = (directory.person("ada", "Start-Pass1"), directory.person("bob", "Start-Pass1"));
    let (ada_uid, bob_uid) = (uuid(&directory, &ada), uuid(&directory, &bob));
    let (tools, admin) = (directory.server.tools(), directory.server.admin());
    let dn = format!("cn=unique,{GROUPS}");
    tools.add(admin.bind(), &format!("dn: {dn}\nobjectClass: groupOfUniqueNames\nuniqueMember: {ada}\n")).unwrap();
    let mut body = directory.body();
    body["options"]["group-class"] = json!("groupOfUniqueNames");
    body["options"]["member-attribute"] = json!("uniqueMember");
    directory.connect_and_refresh(&body).await;
    let bed = &directory.bed;
    let unique = format!("{}/entitlements/group/{}", bed.account(&bob_uid), uuid(&directory, &dn));
    assert_eq!(outcome(bed.core.put(&unique, &json!({})).await), "granted");
    assert_eq!(outcome(bed.core.put(&unique, &json!({})).await), "already-granted");
    assert_eq!(sorted(directory.texts(&dn, "uniqueMember")), [ada.clone(), bob.clone()]);
    bed.import_published().await;
    let links = bed.core.get(&bed.at("/published/group/links/uniqueMember")).await.expect(200).lines();
    let mut targets: Vec<&str> = links.iter().map(|link| link["target"]["uid"].as_str().unwrap()).collect();
    targets.sort_unstable();
    assert_eq!(targets, sorted(vec![ada_uid, bob_uid.clone()]));
    assert_eq!(outcome(bed.core.delete(&unique).await), "revoked");
    assert_eq!(directory.texts(&dn, "uniqueMember"), [ada]);
}
