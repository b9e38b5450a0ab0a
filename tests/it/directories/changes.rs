//! Incremental imports from real directories: what changed there since the last import, deletions and memberships
//! included.

use std::collections::BTreeMap;

use hawser::cli::demo::server::people;
use hawser::cli::demo::server::slapd::SlapdOptions;
use hawser::cli::demo::server::tools::Scope;
use hawser_tests::directory::{Directory, GROUPS, PEOPLE, Server};
use serde_json::{Value as Json, json};

/// People and the group of staff among them, in the words of one kind of server.
pub(super) struct Staff {
    pub(super) people: &'static str,
    pub(super) group: &'static str,
    pub(super) person: fn(&str, u64) -> String,
    pub(super) dn: fn(&str, u64) -> String,
    /// What a group has to be, as LDIF.
    pub(super) is_group: &'static str,
    /// Which entries are people.
    pub(super) filter: &'static str,
}

const OF_LDAP: Staff = Staff {
    people: PEOPLE,
    group: "cn=staff,ou=groups,dc=ldap,dc=test",
    person: people::person,
    dn: people::dn,
    is_group: "objectClass: groupOfNames\n",
    filter: "(objectClass=inetOrgPerson)",
};
const OF_AD: Staff = Staff {
    people: "OU=People,DC=ad,DC=test",
    group: "CN=staff,OU=Groups,DC=ad,DC=test",
    person: people::ad_person,
    dn: people::ad_dn,
    is_group: "objectClass: group\nsAMAccountName: staff\n",
    filter: "(&(objectCategory=person)(objectClass=user))",
};
/// How many there are at first; the next one is to come.
const AT_FIRST: u64 = 30;

impl Staff {
    fn dn(&self, n: u64) -> String {
        (self.dn)(self.people, n)
    }

    /// Everybody there is at first, and a group of the first three.
    fn at_first(&self) -> String {
        let people: String = (1..=AT_FIRST).map(|n| (self.person)(self.people, n)).collect();
        let members: String = (1..=3).map(|n| format!("member: {}\n", self.dn(n))).collect();
        format!("{people}dn: {}\n{}{members}", self.group, self.is_group)
    }

    /// One changes and one is renamed, and two members make room for one who came.
    fn changes(&self) -> String {
        let naming = self.dn(21).split('=').next().unwrap().to_owned();
        [
            format!("dn: {}\nchangetype: modify\nreplace: title\ntitle: Boss\n", self.dn(20)),
            format!("dn: {}\nchangetype: modrdn\nnewrdn: {naming}=renamed\ndeleteoldrdn: 1\n", self.dn(21)),
            format!("dn: {}\nchangetype: modify\nadd: member\nmember: {}\n", self.group, self.dn(AT_FIRST + 1)),
            format!("dn: {}\nchangetype: modify\ndelete: member\nmember: {}\n", self.group, self.dn(3)),
        ]
        .join("\n")
    }

    /// A member goes.
    fn deletion(&self) -> String {
        format!("dn: {}\nchangetype: delete\n", self.dn(2))
    }
}

/// Makes the people of a server that is connected, and imports them.
async fn begin<S: Server>(directory: &Directory<S>, staff: &Staff) {
    directory.server.tools().add(directory.server.admin().bind(), &staff.at_first()).unwrap();
    directory.bed.import_published().await;
    as_the_server_says(directory, staff).await;
}

/// Makes every kind of change, and expects each of them to be told once, and nothing to be left for a complete pass.
pub(super) async fn are_told<S: Server>(directory: &Directory<S>, staff: &Staff) {
    begin(directory, staff).await;
    let (tools, admin) = (directory.server.tools(), directory.server.admin());
    tools.add(admin.bind(), &(staff.person)(staff.people, AT_FIRST + 1)).unwrap();
    tools.modify(admin.bind(), &[staff.changes(), staff.deletion()].join("\n")).unwrap();
    let task = caught_up(directory).await;
    let [inserted, updated, links @ ..] = counts(&task);
    assert_eq!((inserted, links), (1, [1, 1, 2]), "{task}");
    assert!(updated >= 2, "{task}");
    as_the_server_says(directory, staff).await;
    assert_eq!(counts(&caught_up(directory).await), [0; 5], "all of it was told");

    // That one is a member no more stands with the group; his own `memberOf` may have waited for a complete pass.
    let position = directory.bed.position().await;
    directory.bed.import_published().await;
    let left = directory.bed.changes(position).await;
    let is_back_link = |change: &Json| change["kind"] == "update" && is_named(change, &staff.dn(3));
    assert!(left.iter().all(is_back_link), "{left:?}");
}

fn is_named(row: &Json, name: &str) -> bool {
    row["name"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(name))
}

