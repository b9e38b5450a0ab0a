//! Changes of connections that are made together with others, in one transaction of the store.
//!
//! They are held against the manifest when they are made, and what is secured is sealed once the transaction shows what is
//! there; so nothing is believed that somebody else changed meanwhile. Where releases are about to serve, it is the manifests
//! of those: so the same changes can be tried before.

use std::collections::BTreeMap;

use super::options::Options;
use super::places::Layout;
use super::{Connections, SecuredDraft, configured, web};
use crate::model::{
    Connection, ConnectionId, Given, Layer, OptionName, Permissions, RequestContext, Result, SecretReference, Secured,
};
use crate::registry::{Coming, Manifest};
use crate::store::{ConfigEdit, Held, SecuredEdit};

/// Where secrets are kept outside, by option.
pub type References = BTreeMap<OptionName, Secured<SecretReference>>;

impl Connections {
    /// The change that adds a connection.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn creation(
        &self,
        rc: &RequestContext,
        draft: Connection,
        references: References,
        coming: &Coming,
    ) -> Result<ConfigEdit> {
        let (manifest, options) = self.configuration_then(&draft, coming)?;
        let (this, rc, of) = (self.clone(), rc.clone(), draft.clone());
        let secured = given(references);
        let enter = move |held: &Held| this.enter(&rc, held, &Layout::new(&manifest, &options, &of)?, &secured);
        Ok(ConfigEdit::CreateConnection(draft, Box::new(enter)))
    }

    /// The change that replaces a connection that is still at the revision `seen`: of its secured options the references
    /// become these, and values that were entered stay.
    ///
    /// # Errors
    /// As [`Self::replace`].
    pub fn replacement(
        &self,
        rc: &RequestContext,
        draft: Connection,
        seen: i64,
        references: References,
        coming: &Coming,
    ) -> Result<ConfigEdit> {
        let (manifest, options) = self.configuration_then(&draft, coming)?;
        let (this, rc, of, coming) = (self.clone(), rc.clone(), draft.clone(), coming.clone());
        let secured = given(references);
        let carry = move |held: &Held| {
            let left = left_out(held, &secured);
            let held = Held {
                rows: held
                    .rows
                    .iter()
                    .filter(|row| !left.contains(&row.name) || row.layer == Layer::Value)
                    .cloned()
                    .collect(),
                ..held.clone()
            };
            let layout = Layout::new(&manifest, &options, &of)?;
            let carried = this.carry(&rc, &held, &layout, &secured, Some(Layer::Reference), &coming)?;
            let cleared =
                left.into_iter().map(|name| SecuredEdit::Clear { name, entry: None, only: Some(Layer::Reference) });
            Ok(cleared.chain(carried).collect())
        };
        Ok(ConfigEdit::ReplaceConnection(draft, seen, Box::new(carry)))
    }

    /// The change that approves and withdraws permissions of a connection, as `draft` will be; if nothing else of it
    /// changes, of one that is still at the revision `seen`.
    ///
    /// # Errors
    /// As [`Self::approve`].
    pub fn permitting(
        &self,
        rc: &RequestContext,
        draft: &Connection,
        seen: Option<i64>,
        approve: Permissions,
        withdraw: Permissions,
        coming: &Coming,
    ) -> Result<ConfigEdit> {
        let (manifest, options) = self.configuration_then(draft, coming)?;
        super::permissions::require_known(&manifest, &approve)?;
        web::web(&Permissions::default(), &approve, &options)?;
        Ok(ConfigEdit::Permit { connection: draft.id.clone(), seen, approve, withdraw, by: rc.caller.name.clone() })
    }

    /// The manifest of the release that serves a connection once those that are coming do, and the options it reads.
    pub(super) fn configuration_then(&self, draft: &Connection, coming: &Coming) -> Result<(Manifest, Options)> {
        let manifest = self.registry.manifest_then(&draft.connector, &draft.version, coming)?;
        let options = configured(&manifest, draft)?;
        Ok((manifest, options))
    }

    /// Forgets what was known of a connection that was changed together with others.
    pub fn changed(&self, id: &ConnectionId) {
        self.journal.forget(id);
        self.forget(id);
    }
}

/// References that are set and named no longer.
fn left_out(held: &Held, secured: &SecuredDraft) -> Vec<OptionName> {
    let set = held.rows.iter().filter(|row| row.layer == Layer::Reference).map(|row| row.name.clone());
    let mut left: Vec<OptionName> = set.filter(|name| !secured.contains_key(name)).collect();
    left.dedup();
    left
}

fn given(references: References) -> SecuredDraft {
    let one = |from| Given { value: None, from: Some(from) };
    let given = |secured| match secured {
        Secured::Field(from) => Secured::Field(one(from)),
        Secured::Map(entries) => Secured::Map(entries.into_iter().map(|(key, from)| (key, one(from))).collect()),
    };
    references.into_iter().map(|(name, secured)| (name, given(secured))).collect()
}
