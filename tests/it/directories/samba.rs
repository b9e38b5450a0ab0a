//! Active Directory, as Samba serves it. One domain controller for all of these tests: its provisioning is copied, and
//! still takes seconds.

use std::fmt::Write as _;

use hawser::cli::demo::server::people;
use hawser::cli::demo::server::samba::SambaDc;
use hawser::cli::demo::server::tools::Scope;
use hawser_tests::directory::Directory;
use serde_json::{Value as Json, json};

const PEOPLE: &str = "OU=People,DC=ad,DC=test";
const GROUPS: &str = "OU=Groups,DC=ad,DC=test";

async fn connected() -> Directory<SambaDc> {
    let directory = Directory::samba().await;
    let mut body = directory.body();
    body["options"]["base-dn"] = json!("DC=ad,DC=test");
    body["options"]["account-base"] = json!(PEOPLE);
    body["options"]["group-base"] = json!(GROUPS);
    directory.connect_and_refresh(&body).await;
    directory
}

/// Creates an account through the host, with a password; its uid.
async fn hired(directory: &Directory<SambaDc>, name: &str, password: &str) -> String {
    let draft = json!({
        "name": format!("CN={name},{PEOPLE}"),
        "attributes": {"sAMAccountName": [name], "sn": [name], "mail": [format!("{name}@ad.test")], "enabled": [true],
            "password": [password]},
    });
    let bed = &directory.bed;
    let created = bed.core.post(&bed.at("/objects/account"), &draft).await.expect(201).json();
    created["uid"].as_str().unwrap().to_owned()
}

fn may_bind(directory: &Directory<SambaDc>, name: &str, password: &str) -> bool {
    directory.server.tools().may_bind(&format!("{name}@ad.test"), password).unwrap()
}