/// What is published is what the server's own tool finds: who there is, by which name and title, and who is staff.
async fn as_the_server_says<S: Server>(directory: &Directory<S>, staff: &Staff) {
    let (tools, admin) = (directory.server.tools(), directory.server.admin());
    let found = tools.search(admin.bind(), staff.people, Scope::Sub, staff.filter, &["title"]).unwrap();
    let theirs: BTreeMap<String, String> =
        found.iter().map(|entry| (entry.dn.to_lowercase(), entry.text("title").unwrap().to_owned())).collect();
    let accounts = directory.bed.published("account").await;
    let ours = accounts.iter().filter_map(|account| {
        let name = account["name"].as_str().unwrap().to_lowercase();
        let title = || account["attributes"]["title"][0].as_str().unwrap().to_owned();
        name.ends_with(&staff.people.to_lowercase()).then(|| (name, title()))
    });
    assert_eq!(ours.collect::<BTreeMap<_, _>>(), theirs);
    let lower = |mut names: Vec<String>| {
        names.iter_mut().for_each(|name| *name = name.to_lowercase());
        names.sort();
        names
    };
    assert_eq!(lower(members(directory, staff.group).await), lower(directory.texts(staff.group, "member")));
}

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
async fn changes_of_a_slapd_without_content_sync_come_by_their_time_and_deletions_with_a_complete_pass() {
    let directory = Directory::with(SlapdOptions { session_log: None, ..SlapdOptions::default() }).await;
    directory.connect_and_refresh(&directory.body()).await;
    let bed = &directory.bed;
    let checked = bed.core.post(&bed.at("/check"), &json!({"aspect": "incremental"})).await.expect(200).text;
    assert!(checked.contains("deletions show only in a complete pass"), "{checked}");
    begin(&directory, &OF_LDAP).await;

    let (tools, admin) = (directory.server.tools(), directory.server.admin());
    tools.add(admin.bind(), &people::person(PEOPLE, AT_FIRST + 1)).unwrap();
    tools.modify(admin.bind(), &OF_LDAP.changes()).unwrap();
    let task = caught_up(&directory).await;
    let [inserted, _, links @ ..] = counts(&task);
    assert_eq!((inserted, links), (1, [0, 1, 1]), "{task}");
    as_the_server_says(&directory, &OF_LDAP).await;

    tools.modify(admin.bind(), &OF_LDAP.deletion()).unwrap();
    assert_eq!(counts(&caught_up(&directory).await)[2], 0, "nobody can see it");
    assert_eq!(counts(&bed.import_published().await)[2], 1);
    as_the_server_says(&directory, &OF_LDAP).await;
}

#[tokio::test]
async fn changes_of_a_samba_domain_come_by_dirsync() {
    come_from_samba("auto").await;
}

#[tokio::test]
async fn changes_of_a_samba_domain_come_by_its_counter_where_that_is_wanted() {
    come_from_samba("usn").await;
}

async fn come_from_samba(incremental: &str) {
    let directory = Directory::samba().await;
    let mut body = directory.body();
    body["options"]["account-base"] = json!(OF_AD.people);
    body["options"]["group-base"] = json!("OU=Groups,DC=ad,DC=test");
    body["options"]["account-filter"] = json!("(!(title=Contractor))");
    body["options"]["incremental"] = json!(incremental);
    directory.connect_and_refresh(&body).await;
    are_told(&directory, &OF_AD).await;

    // Neither what is no person nor whom the operator's filter leaves out is an account, however it changes.
    let (tools, admin, dn) = (directory.server.tools(), directory.server.admin(), OF_AD.dn(5));
    tools
        .add(admin.bind(), "dn: CN=pc1,OU=People,DC=ad,DC=test\nobjectClass: computer\nsAMAccountName: PC1$\n")
        .unwrap();
    let titled = |title: &str| format!("dn: {dn}\nchangetype: modify\nreplace: title\ntitle: {title}\n");
    tools.modify(admin.bind(), &titled("Contractor")).unwrap();
    assert_eq!(counts(&caught_up(&directory).await), [0, 0, 1, 0, 0]);
    tools.modify(admin.bind(), &titled("Buyer")).unwrap();
    assert_eq!(counts(&caught_up(&directory).await), [1, 0, 0, 0, 0]);
    as_the_server_says(&directory, &OF_AD).await;
    let [inserted, _, others @ ..] = counts(&directory.bed.import_published().await);
    assert_eq!((inserted, others), (0, [0; 3]));
}

