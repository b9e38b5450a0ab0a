//! Secured options of connections: entered, replaced, cleared, and opened for calls; never read back.
//!
//! | file            | what it knows                                                       |
//! |-----------------|---------------------------------------------------------------------|
//! | `entering.rs`   | what may be entered, and what a change of where it goes asks for     |
//! | `references.rs` | reading what is kept outside, and how that went                      |
//! | `standing.rs`   | how it stands with an option: for calls, and to be shown             |
//!
//! Invariant: a value or a reference is used at the places it was entered for. A change that would send it elsewhere is
//! refused unless the same request enters it again; where the change came another way (another release, a row edited in
//! the database) it does not open, and has to be entered again.

mod entering;
mod references;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::Connections;
use super::places::Layout;
use crate::model::{
    Connection, ConnectionId, EntryKey, Error, Given, Layer, OptionName, RequestContext, Result, Secured, SecuredStatus,
};
use crate::registry::Coming;
use crate::registry::manifest::{SecuredDeclaration, SecuredKind};
use crate::secrets::Rotated;
use crate::store::{Held, SecuredEdit, SecuredRow};
use entering::Hand;
use standing::{Standing, rows, standing, status};

pub(super) use references::Journal;
pub use references::{FailedReading, Reread};
pub(super) use standing::open;

/// What to enter, by option.
pub type SecuredDraft = BTreeMap<OptionName, Secured<Given>>;

/// A secured option as it may be shown.
#[derive(Clone, Debug)]
pub struct SecuredOption {
    pub declaration: SecuredDeclaration,
    /// What is set: at most a value and a reference of a field, and of each entry of a map.
    pub set: Vec<SecuredStatus>,
    /// It is set and cannot be used: it was entered for another place, or by a key that is gone.
    pub needs_entry: bool,
}

impl Connections {
    /// The secured options its connector declares, and what is set of them. References that were not read yet are read.
    ///
    /// # Errors
    /// `not-found`; `configuration` if its connector is not loaded or its options no longer fit the manifest.
    pub async fn secured_options(&self, id: &ConnectionId) -> Result<Vec<SecuredOption>> {
        let held = self.store.secured(id).await?;
        let (release, options) = self.check_configuration(&held.connection)?;
        let layout = Layout::new(&release.manifest, &options, &held.connection)?;
        let read = self.readings(&held, &layout).await?;
        let option = |declared: &SecuredDeclaration| SecuredOption {
            declaration: declared.clone(),
            set: rows(&held, declared).map(|row| status(&self.vault, &held, &read, row)).collect(),
            needs_entry: matches!(standing(&self.vault, &layout, &held, &read, declared), Standing::NeedsEntry),
        };
        Ok(release.manifest.secured.iter().map(option).collect())
    }

    /// Sets what is given of a secured option: of a field a value, a reference or both, in the place of the one before;
    /// of a map all entries, in the place of all that was set.
    ///
    /// # Errors
    /// `not-found` if the connection or its connector has none of that name; `invalid-request` if it is of the other
    /// kind or has too many entries; `configuration` for a reference to where the host may not read.
    pub async fn set_secured(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        name: &OptionName,
        given: Secured<Given>,
    ) -> Result<()> {
        let draft = SecuredDraft::from([(name.clone(), given)]);
        self.edit_secured(id, |held, layout| {
            entering::declared(layout.manifest, name)?;
            self.hand(rc).enter(held, layout, &draft, None)
        })
        .await
    }

    /// Sets what is given of one entry of a map.
    ///
    /// # Errors
    /// As [`Self::set_secured`].
    pub async fn set_secured_entry(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        name: &OptionName,
        key: &EntryKey,
        given: Given,
    ) -> Result<()> {
        self.edit_secured(id, |held, layout| {
            let option = entering::declared(layout.manifest, name)?;
            entering::require_kind(option, SecuredKind::Map)?;
            entering::require_room_beside(held, option, key)?;
            self.hand(rc).put(held, layout, name, key.as_str(), &given)
        })
        .await
    }

    /// Clears a secured option, or one entry of it: all of it, or its value or reference alone.
    ///
    /// # Errors
    /// `not-found` if that is not set.
    pub async fn clear_secured(
        &self,
        id: &ConnectionId,
        name: &OptionName,
        key: Option<&EntryKey>,
        only: Option<Layer>,
    ) -> Result<()> {
        let entry = key.map(|key| key.as_str().to_owned());
        let clear = |held: &Held| {
            let found = |row: &SecuredRow| {
                row.name == *name
                    && entry.as_ref().is_none_or(|entry| row.entry == *entry)
                    && only.is_none_or(|layer| row.layer == layer)
            };
            if held.rows.iter().any(found) {
                return Ok(vec![SecuredEdit::Clear { name: name.clone(), entry: entry.clone(), only }]);
            }
            let what = only.map_or("nothing", |layer| if layer == Layer::Value { "no value" } else { "no reference" });
            Err(Error::not_found(format!("{what} is set of the secured option {name} of {id}")))
        };
        let cleared = self.store.edit_secured(id, clear).await;
        self.forget(id);
        cleared
    }

    /// Seals everything that the vault sealed anew under a new key; see [`crate::secrets::Vault::rotate`].
    ///
    /// # Errors
    /// Those of the vault.
    pub async fn rotate_secrets(&self) -> Result<Rotated> {
        self.vault.rotate(&self.store).await
    }

    /// The steps that enter the draft of a new connection.
    pub(super) fn enter(
        &self,
        rc: &RequestContext,
        held: &Held,
        layout: &Layout<'_>,
        draft: &SecuredDraft,
    ) -> Result<Vec<SecuredEdit>> {
        self.hand(rc).enter(held, layout, draft, None)
    }

    /// The steps that replace a connection, before or after releases have begun to serve: what it no longer has is
    /// cleared, and what the draft says is entered; `only` one layer of it, where the draft can say no more.
    ///
    /// # Errors
    /// `credential-denied` if what is set would go elsewhere and the draft does not enter it again.
    pub(super) fn carry(
        &self,
        rc: &RequestContext,
        held: &Held,
        layout: &Layout<'_>,
        draft: &SecuredDraft,
        only: Option<Layer>,
        coming: &Coming,
    ) -> Result<Vec<SecuredEdit>> {
        let kept = entering::kept(held, layout.manifest, draft, only);
        self.require_same_places(&held.connection, layout, &kept, coming)?;
        let gone = entering::gone(held, layout.manifest);
        Ok(gone.chain(self.hand(rc).enter(held, layout, draft, only)?).collect())
    }

    /// Refuses to send what is set to another place. Where nobody can say where it went before, it stays sealed for
    /// that place, and has to be entered again.
    fn require_same_places(
        &self,
        before: &Connection,
        layout: &Layout<'_>,
        kept: &[(&OptionName, Layer)],
        coming: &Coming,
    ) -> Result<()> {
        let Ok((manifest, options)) = self.configuration_then(before, coming) else { return Ok(()) };
        let Ok(before) = Layout::new(&manifest, &options, before) else { return Ok(()) };
        entering::require_same_places(&before, layout, kept)
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

    fn hand<'a>(&'a self, rc: &'a RequestContext) -> Hand<'a> {
        Hand { vault: &self.vault, at: self.clock.now(), by: &rc.caller.name }
    }
}
