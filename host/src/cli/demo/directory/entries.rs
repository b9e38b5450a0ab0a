//! The company as LDIF: what slapd loads before its start, and what a domain controller takes over LDAPS.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::super::people::{self, Company, Person, groups_of};
use super::super::server::dn::escape;
use super::super::server::ldif::line;
use super::dialect::{ACTIVE_DIRECTORY, Dialect, OPENLDAP};

/// What OpenLDAP's password policy takes for "locked for good", which is how accounts are disabled there.
const LOCKED_FOR_GOOD: &str = "000001010000Z";
/// `userAccountControl` of an account like any other, and of one that is disabled.
const ENABLED: &str = "512";
const DISABLED: &str = "514";
/// The password everybody in the domain begins with: none is enabled without one.
const FIRST_PASSWORD: &str = "Welcome-2-Hawser!";

/// The name of an account.
pub(super) fn account(dialect: &Dialect, login: &str) -> String {
    format!("{}={},{}", dialect.naming, escape(login), dialect.people)
}

/// The name of a group.
pub(super) fn group(dialect: &Dialect, name: &str) -> String {
    let attribute = if dialect.naming == "CN" { "CN" } else { "cn" };
    format!("{attribute}={},{}", escape(name), dialect.groups)
}

/// A unit that is added.
pub(super) fn unit(dn: &str) -> String {
    let name = dn.split([',', '=']).nth(1).unwrap_or_default();
    format!("{}changetype: add\nobjectClass: organizationalUnit\n{}", line("dn", dn), line("ou", name))
}

/// An entry that gets another relative name.
pub(super) fn renamed(dn: &str, rdn: &str) -> String {
    format!("{}changetype: modrdn\n{}deleteoldrdn: 1\n", line("dn", dn), line("newrdn", rdn))
}

/// Writes everybody and every group for slapd. It is loaded past all overlays, so it says itself who is in which group.
pub(super) fn write_openldap(company: Company, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for index in 0..company.people {
        writeln!(file, "{}", openldap_person(index))?;
    }
    for (index, members) in (0..).zip(members(company, &OPENLDAP)) {
        writeln!(file, "{}objectClass: groupOfNames\n{members}", group_entry(index, &OPENLDAP))?;
    }
    file.flush()
}

/// Everybody and every group for a domain controller.
pub(super) fn active_directory(company: Company) -> String {
    let groups = (0..).zip(members(company, &ACTIVE_DIRECTORY));
    let group = |(index, members): (u64, String)| {
        let account = line("sAMAccountName", people::group_id(index));
        format!("{}objectClass: group\n{account}{members}\n", group_entry(index, &ACTIVE_DIRECTORY))
    };
    (0..company.people).map(|index| ad_person(index) + "\n").chain(groups.map(group)).collect()
}

fn openldap_person(index: u64) -> String {
    let person = Person::new(index);
    let away = if person.active { String::new() } else { line("pwdAccountLockedTime", LOCKED_FOR_GOOD) };
    let names = groups_of(index).map(people::group_name);
    let groups: String = names.iter().map(|name| line("memberOf", group(&OPENLDAP, name))).collect();
    format!("{}objectClass: inetOrgPerson\n{away}{groups}", common(&person, &OPENLDAP))
}

fn ad_person(index: u64) -> String {
    let person = Person::new(index);
    let control = if person.active { ENABLED } else { DISABLED };
    let password = line("unicodePwd", utf16(&format!("\"{FIRST_PASSWORD}\"")));
    format!("{}objectClass: user\nuserAccountControl: {control}\n{password}", common(&person, &ACTIVE_DIRECTORY))
}

