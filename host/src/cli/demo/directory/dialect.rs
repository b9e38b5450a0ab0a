//! What differs between the two directories of the demo.

use super::super::server::{samba, slapd};
use super::super::target::{REACHES_METADATA, Terms};

/// A kind of directory, and where the company is in it.
#[derive(Debug)]
pub(in super::super) struct Dialect {
    pub(in super::super) terms: Terms,
    pub(super) suffix: &'static str,
    pub(super) people: &'static str,
    pub(super) groups: &'static str,
    /// The relative name of the people's unit after somebody has moved it.
    pub(super) moved: &'static str,
    /// What names the entry of a person.
    pub(super) naming: &'static str,
    /// The class of people, as a filter finds it.
    pub(super) person_class: &'static str,
    /// The attribute people log in with, and the one with their whole name.
    pub(super) login: &'static str,
    pub(super) full_name: &'static str,
    /// What the connection looks at, of all that the classes allow.
    pub(super) attributes: &'static [&'static str],
    /// Whether the server says who one is (RFC 4532).
    pub(super) tells_who: bool,
}

const VANISHED: [&str; 2] = [
    "The people were moved to another unit: the import is held",
    "Somebody renamed the people's unit and made an empty one in its place. The search succeeds, and finds nobody.",
];
const ASKED: &str = "credential:bind-password:bind";
const RANGE: Option<&str> = Some("network:ldaps:loopback");

/// What is said of OpenLDAP, and but for some of Active Directory too.
const TERMS: Terms = Terms {
    connector: "ldap",
    place: "OpenLDAP",
    given: "givenName",
    family: "sn",
    department: "departmentNumber",
    hidden: "userPassword",
    asked: ASKED,
    range: RANGE,
    // The units of people, groups and password policies.
    others: 3,
    placed: "The host put it into a request of its own (RFC 3062); the connector said for whom, with a handle, and saw \
             neither password nor bytes of it. The server made the hash.",
    checks_passwords: true,
    touched: 0,
    left_behind: 0,
    vanished: VANISHED,
    outside: REACHES_METADATA,
};

/// OpenLDAP, with the classes people usually have there.
pub(in super::super) static OPENLDAP: Dialect = Dialect {
    terms: TERMS,
    suffix: slapd::SUFFIX,
    people: slapd::PEOPLE,
    groups: slapd::GROUPS,
    moved: "ou=staff",
    naming: "uid",
    person_class: "inetOrgPerson",
    login: "uid",
    full_name: "cn",
    attributes: &[
        "uid",
        "cn",
        "givenName",
        "sn",
        "mail",
        "departmentNumber",
        "title",
        "employeeNumber",
        "telephoneNumber",
        "member",
    ],
    tells_who: true,
};

/// Active Directory.
pub(in super::super) static ACTIVE_DIRECTORY: Dialect = Dialect {
    terms: Terms {
        place: "Active Directory (a Samba domain)",
        department: "department",
        hidden: "unicodePwd",
        // The units of people, groups and domain controllers.
        others: 3,
        placed: "The host put it into `unicodePwd`, as UTF-16 in quotes; the connector said for whom, with a handle, and \
                 saw neither password nor bytes of it.",
        ..TERMS
    },
    suffix: samba::SUFFIX,
    people: samba::PEOPLE,
    groups: samba::GROUPS,
    moved: "OU=Staff",
    naming: "CN",
    person_class: "user",
    login: "sAMAccountName",
    full_name: "displayName",
    attributes: &[
        "sAMAccountName",
        "displayName",
        "givenName",
        "sn",
        "mail",
        "department",
        "title",
        "employeeNumber",
        "telephoneNumber",
        "member",
    ],
    tells_who: false,
};
