//! Creating and deleting objects. Updates have a file of their own.

use crate::Rest;
use crate::api::{Answer, Api, Sender, With};
use crate::body::{self, Given};
use crate::change::{self, Change, Passwords};
use crate::failure;
use crate::layout;
use crate::mapping::{Class, Method, Write};
use crate::update::{ENABLED, enable, password};
use crate::values;
use hawser_sdk::credentials::Password;
use hawser_sdk::{
    Draft, Effect, Error, FailureKind, ObjectRef, Outcome, Provision, Result, Secret, Update, Value, Written,
};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value as Json};

pub(crate) const PASSWORD: &str = "password";

impl Provision for Rest {
    fn create(&self, draft: Draft) -> Result<Outcome> {
        let class = self.mapping.class(&draft.class)?;
        let create = offered(class.create.as_ref(), &draft.class, "create")?;
        if draft.container.is_some() || !draft.auxiliary.is_empty() {
            return Err(Error::unsupported("a mapping has neither containers to create in nor auxiliary classes"));
        }
        let api = Api::new(self)?;
        Creation { api: &api, class, create, draft: &draft }.run()
    }

    fn update(&self, update: Update) -> Result<Outcome> {
        self.change(&update)
    }

    fn delete(&self, object: &ObjectRef, revision: Option<&str>) -> Result<Outcome> {
        let class = self.mapping.class(&object.class)?;
        let delete = offered(class.delete.as_ref(), &object.class, "delete")?;
        let api = Api::new(self)?;
        let change = Change::open(&api, class, object, delete, revision, false)?;
        change.send(&change.scope(), None, Passwords::default(), Sender::Connection)?;
        Ok(Written::new(object.uid.as_str(), object.name.as_deref().unwrap_or(&object.uid)).into())
    }
}

pub(crate) fn offered<'a>(write: Option<&'a Write>, class: &str, what: &str) -> Result<&'a Write> {
    write.ok_or_else(|| Error::unsupported(format!("the mapping has no `{what}` for the class {class}")))
}

/// The one secret there can be.
pub(crate) fn secret(secrets: &[Secret]) -> Result<Option<&Password<'static>>> {
    match secrets {
        [] => Ok(None),
        [secret] if secret.name == PASSWORD => Ok(Some(&secret.password)),
        others => {
            let strange = others.iter().find(|it| it.name != PASSWORD).map_or(PASSWORD, |it| it.name.as_str());
            Err(Error::schema_violation(format!("there is no place for the secret `{strange}`")).attribute(strange))
        }
    }
}

struct Creation<'a> {
    api: &'a Api<'a>,
    class: &'a Class,
    create: &'a Write,
    draft: &'a Draft,
}

