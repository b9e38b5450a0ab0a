//! Where a pass can resume: the version of the file, the offset of the next record, and, while the keys ascend, the
//! last key. Anything else is no checkpoint, and the host begins a complete pass.

use crate::seen::{Hashes, Seen};
use crate::table::Table;
use hawser_sdk::{Error, Result};

const MAGIC: &str = "hawser-csv-1";

pub(crate) struct Checkpoint {
    pub(crate) offset: u64,
    pub(crate) line: u64,
    /// The last key if all ascended so far; else the keys up to the offset are to be read again.
    pub(crate) last: Option<Vec<u8>>,
}

impl Checkpoint {
    pub(crate) fn encode(table: &Table, offset: u64, line: u64, seen: &Seen) -> Vec<u8> {
        let (order, last): (_, &[u8]) = match seen {
            Seen::Ascending(last) => ("ascending", last),
            Seen::Hashed(_) => ("any", &[]),
        };
        let Table { file, version, .. } = table;
        let mut bytes = format!("{MAGIC}\n{file}\n{version}\n{offset}\n{line}\n{order}\n").into_bytes();
        bytes.extend_from_slice(last);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8], table: &Table) -> Result<Self> {
        Self::parse(bytes, table).ok_or_else(|| {
            Error::resync_required(format!("{} was changed since the checkpoint; begin a complete pass", table.file))
        })
    }

    fn parse(bytes: &[u8], table: &Table) -> Option<Self> {
        let mut parts = bytes.splitn(7, |byte| *byte == b'\n');
        let mut text = || parts.next().and_then(|part| std::str::from_utf8(part).ok());
        if text()? != MAGIC || text()? != table.file || text()? != table.version {
            return None;
        }
        let (offset, line) = (text()?.parse().ok()?, text()?.parse().ok()?);
        let last = match text()? {
            "ascending" => Some(parts.next()?.to_owned()),
            "any" => None,
            _ => return None,
        };
        // Callers page with these too: a line is a number that the file can have reached.
        let fits = (table.data.0..=table.size).contains(&offset) && (table.data.1..=offset + 1).contains(&line);
        fits.then_some(Self { offset, line, last })
    }

    /// The keys as far as the checkpoint holds them; hashes are empty until they are read again.
    pub(crate) fn seen(self) -> Seen {
        self.last.map_or_else(|| Seen::Hashed(Hashes::default()), Seen::Ascending)
    }
}
