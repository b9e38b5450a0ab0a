//! Mappings: which rows of connection tables are entities of which type, how entities belong together, what a core's
//! properties become in a target, which account is whose.
//!
//! A definition (`model::Mapping`) is compiled once: held within [`limits`], its columns found in the tables, its types
//! held against theirs; all that is wrong is told at once, with the nearest names. Then it runs over rows without end.
//! Nothing here reads a store: rows come through a seam ([`source`]), verdicts and lines go out, so that all of it is tested
//! with rows made by hand.
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
#[cfg(test)]
mod tests;
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
pub use uses::{AttributeUse, ColumnUse, attributes_used, columns_used, connections_used, mappings_used};

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard};

use crate::model::{
    ConnectionId, EntityMapping, Error, ErrorKind, FailureKind, KeptMapping, Mapping, MappingId, Result, Schema, Stored,
};
use crate::store::Store;

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

/// What a definition is held against.
#[derive(Default)]
struct Surroundings {
    tables: Vec<Table>,
    entities: Vec<EntityMapping>,
    schema: Option<Schema>,
    flaws: Vec<Flaw>,
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
        let mut around = self.surroundings(mapping).await?;
        if around.flaws.is_empty() {
            return Ok(check(mapping, Some(&around.known())));
        }
        // Where a connection is missing, its names would all be; the rest is told nevertheless.
        around.flaws.extend(check(mapping, None));
        Ok(around.flaws)
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
    /// `not-found`; `invalid-request` if it is no entity mapping or no longer right; `resync-required` if the changes
    /// since then are not known.
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
    /// `not-found`; `invalid-request` if it is no resource type or no longer right.
    pub async fn resource(&self, id: &MappingId) -> Result<Resources> {
        let kept = self.store.mapping(id).await?.value.definition;
        let Mapping::Resource(mapping) = &kept else { return Err(other_kind(&kept, "resource")) };
        let around = self.surroundings(&kept).await?;
        refuse(&around.flaws)?;
        flaws::sound(Resources::compile(mapping, &around.known()))
    }

    async fn ground(&self, mapping: &Mapping) -> Result<Ground> {
        let Surroundings { tables, entities, flaws, .. } = self.surroundings(mapping).await?;
        refuse(&flaws)?;
        Ok(Ground { source: Arc::clone(&self.source), tables, entities, folder: self.folder.clone() })
    }

    /// Everything that a definition and the mappings it names can name.
    async fn surroundings(&self, mapping: &Mapping) -> Result<Surroundings> {
        let mut around = Surroundings::default();
        let mut connections = connections_used(mapping);
        around.entities = self.entities_named(&mappings_used(mapping)).await?;
        let used = around.entities.iter().filter(|entity| names(mapping, &entity.id));
        connections.extend(used.flat_map(|entity| uses::connections_of(entity).cloned()));
        connections.sort_unstable_by_key(ConnectionId::folded);
        connections.dedup_by_key(|connection| connection.folded());
        for connection in connections {
            self.describe(&connection, &mut around).await?;
        }
        Ok(around)
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

    /// The mappings that name this one are not less right with it than they are now.
    async fn check_users(&self, new: &Mapping) -> Result<()> {
        let Mapping::Entity(entity) = new else { return Ok(()) };
        for user in self.all().await?.iter().filter(|user| names(user, &entity.id)) {
            let mut around = self.surroundings(user).await?;
            let before = check(user, Some(&around.known()));
            for known in around.entities.iter_mut().filter(|known| same(&known.id, &entity.id)) {
                known.clone_from(entity);
            }
            let after = check(user, Some(&around.known())).into_iter().find(|flaw| !before.contains(flaw));
            if let Some(Flaw { at, message, .. }) = after {
                let message = format!("the mapping {} would not be right any more: {at}: {message}", user.id());
                return Err(Error::failure(FailureKind::Conflict, message));
            }
        }
        Ok(())
    }

    async fn describe(&self, connection: &ConnectionId, around: &mut Surroundings) -> Result<()> {
        let missing = |message: String| Flaw { at: "connection".to_owned(), message, nearest: Vec::new() };
        match self.source.describe(connection).await {
            Ok(described) if described.unread => {
                let message = format!(
                    "the schema of {connection} was never read, so there is no table to choose; refresh it first"
                );
                around.flaws.push(missing(message));
            }
            Ok(described) => {
                around.tables.extend(described.tables);
                around.schema = described.schema;
            }
            Err(error) if error.kind == ErrorKind::NotFound => around.flaws.push(missing(error.message)),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Every definition there is.
    async fn all(&self) -> Result<Vec<Mapping>> {
        let mut all: Vec<Mapping> = Vec::new();
        loop {
            let page = self.store.mappings(all.last().map(Mapping::id), PAGE).await?;
            let last = page.len() < PAGE as usize;
            all.extend(page.into_iter().map(|kept| kept.value.definition));
            if last {
                return Ok(all);
            }
        }
    }
}

impl Surroundings {
    fn known(&self) -> Known<'_> {
        Known { tables: &self.tables, entities: &self.entities, schema: self.schema.as_ref() }
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