impl Creation<'_> {
    fn run(&self) -> Result<Outcome> {
        let password = self.password()?;
        let mut attributes = self.attributes()?;
        let enabled = self.enabled(&mut attributes)?;
        self.refuse_existing()?;
        let name = self.draft.name.as_str();
        let scope = self.api.scope().with("name", &Json::from(name));
        let scope = scope.with("attributes", &Json::Object(attributes.clone()));
        let given = Given { name: Some(name), attributes: &attributes, current: None };
        let body = body::of_object(self.create, self.class, &given, &scope)?;
        let at_once = password.filter(|_| self.create.secrets.contains_key(PASSWORD));
        let passwords = Passwords { new: at_once, old: None };
        let secrets = change::place(self.create, passwords, &[], &scope)?;
        let sent = self.api.send(self.create.sketch(), &scope, &With { body, secrets, ..With::default() });
        let answer = sent.map_err(|error| self.taken(error))?;
        let written = self.written(&answer)?;
        let later = password.filter(|_| at_once.is_none());
        self.finish(written, later, enabled)
    }

    fn password(&self) -> Result<Option<&Password<'static>>> {
        let password = secret(&self.draft.secrets)?;
        if password.is_some() && !self.create.secrets.contains_key(PASSWORD) && self.class.passwords.set.is_none() {
            return Err(Error::unsupported("the mapping has no place for a password of this class").attribute(PASSWORD));
        }
        Ok(password)
    }

    fn attributes(&self) -> Result<Map<String, Json>> {
        let mut said = Map::new();
        for given in &self.draft.attributes {
            let name = given.name.as_str();
            let attribute = self.class.attributes.get(name).filter(|attribute| attribute.creatable);
            let attribute = attribute.ok_or_else(|| {
                Error::schema_violation(format!("`{name}` is no attribute that an object can be created with"))
                    .attribute(name)
            })?;
            said.insert(name.to_owned(), values::encode(name, attribute, &given.values)?);
        }
        Ok(said)
    }

    /// What `enable` and `disable` do is no attribute of the request.
    fn enabled(&self, attributes: &mut Map<String, Json>) -> Result<Option<bool>> {
        if self.class.enable.is_none() || attributes.remove(ENABLED).is_none() {
            return Ok(None);
        }
        let given = self.draft.attributes.iter().find(|it| it.name == ENABLED).map(|it| it.values.as_slice());
        match given {
            Some([Value::Boolean(enabled)]) => Ok(Some(*enabled)),
            _ => Err(Error::invalid_attribute_value("`enabled` takes true or false").attribute(ENABLED)),
        }
    }

    /// A PUT overwrites what is there, and nobody asked for that.
    fn refuse_existing(&self) -> Result<()> {
        let Some(get) = self.class.get.as_ref().filter(|_| self.create.request.method == Method::Put) else {
            return Ok(());
        };
        let object = ObjectRef::new(self.draft.class.as_str(), self.draft.name.as_str());
        match self.api.current(&object, get) {
            Ok(current) => Err(self.existing(&current.item)),
            Err(error) if error.kind() == FailureKind::UnknownUid => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn existing(&self, item: &Json) -> Error {
        let error = Error::already_exists(format!("there is a {} `{}` already", self.draft.class, self.draft.name));
        match layout::identify(self.class, item) {
            Ok((uid, name)) => error.object(ObjectRef { class: self.draft.class.clone(), uid, name: Some(name) }),
            Err(_) => error,
        }
    }

    /// A conflict of a creation is that it is there already.
    fn taken(&self, error: Error) -> Error {
        if error.kind() != FailureKind::Conflict || failure::status(&error) != Some(409) {
            return error;
        }
        failure::renamed(&error, FailureKind::AlreadyExists, error.message())
    }

    /// Who was created: as the answer says, or where it leads to, or by the name.
    fn written(&self, answer: &Answer) -> Result<Written> {
        let item = self.create.item.get(&answer.body).unwrap_or(&Json::Null);
        if let Ok((uid, name)) = layout::identify(self.class, item) {
            let written = Written::new(uid, name);
            let revision = layout::revision(self.class, item, answer.etag.as_deref());
            return Ok(revision.into_iter().fold(written, Written::revision));
        }
        let name = self.draft.name.as_str();
        if self.class.is_named_by_uid() {
            return Ok(Written::new(name, name));
        }
        // Any other status may lead to the job that is going to create it.
        let location = answer.location.as_deref().filter(|_| answer.status == 201);
        let uid = self.class.uid.find(item).or_else(|| location.and_then(last_segment));
        match uid {
            Some(uid) => Ok(Written::new(uid, name)),
            None => Err(Error::partially_applied(format!(
                "`{name}` was created, and the answer has its uid neither at `item` nor in the header Location"
            ))
            .with_effect(Effect::Some)),
        }
    }

    fn finish(&self, written: Written, password: Option<&Password<'static>>, enabled: Option<bool>) -> Result<Outcome> {
        let object = ObjectRef::new(self.draft.class.as_str(), written.uid());
        let mut written = written;
        if let Some(secret) = password
            && let Err(error) = self::password(self.api, self.class, &object, secret, false, None)
        {
            written = written.failed(PASSWORD, error);
        }
        if let Some(enabled) = enabled
            && let Err(error) = enable(self.api, self.class, &object, enabled, None)
        {
            written = written.failed(ENABLED, error);
        }
        Ok(written.into())
    }
}

fn last_segment(location: &str) -> Option<String> {
    let path = location.split(['?', '#']).next()?.trim_end_matches('/');
    let segment = path.rsplit('/').next().filter(|segment| !segment.is_empty())?;
    percent_decode_str(segment).decode_utf8().ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_leads_to_the_uid() {
        for (location, uid) in [("https://h/users/7", "7"), ("/users/a%2Fb/?x=1", "a/b"), ("7", "7")] {
            assert_eq!(last_segment(location).as_deref(), Some(uid));
        }
        assert_eq!(last_segment("/"), None);
    }
}
