//! LDAP for guests. The protocol is in the room `ldap`; here a guest's words are held against its context: which
//! destination, whose login, which secret may be written where.
//!
//! A session is a name for where its operations go. They take a connection of the connection's pool each, so that a
//! search in progress does not stand in the way of a write. Whatever a directory answers, its failures too, is searched for
//! secrets before the guest has it.

use std::sync::Arc;

use tokio::time::Instant;
use wasmtime::component::Resource;
use zeroize::Zeroizing;

use super::Said;
use super::credentials::{Credential, Origin, not_permitted, one_verification};
use crate::egress::rules::Route;
use crate::ldap::limits::ANSWER_MARGIN;
use crate::ldap::{self, Control, Entries, Login, Operation, Pool, Protection, SearchRequest, To, Write};
use crate::model::{CredentialUse, DestinationName, Failure, FailureKind, Permission, Result, Secret};
use crate::runtime::leak::Exits;
use crate::runtime::state::State;

/// Where operations go, and as whom.
#[allow(unreachable_pub, reason = "the bindings re-export it")]
pub struct Session(Arc<To>);

/// A search in progress.
#[allow(unreachable_pub, reason = "the bindings re-export it")]
pub struct Search(ldap::Search, DestinationName);

/// A login as a guest asks for it.
pub(in crate::runtime) enum Asked {
    Anonymous,
    Simple { dn: String, password: Resource<Credential> },
    External,
}

/// A value as a guest hands it over.
pub(in crate::runtime) enum NewValue {
    Bytes(Vec<u8>),
    Secret(Resource<Credential>),
}

/// An attribute with such values, and what to do with them.
pub(in crate::runtime) struct Change {
    pub(in crate::runtime) operation: Operation,
    pub(in crate::runtime) name: String,
    pub(in crate::runtime) values: Vec<NewValue>,
}

pub(in crate::runtime) async fn open(
    state: &mut State,
    destination: &str,
    protection: Protection,
    login: Asked,
) -> Said<Resource<Session>> {
    let route = match super::route(&state.context, destination) {
        Ok(route) => route,
        Err(failure) => return Ok(Err(failure)),
    };
    let (login, slot) = match admitted(state, &route, login)? {
        Ok(login) => login,
        Err(failure) => return Ok(Err(failure)),
    };
    let reached = (route.name.clone(), route.target.to_string());
    let keys = slot.into_iter().chain(route.client.as_ref().map(ToString::to_string));
    state
        .uses(|used| {
            used.destinations.insert(reached);
            used.credentials.extend(keys);
        })
        .await?;
    let to = Arc::new(To { route, protection, login });
    let warmed = pool(state).warm(&state.egress(), &to, end(state)).await;
    match searched(state, &to.route.name, warmed)? {
        Err(failure) => Ok(Err(failure)),
        Ok(()) => Ok(Ok(state.table.push(Session(to))?)),
    }
}

pub(in crate::runtime) fn close(state: &mut State, session: Resource<Session>) -> wasmtime::Result<()> {
    state.table.delete(session)?;
    Ok(())
}

pub(in crate::runtime) fn search(
    state: &mut State,
    session: &Resource<Session>,
    request: SearchRequest,
) -> Said<Resource<Search>> {
    let to = to(state, session)?;
    match ldap::Search::new(pool(state), Arc::clone(&to), request) {
        Err(failure) => Ok(Err(failure)),
        Ok(search) => Ok(Ok(state.table.push(Search(search, to.route.name.clone()))?)),
    }
}

pub(in crate::runtime) async fn next(state: &mut State, search: &Resource<Search>, max: u32) -> Said<Entries> {
    let (egress, end) = (state.egress(), end(state));
    let Search(search, from) = state.table.get_mut(search)?;
    let (found, from) = (search.next(&egress, max, end).await, from.clone());
    searched(state, &from, found)
}

pub(in crate::runtime) fn end_search(state: &mut State, search: Resource<Search>) -> wasmtime::Result<()> {
    drop(state.table.delete(search)?);
    Ok(())
}

