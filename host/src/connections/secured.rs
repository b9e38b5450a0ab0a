//! Secured options of connections: entered, replaced, cleared, and opened for calls; never read back.
//!
//! Invariant: a value is used at the places it was entered for. A change that would send it elsewhere is refused unless
//! the same request enters it again; where the change came another way (another release, a row edited in the database)
//! the value does not open, and has to be entered again.

use std::collections::{BTreeMap, BTreeSet};

use super::Connections;
use super::places::Layout;
use crate::model::secured::ENTRIES_MAX;
use crate::model::{
    ConnectionId, EntryKey, Error, FailureKind, OptionName, RequestContext, Result, Secret, Secured, SecuredStatus,
};
use crate::registry::manifest::{Manifest, SecuredDeclaration, SecuredKind};
use crate::runtime::{Credentials, Slot};
use crate::secrets::{Owner, Vault};
use crate::store::{Held, SecuredEdit, SecuredRow};

/// Values to enter, by option.
pub type SecuredDraft = BTreeMap<OptionName, Secured>;

/// A secured option as it may be shown.
#[derive(Clone, Debug)]
pub struct SecuredOption {
    pub declaration: SecuredDeclaration,
    /// What is set: at most one of a field.
    pub set: Vec<SecuredStatus>,
    /// It is set and cannot be used: it was entered for another place, or by a key that is gone.
    pub needs_entry: bool,
}

/// How it stands with one secured option.
enum Standing {
    Unset,
    NeedsEntry,
    Usable(Secured),
}

impl Connections {
    /// The secured options its connector declares, and what is set of them.
    ///
    /// # Errors
    /// `not-found`; `configuration` if its connector is not loaded or its options no longer fit the manifest.
    pub async fn secured_options(&self, id: &ConnectionId) -> Result<Vec<SecuredOption>> {
        let held = self.store.secured(id).await?;
        let (release, options) = self.check_configuration(&held.connection)?;
        let layout = Layout::new(&release.manifest, &options, &held.connection)?;
        let option = |declared: &SecuredDeclaration| SecuredOption {
            declaration: declared.clone(),
            set: rows(&held, declared).map(status).collect(),
            needs_entry: matches!(standing(&self.vault, &layout, &held, declared), Standing::NeedsEntry),
        };
        Ok(release.manifest.secured.iter().map(option).collect())
    }

    /// Sets a secured option, or replaces all that was set of it.
    ///
    /// # Errors
    /// `not-found` if the connection or its connector has none of that name; `invalid-request` if it is of the other
    /// kind or has more than [`ENTRIES_MAX`] entries.
    pub async fn set_secured(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        name: &OptionName,
        value: Secured,
    ) -> Result<()> {
        let draft = SecuredDraft::from([(name.clone(), value)]);
        self.edit_secured(id, |held, layout| {
            declared(layout.manifest, name)?;
            self.enter(rc, held, layout, &draft)
        })
        .await
    }

    /// Sets one entry of a map.
    ///
    /// # Errors
    /// As [`Self::set_secured`].
    pub async fn set_secured_entry(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        name: &OptionName,
        key: &EntryKey,
        value: Secret,
    ) -> Result<()> {
        self.edit_secured(id, |held, layout| {
            let option = declared(layout.manifest, name)?;
            require_kind(option, SecuredKind::Map)?;
            let others = rows(held, option).filter(|row| row.entry != key.as_str()).count();
            require_room(name, others + 1)?;
            Ok(vec![self.put(rc, held.number, layout, name, key.as_str(), &value)?])
        })
        .await
    }

    /// Clears a secured option, or one entry of it.
    ///
    /// # Errors
    /// `not-found` if it is not set.
    pub async fn clear_secured(&self, id: &ConnectionId, name: &OptionName, key: Option<&EntryKey>) -> Result<()> {
        let entry = key.map(|key| key.as_str().to_owned());
        let clear = |held: &Held| {
            let found = |row: &SecuredRow| row.name == *name && entry.as_ref().is_none_or(|entry| row.entry == *entry);
            if held.rows.iter().any(found) {
                return Ok(vec![SecuredEdit::Clear { name: name.clone(), entry: entry.clone() }]);
            }
            Err(Error::not_found(format!("nothing is set of the secured option {name} of {id}")))
        };
        let cleared = self.store.edit_secured(id, clear).await;
        self.forget(id);
        cleared
    }

