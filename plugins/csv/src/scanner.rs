//! Goes through the records of a file and knows where each one stands, so that a listing can resume and a change can
//! replace exactly one of them.
//!
//! A quote that is never closed would swallow the rest of the file into one cell, and a pass over what is left would
//! look complete. It is an error of the whole file instead, as is a file that changed its size while it was read.

use crate::dialect::Dialect;
use csv::ByteRecord;
use hawser_sdk::files::{CHUNK_BYTES, Reader};
use hawser_sdk::{Error, Result};
use std::io::{self, Read, Seek, SeekFrom};

/// The longest record, in bytes. A longer one is a quote that nobody closed.
pub(crate) const MAX_RECORD_BYTES: usize = 1 << 20;

/// Where a record stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Offset of its first byte in the file; line breaks before it may be included.
    pub(crate) start: u64,
    /// Offset behind it; of a line break of two bytes, the second may not be included.
    pub(crate) end: u64,
    /// Its line, counted from 1.
    pub(crate) line: u64,
}

pub(crate) struct Scanner {
    reader: csv::Reader<Metered>,
    dialect: Dialect,
    record: ByteRecord,
    position: Position,
    /// What the inner reader calls byte 0 and line 1.
    base: Position,
    size: u64,
}

impl Scanner {
    /// Scans from an offset on, which is the beginning of a record on this line.
    pub(crate) fn new(mut file: Reader, dialect: Dialect, offset: u64, line: u64) -> Result<Self> {
        file.seek(SeekFrom::Start(offset))?;
        let size = file.info().size;
        let base = Position { start: offset, end: offset, line };
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(dialect.delimiter)
            .buffer_capacity(CHUNK_BYTES)
            .from_reader(Metered { file, read: offset, allowed: u64::MAX });
        Ok(Self { reader, dialect, record: ByteRecord::new(), position: base, base, size })
    }

    /// Goes to the next record; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Position>> {
        let meter = self.reader.get_mut();
        meter.allowed = meter.read + (MAX_RECORD_BYTES + CHUNK_BYTES) as u64;
        let (start, line) = (self.offset(), self.line());
        if !self.reader.read_byte_record(&mut self.record).map_err(|error| problem(error, line))? {
            self.finish()?;
            return Ok(None);
        }
        self.position = Position { start, end: self.offset(), line };
        Ok(Some(self.position))
    }

    /// The record `next` went to.
    pub(crate) fn record(&self) -> &ByteRecord {
        &self.record
    }

    /// The offset the next record begins at.
    pub(crate) fn offset(&self) -> u64 {
        self.base.start + self.reader.position().byte()
    }

    /// The line the next record begins on; blank lines before it may be missing from the count.
    pub(crate) fn line(&self) -> u64 {
        let passed = self.reader.position();
        let breaks = match self.dialect.newline {
            "\r" => passed.record(),
            // The scanner stops between the two bytes and counts the second one: it lacks one break, unless it began
            // at such a place itself.
            "\r\n" if self.base.start == self.dialect.start && passed.byte() > 0 => passed.line(),
            _ => passed.line() - 1,
        };
        self.base.line + breaks
    }

    fn finish(&mut self) -> Result<()> {
        let Position { start, line, .. } = self.position;
        let meter = self.reader.get_mut();
        if meter.read != self.size {
            return Err(Error::resync_required("the file was changed while it was read"));
        }
        meter.allowed = u64::MAX;
        meter.file.seek(SeekFrom::Start(start))?;
        let mut last = Vec::new();
        meter.file.by_ref().take(MAX_RECORD_BYTES as u64).read_to_end(&mut last)?;
        if ends_in_quotes(&last, self.dialect.delimiter) { Err(unclosed(line)) } else { Ok(()) }
    }
}

/// Counts what a record takes from the file.
struct Metered {
    file: Reader,
    read: u64,
    allowed: u64,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read > self.allowed {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let read = self.file.read(buffer)?;
        self.read += read as u64;
        Ok(read)
    }
}

fn problem(error: csv::Error, line: u64) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => unclosed(line),
        csv::ErrorKind::Io(error) => error.into(),
        other => Error::schema_violation(format!("line {line}: {other:?}")),
    }
}

fn unclosed(line: u64) -> Error {
    Error::schema_violation(format!(
        "a quote opened on line {line} or soon after it is never closed, so the rest of the file cannot be read; \
         close it, or double it if it is part of the cell"
    ))
}

/// Would a record that goes on here still be inside of quotes?
fn ends_in_quotes(record: &[u8], delimiter: u8) -> bool {
    #[derive(PartialEq)]
    enum At {
        CellStart,
        Plain,
        Quoted,
        QuoteInQuoted,
    }
    let end = record.iter().fold(At::CellStart, |at, byte| match (at, *byte) {
        (At::CellStart, b'"') | (At::QuoteInQuoted, b'"') => At::Quoted,
        (At::Quoted, b'"') => At::QuoteInQuoted,
        (At::Quoted, _) => At::Quoted,
        (_, b'\n' | b'\r') => At::CellStart,
        (_, byte) if byte == delimiter => At::CellStart,
        _ => At::Plain,
    });
    end == At::Quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_quote_that_opens_a_cell_has_to_be_closed() {
        assert!(ends_in_quotes(b"1,\"ada", b','));
        assert!(ends_in_quotes(b"1,\"ada\"\" x", b','));
        assert!(!ends_in_quotes(b"1,5\" pipe", b','));
        assert!(!ends_in_quotes(b"1,\"say \"\"hi\"\"\"\r\n", b','));
    }
}
