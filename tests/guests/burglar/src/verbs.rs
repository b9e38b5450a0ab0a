//! What nobody may say in a session, and questions nobody may ask.

use hawser_sdk::ldap::{Control, Deref, Modification, NewValue, Operation, Scope, SearchRequest, Session};
use hawser_sdk::{Error, Finding, Result};

use crate::told::tried;

/// Extended operations: StartTLS, password modify, transaction, cancel, fast bind, turn.
const OPERATIONS: [&str; 6] = [
    "1.3.6.1.4.1.1466.20037",
    "1.3.6.1.4.1.4203.1.11.1",
    "1.3.6.1.1.21.1",
    "1.3.6.1.1.8",
    "1.2.840.113556.1.4.1781",
    "1.3.6.1.1.19",
];

/// Controls: proxied authorization, tree delete, paging by hand, transaction, relax rules.
const CONTROLS: [&str; 5] = [
    "2.16.840.1.113730.3.4.18",
    "1.2.840.113556.1.4.805",
    "1.2.840.113556.1.4.319",
    "1.3.6.1.1.21.2",
    "1.3.6.1.4.1.4203.666.5.12",
];

/// A content synchronisation that never ends: SEQUENCE { ENUMERATED 3 }.
const PERSIST: &[u8] = &[0x30, 3, 0x0a, 1, 3];
/// A post-read of a password: SEQUENCE { "userPassword" }.
const READ_PASSWORD: &[u8] = b"\x30\x0e\x04\x0cuserPassword";
/// The same by its number.
const READ_NUMBER: &[u8] = b"\x30\x0a\x04\x082.5.4.35";
/// Sorted by that number: SEQUENCE { SEQUENCE { "2.5.4.35" } }.
const SORT_NUMBER: &[u8] = b"\x30\x0c\x30\x0a\x04\x082.5.4.35";
/// A filter that asserts it: the password is "Start-Pass1".
const ASSERT_NUMBER: &[u8] = b"\xa3\x17\x04\x082.5.4.35\x04\x0bStart-Pass1";
/// A read of what is harmless: SEQUENCE { "description" }.
const READ_DESCRIPTION: &[u8] = b"\x30\x0d\x04\x0bdescription";

const PRE_READ: &str = "1.3.6.1.1.13.1";
const POST_READ: &str = "1.3.6.1.1.13.2";
const ASSERTION: &str = "1.3.6.1.1.12";
const SORT: &str = "1.2.840.113556.1.4.473";

pub(crate) fn verbs(session: &Session) -> Vec<Finding> {
    let operations = OPERATIONS.iter().map(|oid| tried(&format!("operation {oid}"), session.extended(oid, None)));
    let controls =
        CONTROLS.iter().map(|oid| tried(&format!("control {oid}"), found(session, "(cn=*)", control(oid, None))));
    let endless =
        tried("synchronise for ever", found(session, "(cn=*)", control("1.3.6.1.4.1.4203.1.9.1.1", Some(PERSIST))));
    let mut told: Vec<Finding> = operations.chain(controls).chain([endless]).collect();
    // Whatever it tried, the session is what it was.
    told.push(match session.extended("1.3.6.1.4.1.4203.1.11.3", None) {
        Ok(Some(who)) => Finding::fine(format!("it is still {}", String::from_utf8_lossy(&who))),
        Ok(None) => Finding::problem(Error::conflict("it is nobody")),
        Err(error) => Finding::problem(error),
    });
    told
}

/// What would overflow a stack that parsed it by recursion.
pub(crate) fn bombs(session: &Session) -> Vec<Finding> {
    let depth = 20_000;
    let nots = format!("{}(cn=a){}", "(!".repeat(depth), ")".repeat(depth));
    let ands = format!("{}(cn=a){}", "(&".repeat(depth), ")".repeat(depth));
    let long = format!("(cn={})", "a".repeat(100_000));
    let nested: Vec<u8> = [0xa2, 0x82, 0xff, 0xff].repeat(12_000);
    vec![
        tried("a filter of nested nots", found(session, &nots, Vec::new())),
        tried("a filter of nested ands", found(session, &ands, Vec::new())),
        tried("a filter that never ends", found(session, &long, Vec::new())),
        tried("an assertion of nested nots", found(session, "(cn=*)", control("1.3.6.1.1.12", Some(&nested)))),
        tried(
            "a control without sense",
            found(session, "(cn=*)", control("1.3.6.1.4.1.4203.1.9.1.1", Some(&[0xff; 64]))),
        ),
        tried("a thousand controls", found(session, "(cn=*)", vec![whole("2.16.840.1.113730.3.4.2", None); 1_000])),
    ]
}