    async fn edit_secured(
        &self,
        id: &ConnectionId,
        edit: impl FnOnce(&Held, &Layout<'_>) -> Result<Vec<SecuredEdit>> + Send,
    ) -> Result<()> {
        let edited = self.store.edit_secured(id, |held| {
            let (release, options) = self.check_configuration(&held.connection)?;
            edit(held, &Layout::new(&release.manifest, &options, &held.connection)?)
        });
        let edited = edited.await;
        self.forget(id);
        edited
    }

    /// The steps that enter a draft, each option whole.
    pub(super) fn enter(
        &self,
        rc: &RequestContext,
        held: &Held,
        layout: &Layout<'_>,
        draft: &SecuredDraft,
    ) -> Result<Vec<SecuredEdit>> {
        let mut edits = Vec::new();
        for (name, value) in draft {
            edits.push(SecuredEdit::Clear { name: name.clone(), entry: None });
            for (entry, secret) in fitting(layout.manifest, name, value)? {
                edits.push(self.put(rc, held.number, layout, name, entry, secret)?);
            }
        }
        Ok(edits)
    }

    /// The steps that replace a connection: what it no longer has is cleared, and what the draft says is entered.
    ///
    /// # Errors
    /// `credential-denied` if what is set would go elsewhere and the draft does not enter it again.
    pub(super) fn carry(
        &self,
        rc: &RequestContext,
        held: &Held,
        layout: &Layout<'_>,
        draft: &SecuredDraft,
    ) -> Result<Vec<SecuredEdit>> {
        let set: BTreeSet<&OptionName> = held.rows.iter().map(|row| &row.name).collect();
        let (kept, gone): (Vec<&OptionName>, _) =
            set.into_iter().partition(|name| layout.manifest.secured(name).is_some());
        let kept: Vec<&OptionName> = kept.into_iter().filter(|name| !draft.contains_key(*name)).collect();
        self.require_same_places(held, layout, &kept)?;
        let gone = gone.into_iter().map(|name: &OptionName| SecuredEdit::Clear { name: name.clone(), entry: None });
        Ok(gone.chain(self.enter(rc, held, layout, draft)?).collect())
    }

    /// Refuses to send what is set to another place. Where nobody can say where it went before, it stays sealed for
    /// that place, and has to be entered again.
    fn require_same_places(&self, held: &Held, layout: &Layout<'_>, kept: &[&OptionName]) -> Result<()> {
        let Ok((release, options)) = self.check_configuration(&held.connection) else { return Ok(()) };
        let Ok(before) = Layout::new(&release.manifest, &options, &held.connection) else { return Ok(()) };
        let moved = |name: &&&OptionName| before.sealed_for(name) != layout.sealed_for(name);
        let moved: Vec<&OptionName> = kept.iter().filter(moved).copied().collect();
        if moved.is_empty() { Ok(()) } else { Err(redirected(&before, layout, &moved)) }
    }

    fn put(
        &self,
        rc: &RequestContext,
        connection: i64,
        layout: &Layout<'_>,
        name: &OptionName,
        entry: &str,
        value: &Secret,
    ) -> Result<SecuredEdit> {
        let owner = Owner { connection, option: name, entry };
        let sealed = self.vault.seal(&owner, &layout.sealed_for(name), value)?;
        let (set_at, set_by) = (self.clock.now(), rc.caller.name.clone());
        Ok(SecuredEdit::Put(SecuredRow { name: name.clone(), entry: entry.to_owned(), sealed, set_at, set_by }))
    }
}

/// Opens what is set, for calls.
///
/// # Errors
/// `configuration`, naming a required option that is not set or does not open, and how to set it.
pub(super) fn open(vault: &Vault, layout: &Layout<'_>, held: &Held) -> Result<Credentials> {
    let slot = |declared: &SecuredDeclaration| {
        let standing = standing(vault, layout, held, declared);
        if declared.required {
            require(held, declared, &standing)?;
        }
        let value = if let Standing::Usable(value) = standing { Some(value) } else { None };
        Ok((declared.name.clone(), Slot { usage: declared.usage, value }))
    };
    layout.manifest.secured.iter().map(slot).collect()
}

fn require(held: &Held, declared: &SecuredDeclaration, standing: &Standing) -> Result<()> {
    let what = match standing {
        Standing::Usable(_) => return Ok(()),
        Standing::Unset => "is required and not set; enter it",
        Standing::NeedsEntry => "was entered for another place and does not open any more; enter it again",
    };
    let (name, id) = (&declared.name, &held.connection.id);
    let message = format!(
        "the secured option `{name}` ({}) {what}: `hawser connection secret set {id} {name}`, or PUT \
         /v1/connections/{id}/secured-options/{name}",
        declared.label
    );
    Err(Error::failure(FailureKind::Configuration, message).blaming(name.as_str()))
}

fn standing(vault: &Vault, layout: &Layout<'_>, held: &Held, declared: &SecuredDeclaration) -> Standing {
    let places = layout.sealed_for(&declared.name);
    let open = |row: &SecuredRow| {
        let owner = Owner { connection: held.number, option: &declared.name, entry: &row.entry };
        vault.open_sealed(&owner, &places, &row.sealed).map(|value| (row.entry.clone(), value))
    };
    let Some(mut opened) = rows(held, declared).map(open).collect::<Option<BTreeMap<String, Secret>>>() else {
        return Standing::NeedsEntry;
    };
    match declared.kind {
        _ if opened.is_empty() => Standing::Unset,
        SecuredKind::Map => Standing::Usable(Secured::Map(opened)),
        SecuredKind::Field => {
            opened.pop_first().map_or(Standing::Unset, |(_, value)| Standing::Usable(Secured::Field(value)))
        }
    }
}

/// What is set of an option: a field has one row without a name, a map only rows with one. What an earlier release
/// declared differently is not looked at, and goes when the option is set.
fn rows<'a>(held: &'a Held, declared: &SecuredDeclaration) -> impl Iterator<Item = &'a SecuredRow> {
    let (name, is_field) = (declared.name.clone(), declared.kind == SecuredKind::Field);
    held.rows.iter().filter(move |row| row.name == name && row.entry.is_empty() == is_field)
}

