//! Connection tables: what imports have published, as rows and columns for files and mappings.
//!
//! A table is a view and never a copy: its columns come from the manifest and the schema, so it is known before the
//! first import, and its rows are made from the published run while they are read (decision 0020). A reading
//! shows one run from beginning to end, whatever is published meanwhile, and says where to go on from.
//!
//! Invariant: a cell that was not read is never shown as a value that is gone: it is named in the row's `:unread`, and
//! an incremental reading says `merge`.

mod aside;
mod batch;
mod csv;
mod decode;
mod download;
mod ndjson;
mod output;
mod parquet;
mod place;
mod reading;
mod slots;
mod view;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

pub use batch::Batch;
pub use download::{Download, Format};
pub use output::{Begun, Writing};
pub use place::{Place, Places};
pub use reading::Reading;
pub use view::{COMMAND, View};

use crate::connections::{Connections, Described, NO_SCHEMA};
use crate::model::{
    ClassInfo, ConnectionId, Error, Export, Matching, Position, Result, Schema, TableEntry, TableName, TableSuffix,
};
use crate::store::{RunPart, SetAside, Snapshot, SnapshotPart, Store};
use view::Source;

/// The tables of the host's connections. Cheap to clone.
#[derive(Clone)]
pub struct Tables {
    store: Store,
    connections: Connections,
    unresolved: Arc<Mutex<Unresolved>>,
}

/// Links that no row shows, of the run that they were counted in.
type Unresolved = HashMap<(String, RunPart), (i64, u64)>;

/// The tables of a connection.
#[derive(Debug)]
pub struct Listing {
    /// Why there is less to see than there might be.
    pub notice: Option<String>,
    /// The run the counts are of; none before the first import.
    pub run: Option<i64>,
    /// Everything up to here is counted.
    pub position: Position,
    pub tables: Vec<Counted>,
}

/// What is known of a connection's tables without looking into them.
#[derive(Debug)]
pub struct Outline {
    pub views: Vec<View>,
    /// What they are made of; none before the first refresh, and where there is no schema at all.
    pub schema: Option<Schema>,
    /// There is a schema, and it was never read.
    pub unread: bool,
}

/// A table, and how much is in it.
#[derive(Debug)]
pub struct Counted {
    pub view: Arc<View>,
    /// None before the first import, and where all objects would have to be read to count them.
    pub rows: Option<u64>,
    /// Records that are not in it, in the same cases.
    pub set_aside: Option<u64>,
}

impl Tables {
    /// Tables over what imports of these connections have published.
    pub fn new(store: Store, connections: Connections) -> Self {
        Self { store, connections, unresolved: Arc::default() }
    }

    /// The tables of a connection, with what is in them.
    ///
    /// # Errors
    /// `not-found`; `configuration` if its connector is not loaded.
    pub async fn list(&self, id: &ConnectionId) -> Result<Listing> {
        let described = self.connections.describe(id).await?;
        let snapshot = self.store.snapshot(id).await?;
        let mut tables = Vec::new();
        for view in views(&described) {
            let view = Arc::new(view);
            let (rows, set_aside) = match &snapshot {
                Some(snapshot) => self.count(&view, snapshot).await?,
                None => (None, None),
            };
            tables.push(Counted { view, rows, set_aside });
        }
        Ok(Listing {
            notice: notice(&described),
            run: snapshot.as_ref().map(Snapshot::run),
            position: snapshot.as_ref().map_or(Position::default(), |snapshot| snapshot.position),
            tables,
        })
    }

    /// The tables of a connection, without what is in them.
    ///
    /// # Errors
    /// As [`Self::list`].
    pub async fn outline(&self, id: &ConnectionId) -> Result<Outline> {
        let described = self.connections.describe(id).await?;
        let read = described.schema.refreshed.is_some();
        let unread = !read && described.release.manifest.exports.contains(&Export::Schema);
        let views = views(&described);
        Ok(Outline { views, schema: read.then_some(described.schema.schema), unread })
    }

    /// One table.
    ///
    /// # Errors
    /// As [`Self::list`]; `not-found`, naming the tables there are.
    pub async fn table(&self, id: &ConnectionId, suffix: Option<&TableSuffix>) -> Result<Counted> {
        let view = find(&self.connections.describe(id).await?, id, suffix)?;
        let (rows, set_aside) = match self.store.snapshot(id).await? {
            Some(snapshot) => self.count(&view, &snapshot).await?,
            None => (None, None),
        };
        Ok(Counted { view, rows, set_aside })
    }

    /// Begins to read a table: all of it, or with `since` what changed after that position.
    ///
    /// # Errors
    /// As [`Self::table`]; `resync-required` if the changes since then are not known.
    pub async fn open(&self, name: &TableName, since: Option<Position>) -> Result<Reading> {
        let described = self.connections.describe(&name.connection).await?;
        let view = find(&described, &name.connection, name.suffix.as_ref())?;
        let folding = described.schema.schema.0.iter().filter(|class| class.name_matching != Matching::Exact);
        let folding: HashSet<String> = folding.map(|class| class.name.clone()).collect();
        let snapshot = self.store.snapshot(&name.connection).await?;
        Reading::new(view, snapshot, since, folding).await
    }

