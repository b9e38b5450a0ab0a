//! Creating and deleting resources. Updates have a file of their own.

use crate::Scim;
use crate::changes::{self, Target};
use crate::failure::Doing;
use crate::filter::quoted;
use crate::layout::{Layout, Targets};
use crate::members;
use crate::model::{ACCOUNT, Attribute, Class, PASSWORD, Syntax};
use crate::object::{self, Object};
use crate::page;
use crate::resource::Decoded;
use crate::server::{self, Server};
use crate::tree;
use crate::update::{Alteration, not_stored};
use crate::url::{self, Url};
use hawser_sdk::credentials::Password;
use hawser_sdk::http::Response;
use hawser_sdk::{
    Attribute as Given, AttributeChange, Change, Draft, Effect, Error, FailureKind, Key, ObjectRef, Outcome, Provision,
    Reference, Result, Secret, Update, Written,
};
use serde_json::{Map, Value as Json, json};
use std::borrow::Cow;

/// Where the host writes the password of a new resource, and of one that is written whole.
pub(crate) const PASSWORD_POINTER: &str = "/password";

impl Provision for Scim {
    fn create(&self, draft: Draft) -> Result<Outcome> {
        if draft.container.is_some() || !draft.auxiliary.is_empty() {
            return Err(Error::unsupported("resources of SCIM have no container and no auxiliary classes"));
        }
        let server = self.server()?;
        let class = server.class(&draft.class)?;
        let body = body(&server, class, &draft)?;
        let secret = password(&draft.secrets)?.map(|secret| (secret, PASSWORD_POINTER));
        let url = Url::new(&class.endpoint);
        let response = server
            .client
            .write("POST", url, &body, None, secret, Doing::Creating)
            .map_err(|error| existing(&server, class, &draft.name, error))?;
        let uid = created(class, &response)?;
        let written = object::written(&server, &response, class, &uid, Some(&draft.name));
        Ok(looked_after(&server, class, &draft, written)?.into())
    }

    fn update(&self, update: Update) -> Result<Outcome> {
        let server = self.server()?;
        let class = server.class(&update.object.class)?;
        Alteration::open(&server, class, &update)?.run()
    }

    fn delete(&self, object: &ObjectRef, revision: Option<&str>) -> Result<Outcome> {
        let server = self.server()?;
        let class = server.class(&object.class)?;
        let lost = |error| server::lost(error, class, &object.uid);
        if revision.is_some() && !server.can.etag {
            Object::read(&server, class, &object.uid, Some(&[]))?.require(revision)?;
        }
        let if_match = revision.filter(|_| server.can.etag);
        server.client.delete(Server::url(class, &object.uid)?, if_match).map_err(lost)?;
        if server.options.reads_back() {
            is_gone(&server, class, &object.uid)?;
        }
        let name = object.name.as_deref().unwrap_or(&object.uid);
        Ok(Written::new(object.uid.as_str(), name).into())
    }
}

/// # Errors
/// What was deleted is still there, or nobody knows.
fn is_gone(server: &Server, class: &Class, uid: &str) -> Result<()> {
    match Object::read(server, class, uid, Some(&[])) {
        Err(error) if error.kind() == FailureKind::UnknownUid => Ok(()),
        Err(error) => Err(not_stored(&format!("it cannot be looked for: {error}"))),
        Ok(_) => Err(not_stored("it is still there")),
    }
}

/// The password among the secrets of a call.
///
/// # Errors
/// A secret that is none has no place.
pub(crate) fn password(secrets: &[Secret]) -> Result<Option<&Password<'static>>> {
    match secrets {
        [] => Ok(None),
        [secret] if secret.name == PASSWORD => Ok(Some(&secret.password)),
        [first, ..] => {
            let message =
                format!("`{}` is no secret that a resource has a place for; there is one `password`", first.name);
            Err(Error::schema_violation(message).attribute(first.name.as_str()))
        }
    }
}

/// The resource as it is to be.
fn body(server: &Server, class: &Class, draft: &Draft) -> Result<Json> {
    let mut body = Json::Object(Map::new());
    if let Some(naming) = class.naming() {
        tree::set(&mut body, &naming.path, Some(Json::from(draft.name.as_str())));
    }
    for given in &draft.attributes {
        let attribute = class.known(&given.name)?;
        let value = changes::written(server, attribute, &given.values)?;
        if value.is_some() {
            tree::set(&mut body, &attribute.path, value);
        }
    }
    if !draft.secrets.is_empty() {
        tree::set(&mut body, &tree::path(PASSWORD, None), Some(Json::from("")));
    }
    name_schemas(&mut body, class);
    Ok(body)
}

/// Names the schemas of what a resource holds, those that every resource has to name, and those it named before.
pub(crate) fn name_schemas(body: &mut Json, class: &Class) {
    let held = |urn: &str| body.as_object().is_some_and(|object| tree::field(object, urn).is_some());
    let extensions: Vec<&str> =
        class.extensions.iter().filter(|(urn, required)| *required || held(urn)).map(|(urn, _)| urn.as_str()).collect();
    let place = tree::path("schemas", None);
    let mut schemas = tree::get(body, &place).and_then(Json::as_array).cloned().unwrap_or_default();
    for urn in std::iter::once(class.schema.as_str()).chain(extensions.iter().copied()) {
        if !schemas.iter().any(|named| named.as_str().is_some_and(|named| named.eq_ignore_ascii_case(urn))) {
            schemas.push(Json::from(urn));
        }
    }
    let missing: Vec<&str> = extensions.into_iter().filter(|urn| !held(urn)).collect();
    for urn in missing {
        if let Some(object) = body.as_object_mut() {
            object.insert(urn.to_owned(), json!({}));
        }
    }
    tree::set(body, &place, Some(Json::Array(schemas)));
}

