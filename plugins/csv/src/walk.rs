//! A walk over the records of a table that sets aside what is no record of its own: ragged rows, rows without a key,
//! and keys for the second time (the first row wins, whether or not its other cells are readable).

use crate::cells::Cells;
use crate::checkpoint::Checkpoint;
use crate::scanner::{Position, Scanner};
use crate::seen::{Hashes, Met, Seen};
use crate::table::Table;
use hawser_sdk::{Error, Rejected, Result};

/// The longest key, in bytes; it has to fit into a checkpoint.
pub(crate) const MAX_KEY_BYTES: usize = 4096;

/// What joins the parts of a key of several columns.
const KEY_SEPARATOR: u8 = 0x1F;

pub(crate) struct Walk {
    pub(crate) table: Table,
    scanner: Scanner,
    key: Key,
    seen: Seen,
    rows: u64,
}

/// One step of a walk: something made of a record, or a row set aside.
pub(crate) type Step<T> = Result<T, Rejected>;

impl Walk {
    /// Walks over the whole table; the key stands in these columns.
    pub(crate) fn new(table: Table, key: Vec<usize>) -> Result<Self> {
        let scanner = table.scan()?;
        Ok(Self { table, scanner, key: Key::new(key), seen: Seen::new(), rows: 0 })
    }

    /// Walks on from a checkpoint.
    pub(crate) fn resume(table: Table, key: Vec<usize>, checkpoint: &[u8]) -> Result<Self> {
        let from = Checkpoint::decode(checkpoint, &table)?;
        let scanner = table.scan_from(from.offset, from.line)?;
        let (offset, ascending) = (from.offset, from.last.is_some());
        let mut walk = Self { table, scanner, key: Key::new(key), seen: from.seen(), rows: 0 };
        if !ascending {
            walk.seen = walk.read_again(offset)?;
        }
        Ok(walk)
    }

    /// Goes to the next row and says where it stands, as far as its width and its key go; `None` at the end.
    pub(crate) fn step(&mut self) -> Result<Option<Step<Position>>> {
        let Some(position) = self.scanner.next()? else { return Ok(None) };
        self.rows += 1;
        let key = match self.key.of(self.scanner.record(), self.table.headers.len()) {
            Ok(key) => key,
            Err(reason) => return Ok(Some(Err(self.aside(position, &reason)))),
        };
        let met = match self.seen.meet(key) {
            Met::OutOfOrder => {
                self.seen = self.read_again(position.start)?;
                self.seen.meet(self.key.last())
            }
            met => met,
        };
        Ok(Some(match met {
            Met::New => Ok(position),
            _ => Err(self.aside(position, "has a key that an earlier line has; the first one counts")),
        }))
    }

    /// The row `step` went to.
    pub(crate) fn record(&self) -> &Cells {
        self.scanner.record()
    }

    /// Sets the current row aside for a reason that continues "line 7 ...".
    pub(crate) fn aside(&self, position: Position, reason: &str) -> Rejected {
        let line = position.line;
        let key = match self.key.shown(self.record(), &self.table) {
            key if key.is_empty() => format!("line {line}"),
            key => key,
        };
        let reason = Error::schema_violation(format!("{}, line {line} {reason}", self.table.file));
        Rejected::new(key, reason)
    }

    pub(crate) fn checkpoint(&self) -> Vec<u8> {
        Checkpoint::encode(&self.table, self.scanner.offset(), self.scanner.line(), &self.seen)
    }

    /// How many rows the file has, judging by those so far.
    pub(crate) fn estimate(&self) -> Option<u64> {
        let (start, _) = self.table.data;
        let read = self.scanner.offset().checked_sub(start).filter(|read| *read > 0)?;
        // In 128 bits, because rows times bytes leaves 64 for large files.
        let rows = u128::from(self.rows) * u128::from(self.table.size - start) / u128::from(read);
        u64::try_from(rows).ok()
    }

    fn read_again(&self, end: u64) -> Result<Seen> {
        let mut hashes = Hashes::default();
        let mut key = Key::new(self.key.columns.clone());
        let mut scanner = self.table.scan()?;
        while scanner.offset() < end && scanner.next()?.is_some() {
            if let Ok(key) = key.of(scanner.record(), self.table.headers.len()) {
                hashes.insert(key);
            }
        }
        Ok(Seen::Hashed(hashes))
    }
}

/// Reads the key of a row.
struct Key {
    columns: Vec<usize>,
    bytes: Vec<u8>,
}

impl Key {
    fn new(columns: Vec<usize>) -> Self {
        Self { columns, bytes: Vec::new() }
    }

    /// The key, or why the row has none.
    fn of(&mut self, record: &Cells, width: usize) -> Result<&[u8], String> {
        if record.len() != width {
            return Err(format!("has {} cells, the header has {width}", record.len()));
        }
        self.bytes.clear();
        for (n, column) in self.columns.iter().enumerate() {
            let cell = record.get(*column).unwrap_or_default();
            if cell.is_empty() {
                return Err("has no key".to_owned());
            }
            if n > 0 {
                self.bytes.push(KEY_SEPARATOR);
            }
            self.bytes.extend_from_slice(cell);
        }
        if self.bytes.len() > MAX_KEY_BYTES {
            return Err(format!("has a key of more than {MAX_KEY_BYTES} bytes"));
        }
        Ok(&self.bytes)
    }

    /// The key `of` read last.
    fn last(&self) -> &[u8] {
        &self.bytes
    }

    /// The key for people, as far as there is one.
    fn shown(&self, record: &Cells, table: &Table) -> String {
        let cells = self.columns.iter().filter_map(|column| record.get(*column));
        let texts: Vec<_> = cells
            .filter(|cell| !cell.is_empty() && cell.len() <= MAX_KEY_BYTES)
            .map(|cell| table.dialect.encoding.decode(cell).unwrap_or_else(|| String::from_utf8_lossy(cell)))
            .collect();
        texts.join(" ")
    }
}
