//! Creating, updating and deleting entries.
//!
//! As few operations as the server allows, so that little can be half done: Active Directory and 389-ds take the password
//! with the entry; OpenLDAP, which would store it as it is, gets it by the operation made for it, and the entry goes
//! again if it is refused. An update is one modify, then the password where it takes an operation of its own, then the
//! renaming; what fails after something was done is told as a part that failed.

use crate::Ldap;
use crate::changes::{What, Write, Writer};
use crate::dialect::Dialect;
use crate::directory::{Directory, Place};
use crate::dn::{Dn, Rdn};
use crate::draft::{self, Named};
use crate::model::{Class, DN, Kind};
use crate::operational::{Operational, PASSWORD};
use crate::{controls, entry, failure, layout};
use hawser_sdk::credentials::Password;
use hawser_sdk::ldap::{Control, Entry, Modification, NewAttribute, NewValue, Operation};
use hawser_sdk::{Draft, Effect, Error, FailureKind, ObjectRef, Outcome, Provision, Result, Secret, Update, Written};

/// An account of Active Directory that is created without a password.
const AD_DISABLED_ACCOUNT: &str = "514";
const AD_ENABLED_ACCOUNT: &str = "512";

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

fn wanted<'a>(directory: &Directory, place: &'a Place) -> Vec<&'a str> {
    let dialect = directory.dialect();
    let mut wanted = vec![dialect.uid(), dialect.revision()];
    if place.name != DN {
        wanted.push(&place.name);
    }
    wanted
}

/// Only if the entry is still what it was, where the server can be told so.
fn insisting(directory: &Directory, revision: Option<&str>) -> Vec<Control> {
    let supported = directory.server.has(controls::ASSERTION);
    revision
        .filter(|_| supported)
        .map(|it| controls::assert_equals(directory.dialect().revision(), it))
        .into_iter()
        .collect()
}

fn refuse_other_revision(found: &Entry, dialect: Dialect, expected: Option<&str>) -> Result<()> {
    match expected {
        Some(expected) if entry::text(found, dialect.revision()) != Some(expected) => Err(outdated()),
        _ => Ok(()),
    }
}

fn outdated() -> Error {
    Error::precondition_failed("the entry was changed since that revision; read it again")
}

