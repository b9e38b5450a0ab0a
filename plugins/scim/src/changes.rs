//! Changes: what an attribute is and what it is to be, and the fewest operations of PATCH (RFC 7644, 3.5.2) in between.
//!
//! What is so already is not written. A value of many is added and removed by itself where it can be named; otherwise the
//! whole list is written, which rests on what was read and so on the resource still being that.

use crate::filter::quoted;
use crate::model::{Attribute, Class, Returned, Syntax};
use crate::provision;
use crate::server::Server;
use crate::time;
use crate::tree;
use crate::values;
use hawser_sdk::{AttributeChange, Change, Error, Result, Value};
use serde_json::{Value as Json, json};
use std::borrow::Cow;

/// One attribute, before and after.
#[derive(Debug)]
pub(crate) struct Target<'a> {
    pub(crate) attribute: &'a Attribute,
    pub(crate) now: Option<Json>,
    pub(crate) then: Option<Json>,
    /// Single values come and go; the others stay, whoever wrote them.
    is_edit: bool,
    /// What it is now is not shown, so that nothing of it may be taken as known.
    is_unseen: bool,
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
    /// The attribute is not there, or takes no such value, or a value is to go from a list that is never shown.
    pub(crate) fn of(server: &Server, class: &'a Class, change: &AttributeChange, resource: &Json) -> Result<Self> {
        let attribute = class.known(&change.name)?;
        if class.is_membership(attribute) {
            let message = "members come and go by grants, never by writing the list";
            return Err(Error::unsupported(message).attribute(change.name.as_str()));
        }
        let now = tree::get(resource, &attribute.path).cloned().filter(|now| !is_empty(now));
        let is_unseen = now.is_none() && attribute.returned != Returned::ByDefault;
        let (then, is_edit) = match &change.change {
            Change::Replace(values) => (written(server, attribute, values)?, false),
            Change::Edit(edit) if is_unseen && !edit.remove.is_empty() => return Err(blind(attribute)),
            Change::Edit(edit) => {
                let [add, remove] = [&edit.add, &edit.remove].map(|values| each(server, attribute, values));
                (edited(attribute, now.as_ref(), add?, &remove?), true)
            }
        };
        Ok(Self { attribute, now, then, is_edit, is_unseen })
    }

    /// A value for the attribute that is the name.
    pub(crate) fn naming(class: &'a Class, name: &str, resource: &Json) -> Result<Self> {
        let attribute = class.naming().ok_or_else(|| {
            Error::unsupported(format!("a {} has no name of its own, so it cannot be renamed", class.name))
        })?;
        let now = tree::get(resource, &attribute.path).cloned();
        Ok(Self { attribute, now, then: Some(Json::from(name)), is_edit: false, is_unseen: false })
    }

    /// Is a resource what it is to be?
    pub(crate) fn holds_in(&self, resource: &Json) -> bool {
        let now = tree::get(resource, &self.attribute.path).filter(|now| !is_empty(now));
        match (now, &self.then) {
            (None, None) => true,
            (Some(now), Some(then)) => is_same(now, then, &|now, then| has(self.attribute, now, then)),
            _ => false,
        }
    }

    /// Is it what it is to be, as far as that can be seen?
    pub(crate) fn is_settled(&self) -> bool {
        match (&self.now, &self.then) {
            (None, None) => !self.is_unseen,
            (Some(now), Some(then)) => is_same(now, then, &|now, then| {
                is_held(self.attribute, now, then) && (self.is_edit || adds_nothing(self.attribute, now, then))
            }),
            _ => false,
        }
    }

    fn operations(&self, operations: &mut Operations) {
        if self.is_settled() {
            return;
        }
        let path = self.attribute.path.to_string();
        if let Some(single) = self.single_values(&path) {
            return operations.list.extend(single);
        }
        operations.rest_on_read |= self.is_edit && self.now.is_some();
        let is_new = self.now.is_none() && (self.is_edit || !self.is_unseen);
        operations.list.push(match &self.then {
            None => json!({"op": "remove", "path": path}),
            Some(then) if is_new => json!({"op": "add", "path": path, "value": then}),
            Some(then) => json!({"op": "replace", "path": path, "value": then}),
        });
    }

    /// Removals and one addition, where every value that goes can be named. Of the last one too: another may have come.
    fn single_values(&self, path: &str) -> Option<Vec<Json>> {
        let now = self.now.as_ref().and_then(Json::as_array).filter(|_| self.is_edit)?;
        let then = self.then.as_ref().map_or(Some(&[][..]), |then| then.as_array().map(Vec::as_slice))?;
        let gone = now.iter().filter(|value| !then.contains(value));
        let remove = |value: &Json| {
            let key = key(value)?;
            let alike = now.iter().filter(|other| self::key(other).as_ref() == Some(&key)).count();
            (alike == 1).then(|| json!({"op": "remove", "path": format!("{path}[value eq {}]", quoted(&key))}))
        };
        let mut operations = gone.map(remove).collect::<Option<Vec<_>>>()?;
        let new: Vec<&Json> = then.iter().filter(|value| !now.contains(value)).collect();
        if !new.is_empty() {
            operations.push(json!({"op": "add", "path": path, "value": new}));
        }
        Some(operations)
    }
}

