//! Entering: what is given is held against the manifest and sealed for the places it goes to, values and references
//! alike; and a change of those places asks for it again.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::SecuredDraft;
use super::standing::rows;
use crate::connections::places::Layout;
use crate::model::secured::ENTRIES_MAX;
use crate::model::{EntryKey, Error, FailureKind, Given, Layer, OptionName, Result, Secret, Secured, Unread};
use crate::registry::manifest::{Manifest, SecuredDeclaration, SecuredKind};
use crate::secrets::{Owner, Vault};
use crate::store::{Held, SecuredEdit, SecuredRow};

/// Who enters, when, and with what it is sealed.
pub(super) struct Hand<'a> {
    pub(super) vault: &'a Vault,
    pub(super) at: Timestamp,
    pub(super) by: &'a str,
}

impl Hand<'_> {
    /// The steps that enter a draft: of a field what is given of it, of a map all, or if `only` says so all of one layer.
    pub(super) fn enter(
        &self,
        held: &Held,
        layout: &Layout<'_>,
        draft: &SecuredDraft,
        only: Option<Layer>,
    ) -> Result<Vec<SecuredEdit>> {
        let mut edits = Vec::new();
        for (name, given) in draft {
            let whole = |only| SecuredEdit::Clear { name: name.clone(), entry: None, only };
            require_fit(layout.manifest, name, given)?;
            match given {
                Secured::Field(given) => {
                    edits.extend(layers(given).map(|layer| whole(Some(layer))));
                    edits.extend(self.put(held, layout, name, "", given)?);
                }
                Secured::Map(entries) => {
                    edits.push(whole(only));
                    for (entry, given) in entries {
                        edits.extend(self.put(held, layout, name, entry, given)?);
                    }
                }
            }
        }
        Ok(edits)
    }

    /// The steps that set what is given of a field or an entry.
    pub(super) fn put(
        &self,
        held: &Held,
        layout: &Layout<'_>,
        name: &OptionName,
        entry: &str,
        given: &Given,
    ) -> Result<Vec<SecuredEdit>> {
        let edit = |layer: Layer| {
            let value = sealable(self.vault, name, given, layer)?;
            let owner = Owner { connection: held.number, option: name, entry, layer };
            let sealed = self.vault.seal(&owner, &layout.sealed_for(name), &value)?;
            let (name, entry, set_by) = (name.clone(), entry.to_owned(), self.by.to_owned());
            Ok(SecuredEdit::Put(SecuredRow { layer, name, entry, sealed, set_at: self.at, set_by }))
        };
        layers(given).map(edit).collect()
    }
}

/// The option of that name.
///
/// # Errors
/// `not-found`, naming those there are.
pub(super) fn declared<'a>(manifest: &'a Manifest, name: &OptionName) -> Result<&'a SecuredDeclaration> {
    manifest.secured(name).ok_or_else(|| Error::not_found(unknown(manifest, name)).blaming(name.as_str()))
}

/// Refuses what is of the other kind.
pub(super) fn require_kind(option: &SecuredDeclaration, given: SecuredKind) -> Result<()> {
    let rule = match option.kind {
        kind if kind == given => return Ok(()),
        SecuredKind::Field => "is one value: send {\"value\": ...} or {\"from\": \"env:...\" or \"file:...\"}",
        SecuredKind::Map => "is a map: send {\"entries\": {key: value}}, or one value to its key's own path",
    };
    Err(Error::invalid(format!("the secured option `{}` {rule}", option.name)).blaming(option.name.as_str()))
}

/// Refuses an entry that would be one too many.
pub(super) fn require_room_beside(held: &Held, option: &SecuredDeclaration, key: &EntryKey) -> Result<()> {
    let others: BTreeSet<&str> =
        rows(held, option).map(|row| row.entry.as_str()).filter(|entry| *entry != key.as_str()).collect();
    require_room(&option.name, others.len() + 1)
}

/// What is set, is still declared, and is not entered again by a draft, of which maps are all or `only` one layer.
pub(super) fn kept<'a>(
    held: &'a Held,
    manifest: &Manifest,
    draft: &SecuredDraft,
    only: Option<Layer>,
) -> Vec<(&'a OptionName, Layer)> {
    let set: BTreeSet<(&OptionName, Layer)> = held.rows.iter().map(|row| (&row.name, row.layer)).collect();
    let again = |name: &OptionName, layer| match draft.get(name) {
        None => false,
        Some(Secured::Map(_)) => only.is_none_or(|only| only == layer),
        Some(Secured::Field(given)) => layers(given).any(|given| given == layer),
    };
    set.into_iter().filter(|(name, layer)| manifest.secured(name).is_some() && !again(name, *layer)).collect()
}

