//! Memberships: one member added or removed by itself, so that whoever else is in the group stays.
//!
//! Removing is where services differ, and where a wrong word empties a group: the standard has a path with a filter, Entra
//! and its like a list of values, which to a service of the standard means everybody. So the list is sent only under the
//! profile `entra`, only after the group showed who is in it, and what is left is looked at afterwards.

use crate::Scim;
use crate::failure::{self, Doing};
use crate::filter::quoted;
use crate::layout::{Layout, Targets};
use crate::listing::resumed;
use crate::members::{self, Pair, Seen};
use crate::model::{Class, GROUP, Kind, MEMBERS, Syntax};
use crate::object::Object;
use crate::options::{MemberValue, Profile};
use crate::replacing;
use crate::resources::{Filter, Resources};
use crate::server::Server;
use crate::tree;
use crate::update::{not_stored, patch};
use hawser_sdk::{
    Assignment, Assignments, Cell, Effect, Entitlements, Error, FailureKind, GrantOutcome, Granted, Key, ObjectRef,
    Reference, Result, RevokeOutcome, Value,
};
use serde_json::{Value as Json, json};
use std::borrow::Cow;
use std::collections::BTreeMap;

impl Entitlements for Scim {
    fn grant(&self, principal: &ObjectRef, what: &Assignment) -> Result<Granted> {
        let server = self.server()?;
        let mut pair = pair(&server, principal, what)?;
        pair.look_up_principal()?;
        Ok(granted(&pair)?.into())
    }

    fn revoke(&self, principal: &ObjectRef, what: &Assignment) -> Result<RevokeOutcome> {
        let server = self.server()?;
        let mut pair = pair(&server, principal, what)?;
        // Who is gone may still stand in the group by his id.
        if server.options.member_value == MemberValue::Name {
            pair.look_up_principal()?;
        }
        revoked(&pair)
    }

    fn list_granted(&self, principal: &ObjectRef, after: Option<&[u8]>, max: u32) -> Result<Assignments> {
        let server = self.server()?;
        let mut groups = all_granted(&server, principal)?;
        if let Some(after) = after {
            let after: String = resumed(after)?;
            groups.retain(|uid, _| *uid > after);
        }
        Ok(page_of(groups, usize::try_from(max.max(1)).unwrap_or(usize::MAX)))
    }
}

/// # Errors
/// Something that is no group, or a grant with more to it than a membership has.
fn pair<'a>(server: &'a Server, principal: &'a ObjectRef, what: &'a Assignment) -> Result<Pair<'a>> {
    if !what.parameters.is_empty() || what.not_before.is_some() || what.not_after.is_some() {
        return Err(Error::unsupported("memberships of SCIM have no parameters and no period"));
    }
    let class = server.class(&what.entitlement.class)?;
    if class.kind != Kind::Group {
        return Err(Error::schema_violation(format!("class {} is no entitlement; grant a group", class.name)));
    }
    Pair::new(server, server.class(&principal.class)?, &what.entitlement.uid, &principal.uid)
}

fn granted(pair: &Pair<'_>) -> Result<GrantOutcome> {
    let asked = if pair.server.patches() { pair.ask()? } else { None };
    if asked != Some(false) {
        let group = pair.read()?;
        if pair.seen_in(&group) == Seen::Yes {
            return Ok(GrantOutcome::AlreadyGranted);
        }
        if !pair.server.patches() {
            let member = pair.written()?;
            let write = |members: &mut Vec<Json>| members.push(member);
            replacing::replace_members(pair.server, pair.groups, pair.group, &group, write)?;
            return looked_after(pair, &group, Seen::Yes).map(|()| GrantOutcome::Granted);
        }
    }
    let before = if pair.server.options.reads_back() { Some(pair.read()?) } else { None };
    let operation = json!({"op": "add", "path": pair.members.path.to_string(), "value": [pair.written()?]});
    if let Err(error) = send(pair, operation) {
        return if is_so_already(pair, &error, Seen::Yes)? { Ok(GrantOutcome::AlreadyGranted) } else { Err(error) };
    }
    before.map_or(Ok(()), |before| looked_after(pair, &before, Seen::Yes))?;
    Ok(GrantOutcome::Granted)
}

