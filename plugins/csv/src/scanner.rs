//! Goes through the records of a file and knows where each one stands, so that a listing can resume and a change can
//! replace exactly one of them.
//!
//! A line without quotes, as most are, is split at its delimiters; every other one goes through `csv_core`, a state
//! machine that looks at each byte. Both find the same records (a property below says so).
//!
//! A quote that is never closed would swallow the rest of the file into one cell, and a pass over what is left would
//! look complete. It is an error of the whole file instead, as is a file that changed its size while it was read.

use crate::cells::Cells;
use crate::dialect::Dialect;
use csv_core::ReadRecordResult;
use hawser_sdk::files::{CHUNK_BYTES, Reader};
use hawser_sdk::{Error, Result};
use std::io::{Read, Seek, SeekFrom};

/// The longest record, in bytes. A longer one is a quote that nobody closed.
pub(crate) const MAX_RECORD_BYTES: usize = 1 << 20;

/// The longest line that is looked for at once, in bytes; longer ones go through the state machine.
const LINE_BYTES: usize = 4 << 10;

/// Where a record stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Offset of its first byte in the file.
    pub(crate) start: u64,
    /// Offset behind it and its line break; of a line break of two bytes, the second may not be included.
    pub(crate) end: u64,
    /// Its line, counted from 1.
    pub(crate) line: u64,
}

pub(crate) struct Scanner {
    file: Reader,
    dialect: Dialect,
    parser: csv_core::Reader,
    record: Cells,
    position: Position,
    buffer: Buffer,
    size: u64,
}

impl Scanner {
    /// Scans from an offset on, which is the beginning of a record on this line.
    pub(crate) fn new(mut file: Reader, dialect: Dialect, offset: u64, line: u64) -> Result<Self> {
        file.seek(SeekFrom::Start(offset))?;
        let size = file.info().size;
        let buffer = Buffer { bytes: Vec::new(), at: 0, offset, line, ended: false };
        let position = Position { start: offset, end: offset, line };
        let mut parser = csv_core::ReaderBuilder::new().delimiter(dialect.delimiter).build();
        // What it reads first may begin with a byte order mark, which it would drop; here it never is one.
        parser.read_record(b"\n", &mut [], &mut []);
        Ok(Self { file, dialect, parser, record: Cells::default(), position, buffer, size })
    }

