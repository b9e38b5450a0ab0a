//! OpenLDAP, with TLS, memberOf, a password policy and content synchronisation.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use hawser::cli::demo::server::people;
use hawser::cli::demo::server::slapd::{Slapd, SlapdOptions};
use hawser::cli::demo::server::tools::{Bind, Scope};
use hawser_tests::directory::{Directory, GROUPS, PEOPLE};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// A directory with a connection by LDAPS, its schema read.
async fn connected() -> Directory<Slapd> {
    let directory = Directory::new().await;
    directory.connect_and_refresh(&directory.body()).await;
    directory
}

/// LDIF that is loaded before a start, in a folder that goes with it.
fn ldif(write: impl FnOnce(&mut std::fs::File)) -> (TempDir, SlapdOptions) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.ldif");
    write(&mut std::fs::File::create(&path).unwrap());
    (folder, SlapdOptions { load: Some(path), ..SlapdOptions::default() })
}

/// The uid that the server gave an entry.
pub(super) fn uuid(directory: &Directory<Slapd>, dn: &str) -> String {
    let entry = directory.server.tools().entry(directory.server.admin().bind(), dn, &["entryUUID"]).unwrap();
    entry.unwrap_or_else(|| panic!("{dn} is not there")).text("entryUUID").unwrap().to_owned()
}

pub(super) fn sorted(mut values: Vec<String>) -> Vec<String> {
    values.sort();
    values
}

/// A group of these members, added by the server's own tool; its DN.
fn group(directory: &Directory<Slapd>, name: &str, members: &[String]) -> String {
    let mut ldif = Vec::new();
    people::write_group(GROUPS, name, members.iter().cloned(), &mut ldif).unwrap();
    directory.server.tools().add(directory.server.admin().bind(), &String::from_utf8(ldif).unwrap()).unwrap();
    format!("cn={name},{GROUPS}")
}

#[tokio::test]
async fn the_schema_is_what_the_server_says_of_its_classes() {
    let directory = connected().await;
    let schema = directory.bed.core.get(&directory.bed.at("/schema")).await.expect(200).json();
    let class = |name: &str| {
        let classes = schema["classes"].as_array().unwrap();
        classes.iter().find(|class| class["name"] == name).unwrap_or_else(|| panic!("{name}: {schema}")).clone()
    };
    let attribute = |class: &Json, name: &str| {
        let all = class["attributes"].as_array().unwrap();
        all.iter().find(|attribute| attribute["name"] == name).unwrap_or_else(|| panic!("{name}: {class}")).clone()
    };
    let (account, group) = (class("account"), class("group"));
    assert_eq!(
        (&account["kind"], &group["kind"], &class("unit")["kind"]),
        (&json!("account"), &json!("entitlement"), &json!("container"))
    );
    assert_eq!(attribute(&account, "jpegPhoto")["syntax"], "binary");
    assert_eq!(attribute(&account, "manager")["syntax"], "reference");
    assert_eq!(attribute(&account, "enabled")["syntax"], "boolean");
    assert_eq!(attribute(&account, "sn")["required"], true);
    assert_eq!(attribute(&account, "mail")["multiValued"], true);
    assert_eq!(attribute(&account, "password")["readable"], false);
    attribute(&group, "member");
}

#[tokio::test]
async fn people_and_groups_come_in_joined_as_ldapsearch_sees_them_odd_names_and_all() {
    let (_folder, options) = ldif(|file| {
        people::write(PEOPLE, 300, file).unwrap();
        file.write_all(people::awkward(PEOPLE).as_bytes()).unwrap();
        let odd = people::AWKWARD.iter().map(|(_, name)| people::awkward_dn(PEOPLE, name));
        people::write_group(GROUPS, "odd, \"very\"", odd, file).unwrap();
        people::write_group(GROUPS, "all", (1..=300).map(|n| people::dn(PEOPLE, n)), file).unwrap();
    });
    let directory = Directory::with(options).await;
    directory.connect_and_refresh(&directory.body()).await;
    let task = directory.bed.import_published().await;
    assert_eq!(task["counts"]["rejected"], 0, "{task}");

    let (tools, admin) = (directory.server.tools(), directory.server.admin());
    let filter = "(objectClass=inetOrgPerson)";
    let truth =
        tools.search(admin.bind(), PEOPLE, Scope::Sub, filter, &["entryUUID", "cn", "sn", "mail", "title"]).unwrap();
    assert_eq!(truth.len(), 300 + people::AWKWARD.len());
    let published = directory.bed.published("account").await;
    for entry in &truth {
        let uid = entry.text("entryUUID").unwrap();
        let object =
            published.iter().find(|object| object["uid"] == uid).unwrap_or_else(|| panic!("{} is missing", entry.dn));
        for name in ["cn", "sn", "mail", "title"] {
            let ours = object["attributes"][name].as_array().cloned().unwrap_or_default();
            // A text with a NUL travels as bytes.
            if entry.texts(name).iter().any(|text| text.contains('\0')) {
                assert!(ours[0]["binary"].is_string(), "{object}");
                continue;
            }
            assert_eq!(
                ours,
                entry.texts(name).iter().map(|text| json!(text)).collect::<Vec<_>>(),
                "{name} of {}",
                entry.dn
            );
        }
    }
    let links = directory.bed.core.get(&directory.bed.at("/published/group/links/member")).await.expect(200).lines();
    assert_eq!(links.len(), 300 + people::AWKWARD.len());
    let unjoined: Vec<_> =
        links.iter().filter(|link| link["target"]["uid"].is_null() || link["target"]["class"] != "account").collect();
    assert!(unjoined.is_empty(), "{unjoined:?}");
}