/// What names one value of many.
fn key(value: &Json) -> Option<Cow<'_, str>> {
    tree::get(value, &tree::path("value", None)).and_then(tree::key)
}

/// A value to be taken out of what cannot be seen.
fn blind(attribute: &Attribute) -> Error {
    let message = format!(
        "the service does not show `{}`, so no single value can be taken out of it; replace all of it",
        attribute.name
    );
    Error::unsupported(message).attribute(attribute.name.as_str())
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
pub(crate) fn written(server: &Server, attribute: &Attribute, values: &[Value]) -> Result<Option<Json>> {
    let mut written = each(server, attribute, values)?;
    if attribute.multi {
        return Ok((!written.is_empty()).then_some(Json::Array(written)));
    }
    Ok(written.pop())
}

fn each(server: &Server, attribute: &Attribute, values: &[Value]) -> Result<Vec<Json>> {
    let one = |value: &Value| match value {
        Value::Reference(reference) if attribute.multi && attribute.syntax == Syntax::Reference => {
            provision::reference(server, attribute, reference)
        }
        value => values::write(attribute, value),
    };
    values.iter().map(one).collect()
}

fn edited(attribute: &Attribute, now: Option<&Json>, add: Vec<Json>, remove: &[Json]) -> Option<Json> {
    let now = match now {
        Some(Json::Array(values)) => values.clone(),
        Some(only) => vec![only.clone()],
        None => Vec::new(),
    };
    let stays = |value: &Json| !remove.iter().any(|gone| is_held(attribute, value, gone));
    let mut then: Vec<Json> = now.into_iter().filter(stays).collect();
    for value in add {
        if !then.iter().any(|held| is_held(attribute, held, &value)) {
            then.push(value);
        }
    }
    (!then.is_empty()).then_some(Json::Array(then))
}

/// Are two values the same, for a service that has an order of its own?
fn is_same(now: &Json, then: &Json, is_it: &dyn Fn(&Json, &Json) -> bool) -> bool {
    match (now, then) {
        (Json::Array(now), Json::Array(then)) => {
            now.len() == then.len() && then.iter().all(|said| now.iter().any(|value| is_it(value, said)))
        }
        _ => is_it(now, then),
    }
}

/// Is a value what was said of it, to the letter?
fn is_held(attribute: &Attribute, value: &Json, said: &Json) -> bool {
    covers(attribute, value, said, &|value, said| value == said)
}

/// Did a service store what was said? Of text whose case does not matter, it keeps the case it likes.
fn has(attribute: &Attribute, value: &Json, said: &Json) -> bool {
    let is_text =
        |value: &str, said: &str| value == said || (!attribute.case_exact && value.eq_ignore_ascii_case(said));
    covers(attribute, value, said, &is_text)
}

/// Does a value have everything that was said of it? Services add parts of their own (`display`, `$ref`), and a reference is
/// where it points, whatever has to stand beside that.
fn covers(attribute: &Attribute, value: &Json, said: &Json, is_text: &dyn Fn(&str, &str) -> bool) -> bool {
    match (value, said) {
        (Json::Object(_), Json::Object(_)) if attribute.syntax == Syntax::Reference => key(value) == key(said),
        (Json::Object(value), Json::Object(said)) => said
            .iter()
            .all(|(name, part)| tree::field(value, name).is_some_and(|held| covers(attribute, held, part, is_text))),
        (Json::String(value), Json::String(said)) => {
            is_text(value, said) || time::read(value).is_some_and(|moment| time::read(said) == Some(moment))
        }
        // An id is the same as a number.
        (Json::Number(_), Json::String(said)) => tree::key(value).is_some_and(|key| key == said.as_str()),
        _ => value == said,
    }
}

/// Has a value no parts beyond what is said of it, but for those that a service adds by itself?
fn adds_nothing(attribute: &Attribute, value: &Json, said: &Json) -> bool {
    let (Some(value), Some(said)) = (value.as_object(), said.as_object()) else { return true };
    let is_known = |name: &str| attribute.parts.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let is_added = |name: &str| {
        name.eq_ignore_ascii_case("display") || attribute.adds.iter().any(|own| own.eq_ignore_ascii_case(name))
    };
    attribute.syntax == Syntax::Reference
        || value.iter().all(|(name, part)| {
            part.is_null() || tree::field(said, name).is_some() || !is_known(name) || is_added(name)
        })
}

fn is_empty(json: &Json) -> bool {
    json.as_array().is_some_and(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::tests::standard;
    use crate::options::Options;
    use crate::server::tests::Service;
    use hawser_sdk::http::Response;
    use hawser_sdk::{Part, Scalar};

    fn email(value: &str, kind: Option<&str>) -> Value {
        let part = |name: &str, text: &str| Part { name: name.to_owned(), value: Scalar::Text(text.to_owned()) };
        Value::Complex(std::iter::once(part("value", value)).chain(kind.map(|kind| part("type", kind))).collect())
    }

    /// A target of a class, for a server whose classes are of the standard.
    fn target<'a>(class: &'a Class, change: &AttributeChange, resource: &Json) -> Result<Target<'a>> {
        let (_host, _) = Service::new().enter(|_| Response::new(404, ""));
        Target::of(&Server::open(&Options::default()).unwrap(), class, change, resource)
    }

    fn planned(resource: &Json, change: &AttributeChange) -> Operations {
        let classes = standard();
        operations(&[target(&classes[0], change, resource).unwrap()])
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
            let error = target(&classes[1], &change, &json!({})).unwrap_err();
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
        let both = AttributeChange::edit("emails", [], [email("a@x", None)]);
        let expected = vec![json!({"op": "remove", "path": "emails"})];
        assert_eq!(planned(&held, &both), Operations { list: expected, rest_on_read: true });
    }

    #[test]
    fn the_last_value_goes_by_itself_so_that_another_one_may_come() {
        let last = AttributeChange::edit("emails", [], [email("a@x", None)]);
        let expected = vec![json!({"op": "remove", "path": "emails[value eq \"a@x\"]"})];
        let operations = planned(&json!({"emails": [{"value": "a@x"}]}), &last);
        assert_eq!(operations, Operations { list: expected, rest_on_read: false });
    }

    #[test]
    fn what_is_not_shown_is_always_written() {
        let mut classes = standard();
        let hidden = ["title", "emails"];
        for attribute in classes[0].attributes.iter_mut().filter(|it| hidden.contains(&it.name.as_str())) {
            attribute.returned = Returned::Never;
        }
        let sent = |change| target(&classes[0], &change, &json!({})).map(|target| operations(&[target]).list);
        let remove = json!({"op": "remove", "path": "title"});
        assert_eq!(sent(AttributeChange::replace::<&str>("title", [])).unwrap(), [remove]);
        let replace = json!({"op": "replace", "path": "emails", "value": [{"value": "a@x"}]});
        assert_eq!(sent(AttributeChange::replace("emails", [email("a@x", None)])).unwrap(), [replace]);
        let add = json!({"op": "add", "path": "emails", "value": [{"value": "a@x"}]});
        assert_eq!(sent(AttributeChange::edit("emails", [email("a@x", None)], [])).unwrap(), [add]);
        let error = sent(AttributeChange::edit("emails", [], [email("a@x", None)])).unwrap_err();
        assert_eq!(error.attributes(), ["emails"]);
    }

    #[test]
    fn a_reference_among_others_is_an_object_with_what_it_has_to_bring() {
        let mut classes = standard();
        let groups = classes[0].attributes.iter_mut().find(|it| it.name == "groups").unwrap();
        groups.demands = vec!["type".to_owned()];
        let to = |uid: &str| Value::Reference(hawser_sdk::Reference::uid("group", uid));
        let held = json!({"groups": [{"value": 7, "display": "seven"}, {"value": "8"}]});
        let sent = |change| operations(&[target(&classes[0], &change, &held).unwrap()]).list;
        let added = json!({"op": "add", "path": "groups", "value": [{"value": "9", "type": "Group"}]});
        assert_eq!(sent(AttributeChange::edit("groups", [to("9")], [])), [added]);
        assert_eq!(sent(AttributeChange::edit("groups", [to("8")], [])), [] as [Json; 0], "it is where it points");
        let removed = json!({"op": "remove", "path": "groups[value eq \"7\"]"});
        assert_eq!(sent(AttributeChange::edit("groups", [], [to("7")])), [removed]);
        assert!(target(&classes[0], &AttributeChange::replace("groups", ["7"]), &held).is_err());
    }

    #[test]
    fn a_part_that_is_dropped_is_a_change_and_one_that_the_service_adds_is_none() {
        let mut classes = standard();
        classes[0].attributes.iter_mut().find(|it| it.name == "emails").unwrap().adds = vec!["primary".to_owned()];
        let sent = |classes: &[Class], part: &str| {
            let mut held = json!({"value": "a@x", "display": "A", "$ref": "x", "unknown": 1});
            held[part] = json!(true);
            let change = AttributeChange::replace("emails", [email("a@x", None)]);
            operations(&[target(&classes[0], &change, &json!({"emails": [held]})).unwrap()]).list.len()
        };
        assert_eq!((sent(&standard(), "primary"), sent(&standard(), "type"), sent(&classes, "primary")), (1, 1, 0));
    }

    #[test]
    fn a_case_that_does_not_matter_is_stored_as_the_service_likes_and_changed_all_the_same() {
        let classes = standard();
        let name = Target::naming(&classes[0], "Ada", &json!({"userName": "ada"})).unwrap();
        assert!(name.holds_in(&json!({"userName": "ADA"})) && !name.is_settled());
        let exact = target(&classes[0], &AttributeChange::replace("externalId", ["Ada"]), &json!({})).unwrap();
        assert!(!exact.holds_in(&json!({"externalId": "ada"})));
    }

    #[test]
    fn what_was_to_be_is_found_again() {
        let classes = standard();
        let change = AttributeChange::replace("meta:created", [Value::Instant(1_000_000)]);
        let created = target(&classes[0], &change, &json!({})).unwrap();
        assert!(created.holds_in(&json!({"meta": {"created": "1970-01-01T01:00:01.000+01:00"}})));
        assert!(!created.holds_in(&json!({})));
        let cleared = target(&classes[0], &AttributeChange::replace::<&str>("emails", []), &json!({})).unwrap();
        assert!(cleared.holds_in(&json!({"emails": []})) && !cleared.holds_in(&json!({"emails": [{"value": "x"}]})));
    }
}
