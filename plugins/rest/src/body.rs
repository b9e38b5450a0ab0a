//! Bodies of changes: what the mapping's templates say, with the attributes put where their pointers say.

use crate::mapping::{Attribute, Class, Content, Method, Send, Write};
use crate::pointer::Pointer;
use crate::template::Scope;
use hawser_sdk::Result;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// What is put into a body.
pub(crate) struct Given<'a> {
    /// A name that is new.
    pub(crate) name: Option<&'a str>,
    /// Attributes as the API takes them.
    pub(crate) attributes: &'a Map<String, Json>,
    /// The object as it is now.
    pub(crate) current: Option<&'a Json>,
}

/// The body of a change of an object; none where the mapping's own is what is sent.
pub(crate) fn of_object(write: &Write, class: &Class, given: &Given<'_>, scope: &Scope) -> Result<Option<Json>> {
    if write.send == Send::None || matches!(write.content, Content::Form(_)) {
        return Ok(None);
    }
    let mut body = templates(write, scope)?;
    if let Some(current) = given.current.filter(|_| write.send == Send::Whole) {
        write.at.set(&mut body, current.clone());
    }
    if let (Some(name), Some(pointer)) = (given.name, class.name().pointer()) {
        put(write, &mut body, pointer, Json::from(name));
    }
    Ok(attributes(write, body, &class.attributes, given.attributes))
}

/// The body of a grant or a revocation; none as above.
pub(crate) fn of_parameters(
    write: &Write,
    known: &BTreeMap<String, Attribute>,
    given: &Map<String, Json>,
    scope: &Scope,
) -> Result<Option<Json>> {
    if has_parameters(write) { Ok(attributes(write, templates(write, scope)?, known, given)) } else { Ok(None) }
}

/// Are the parameters of a grant or a revocation put into the body?
pub(crate) fn has_parameters(write: &Write) -> bool {
    // What a body of a DELETE means is nothing anybody agrees on (RFC 9110, 9.3.5).
    let bare = write.request.method == Method::Delete && matches!(write.content, Content::None);
    !bare && write.send != Send::None && !matches!(write.content, Content::Form(_))
}

fn templates(write: &Write, scope: &Scope) -> Result<Json> {
    match &write.content {
        Content::Json(shape) => Ok(shape.render(scope)?.unwrap_or(Json::Null)),
        Content::None | Content::Form(_) => Ok(Json::Null),
    }
}

fn attributes(
    write: &Write,
    mut body: Json,
    known: &BTreeMap<String, Attribute>,
    given: &Map<String, Json>,
) -> Option<Json> {
    for (name, value) in given {
        if let Some(attribute) = known.get(name) {
            put(write, &mut body, &attribute.pointer, value.clone());
        }
    }
    (!body.is_null()).then_some(body)
}

fn put(write: &Write, body: &mut Json, pointer: &Pointer, value: Json) {
    pointer.below(&write.at).set(body, value);
}
