//! References of connections: read whenever a connection is made ready, and on demand.
//!
//! What is found is used until it is read again. A reading that finds another value, or none any more, ends what was
//! opened with the one before: sessions, tokens, listings. One that finds none is no reason to go on with the last value:
//! who takes a secret away means it. Each later call looks again, so a file that is replaced slowly heals by itself.
//!
//! How readings went is kept in memory, since it says something of this process and not of the next.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::standing::{owner, rows, unreadable};
use crate::connections::Connections;
use crate::connections::places::Layout;
use crate::model::{ConnectionId, Error, Layer, OptionName, Result, Secret, SecretReference, Secured, Unread};
use crate::registry::manifest::SecuredDeclaration;
use crate::secrets::{Owner, Vault};
use crate::store::{Held, SecuredRow};

/// How it went to read one reference.
#[derive(Clone)]
pub(super) struct Reading {
    pub(super) from: SecretReference,
    pub(super) value: Result<Secret, Unread>,
    /// When it was read.
    pub(super) at: Timestamp,
    /// When it was last read with success, and the fingerprint of what was found.
    pub(super) last: Option<(Timestamp, String)>,
}

/// How it went to read the references of a connection, by option and entry; of those alone that may be used where the
/// connection's secrets go.
#[derive(Clone, Default)]
pub(in crate::connections) struct Readings(BTreeMap<(OptionName, String), Reading>);

/// The latest readings of every connection.
#[derive(Default)]
pub(in crate::connections) struct Journal(Mutex<HashMap<String, Readings>>);

/// What came of reading references again.
#[derive(Clone, Debug, Default)]
pub struct Reread {
    /// How many there are.
    pub read: u64,
    /// How many led to another value than before, or to none any more, or to one again.
    pub changed: u64,
    /// Those that led to none.
    pub failed: Vec<FailedReading>,
}

/// A reference that led to no value, or a connection whose references cannot be read.
#[derive(Clone, Debug)]
pub struct FailedReading {
    pub connection: ConnectionId,
    /// What calls on the connection answer.
    pub error: Error,
}

/// A reference to read.
pub(super) struct Wanted<'a> {
    row: &'a SecuredRow,
    declared: &'a SecuredDeclaration,
    from: SecretReference,
}

impl Connections {
    /// Reads what the references of a connection point at now.
    ///
    /// # Errors
    /// `not-found`; `configuration` if its connector is not loaded or its options no longer fit the manifest.
    pub async fn reread(&self, id: &ConnectionId) -> Result<Reread> {
        let held = self.store.secured(id).await?;
        let (release, options) = self.check_configuration(&held.connection)?;
        let layout = Layout::new(&release.manifest, &options, &held.connection)?;
        let wanted = wanted(&self.vault, &held, &layout);
        let (readings, changed) = self.read_again(&held, &wanted).await?;
        let failed = |wanted: &Wanted<'_>| {
            let why = *readings.of(wanted.row)?.value.as_ref().err()?;
            let error = unreadable(&held, wanted.declared, &wanted.from, why);
            Some(FailedReading { connection: held.connection.id.clone(), error })
        };
        let failed = wanted.iter().filter_map(failed).collect();
        Ok(Reread { read: wanted.len().try_into().unwrap_or(u64::MAX), changed, failed })
    }

    /// Reads what all references point at now.
    ///
    /// # Errors
    /// Those of the store; what fails of one connection is told and keeps no other from it.
    pub async fn reread_all(&self) -> Result<Reread> {
        let mut all = Reread::default();
        for connection in self.store.referring().await? {
            match self.reread(&connection).await {
                Ok(one) => {
                    all.read += one.read;
                    all.changed += one.changed;
                    all.failed.extend(one.failed);
                }
                Err(error) => all.failed.push(FailedReading { connection, error }),
            }
        }
        Ok(all)
    }

    /// Where the secrets of a connection are kept outside, by option and, of a map, by key.
    ///
    /// # Errors
    /// `not-found`.
    pub async fn references(&self, id: &ConnectionId) -> Result<BTreeMap<OptionName, Secured<SecretReference>>> {
        let held = self.store.secured(id).await?;
        if held.rows.iter().all(|row| row.layer != Layer::Reference) {
            return Ok(BTreeMap::new());
        }
        let found: Vec<(SecuredRow, SecretReference)> = match self.check_configuration(&held.connection) {
            Ok((release, options)) => {
                let layout = Layout::new(&release.manifest, &options, &held.connection)?;
                wanted(&self.vault, &held, &layout)
                    .into_iter()
                    .map(|wanted| (wanted.row.clone(), wanted.from))
                    .collect()
            }
            // While its connector does not serve, nobody can say where they go; they are there nevertheless.
            Err(_) => shown(&self.vault, &held).collect(),
        };
        let mut references = BTreeMap::new();
        for (row, from) in found {
            if row.entry.is_empty() {
                references.insert(row.name.clone(), Secured::Field(from));
            } else if let Secured::Map(entries) =
                references.entry(row.name.clone()).or_insert_with(|| Secured::Map(BTreeMap::new()))
            {
                entries.insert(row.entry.clone(), from);
            }
        }
        Ok(references)
    }

    /// What the references of a connection point at now, for calls.
    pub(in crate::connections) async fn read_references(&self, held: &Held, layout: &Layout<'_>) -> Result<Readings> {
        Ok(self.read_again(held, &wanted(&self.vault, held, layout)).await?.0)
    }

    /// How it went the last time; what was not read yet is read.
    pub(super) async fn readings(&self, held: &Held, layout: &Layout<'_>) -> Result<Readings> {
        let wanted = wanted(&self.vault, held, layout);
        let noted = self.journal.of(&held.connection.id);
        let known = |wanted: &Wanted<'_>| {
            let reading = noted.of(wanted.row).filter(|reading| reading.from == wanted.from)?;
            Some((slot(wanted.row), reading.clone()))
        };
        let known: BTreeMap<_, _> = wanted.iter().filter_map(known).collect();
        if known.len() == wanted.len() { Ok(Readings(known)) } else { Ok(self.read_again(held, &wanted).await?.0) }
    }

    /// Reads, remembers how it went, and ends what was opened with another value; how many are another one.
    async fn read_again(&self, held: &Held, wanted: &[Wanted<'_>]) -> Result<(Readings, u64)> {
        let id = &held.connection.id;
        if wanted.is_empty() {
            self.journal.forget(id);
            return Ok((Readings::default(), 0));
        }
        let (readings, changed) = self.journal.note(id, read(&self.vault, held, wanted, self.clock.now()).await?);
        if changed > 0 {
            self.forget(id);
        }
        Ok((readings, changed))
    }
}

