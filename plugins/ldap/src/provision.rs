//! Creating, updating and deleting entries.
//!
//! As few operations as the server allows, so that little can be half done: Active Directory and 389-ds take the password
//! with the entry; OpenLDAP, which would store it as it is, gets it by the operation made for it, and the entry goes
//! again if it is refused. Updates have a file of their own.

use crate::Ldap;
use crate::changes::{What, Write, Writer};
use crate::dialect::Dialect;
use crate::directory::{Directory, Place};
use crate::dn::Dn;
use crate::draft;
use crate::model::{Class, DN, Kind};
use crate::operational::{AD_CONTROL, AD_DISABLED, AD_NORMAL, PASSWORD};
use crate::update::Alteration;
use crate::{controls, entry, failure, layout};
use hawser_sdk::credentials::Password;
use hawser_sdk::ldap::{Control, Entry, Modification, NewAttribute, NewValue, RawAttribute, Scope};
use hawser_sdk::{Draft, Effect, Error, FailureKind, ObjectRef, Outcome, Provision, Result, Secret, Update, Written};

impl Provision for Ldap {
    fn create(&self, draft: Draft) -> Result<Outcome> {
        let directory = self.directory()?;
        let place = directory.place(&draft.class)?;
        let class = directory.class(&draft.class)?;
        Creation { directory: &directory, place: &place, class: &class }.run(&draft)
    }

    fn update(&self, update: Update) -> Result<Outcome> {
        let directory = self.directory()?;
        let place = directory.place(&update.object.class)?;
        let class = directory.class(&update.object.class)?;
        let writer = Writer { directory: &directory, class: &class };
        Alteration::open(&directory, &place, &writer, &update)?.run(&writer, &update)
    }

    fn delete(&self, object: &ObjectRef, revision: Option<&str>) -> Result<Outcome> {
        let directory = self.directory()?;
        let place = directory.place(&object.class)?;
        let dialect = directory.dialect();
        let wanted = wanted(&directory, &place);
        let found = directory.by_uid(&place, &object.uid, &wanted)?;
        refuse_other_revision(&found, dialect, revision)?;
        let controls = insisting(&directory, revision);
        directory
            .session
            .delete(&directory.target(&found, &object.uid), &controls)
            .map_err(|error| lost(error, &object.uid))?;
        Ok(Written::new(entry::uid(&found, dialect)?, layout::name(&found, dialect, &place.name)?).into())
    }
}

pub(crate) fn wanted<'a>(directory: &Directory, place: &'a Place) -> Vec<&'a str> {
    let dialect = directory.dialect();
    let mut wanted = vec![dialect.uid(), dialect.revision()];
    if place.name != DN {
        wanted.push(&place.name);
    }
    wanted
}

/// Only if the entry is still what it was, where the server can be told so.
pub(crate) fn insisting(directory: &Directory, revision: Option<&str>) -> Vec<Control> {
    let supported = directory.server.has(controls::ASSERTION);
    revision
        .filter(|_| supported)
        .map(|it| controls::assert_equals(directory.dialect().revision(), it))
        .into_iter()
        .collect()
}

pub(crate) fn refuse_other_revision(found: &Entry, dialect: Dialect, expected: Option<&str>) -> Result<()> {
    match expected {
        Some(expected) if entry::text(found, dialect.revision()) != Some(expected) => Err(outdated()),
        _ => Ok(()),
    }
}

fn outdated() -> Error {
    Error::precondition_failed("the entry was changed since that revision; read it again")
}

/// An entry that was found and is gone when it is written was deleted in between.
pub(crate) fn lost(error: Error, uid: &str) -> Error {
    match failure::code(&error) {
        Some(failure::NO_SUCH_OBJECT) => {
            failure::renamed(&error, FailureKind::UnknownUid, format!("there is no entry `{uid}` any more"))
        }
        Some(failure::ASSERTION_FAILED) => outdated(),
        _ => error,
    }
}

struct Creation<'a> {
    directory: &'a Directory,
    place: &'a Place,
    class: &'a Class,
}