pub(in crate::runtime) async fn add(
    state: &mut State,
    session: &Resource<Session>,
    dn: String,
    attributes: Vec<Change>,
    controls: Vec<Control>,
) -> Said<Vec<Control>> {
    match changes(state, attributes).await? {
        Err(failure) => Ok(Err(failure)),
        Ok(changes) => {
            let attributes = changes.into_iter().map(|change| change.attribute).collect();
            write(state, session, Write::Add { dn, attributes }, controls).await
        }
    }
}

pub(in crate::runtime) async fn modify(
    state: &mut State,
    session: &Resource<Session>,
    dn: String,
    asked: Vec<Change>,
    controls: Vec<Control>,
) -> Said<Vec<Control>> {
    match changes(state, asked).await? {
        Err(failure) => Ok(Err(failure)),
        Ok(changes) => write(state, session, Write::Modify { dn, changes }, controls).await,
    }
}

/// Makes a change that no secret is in.
pub(in crate::runtime) async fn write(
    state: &mut State,
    session: &Resource<Session>,
    write: Write,
    controls: Vec<Control>,
) -> Said<Vec<Control>> {
    let to = to(state, session)?;
    let written = ldap::write(&pool(state), &state.egress(), &to, &write, controls, end(state)).await;
    searched(state, &to.route.name, written)
}

pub(in crate::runtime) async fn extended(
    state: &mut State,
    session: &Resource<Session>,
    oid: &str,
    value: Option<&[u8]>,
) -> Said<Option<Vec<u8>>> {
    let to = to(state, session)?;
    let answer = ldap::extended(&pool(state), &state.egress(), &to, (oid, value), end(state)).await;
    searched(state, &to.route.name, answer)
}

pub(in crate::runtime) async fn set_password(
    state: &mut State,
    session: &Resource<Session>,
    dn: String,
    old: Option<Resource<Credential>>,
    new: Resource<Credential>,
) -> Said<()> {
    // The old one is a guess until the server takes it.
    if old.is_some()
        && let Err(failure) = one_verification(state)
    {
        return Ok(Err(failure));
    }
    let secrets = match secrets(state, old.iter().chain([&new])).await? {
        Ok(secrets) => secrets,
        Err(failure) => return Ok(Err(failure)),
    };
    match secrets.as_slice() {
        [old, new] => {
            let to = to(state, session)?;
            let changed = ldap::change_password(&state.egress(), &to, &dn, (old, new), end(state)).await;
            searched(state, &to.route.name, changed)
        }
        [new] => {
            let write = Write::SetPassword { dn, new: new.clone() };
            Ok(self::write(state, session, write, Vec::new()).await?.map(drop))
        }
        _ => Ok(Err(no_password())),
    }
}

pub(in crate::runtime) async fn verify(
    state: &mut State,
    session: &Resource<Session>,
    dn: &str,
    password: &Resource<Credential>,
) -> Said<()> {
    let to = to(state, session)?;
    if !matches!(state.table.get(password)?.origin, Origin::Call(_)) {
        return Ok(Err(no_password()));
    }
    if let Err(failure) = one_verification(state) {
        return Ok(Err(failure));
    }
    let secrets = match secrets(state, [password]).await? {
        Ok(secrets) => secrets,
        Err(failure) => return Ok(Err(failure)),
    };
    let Some(password) = secrets.first() else { return Ok(Err(no_password())) };
    let verified = ldap::verify(&state.egress(), &to, dn, password, end(state)).await;
    searched(state, &to.route.name, verified)
}

/// What a directory answered, if no secret is in it.
fn searched<T: Exits>(state: &State, from: &DestinationName, answer: Result<T, Failure>) -> Said<T> {
    state.leaks.check_answer(from, &answer)?;
    Ok(answer)
}

/// The login, if its secret may go there, and the slot of the secret.
fn admitted(state: &State, route: &Route, login: Asked) -> Said<(Login, Option<String>)> {
    match login {
        Asked::Anonymous => Ok(Ok((Login::Anonymous, None))),
        Asked::External if route.client.is_none() => {
            let message = format!(
                "not permitted: no client key goes to the destination {:?}; an operator sets one and approves its use",
                route.name.as_str()
            );
            Ok(Err(Failure::new(FailureKind::NotPermitted, message)))
        }
        Asked::External => Ok(Ok((Login::External, None))),
        Asked::Simple { dn, password } => {
            let Credential { origin, secret } = state.table.get(&password)?;
            let login = || Login::Simple { dn: dn.clone(), password: secret.clone() };
            Ok(bind_slot(state, &route.name, origin, &dn).map(|slot| (login(), Some(slot))))
        }
    }
}

