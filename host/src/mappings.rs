//! Mappings: which rows of connection tables are entities of which type, how entities belong together, what a core's
//! properties become in a target, which account is whose.
//!
//! A definition (`model::Mapping`) is compiled once: held within [`limits`], its columns found in the tables, its types
//! held against theirs; all that is wrong is told at once, with the nearest names. Then it runs over rows without end.
//! Only definitions are kept in the store ([`Mappings`]): rows come through a seam ([`source`]), verdicts and lines go out, so
//! that what evaluates is tested with rows made by hand.
//!
//! Invariant: a row never vanishes. It becomes an entity, it is set aside with a reason, or it is counted as one that no
//! source wants. What was not read makes what is made of it unread, never null.

pub mod associations;
mod cel;
pub mod check;
mod connection_tables;
pub mod correlation;
mod date;
pub mod datum;
mod digests;
pub mod entities;
mod expression;
pub mod flaws;
mod identifiers;
pub mod index;
mod kinds;
pub mod limits;
mod list;
pub mod positions;
pub mod resources;
mod scope;
pub mod source;
mod steps;
pub mod stream;
mod survey;
#[cfg(test)]
mod tests;
mod users;
mod uses;

pub use associations::{Associations, Pair};
pub use check::{Known, Table, check};
pub use correlation::{Correlation, Owner};
pub use datum::{Datum, Reason};
pub use entities::{Entities, Entity, SetAside, Uniqueness, Verdict};
pub use flaws::{Flaw, refuse};
pub use index::{Found, Index};
pub use positions::Positions;
pub use resources::{Made, Purpose, Resources};
pub use source::{Described, Later, TableBatch, TableReading, TableSource};
pub use stream::{Ground, Lines, Told};
pub use survey::{Ahead, Standing};
pub use uses::{connections_used, mappings_used};

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard};

use crate::model::{
    ConnectionId, EntityMapping, Error, ErrorKind, FailureKind, KeptMapping, Mapping, MappingId, Result, Stored,
};
use crate::store::Store;
use survey::Survey;

/// Mappings read at once when all are looked through.
const PAGE: u32 = 1000;

/// The mappings of the host. Cheap to clone.
#[derive(Clone)]
pub struct Mappings {
    store: Store,
    source: Arc<dyn TableSource>,
    /// For temporary files.
    folder: PathBuf,
    /// Held from the look at what names what until the change is written, so that nothing comes between.
    changes: Arc<Mutex<()>>,
}

impl Mappings {
    /// Mappings kept in a store, over the tables of a source. Temporary files of streams are in `folder`.
    pub fn new(store: Store, source: Arc<dyn TableSource>, folder: PathBuf) -> Self {
        Self { store, source, folder, changes: Arc::default() }
    }

