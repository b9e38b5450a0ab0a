//! Rows as CSV (RFC 4180): CRLF, a header, quotes only where they are needed. A null is an empty cell, and an empty text
//! is `""`, so that the two stay different. A cell that was not read is empty, too; the column `:unread` names it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::view::COMMAND;
use crate::model::json::{date_text, instant_text};
use crate::model::{Error, Result, TableCell, TableColumn, TableRow};

/// What a spreadsheet would take for the beginning of a formula.
const FORMULAS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];
/// Put before such a cell, it makes a spreadsheet take it for text.
const ESCAPE: char = '\'';

/// Writes rows as lines.
#[derive(Clone, Copy)]
pub(super) struct Csv {
    /// Texts that look like formulas are escaped.
    pub escape: bool,
}

impl Csv {
    pub(super) fn header(self, columns: &[TableColumn], incremental: bool, into: &mut Vec<u8>) {
        let names = incremental.then_some(COMMAND).into_iter().chain(columns.iter().map(|column| column.name.as_str()));
        for (at, name) in names.enumerate() {
            separate(at, into);
            self.text(name, into);
        }
        into.extend(b"\r\n");
    }

    pub(super) fn row(self, row: TableRow<'_>, into: &mut Vec<u8>) -> Result<()> {
        if let Some(command) = row.command {
            into.extend(command.as_str().as_bytes());
        }
        let before = usize::from(row.command.is_some());
        for (at, cell) in row.cells.iter().enumerate() {
            separate(at + before, into);
            self.cell(cell, into)?;
        }
        into.extend(b"\r\n");
        Ok(())
    }

    fn cell(self, cell: &TableCell<'_>, into: &mut Vec<u8>) -> Result<()> {
        match cell {
            TableCell::Null | TableCell::Unread => {}
            TableCell::Text(text) | TableCell::Json(text) => self.text(text, into),
            TableCell::Boolean(value) => into.extend(if *value { &b"true"[..] } else { b"false" }),
            TableCell::Integer(value) => serde_json::to_writer(into, value).map_err(|why| broken(&why))?,
            TableCell::Real(value) => serde_json::to_writer(into, value).map_err(|why| broken(&why))?,
            TableCell::Instant(micros) => into.extend(instant_text(*micros).unwrap_or_default().as_bytes()),
            TableCell::Date(days) => into.extend(date_text(*days).unwrap_or_default().as_bytes()),
            TableCell::Binary(bytes) if bytes.is_empty() => into.extend(b"\"\""),
            TableCell::Binary(bytes) => into.extend(BASE64.encode(bytes).as_bytes()),
        }
        Ok(())
    }

    fn text(self, text: &str, into: &mut Vec<u8>) {
        let escaped = self.escape && text.starts_with(FORMULAS);
        let bytes = text.as_bytes();
        let quoted = text.is_empty() || memchr::memchr3(b'"', b',', b'\n', bytes).is_some() || bytes.contains(&b'\r');
        into.extend(quoted.then_some(b'"'));
        if escaped {
            into.extend(ESCAPE.encode_utf8(&mut [0; 4]).as_bytes());
        }
        if quoted {
            for piece in text.split_inclusive('"') {
                into.extend(piece.as_bytes());
                into.extend(piece.ends_with('"').then_some(b'"'));
            }
            into.push(b'"');
        } else {
            into.extend(bytes);
        }
    }
}

fn separate(at: usize, into: &mut Vec<u8>) {
    if at > 0 {
        into.push(b',');
    }
}

fn broken(why: &serde_json::Error) -> Error {
    Error::internal(format!("a number cannot be written: {why}"))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;
    use crate::model::{ColumnKind, Command};

    fn line(escape: bool, cells: &[TableCell<'_>]) -> String {
        let mut text = Vec::new();
        Csv { escape }.row(TableRow { command: None, cells }, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    fn text(text: &str) -> TableCell<'_> {
        TableCell::Text(Cow::Borrowed(text))
    }

    #[test]
    fn nothing_and_an_empty_text_stay_different() {
        assert_eq!(line(false, &[TableCell::Null, text(""), TableCell::Unread]), ",\"\",\r\n");
    }

    #[test]
    fn a_text_that_looks_like_a_formula_is_escaped_only_where_asked_and_a_number_never() {
        let cells = ["=1+1", "+1", "-1", "@a", "\ta", "\ra", "a=1"].map(text);
        assert_eq!(line(true, &cells), "'=1+1,'+1,'-1,'@a,'\ta,\"'\ra\",a=1\r\n");
        assert_eq!(line(false, &cells[..3]), "=1+1,+1,-1\r\n");
        assert_eq!(line(true, &[TableCell::Integer(-1), TableCell::Real(-0.5)]), "-1,-0.5\r\n");
    }

    #[test]
    fn values_stand_there_as_in_the_apis_json() {
        let cells = [
            TableCell::Instant(1_000_000),
            TableCell::Date(-1),
            TableCell::Binary(Cow::Borrowed(b"\0\x01")),
            TableCell::Boolean(true),
            TableCell::Json(Cow::Borrowed("[\"a\"]")),
        ];
        assert_eq!(line(false, &cells), "1970-01-01T00:00:01Z,1969-12-31,AAE=,true,\"[\"\"a\"\"]\"\r\n");
    }

    #[test]
    fn an_incremental_table_says_first_what_to_do() {
        let column = TableColumn { name: ":uid".into(), kind: ColumnKind::Text, multi_valued: false, attribute: None };
        let (csv, mut out) = (Csv { escape: false }, Vec::new());
        csv.header(std::slice::from_ref(&column), true, &mut out);
        csv.row(TableRow { command: Some(Command::Delete), cells: &[text("u1")] }, &mut out).unwrap();
        assert_eq!(out, b"command,:uid\r\ndelete,u1\r\n");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(rows in prop::collection::vec(prop::collection::vec("\\PC{0,9}|[\",\r\n']{0,3}", 3), 1..5)) {
            let mut out = Vec::new();
            for row in &rows {
                let cells: Vec<TableCell<'_>> = row.iter().map(|field| text(field)).collect();
                Csv { escape: false }.row(TableRow { command: None, cells: &cells }, &mut out).unwrap();
            }
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(out.as_slice());
            let read: Vec<Vec<String>> = reader.deserialize().map(Result::unwrap).collect();
            prop_assert_eq!(read, rows);
        }
    }
}
