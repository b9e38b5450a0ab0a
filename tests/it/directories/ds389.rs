//! 389-ds: what differs from OpenLDAP. It takes some fifteen seconds to make one, so that there is one test.

use hawser::cli::demo::server::ds389::Ds389;
use hawser::cli::demo::server::people;
use hawser_tests::directory::Directory;
use serde_json::json;

use super::changes::{self, Staff};

const PEOPLE: &str = "ou=people,dc=ds,dc=test";
const GROUPS: &str = "ou=groups,dc=ds,dc=test";
const MOVERS: Staff = Staff {
    people: "ou=movers,dc=ds,dc=test",
    group: "cn=movers,ou=groups,dc=ds,dc=test",
    person: people::person,
    dn: people::dn,
    is_group: "objectClass: groupOfNames\n",
    filter: "(objectClass=inetOrgPerson)",
};

#[tokio::test]
async fn an_account_of_389_ds_is_hired_granted_reset_locked_and_gone_and_changes_there_are_told() {
    let directory = Directory::ds389().await;
    directory.connect_and_refresh(&directory.body()).await;
    let bed = &directory.bed;
    let (tools, admin) = (directory.server.tools(), directory.server.admin());
    let mut ldif: String = (1..=50).map(|n| people::person(PEOPLE, n)).collect();
    ldif.push_str(&people::awkward(PEOPLE));
    let mut group = Vec::new();
    people::write_group(GROUPS, "staff", [people::dn(PEOPLE, 1)], &mut group).unwrap();
    ldif.push_str(&String::from_utf8(group).unwrap());
    tools.add(admin.bind(), &ldif).unwrap();
    let own =
        "(targetattr=\"userPassword\")(version 3.0; acl \"own password\"; allow (write) userdn=\"ldap:///self\";)";
    tools.modify(admin.bind(), &format!("dn: {PEOPLE}\nchangetype: modify\nadd: aci\naci: {own}\n")).unwrap();
    let staff = directory.texts(&format!("cn=staff,{GROUPS}"), "nsUniqueId").remove(0);

    let dn = format!("uid=jane,{PEOPLE}");
    let draft = json!({
        "name": dn, "attributes": {"cn": ["Jane"], "sn": ["Doe"], "password": ["Start-Pass1"]},
    });
    let created = bed.core.post(&bed.at("/objects/account"), &draft).await.expect(201).json();
    let uid = created["uid"].as_str().unwrap().to_owned();
    assert_eq!(directory.texts(&dn, "nsUniqueId").remove(0).to_lowercase(), uid);
    assert!(tools.may_bind(&dn, "Start-Pass1").unwrap());

    let entitlement = format!("{}/entitlements/group/{staff}", bed.account(&uid));
    let outcome =
        |answer: hawser_tests::client::Answer| answer.expect(200).json()["outcome"].as_str().unwrap().to_owned();
    assert_eq!(outcome(bed.core.put(&entitlement, &json!({})).await), "granted");
    assert_eq!(outcome(bed.core.put(&entitlement, &json!({})).await), "already-granted");
    assert_eq!(directory.texts(&dn, "memberOf"), [format!("cn=staff,{GROUPS}")]);

    let task = bed.import_published().await;
    assert_eq!(task["counts"]["rejected"], 0, "{task}");
    assert_eq!(bed.published("account").await.len(), 51 + people::AWKWARD.len(), "{task}");
    let links = bed.core.get(&bed.at("/published/group/links/member")).await.expect(200).lines();
    let joined = links.iter().filter(|link| link["target"]["uid"] == uid.as_str()).count();
    assert_eq!(joined, 1, "{links:?}");
    assert_eq!(outcome(bed.core.delete(&entitlement).await), "revoked");

    let password = format!("{}/password", bed.account(&uid));
    bed.core.put(&password, &json!({"new": "Second-Pass2"})).await.expect(204);
    assert!(tools.may_bind(&dn, "Second-Pass2").unwrap() && !tools.may_bind(&dn, "Start-Pass1").unwrap());
    let change = |attribute: &str, value: bool| json!({"changes": {attribute: {"replace": [value]}}});
    bed.core.patch(&bed.account(&uid), &change("enabled", false)).await.expect(200);
    assert_eq!(directory.texts(&dn, "nsAccountLock"), ["true"]);
    let mail = |change: serde_json::Value| json!({"changes": {"mail": change}});
    bed.core.patch(&bed.account(&uid), &mail(json!({"add": ["Jane@ds.test"]}))).await.expect(200);
    let corrected = mail(json!({"remove": ["Jane@ds.test"], "add": ["jane@ds.test"]}));
    bed.core.patch(&bed.account(&uid), &corrected).await.expect(200);
    assert_eq!(directory.texts(&dn, "mail"), ["jane@ds.test"], "only its case was to change");
    let attempt = json!({"class": "account", "name": dn, "password": "Second-Pass2"});
    bed.core.post(&bed.at("/authenticate"), &attempt).await.problem(422, "account-disabled");
    bed.core.patch(&bed.account(&uid), &change("enabled", true)).await.expect(200);
    // By the server's policy, who was given a password has to choose another.
    bed.core.post(&bed.at("/authenticate"), &attempt).await.problem(422, "password-expired");
    bed.core.put(&password, &json!({"old": "Second-Pass2", "new": "Third-Pass3"})).await.expect(204);
    let attempt = json!({"class": "account", "name": dn, "password": "Third-Pass3"});
    bed.core.post(&bed.at("/authenticate"), &attempt).await.expect(200);
    bed.core.patch(&bed.account(&uid), &json!({"name": format!("uid=jane.doe,{PEOPLE}")})).await.expect(200);
    assert!(directory.has(&format!("uid=jane.doe,{PEOPLE}")) && !directory.has(&dn));
    bed.core.delete(&bed.account(&uid)).await.expect(204);
    assert!(!directory.has(&format!("uid=jane.doe,{PEOPLE}")));

    let unit = format!("dn: {}\nobjectClass: organizationalUnit\n", MOVERS.people);
    tools.add(admin.bind(), &unit).unwrap();
    changes::are_told(&directory, &MOVERS).await;
    are_written_on_accounts(&directory).await;
}

