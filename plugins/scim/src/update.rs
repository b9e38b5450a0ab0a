//! Updating a resource: it is read first, so that only what differs is written, by PATCH where the service has it and as a
//! whole where it has not.

use crate::changes::{self, Target};
use crate::failure::Doing;
use crate::model::{Class, PASSWORD};
use crate::object::{self, Object};
use crate::provision::password;
use crate::replacing;
use crate::server::{self, Server};
use hawser_sdk::credentials::Password;
use hawser_sdk::http::Response;
use hawser_sdk::{Effect, Error, Outcome, Result, Update, Written};
use serde_json::{Value as Json, json};

/// Where the host writes a password into a PATCH: it is always the first operation.
const PASSWORD_POINTER: &str = "/Operations/0/value";
const PATCH_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// An update under way.
pub(crate) struct Alteration<'a> {
    server: &'a Server,
    class: &'a Class,
    update: &'a Update,
    found: Object,
    targets: Vec<Target<'a>>,
}

impl<'a> Alteration<'a> {
    pub(crate) fn open(server: &'a Server, class: &'a Class, update: &'a Update) -> Result<Self> {
        if update.container.is_some() {
            return Err(Error::unsupported("resources of SCIM have no container"));
        }
        let paths: Vec<String> = update
            .changes
            .iter()
            .map(|change| class.known(&change.name).map(|attribute| attribute.path.whole()))
            .collect::<Result<_>>()?;
        // What is written as a whole is read as a whole.
        let wanted = server.patches().then_some(paths.as_slice());
        let found = Object::read(server, class, &update.object.uid, wanted)?;
        found.require(update.revision.as_deref())?;
        let targets = update.changes.iter().map(|change| Target::of(server, class, change, &found.json));
        let naming = update.name.iter().map(|name| Target::naming(class, name, &found.json));
        let targets = targets.chain(naming).collect::<Result<_>>()?;
        Ok(Self { server, class, update, found, targets })
    }

    pub(crate) fn run(self) -> Result<Outcome> {
        let secret = password(&self.update.secrets)?;
        let uid = &self.update.object.uid;
        let sent = if self.server.patches() { self.patch(secret)? } else { self.replace(secret)? };
        let name = self.update.name.as_deref().or_else(|| self.found.name(self.class));
        let Some(response) = sent else {
            let written = Written::new(uid.as_str(), name.unwrap_or(uid));
            return Ok(match self.found.version {
                Some(version) => written.revision(version),
                None => written,
            }
            .into());
        };
        let written = object::written(self.server, &response, self.class, uid, name);
        Ok(self.looked_after(written).into())
    }

    /// Sends what differs; nothing if nothing does.
    fn patch(&self, secret: Option<&Password<'_>>) -> Result<Option<Response>> {
        let operations = changes::operations(&self.targets);
        let if_match = self.if_match(operations.rest_on_read);
        patch(self.server, self.class, &self.update.object.uid, operations.list, if_match, secret, Doing::Changing)
    }

    /// The revision the caller insists on, or the one that was read, where the operations are right for that one only.
    fn if_match(&self, rests_on_read: bool) -> Option<&str> {
        let read = self.found.version.as_deref().filter(|_| rests_on_read);
        self.update.revision.as_deref().or(read).filter(|_| self.server.can.etag)
    }

    fn replace(&self, secret: Option<&Password<'_>>) -> Result<Option<Response>> {
        if secret.is_none() && self.targets.iter().all(|target| target.is_settled()) {
            return Ok(None);
        }
        replacing::replace(
            self.server,
            self.class,
            &self.update.object.uid,
            &self.found,
            &self.targets,
            secret,
            Doing::Changing,
        )
        .map(Some)
    }

    /// Where the profile says so, looks whether everything was stored.
    fn looked_after(&self, written: Written) -> Written {
        if !self.server.options.reads_back() {
            return written;
        }
        let stored = match Object::read(self.server, self.class, &self.update.object.uid, None) {
            Ok(stored) => stored,
            Err(error) => {
                let why = not_stored(&format!("it cannot be read back: {error}"));
                return self.targets.iter().fold(written, |it, target| it.failed(part(target), why.clone()));
            }
        };
        let left = self.targets.iter().filter(|it| it.attribute.is_readable() && !it.holds_in(&stored.json));
        left.fold(written, |it, target| it.failed(part(target), not_stored("it is not so when it is read back")))
    }
}

fn part(target: &Target<'_>) -> String {
    target.attribute.name.clone()
}

/// What a service answered with success and did not do.
pub(crate) fn not_stored(how: &str) -> Error {
    Error::partially_applied(format!("the service answered that it was stored, and {how}")).with_effect(Effect::Some)
}

/// Sends operations, with a password before them; nothing if there is nothing to send.
pub(crate) fn patch(
    server: &Server,
    class: &Class,
    uid: &str,
    mut operations: Vec<Json>,
    if_match: Option<&str>,
    secret: Option<&Password<'_>>,
    doing: Doing,
) -> Result<Option<Response>> {
    if secret.is_some() {
        operations.insert(0, json!({"op": "replace", "path": PASSWORD, "value": ""}));
    }
    if operations.is_empty() {
        return Ok(None);
    }
    let body = json!({"schemas": [PATCH_SCHEMA], "Operations": operations});
    let secret = secret.map(|secret| (secret, PASSWORD_POINTER));
    let sent = server.client.write("PATCH", Server::url(class, uid)?, &body, if_match, secret, doing);
    sent.map(Some).map_err(|error| server::lost(error, class, uid))
}

#[cfg(test)]
mod tests;
