//! Writing a run's changes down, in chunks; they become visible when the run is published.

use super::Store;
use super::fault::fault;
use super::links::Link;
use super::numbers::{CHUNK, stored, stored_u64};
use super::staging::insert_bulk;
use crate::model::{ChangeKind, Counts, Result};

/// One row of the table of changes. Bodies are not copied: an object's change is read from the run's own row.
pub(super) struct NewChange {
    kind: ChangeKind,
    subject: String,
    name: Option<String>,
    target: Option<String>,
    target_class: Option<String>,
    parameters: Option<String>,
}

/// How far writing has come.
pub(super) struct Writing {
    run: i64,
    pub(super) written: i64,
    pub(super) counts: Counts,
}

impl NewChange {
    /// Of an object; its name is kept with the change only when the object is gone.
    pub(super) fn object(kind: ChangeKind, uid: String, name: Option<String>) -> Self {
        Self { kind, subject: uid, name, target: None, target_class: None, parameters: None }
    }

    /// Of a link, which is kept whole with the change.
    pub(super) fn link(kind: ChangeKind, (owner, target, class, parameters): Link) -> Self {
        let (target, target_class, parameters) = (Some(target), Some(class), Some(parameters));
        Self { kind, subject: owner, name: None, target, target_class, parameters }
    }
}

impl Writing {
    /// Nothing is written yet.
    pub(super) fn new(run: i64) -> Self {
        Self { run, written: 0, counts: Counts::default() }
    }

    /// So many changes were written.
    pub(super) fn count_many(&mut self, kind: ChangeKind, changes: u64) {
        self.written = self.written.saturating_add(stored_u64(changes));
        match kind {
            ChangeKind::Insert => self.counts.inserted += changes,
            ChangeKind::Update => self.counts.updated += changes,
            ChangeKind::Delete => self.counts.deleted += changes,
            ChangeKind::LinkAdded => self.counts.links_added += changes,
            ChangeKind::LinkRemoved => self.counts.links_removed += changes,
        }
    }
}

impl Store {
    /// Writes one chunk of changes and answers whether it was the last.
    pub(super) async fn write_changes(
        &self,
        part: i64,
        changes: Vec<NewChange>,
        writing: &mut Writing,
    ) -> Result<bool> {
        let numbered: Vec<(i64, &NewChange)> = (writing.written.saturating_add(1)..).zip(&changes).collect();
        let insert = "INSERT INTO change (run, seq, kind, part, subject, name, target, target_class, parameters)";
        let mut tx = self.database.write().await?;
        insert_bulk(&mut tx, insert, "(?,?,?,?,?,?,?,?,?)", &numbered, |(seq, change), query| {
            let query = query.bind(writing.run).bind(*seq).bind(change.kind.as_str()).bind(part);
            let query = query.bind(change.subject.clone()).bind(change.name.clone()).bind(change.target.clone());
            query.bind(change.target_class.clone()).bind(change.parameters.clone())
        })
        .await?;
        tx.commit().await.map_err(fault)?;
        changes.iter().for_each(|change| writing.count_many(change.kind, 1));
        Ok(stored(changes.len()) < stored(CHUNK))
    }
}