/// The steps that clear what is set and no longer declared.
pub(super) fn gone(held: &Held, manifest: &Manifest) -> impl Iterator<Item = SecuredEdit> {
    let gone: BTreeSet<&OptionName> = held.rows.iter().map(|row| &row.name).collect();
    let gone = gone.into_iter().filter(|name| manifest.secured(name).is_none());
    gone.map(|name| SecuredEdit::Clear { name: name.clone(), entry: None, only: None })
}

/// Refuses to send what is kept to another place than before.
///
/// # Errors
/// `credential-denied`, naming what goes elsewhere, and what to enter again.
pub(super) fn require_same_places(
    before: &Layout<'_>,
    after: &Layout<'_>,
    kept: &[(&OptionName, Layer)],
) -> Result<()> {
    let moved = |(name, _): &(&OptionName, Layer)| before.sealed_for(name) != after.sealed_for(name);
    let moved: Vec<(&OptionName, Layer)> = kept.iter().copied().filter(moved).collect();
    if moved.is_empty() { Ok(()) } else { Err(redirected(before, after, &moved)) }
}

fn layers(given: &Given) -> impl Iterator<Item = Layer> {
    let value = given.value.is_some().then_some(Layer::Value);
    let reference = given.from.is_some().then_some(Layer::Reference);
    value.into_iter().chain(reference)
}

/// What is sealed of one layer: a reference by its text, if the host may read there.
fn sealable(vault: &Vault, name: &OptionName, given: &Given, layer: Layer) -> Result<Secret> {
    let sealable = match (layer, &given.value, &given.from) {
        (Layer::Value, Some(value), _) => Some(value.clone()),
        (Layer::Reference, _, Some(from)) if vault.allows(from) => Secret::new(from.to_string().into_bytes()),
        (Layer::Reference, _, Some(from)) => {
            let message = format!("the secured option `{name}` from {from}: {}", Unread::NotAllowed.told(from));
            return Err(Error::failure(FailureKind::Configuration, message).blaming(name.as_str()));
        }
        _ => None,
    };
    sealable.ok_or_else(|| Error::internal("what is not given cannot be sealed"))
}

/// Refuses what does not fit what the manifest declares.
fn require_fit(manifest: &Manifest, name: &OptionName, given: &Secured<Given>) -> Result<()> {
    let unknown = || Error::failure(FailureKind::Configuration, unknown(manifest, name)).blaming(name.as_str());
    let option = manifest.secured(name).ok_or_else(unknown)?;
    match given {
        Secured::Field(_) => require_kind(option, SecuredKind::Field),
        Secured::Map(entries) => {
            require_kind(option, SecuredKind::Map)?;
            require_room(name, entries.len())
        }
    }
}

fn unknown(manifest: &Manifest, name: &OptionName) -> String {
    let known: Vec<&str> = manifest.secured.iter().map(|option| option.name.as_str()).collect();
    format!("{} has no secured option `{name}`; it has [{}]", manifest.connector, known.join(", "))
}

fn require_room(name: &OptionName, entries: usize) -> Result<()> {
    if entries <= ENTRIES_MAX {
        return Ok(());
    }
    let message = format!("the secured option `{name}` would have {entries} entries; it takes {ENTRIES_MAX}");
    Err(Error::invalid(message).blaming(name.as_str()))
}

fn redirected(before: &Layout<'_>, after: &Layout<'_>, moved: &[(&OptionName, Layer)]) -> Error {
    let mut blamed = BTreeSet::new();
    let mut changes = BTreeSet::new();
    for (name, _) in moved {
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
    let again = |(name, layer): &(&OptionName, Layer)| match layer {
        Layer::Value => format!("`{name}`"),
        Layer::Reference => format!("`{name}` (its reference)"),
    };
    let message = format!(
        "{}, and the secured options {} were entered for where they go now; enter them again in the same request \
         (`securedOptions`)",
        changes.into_iter().collect::<Vec<_>>().join("; "),
        moved.iter().map(again).collect::<Vec<_>>().join(", ")
    );
    let error = Error::failure(FailureKind::CredentialDenied, message);
    let names: BTreeSet<String> = moved.iter().map(|(name, _)| name.to_string()).collect();
    blamed.into_iter().chain(names).fold(error, Error::blaming)
}