    /// Goes to the next record; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Position>> {
        let newline = self.newline();
        self.buffer.skip_breaks(&mut self.file, newline)?;
        let (start, line) = (self.offset(), self.line());
        if !self.take_line() && !self.parse()? {
            self.finish()?;
            return Ok(None);
        }
        self.position = Position { start, end: self.offset(), line };
        if self.position.end == self.size {
            self.refuse_unclosed()?;
        }
        Ok(Some(self.position))
    }

    /// The record `next` went to.
    pub(crate) fn record(&self) -> &Cells {
        &self.record
    }

    /// The offset the next record begins at, or a line break before it.
    pub(crate) fn offset(&self) -> u64 {
        self.buffer.offset
    }

    /// The line of that offset.
    pub(crate) fn line(&self) -> u64 {
        self.buffer.line
    }

    /// The byte that is counted as the end of a line.
    fn newline(&self) -> u8 {
        if self.dialect.newline == "\r" { b'\r' } else { b'\n' }
    }

    /// Takes the line that comes next if it is a record as it stands: whole, without quotes, and with no other line
    /// break in it.
    fn take_line(&mut self) -> bool {
        let coming = self.buffer.coming();
        let window = coming.get(..LINE_BYTES).unwrap_or(coming);
        if self.newline() == b'\r' {
            return false;
        }
        let Some((line, _)) = memchr::memchr2(b'\n', b'"', window).and_then(|at| window.split_at_checked(at)) else {
            return false;
        };
        let length = line.len() + 1;
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if window.get(length - 1) == Some(&b'"') || memchr::memchr(b'\r', line).is_some() {
            return false;
        }
        self.record.take_line(line, self.dialect.delimiter);
        self.buffer.advance(length, 1);
        true
    }

    /// Takes the record that comes next through the state machine; false at the end of the file.
    fn parse(&mut self) -> Result<bool> {
        let (start, line, newline) = (self.offset(), self.line(), self.newline());
        self.record.clear();
        loop {
            if self.offset() - start > MAX_RECORD_BYTES as u64 {
                return Err(unclosed(line));
            }
            self.buffer.fill(&mut self.file, 1)?;
            let (bytes, ends) = self.record.room();
            let (told, read, written, ended) = self.parser.read_record(self.buffer.coming(), bytes, ends);
            self.record.fill(written, ended);
            self.buffer.advance_over(read, newline);
            match told {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => self.record.grow(),
                ReadRecordResult::Record => return Ok(true),
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    fn finish(&self) -> Result<()> {
        if self.offset() == self.size {
            return Ok(());
        }
        Err(Error::resync_required("the file was changed while it was read"))
    }

    /// Refuses the last record if a quote in it was never closed: before it is handed out, because a pass that resumes
    /// behind it would find nothing wrong.
    fn refuse_unclosed(&mut self) -> Result<()> {
        let Position { start, end, line } = self.position;
        self.file.seek(SeekFrom::Start(start))?;
        let mut last = Vec::new();
        self.file.by_ref().take(end - start).read_to_end(&mut last)?;
        if ends_in_quotes(&last, self.dialect.delimiter) { Err(unclosed(line)) } else { Ok(()) }
    }
}

/// What was read of the file and is not taken yet.
struct Buffer {
    bytes: Vec<u8>,
    at: usize,
    /// Where in the file, and on which line, that is.
    offset: u64,
    line: u64,
    /// There is nothing behind it.
    ended: bool,
}

impl Buffer {
    fn coming(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Reads on until there are so many bytes or the file ends.
    fn fill(&mut self, file: &mut Reader, bytes: usize) -> Result<()> {
        while self.coming().len() < bytes && !self.ended {
            self.bytes.drain(..self.at);
            self.at = 0;
            let held = self.bytes.len();
            self.bytes.resize(held + CHUNK_BYTES, 0);
            let read = file.read(self.bytes.get_mut(held..).unwrap_or_default())?;
            self.bytes.truncate(held + read);
            self.ended = read == 0;
        }
        Ok(())
    }

    fn advance(&mut self, bytes: usize, lines: u64) {
        self.at += bytes;
        self.offset += bytes as u64;
        self.line += lines;
    }

    fn advance_over(&mut self, bytes: usize, newline: u8) {
        let passed = self.coming().get(..bytes).unwrap_or_default();
        let lines = memchr::memchr_iter(newline, passed).count() as u64;
        self.advance(bytes, lines);
    }

    /// Leaves empty lines behind, and what is left of the last line break.
    fn skip_breaks(&mut self, file: &mut Reader, newline: u8) -> Result<()> {
        loop {
            self.fill(file, LINE_BYTES)?;
            match self.coming().first() {
                Some(b'\n' | b'\r') => self.advance_over(1, newline),
                _ => return Ok(()),
            }
        }
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
    use crate::dialect::{Delimiter, Encoding};
    use hawser_sdk::files::Directory;
    use hawser_sdk::testing::Host;
    use proptest::prelude::*;

    type Scanned = Vec<(Position, Vec<Vec<u8>>)>;

    /// Every record of a file with its position, from an offset and a line on.
    fn scanned(bytes: &[u8], dialect: Dialect, offset: u64, line: u64) -> Scanned {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.csv"), bytes).unwrap();
        let host = Host::new().directory("data", folder.path()).enter();
        let file = Directory::new("data").open("x.csv").unwrap();
        let mut scanner = Scanner::new(file, dialect, offset, line).unwrap();
        let mut records = Vec::new();
        while let Ok(Some(position)) = scanner.next() {
            records.push((position, scanner.record().iter().map(<[u8]>::to_vec).collect()));
        }
        drop(host);
        records
    }

    /// The records as the `csv` crate finds them, byte for byte.
    fn expected(bytes: &[u8], dialect: Dialect) -> Vec<Vec<Vec<u8>>> {
        let mut builder = csv::ReaderBuilder::new();
        let from = builder.has_headers(false).flexible(true).delimiter(dialect.delimiter).from_reader(bytes);
        let record = |record: csv::ByteRecord| record.iter().map(<[u8]>::to_vec).collect();
        from.into_byte_records().map(|found| record(found.unwrap())).collect()
    }

    /// Files of pieces that matter to a parser.
    fn file() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => "[a-zø]{0,9}".prop_map(String::into_bytes),
            3 => Just(b",".to_vec()),
            2 => prop_oneof![Just(b"\n".to_vec()), Just(b"\r\n".to_vec()), Just(b"\r".to_vec())],
            1 => Just(b"\"".to_vec()),
            1 => Just(b"\"a,\"\"b\n\"".to_vec()),
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn both_ways_of_reading_find_the_records_that_the_csv_crate_finds(bytes in file()) {
            let dialect = Dialect::sniff(&bytes, Delimiter::Comma, Encoding::Utf8).unwrap();
            let found: Vec<_> = scanned(&bytes, dialect, 0, 1).into_iter().map(|(_, cells)| cells).collect();
            let mut expected = expected(&bytes, dialect);
            if ends_in_quotes(&bytes, dialect.delimiter) {
                prop_assert_eq!(expected.pop().is_some(), true, "the last record is refused, and is the only one");
            }
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn a_scan_that_resumes_behind_a_record_finds_the_rest(bytes in file()) {
            let dialect = Dialect::sniff(&bytes, Delimiter::Comma, Encoding::Utf8).unwrap();
            let all = scanned(&bytes, dialect, 0, 1);
            for (at, (position, _)) in all.iter().enumerate() {
                let passed = &bytes[..usize::try_from(position.end).unwrap()];
                let line = 1 + memchr::memchr_iter(dialect.newline.bytes().last().unwrap(), passed).count();
                let rest = scanned(&bytes, dialect, position.end, line as u64);
                prop_assert_eq!(&rest[..], &all[at + 1..]);
            }
        }
    }

    #[test]
    fn only_a_quote_that_opens_a_cell_has_to_be_closed() {
        assert!(ends_in_quotes(b"1,\"ada", b','));
        assert!(ends_in_quotes(b"1,\"ada\"\" x", b','));
        assert!(!ends_in_quotes(b"1,5\" pipe", b','));
        assert!(!ends_in_quotes(b"1,\"say \"\"hi\"\"\"\r\n", b','));
    }
}
