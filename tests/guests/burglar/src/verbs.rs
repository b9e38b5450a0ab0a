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
    let guess = |value: &[u8]| {
        let values = vec![NewValue::Bytes(value.to_vec())];
        let change = Modification { operation: Operation::Delete, name: "userPassword".to_owned(), values };
        session.modify(victim, &[change], &[])
    };
    let post_read = || {
        let change =
            Modification { operation: Operation::Replace, name: "description".to_owned(), values: vec!["x".into()] };
        session.modify(victim, &[change], &control("1.3.6.1.1.13.2", Some(READ_PASSWORD)))
    };
    vec![
        tried("filter by a password", found(session, "(userPassword=Start*)", Vec::new())),
        tried("filter by a password, hidden", found(session, "(|(cn=x)(!(&(USERPASSWORD;x>=S))))", Vec::new())),
        tried("filter by a rule that fits passwords", found(session, "(:2.5.13.17:=Start-Pass1)", Vec::new())),
        tried("guess by deleting", guess(b"Start-Pass1")),
        tried("read it after a change", post_read()),
        match passwords(session, victim) {
            Ok(0) => Finding::fine("no password came back"),
            Ok(some) => Finding::problem(Error::conflict(format!("{some} passwords came back"))),
            Err(error) => Finding::problem(error),
        },
    ]
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