impl Reading {
    /// The fingerprint of the value it led to last, if it ever did; under the vault's present key while it is at hand.
    pub(super) fn fingerprint(&self, vault: &Vault, held: &Held, row: &SecuredRow) -> Option<String> {
        match &self.value {
            Ok(value) => Some(print(vault, held, row, value)),
            Err(_) => self.last.as_ref().map(|(_, fingerprint)| fingerprint.clone()),
        }
    }

    fn differs(&self, before: &Self) -> bool {
        match (&self.value, &before.value) {
            (Ok(now), Ok(before)) => now.expose() != before.expose(),
            (Err(_), Err(_)) => false,
            _ => true,
        }
    }
}

impl Readings {
    /// The reading of a row, if it may be used.
    pub(super) fn of(&self, row: &SecuredRow) -> Option<&Reading> {
        self.0.get(&slot(row))
    }
}

impl Journal {
    /// Forgets the readings of a connection.
    pub(in crate::connections) fn forget(&self, id: &ConnectionId) {
        self.lock().remove(&id.folded());
    }

    fn of(&self, id: &ConnectionId) -> Readings {
        self.lock().get(&id.folded()).cloned().unwrap_or_default()
    }

    /// Notes readings in the place of those before; how many differ from those of the same references.
    fn note(&self, id: &ConnectionId, mut readings: Readings) -> (Readings, u64) {
        let mut journal = self.lock();
        let before = journal.remove(&id.folded()).unwrap_or_default();
        let mut changed = 0;
        for (at, reading) in &mut readings.0 {
            let Some(before) = before.0.get(at).filter(|before| before.from == reading.from) else { continue };
            changed += u64::from(reading.differs(before));
            reading.last = reading.last.take().or_else(|| before.last.clone());
        }
        journal.insert(id.folded(), readings.clone());
        (readings, changed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Readings>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The references that may be used where the connection's secrets go.
pub(super) fn wanted<'a>(vault: &Vault, held: &'a Held, layout: &Layout<'a>) -> Vec<Wanted<'a>> {
    let of = |declared: &'a SecuredDeclaration| {
        let places = layout.sealed_for(&declared.name);
        let references = rows(held, declared).filter(|row| row.layer == Layer::Reference);
        references.filter_map(move |row| {
            let from = vault.open_reference(&owner(held, row), &places, &row.sealed)?;
            Some(Wanted { row, declared, from })
        })
    };
    layout.manifest.secured.iter().flat_map(of).collect()
}

/// The references that are set, wherever they may be used.
fn shown(vault: &Vault, held: &Held) -> impl Iterator<Item = (SecuredRow, SecretReference)> {
    let references = held.rows.iter().filter(|row| row.layer == Layer::Reference);
    references.filter_map(|row| Some((row.clone(), vault.show_reference(&owner(held, row), &row.sealed)?)))
}

/// What they point at now.
pub(super) async fn read(vault: &Vault, held: &Held, wanted: &[Wanted<'_>], at: Timestamp) -> Result<Readings> {
    let read = vault.read(wanted.iter().map(|wanted| wanted.from.clone()).collect()).await?;
    let reading = |(wanted, value): (&Wanted<'_>, Result<Secret, Unread>)| {
        let last = value.as_ref().ok().map(|value| (at, print(vault, held, wanted.row, value)));
        (slot(wanted.row), Reading { from: wanted.from.clone(), value, at, last })
    };
    Ok(Readings(wanted.iter().zip(read).map(reading).collect()))
}

fn slot(row: &SecuredRow) -> (OptionName, String) {
    (row.name.clone(), row.entry.clone())
}

/// The fingerprint that a value would have where it is sealed.
fn print(vault: &Vault, held: &Held, row: &SecuredRow, value: &Secret) -> String {
    vault.fingerprint(&Owner { layer: Layer::Value, ..owner(held, row) }, value)
}
