//! What connectors answer to single questions: findings, choices, what was written, what was granted. A person or the core
//! acts on each, so each is bounded, and its names can be names.

use super::{identifier, instant, named, reference, unusable, value, whole};
use crate::model::{
    Assignment, AssignmentPage, Choice, Error, ErrorKind, Finding, Granted, ObjectRef, Result, SecretAttribute, Written,
};
use crate::runtime::limits::{CHOICES_MAX, FINDINGS_MAX, PARTS_MAX};

/// What a check found, of so many findings that people can look at them.
pub(in crate::runtime) fn findings(findings: Vec<Finding>) -> Result<Vec<Finding>> {
    at_most("findings", findings.len(), FINDINGS_MAX)?;
    Ok(findings)
}

/// Values to choose from, each of which an option could have.
pub(in crate::runtime) fn choices(choices: Vec<Choice>) -> Result<Vec<Choice>> {
    at_most("choices", choices.len(), CHOICES_MAX)?;
    match choices.iter().find_map(|choice| value(&choice.value)) {
        None => Ok(choices),
        Some(why) => Err(unusable(&why)),
    }
}

/// A page of entitlements, of at most `max`, that goes on after the one before.
pub(in crate::runtime) fn assignments(
    page: AssignmentPage,
    after: Option<&Vec<u8>>,
    max: u32,
) -> Result<AssignmentPage> {
    whole(page.assignments.len(), max, &[page.next.as_ref()])?;
    if page.next.is_some() && page.next.as_ref() == after {
        let message = "the connector answers with the page after which it was asked to go on; its author has to look";
        return Err(Error::new(ErrorKind::GuestLimit, message));
    }
    match page.assignments.iter().find_map(assignment) {
        None => Ok(page),
        Some(why) => Err(unusable(&format!("of an entitlement {why}"))),
    }
}

/// Why nobody can rely on what a connector says it wrote, if so. The name need not be said.
pub(in crate::runtime) fn written(written: &Written) -> Option<String> {
    let Written { uid: _, name, revision, values, failed, issued } = written;
    let revision = || revision.as_ref().and_then(|revision| identifier("revision", revision));
    let issued_as = |issued: &SecretAttribute| identifier("attribute", &issued.name);
    let parts = values.len() + failed.len() + issued.len();
    let many = || (parts > PARTS_MAX).then(|| format!("it has {parts} parts; {PARTS_MAX} are taken"));
    let named = || values.iter().find_map(named).or_else(|| issued.iter().find_map(issued_as));
    let name = if name.is_empty() { None } else { identifier("name", name) };
    name.or_else(revision).or_else(many).or_else(named)
}

/// Why a handle of something pending cannot be one, if so.
pub(in crate::runtime) fn pending(handle: &str) -> Option<String> {
    identifier("handle", handle)
}

/// Why a grant cannot be named by what the connector calls it, if so.
pub(in crate::runtime) fn granted(granted: &Granted) -> Option<String> {
    granted.id.as_ref().and_then(|id| identifier("id", id))
}

/// The object that exists although an operation failed, if it can be one.
pub(in crate::runtime) fn left_behind(object: Option<ObjectRef>) -> Option<ObjectRef> {
    object.filter(|object| self::object(object).is_none())
}

fn assignment(assignment: &Assignment) -> Option<String> {
    let Assignment { id, entitlement, parameters, not_before, not_after, direct: _, via } = assignment;
    let id = id.as_ref().and_then(|id| identifier("id", id));
    id.or_else(|| object(entitlement))
        .or_else(|| parameters.iter().find_map(named))
        .or_else(|| [*not_before, *not_after].into_iter().flatten().find_map(instant))
        .or_else(|| via.iter().find_map(reference))
}

fn object(object: &ObjectRef) -> Option<String> {
    let ObjectRef { class, uid, name } = object;
    let name = || name.as_ref().and_then(|name| identifier("name", name));
    identifier("class", class).or_else(|| identifier("uid", uid)).or_else(name)
}