/// What people have in both.
fn common(person: &Person, dialect: &Dialect) -> String {
    let attributes = [
        ("dn", account(dialect, &person.user_name)),
        (dialect.login, person.user_name.clone()),
        (dialect.full_name, format!("{} {}", person.given, person.family)),
        ("givenName", person.given.to_owned()),
        ("sn", person.family.to_owned()),
        ("mail", person.mail()),
        (dialect.terms.department, person.department.to_owned()),
        ("title", person.title.to_owned()),
        ("employeeNumber", person.employee_number.to_string()),
        ("telephoneNumber", person.phone.clone()),
    ];
    attributes.iter().map(|(name, value)| line(name, value)).collect()
}

fn group_entry(index: u64, dialect: &Dialect) -> String {
    let name = people::group_name(index);
    let attributes = [("dn", group(dialect, &name)), ("cn", name), ("description", people::group_description(index))];
    attributes.iter().map(|(name, value)| line(name, value)).collect()
}

/// The members of each group, as lines.
fn members(company: Company, dialect: &Dialect) -> Vec<String> {
    let mut members: Vec<String> = (0..company.groups()).map(|_| String::new()).collect();
    for index in 0..company.people {
        let member = line("member", account(dialect, &Person::new(index).user_name));
        for group in groups_of(index) {
            let group = usize::try_from(group).ok().and_then(|group| members.get_mut(group));
            group.into_iter().for_each(|lines| lines.push_str(&member));
        }
    }
    members
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::server::ldif::{Entry, parse};
    use super::*;

    const COMPANY: Company = Company { people: 300 };

    fn openldap() -> Vec<Entry> {
        let file = tempfile::NamedTempFile::new().unwrap();
        write_openldap(COMPANY, file.path()).unwrap();
        parse(&std::fs::read_to_string(file.path()).unwrap())
    }

    fn of_class<'a>(entries: &'a [Entry], class: &str) -> Vec<&'a Entry> {
        entries.iter().filter(|entry| entry.text("objectClass") == Some(class)).collect()
    }

    #[test]
    fn both_directories_hold_the_company() {
        let memberships = usize::try_from(COMPANY.memberships()).unwrap();
        for (entries, person, group) in
            [(openldap(), "inetOrgPerson", "groupOfNames"), (parse(&active_directory(COMPANY)), "user", "group")]
        {
            assert_eq!(of_class(&entries, person).len(), 300);
            let groups = of_class(&entries, group);
            assert_eq!(groups.len(), 200);
            assert_eq!(groups.iter().map(|group| group.texts("member").len()).sum::<usize>(), memberships);
        }
    }

    #[test]
    fn no_group_of_openldap_is_without_a_member_nor_without_one_when_somebody_leaves() {
        let entries = openldap();
        for group in of_class(&entries, "groupOfNames") {
            assert!(!group.texts("member").is_empty(), "{}", group.dn);
        }
        let leaver = account(&OPENLDAP, &Person::new(99).user_name);
        let left = |group: &&&Entry| group.texts("member").contains(&leaver.as_str());
        let groups = of_class(&entries, "groupOfNames");
        assert_eq!(groups.iter().filter(left).count(), 3);
        assert!(groups.iter().filter(left).all(|group| group.texts("member").len() > 1));
    }

    #[test]
    fn who_is_in_a_group_says_so_and_who_is_away_is_locked() {
        let entries = openldap();
        let person = entries.iter().find(|entry| entry.dn == account(&OPENLDAP, &Person::new(39).user_name)).unwrap();
        assert!(!Person::new(39).active);
        assert_eq!(person.text("pwdAccountLockedTime"), Some(LOCKED_FOR_GOOD));
        for name in person.texts("memberOf") {
            let group = entries.iter().find(|entry| entry.dn == name).unwrap();
            assert!(group.texts("member").contains(&person.dn.as_str()), "{name}");
        }
        assert_eq!(person.texts("memberOf").len(), 3);
    }

    #[test]
    fn a_login_fits_into_active_directory() {
        // MS-ADTS, 3.1.1.6: at most 20 characters.
        assert!((0..3_000).all(|index| Person::new(index).user_name.len() <= 20));
    }
}