/// An entry that was found and is gone when it is written was deleted in between.
fn lost(error: Error, uid: &str) -> Error {
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
        let mut writes = self.writes(draft)?;
        let given = |name: &str| text_of(&writes, name);
        let dn = draft::dn(self.directory, self.place, &draft.name, draft.container.as_deref(), given)?;
        self.name(&mut writes, &dn, &draft.name);
        let password = password(&draft.secrets)?;
        if dialect.is_ad() && self.place.kind == Kind::Account {
            self.enable(&mut writes, password.is_some());
        }
        let with_entry = password.filter(|_| dialect != Dialect::OpenLdap);
        let attributes = attributes(writes, with_entry, dialect);
        let dn = dn.text(dialect.letters());
        let read = self.directory.server.has(controls::POST_READ);
        let wanted = wanted(self.directory, self.place);
        let controls: Vec<Control> = read.then(|| controls::post_read(&wanted)).into_iter().collect();
        let answer = self.directory.session.add(&dn, &attributes, &controls).map_err(|error| self.named(error, &dn))?;
        if let Some(password) = password.filter(|_| with_entry.is_none()) {
            self.set_or_take_back(&dn, password)?;
        }
        // A password set afterwards makes another revision.
        let answer = controls::read_entry(&answer).filter(|_| password.is_none() || with_entry.is_some());
        self.written(&dn, answer, &wanted)
    }

    fn writes(&self, draft: &Draft) -> Result<Vec<Write>> {
        let writer = Writer { directory: self.directory, class: self.class };
        let mut writes = Vec::new();
        for attribute in &draft.attributes {
            writes.extend(writer.replace(&attribute.name, &attribute.values, None)?);
        }
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

    /// Active Directory enables nobody who has no password, unless somebody says so.
    fn enable(&self, writes: &mut Vec<Write>, has_password: bool) {
        const CONTROL: &str = "userAccountControl";
        if text_of(writes, CONTROL).is_none() {
            let bits = if has_password { AD_ENABLED_ACCOUNT } else { AD_DISABLED_ACCOUNT };
            writes.push(Write::replace(CONTROL, vec![bits.as_bytes().to_vec()]));
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

    fn set_or_take_back(&self, dn: &str, password: &Password<'_>) -> Result<()> {
        let Err(refused) = crate::password::set(self.directory, dn, password) else { return Ok(()) };
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
        let request = self.directory.request(dn, hawser_sdk::ldap::Scope::Base, "(objectClass=*)", wanted);
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
fn password(secrets: &[Secret]) -> Result<Option<&Password<'static>>> {
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

/// An update under way.
struct Alteration<'a> {
    directory: &'a Directory,
    place: &'a Place,
    found: Entry,
    target: String,
    uid: String,
}

impl<'a> Alteration<'a> {
    fn open(directory: &'a Directory, place: &'a Place, writer: &Writer<'_>, update: &Update) -> Result<Self> {
        let dialect = directory.dialect();
        let mut attributes = wanted(directory, place);
        attributes.extend(writer.needed(&update.changes));
        attributes.push("cn");
        if !directory.server.has(controls::PERMISSIVE_MODIFY) {
            attributes.extend(update.changes.iter().map(|change| change.name.as_str()));
            attributes.retain(|name| Operational::parse(name).is_none());
        }
        let found = directory.by_uid(place, &update.object.uid, &attributes)?;
        refuse_other_revision(&found, dialect, update.revision.as_deref())?;
        let (target, uid) = (directory.target(&found, &update.object.uid), entry::uid(&found, dialect)?);
        Ok(Self { directory, place, found, target, uid })
    }

    fn run(&self, writer: &Writer<'_>, update: &Update) -> Result<Outcome> {
        let dialect = self.directory.dialect();
        let secret = password(&update.secrets)?;
        let mut writes = Vec::new();
        for change in &update.changes {
            writes.extend(writer.change(change, &self.found)?);
        }
        let renaming = Renaming::plan(self, update)?;
        writes.extend(renaming.write.clone());
        let modifications = self.modifications(writes, secret.filter(|_| dialect.is_ad()));
        let mut steps = Steps::default();
        if !modifications.is_empty() {
            let controls = self.controls(update.revision.as_deref());
            steps.revision = self.modify(&modifications, &controls).map_err(|error| lost(error, &self.uid))?;
            steps.done = true;
        }
        if let Some(secret) = secret.filter(|_| !dialect.is_ad()) {
            let set = crate::password::set(self.directory, &self.target, secret);
            steps.take(PASSWORD, set.map(|()| None))?;
        }
        if renaming.is_needed() {
            steps.take("@name", self.rename(&renaming))?;
        }
        let renamed = !steps.failed.iter().any(|(part, _)| part == "@name");
        let name = if renamed { renaming.name.clone() } else { layout::name(&self.found, dialect, &self.place.name)? };
        Ok(steps.into_written(Written::new(&self.uid, name)).into())
    }

    fn modifications<'s>(&self, writes: Vec<Write>, secret: Option<&'s Password<'s>>) -> Vec<Modification<'s>> {
        let permissive = self.directory.server.has(controls::PERMISSIVE_MODIFY);
        let lean = |write: Write| if permissive { write } else { write.against(&self.found) };
        let secret = secret.map(|secret| Modification {
            operation: Operation::Replace,
            name: self.directory.dialect().password().to_owned(),
            values: vec![NewValue::Secret(secret)],
        });
        // The password comes first: an account without one cannot be enabled.
        secret.into_iter().chain(writes.into_iter().map(lean).flat_map(Write::modifications)).collect()
    }

    fn controls(&self, revision: Option<&str>) -> Vec<Control> {
        let server = &self.directory.server;
        let permissive =
            server.has(controls::PERMISSIVE_MODIFY).then(|| controls::plain(controls::PERMISSIVE_MODIFY, true));
        insisting(self.directory, revision).into_iter().chain(permissive).chain(self.reading_back()).collect()
    }

    fn reading_back(&self) -> Option<Control> {
        let supported = self.directory.server.has(controls::POST_READ);
        supported.then(|| controls::post_read(&[self.directory.dialect().revision()]))
    }

    /// Makes the changes and answers the revision, where the server tells it.
    fn modify(&self, modifications: &[Modification<'_>], controls: &[Control]) -> Result<Option<String>> {
        let answer = self.directory.session.modify(&self.target, modifications, controls)?;
        Ok(self.revision_in(&answer))
    }

    fn rename(&self, renaming: &Renaming) -> Result<Option<String>> {
        let letters = self.directory.dialect().letters();
        let superior = renaming.superior.as_ref().map(|dn| dn.text(letters));
        let controls: Vec<Control> = self.reading_back().into_iter().collect();
        let rdn = renaming.rdn.text(letters);
        let answer = self.directory.session.rename(&self.target, &rdn, true, superior.as_deref(), &controls)?;
        Ok(self.revision_in(&answer))
    }

    fn revision_in(&self, answer: &[Control]) -> Option<String> {
        let entry = controls::read_entry(answer)?;
        entry::text(&entry, self.directory.dialect().revision()).map(str::to_owned)
    }
}

/// How far an update has come.
#[derive(Default)]
struct Steps {
    done: bool,
    revision: Option<String>,
    failed: Vec<(String, Error)>,
}

impl Steps {
    /// Nothing done yet: the failure is the whole update's. Something done: a part failed.
    fn take(&mut self, part: &str, step: Result<Option<String>>) -> Result<()> {
        match step {
            Ok(revision) => {
                self.revision = revision;
                self.done = true;
            }
            Err(error) if self.done => self.failed.push((part.to_owned(), error)),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn into_written(self, written: Written) -> Written {
        let written = match self.revision {
            Some(revision) => written.revision(revision),
            None => written,
        };
        self.failed.into_iter().fold(written, |written, (part, error)| written.failed(part, error))
    }
}

/// What a new name and a new container come to.
struct Renaming {
    current: Dn,
    rdn: Rdn,
    superior: Option<Dn>,
    /// Where the name is an attribute that the entry is not named by.
    write: Option<Write>,
    /// The name afterwards.
    name: String,
}

impl Renaming {
    fn plan(alteration: &Alteration<'_>, update: &Update) -> Result<Self> {
        let (directory, place, found) = (alteration.directory, alteration.place, &alteration.found);
        let dialect = directory.dialect();
        let strange = || Error::schema_violation("the entry has no distinguished name that can be read");
        let current = Dn::parse(&entry::dn(found, dialect)).ok_or_else(strange)?;
        let own = current.rdn().cloned().ok_or_else(strange)?;
        let parsed = |text: String| Dn::parse(&text).ok_or_else(strange);
        let mut superior = update.container.as_deref().map(|uid| directory.dn_of(uid).and_then(parsed)).transpose()?;
        let (mut rdn, mut write) = (own.clone(), None);
        match update.name.as_deref().map(|name| draft::read(name, place)).transpose()? {
            None => {}
            Some(Named::Whole(dn)) => {
                rdn = dn.rdn().cloned().ok_or_else(strange)?;
                superior = superior.or_else(|| dn.parent());
            }
            Some(Named::Relative(new)) => rdn = new,
            Some(Named::Value(value)) if place.name == DN => {
                let attribute = own.parts.first().map_or("cn", |part| part.attribute.as_str());
                rdn = Rdn::new(attribute, &value);
            }
            Some(Named::Value(value)) => {
                let old = entry::text(found, &place.name);
                // The entry's own name follows where it is the name, or was the same text (a CN like the account's name).
                let follows = own.parts.len() == 1
                    && own.parts.first().is_some_and(|part| {
                        part.attribute.eq_ignore_ascii_case(&place.name) || own.value(&part.attribute) == old
                    });
                if follows {
                    rdn = Rdn::new(own.parts.first().map_or("cn", |part| part.attribute.as_str()), &value);
                }
                if own.value(&place.name).is_none() {
                    write = Some(Write::replace(&place.name, vec![value.into_bytes()]));
                }
            }
        }
        let superior = superior.filter(|new| !current.parent().is_some_and(|old| old.is(new)));
        let after = superior.clone().or_else(|| current.parent()).ok_or_else(strange)?.child(rdn.clone());
        let name = match (place.name.as_str(), update.name.as_deref()) {
            (DN, _) => after.text(dialect.letters()),
            (_, Some(name)) => name.to_owned(),
            (_, None) => layout::name(found, dialect, &place.name)?,
        };
        Ok(Self { current, rdn, superior, write, name })
    }

    fn is_needed(&self) -> bool {
        self.superior.is_some() || self.current.rdn() != Some(&self.rdn)
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
    fn the_first_failure_is_the_updates_and_a_later_one_a_parts() {
        let failed = || Err(Error::conflict("no"));
        assert!(Steps::default().take(PASSWORD, failed()).is_err());
        let mut steps = Steps { done: true, ..Steps::default() };
        steps.take("@name", failed()).unwrap();
        assert_eq!(steps.failed.len(), 1);
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
