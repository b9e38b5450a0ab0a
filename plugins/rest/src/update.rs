//! Updating: the attributes, then the password, then `enable` or `disable`; what fails after something was done is told as
//! the part that failed.

use crate::Rest;
use crate::api::{Answer, Api, Sender};
use crate::body::{self, Given};
use crate::change::{Change, Passwords};
use crate::layout;
use crate::mapping::{Attribute, Class};
use crate::provision::{PASSWORD, offered, secret};
use crate::values;
use hawser_sdk::credentials::Credential;
use hawser_sdk::{AttributeChange, Edit, Error, Key, ObjectRef, Outcome, Reference, Result, Update, Value, Written};
use serde_json::{Map, Value as Json};

pub(crate) const ENABLED: &str = "enabled";

impl Rest {
    pub(crate) fn change(&self, update: &Update) -> Result<Outcome> {
        let class = self.mapping.class(&update.object.class)?;
        if update.container.is_some() {
            return Err(Error::unsupported("a mapping has no containers to move between"));
        }
        let api = Api::new(self)?;
        let password = secret(&update.secrets)?;
        let (enabled, changes) = split(class, &update.changes)?;
        let mut parts = Parts::default();
        // What is sent first is held to the caller's revision, and makes another one.
        let mut revision = update.revision.as_deref();
        if !changes.is_empty() || update.name.is_some() {
            parts.written = Some(attributes(&api, class, update, &changes, revision.take())?);
        }
        if let Some(secret) = password {
            parts.part(PASSWORD, self::password(&api, class, &update.object, secret, false, revision.take()))?;
        }
        if let Some(enabled) = enabled {
            parts.part(ENABLED, enable(&api, class, &update.object, enabled, revision.take()))?;
        }
        let object = &update.object;
        let same = || Written::new(object.uid.as_str(), object.name.as_deref().unwrap_or(&object.uid));
        let written = parts.written.unwrap_or_else(same);
        Ok(parts.failed.into_iter().fold(written, |written, (name, error)| written.failed(name, error)).into())
    }
}

