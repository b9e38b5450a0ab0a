//! Groups and their members: one that is true, and some that cannot be.

use hawser_sdk::{Attribute, AttributeInfo, ClassInfo, ClassKind, Edge, Reference, Value};

pub(crate) fn group() -> ClassInfo {
    let members = AttributeInfo::reference("members", "account").multi_valued().large();
    ClassInfo::new(ClassKind::Entitlement, "group", "Group").attribute(members)
}

/// The members; with `lies`, five lines that are none.
pub(crate) fn told(lies: bool, attribute: &str) -> Vec<Edge> {
    let edge = |attribute: &str, uid: &str| Edge {
        owner: Reference::uid("group", "honest"),
        attribute: attribute.to_owned(),
        target: Reference::uid("account", uid),
        parameters: Vec::new(),
    };
    let honest = edge(attribute, "honest");
    if !lies {
        return vec![honest];
    }
    let with = |name: &str, value: Value| Edge {
        parameters: vec![Attribute::new(name, [value])],
        ..edge(attribute, "honest")
    };
    vec![
        honest,
        edge("owners", "honest"),
        edge(attribute, ""),
        edge(attribute, "admin\u{202e}"),
        with("until", Value::Instant(i64::MAX)),
        with("\u{1b}[2J", Value::Boolean(true)),
    ]
}
