//! Finding single objects: one scan of the file, however many are looked for.

use crate::columns::{Columns, Texts};
use crate::listing::Layout;
use crate::scanner::Position;
use crate::table::Table;
use crate::{Class, Csv};
use hawser_sdk::{Error, Record, Result};
use std::collections::HashMap;

impl Csv {
    pub(crate) fn look_up(&self, class: &str, uids: &[String], attributes: &[String]) -> Result<Vec<Result<Record>>> {
        let (table, columns) = self.open_class(Class::parse(class)?)?;
        let layout = Layout::new(&columns, &table, attributes)?;
        let mut found = HashMap::with_capacity(uids.len());
        let mut wanted = HashMap::with_capacity(uids.len());
        for uid in uids {
            wanted.extend(table.dialect.encoding.encode(uid).map(|key| (key.into_owned(), uid)));
        }
        let mut scanner = table.scan()?;
        while !wanted.is_empty()
            && let Some(position) = scanner.next()?
        {
            let record = scanner.record();
            let width = record.len() == table.headers.len();
            let Some(uid) = record.get(columns.key).filter(|_| width).and_then(|key| wanted.remove(key)) else {
                continue;
            };
            let row = layout.row(record, &table).and_then(|mut row| {
                row.revision = Some(revision(&Texts::new(record, &table)?.all()?));
                Ok(row)
            });
            found.insert(uid, row.map_err(|reason| unreadable(&table, position, &reason)));
        }
        let answer = |uid: &String| match found.get(uid) {
            Some(row) => row.clone().map(Record::from),
            None => Err(missing(columns.class, uid)),
        };
        Ok(uids.iter().map(answer).collect())
    }
}

/// A row that is going to be changed: where it stands, and its cells as text.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) position: Position,
    pub(crate) cells: Vec<String>,
}

impl Found {
    /// The row with this uid.
    pub(crate) fn by_uid(table: &Table, columns: &Columns, uid: &str) -> Result<Self> {
        let found = Self::first(table, columns.key, uid)?;
        found.ok_or_else(|| missing(columns.class, uid))
    }

    /// A row without values.
    pub(crate) fn empty(table: &Table) -> Self {
        Self { position: Position::default(), cells: vec![String::new(); table.headers.len()] }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cells.iter().all(String::is_empty)
    }

    /// The first row of the table that can be read.
    pub(crate) fn any(table: &Table) -> Result<Option<Self>> {
        let mut scanner = table.scan()?;
        while let Some(position) = scanner.next()? {
            if scanner.record().len() == table.headers.len()
                && let Ok(cells) = Texts::new(scanner.record(), table).and_then(|texts| texts.all())
            {
                return Ok(Some(Self { position, cells }));
            }
        }
        Ok(None)
    }

    /// The first row with this text in a column.
    pub(crate) fn first(table: &Table, column: usize, text: &str) -> Result<Option<Self>> {
        Self::search(table, column, text, 0)
    }

    /// Is there another row with this text in a column, behind the one that was found?
    pub(crate) fn again(&self, table: &Table, column: usize, text: &str) -> Result<bool> {
        Self::search(table, column, text, self.position.end).map(|found| found.is_some())
    }

    fn search(table: &Table, column: usize, text: &str, from: u64) -> Result<Option<Self>> {
        let Some(bytes) = table.dialect.encoding.encode(text).filter(|bytes| !bytes.is_empty()) else {
            return Ok(None);
        };
        let mut scanner = table.scan()?;
        while let Some(position) = scanner.next()? {
            let record = scanner.record();
            let matches = record.len() == table.headers.len() && record.get(column) == Some(&*bytes);
            if matches && position.start >= from {
                let cells = Texts::new(record, table).and_then(|texts| texts.all());
                let cells = cells.map_err(|reason| unreadable(table, position, &reason))?;
                return Ok(Some(Self { position, cells }));
            }
        }
        Ok(None)
    }

    pub(crate) fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    pub(crate) fn set(&mut self, column: usize, text: String) {
        if let Some(cell) = self.cells.get_mut(column) {
            *cell = text;
        }
    }
}

/// The version of a row: a hash (FNV-1a, 64 bits) of all its cells.
pub(crate) fn revision(cells: &[String]) -> String {
    const OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01B3;
    const END_OF_CELL: u8 = 0xFF;
    let bytes = cells.iter().flat_map(|cell| cell.bytes().chain([END_OF_CELL]));
    format!("{:016x}", bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME)))
}

pub(crate) fn missing(class: Class, uid: &str) -> Error {
    Error::unknown_uid(format!("there is no {} with the key `{uid}`", class.name()))
}

fn unreadable(table: &Table, position: Position, reason: &str) -> Error {
    Error::schema_violation(format!("{}, line {} {reason}", table.file, position.line))
}