/// A reference as it is written among others: its key, and what the service demands beside it.
pub(crate) fn reference(server: &Server, attribute: &Attribute, reference: &Reference) -> Result<Json> {
    let (Key::Uid(uid) | Key::Name(uid)) = &reference.key;
    let known = &attribute.refers_to;
    let likely = || known.iter().find(|class| *class == ACCOUNT).or_else(|| known.first()).map(String::as_str);
    let class = reference.class.as_deref().or_else(likely).unwrap_or(ACCOUNT);
    member(server, attribute, server.class(class)?, uid)
}

/// A member as it is written: its id, and what the service demands beside it.
pub(crate) fn member(server: &Server, members: &Attribute, class: &Class, uid: &str) -> Result<Json> {
    debug_assert_eq!(members.syntax, Syntax::Reference);
    let mut member = json!({"value": uid});
    for demanded in &members.demands {
        let value = match demanded.as_str() {
            "type" => class.resource_type.clone(),
            _ => server.location(class, uid)?,
        };
        tree::set(&mut member, &tree::path(demanded, None), Some(Json::from(value)));
    }
    Ok(member)
}

/// The id of the new resource, as the answer shows it or as it is part of its place.
fn created(class: &Class, response: &Response) -> Result<String> {
    let json: Json = serde_json::from_slice(&response.body).unwrap_or_default();
    let shown = tree::get(&json, &tree::path("id", None)).and_then(tree::key).map(Cow::into_owned);
    let place = || response.header("location").and_then(|place| url::id(place, &class.endpoint));
    shown.filter(|uid| !uid.is_empty()).or_else(place).ok_or_else(|| {
        let message =
            "the service created the resource and does not tell its id; look for it there before it is tried again";
        Error::outcome_unknown(message).with_effect(Effect::Some).code(format!("http:{}", response.status))
    })
}

/// Names the object that stands in the way.
fn existing(server: &Server, class: &Class, name: &str, error: Error) -> Error {
    if error.kind() != FailureKind::AlreadyExists {
        return error;
    }
    match by_name(server, class, name) {
        Ok(Some(uid)) => error.object(ObjectRef { name: Some(name.to_owned()), ..ObjectRef::new(&class.name, uid) }),
        // That it exists is the failure to tell, and not that nobody knows which it is.
        Ok(None) | Err(_) => error,
    }
}

fn by_name(server: &Server, class: &Class, name: &str) -> Result<Option<String>> {
    let Some(naming) = class.naming().filter(|naming| server.filters_by(&naming.path.to_string())) else {
        return Ok(None);
    };
    let layout = Layout::of(class, &[], Targets::of(server, 0))?;
    let filter = format!("{} eq {}", naming.path, quoted(name));
    let url =
        Url::new(&class.endpoint).with("filter", &filter).with_some("attributes", layout.wanted.attributes.as_deref());
    let found = page::read(&layout, &server.client.get(url)?.body)?.items.unwrap_or_default();
    // Not every service that says it filters does.
    let is_it = |it: &&Decoded| it.name.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name));
    let mut named = found.iter().filter(is_it);
    Ok(named.next().filter(|_| named.next().is_none()).and_then(|only| only.uid.clone()))
}

/// Where the profile says so, looks whether everything was stored.
fn looked_after(server: &Server, class: &Class, draft: &Draft, written: Written) -> Result<Written> {
    if !server.options.reads_back() {
        return Ok(written);
    }
    let stored = match Object::read(server, class, written.uid(), None) {
        Ok(stored) => stored,
        // The object exists, whatever the look at it came to.
        Err(error) => return Ok(written.failed("@name", not_stored(&format!("it cannot be read back: {error}")))),
    };
    let mut written = written;
    if class.naming().is_some() && !Target::naming(class, &draft.name, &stored.json)?.holds_in(&stored.json) {
        written = written.failed("@name", not_stored("it has another name when it is read back"));
    }
    for given in &draft.attributes {
        if !is_stored(server, class, given, &stored)? {
            written = written.failed(given.name.as_str(), not_stored("it is not there when it is read back"));
        }
    }
    Ok(written)
}

/// Is it there, as far as that can be seen?
fn is_stored(server: &Server, class: &Class, given: &Given, stored: &Object) -> Result<bool> {
    let attribute = class.known(&given.name)?;
    if !attribute.is_readable() {
        return Ok(true);
    }
    if class.is_membership(attribute) {
        return Ok(members::are_in(server, &given.values, stored));
    }
    let change = AttributeChange { name: given.name.clone(), change: Change::Replace(given.values.clone()) };
    Ok(Target::of(server, class, &change, &stored.json)?.holds_in(&stored.json))
}

#[cfg(test)]
mod tests;
