//! Rows as NDJSON: an object a line, with a key for each cell that has a value. Lists and parts are JSON, not text.

use serde::Serialize;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::view::COMMAND;
use crate::model::json::{date_text, instant_text};
use crate::model::{Error, Result, TableCell, TableColumn, TableRow};

/// Writes rows as lines.
pub(super) struct Ndjson {
    /// The columns' names as JSON.
    keys: Vec<String>,
}

impl Ndjson {
    pub(super) fn new(columns: &[TableColumn]) -> Result<Self> {
        let key = |column: &TableColumn| serde_json::to_string(&column.name).map_err(|why| broken(&why));
        Ok(Self { keys: columns.iter().map(key).collect::<Result<_>>()? })
    }

    pub(super) fn row(&self, row: TableRow<'_>, into: &mut Vec<u8>) -> Result<()> {
        into.push(b'{');
        let mut first = true;
        if let Some(command) = row.command {
            into.extend(format!("\"{COMMAND}\":\"{}\"", command.as_str()).as_bytes());
            first = false;
        }
        for (key, cell) in self.keys.iter().zip(row.cells) {
            if matches!(cell, TableCell::Null | TableCell::Unread) {
                continue;
            }
            if !first {
                into.push(b',');
            }
            first = false;
            into.extend(key.as_bytes());
            into.push(b':');
            value(cell, into)?;
        }
        into.extend(b"}\n");
        Ok(())
    }
}

fn value(cell: &TableCell<'_>, into: &mut Vec<u8>) -> Result<()> {
    match cell {
        TableCell::Null | TableCell::Unread => json(&(), into),
        TableCell::Text(text) => json(text, into),
        TableCell::Integer(value) => json(value, into),
        TableCell::Real(value) => json(value, into),
        TableCell::Boolean(value) => json(value, into),
        TableCell::Instant(micros) => json(&instant_text(*micros), into),
        TableCell::Date(days) => json(&date_text(*days), into),
        TableCell::Binary(bytes) => json(&BASE64.encode(bytes), into),
        TableCell::Json(text) => {
            into.extend(text.as_bytes());
            Ok(())
        }
    }
}

fn json<T: Serialize>(value: &T, into: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(into, value).map_err(|why| broken(&why))
}

fn broken(why: &serde_json::Error) -> Error {
    Error::internal(format!("a row cannot be written as JSON: {why}"))
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::model::{ColumnKind, Command};

    #[test]
    fn a_line_has_what_has_a_value_and_lists_are_lists() {
        let column = |name: &str| TableColumn {
            name: name.into(),
            kind: ColumnKind::Text,
            multi_valued: false,
            attribute: None,
        };
        let cells = [
            TableCell::Text(Cow::Borrowed("a\"b")),
            TableCell::Null,
            TableCell::Json(Cow::Borrowed("[1,2]")),
            TableCell::Unread,
        ];
        let mut out = Vec::new();
        let lines = Ndjson::new(&[":uid", "b", "c", "d"].map(column)).unwrap();
        lines.row(TableRow { command: Some(Command::Merge), cells: &cells }, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\"command\":\"merge\",\":uid\":\"a\\\"b\",\"c\":[1,2]}\n");
    }
}
