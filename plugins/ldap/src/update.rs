//! Updating entries: the password where it takes an operation of its own, then one modify for everything that is an
//! attribute, then the renaming. What fails after something was done is told as a part that failed.
//!
//! The password goes first because OpenLDAP's policy enables and unlocks whoever gets one; what was to be, or what was,
//! is written afterwards.

use crate::changes::{Write, Writer};
use crate::dialect::Dialect;
use crate::directory::{Directory, Place};
use crate::dn::{Dn, Part, Rdn};
use crate::draft::{self, Named};
use crate::model::DN;
use crate::operational::{Operational, PASSWORD};
use crate::password::LOCKED;
use crate::provision::{insisting, lost, password, refuse_other_revision, wanted};
use crate::{controls, entry, layout};
use hawser_sdk::credentials::Password;
use hawser_sdk::ldap::{Control, Entry, Modification, NewValue, Operation};
use hawser_sdk::{Error, Outcome, Result, Update, Written};

/// An update under way.
pub(crate) struct Alteration<'a> {
    directory: &'a Directory,
    place: &'a Place,
    found: Entry,
    target: String,
    uid: String,
}

impl<'a> Alteration<'a> {
    pub(crate) fn open(
        directory: &'a Directory,
        place: &'a Place,
        writer: &Writer<'_>,
        update: &Update,
    ) -> Result<Self> {
        let dialect = directory.dialect();
        let mut attributes = wanted(directory, place);
        attributes.extend(writer.needed(&update.changes));
        if dialect == Dialect::OpenLdap && !update.secrets.is_empty() {
            attributes.push(LOCKED);
        }
        if !directory.server.has(controls::PERMISSIVE_MODIFY) {
            attributes.extend(update.changes.iter().map(|change| change.name.as_str()));
            attributes.retain(|name| Operational::parse(name).is_none());
        }
        let found = directory.by_uid(place, &update.object.uid, &attributes)?;
        refuse_other_revision(&found, dialect, update.revision.as_deref())?;
        let (target, uid) = (directory.target(&found, &update.object.uid), entry::uid(&found, dialect)?);
        Ok(Self { directory, place, found, target, uid })
    }

    pub(crate) fn run(&self, writer: &Writer<'_>, update: &Update) -> Result<Outcome> {
        let dialect = self.directory.dialect();
        let secret = password(&update.secrets)?;
        let mut writes = writer.changed(&update.changes, &self.found)?;
        let renaming = Renaming::plan(self, update)?;
        writes.extend(renaming.write.clone());
        let mut steps = Steps::default();
        if let Some(secret) = secret.filter(|_| !dialect.is_ad()) {
            writes.extend(
                crate::password::kept(&self.found, dialect)
                    .filter(|kept| writes.iter().all(|write| write.name != kept.name)),
            );
            steps.take(PASSWORD, crate::password::set(self.directory, &self.target, secret).map(|()| None))?;
        }
        let modifications = self.modifications(writes, secret.filter(|_| dialect.is_ad()));
        if !modifications.is_empty() {
            // A password that was set has made another revision.
            let controls = self.controls(update.revision.as_deref().filter(|_| !steps.done));
            steps
                .take_changes(update, self.modify(&modifications, &controls).map_err(|error| lost(error, &self.uid)))?;
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
        // Samba renames nobody by a GUID.
        let current = renaming.current.text(letters);
        let answer = self.directory.session.rename(&current, &rdn, true, superior.as_deref(), &controls)?;
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

    /// The modify is one part for the server and one for each attribute here; with a password alone, it disables again.
    fn take_changes(&mut self, update: &Update, step: Result<Option<String>>) -> Result<()> {
        match step {
            Err(error) if self.done => {
                self.failed.extend(update.changes.iter().map(|change| (change.name.clone(), error.clone())));
                if update.changes.is_empty() {
                    self.failed.push((Operational::Enabled.name().to_owned(), error));
                }
                Ok(())
            }
            step => self.take("", step),
        }
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
            Some(Named::Value(value)) => {
                (rdn, write) = by_value(&own, &place.name, entry::text(found, &place.name), value);
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

/// A new value of the attribute that is the name, in an entry's own name and beside it. Of a name in several parts, only
/// the part that says it changes.
fn by_value(own: &Rdn, name: &str, old: Option<&str>, value: String) -> (Rdn, Option<Write>) {
    let is_it = |part: &Part| part.attribute.eq_ignore_ascii_case(name);
    // The entry's own name follows where it is the name, or was the same text (a CN like the account's name).
    let was_it = |part: &Part| old.is_some() && own.value(&part.attribute) == old;
    let at = match name {
        DN => Some(0),
        _ => own.parts.iter().position(is_it).or_else(|| own.parts.iter().position(was_it)),
    };
    let rdn = at.map_or_else(|| own.clone(), |at| own.with(at, &value));
    let elsewhere = name != DN && !own.parts.iter().any(is_it);
    (rdn, elsewhere.then(|| Write::replace(name, vec![value.into_bytes()])))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative name afterwards, and what is written beside it.
    fn renamed(own: &str, name: &str, old: Option<&str>, value: &str) -> (String, Option<Write>) {
        let (rdn, write) = by_value(&Rdn::parse(own).unwrap(), name, old, value.to_owned());
        (rdn.text(crate::dn::Letters::Lower), write)
    }

    fn written(name: &str, value: &str) -> Option<Write> {
        Some(Write::replace(name, vec![value.as_bytes().to_vec()]))
    }

    #[test]
    fn of_a_name_in_several_parts_the_one_that_is_the_name_changes() {
        let (own, old) = ("uid=ada+cn=Ada", Some("ada"));
        assert_eq!(renamed(own, "uid", old, "grace"), ("uid=grace+cn=Ada".to_owned(), None));
        assert_eq!(renamed(own, "CN", Some("Ada"), "Grace"), ("uid=ada+cn=Grace".to_owned(), None));
        assert_eq!(renamed(own, DN, None, "grace, a+b"), ("uid=grace\\, a\\+b+cn=Ada".to_owned(), None));
        let by_mail = renamed("cn=ada@x+uid=a", "mail", Some("ada@x"), "grace@x");
        assert_eq!(by_mail, ("cn=grace@x+uid=a".to_owned(), written("mail", "grace@x")));
    }

    #[test]
    fn a_name_that_is_no_part_of_the_entrys_own_is_written_beside_it() {
        let (like_it, other) = (renamed("cn=ada", "uid", Some("ada"), "grace"), renamed("cn=A", "uid", Some("a"), "g"));
        assert_eq!(like_it, ("cn=grace".to_owned(), written("uid", "grace")), "it was the same text");
        assert_eq!(other, ("cn=A".to_owned(), written("uid", "g")));
        assert_eq!(renamed("cn=A", "uid", None, "g"), ("cn=A".to_owned(), written("uid", "g")));
    }

    #[test]
    fn a_name_written_in_bytes_becomes_text() {
        assert_eq!(renamed("uid=#0403616461", "uid", Some("ada"), "grace"), ("uid=grace".to_owned(), None));
    }

    #[test]
    fn the_first_failure_is_the_updates_and_a_later_one_a_parts() {
        let failed = || Err(Error::conflict("no"));
        assert!(Steps::default().take(PASSWORD, failed()).is_err());
        let mut steps = Steps { done: true, ..Steps::default() };
        steps.take("@name", failed()).unwrap();
        assert_eq!(steps.failed.len(), 1);
    }
}