/// The names of a class's objects as published, in lower case.
async fn names<S: Server>(directory: &Directory<S>, class: &str) -> Vec<String> {
    let published = directory.bed.published(class).await;
    let mut names: Vec<String> =
        published.iter().map(|object| object["name"].as_str().unwrap().to_lowercase()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_person_of_several_classes_of_a_slapd_is_told_for_each_and_leaves_each_alone() {
    let directory = Directory::new().await;
    let mut body = directory.body();
    body["options"]["more-classes"] = json!(["posixAccount", "person"]);
    body["thresholds"] = json!({"removed": null, "removedPercent": null});
    body["options"]["account-filter"] = json!("(!(title=Contractor))");
    directory.connect_and_refresh(&body).await;
    let (tools, admin) = (directory.server.tools(), directory.server.admin());
    tools.add(admin.bind(), &(1..=3).map(|n| people::person(PEOPLE, n)).collect::<String>()).unwrap();
    directory.bed.import_published().await;
    let dn = |n| people::dn(PEOPLE, n);
    assert_eq!(names(&directory, "posixAccount").await, [""; 0]);

    let changed = |n, changes: &str| format!("dn: {}\nchangetype: modify\n{changes}", dn(n));
    let posix = "add: objectClass\nobjectClass: posixAccount\n-\nadd: uidNumber\nuidNumber: 1\n-\n\
                 add: gidNumber\ngidNumber: 1\n-\nadd: homeDirectory\nhomeDirectory: /srv/one\n";
    let titled = |n, title: &str| changed(n, &format!("replace: title\ntitle: {title}\n"));
    tools.modify(admin.bind(), &[changed(1, posix), titled(2, "Contractor")].join("\n")).unwrap();
    caught_up(&directory).await;
    assert_eq!(names(&directory, "account").await, [dn(1), dn(3)]);
    assert_eq!(names(&directory, "posixAccount").await, [dn(1)]);
    assert_eq!(names(&directory, "person").await, [dn(1), dn(2), dn(3)], "every inetOrgPerson is a person");

    let civil = "delete: objectClass\nobjectClass: posixAccount\n-\ndelete: uidNumber\n-\ndelete: gidNumber\n-\n\
                 delete: homeDirectory\n";
    tools.modify(admin.bind(), &[changed(1, civil), titled(2, "Buyer")].join("\n")).unwrap();
    caught_up(&directory).await;
    assert_eq!(names(&directory, "posixAccount").await, [""; 0]);
    assert_eq!(names(&directory, "account").await, [dn(1), dn(2), dn(3)]);
    assert_eq!(counts(&directory.bed.import_published().await), [0; 5], "a complete pass finds nothing else");
}

#[tokio::test]
async fn in_a_samba_domain_computers_are_told_as_such_and_groups_that_come_from_elsewhere_have_their_members() {
    let directory = Directory::samba().await;
    let mut body = directory.body();
    body["options"]["base-dn"] = json!(OF_AD.people);
    body["options"]["account-base"] = json!(OF_AD.people);
    body["options"]["group-base"] = json!("OU=Groups,DC=ad,DC=test");
    body["options"]["more-classes"] = json!(["computer"]);
    body["thresholds"] = json!({"removed": null, "removedPercent": null});
    directory.connect_and_refresh(&body).await;
    let (tools, admin) = (directory.server.tools(), directory.server.admin());
    let computer = format!("CN=pc1,{}", OF_AD.people);
    let elsewhere = "CN=staff,DC=ad,DC=test";
    let group = format!("dn: {elsewhere}\n{}member: {}\nmember: {}\n", OF_AD.is_group, OF_AD.dn(1), OF_AD.dn(2));
    let people: String = (1..=3).map(|n| (OF_AD.person)(OF_AD.people, n)).collect();
    let pc = format!("dn: {computer}\nobjectClass: computer\nsAMAccountName: PC1$\n");
    tools.add(admin.bind(), &[people, group, pc].join("\n")).unwrap();
    directory.bed.import_published().await;
    assert_eq!(names(&directory, "computer").await, [computer.to_lowercase()]);

    let described = format!("dn: {computer}\nchangetype: modify\nreplace: description\ndescription: new\n");
    let moved = format!(
        "dn: {elsewhere}\nchangetype: modrdn\nnewrdn: CN=staff\ndeleteoldrdn: 1\nnewsuperior: OU=Groups,DC=ad,DC=test\n"
    );
    tools.modify(admin.bind(), &[described, moved].join("\n")).unwrap();
    caught_up(&directory).await;
    let computers = directory.bed.published("computer").await;
    assert_eq!(computers[0]["attributes"]["description"], json!(["new"]), "{computers:?}");
    assert_eq!(names(&directory, "account").await.len(), 3, "a computer is no account");
    assert_eq!(members(&directory, OF_AD.group).await.len(), 2, "it came with its members");
    let [inserted, _, others @ ..] = counts(&directory.bed.import_published().await);
    assert_eq!((inserted, others), (0, [0; 3]), "a complete pass finds nothing else");
}
