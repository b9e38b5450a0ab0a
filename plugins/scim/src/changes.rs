//! Changes: what an attribute is and what it is to be, and the fewest operations of PATCH (RFC 7644, 3.5.2) in between.
//!
//! What is so already is not written. A value of many is added and removed by itself where it can be named; otherwise the
//! whole list is written, which rests on what was read and so on the resource still being that.

use crate::filter::quoted;
use crate::model::{Attribute, Class};
use crate::time;
use crate::tree;
use crate::values;
use hawser_sdk::{AttributeChange, Change, Error, Result, Value};
use serde_json::{Value as Json, json};

/// One attribute, before and after.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) attribute: &'a Attribute,
    pub(crate) now: Option<Json>,
    pub(crate) then: Option<Json>,
    /// Single values come and go; the others stay, whoever wrote them.
    is_edit: bool,
}

/// What is to be sent.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Operations {
    pub(crate) list: Vec<Json>,
    /// They are right only for the resource that was read.
    pub(crate) rest_on_read: bool,
}

impl<'a> Target<'a> {
    /// What a change comes to, for a resource as it is.
    ///
    /// # Errors
    /// The attribute is not there, or takes no such value.
    pub(crate) fn of(class: &'a Class, change: &AttributeChange, resource: &Json) -> Result<Self> {
        let attribute = class.known(&change.name)?;
        if class.is_membership(attribute) {
            let message = "members come and go by grants, never by writing the list";
            return Err(Error::unsupported(message).attribute(change.name.as_str()));
        }
        let now = tree::get(resource, &attribute.path).cloned().filter(|now| !is_empty(now));
        let (then, is_edit) = match &change.change {
            Change::Replace(values) => (written(attribute, values)?, false),
            Change::Edit(edit) => {
                let [add, remove] = [&edit.add, &edit.remove].map(|values| each(attribute, values));
                (edited(now.as_ref(), add?, &remove?), true)
            }
        };
        Ok(Self { attribute, now, then, is_edit })
    }

    /// A value for the attribute that is the name.
    pub(crate) fn naming(class: &'a Class, name: &str, resource: &Json) -> Result<Self> {
        let attribute = class.naming().ok_or_else(|| {
            Error::unsupported(format!("a {} has no name of its own, so it cannot be renamed", class.name))
        })?;
        let now = tree::get(resource, &attribute.path).cloned();
        Ok(Self { attribute, now, then: Some(Json::from(name)), is_edit: false })
    }

    /// Is a resource what it is to be?
    pub(crate) fn holds_in(&self, resource: &Json) -> bool {
        let now = tree::get(resource, &self.attribute.path).filter(|now| !is_empty(now));
        match (now, &self.then) {
            (None, None) => true,
            (Some(now), Some(then)) => is_same(now, then),
            _ => false,
        }
    }

    fn operations(&self, operations: &mut Operations) {
        let path = self.attribute.path.to_string();
        match (&self.now, &self.then) {
            (None, None) => {}
            (Some(now), Some(then)) if is_same(now, then) => {}
            (Some(_), None) => operations.list.push(json!({"op": "remove", "path": path})),
            (None, Some(then)) => operations.list.push(json!({"op": "add", "path": path, "value": then})),
            (Some(now), Some(then)) => match self.single_values(&path, now, then) {
                Some(single) => operations.list.extend(single),
                None => {
                    operations.rest_on_read |= self.is_edit;
                    operations.list.push(json!({"op": "replace", "path": path, "value": then}));
                }
            },
        }
    }

