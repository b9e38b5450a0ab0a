//! How it stands with a secured option: opened for calls, or the reason why not; and what of it may be shown.

use std::collections::BTreeMap;

use super::references::Readings;
use crate::connections::places::Layout;
use crate::model::{
    Error, FailureKind, Layer, ReferenceStatus, Result, SecretReference, Secured, SecuredStatus, Unread,
};
use crate::registry::manifest::{SecuredDeclaration, SecuredKind};
use crate::runtime::{Credentials, Slot};
use crate::secrets::{Owner, Vault};
use crate::store::{Held, SecuredRow};

/// How it stands with one secured option.
pub(super) enum Standing {
    Unset,
    NeedsEntry,
    /// Nothing could be read where its reference points.
    Unread(SecretReference, Unread),
    Usable(Secured),
}

/// Opens what is set, for calls.
///
/// # Errors
/// `configuration`, naming a required option that is not set or does not open, and how to set it; or an option, required
/// or not, whose reference leads nowhere: whoever set it did not mean the connector to go without.
pub(in crate::connections) fn open(
    vault: &Vault,
    layout: &Layout<'_>,
    held: &Held,
    read: &Readings,
) -> Result<Credentials> {
    let slot = |declared: &SecuredDeclaration| {
        let value = match standing(vault, layout, held, read, declared) {
            Standing::Usable(value) => Some(value),
            Standing::Unread(from, why) => return Err(unreadable(held, declared, &from, why)),
            Standing::Unset if declared.required => return Err(unusable(held, declared, UNSET)),
            Standing::NeedsEntry if declared.required => return Err(unusable(held, declared, NEEDS_ENTRY)),
            Standing::Unset | Standing::NeedsEntry => None,
        };
        Ok((declared.name.clone(), Slot { usage: declared.usage, value }))
    };
    layout.manifest.secured.iter().map(slot).collect()
}

const UNSET: &str = "is required and not set; enter it";
const NEEDS_ENTRY: &str = "was entered for another place and does not open any more; enter it again";

/// How it stands with an option. A reference that is set goes before a value, whether it leads to one or not.
pub(super) fn standing(
    vault: &Vault,
    layout: &Layout<'_>,
    held: &Held,
    read: &Readings,
    declared: &SecuredDeclaration,
) -> Standing {
    let places = layout.sealed_for(&declared.name);
    // References come last, and replace the values of their entries.
    let used: BTreeMap<&str, &SecuredRow> = rows(held, declared).map(|row| (row.entry.as_str(), row)).collect();
    let mut opened = BTreeMap::new();
    for (entry, row) in used {
        let value = match row.layer {
            Layer::Value => vault.open_sealed(&owner(held, row), &places, &row.sealed),
            Layer::Reference => match read.of(row).map(|reading| (&reading.from, &reading.value)) {
                Some((from, Err(why))) => return Standing::Unread(from.clone(), *why),
                Some((_, Ok(value))) => Some(value.clone()),
                None => None,
            },
        };
        let Some(value) = value else { return Standing::NeedsEntry };
        opened.insert(entry.to_owned(), value);
    }
    match declared.kind {
        _ if opened.is_empty() => Standing::Unset,
        SecuredKind::Map => Standing::Usable(Secured::Map(opened)),
        SecuredKind::Field => {
            opened.pop_first().map_or(Standing::Unset, |(_, value)| Standing::Usable(Secured::Field(value)))
        }
    }
}

/// What is set of an option: a field has rows without a key, a map only rows with one. What an earlier release
/// declared differently is not looked at, and goes when the option is set.
pub(super) fn rows<'a>(held: &'a Held, declared: &SecuredDeclaration) -> impl Iterator<Item = &'a SecuredRow> {
    let (name, is_field) = (declared.name.clone(), declared.kind == SecuredKind::Field);
    held.rows.iter().filter(move |row| row.name == name && row.entry.is_empty() == is_field)
}

/// Whose a row's value is.
pub(super) fn owner<'a>(held: &Held, row: &'a SecuredRow) -> Owner<'a> {
    Owner { connection: held.number, option: &row.name, entry: &row.entry, layer: row.layer }
}

/// What of a row may be shown.
pub(super) fn status(vault: &Vault, held: &Held, read: &Readings, row: &SecuredRow) -> SecuredStatus {
    let (fingerprint, reference) = match row.layer {
        Layer::Value => (Some(row.sealed.fingerprint.clone()), None),
        Layer::Reference => {
            let reading = read.of(row);
            let status = ReferenceStatus {
                from: vault.show_reference(&owner(held, row), &row.sealed),
                read_at: reading.and_then(|reading| reading.last.as_ref()).map(|(at, _)| *at),
                failed: reading.and_then(|reading| Some((reading.at, reading.value.as_ref().err().copied()?))),
            };
            (reading.and_then(|reading| reading.fingerprint(vault, held, row)), Some(status))
        }
    };
    SecuredStatus {
        entry: (!row.entry.is_empty()).then(|| row.entry.clone()),
        fingerprint,
        set_at: row.set_at,
        set_by: row.set_by.clone(),
        reference,
    }
}

/// What is told of a reference that leads nowhere.
pub(super) fn unreadable(held: &Held, declared: &SecuredDeclaration, from: &SecretReference, why: Unread) -> Error {
    let (name, id) = (&declared.name, &held.connection.id);
    let message = format!(
        "the secured option `{name}` ({}) of {id} is to be read from {from}: {}; then `hawser secrets reread {id}`, or \
         clear the reference: `hawser connection secret clear {id} {name} --only reference`",
        declared.label,
        why.told(from)
    );
    Error::failure(FailureKind::Configuration, message).blaming(name.as_str())
}

fn unusable(held: &Held, declared: &SecuredDeclaration, what: &str) -> Error {
    let (name, id) = (&declared.name, &held.connection.id);
    let message = format!(
        "the secured option `{name}` ({}) {what}: `hawser connection secret set {id} {name}`, or PUT \
         /v1/connections/{id}/secured-options/{name}",
        declared.label
    );
    Error::failure(FailureKind::Configuration, message).blaming(name.as_str())
}