fn revoked(pair: &Pair<'_>) -> Result<RevokeOutcome> {
    let asked = if pair.server.patches() { pair.ask()? } else { None };
    if asked == Some(true) {
        return removed(pair, None);
    }
    let group = pair.read()?;
    let by_path = pair.server.patches() && pair.server.options.profile != Profile::Entra;
    match pair.seen_in(&group) {
        // A list may be cut off and not say so. A path names one member and harms no other, so who is not seen is removed
        // all the same, unless a search has not found him either.
        Seen::No if by_path && asked.is_none() => removed(pair, Some(&group)),
        Seen::No if asked.is_none() => {
            replacing::shown_members(pair.server, &group).map(|_| RevokeOutcome::AlreadyRevoked)
        }
        Seen::No => Ok(RevokeOutcome::AlreadyRevoked),
        Seen::Hidden if !by_path => {
            let message =
                "the service does not show everybody in the group, so that removing one member could remove the others";
            Err(Error::unsupported(message))
        }
        Seen::Yes if !pair.server.patches() => {
            let write = |members: &mut Vec<Json>| members.retain(|member| !pair.is_it(member));
            replacing::replace_members(pair.server, pair.groups, pair.group, &group, write)?;
            looked_after(pair, &group, Seen::No).map(|()| RevokeOutcome::Revoked)
        }
        Seen::Yes | Seen::Hidden => removed(pair, Some(&group)),
    }
}

fn removed(pair: &Pair<'_>, before: Option<&Object>) -> Result<RevokeOutcome> {
    let path = pair.members.path.to_string();
    let operation = match pair.server.options.profile {
        Profile::Entra => json!({"op": "remove", "path": path, "value": [{"value": pair.shown}]}),
        Profile::Standard | Profile::ReadBack => {
            json!({"op": "remove", "path": format!("{path}[value eq {}]", quoted(&pair.shown))})
        }
    };
    if let Err(error) = send(pair, operation) {
        return if is_so_already(pair, &error, Seen::No)? { Ok(RevokeOutcome::AlreadyRevoked) } else { Err(error) };
    }
    if let Some(before) = before.filter(|_| pair.server.options.reads_back()) {
        looked_after(pair, before, Seen::No)?;
    }
    Ok(RevokeOutcome::Revoked)
}

fn send(pair: &Pair<'_>, operation: Json) -> Result<()> {
    patch(pair.server, pair.groups, pair.group, vec![operation], None, None, Doing::Changing).map(drop)
}

/// Was a write refused because there was nothing to do?
fn is_so_already(pair: &Pair<'_>, error: &Error, wanted: Seen) -> Result<bool> {
    let may_be = matches!(
        error.kind(),
        FailureKind::Conflict
            | FailureKind::AlreadyExists
            | FailureKind::InvalidAttributeValue
            | FailureKind::SchemaViolation
    );
    if !may_be {
        return Ok(false);
    }
    let seen = pair.seen_in(&pair.read()?);
    // An empty group may show no members at all; that the service found none to remove is its own word.
    Ok(seen == wanted || (wanted == Seen::No && seen == Seen::Hidden && failure::is_no_target(error)))
}

/// Where the profile says so, looks whether he is in or out, and whether the others are still there.
fn looked_after(pair: &Pair<'_>, before: &Object, wanted: Seen) -> Result<()> {
    if !pair.server.options.reads_back() {
        return Ok(());
    }
    let after = pair.read()?;
    let (were, are) = (pair.others_in(before), pair.others_in(&after));
    // Of a list that is cut off, others may have been pushed out.
    if are < were && !members::says_more(&after) {
        let message = format!(
            "{} of the {were} others are gone from the group {}: the service takes this way of writing for another one, or \
             somebody else removed them; look there, and set `profile` to what the service is",
            were - are,
            pair.group
        );
        return Err(Error::partially_applied(message).with_effect(Effect::Some));
    }
    let is_so = match pair.seen_in(&after) {
        // An empty group may show no members at all.
        Seen::Hidden => wanted == Seen::No || pair.search()? == Some(true),
        seen => seen == wanted,
    };
    if is_so { Ok(()) } else { Err(not_stored("the group is not so when it is read back")) }
}