#[tokio::test]
async fn an_account_is_created_read_changed_renamed_moved_and_deleted() {
    let directory = connected().await;
    let (bed, tools, admin) = (&directory.bed, directory.server.tools(), directory.server.admin());
    let dn = format!("uid=jane,{PEOPLE}");
    let cn = "Jane, \"JD\" Doe";
    let draft = json!({"name": dn, "attributes": {"cn": [cn], "sn": ["Doe"], "mail": ["jane@ldap.test"]}});
    let uid =
        bed.core.post(&bed.at("/objects/account"), &draft).await.expect(201).json()["uid"].as_str().unwrap().to_owned();
    assert_eq!(uuid(&directory, &dn), uid);
    let read = bed.core.get(&bed.account(&uid)).await.expect(200).json();
    assert_eq!(
        (&read["attributes"]["mail"], &read["attributes"]["cn"]),
        (&json!(["jane@ldap.test"]), &json!([cn])),
        "{read}"
    );
    bed.core.post(&bed.at("/objects/account"), &draft).await.problem(409, "already-exists");

    let change = json!({"name": format!("uid=jane.doe,{PEOPLE}"), "changes": {
        "mail": {"add": ["second@ldap.test"]}, "sn": {"replace": ["Smith"]}, "title": {"replace": []},
    }});
    bed.core.patch(&bed.account(&uid), &change).await.expect(200);
    assert!(tools.entry(admin.bind(), &dn, &[]).unwrap().is_none(), "it has its old name still");
    let dn = format!("uid=jane.doe,{PEOPLE}");
    assert_eq!(directory.texts(&dn, "mail"), ["jane@ldap.test", "second@ldap.test"]);
    assert_eq!(directory.texts(&dn, "sn"), ["Smith"]);
    let corrected = json!({"changes": {"mail": {"remove": ["second@ldap.test"], "add": ["Second@ldap.test"]}}});
    bed.core.patch(&bed.account(&uid), &corrected).await.expect(200);
    assert_eq!(sorted(directory.texts(&dn, "mail")), ["Second@ldap.test", "jane@ldap.test"]);

    let unit =
        bed.core.post(&bed.at("/objects/unit"), &json!({"name": format!("ou=left,{PEOPLE}"), "attributes": {}})).await;
    let unit = unit.expect(201).json()["uid"].as_str().unwrap().to_owned();
    bed.core.patch(&bed.account(&uid), &json!({"container": unit})).await.expect(200);
    let moved = format!("uid=jane.doe,ou=left,{PEOPLE}");
    assert_eq!(uuid(&directory, &moved), uid, "an entry keeps its uid wherever it goes");

    bed.core.delete(&bed.account(&uid)).await.expect(204);
    assert!(tools.entry(admin.bind(), &moved, &[]).unwrap().is_none());
    bed.core.get(&bed.account(&uid)).await.problem(404, "unknown-uid");
    bed.core
        .patch(&bed.account(&uid), &json!({"changes": {"sn": {"replace": ["X"]}}}))
        .await
        .problem(404, "unknown-uid");
}