/// What was done so far.
#[derive(Default)]
struct Parts {
    written: Option<Written>,
    done: bool,
    failed: Vec<(&'static str, Error)>,
}

impl Parts {
    /// A part that fails before anything was done fails the whole.
    fn part(&mut self, name: &'static str, result: Result<()>) -> Result<()> {
        match result {
            Ok(()) => self.done = true,
            Err(error) if self.done || self.written.is_some() => self.failed.push((name, error)),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// What `enable` and `disable` do is no attribute of the update.
fn split<'a>(class: &Class, changes: &'a [AttributeChange]) -> Result<(Option<bool>, Vec<&'a AttributeChange>)> {
    let (enabled, rest): (Vec<_>, Vec<_>) =
        changes.iter().partition(|change| class.enable.is_some() && change.name == ENABLED);
    let enabled = match enabled.first().map(|change| &change.change) {
        None => None,
        Some(hawser_sdk::Change::Replace(values)) => match values.as_slice() {
            [Value::Boolean(enabled)] => Some(*enabled),
            _ => return Err(Error::invalid_attribute_value("`enabled` takes true or false").attribute(ENABLED)),
        },
        Some(hawser_sdk::Change::Edit(_)) => {
            return Err(Error::invalid_attribute_value("`enabled` can only be replaced").attribute(ENABLED));
        }
    };
    Ok((enabled, rest))
}

fn attributes(
    api: &Api<'_>,
    class: &Class,
    update: &Update,
    changes: &[&AttributeChange],
    revision: Option<&str>,
) -> Result<Written> {
    let write = offered(class.update.as_ref(), &update.object.class, "update")?;
    if update.name.is_some() && !write.renames {
        return Err(Error::unsupported("the mapping has no `renames` in `update`, so that names stay"));
    }
    let edits = changes.iter().any(|change| matches!(change.change, hawser_sdk::Change::Edit(_)));
    if edits && class.get.is_none() {
        return Err(Error::unsupported("single values are added to what is there, and the mapping has no `get`"));
    }
    let change = Change::open(api, class, &update.object, write, revision, edits)?;
    let current = change.current.as_ref().map(|current| &current.item);
    let mut changed = Map::new();
    for it in changes {
        changed.insert(it.name.clone(), new_value(class, it, current)?);
    }
    let scope = change.scope().with("changed", &Json::Object(changed.clone()));
    let scope = match &update.name {
        Some(name) => scope.with("name", &Json::from(name.as_str())),
        None => scope,
    };
    let given = Given { name: update.name.as_deref(), attributes: &changed, current };
    let body = body::of_object(write, class, &given, &scope)?;
    let answer = change.send(&scope, body, Passwords::default(), Sender::Connection)?;
    Ok(written(class, update, &answer, write.item.get(&answer.body), current))
}

fn new_value(class: &Class, change: &AttributeChange, current: Option<&Json>) -> Result<Json> {
    let name = change.name.as_str();
    let attribute = class.attributes.get(name).filter(|attribute| attribute.updateable).ok_or_else(|| {
        Error::schema_violation(format!("`{name}` is no attribute that can be changed")).attribute(name)
    })?;
    match &change.change {
        hawser_sdk::Change::Replace(values) => values::encode(name, attribute, values),
        hawser_sdk::Change::Edit(edit) => values::encode(name, attribute, &edited(name, attribute, edit, current)?),
    }
}

fn edited(name: &str, attribute: &Attribute, edit: &Edit, current: Option<&Json>) -> Result<Vec<Value>> {
    if edit.remove.iter().any(|value| matches!(value, Value::Reference(Reference { key: Key::Name(_), .. }))) {
        return Err(Error::invalid_attribute_value(format!("`{name}` takes uids of other objects, not their names"))
            .attribute(name));
    }
    let alike = |values: &[Value]| -> Vec<Value> { values.iter().map(|value| pointing(attribute, value)).collect() };
    let (add, remove) = (alike(&edit.add), alike(&edit.remove));
    let held = current.map(|item| values::values(attribute, item).map_err(Error::schema_violation)).transpose()?;
    let mut held = held.unwrap_or_default();
    held.retain(|value| !remove.contains(value));
    for value in add {
        if !held.contains(&value) {
            held.push(value);
        }
    }
    Ok(held)
}

/// A reference may be said without the class, which the mapping knows.
fn pointing(attribute: &Attribute, value: &Value) -> Value {
    match value {
        Value::Reference(Reference { class: None, key }) => {
            Value::Reference(Reference { class: attribute.refers_to.clone(), key: key.clone() })
        }
        other => other.clone(),
    }
}

/// What the object is now, as the answer says; where it does not, as it was.
fn written(class: &Class, update: &Update, answer: &Answer, item: Option<&Json>, current: Option<&Json>) -> Written {
    let object = &update.object;
    if let Some((uid, name)) = item.and_then(|item| layout::identify(class, item).ok()) {
        let revision = item.and_then(|item| layout::revision(class, item, answer.etag.as_deref()));
        return revision.into_iter().fold(Written::new(uid, name), Written::revision);
    }
    let held = current.and_then(|item| class.name().find(item));
    let name = update.name.clone().or(held).or_else(|| object.name.clone()).unwrap_or_else(|| object.uid.clone());
    match &update.name {
        Some(renamed) if class.is_named_by_uid() => Written::new(renamed.as_str(), renamed.as_str()),
        _ => Written::new(object.uid.as_str(), name),
    }
}

/// Sets a password by the mapping's `passwords.set`.
pub(crate) fn password(
    api: &Api<'_>,
    class: &Class,
    object: &ObjectRef,
    new: &Credential<'_>,
    must_change: bool,
    revision: Option<&str>,
) -> Result<()> {
    let write = offered(class.passwords.set.as_ref(), &object.class, "passwords.set")?;
    let tells = write.sketch().names().iter().any(|name| name == "must_change");
    if must_change && !tells {
        return Err(Error::unsupported(
            "the mapping cannot have a password changed at the next log-in; it says nothing of `must_change`",
        ));
    }
    let change = Change::open(api, class, object, write, revision, false)?;
    let scope = change.scope().with("must_change", &Json::from(must_change));
    change.send(&scope, None, Passwords { new: Some(new), old: None }, Sender::Connection).map(drop)
}

/// Enables or disables by requests of their own.
pub(crate) fn enable(
    api: &Api<'_>,
    class: &Class,
    object: &ObjectRef,
    enabled: bool,
    revision: Option<&str>,
) -> Result<()> {
    let (write, what) = if enabled { (&class.enable, "enable") } else { (&class.disable, "disable") };
    let write = offered(write.as_ref(), &object.class, what)?;
    let change = Change::open(api, class, object, write, revision, false)?;
    change.send(&change.scope(), None, Passwords::default(), Sender::Connection).map(drop)
}