    /// Removals and one addition, where every value that goes can be named.
    fn single_values(&self, path: &str, now: &Json, then: &Json) -> Option<Vec<Json>> {
        let (now, then) = (now.as_array().filter(|_| self.is_edit)?, then.as_array()?);
        let gone = now.iter().filter(|value| !then.contains(value));
        let remove = |value: &Json| {
            let key = value.get("value").and_then(Json::as_str)?;
            let alike = now.iter().filter(|other| other.get("value").and_then(Json::as_str) == Some(key)).count();
            (alike == 1).then(|| json!({"op": "remove", "path": format!("{path}[value eq {}]", quoted(key))}))
        };
        let mut operations = gone.map(remove).collect::<Option<Vec<_>>>()?;
        let new: Vec<&Json> = then.iter().filter(|value| !now.contains(value)).collect();
        if !new.is_empty() {
            operations.push(json!({"op": "add", "path": path, "value": new}));
        }
        Some(operations)
    }
}

/// The operations that make all of it so.
pub(crate) fn operations(targets: &[Target<'_>]) -> Operations {
    let mut operations = Operations::default();
    for target in targets {
        target.operations(&mut operations);
    }
    operations
}

/// The JSON of the values of an attribute; nothing for none.
pub(crate) fn written(attribute: &Attribute, values: &[Value]) -> Result<Option<Json>> {
    let mut written = each(attribute, values)?;
    if attribute.multi {
        return Ok((!written.is_empty()).then_some(Json::Array(written)));
    }
    Ok(written.pop())
}

fn each(attribute: &Attribute, values: &[Value]) -> Result<Vec<Json>> {
    values.iter().map(|value| values::write(attribute, value)).collect()
}

fn edited(now: Option<&Json>, add: Vec<Json>, remove: &[Json]) -> Option<Json> {
    let now = match now {
        Some(Json::Array(values)) => values.clone(),
        Some(only) => vec![only.clone()],
        None => Vec::new(),
    };
    let stays = |value: &Json| !remove.iter().any(|gone| covers(value, gone));
    let mut then: Vec<Json> = now.into_iter().filter(stays).collect();
    for value in add {
        if !then.iter().any(|held| covers(held, &value)) {
            then.push(value);
        }
    }
    (!then.is_empty()).then_some(Json::Array(then))
}

/// Does a value have everything that was said of it? Services add parts of their own (`display`, `$ref`).
fn covers(value: &Json, said: &Json) -> bool {
    match (value, said) {
        (Json::Object(value), Json::Object(said)) => {
            said.iter().all(|(name, part)| tree::field(value, name).is_some_and(|held| covers(held, part)))
        }
        (Json::String(value), Json::String(said)) => {
            value == said || time::read(value).is_some_and(|moment| time::read(said) == Some(moment))
        }
        _ => value == said,
    }
}

/// Are two values the same, for a service that may add parts and has an order of its own?
fn is_same(now: &Json, then: &Json) -> bool {
    match (now, then) {
        (Json::Array(now), Json::Array(then)) => {
            now.len() == then.len() && then.iter().all(|said| now.iter().any(|value| covers(value, said)))
        }
        _ => covers(now, then),
    }
}

fn is_empty(json: &Json) -> bool {
    json.as_array().is_some_and(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::tests::standard;
    use hawser_sdk::{Part, Scalar};

    fn email(value: &str, kind: Option<&str>) -> Value {
        let part = |name: &str, text: &str| Part { name: name.to_owned(), value: Scalar::Text(text.to_owned()) };
        Value::Complex(std::iter::once(part("value", value)).chain(kind.map(|kind| part("type", kind))).collect())
    }

    fn planned(resource: &Json, change: &AttributeChange) -> Operations {
        let classes = standard();
        operations(&[Target::of(&classes[0], change, resource).unwrap()])
    }

    fn list(resource: &Json, change: &AttributeChange) -> Vec<Json> {
        planned(resource, change).list
    }

    #[test]
    fn the_list_of_members_is_never_written() {
        let classes = standard();
        for change in [
            AttributeChange::replace("members", ["1"]),
            AttributeChange::edit("members", ["1"], []),
            AttributeChange::replace::<&str>("members", []),
        ] {
            let error = Target::of(&classes[1], &change, &json!({})).unwrap_err();
            assert_eq!(error.kind(), hawser_sdk::FailureKind::Unsupported);
        }
    }

    #[test]
    fn what_is_so_already_is_not_written() {
        assert!(list(&json!({"title": "x"}), &AttributeChange::replace("title", ["x"])).is_empty());
        assert!(list(&json!({}), &AttributeChange::replace::<&str>("title", [])).is_empty());
        let held = json!({"emails": [{"value": "b@x", "display": "B"}, {"value": "a@x", "type": "work"}]});
        let same = [email("a@x", Some("work")), email("b@x", None)];
        assert!(list(&held, &AttributeChange::replace("emails", same)).is_empty(), "another order, more parts");
        assert!(list(&held, &AttributeChange::edit("emails", [email("a@x", None)], [])).is_empty());
        assert!(list(&held, &AttributeChange::edit("emails", [], [email("c@x", None)])).is_empty());
    }

    #[test]
    fn a_value_is_added_replaced_or_removed() {
        let title = |now: Json, then: &[&str]| list(&now, &AttributeChange::replace("title", then.iter().copied()));
        assert_eq!(title(json!({}), &["x"]), [json!({"op": "add", "path": "title", "value": "x"})]);
        assert_eq!(title(json!({"title": "y"}), &["x"]), [json!({"op": "replace", "path": "title", "value": "x"})]);
        assert_eq!(title(json!({"title": "y"}), &[]), [json!({"op": "remove", "path": "title"})]);
        let given = list(&json!({"name": {"familyName": "L"}}), &AttributeChange::replace("name:givenName", ["Ada"]));
        assert_eq!(given, [json!({"op": "add", "path": "name.givenName", "value": "Ada"})]);
        let enabled = list(&json!({"active": true}), &AttributeChange::replace("enabled", [false]));
        assert_eq!(enabled, [json!({"op": "replace", "path": "active", "value": false})]);
    }

    #[test]
    fn one_value_of_many_comes_and_goes_by_itself() {
        let held = json!({"emails": [{"value": "a@x", "type": "work"}, {"value": "b@x"}]});
        let change = AttributeChange::edit("emails", [email("c@x", Some("home"))], [email("a@x", None)]);
        let expected = [
            json!({"op": "remove", "path": "emails[value eq \"a@x\"]"}),
            json!({"op": "add", "path": "emails", "value": [{"value": "c@x", "type": "home"}]}),
        ];
        assert_eq!(planned(&held, &change), Operations { list: expected.to_vec(), rest_on_read: false });
    }

    #[test]
    fn what_cannot_be_named_takes_the_whole_list_and_the_resource_as_it_was() {
        let held = json!({"emails": [{"value": "a@x", "type": "work"}, {"value": "a@x", "type": "home"}]});
        let change = AttributeChange::edit("emails", [], [email("a@x", Some("work"))]);
        let operations = planned(&held, &change);
        let left = json!([{"value": "a@x", "type": "home"}]);
        assert_eq!(operations.list, [json!({"op": "replace", "path": "emails", "value": left})]);
        assert!(operations.rest_on_read);
        let last = AttributeChange::edit("emails", [], [email("a@x", None)]);
        let operations = planned(&json!({"emails": [{"value": "a@x"}]}), &last);
        assert_eq!(operations.list, [json!({"op": "remove", "path": "emails"})]);
    }

    #[test]
    fn what_was_to_be_is_found_again() {
        let classes = standard();
        let change = AttributeChange::replace("meta:created", [Value::Instant(1_000_000)]);
        let target = Target::of(&classes[0], &change, &json!({})).unwrap();
        assert!(target.holds_in(&json!({"meta": {"created": "1970-01-01T01:00:01.000+01:00"}})));
        assert!(!target.holds_in(&json!({})));
        let cleared = Target::of(&classes[0], &AttributeChange::replace::<&str>("emails", []), &json!({})).unwrap();
        assert!(cleared.holds_in(&json!({"emails": []})) && !cleared.holds_in(&json!({"emails": [{"value": "x"}]})));
    }
}