/// Questions about passwords.
pub(crate) fn questions(session: &Session, victim: &str) -> Vec<Finding> {
    let guess = |operation, name: &str| {
        let values = vec![NewValue::Bytes(b"Start-Pass1".to_vec())];
        session.modify(victim, &[Modification { operation, name: name.to_owned(), values }], &[])
    };
    let change = |with: &str, value: &[u8]| described(session, victim, "x", &control(with, Some(value)));
    let asked = |name: &str| session.find(&SearchRequest { attributes: vec![name.to_owned()], ..request("(cn=*)") });
    vec![
        tried("filter by a password", found(session, "(userPassword=Start*)", Vec::new())),
        tried("filter by a password, hidden", found(session, "(|(cn=x)(!(&(USERPASSWORD;x>=S))))", Vec::new())),
        tried("filter by a rule that fits passwords", found(session, "(:2.5.13.17:=Start-Pass1)", Vec::new())),
        tried("filter by its number", found(session, "(2.5.4.35=Start*)", Vec::new())),
        tried("filter by its number, hidden", found(session, "(|(cn=x)(!(&(OID.2.5.4.35;x>=S))))", Vec::new())),
        tried("filter by its number and a rule", found(session, "(2.5.4.35:2.5.13.17:=Start-Pass1)", Vec::new())),
        tried("ask for its number", asked("2.5.4.35")),
        tried("sort by its number", found(session, "(cn=*)", control(SORT, Some(SORT_NUMBER)))),
        tried("change it if its number fits", change(ASSERTION, ASSERT_NUMBER)),
        tried("guess by deleting", guess(Operation::Delete, "userPassword")),
        tried("guess by deleting its number", guess(Operation::Delete, "2.5.4.35")),
        tried("guess by adding", guess(Operation::Add, "userPassword")),
        tried("guess by adding its number", guess(Operation::Add, "2.5.4.35")),
        tried("guess by a name", session.rename(victim, "2.5.4.35=Start-Pass1", false, None, &[])),
        tried("read it after a change", change(POST_READ, READ_PASSWORD)),
        tried("read its number after a change", change(POST_READ, READ_NUMBER)),
        tried("read its number before a change", change(PRE_READ, READ_NUMBER)),
        match passwords(session, victim) {
            Ok(0) => Finding::fine("no password came back"),
            Ok(some) => Finding::problem(Error::conflict(format!("{some} passwords came back"))),
            Err(error) => Finding::problem(error),
        },
    ]
}

/// What a directory says where no entry is found: after a change, or of where else to look.
pub(crate) fn brought_back(session: &Session, victim: &str, place: &str) -> Result<String> {
    let (_, below) = victim.split_once(',').unwrap_or_default();
    let referral = format!("cn=referral,{below}");
    match place {
        "a read after a change" => {
            let told = described(session, victim, "x", &control(PRE_READ, Some(READ_DESCRIPTION)))?;
            Ok(format!("{} controls came back", told.len()))
        }
        "a referral of a search" => {
            let request = SearchRequest { base: below.to_owned(), scope: Scope::Subtree, ..request("(cn=referral)") };
            session.find(&request).map(|found| format!("{} entries came back", found.len()))
        }
        _ => described(session, &referral, "x", &[]).map(|_| "it was changed".to_owned()),
    }
}

fn described(session: &Session, dn: &str, text: &str, controls: &[Control]) -> Result<Vec<Control>> {
    let values = vec![text.into()];
    let change = Modification { operation: Operation::Replace, name: "description".to_owned(), values };
    session.modify(dn, &[change], controls)
}

/// How many passwords a search brings back that asks for everything.
fn passwords(session: &Session, victim: &str) -> Result<usize> {
    let attributes = ["*", "+", "userPassword", "userPassword;binary"].map(str::to_owned).to_vec();
    let request =
        SearchRequest { base: victim.to_owned(), scope: Scope::Base, attributes, ..request("(objectClass=*)") };
    let entries = session.find(&request)?;
    let names = entries.iter().flat_map(|entry| &entry.attributes).map(|attribute| attribute.name.to_lowercase());
    Ok(names.filter(|name| name.contains("password")).count())
}

fn found(session: &Session, filter: &str, controls: Vec<Control>) -> Result<()> {
    session.find(&SearchRequest { controls, ..request(filter) }).map(drop)
}

fn request(filter: &str) -> SearchRequest {
    SearchRequest {
        base: String::new(),
        scope: Scope::Base,
        deref: Deref::Never,
        filter: filter.to_owned(),
        attributes: vec!["1.1".to_owned()],
        page_size: None,
        size_limit: None,
        controls: Vec::new(),
    }
}

fn control(oid: &str, value: Option<&[u8]>) -> Vec<Control> {
    vec![whole(oid, value)]
}

fn whole(oid: &str, value: Option<&[u8]>) -> Control {
    Control { oid: oid.to_owned(), critical: true, value: value.map(<[u8]>::to_vec) }
}
