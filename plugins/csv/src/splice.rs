//! Changing a file: ranges of bytes are replaced, every other byte is copied as it is, and the new file takes the
//! place of the old one at once, but only of the version that was read.

use crate::options::Options;
use crate::scanner::Position;
use crate::table::Table;
use csv::{QuoteStyle, WriterBuilder};
use hawser_sdk::files::CHUNK_BYTES;
use hawser_sdk::{Error, Result};
use std::io::{Read, Seek, SeekFrom, Write};

/// One replacement in a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Splice {
    start: u64,
    end: u64,
    with: Vec<u8>,
}

impl Splice {
    /// Replaces a record, without its line break.
    pub(crate) fn replace(table: &Table, position: Position, cells: &[String]) -> Result<Self> {
        let (start, end) = extent(table, position)?;
        Ok(Self { start, end, with: line(table, cells)? })
    }

    /// Removes a record with its line break. Where the scanner stops between the two bytes of line breaks, this
    /// takes one byte of the break before and one of its own, which leaves a whole one.
    pub(crate) fn remove(position: Position) -> Self {
        Self { start: position.start, end: position.end, with: Vec::new() }
    }

    /// Adds a record at the end, on a line of its own.
    pub(crate) fn append(table: &Table, cells: &[String]) -> Result<Self> {
        let newline = table.dialect.newline.as_bytes();
        let mut last = [0];
        let mut reader = table.reopen()?;
        reader.seek(SeekFrom::Start(table.size.saturating_sub(1)))?;
        let ends_with_newline = reader.read(&mut last)? == 1 && matches!(last, [b'\n' | b'\r']);
        let mut with = if ends_with_newline { Vec::new() } else { newline.to_owned() };
        with.extend(line(table, cells)?);
        with.extend_from_slice(newline);
        Ok(Self { start: table.size, end: table.size, with })
    }
}

/// Applies splices in the order in which they stand in the file.
pub(crate) fn apply(table: &Table, splices: &[Splice]) -> Result<()> {
    let mut from = table.reopen()?;
    let mut to = Options::directory().replace(&table.file, Some(&table.version))?;
    let mut at = 0;
    for splice in splices {
        copy(&mut from, &mut to, splice.start - at)?;
        to.write_all(&splice.with)?;
        from.seek(SeekFrom::Start(splice.end))?;
        at = splice.end;
    }
    copy(&mut from, &mut to, table.size - at)?;
    to.commit()
}

fn copy(from: &mut impl Read, to: &mut impl Write, mut bytes: u64) -> Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    while bytes > 0 {
        let most = usize::try_from(bytes).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
        let (room, _) = chunk.split_at_mut(most);
        let read = from.read(room)?;
        if read == 0 {
            return Err(Error::precondition_failed("the file became shorter while it was read"));
        }
        to.write_all(room.split_at(read).0)?;
        bytes -= read as u64;
    }
    Ok(())
}

/// Where the text of a record begins and ends, without line breaks.
fn extent(table: &Table, position: Position) -> Result<(u64, u64)> {
    let mut reader = table.reopen()?;
    reader.seek(SeekFrom::Start(position.start))?;
    let mut raw = Vec::new();
    reader.take(position.end - position.start).read_to_end(&mut raw)?;
    let is_break = |byte: &&u8| matches!(byte, b'\n' | b'\r');
    let before = raw.iter().take_while(is_break).count();
    let behind = raw.iter().rev().take_while(is_break).count();
    Ok((position.start + before as u64, position.end - behind as u64))
}

/// A record as the file writes them, without a line break.
fn line(table: &Table, cells: &[String]) -> Result<Vec<u8>> {
    let dialect = table.dialect;
    let style = if dialect.quotes_all { QuoteStyle::Always } else { QuoteStyle::Necessary };
    let mut writer = WriterBuilder::new().delimiter(dialect.delimiter).quote_style(style).from_writer(Vec::new());
    for (cell, header) in cells.iter().zip(&table.headers) {
        let bytes = dialect.encoding.encode(cell).ok_or_else(|| {
            let message = format!("{} cannot write all characters of the new value", dialect.encoding.name());
            Error::invalid_attribute_value(message).attribute(header.as_str())
        })?;
        writer.write_field(bytes).map_err(problem)?;
    }
    writer.write_record(None::<&[u8]>).map_err(problem)?;
    let mut line = writer.into_inner().map_err(|error| Error::schema_violation(error.to_string()))?;
    if line.ends_with(b"\n") {
        line.pop();
    }
    Ok(line)
}

#[allow(clippy::needless_pass_by_value, reason = "the shape map_err takes")]
fn problem(error: csv::Error) -> Error {
    Error::schema_violation(error.to_string())
}
