//! Where rows come from: what this room needs of connection tables.
//!
//! A seam with one shape on both sides: tests read rows made by hand, the host reads what imports have published.

use std::pin::Pin;

use super::check::Table;
use crate::model::{ConnectionId, Position, Result, Schema, TableEntry, TableName};

/// A future in a box, which ends with a result.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// A connection as mappings see it.
#[derive(Clone, Debug, Default)]
pub struct Described {
    pub tables: Vec<Table>,
    /// None: its connector has no schema to read.
    pub schema: Option<Schema>,
    /// It has one to read, and it was never read.
    pub unread: bool,
}

/// The tables of all connections.
pub trait TableSource: Send + Sync {
    /// What is known of a connection.
    ///
    /// # Errors
    /// `not-found` if there is no such connection.
    fn describe<'a>(&'a self, connection: &'a ConnectionId) -> Later<'a, Described>;

    /// Begins to read a table: all of it, or what changed after a position.
    ///
    /// # Errors
    /// `not-found` if there is no such table; `resync-required` if the changes since then are not known.
    fn open<'a>(&'a self, table: &'a TableName, since: Option<Position>) -> Later<'a, Box<dyn TableReading>>;
}

/// A table that is being read, of one snapshot.
pub trait TableReading: Send {
    /// Everything up to here is told once it is read to the end, and nothing after it.
    fn position(&self) -> Position;

    /// The next rows; none at the end.
    ///
    /// # Errors
    /// `resync-required` if it was read for so long that it is no longer kept.
    fn next(&mut self) -> Later<'_, Option<Box<dyn TableBatch>>>;
}

/// Some rows.
pub trait TableBatch: Send {
    /// Hands over each row, and each link that is none.
    ///
    /// # Errors
    /// Those of `take`, which end it.
    fn each(&self, take: &mut dyn FnMut(TableEntry<'_>) -> Result<()>) -> Result<()>;
}