fn at_most(what: &str, count: usize, max: usize) -> Result<()> {
    if count <= max {
        return Ok(());
    }
    let message = format!("the connector handed over {count} {what}; {max} are taken");
    Err(Error::new(ErrorKind::GuestLimit, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attribute, Reference, Value};

    fn done(name: &str) -> Written {
        Written {
            uid: "u".parse().unwrap(),
            name: name.into(),
            revision: None,
            values: Vec::new(),
            failed: Vec::new(),
            issued: Vec::new(),
        }
    }

    fn granted_now(uid: &str) -> Assignment {
        let entitlement = ObjectRef { class: "group".into(), uid: uid.into(), name: None };
        let (parameters, via) = (Vec::new(), Vec::new());
        Assignment { id: None, entitlement, parameters, not_before: None, not_after: None, direct: true, via }
    }

    fn why(assignment: Assignment) -> String {
        let page = AssignmentPage { assignments: vec![assignment], next: None };
        assignments(page, None, 9).unwrap_err().message
    }

    #[test]
    fn what_cannot_be_said_of_something_written_is_noticed() {
        assert_eq!(written(&done("ada")), None);
        assert!(written(&done("ada\u{202e}")).unwrap().contains("U+202E"));
        assert_eq!(written(&done("")), None);
        let revision = Written { revision: Some("x".repeat(5_000)), ..done("ada") };
        assert!(written(&revision).unwrap().contains("revision"));
        let value = |value| vec![Attribute { name: "mail".into(), values: vec![value] }];
        let nul = Written { values: value(Value::Text("a\0".into())), ..done("ada") };
        assert!(written(&nul).unwrap().contains("NUL"));
        let many = Written { values: vec![value(Value::Integer(1)).remove(0); PARTS_MAX + 1], ..done("ada") };
        assert!(written(&many).unwrap().contains("parts"));
        assert!(pending("\n").is_some() && pending(&"x".repeat(5_000)).is_some() && pending("job 7").is_none());
    }

    #[test]
    fn an_entitlement_that_cannot_be_one_is_refused_by_what_is_wrong() {
        assert!(why(granted_now("")).contains("uid is empty"));
        assert!(why(granted_now("\u{1b}[2J")).contains("U+001B"));
        assert!(why(Assignment { not_after: Some(i64::MAX), ..granted_now("g") }).contains("9999"));
        assert!(why(Assignment { via: vec![Reference::to("group", "")], ..granted_now("g") }).contains("empty"));
    }

    #[test]
    fn a_page_of_entitlements_that_leads_back_to_itself_ends_the_listing() {
        let page = || AssignmentPage { assignments: vec![granted_now("g")], next: Some(b"here".to_vec()) };
        assert!(assignments(page(), Some(&b"before".to_vec()), 9).is_ok());
        assert_eq!(assignments(page(), Some(&b"here".to_vec()), 9).unwrap_err().kind, ErrorKind::GuestLimit);
    }

    #[test]
    fn more_findings_and_choices_than_anybody_looks_at_are_refused() {
        let finding = Finding { text: "fine".into(), error: None };
        assert!(findings(vec![finding.clone(); FINDINGS_MAX]).is_ok());
        assert_eq!(findings(vec![finding; FINDINGS_MAX + 1]).unwrap_err().kind, ErrorKind::GuestLimit);
        let choice = |value| Choice { value, label: "x".into() };
        assert_eq!(choices(vec![choice(Value::Integer(1)); CHOICES_MAX + 1]).unwrap_err().kind, ErrorKind::GuestLimit);
        assert!(choices(vec![choice(Value::Real(f64::INFINITY))]).unwrap_err().message.contains("infinite"));
    }

    #[test]
    fn an_object_that_cannot_be_one_is_not_passed_on_with_a_failure() {
        let object = |uid: &str| Some(ObjectRef { class: "account".into(), uid: uid.into(), name: None });
        assert!(left_behind(object("u")).is_some());
        assert!(left_behind(object("u\n")).is_none());
    }
}