#[tokio::test]
async fn every_odd_name_makes_the_way_there_and_back() {
    let directory = connected().await;
    let bed = &directory.bed;
    // The host takes no text with a NUL.
    for (what, name) in people::AWKWARD.into_iter().filter(|(_, name)| !name.contains('\0')) {
        let dn = people::awkward_dn(PEOPLE, name);
        let draft =
            json!({"name": dn, "attributes": {"cn": [name], "sn": [what], "description": [format!("({what}*)")]}});
        let created = bed.core.post(&bed.at("/objects/account"), &draft).await;
        assert_eq!(created.status, 201, "{what}: {}", created.text);
        let uid = created.json()["uid"].as_str().unwrap().to_owned();
        assert_eq!(uuid(&directory, &dn), uid, "{what}");
        let read = bed.core.get(&bed.account(&uid)).await.expect(200).json();
        assert_eq!(read["attributes"]["sn"], json!([what]), "{read}");
        let filter = format!("description eq \"({what}*)\"")
            .replace(' ', "%20")
            .replace('"', "%22")
            .replace('(', "%28")
            .replace(')', "%29")
            .replace('*', "%2A");
        let found = bed.core.get(&bed.at(&format!("/objects/account?filter={filter}"))).await.expect(200).json();
        let found = found["objects"].as_array().unwrap().clone();
        assert_eq!(
            found.iter().map(|object| object["uid"].as_str().unwrap()).collect::<Vec<_>>(),
            [uid.as_str()],
            "{what}"
        );
        bed.core.delete(&bed.account(&uid)).await.expect(204);
        assert!(directory.server.tools().entry(directory.server.admin().bind(), &dn, &[]).unwrap().is_none(), "{what}");
    }
}

#[tokio::test]
async fn a_grant_adds_one_member_and_a_revoke_takes_one_and_each_says_already() {
    let directory = connected().await;
    let bed = &directory.bed;
    let (ada, bob) = (directory.person("ada", "Start-Pass1"), directory.person("bob", "Start-Pass1"));
    let dn = group(&directory, "staff", &[ada.clone(), format!("uid=foreign,{PEOPLE}")]);
    let (bob_uid, staff) = (uuid(&directory, &bob), uuid(&directory, &dn));
    let entitlement = format!("{}/entitlements/group/{staff}", bed.account(&bob_uid));
    let outcome =
        |answer: hawser_tests::client::Answer| answer.expect(200).json()["outcome"].as_str().unwrap().to_owned();

    assert_eq!(outcome(bed.core.put(&entitlement, &json!({})).await), "granted");
    assert_eq!(sorted(directory.texts(&dn, "member")), [ada.clone(), bob.clone(), format!("uid=foreign,{PEOPLE}")]);
    assert_eq!(directory.texts(&bob, "memberOf"), std::slice::from_ref(&dn));
    assert_eq!(outcome(bed.core.put(&entitlement, &json!({})).await), "already-granted");
    let listed = bed.core.get(&format!("{}/entitlements", bed.account(&bob_uid))).await.expect(200).json();
    assert_eq!(listed["assignments"][0]["entitlement"]["uid"], staff.as_str(), "{listed}");
    assert_eq!(outcome(bed.core.delete(&entitlement).await), "revoked");
    assert_eq!(outcome(bed.core.delete(&entitlement).await), "already-revoked");
    assert_eq!(
        sorted(directory.texts(&dn, "member")),
        [ada, format!("uid=foreign,{PEOPLE}")],
        "a foreign member survives"
    );
}

#[tokio::test]
async fn a_password_is_set_by_the_policy_and_the_person_logs_in_with_it() {
    let directory = connected().await;
    let (bed, tools) = (&directory.bed, directory.server.tools());
    let dn = directory.person("ada", "Start-Pass1");
    let uid = uuid(&directory, &dn);
    let password = format!("{}/password", bed.account(&uid));

    let weak = bed.core.put(&password, &json!({"new": "short"})).await.problem(422, "invalid-attribute-value");
    weak.names("password");
    assert!(tools.may_bind(&dn, "Start-Pass1").unwrap(), "a refused password replaced the old one");
    bed.core.put(&password, &json!({"new": "Second-Pass2"})).await.expect(204);
    assert!(tools.may_bind(&dn, "Second-Pass2").unwrap() && !tools.may_bind(&dn, "Start-Pass1").unwrap());

    let wrong = bed.core.put(&password, &json!({"old": "Wrong-Pass9", "new": "Third-Pass3"})).await;
    wrong.problem(422, "invalid-credential");
    bed.core.put(&password, &json!({"old": "Second-Pass2", "new": "Third-Pass3"})).await.expect(204);
    assert!(tools.may_bind(&dn, "Third-Pass3").unwrap());

    let attempt = |password: &str| json!({"class": "account", "name": dn, "password": password});
    let right = bed.core.post(&bed.at("/authenticate"), &attempt("Third-Pass3")).await.expect(200).json();
    assert_eq!(right["uid"], uid.as_str());
    bed.core.post(&bed.at("/authenticate"), &attempt("Wrong-Pass9")).await.problem(422, "invalid-credential");

    bed.core.put(&password, &json!({"new": "Fourth-Pass4", "mustChange": true})).await.expect(204);
    assert_eq!(directory.texts(&dn, "pwdReset"), ["TRUE"]);
    bed.core.post(&bed.at("/authenticate"), &attempt("Fourth-Pass4")).await.problem(422, "password-expired");
    let read = bed.core.get(&bed.account(&uid)).await.expect(200).json();
    assert_eq!(read["attributes"]["force-password-change"], json!([true]), "{read}");
}

