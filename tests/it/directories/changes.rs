//! Incremental imports from real directories: what changed there since the last import, deletions and memberships
//! included.

use hawser::cli::demo::server::people;
use hawser::cli::demo::server::slapd::SlapdOptions;
use hawser_tests::directory::{Directory, GROUPS, PEOPLE, Server};
use serde_json::{Value as Json, json};

/// Imports what changed.
async fn caught_up<S: Server>(directory: &Directory<S>) -> Json {
    let bed = &directory.bed;
    let order = bed.core.post(&bed.at("/imports"), &json!({"mode": "incremental"})).await.expect(202);
    let task = bed.settled(order.header("location")).await;
    assert_eq!(task["state"], "succeeded", "{task}");
    task
}

fn counts(task: &Json) -> [u64; 5] {
    ["inserted", "updated", "deleted", "linksAdded", "linksRemoved"].map(|name| task["counts"][name].as_u64().unwrap())
}

/// The members of a group as published, by name.
async fn members<S: Server>(directory: &Directory<S>, group: &str) -> Vec<String> {
    let bed = &directory.bed;
    let accounts = bed.published("account").await;
    let groups = bed.published("group").await;
    let group = groups.iter().find(|it| it["name"].as_str().unwrap().eq_ignore_ascii_case(group)).unwrap();
    let links = bed.core.get(&bed.at("/published/group/links/member")).await.expect(200).lines();
    let of_it = links.iter().filter(|link| link["owner"]["uid"] == group["uid"]);
    let name = |link: &Json| {
        let account = accounts.iter().find(|account| account["uid"] == link["target"]["uid"]);
        account.unwrap_or_else(|| panic!("nobody is {link}"))["name"].as_str().unwrap().to_owned()
    };
    let mut names: Vec<String> = of_it.map(name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn changes_of_a_slapd_come_by_its_cookie() {
    let folder = tempfile::tempdir().unwrap();
    let load = folder.path().join("load.ldif");
    let mut file = std::fs::File::create(&load).unwrap();
    people::write(PEOPLE, 100, &mut file).unwrap();
    drop(file);
    let directory = Directory::with(SlapdOptions { load: Some(load), ..SlapdOptions::default() }).await;
    // Added while the server runs: it minds only such memberships when somebody goes.
    let mut group = Vec::new();
    people::write_group(GROUPS, "staff", [1, 2, 3].map(|n| people::dn(PEOPLE, n)), &mut group).unwrap();
    let (tools, admin) = (directory.server.tools(), directory.server.admin());
    tools.add(admin.bind(), &String::from_utf8(group).unwrap()).unwrap();
    directory.connect_and_refresh(&directory.body()).await;
    directory.bed.import_published().await;
    assert_eq!(counts(&caught_up(&directory).await), [0; 5], "nothing happened yet");

    let staff = format!("cn=staff,{GROUPS}");
    let dn = |n| people::dn(PEOPLE, n);
    tools.add(admin.bind(), &people::person(PEOPLE, 101)).unwrap();
    let changes = [
        format!("dn: {}\nchangetype: modify\nreplace: title\ntitle: Boss\n", dn(50)),
        format!("dn: {}\nchangetype: modrdn\nnewrdn: uid=renamed\ndeleteoldrdn: 1\n", dn(51)),
        format!("dn: {}\nchangetype: delete\n", dn(2)),
        format!("dn: {staff}\nchangetype: modify\nadd: member\nmember: {}\n", dn(101).to_uppercase()),
    ];
    tools.modify(admin.bind(), &changes.join("\n")).unwrap();
    let task = caught_up(&directory).await;
    assert_eq!(counts(&task)[0], 1, "{task}");
    assert_eq!(counts(&task)[2..], [1, 1, 1], "{task}");
    assert_eq!(members(&directory, &staff).await, [dn(1), dn(101), dn(3)]);
    let accounts = directory.bed.published("account").await;
    assert_eq!(accounts.len(), 100);
    assert!(accounts.iter().any(|account| account["name"] == format!("uid=renamed,{PEOPLE}")));
    assert!(
        accounts.iter().any(|account| account["name"] == dn(50) && account["attributes"]["title"] == json!(["Boss"]))
    );

    // A complete pass finds nothing that the changes had not told.
    let task = directory.bed.import_published().await;
    assert_eq!(counts(&task), [0; 5], "{task}");
}

#[tokio::test]
async fn changes_of_a_samba_domain_come_by_dirsync() {
    let (people_base, groups_base) = ("OU=People,DC=ad,DC=test", "OU=Groups,DC=ad,DC=test");
    let directory = Directory::samba().await;
    let (tools, admin) = (directory.server.tools(), directory.server.admin());
    let staff = format!("CN=staff,{groups_base}");
    let dn = |n| people::ad_dn(people_base, n);
    let mut ldif: String = (1..=30).map(|n| people::ad_person(people_base, n)).collect();
    ldif.push_str(&format!("dn: {staff}\nobjectClass: group\nsAMAccountName: staff\n"));
    [1, 2, 3].iter().for_each(|n| ldif.push_str(&format!("member: {}\n", dn(*n))));
    tools.add(admin.bind(), &ldif).unwrap();
    let mut body = directory.body();
    body["options"]["account-base"] = json!(people_base);
    body["options"]["group-base"] = json!(groups_base);
    directory.connect_and_refresh(&body).await;
    directory.bed.import_published().await;
    assert_eq!(members(&directory, &staff).await, [dn(1), dn(2), dn(3)]);

    tools.add(admin.bind(), &people::ad_person(people_base, 31)).unwrap();
    let changes = [
        format!("dn: {}\nchangetype: modify\nreplace: title\ntitle: Boss\n", dn(20)),
        format!("dn: {}\nchangetype: delete\n", dn(2)),
        format!(
            "dn: {staff}\nchangetype: modify\nadd: member\nmember: {}\n-\ndelete: member\nmember: {}\n",
            dn(31),
            dn(3)
        ),
    ];
    tools.modify(admin.bind(), &changes.join("\n")).unwrap();
    let task = caught_up(&directory).await;
    assert_eq!((counts(&task)[0], counts(&task)[2], counts(&task)[3], counts(&task)[4]), (1, 1, 1, 2), "{task}");
    assert_eq!(members(&directory, &staff).await, [dn(1), dn(31)]);
    let accounts = directory.bed.published("account").await;
    assert!(
        accounts.iter().any(|account| account["name"] == dn(20) && account["attributes"]["title"] == json!(["Boss"]))
    );
    let task = directory.bed.import_published().await;
    assert_eq!((counts(&task)[0], counts(&task)[2], counts(&task)[3], counts(&task)[4]), (0, 0, 0, 0), "{task}");
}
