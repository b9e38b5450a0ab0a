//! Invented people and groups as LDIF for any LDAP directory: many that are alike, for the large loads, and a few whose
//! names hold what means something in a name, a filter or a file.
//!
//! Nothing is drawn at random: the n-th person is the same on every run.

use std::io::{self, Write};

use super::dn::escape;
use super::ldif;

/// The attributes of a person, all with one value; `uid` comes first and names the entry.
pub const ATTRIBUTES: [&str; 10] =
    ["uid", "cn", "sn", "givenName", "mail", "telephoneNumber", "employeeNumber", "title", "departmentNumber", "l"];

const GIVEN: [&str; 10] = ["Ada", "Bjørn", "Chloé", "Dmitri", "Elif", "Femi", "Grace", "Hiroshi", "Ines", "João"];
const FAMILY: [&str; 9] = ["Lovelace", "Ødegård", "Durand", "Ivanov", "Yılmaz", "Okafor", "O'Brien", "Tanaka", "Silva"];
const TITLES: [&str; 4] = ["Engineer", "Accountant", "Counsel", "Buyer"];
const PLACES: [&str; 5] = ["London", "Oslo", "Lyon", "İzmir", "Lagos"];

/// Names of people that need care, each with what it is an example of. Every one is text that a directory takes.
pub const AWKWARD: [(&str, &str); 13] = [
    ("comma", "Doe, Jane"),
    ("plus", "R+D Jane"),
    ("quotes", "Jane \"JD\" Doe"),
    ("backslash", "Jane\\Doe"),
    ("leading blank", " Jane Lead"),
    ("trailing blank", "Jane Trail "),
    ("number sign", "#Jane"),
    ("angle brackets", "<Jane; Doe>"),
    ("equals sign", "cn=Jane"),
    ("filter", "(Jane*)"),
    ("emoji", "Jane 😀"),
    ("NUL", "Jane\0Nul"),
    ("not Latin", "山田 花子"),
];

/// The name of the n-th person, from 1.
pub fn dn(container: &str, n: u64) -> String {
    format!("uid=user{n},{container}")
}

/// Writes so many people (`inetOrgPerson`) below a container that exists.
///
/// # Errors
/// It cannot be written.
pub fn write(container: &str, count: u64, into: &mut impl Write) -> io::Result<()> {
    for n in 1..=count {
        into.write_all(person(container, n).as_bytes())?;
    }
    Ok(())
}

/// The n-th person.
pub fn person(container: &str, n: u64) -> String {
    let mut entry = format!("dn: {}\nobjectClass: inetOrgPerson\n", dn(container, n));
    for (name, value) in ATTRIBUTES.iter().zip(values(n)) {
        entry.push_str(&ldif::line(name, value));
    }
    entry + "\n"
}

/// The n-th person as Active Directory has people: a `user` without a password, which is disabled.
pub fn ad_person(container: &str, n: u64) -> String {
    let [uid, cn, sn, given, mail, phone, number, title, department, place] = values(n);
    let principal = format!("{uid}@ad.test");
    let attributes = [
        ("sAMAccountName", &uid),
        ("userPrincipalName", &principal),
        ("displayName", &cn),
        ("sn", &sn),
        ("givenName", &given),
        ("mail", &mail),
        ("telephoneNumber", &phone),
        ("employeeNumber", &number),
        ("title", &title),
        ("department", &department),
        ("l", &place),
    ];
    let lines: String = attributes.iter().map(|(name, value)| ldif::line(name, value)).collect();
    format!("dn: {}\nobjectClass: user\nuserAccountControl: 514\n{lines}\n", ad_dn(container, n))
}

/// The name of the n-th person of Active Directory, from 1.
pub fn ad_dn(container: &str, n: u64) -> String {
    format!("CN=user{n},{container}")
}

