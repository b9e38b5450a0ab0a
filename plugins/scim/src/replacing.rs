//! Writing a resource as a whole (RFC 7644, 3.5.1), for services without PATCH: as it was read, with what is to differ, and
//! only if it is still that.
//!
//! A group that is written as a whole is written with its members, and whoever is missing in what was read would be gone. So
//! it is written only when nothing speaks against the list being all of them: it is shown, nothing says there is more, and it
//! is not as long as lists are cut off, unless as many users say that they are in the group. And only under a version that
//! the service holds the write against.

use crate::changes::Target;
use crate::failure::Doing;
use crate::filter::quoted;
use crate::layout::{Layout, Targets};
use crate::members;
use crate::model::{Class, Kind, MEMBERS, Mutability, PASSWORD};
use crate::object::Object;
use crate::page;
use crate::provision::{PASSWORD_POINTER, name_schemas};
use crate::server::{self, Server};
use crate::tree;
use crate::url::Url;
use hawser_sdk::credentials::Password;
use hawser_sdk::http::Response;
use hawser_sdk::{Error, Result};
use serde_json::Value as Json;

/// Services cut lists off at multiples of this.
const ROUND: usize = 100;

/// Writes a resource with these targets made so.
///
/// # Errors
/// A group that may have more members than it shows, before anything is sent.
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
        safe_members(server, found)?;
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
/// It may have more members than it shows, before anything is sent.
pub(crate) fn replace_members(
    server: &Server,
    class: &Class,
    uid: &str,
    found: &Object,
    edit: impl FnOnce(&mut Vec<Json>),
) -> Result<Response> {
    let mut members = safe_members(server, found)?.to_vec();
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

/// The members of a group, if they can be written back under its version.
fn safe_members<'a>(server: &Server, found: &'a Object) -> Result<&'a [Json]> {
    if !server.can.etag || found.version.is_none() {
        return Err(refused("the service does not hold writes against a version"));
    }
    shown_members(server, found)
}

/// The members of a group, if nothing speaks against their being all of them.
///
/// # Errors
/// It shows none, says that there are more, or shows as many as lists are cut off at.
pub(crate) fn shown_members<'a>(server: &Server, found: &'a Object) -> Result<&'a [Json]> {
    if members::says_more(found) {
        return Err(refused("the service shows some of its members only"));
    }
    let shown = members::list(found).ok_or_else(|| refused("the service does not show its members"))?;
    if is_round(server, shown.len()) && users_in(server, found)? != Some(shown.len() as u64) {
        let why = format!("the service shows {} members, where lists are often cut off", shown.len());
        return Err(refused(&why));
    }
    Ok(shown)
}

fn refused(why: &str) -> Error {
    let message = format!(
        "the group could only be written as a whole, and {why}, so that members could be lost; let the service have PATCH, or \
         change the group there"
    );
    Error::unsupported(message)
}

/// Is that where a service may have stopped? An empty list is none that was cut off.
fn is_round(server: &Server, shown: usize) -> bool {
    let is_max = |max: u32| usize::try_from(max) == Ok(shown);
    shown > 0 && (shown.is_multiple_of(ROUND) || server.can.page_max.is_some_and(is_max))
}

/// How many users say that they are in the group, where the service can be asked.
fn users_in(server: &Server, group: &Object) -> Result<Option<u64>> {
    let accounts = server.classes.iter().find(|class| class.kind == Kind::Account);
    let uid = tree::get(&group.json, &tree::path("id", None)).and_then(tree::key);
    let (Some(accounts), Some(uid)) = (accounts.filter(|_| server.filters_by("groups.value")), uid) else {
        return Ok(None);
    };
    let layout = Layout::of(accounts, &[], Targets::of(server, 0))?;
    let url = Url::new(&accounts.endpoint)
        .with("filter", &format!("groups.value eq {}", quoted(&uid)))
        .with_some("attributes", layout.wanted.attributes.as_deref())
        .with_some("count", server.page_size().map(|_| "1"));
    match server.client.get(url) {
        Err(error) if members::is_no_answer(&error) => Ok(None),
        found => Ok(page::read(&layout, &found?.body)?.total),
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