/// Every group of a principal, by its uid, and its name where that is shown.
fn all_granted(server: &Server, principal: &ObjectRef) -> Result<BTreeMap<String, Option<String>>> {
    let class = server.class(&principal.class)?;
    let (groups, members) = server.groups()?;
    let path = format!("{}.value", members.path);
    if server.filters_by(&path)
        && server.options.member_value == MemberValue::Id
        && let Some(found) = found(server, groups, &path, principal)?
    {
        return Ok(found);
    }
    if class.attributes.iter().any(|it| it.name == "groups" && it.syntax == Syntax::Reference) {
        return shown(server, class, principal);
    }
    let message =
        "the service can neither be asked for the groups of a member nor shows them; look at the groups' members";
    Err(Error::unsupported(message))
}

/// The groups that a search finds; nothing if one comes that does not show the principal, so that it may be any group.
fn found(
    server: &Server,
    groups: &Class,
    path: &str,
    principal: &ObjectRef,
) -> Result<Option<BTreeMap<String, Option<String>>>> {
    let layout = Layout::of(groups, &[MEMBERS.to_owned()], Targets::of(server, usize::MAX))?;
    let filter = Filter::Decides(format!("{path} eq {}", quoted(&principal.uid)));
    let mut found = Resources::open(Server::open(&server.options)?, groups, layout, Some(filter));
    let mut all = BTreeMap::new();
    while let Some(decoded) = found.next()? {
        let row = decoded.into_row(&found.layout).map_err(|rejected| rejected.reason().clone())?;
        let members = match row.cells.first() {
            Some(Cell::Many(members)) => members.as_slice(),
            _ => &[],
        };
        if !members.iter().any(|member| uid(member) == Some(&principal.uid)) {
            return Ok(None);
        }
        all.insert(row.uid, Some(row.name));
    }
    Ok(Some(all))
}

fn uid(value: &Value) -> Option<&String> {
    match value {
        Value::Reference(Reference { key: Key::Uid(uid) | Key::Name(uid), .. }) => Some(uid),
        _ => None,
    }
}

/// The groups that the principal itself shows, without those it is in by way of others.
///
/// # Errors
/// It shows no list. Services that do not keep one show none, which is not the same as knowing that there are none.
fn shown(server: &Server, class: &Class, principal: &ObjectRef) -> Result<BTreeMap<String, Option<String>>> {
    let groups = ["groups".to_owned()];
    let object = Object::read(server, class, &principal.uid, Some(&groups))?;
    let shown = tree::get(&object.json, &tree::path("groups", None)).and_then(Json::as_array).ok_or_else(|| {
        Error::unsupported("the service does not show whether somebody is in groups; look at the groups' members")
    })?;
    let part =
        |group: &Json, name: &str| tree::get(group, &tree::path(name, None)).and_then(tree::key).map(Cow::into_owned);
    let is_direct = |group: &&Json| part(group, "type").is_none_or(|kind| !kind.eq_ignore_ascii_case("indirect"));
    Ok(shown.iter().filter(is_direct).filter_map(|group| part(group, "value")).map(|uid| (uid, None)).collect())
}

/// One page in the order of uids.
fn page_of(groups: BTreeMap<String, Option<String>>, max: usize) -> Assignments {
    let more = groups.len() > max;
    let taken: Vec<_> = groups.into_iter().take(max).collect();
    let next = taken.last().filter(|_| more).and_then(|(uid, _)| serde_json::to_vec(uid).ok());
    let assignment = |(uid, name)| Assignment::direct(ObjectRef { name, ..ObjectRef::new(GROUP, uid) });
    Assignments { assignments: taken.into_iter().map(assignment).collect(), next }
}

#[cfg(test)]
mod tests;