fn status(row: &SecuredRow) -> SecuredStatus {
    SecuredStatus {
        entry: (!row.entry.is_empty()).then(|| row.entry.clone()),
        fingerprint: row.sealed.fingerprint.clone(),
        set_at: row.set_at,
        set_by: row.set_by.clone(),
    }
}

/// The entries of a value that fits what the manifest declares.
fn fitting<'a>(manifest: &Manifest, name: &OptionName, value: &'a Secured) -> Result<Vec<(&'a str, &'a Secret)>> {
    let unknown = || Error::failure(FailureKind::Configuration, unknown(manifest, name)).blaming(name.as_str());
    let option = manifest.secured(name).ok_or_else(unknown)?;
    match value {
        Secured::Field(secret) => require_kind(option, SecuredKind::Field).map(|()| vec![("", secret)]),
        Secured::Map(entries) => {
            require_kind(option, SecuredKind::Map)?;
            require_room(name, entries.len())?;
            Ok(entries.iter().map(|(key, secret)| (key.as_str(), secret)).collect())
        }
    }
}

fn declared<'a>(manifest: &'a Manifest, name: &OptionName) -> Result<&'a SecuredDeclaration> {
    manifest.secured(name).ok_or_else(|| Error::not_found(unknown(manifest, name)).blaming(name.as_str()))
}

fn unknown(manifest: &Manifest, name: &OptionName) -> String {
    let known: Vec<&str> = manifest.secured.iter().map(|option| option.name.as_str()).collect();
    format!("{} has no secured option `{name}`; it has [{}]", manifest.connector, known.join(", "))
}

fn require_kind(option: &SecuredDeclaration, given: SecuredKind) -> Result<()> {
    let rule = match option.kind {
        kind if kind == given => return Ok(()),
        SecuredKind::Field => "is one value: send {\"value\": ...}",
        SecuredKind::Map => "is a map: send {\"entries\": {key: value}}, or one value to its key's own path",
    };
    Err(Error::invalid(format!("the secured option `{}` {rule}", option.name)).blaming(option.name.as_str()))
}

fn require_room(name: &OptionName, entries: usize) -> Result<()> {
    if entries <= ENTRIES_MAX {
        return Ok(());
    }
    let message = format!("the secured option `{name}` would have {entries} entries; it takes {ENTRIES_MAX}");
    Err(Error::invalid(message).blaming(name.as_str()))
}

fn redirected(before: &Layout<'_>, after: &Layout<'_>, moved: &[&OptionName]) -> Error {
    let mut blamed = BTreeSet::new();
    let mut changes = BTreeSet::new();
    for name in moved {
        let old = before.of(name);
        for place in after.of(name) {
            let was = old.iter().find(|old| old.name == place.name).and_then(|old| old.address.clone());
            if was != place.address {
                let shown = |address: Option<String>| address.unwrap_or_else(|| "nowhere".to_owned());
                let from = place.made_from.iter().map(|option| format!("`{option}`")).collect::<Vec<_>>().join(", ");
                changes.insert(format!("{} ({from}) goes from {} to {}", place.name, shown(was), shown(place.address)));
                blamed.extend(place.made_from);
            }
        }
    }
    if changes.is_empty() {
        changes.insert("the connector, or where it uses them, is another one".to_owned());
    }
    let again = moved.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let message = format!(
        "{}, and the secured options {again} were entered for where they go now; enter them again in the same request \
         (`securedOptions`)",
        changes.into_iter().collect::<Vec<_>>().join("; ")
    );
    let error = Error::failure(FailureKind::CredentialDenied, message);
    blamed.into_iter().chain(moved.iter().map(ToString::to_string)).fold(error, Error::blaming)
}