#[tokio::test]
async fn an_account_is_locked_by_guessing_unlocked_disabled_and_enabled() {
    let directory = connected().await;
    let (bed, tools) = (&directory.bed, directory.server.tools());
    let dn = directory.person("ada", "Start-Pass1");
    let uid = uuid(&directory, &dn);
    for _ in 0..5 {
        assert!(!tools.may_bind(&dn, "Wrong-Pass9").unwrap());
    }
    let attempt = json!({"class": "account", "name": dn, "password": "Start-Pass1"});
    bed.core.post(&bed.at("/authenticate"), &attempt).await.problem(422, "account-locked");
    let read = bed.core.get(&bed.account(&uid)).await.expect(200).json();
    assert_eq!(read["attributes"]["locked-out"], json!([true]), "{read}");

    let change = |attribute: &str, value: bool| json!({"changes": {attribute: {"replace": [value]}}});
    bed.core.patch(&bed.account(&uid), &change("locked-out", false)).await.expect(200);
    assert!(tools.may_bind(&dn, "Start-Pass1").unwrap(), "it is locked still");
    bed.core.patch(&bed.account(&uid), &change("enabled", false)).await.expect(200);
    assert!(!tools.may_bind(&dn, "Start-Pass1").unwrap(), "a disabled account logs in");
    let read = bed.core.get(&bed.account(&uid)).await.expect(200).json();
    assert_eq!(read["attributes"]["enabled"], json!([false]), "{read}");
    bed.core.patch(&bed.account(&uid), &change("enabled", true)).await.expect(200);
    assert!(tools.may_bind(&dn, "Start-Pass1").unwrap());

    // Both at once, of somebody who is locked: the server keeps both in one attribute.
    for _ in 0..5 {
        assert!(!tools.may_bind(&dn, "Wrong-Pass9").unwrap());
    }
    let both =
        |enabled: bool| json!({"changes": {"enabled": {"replace": [enabled]}, "locked-out": {"replace": [false]}}});
    bed.core.patch(&bed.account(&uid), &both(false)).await.expect(200);
    assert_eq!(directory.texts(&dn, "pwdAccountLockedTime"), ["000001010000Z"]);
    assert!(!tools.may_bind(&dn, "Start-Pass1").unwrap(), "unlocking enabled a disabled account");
    bed.core.patch(&bed.account(&uid), &both(true)).await.expect(200);
    assert!(tools.may_bind(&dn, "Start-Pass1").unwrap());
}

#[tokio::test]
async fn a_size_limit_fails_the_pass_and_removes_nobody() {
    let (_folder, options) = ldif(|file| people::write(PEOPLE, 600, file).unwrap());
    let directory = Directory::with(SlapdOptions { service_is_limited: true, size_limit: 500, ..options }).await;
    directory.connect_and_refresh(&directory.body()).await;
    let task = directory.bed.import().await;
    assert_eq!((&task["state"], &task["error"]["kind"]), (&json!("failed"), &json!("quota-exceeded")), "{task}");
    assert_eq!(directory.bed.published("account").await.len(), 0);
}

#[tokio::test]
async fn a_referral_is_not_followed() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}/ou=people,dc=elsewhere,dc=test", elsewhere.local_addr().unwrap());
    let directory = Directory::with(SlapdOptions { referral: Some(url), ..SlapdOptions::default() }).await;
    directory.person("ada", "Start-Pass1");
    directory.connect_and_refresh(&directory.body()).await;
    let task = directory.bed.import_published().await;
    assert_eq!(directory.bed.published("account").await.len(), 1, "{task}");
    let came = tokio::time::timeout(Duration::from_millis(100), elsewhere.accept()).await;
    assert!(came.is_err(), "somebody went where it refers to");
}