    /// Begins to read what is set aside of a table: first what the import set aside, then what points astray.
    ///
    /// # Errors
    /// As [`Self::table`].
    pub async fn set_aside(&self, name: &TableName) -> Result<Aside> {
        let snapshot = self.store.snapshot(&name.connection).await?;
        Ok(Aside { reading: self.open(name, None).await?, snapshot, rejected: Some(0) })
    }

    /// Rows of a table, and what is set aside of it, as far as that is known without reading all objects.
    async fn count(&self, view: &View, snapshot: &Snapshot) -> Result<(Option<u64>, Option<u64>)> {
        let rejected = snapshot.rejected_counts().await?;
        let (mut rows, mut aside, mut known) = (0, 0, true);
        for part in snapshot.parts.iter().filter(|part| aside::feeds(view, &part.part)) {
            let unresolved = match &part.part.attribute {
                Some(_) => self.unresolved(view, snapshot, part).await?,
                None => 0,
            };
            rows += part.rows.saturating_sub(unresolved);
            aside += unresolved + rejected.get(&part.part).copied().unwrap_or_default();
        }
        if let Source::Links { relations, .. } = &view.source {
            known = relations.iter().all(|of| of.large);
        }
        Ok((known.then_some(rows), known.then_some(aside)))
    }

    /// Counting looks at every link, so it is done once a run.
    async fn unresolved(&self, view: &View, snapshot: &Snapshot, part: &SnapshotPart) -> Result<u64> {
        let key = (view.name.connection.folded(), part.part.clone());
        let counted = self.unresolved.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied();
        if let Some((_, count)) = counted.filter(|(run, _)| *run == snapshot.run()) {
            return Ok(count);
        }
        let count = snapshot.unresolved(part).await?;
        let mut unresolved = self.unresolved.lock().unwrap_or_else(PoisonError::into_inner);
        unresolved.insert(key, (snapshot.run(), count));
        Ok(count)
    }
}

/// What is set aside of a table, on its way to its reader.
pub struct Aside {
    reading: Reading,
    snapshot: Option<Snapshot>,
    /// The last record of the import that was read; none once those are through.
    rejected: Option<i64>,
}

impl Aside {
    /// The next records; none at the end.
    ///
    /// # Errors
    /// Those of [`Reading::next`].
    pub async fn next(&mut self) -> Result<Option<Vec<SetAside>>> {
        if let Some((after, snapshot)) = self.rejected.take().zip(self.snapshot.as_ref()) {
            let found = snapshot.rejected(after).await?;
            if let Some(last) = found.last() {
                self.rejected = Some(last.position);
                let view = Arc::clone(self.reading.view());
                let ours = found.into_iter().filter(|row| aside::feeds(&view, &row.part)).map(|row| row.record);
                return Ok(Some(ours.collect()));
            }
        }
        let Some(batch) = self.reading.next().await? else { return Ok(None) };
        let mut records = Vec::new();
        batch.entries(&mut |entry| {
            if let TableEntry::Stray(link) = entry {
                records.push(aside::stray(&link));
            }
            Ok(())
        })?;
        Ok(Some(records))
    }
}

/// The tables of a connection: those of its schema, or before there is one those of its manifest's classes.
fn views(described: &Described) -> Vec<View> {
    let manifest = &described.release.manifest;
    let schema = &described.schema.schema;
    let known = || {
        Schema(
            manifest
                .classes
                .iter()
                .map(|class| ClassInfo::bare(class.name.as_str(), &class.title, class.kind))
                .collect(),
        )
    };
    if described.schema.refreshed.is_some() {
        return view::views(&described.connection.id, &manifest.tables, schema);
    }
    view::views(&described.connection.id, &manifest.tables, &known())
}

fn find(described: &Described, id: &ConnectionId, suffix: Option<&TableSuffix>) -> Result<Arc<View>> {
    let views = views(described);
    let wanted = suffix.map(TableSuffix::folded);
    let names: Vec<String> = views.iter().map(|view| view.name.to_string()).collect();
    let found = views.into_iter().find(|view| view.name.suffix.as_ref().map(TableSuffix::folded) == wanted);
    found.map(Arc::new).ok_or_else(|| {
        let asked = TableName { connection: id.clone(), suffix: suffix.cloned() };
        let names = names.join(", ");
        Error::not_found(format!("there is no table {asked}; the connection has [{names}]")).blaming("suffix")
    })
}

fn notice(described: &Described) -> Option<String> {
    if described.schema.refreshed.is_some() {
        return None;
    }
    if !described.release.manifest.exports.contains(&Export::Schema) {
        return Some(NO_SCHEMA.to_owned());
    }
    let id = &described.connection.id;
    Some(format!("the schema of {id} was never read; refresh it to see all tables and their columns"))
}