    /// All that is wrong with a definition, held against tables, schemas and the other mappings.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn flaws(&self, mapping: &Mapping) -> Result<Vec<Flaw>> {
        Ok(self.survey(mapping).await?.hold(mapping).await?.into_flaws())
    }

    /// How definitions stand that are to be kept together, each held against what there will be then.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn standings(&self, definitions: &[&Mapping], ahead: Ahead) -> Result<Vec<Standing>> {
        let mut survey = Survey::ahead(Arc::clone(&self.source), ahead);
        let mut standings = Vec::with_capacity(definitions.len());
        for definition in definitions {
            standings.push(survey.hold(definition).await?);
        }
        Ok(standings)
    }

    /// Looks again at mappings that concern a connection, or at all: those that were declared before what they name was
    /// known may be right now, and what others named may be gone, which is a warning. To be called when a schema was
    /// read; whether this could be done is no concern of whoever read it.
    pub async fn verify(&self, connection: Option<&ConnectionId>) {
        if let Err(error) = self.look_again(connection).await {
            tracing::warn!(%error, detail = error.detail, "cannot hold the mappings against the schema that was read");
        }
    }

    /// Takes note that somebody has seen the warnings of a mapping.
    ///
    /// # Errors
    /// `not-found`.
    pub async fn acknowledge(&self, id: &MappingId) -> Result<()> {
        self.store.acknowledge_mapping(id).await
    }

    /// A mapping, and what is wrong with it now.
    ///
    /// # Errors
    /// `not-found`; those of the store.
    pub async fn show(&self, id: &MappingId) -> Result<(Stored<KeptMapping>, Vec<Flaw>)> {
        let mut kept = self.store.mapping(id).await?;
        let flaws = self.flaws(&kept.value.definition).await?;
        if flaws.is_empty() && !kept.value.verified {
            self.store.verify_mapping(&kept).await?;
            kept.value.verified = true;
        }
        Ok((kept, flaws))
    }

    /// Keeps a new mapping.
    ///
    /// # Errors
    /// `invalid-request` with all its flaws; `conflict` if the identifier is taken.
    pub async fn create(&self, mapping: Mapping) -> Result<Stored<KeptMapping>> {
        let _held = self.changes.lock().await;
        refuse(&self.flaws(&mapping).await?)?;
        self.store.create_mapping(&KeptMapping { definition: mapping, verified: true }).await
    }

    /// Replaces a mapping by one of the same kind and key, if it is still at the revision `if_match` names. Mappings that
    /// name it stay right.
    ///
    /// # Errors
    /// As [`Mappings::create`]; `conflict` if another would no longer be right; `not-found`; `stale`.
    pub async fn replace(&self, mapping: Mapping, if_match: Option<i64>) -> Result<Stored<KeptMapping>> {
        let _held = self.changes.lock().await;
        refuse(&self.flaws(&mapping).await?)?;
        self.check_users(&mapping).await?;
        self.store.replace_mapping(&KeptMapping { definition: mapping, verified: true }, if_match).await
    }

    /// Deletes a mapping that no other one names.
    ///
    /// # Errors
    /// `conflict` while others name it; `not-found`; `stale`.
    pub async fn delete(&self, id: &MappingId, if_match: Option<i64>) -> Result<()> {
        let _held = self.changes.lock().await;
        match self.all().await?.iter().find(|mapping| names(mapping, id)) {
            Some(user) => Err(in_use(user, id.as_str())),
            None => self.store.delete_mapping(id, if_match).await,
        }
    }

    /// No mapping is made, changed or deleted, and no connection deleted that one could name, while the answer is held.
    pub async fn hold(&self) -> MutexGuard<'_, ()> {
        self.changes.lock().await
    }

    /// No mapping names a connection, and none will while the answer is held.
    ///
    /// # Errors
    /// `conflict` while one names it.
    pub async fn without(&self, connection: &ConnectionId) -> Result<MutexGuard<'_, ()>> {
        let held = self.changes.lock().await;
        let names =
            |mapping: &&Mapping| connections_used(mapping).iter().any(|used| used.folded() == connection.folded());
        match self.all().await?.iter().find(names) {
            Some(user) => Err(in_use(user, connection.as_str())),
            None => Ok(held),
        }
    }

    /// The entities of a mapping: all, or what changed since.
    ///
    /// # Errors
    /// `not-found`; `invalid-request` if it is no entity mapping; `configuration` if it is no longer right;
    /// `resync-required` if the changes since then are not known.
    pub async fn entities(&self, id: &MappingId, since: Option<&Positions>) -> Result<Lines> {
        let kept = self.store.mapping(id).await?.value.definition;
        let Mapping::Entity(mapping) = &kept else { return Err(other_kind(&kept, "entity")) };
        Lines::entities(mapping, &self.ground(&kept).await?, since).await
    }

    /// The pairs of an association mapping: all, or what changed since.
    ///
    /// # Errors
    /// As [`Mappings::entities`].
    pub async fn associations(&self, id: &MappingId, since: Option<&Positions>) -> Result<Lines> {
        let kept = self.store.mapping(id).await?.value.definition;
        let Mapping::Association(mapping) = &kept else { return Err(other_kind(&kept, "association")) };
        Lines::associations(mapping, &self.ground(&kept).await?, since).await
    }

    /// Whose the accounts of a rule of correlation are: all of them, as who an account belongs to may change though it
    /// does not.
    ///
    /// # Errors
    /// As [`Mappings::entities`].
    pub async fn owners(&self, id: &MappingId) -> Result<Lines> {
        let kept = self.store.mapping(id).await?.value.definition;
        let Mapping::Correlation(rule) = &kept else { return Err(other_kind(&kept, "correlation")) };
        Lines::owners(rule, &self.ground(&kept).await?).await
    }

    /// A resource type, ready to make objects of what the core tells.
    ///
    /// # Errors
    /// `not-found`; `invalid-request` if it is no resource type; `configuration` if it is no longer right.
    pub async fn resource(&self, id: &MappingId) -> Result<Resources> {
        let kept = self.store.mapping(id).await?.value.definition;
        let Mapping::Resource(mapping) = &kept else { return Err(other_kind(&kept, "resource")) };
        let known = self.survey(&kept).await?;
        known.within(&kept, |known| flaws::sound(Resources::compile(mapping, known))).await
    }

    async fn ground(&self, mapping: &Mapping) -> Result<Ground> {
        let (tables, entities) = self.survey(mapping).await?.tables(mapping).await?;
        Ok(Ground { source: Arc::clone(&self.source), tables, entities, folder: self.folder.clone() })
    }

    async fn look_again(&self, connection: Option<&ConnectionId>) -> Result<()> {
        let kept = self.kept().await?;
        let entities = kept.iter().filter_map(|kept| kept.value.definition.clone().into_entity()).collect();
        let mut survey = Survey::new(Arc::clone(&self.source), entities);
        for kept in &kept {
            let definition = &kept.value.definition;
            if connection.is_some_and(|connection| !survey.concerns(definition, connection)) {
                continue;
            }
            let standing = survey.hold(definition).await?;
            if !kept.value.verified {
                if standing.is_verified() {
                    self.store.verify_mapping(kept).await?;
                }
            } else if standing.unknown.is_empty() {
                self.warn(definition.id(), &standing.flaws).await?;
            }
        }
        Ok(())
    }

    async fn warn(&self, id: &MappingId, flaws: &[Flaw]) -> Result<()> {
        let flaws: Vec<(String, String)> = flaws.iter().map(|flaw| (flaw.at.clone(), flaw.message.clone())).collect();
        for (at, message) in self.store.note_mapping_flaws(id, &flaws).await? {
            tracing::warn!(mapping = %id, at, "what a mapping names is gone: {message}");
        }
        Ok(())
    }

    /// What a definition is held against.
    async fn survey(&self, mapping: &Mapping) -> Result<Survey> {
        let entities = self.entities_named(&mappings_used(mapping)).await?;
        Ok(Survey::new(Arc::clone(&self.source), entities))
    }

    /// The entity mappings of these names; all there are, if one is missing, because then the nearest are told.
    async fn entities_named(&self, named: &[&MappingId]) -> Result<Vec<EntityMapping>> {
        let mut found: Vec<EntityMapping> = Vec::new();
        for id in named {
            if found.iter().any(|entity| same(id, &entity.id)) {
                continue;
            }
            let kept = match self.store.mapping(id).await {
                Ok(kept) => kept.value.definition.into_entity(),
                Err(error) if error.kind == ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            };
            let Some(entity) = kept else {
                return Ok(self.all().await?.into_iter().filter_map(Mapping::into_entity).collect());
            };
            found.push(entity);
        }
        Ok(found)
    }

    /// Every definition there is.
    async fn all(&self) -> Result<Vec<Mapping>> {
        Ok(self.kept().await?.into_iter().map(|kept| kept.value.definition).collect())
    }

    async fn kept(&self) -> Result<Vec<Stored<KeptMapping>>> {
        let mut all: Vec<Stored<KeptMapping>> = Vec::new();
        loop {
            let page = self.store.mappings(all.last().map(|kept| kept.value.definition.id()), PAGE).await?;
            let last = page.len() < PAGE as usize;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }
}

fn same(one: &MappingId, other: &MappingId) -> bool {
    one.folded() == other.folded()
}

/// Does a mapping name another?
fn names(mapping: &Mapping, id: &MappingId) -> bool {
    mappings_used(mapping).iter().any(|used| same(used, id))
}

fn in_use(user: &Mapping, what: &str) -> Error {
    let message = format!("the mapping {} names {what}; remove or change that one first", user.id());
    Error::failure(FailureKind::Conflict, message)
}

fn other_kind(mapping: &Mapping, wanted: &str) -> Error {
    let message = format!("the mapping {} is of the kind {}, not {wanted}", mapping.id(), mapping.kind());
    Error::invalid(message).blaming("id")
}
