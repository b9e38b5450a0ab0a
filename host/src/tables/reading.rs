//! Reading a table: batches of rows, one after the other, of one snapshot.
//!
//! A batch holds the text its rows borrow from; they are made one at a time, in the same row of cells. Memory is
//! bounded by one batch. Read since a position, each row says what to do with it, once for all that happened since.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::batch::{Batch, Marks};
use super::decode;
use super::slots::Slots;
use super::view::{LinkSource, ObjectSource, Source, View};
use crate::model::{Position, Result, TableColumn};
use crate::store::{Block, BlockCursor, Named, SinceCursor, Snapshot, SnapshotPart, unknown_since};

/// A table that is being read.
pub struct Reading {
    view: Arc<View>,
    /// None before the first import.
    snapshot: Option<Snapshot>,
    since: Option<Position>,
    /// Classes whose names are compared without regard to case.
    folding: HashSet<String>,
    /// The source whose rows come next.
    source: usize,
    place: Option<Place>,
}

/// Where in a source the next batch begins.
enum Place {
    Whole(BlockCursor),
    Since(SinceCursor),
}

impl Reading {
    /// The rows of a table as of a snapshot; with `since` what changed after that position.
    ///
    /// # Errors
    /// `resync-required` if the changes since then are not known.
    pub(super) async fn new(
        view: Arc<View>,
        snapshot: Option<Snapshot>,
        since: Option<Position>,
        folding: HashSet<String>,
    ) -> Result<Self> {
        if let Some(since) = since.filter(|since| *since > Position::default()) {
            let snapshot = snapshot.as_ref().ok_or_else(|| unknown_since(since))?;
            snapshot.since(since).await?;
        }
        Ok(Self { view, snapshot, since, folding, source: 0, place: None })
    }

    /// The table.
    pub fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Do rows say what to do with them?
    pub fn is_incremental(&self) -> bool {
        self.since.is_some()
    }

    /// After which position, if its rows say what to do with them.
    pub(super) fn since(&self) -> Option<Position> {
        self.since
    }

    /// Everything up to here is told once it is read to the end, and nothing after it: where to go on from.
    pub fn position(&self) -> Position {
        self.snapshot.as_ref().map_or(Position::default(), |snapshot| snapshot.position)
    }

    /// The run it shows; none before the first import.
    pub fn run(&self) -> Option<i64> {
        self.snapshot.as_ref().map(Snapshot::run)
    }

    /// The next rows; none at the end.
    ///
    /// # Errors
    /// `resync-required` if it was read for so long that it is no longer kept.
    pub async fn next(&mut self) -> Result<Option<Batch>> {
        let Some(snapshot) = &self.snapshot else { return Ok(None) };
        let view = Arc::clone(&self.view);
        loop {
            let (part, reads) = match source(&view.source, self.source) {
                None => return Ok(None),
                Some(Reads::Objects(of)) => (snapshot.part(&of.class, None), Reads::Objects(of)),
                Some(Reads::Links(of)) => {
                    (snapshot.part(&of.class, of.large.then_some(of.attribute.as_str())), Reads::Links(of))
                }
            };
            let Some(part) = part else {
                self.source += 1;
                continue;
            };
            let place = match self.place.take() {
                Some(place) => place,
                None => begin(snapshot, self.since).await?,
            };
            let (block, marks, next) = read(snapshot, part, &reads, &place, self.since).await?;
            let named = named(snapshot, &reads, &block, &self.folding).await?;
            let batch = Batch::new(Arc::clone(&view), self.source, block, marks, named);
            self.place = next;
            if self.place.is_none() {
                self.source += 1;
            }
            if !batch.is_empty() {
                return Ok(Some(batch));
            }
        }
    }

    /// The columns of its rows.
    pub fn columns(&self) -> &[TableColumn] {
        &self.view.columns
    }
}

enum Reads<'a> {
    Objects(&'a ObjectSource),
    Links(&'a LinkSource),
}

fn source(source: &Source, at: usize) -> Option<Reads<'_>> {
    match source {
        Source::Objects { classes, .. } => classes.get(at).map(Reads::Objects),
        Source::Links { relations, .. } => relations.get(at).map(Reads::Links),
    }
}

/// From the very beginning, everything that is there is new.
async fn begin(snapshot: &Snapshot, since: Option<Position>) -> Result<Place> {
    match since.filter(|since| since.0 > 0) {
        None => Ok(Place::Whole(BlockCursor::default())),
        Some(since) => snapshot.since(since).await.map(Place::Since),
    }
}

async fn read(
    snapshot: &Snapshot,
    part: &SnapshotPart,
    reads: &Reads<'_>,
    place: &Place,
    since: Option<Position>,
) -> Result<(Block, Marks, Option<Place>)> {
    let relation = matches!(reads, Reads::Links(of) if of.large);
    match place {
        Place::Whole(cursor) => {
            let (block, next) = match reads {
                Reads::Links(of) if of.large => snapshot.links(part, !of.slots.is_empty(), cursor).await?,
                _ => snapshot.objects(part, cursor).await?,
            };
            let marks = if since.is_some() { Marks::Fresh } else { Marks::Complete };
            Ok((block, marks, next.map(Place::Whole)))
        }
        Place::Since(cursor) if relation => {
            let (changed, next) = snapshot.changed_links(part, cursor).await?;
            let block = snapshot.links_of(part, &changed).await?;
            Ok((block, Marks::Links(changed), next.map(Place::Since)))
        }
        Place::Since(cursor) => {
            let (changed, next) = snapshot.changed_objects(part, cursor).await?;
            let uids: Vec<&str> = changed.iter().map(|(uid, _)| uid.as_str()).collect();
            let block = snapshot.objects_of(part, &uids).await?;
            Ok((block, Marks::Objects(changed), next.map(Place::Since)))
        }
    }
}

/// What the names stand for that references in a block of objects point with.
async fn named(snapshot: &Snapshot, reads: &Reads<'_>, block: &Block, folding: &HashSet<String>) -> Result<Named> {
    let mut names: HashSet<Cow<'_, str>> = HashSet::new();
    match reads {
        Reads::Objects(ObjectSource { slots, .. }) if slots.refer => names_in(block, slots, &mut names)?,
        Reads::Links(of) if !of.large => {
            for row in block.rows() {
                let [.., body] = row?;
                let pointers = decode::pointers(body, &of.attribute)?.unwrap_or_default();
                names.extend(pointers.into_iter().filter_map(decode::Pointer::into_name));
            }
        }
        _ => {}
    }
    if names.is_empty() {
        return Ok(Named::default());
    }
    let folding = folding.iter().map(String::as_str).collect();
    snapshot.named(&names.iter().map(AsRef::as_ref).collect(), &folding).await
}

fn names_in<'a>(block: &'a Block, slots: &Slots, names: &mut HashSet<Cow<'a, str>>) -> Result<()> {
    for row in block.rows() {
        let [.., body] = row?;
        decode::names(body, slots, names)?;
    }
    Ok(())
}