/// Memberships of a connection that knows no lists of members: here `memberOf` is an attribute like any other.
async fn are_written_on_accounts(directory: &Directory<Ds389>) {
    let (bed, tools, admin) = (&directory.bed, directory.server.tools(), directory.server.admin());
    let (person, group) = (people::dn(PEOPLE, 7), format!("cn=staff,{GROUPS}"));
    let may_have = format!("dn: {person}\nchangetype: modify\nadd: objectClass\nobjectClass: nsMemberOf\n");
    tools.modify(admin.bind(), &may_have).unwrap();
    let mut body = directory.body();
    body["options"]["member-attribute"] = json!("memberOf");
    bed.operator.put(&bed.at(""), &body).await.expect(200);
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);
    let uid = |dn: &str| directory.texts(dn, "nsUniqueId").remove(0);
    let entitlements = format!("{}/entitlements", bed.account(&uid(&person)));
    let entitlement = format!("{entitlements}/group/{}", uid(&group));
    let outcome =
        |answer: hawser_tests::client::Answer| answer.expect(200).json()["outcome"].as_str().unwrap().to_owned();
    assert_eq!(outcome(bed.core.put(&entitlement, &json!({})).await), "granted");
    assert_eq!(outcome(bed.core.put(&entitlement, &json!({})).await), "already-granted");
    assert_eq!(directory.texts(&person, "memberOf"), std::slice::from_ref(&group));
    assert!(!directory.texts(&group, "member").contains(&person), "the group's list is not touched");
    let listed = bed.core.get(&entitlements).await.expect(200).json();
    assert_eq!(listed["assignments"][0]["entitlement"]["name"], group.as_str(), "{listed}");
    bed.import_published().await;
    let links = bed.core.get(&bed.at("/published/account/links/memberOf")).await.expect(200).lines();
    assert!(links.iter().any(|link| link["owner"]["uid"] == uid(&person).as_str()), "{links:?}");
    assert_eq!(outcome(bed.core.delete(&entitlement).await), "revoked");
    assert_eq!(outcome(bed.core.delete(&entitlement).await), "already-revoked");
    assert!(directory.texts(&person, "memberOf").is_empty());
}
