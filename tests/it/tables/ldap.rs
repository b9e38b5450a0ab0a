//! The tables of a real directory: all entries in one, and one for each attribute that points at entries.

use hawser_tests::bed::items;
use hawser_tests::directory::{Directory, GROUPS, PEOPLE};

use super::{rows, table};

#[tokio::test]
async fn entries_are_one_table_and_each_reference_is_one_of_uids() {
    let directory = Directory::new().await;
    let dns = ["ada", "bob"].map(|uid| directory.person(uid, "Secret-1234567"));
    let tools = directory.server.tools();
    let admin = directory.server.admin();
    let group = format!(
        "dn: cn=staff,{GROUPS}\nobjectClass: groupOfNames\ncn: staff\nmember: {}\nmember: {}\n",
        dns[0], dns[1]
    );
    let lost = format!("member: uid=nobody,{PEOPLE}\n");
    tools.add(admin.bind(), &(group + &lost)).unwrap();
    let boss = format!(
        "dn: {}\nchangetype: modify\nadd: manager\nmanager: {1}\n-\nadd: secretary\nsecretary: {1}\n",
        dns[1],
        dns[0].to_uppercase()
    );
    tools.modify(admin.bind(), &boss).unwrap();
    directory.connect_and_refresh(&directory.body()).await;
    let bed = &directory.bed;
    let tables = items(&bed.core.get(&bed.at("/tables")).await.expect(200));
    let suffixes: Vec<&str> = tables.iter().map(|table| table["suffix"].as_str().unwrap()).collect();
    assert_eq!(suffixes[0], "entries");
    assert!(suffixes.contains(&"member") && suffixes.contains(&"manager"), "{suffixes:?}");

    bed.import_published().await;
    let entries = rows(&table(bed, "entries", "").await);
    let uid = |name: &str| {
        let named = entries.values().find(|row| row[":name"].to_lowercase().starts_with(name));
        named.unwrap_or_else(|| panic!("no {name}: {entries:?}"))[":uid"].clone()
    };
    let (ada, bob, staff) = (uid("uid=ada,"), uid("uid=bob,"), uid("cn=staff,"));
    assert_eq!((entries[&ada][":class"].as_str(), entries[&staff][":class"].as_str()), ("account", "group"));
    assert_eq!(entries[&bob]["manager"], format!("[\"{ada}\"]"), "a DN in any spelling is the uid of the entry");
    assert_eq!(entries[&ada]["mail"], "[\"ada@ldap.test\"]", "several values are allowed: a list");

    let members = rows(&table(bed, "member", "").await);
    let mut expected = [format!("{staff}>{ada}"), format!("{staff}>{bob}")];
    expected.sort();
    assert_eq!(members.keys().cloned().collect::<Vec<_>>(), expected);
    let managers = rows(&table(bed, "manager", "").await);
    assert_eq!(managers.keys().cloned().collect::<Vec<_>>(), [format!("{bob}>{ada}")]);
    let aside = bed.core.get(&bed.at("/tables/member/set-aside")).await.expect(200).lines();
    assert!(aside.len() == 1 && aside[0]["record"].as_str().unwrap().contains("uid=nobody"), "{aside:?}");

    // His secretary is named otherwise, and nobody keeps that reference: whom it names now is nobody.
    let since = table(bed, "secretary", "").await.header("hawser-position").to_owned();
    assert_eq!(rows(&table(bed, "secretary", "").await).len(), 1);
    let renamed = format!("dn: {}\nchangetype: modrdn\nnewrdn: uid=eva\ndeleteoldrdn: 1\n", dns[0]);
    tools.modify(admin.bind(), &renamed).unwrap();
    bed.import_published().await;
    assert_eq!(rows(&table(bed, "secretary", "").await).len(), 0);
    let gone = rows(&table(bed, "secretary", &format!("?since={since}")).await);
    let mut told: Vec<_> = gone.values().map(|row| (row["command"].as_str(), row[":owner"].as_str())).collect();
    let mut expected = [("delete", bob.as_str()), ("delete", ada.as_str())];
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected, "of him because of her, and of her because she changed");

    // He has no manager any more: all of his rows go, and none comes.
    let since = table(bed, "manager", "").await.header("hawser-position").to_owned();
    let none = format!("dn: {}\nchangetype: modify\ndelete: manager\n", dns[1]);
    tools.modify(admin.bind(), &none).unwrap();
    bed.import_published().await;
    let changed = rows(&table(bed, "manager", &format!("?since={since}")).await);
    let told: Vec<_> =
        changed.values().map(|row| (row["command"].as_str(), row[":owner"].as_str(), row[":value"].as_str())).collect();
    assert_eq!(told, [("delete", bob.as_str(), "")]);
}