#[tokio::test]
async fn logins_by_start_tls_and_by_a_certificate_are_as_good() {
    let directory = Directory::new().await;
    directory.person("ada", "Start-Pass1");
    let mut body = directory.body();
    body["options"]["security"] = json!("start-tls");
    body["options"]["port"] = json!(directory.server.ldap_port());
    directory.connect_and_refresh(&body).await;
    assert_eq!(directory.bed.import_published().await["counts"]["rejected"], 0);

    // The password goes with the address: whoever moves the connection enters it again, or does without.
    let moved = directory.bed.operator.put(&directory.bed.at(""), &without_password(directory.body())).await;
    moved.problem(403, "credential-denied").names("bind-password");
    let client = directory.server.client();
    let mut body = without_password(directory.body());
    body["options"].as_object_mut().unwrap().remove("bind-dn");
    let pem = client.certificate_pem().unwrap() + &client.key_pem().unwrap();
    body["securedOptions"] = json!({"client-key": {"value": pem}});
    directory.bed.operator.delete(&directory.bed.at("/secured-options/bind-password")).await.expect(204);
    directory.bed.operator.put(&directory.bed.at(""), &body).await.expect(200);
    let task = directory.bed.import_published().await;
    assert_eq!((&task["counts"]["inserted"], &task["counts"]["rejected"]), (&json!(0), &json!(0)), "{task}");
    let outcome = loop {
        let newest = directory.bed.audit().await.into_iter().rfind(|entry| entry["action"] == "task.import").unwrap();
        // It is written when the import is visible already.
        if newest["outcome"].is_object() {
            break newest;
        }
    };
    let place = format!("ldaps ldaps://127.0.0.1:{}", directory.server.ldaps_port());
    assert_eq!(outcome["outcome"]["destinations"], json!([place]), "{outcome}");
    assert_eq!(outcome["outcome"]["credentials"], json!(["client-key"]), "{outcome}");
}

fn without_password(mut body: Json) -> Json {
    body["securedOptions"] = json!({});
    body
}

#[tokio::test]
async fn a_group_of_a_hundred_thousand_and_an_attribute_of_five_thousand_values_come_whole() {
    const MEMBERS: u64 = 100_000;
    let (_folder, options) = ldif(|file| {
        people::write(PEOPLE, MEMBERS, file).unwrap();
        people::write_group(GROUPS, "all", (1..=MEMBERS).map(|n| people::dn(PEOPLE, n)), file).unwrap();
        let mut many = format!("dn: cn=many,{PEOPLE}\nobjectClass: inetOrgPerson\ncn: many\nsn: many\n");
        (0..5_000).for_each(|n| writeln!(many, "description: value {n}").unwrap());
        writeln!(file, "{many}").unwrap();
    });
    let directory = Directory::with(options).await;
    directory.connect_and_refresh(&directory.body()).await;
    let task = directory.bed.import_published().await;
    assert_eq!(task["counts"]["rejected"], 0, "{task}");
    let counts = directory.bed.core.get(&directory.bed.at("/published")).await.expect(200).json().to_string();
    assert!(counts.contains("\"links\":100000") && counts.contains("100001"), "{counts}");
    let many = uuid(&directory, &format!("cn=many,{PEOPLE}"));
    let object =
        directory.bed.core.get(&directory.bed.at(&format!("/published/account/{many}"))).await.expect(200).json();
    assert_eq!(object["attributes"]["description"].as_array().unwrap().len(), 5_000);
    let links = directory.bed.core.get(&directory.bed.at("/published/group/links/member")).await.expect(200).lines();
    assert!(links.iter().all(|link| link["target"]["class"] == "account"), "some members were not joined");
}

#[tokio::test]
async fn a_wrong_service_password_is_the_connections_fault() {
    let directory = Directory::new().await;
    let mut body = directory.body();
    body["securedOptions"]["bind-password"]["value"] = json!("wrong");
    directory.connect(&body).await;
    let refused = directory.bed.operator.order(&directory.bed.at("/schema/refresh")).await;
    refused.problem(502, "connection-failed").names("login of this connection");
    let anybody = directory.server.tools().whoami(Bind::Anonymous).unwrap();
    assert_eq!(anybody, "anonymous", "slapd is well");
}
