//! What every change has in common: the object read before, the revision it must have, the secrets it places.

use crate::api::{Answer, Api, Sender, With};
use crate::layout;
use crate::lookup::{Current, missing};
use crate::mapping::{Class, Method, Send, Write};
use crate::template::Scope;
use hawser_sdk::credentials::Credential;
use hawser_sdk::http::Placement;
use hawser_sdk::{Error, ObjectRef, Result};
use serde_json::Value as Json;

/// A change of one object that exists.
pub(crate) struct Change<'a> {
    pub(crate) api: &'a Api<'a>,
    pub(crate) class: &'a Class,
    pub(crate) object: &'a ObjectRef,
    pub(crate) write: &'a Write,
    pub(crate) current: Option<Current>,
    revision: Option<&'a str>,
}

/// The passwords of the call.
#[derive(Clone, Copy, Default)]
pub(crate) struct Passwords<'a> {
    pub(crate) new: Option<&'a Credential<'a>>,
    pub(crate) old: Option<&'a Credential<'a>>,
}

impl<'a> Change<'a> {
    /// Reads the object where that is needed, and refuses one that has another revision.
    pub(crate) fn open(
        api: &'a Api<'a>,
        class: &'a Class,
        object: &'a ObjectRef,
        write: &'a Write,
        revision: Option<&'a str>,
        needed: bool,
    ) -> Result<Self> {
        let told = write.sketch().names().iter().any(|name| name == "revision");
        let captures =
            write.secrets.keys().any(|name| class.get.as_ref().is_some_and(|get| get.capture.contains_key(name)));
        // A PUT makes what is not there, and nobody asked for that.
        let reads =
            needed || captures || write.read || write.send == Send::Whole || write.request.method == Method::Put;
        let current = match &class.get {
            Some(get) if reads || revision.is_some() && !told => Some(api.current(object, get)?),
            _ => None,
        };
        let change = Self { api, class, object, write, current, revision };
        change.hold(told)?;
        Ok(change)
    }

    fn hold(&self, told: bool) -> Result<()> {
        let Some(expected) = self.revision else { return Ok(()) };
        let current = self.current.as_ref();
        let now = current.and_then(|it| layout::revision(self.class, &it.item, it.etag.as_deref()));
        match now {
            Some(now) if now != expected => {
                Err(Error::precondition_failed("the object was changed since that revision; read it again"))
            }
            None if !told => Err(Error::unsupported("the mapping has no `revision` that this change could be held to")),
            _ => Ok(()),
        }
    }

    pub(crate) fn scope(&self) -> Scope {
        let scope = self.api.scope().with("uid", &Json::from(self.object.uid.as_str()));
        let scope = match &self.current {
            Some(current) => scope.with("current", &current.item),
            None => scope,
        };
        match self.revision {
            Some(revision) => scope.with("revision", &Json::from(revision)),
            None => scope,
        }
    }

    /// Sends it with this body, or with the mapping's own.
    pub(crate) fn send(
        &self,
        scope: &Scope,
        body: Option<Json>,
        passwords: Passwords<'_>,
        sender: Sender,
    ) -> Result<Answer> {
        self.current.iter().try_for_each(|current| refuse_lost(self.write, current))?;
        let held = self.current.iter().flat_map(|it| &it.captured);
        let captured: Vec<_> = held.map(|(name, secret)| (name.as_str(), secret)).collect();
        let secrets = place(self.write, passwords, &captured, scope)?;
        let with = With { body, secrets, sender, ..With::default() };
        self.api.send(self.write.sketch(), scope, &with).map_err(|error| missing(error, self.object))
    }
}

/// The secrets of a change and where they go; those that nobody gave are left out.
pub(crate) fn place<'a>(
    write: &Write,
    passwords: Passwords<'a>,
    captured: &[(&str, &'a Credential<'a>)],
    scope: &Scope,
) -> Result<Vec<(&'a Credential<'a>, Placement)>> {
    let mut secrets = Vec::new();
    for (name, place) in &write.secrets {
        let secret = match name.as_str() {
            "password" => passwords.new,
            "old-password" => passwords.old,
            captured_name => captured.iter().find(|(name, _)| *name == captured_name).map(|(_, secret)| *secret),
        };
        if let Some(secret) = secret {
            secrets.push((secret, place.placement(scope)?));
        }
    }
    Ok(secrets)
}

/// A change that puts a secret back would clear it without. What the host took out and did not keep is empty, no text, or
/// too long, and stays that.
fn refuse_lost(write: &Write, current: &Current) -> Result<()> {
    match current.lost.iter().find(|name| write.secrets.contains_key(*name)) {
        None => Ok(()),
        Some(name) => Err(Error::unsupported(format!(
            "the secret `{name}` of this object is empty, no text or too long to be put back, and the change would clear it; set a new one first (a password), or make the change at the target"
        ))),
    }
}