/// The slot of a secret that may log in there.
fn bind_slot(state: &State, to: &DestinationName, origin: &Origin, dn: &str) -> Result<String, Failure> {
    let Origin::Secured(slot, usage @ CredentialUse::Bind) = origin else {
        let message = "a session logs in with a secured option whose use is `bind`, and with nothing else";
        return Err(Failure::new(FailureKind::CredentialDenied, message));
    };
    if dn.is_empty() {
        // RFC 4513, 5.1.1: a server would take it for nobody's login, and let it in.
        return Err(Failure::new(FailureKind::Configuration, "a login has a name; without one it is anonymous"));
    }
    let place = to.as_str().parse().ok();
    let wanted = Permission::Credential { slot: slot.clone(), usage: *usage, place };
    if state.context.permits(&wanted) { Ok(slot.to_string()) } else { Err(not_permitted(&wanted)) }
}

/// A guest's changes with the secrets in their places.
async fn changes(state: &mut State, asked: Vec<Change>) -> Said<Vec<ldap::Modification>> {
    let mut changes = Vec::with_capacity(asked.len());
    for Change { operation, name, values } in asked {
        let mut placed = Vec::with_capacity(values.len());
        for value in values {
            match place(state, operation, &name, value).await? {
                Ok(value) => placed.push(value),
                Err(failure) => return Ok(Err(failure)),
            }
        }
        let attribute = ldap::NewAttribute { name, values: placed };
        changes.push(ldap::Modification { operation, attribute });
    }
    Ok(Ok(changes))
}

async fn place(state: &mut State, operation: Operation, attribute: &str, value: NewValue) -> Said<Zeroizing<Vec<u8>>> {
    match value {
        NewValue::Bytes(bytes) => Ok(ldap::guesses(operation, attribute).map(|()| Zeroizing::new(bytes))),
        NewValue::Secret(handle) => {
            // To take a password away is to say that one knows it; to add one that is there is refused.
            if operation != Operation::Replace
                && let Err(failure) = one_verification(state)
            {
                return Ok(Err(failure));
            }
            let secrets = secrets(state, [&handle]).await?;
            Ok(secrets.and_then(|secrets| match secrets.as_slice() {
                [secret] => ldap::placed(attribute, secret),
                _ => Err(no_password()),
            }))
        }
    }
}

/// The secrets behind some handles, if they may be written as somebody's password.
async fn secrets<'a>(
    state: &mut State,
    handles: impl IntoIterator<Item = &'a Resource<Credential>> + Send,
) -> Said<Vec<Secret>> {
    let (mut secrets, mut slots) = (Vec::new(), Vec::new());
    for handle in handles {
        let Credential { origin, secret } = state.table.get(handle)?;
        match origin {
            Origin::Call(slot) => slots.push(slot.clone()),
            Origin::Sealed => {}
            Origin::Secured(..) | Origin::Captured(_) | Origin::Token(..) => return Ok(Err(no_password())),
        }
        secrets.push(secret.clone());
    }
    state.uses(|used| used.credentials.extend(slots)).await?;
    Ok(Ok(secrets))
}

fn no_password() -> Failure {
    let message = "this takes passwords that arrived with the call, never a secret of the connection";
    Failure::new(FailureKind::CredentialDenied, message)
}

fn to(state: &State, session: &Resource<Session>) -> wasmtime::Result<Arc<To>> {
    Ok(Arc::clone(&state.table.get(session)?.0))
}

fn pool(state: &State) -> Pool {
    state.share.directory.clone()
}

/// When an answer is waited for no longer: a little before the guest is stopped, who then says what did not answer.
fn end(state: &State) -> Instant {
    state.end.checked_sub(ANSWER_MARGIN).unwrap_or(state.end)
}