impl Creation<'_> {
    fn run(&self, draft: &Draft) -> Result<Outcome> {
        let dialect = self.directory.dialect();
        let password = password(&draft.secrets)?;
        let fresh = self.fresh(password.is_some());
        let mut writes = self.writes(draft, &fresh)?;
        let given = |name: &str| text_of(&writes, name);
        let dn = draft::dn(self.directory, self.place, &draft.name, draft.container.as_deref(), given)?;
        self.name(&mut writes, &dn, &draft.name);
        if let Some(control) = entry::text(&fresh, AD_CONTROL).filter(|_| text_of(&writes, AD_CONTROL).is_none()) {
            writes.extend(Write::one(AD_CONTROL, control));
        }
        let with_entry = password.filter(|_| dialect != Dialect::OpenLdap);
        let later =
            if password.is_some() && with_entry.is_none() { reset_by_a_password(&mut writes) } else { Vec::new() };
        let attributes = attributes(writes, with_entry, dialect);
        let dn = dn.text(dialect.letters());
        let read = self.directory.server.has(controls::POST_READ);
        let wanted = wanted(self.directory, self.place);
        let controls: Vec<Control> = read.then(|| controls::post_read(&wanted)).into_iter().collect();
        let answer = self.directory.session.add(&dn, &attributes, &controls).map_err(|error| self.named(error, &dn))?;
        if let Some(password) = password.filter(|_| with_entry.is_none()) {
            self.set_or_take_back(&dn, password, later)?;
        }
        // A password set afterwards makes another revision.
        let answer = controls::read_entry(&answer).filter(|_| password.is_none() || with_entry.is_some());
        self.written(&dn, answer, &wanted)
    }

    /// What is so of a new entry unless somebody says otherwise: Active Directory enables nobody without a password.
    fn fresh(&self, has_password: bool) -> Entry {
        let bits = if has_password { AD_NORMAL } else { AD_NORMAL | AD_DISABLED };
        let control = RawAttribute { name: AD_CONTROL.into(), values: vec![bits.to_string().into_bytes()] };
        let controlled = self.directory.dialect().is_ad() && self.place.kind == Kind::Account;
        let attributes = controlled.then_some(control).into_iter().collect();
        Entry { dn: String::new(), attributes, controls: Vec::new() }
    }

    fn writes(&self, draft: &Draft, fresh: &Entry) -> Result<Vec<Write>> {
        let writer = Writer { directory: self.directory, class: self.class };
        let mut writes = writer.created(&draft.attributes, fresh)?;
        // An attribute without values is no attribute.
        writes.retain(|write| write.what != What::Replace(Vec::new()));
        let own: &[String] = match self.place.kind {
            Kind::Account => &self.directory.options.auxiliary_classes,
            _ => &[],
        };
        let mut classes = vec![self.class.object_class.clone()];
        for class in own.iter().chain(&draft.auxiliary) {
            if !classes.iter().any(|held| held.eq_ignore_ascii_case(class)) {
                classes.push(class.clone());
            }
        }
        writes.push(Write::replace("objectClass", classes.into_iter().map(String::into_bytes).collect()));
        Ok(writes)
    }

    /// What the entry is named by are values of it as well.
    fn name(&self, writes: &mut Vec<Write>, dn: &Dn, name: &str) {
        for part in dn.rdn().into_iter().flat_map(|rdn| &rdn.parts) {
            add_value(writes, &part.attribute, &part.value);
        }
        if self.place.name != DN {
            add_value(writes, &self.place.name, name.as_bytes());
        }
    }

    /// Names the entry that is there already.
    fn named(&self, error: Error, dn: &str) -> Error {
        if !failure::is(&error, failure::ENTRY_ALREADY_EXISTS) {
            return error;
        }
        let existing = self.written(dn, None, &wanted(self.directory, self.place));
        match existing {
            Ok(Outcome::Done(written)) => {
                let object =
                    ObjectRef { name: Some(dn.to_owned()), ..ObjectRef::new(&self.place.class, written.uid()) };
                failure::renamed(&error, FailureKind::AlreadyExists, format!("there is an entry `{dn}` already"))
                    .object(object)
            }
            _ => error,
        }
    }

    fn set_or_take_back(&self, dn: &str, password: &Password<'_>, later: Vec<Write>) -> Result<()> {
        let changes: Vec<Modification<'_>> = later.into_iter().flat_map(Write::modifications).collect();
        let set = crate::password::set(self.directory, dn, password);
        let done = set.and_then(|()| {
            if changes.is_empty() { Ok(()) } else { self.directory.session.modify(dn, &changes, &[]).map(drop) }
        });
        let Err(refused) = done else { return Ok(()) };
        match self.directory.session.delete(dn, &[]) {
            Ok(_) => Err(refused.with_effect(Effect::None)),
            Err(stays) => {
                let message = format!(
                    "the entry `{dn}` was created, its password refused ({refused}), and it could not be removed again ({stays})"
                );
                Err(failure::renamed(&refused, FailureKind::PartiallyApplied, message).with_effect(Effect::Some))
            }
        }
    }

    fn written(&self, dn: &str, answer: Option<Entry>, wanted: &[&str]) -> Result<Outcome> {
        let dialect = self.directory.dialect();
        let entry = match answer {
            Some(entry) => entry,
            None => self.read_back(dn, wanted)?,
        };
        let uid = entry::uid(&entry, dialect).map_err(|why| why.with_effect(Effect::Some))?;
        let name = layout::name(&entry, dialect, &self.place.name).map_err(|why| why.with_effect(Effect::Some))?;
        Ok(with_revision(Written::new(uid, name), &entry, dialect).into())
    }

    fn read_back(&self, dn: &str, wanted: &[&str]) -> Result<Entry> {
        let request = self.directory.request(dn, Scope::Base, "(objectClass=*)", wanted);
        let found = self.directory.session.find(&request).map_err(|error| error.with_effect(Effect::Some))?;
        found.into_iter().next().ok_or_else(|| {
            let message = format!("`{dn}` was written, and the service account may not read it; let it");
            Error::permission_denied(message).with_effect(Effect::Some)
        })
    }
}

