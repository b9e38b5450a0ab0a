//! Writing a resource as a whole (RFC 7644, 3.5.1), for services without PATCH: as it was read, with what is to differ, and
//! only if it is still that.
//!
//! A group that is written as a whole is written with its members, and whoever is missing in what was read would be gone. So
//! it is written only when the list is proven to be all of them: shown as a list, with nothing that says there is more, and
//! under a version that the service holds the write against.

use crate::changes::Target;
use crate::failure::Doing;
use crate::model::{Class, Kind, MEMBERS, Mutability, PASSWORD};
use crate::object::Object;
use crate::provision::{PASSWORD_POINTER, name_schemas};
use crate::server::{self, Server};
use crate::tree;
use hawser_sdk::credentials::Password;
use hawser_sdk::http::Response;
use hawser_sdk::{Error, Result};
use serde_json::Value as Json;

/// What says that a list is not all of it.
const MORE: [&str; 5] = ["nextCursor", "totalResults", "itemsPerPage", "startIndex", "nextLink"];

/// Writes a resource with these targets made so.
///
/// # Errors
/// A group whose members are not proven to be all, before anything is sent.
pub(crate) fn replace(
    server: &Server,
    class: &Class,
    uid: &str,
    found: &Object,
    targets: &[Target<'_>],
    secret: Option<&Password<'_>>,
    doing: Doing,
) -> Result<Response> {
    if class.kind == Kind::Group {
        proven_members(server, found)?;
    }
    let mut body = writable(class, &found.json);
    for target in targets {
        tree::set(&mut body, &target.attribute.path, target.then.clone());
    }
    send(server, class, uid, found, body, secret, doing)
}

/// Writes a group with other members.
///
/// # Errors
/// Its members are not proven to be all, before anything is sent.
pub(crate) fn replace_members(
    server: &Server,
    class: &Class,
    uid: &str,
    found: &Object,
    edit: impl FnOnce(&mut Vec<Json>),
) -> Result<Response> {
    let mut members = proven_members(server, found)?.to_vec();
    edit(&mut members);
    let mut body = writable(class, &found.json);
    tree::set(&mut body, &tree::path(MEMBERS, None), Some(Json::Array(members)));
    send(server, class, uid, found, body, None, Doing::Changing)
}

fn send(
    server: &Server,
    class: &Class,
    uid: &str,
    found: &Object,
    mut body: Json,
    secret: Option<&Password<'_>>,
    doing: Doing,
) -> Result<Response> {
    if secret.is_some() {
        tree::set(&mut body, &tree::path(PASSWORD, None), Some(Json::from("")));
    }
    name_schemas(&mut body, class);
    let if_match = found.version.as_deref().filter(|_| server.can.etag);
    let secret = secret.map(|secret| (secret, PASSWORD_POINTER));
    let sent = server.client.write("PUT", Server::url(class, uid)?, &body, if_match, secret, doing);
    sent.map_err(|error| server::lost(error, class, uid))
}

/// The members of a group, if they are all of them for certain.
fn proven_members<'a>(server: &Server, found: &'a Object) -> Result<&'a [Json]> {
    let refused = |why: &str| {
        let message = format!(
            "the group could only be written as a whole, and {why}, so that members could be lost; let the service have PATCH, \
             or change the group there"
        );
        Err(Error::unsupported(message))
    };
    if !server.can.etag || found.version.is_none() {
        return refused("the service does not hold writes against a version");
    }
    let object = found.json.as_object();
    let says_more = |name: &str| {
        let name = name.to_ascii_lowercase();
        MORE.iter().any(|more| name == more.to_ascii_lowercase()) || (name.starts_with(MEMBERS) && name != MEMBERS)
    };
    if object.is_some_and(|object| object.keys().any(|name| says_more(name))) {
        return refused("the service shows some of its members only");
    }
    match tree::get(&found.json, &tree::path(MEMBERS, None)) {
        Some(Json::Array(members)) => Ok(members),
        _ => refused("the service does not show its members"),
    }
}

/// The resource without what only the service writes.
fn writable(class: &Class, json: &Json) -> Json {
    let mut body = json.clone();
    for attribute in class.attributes.iter().filter(|it| it.mutability == Mutability::ReadOnly) {
        tree::set(&mut body, &attribute.path, None);
    }
    tree::set(&mut body, &tree::path("meta", None), None);
    body
}

#[cfg(test)]
mod tests;