/// Everything an account goes through, in one domain controller: it takes seconds to start.
#[tokio::test]
async fn an_account_of_active_directory_is_hired_moved_locked_unlocked_and_gone() {
    let directory = connected().await;
    let bed = &directory.bed;
    let uid = hired(&directory, "jane", "Start-Pass1").await;
    let dn = format!("CN=jane,{PEOPLE}");
    assert_eq!(directory.texts(&dn, "userAccountControl"), ["512"]);
    assert!(may_bind(&directory, "jane", "Start-Pass1"), "she cannot log in");
    let shown = directory.server.samba_tool(&["user", "show", "jane"]).unwrap();
    assert!(shown.contains(&format!("objectGUID: {uid}")), "{uid}: {shown}");

    // A refused password leaves nothing half-made behind.
    let weak = json!({
        "name": format!("CN=weak,{PEOPLE}"), "attributes": {"sAMAccountName": ["weak"], "enabled": [true], "password": ["short"]},
    });
    let refused = bed.core.post(&bed.at("/objects/account"), &weak).await.problem(422, "invalid-attribute-value");
    refused.names("password").names("0000052D");
    assert!(!directory.has(&format!("CN=weak,{PEOPLE}")));

    let password = format!("{}/password", bed.account(&uid));
    bed.core.put(&password, &json!({"new": "short"})).await.problem(422, "invalid-attribute-value").names("password");
    bed.core.put(&password, &json!({"new": "Zweites-Paßwort2"})).await.expect(204);
    assert!(may_bind(&directory, "jane", "Zweites-Paßwort2"), "the new one does not work");
    assert!(!may_bind(&directory, "jane", "Start-Pass1"), "the old one works");
    let wrong = bed.core.put(&password, &json!({"old": "Wrong-Pass9", "new": "Third-Pass3"})).await;
    wrong.problem(422, "invalid-credential");
    bed.core.put(&password, &json!({"old": "Zweites-Paßwort2", "new": "Third-Pass3"})).await.expect(204);
    assert!(may_bind(&directory, "jane", "Third-Pass3"));

    let attempt = |password: &str| json!({"class": "account", "name": "jane", "password": password});
    let right = bed.core.post(&bed.at("/authenticate"), &attempt("Third-Pass3")).await.expect(200).json();
    assert_eq!(right["uid"], uid.as_str());
    let wrong =
        bed.core.post(&bed.at("/authenticate"), &attempt("Wrong-Pass9")).await.problem(422, "invalid-credential");
    assert_eq!(wrong.0["code"], "ldap:49:52e", "{wrong:?}");

    for _ in 0..4 {
        may_bind(&directory, "jane", "Wrong-Pass9");
    }
    let locked = bed.core.post(&bed.at("/authenticate"), &attempt("Third-Pass3")).await.problem(422, "account-locked");
    assert_eq!(locked.0["code"], "ldap:49:775", "{locked:?}");
    let change = |attribute: &str, value: bool| json!({"changes": {attribute: {"replace": [value]}}});
    let read = bed.core.get(&bed.account(&uid)).await.expect(200).json();
    assert_eq!(read["attributes"]["locked-out"], json!([true]), "{read}");
    bed.core.patch(&bed.account(&uid), &change("locked-out", false)).await.expect(200);
    assert!(may_bind(&directory, "jane", "Third-Pass3"), "she is locked out still");

    bed.core.patch(&bed.account(&uid), &change("enabled", false)).await.expect(200);
    assert_eq!(directory.texts(&dn, "userAccountControl"), ["514"]);
    bed.core.post(&bed.at("/authenticate"), &attempt("Third-Pass3")).await.problem(422, "account-disabled");
    // Two bits of one number, in one request.
    let bits = |enabled: bool, never: bool| json!({"changes": {"enabled": {"replace": [enabled]}, "password-never-expires": {"replace": [never]}}});
    bed.core.patch(&bed.account(&uid), &bits(false, true)).await.expect(200);
    let shown = directory.server.samba_tool(&["user", "show", "jane"]).unwrap();
    assert!(shown.contains("userAccountControl: 66050"), "{shown}");
    let read = bed.core.get(&bed.account(&uid)).await.expect(200).json();
    assert_eq!(
        (&read["attributes"]["password-never-expires"], &read["attributes"]["enabled"]),
        (&json!([true]), &json!([false])),
        "{read}"
    );
    bed.core.patch(&bed.account(&uid), &bits(true, false)).await.expect(200);
    assert_eq!(directory.texts(&dn, "userAccountControl"), ["512"]);
    let keeper = json!({
        "name": format!("CN=keeper,{PEOPLE}"), "attributes": {"sAMAccountName": ["keeper"], "password-never-expires": [true]},
    });
    bed.core.post(&bed.at("/objects/account"), &keeper).await.expect(201);
    let keeper = directory.texts(&format!("CN=keeper,{PEOPLE}"), "userAccountControl");
    assert_eq!(keeper, ["66050"], "who has no password is not enabled either");
    bed.core.put(&password, &json!({"new": "Fourth-Pass4", "mustChange": true})).await.expect(204);
    assert_eq!(directory.texts(&dn, "pwdLastSet"), ["0"]);
    bed.core.post(&bed.at("/authenticate"), &attempt("Fourth-Pass4")).await.problem(422, "password-expired");

    let left = format!("OU=Left,{PEOPLE}");
    let (tools, admin) = (directory.server.tools(), directory.server.admin());
    tools.add(admin.bind(), &format!("dn: {left}\nobjectClass: organizationalUnit\n")).unwrap();
    bed.core.patch(&bed.account(&uid), &json!({"container": uid_of(&directory, &left)})).await.expect(200);
    assert!(directory.has(&format!("CN=jane,{left}")) && !directory.has(&dn));
    let renamed =
        bed.core.patch(&bed.account(&uid), &json!({"name": format!("CN=Jane \\, Doe,{PEOPLE}")})).await.expect(200);
    assert_eq!(renamed.json()["uid"], uid.as_str());
    bed.core.delete(&bed.account(&uid)).await.expect(204);
    assert!(directory.server.samba_tool(&["user", "show", "jane"]).is_err());
    bed.core.get(&bed.account(&uid)).await.problem(404, "unknown-uid");
}

