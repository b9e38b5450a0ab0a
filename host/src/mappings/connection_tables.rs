//! The connection tables as mappings read them.

use super::check::Table;
use super::source::{Described, Later, TableBatch, TableReading, TableSource};
use crate::model::{ConnectionId, Position, Result, TableEntry, TableName};
use crate::tables::{Batch, Reading, Tables};

impl TableSource for Tables {
    fn describe<'a>(&'a self, connection: &'a ConnectionId) -> Later<'a, Described> {
        Box::pin(async move {
            let outline = self.outline(connection).await?;
            let tables = outline.views.into_iter().map(|view| Table { name: view.name, columns: view.columns });
            Ok(Described { tables: tables.collect(), unread: outline.unread, schema: outline.schema })
        })
    }

    fn open<'a>(&'a self, table: &'a TableName, since: Option<Position>) -> Later<'a, Box<dyn TableReading>> {
        Box::pin(async move { Ok(Box::new(self.open(table, since).await?) as Box<dyn TableReading>) })
    }
}

impl TableReading for Reading {
    fn position(&self) -> Position {
        Self::position(self)
    }

    fn next(&mut self) -> Later<'_, Option<Box<dyn TableBatch>>> {
        Box::pin(async move { Ok(Self::next(self).await?.map(|batch| Box::new(batch) as Box<dyn TableBatch>)) })
    }
}

impl TableBatch for Batch {
    fn each(&self, take: &mut dyn FnMut(TableEntry<'_>) -> Result<()>) -> Result<()> {
        self.entries(take)
    }
}