fn with_revision(written: Written, entry: &Entry, dialect: Dialect) -> Written {
    match entry::text(entry, dialect.revision()) {
        Some(revision) => written.revision(revision),
        None => written,
    }
}

/// The one secret there can be.
pub(crate) fn password(secrets: &[Secret]) -> Result<Option<&Password<'static>>> {
    match secrets {
        [] => Ok(None),
        [secret] if secret.name == PASSWORD => Ok(Some(&secret.password)),
        others => {
            let strange =
                others.iter().find(|secret| secret.name != PASSWORD).map_or(PASSWORD, |secret| secret.name.as_str());
            Err(Error::schema_violation(format!("there is no place for the secret `{strange}`")).attribute(strange))
        }
    }
}

/// What OpenLDAP's policy takes back when a password is set: it has to be written afterwards.
fn reset_by_a_password(writes: &mut Vec<Write>) -> Vec<Write> {
    writes.extract_if(.., |write| ["pwdAccountLockedTime", "pwdReset"].contains(&write.name.as_str())).collect()
}

fn attributes<'a>(writes: Vec<Write>, password: Option<&'a Password<'a>>, dialect: Dialect) -> Vec<NewAttribute<'a>> {
    let attribute = |write: Write| match write.what {
        What::Replace(values) | What::Edit { add: values, .. } => {
            NewAttribute { name: write.name, values: values.into_iter().map(NewValue::from).collect() }
        }
    };
    let secret =
        password.map(|it| NewAttribute { name: dialect.password().to_owned(), values: vec![NewValue::Secret(it)] });
    writes.into_iter().map(attribute).chain(secret).collect()
}

fn add_value(writes: &mut Vec<Write>, name: &str, value: &[u8]) {
    let held = writes.iter_mut().find(|write| write.name.eq_ignore_ascii_case(name));
    match held.map(|write| &mut write.what) {
        Some(What::Replace(values)) => {
            if !values.iter().any(|held| held.eq_ignore_ascii_case(value)) {
                values.push(value.to_vec());
            }
        }
        _ => writes.push(Write::replace(name, vec![value.to_vec()])),
    }
}

fn text_of(writes: &[Write], name: &str) -> Option<String> {
    let write = writes.iter().find(|write| write.name.eq_ignore_ascii_case(name))?;
    match &write.what {
        What::Replace(values) => String::from_utf8(values.first()?.clone()).ok(),
        What::Edit { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hawser_sdk::testing;

    fn secret(name: &str) -> Secret {
        Secret { name: name.to_owned(), password: testing::password("x") }
    }

    #[test]
    fn a_secret_that_is_no_password_has_no_place() {
        let error = password(&[secret("pin")]).unwrap_err();
        assert_eq!(error.attributes(), ["pin"]);
        assert!(password(&[secret(PASSWORD), secret(PASSWORD)]).is_err());
        assert!(password(&[secret(PASSWORD)]).unwrap().is_some());
    }

    #[test]
    fn what_an_entry_is_named_by_stands_in_it_once() {
        let mut writes = vec![Write::replace("cn", vec![b"Ada".to_vec()])];
        add_value(&mut writes, "CN", b"ada");
        add_value(&mut writes, "cn", b"Countess");
        add_value(&mut writes, "uid", b"ada");
        let expected = [
            Write::replace("cn", vec![b"Ada".to_vec(), b"Countess".to_vec()]),
            Write::replace("uid", vec![b"ada".to_vec()]),
        ];
        assert_eq!(writes, expected);
        assert_eq!(text_of(&writes, "UID").as_deref(), Some("ada"));
    }

    #[test]
    fn another_revision_is_refused() {
        let entry = entry::tests::entry("cn=a", &[("uSNChanged", "7")]);
        let check = |expected| refuse_other_revision(&entry, Dialect::Samba, expected);
        assert_eq!(check(Some("6")).unwrap_err().kind(), FailureKind::PreconditionFailed);
        check(Some("7")).unwrap();
        check(None).unwrap();
        let error = lost(Error::conflict("x").code("ldap:122"), "u");
        assert_eq!(error.kind(), FailureKind::PreconditionFailed);
    }
}