#[tokio::test]
async fn a_domain_of_two_thousand_comes_in_with_a_group_of_two_thousand_and_one() {
    const MEMBERS: u64 = 2_000;
    let directory = connected().await;
    let bed = &directory.bed;
    let (tools, admin) = (directory.server.tools(), directory.server.admin());
    let mut ldif: String = (1..=MEMBERS).map(|n| people::ad_person(PEOPLE, n)).collect();
    for (what, name) in people::AWKWARD.into_iter().filter(|(what, _)| *what != "NUL") {
        let dn = people::awkward_dn(PEOPLE, name);
        let account = what.replace(' ', "");
        writeln!(ldif, "{}objectClass: user\nsAMAccountName: {account}\nsn: {what}\n", line("dn", &dn)).unwrap();
    }
    writeln!(ldif, "dn: CN=all,{GROUPS}\nobjectClass: group\nsAMAccountName: all").unwrap();
    (1..=MEMBERS).for_each(|n| writeln!(ldif, "member: {}", people::ad_dn(PEOPLE, n)).unwrap());
    writeln!(ldif).unwrap();
    tokio::task::spawn_blocking({
        let (tools, admin) = (tools.clone(), admin.clone());
        move || tools.add(admin.bind(), &ldif).unwrap()
    })
    .await
    .unwrap();
    let ada = hired(&directory, "ada", "Start-Pass1").await;
    let group = uid_of(&directory, &format!("CN=all,{GROUPS}"));
    let entitlement = format!("{}/entitlements/group/{group}", bed.account(&ada));
    let outcome =
        |answer: hawser_tests::client::Answer| answer.expect(200).json()["outcome"].as_str().unwrap().to_owned();
    assert_eq!(outcome(bed.core.put(&entitlement, &json!({})).await), "granted");
    assert_eq!(outcome(bed.core.put(&entitlement, &json!({})).await), "already-granted");

    let task = bed.import_published().await;
    assert_eq!(task["counts"]["rejected"], 0, "{task}");
    let found = tools.search(admin.bind(), PEOPLE, Scope::Sub, "(objectClass=user)", &["sAMAccountName"]).unwrap();
    let accounts = bed.published("account").await;
    assert_eq!(accounts.len(), found.len());
    let names: Vec<&str> =
        accounts.iter().filter_map(|account| account["attributes"]["sAMAccountName"][0].as_str()).collect();
    assert!(found.iter().all(|entry| names.contains(&entry.text("sAMAccountName").unwrap())));
    let links = bed.core.get(&bed.at("/published/group/links/member")).await.expect(200).lines();
    // This server hands out in parts only what is asked for in parts; the connector asks for it all in one.
    let members = |wanted: &str| {
        let found = tools.entry(admin.bind(), &format!("CN=all,{GROUPS}"), &[wanted]).unwrap().unwrap();
        let name = found.attributes[0].0.clone();
        (found.attributes.len() as u64, name)
    };
    assert_eq!(members("member"), (MEMBERS + 1, "member".to_owned()));
    assert_eq!(members("member;range=10-19"), (10, "member;range=10-19".to_owned()));
    assert_eq!(members("member;range=1500-*"), (MEMBERS + 1 - 1500, "member;range=1500-*".to_owned()));
    let of_all: Vec<&Json> = links.iter().filter(|link| link["owner"]["uid"] == group.as_str()).collect();
    assert_eq!(of_all.len() as u64, MEMBERS + 1);
    assert!(of_all.iter().all(|link| link["target"]["class"] == "account" && link["target"]["uid"].is_string()));

    assert_eq!(outcome(bed.core.delete(&entitlement).await), "revoked");
    assert_eq!(outcome(bed.core.delete(&entitlement).await), "already-revoked");
}

/// What the host calls an entry.
pub(super) fn uid_of(directory: &Directory<SambaDc>, dn: &str) -> String {
    let entry = directory.server.tools().entry(directory.server.admin().bind(), dn, &["objectGUID"]).unwrap().unwrap();
    let bytes: Vec<u8> = entry.values("objectGUID").next().unwrap().to_vec();
    let hex = |range: std::ops::Range<usize>, reversed: bool| {
        let mut part = bytes[range].to_vec();
        if reversed {
            part.reverse();
        }
        part.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    // MS-DTYP 2.3.4: the first three parts are little-endian.
    format!("{}-{}-{}-{}-{}", hex(0..4, true), hex(4..6, true), hex(6..8, true), hex(8..10, false), hex(10..16, false))
}

/// A line of LDIF.
fn line(name: &str, value: &str) -> String {
    hawser::cli::demo::server::ldif::line(name, value)
}