/// What the n-th person's attributes hold, in the order of [`ATTRIBUTES`].
pub fn values(n: u64) -> [String; 10] {
    let (given, family) = (pick(&GIVEN, n), pick(&FAMILY, n));
    [
        format!("user{n}"),
        format!("{given} {family} {n}"),
        family.to_owned(),
        given.to_owned(),
        format!("user{n}@example.com"),
        format!("+44 1632 960{:03}", n % 1000),
        (100_000 + n).to_string(),
        pick(&TITLES, n).to_owned(),
        format!("D{:02}", n % 40),
        pick(&PLACES, n).to_owned(),
    ]
}

/// Writes a group (`groupOfNames`) below a container that exists; it needs at least one member.
///
/// # Errors
/// It cannot be written.
pub fn write_group(
    container: &str,
    name: &str,
    members: impl IntoIterator<Item = String>,
    into: &mut impl Write,
) -> io::Result<()> {
    let dn = format!("cn={},{container}", escape(name));
    write!(into, "{}objectClass: groupOfNames\n{}", ldif::line("dn", dn), ldif::line("cn", name))?;
    for member in members {
        into.write_all(ldif::line("member", member).as_bytes())?;
    }
    writeln!(into)
}

/// Where somebody of one of the [`AWKWARD`] names is; the name is in the distinguished name.
pub fn awkward_dn(container: &str, name: &str) -> String {
    format!("cn={},{container}", escape(name))
}

/// Everybody of the [`AWKWARD`] names (`inetOrgPerson`), below a container that exists; `sn` says what of.
pub fn awkward(container: &str) -> String {
    let entry = |(what, name): &(&str, &str)| {
        let dn = ldif::line("dn", awkward_dn(container, name));
        let (cn, sn) = (ldif::line("cn", name), ldif::line("sn", what));
        format!("{dn}objectClass: inetOrgPerson\n{cn}{sn}\n")
    };
    AWKWARD.iter().map(entry).collect()
}

fn pick<'a>(from: &[&'a str], n: u64) -> &'a str {
    let at = usize::try_from(n).unwrap_or_default().checked_rem(from.len()).unwrap_or_default();
    from.get(at).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEOPLE: &str = "ou=people,dc=test";

    #[test]
    fn people_are_read_back_with_ten_attributes_each_and_no_two_of_a_name() {
        let mut text = Vec::new();
        write(PEOPLE, 100, &mut text).unwrap();
        let entries = ldif::parse(str::from_utf8(&text).unwrap());
        assert_eq!(entries.len(), 100);
        for (entry, n) in entries.iter().zip(1..) {
            assert_eq!(entry.dn, dn(PEOPLE, n));
            for (name, value) in ATTRIBUTES.iter().zip(values(n)) {
                assert_eq!(entry.texts(name), [value]);
            }
        }
        let mut names: Vec<_> = entries.iter().filter_map(|entry| entry.text("cn")).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 100);
    }

    #[test]
    fn people_of_active_directory_are_the_same_people() {
        let entries = ldif::parse(&ad_person("OU=People,DC=ad,DC=test", 7));
        assert_eq!(entries[0].dn, "CN=user7,OU=People,DC=ad,DC=test");
        let [uid, cn, ..] = values(7);
        assert_eq!(entries[0].text("sAMAccountName"), Some(&*uid));
        assert_eq!(entries[0].text("displayName"), Some(&*cn));
    }

    #[test]
    fn a_group_holds_its_members_under_an_escaped_name() {
        let mut text = Vec::new();
        write_group("ou=groups,dc=test", "Legal, all", (1..=2).map(|n| dn(PEOPLE, n)), &mut text).unwrap();
        let groups = ldif::parse(str::from_utf8(&text).unwrap());
        assert_eq!(groups[0].dn, "cn=Legal\\, all,ou=groups,dc=test");
        assert_eq!(groups[0].texts("member"), [dn(PEOPLE, 1), dn(PEOPLE, 2)]);
    }

    #[test]
    fn awkward_names_survive_the_file() {
        let entries = ldif::parse(&awkward(PEOPLE));
        assert_eq!(entries.len(), AWKWARD.len());
        for (entry, (what, name)) in entries.iter().zip(AWKWARD) {
            assert_eq!((entry.text("cn"), entry.text("sn")), (Some(name), Some(what)));
            assert_eq!(entry.dn, awkward_dn(PEOPLE, name));
        }
    }
}
