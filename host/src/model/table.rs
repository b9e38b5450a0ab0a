//! Connection tables as words: their names, columns, cells and rows.
//!
//! A table is a view of what an import published; which tables a connection has and where their rows come from is the
//! room `tables`. Here is what its readers share: the CSV and Parquet writers, and the mappings. Cells borrow from the
//! text they were read from, so that a million rows cost no allocation each.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::id::{ConnectionId, InvalidId};

/// The longest suffix of a table, in bytes: with its connection and an extension it is still a file name.
pub const SUFFIX_BYTES_MAX: usize = 120;

/// What follows the underscore in a table's name: `^[A-Za-z][A-Za-z0-9._-]*$`, unique in its connection without regard
/// to case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TableSuffix(String);

/// A table's full name, `<connection>_<suffix>`; a connection that has one table may leave the suffix out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TableName {
    pub connection: ConnectionId,
    pub suffix: Option<TableSuffix>,
}

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnKind {
    Text,
    Integer,
    Real,
    Boolean,
    Instant,
    Date,
    Binary,
    /// JSON text: the list of an attribute of several values, or the object of a complex one.
    Json,
}

/// One column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableColumn {
    /// No two columns of a table share it. What begins with a colon is the host's own (`:uid`, `:owner`).
    pub name: String,
    pub kind: ColumnKind,
    /// Its cells are lists.
    pub multi_valued: bool,
    /// The attribute or parameter it shows; none of the host's own columns.
    pub attribute: Option<String>,
}

/// One cell; `cells[i]` of a row belongs to the i-th column, and is of its kind, null or unread.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum TableCell<'a> {
    /// Known to have no value.
    #[default]
    Null,
    /// Was not read: says nothing about the value.
    Unread,
    Text(Cow<'a, str>),
    Integer(i64),
    Real(f64),
    Boolean(bool),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Instant(i64),
    /// Days since 1970-01-01.
    Date(i32),
    Binary(Cow<'a, [u8]>),
    /// JSON text.
    Json(Cow<'a, str>),
}

/// What an incremental reader does with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    Insert,
    /// All cells are new ones.
    Update,
    /// Only the cells that identify the row are filled.
    Delete,
    /// As an update, but cells that were not read keep what they were.
    Merge,
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TableRow<'a> {
    /// None in a complete reading.
    pub command: Option<Command>,
    pub cells: &'a [TableCell<'a>],
}

/// A link that is no row of its table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StrayLink<'a> {
    /// The uid of its owner, or the name where nobody has it.
    pub owner: Cow<'a, str>,
    /// The name it points with, which no object has or more than one. None: what the owner points to was not read, or not
    /// all of it, so that none of it is told.
    pub target: Option<Cow<'a, str>>,
}

/// What a reading of a table comes upon.
#[derive(Clone, Debug, PartialEq)]
pub enum TableEntry<'a> {
    Row(TableRow<'a>),
    Stray(StrayLink<'a>),
}

impl StrayLink<'_> {
    /// Why it is no row.
    pub const fn reason(&self) -> &'static str {
        match self.target {
            Some(_) => "an end of the link is a name that no imported object has, or more than one",
            None => "what it points to was not read, or not all of it",
        }
    }
}

impl Command {
    /// The spelling in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Merge => "merge",
        }
    }
}

impl TableSuffix {
    /// The suffix as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that is unique.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Display for TableSuffix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TableSuffix {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let rule = "it begins with a letter, goes on with letters, digits, dots, hyphens and underscores, and has at \
                    most 120 characters";
        if is_suffix(text) { Ok(Self(text.to_owned())) } else { Err(refused("table suffix", text, rule)) }
    }
}

impl TryFrom<String> for TableSuffix {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<TableSuffix> for String {
    fn from(suffix: TableSuffix) -> Self {
        suffix.0
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.suffix {
            None => self.connection.fmt(f),
            Some(suffix) => write!(f, "{}_{suffix}", self.connection),
        }
    }
}

impl FromStr for TableName {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        // No connection has an underscore, so the first one ends its name.
        match text.split_once('_') {
            None => Ok(Self { connection: text.parse()?, suffix: None }),
            Some((connection, suffix)) => Ok(Self { connection: connection.parse()?, suffix: Some(suffix.parse()?) }),
        }
    }
}

impl TryFrom<String> for TableName {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<TableName> for String {
    fn from(name: TableName) -> Self {
        name.to_string()
    }
}

fn is_suffix(text: &str) -> bool {
    text.len() <= SUFFIX_BYTES_MAX
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

fn refused(what: &'static str, given: &str, rule: &'static str) -> InvalidId {
    InvalidId { what, given: given.chars().take(80).collect(), rule }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_suffix_that_is_no_file_name_is_refused_with_the_rule() {
        for text in ["", "1st", "_a", "a b", "a/b", "ä", "..", &"a".repeat(121)] {
            let error = text.parse::<TableSuffix>().unwrap_err();
            assert!(error.to_string().contains("begins with a letter"), "{error}");
        }
    }

    #[test]
    fn a_name_without_an_underscore_is_a_connections_only_table() {
        let name: TableName = "hr.people".parse().unwrap();
        assert_eq!((name.connection.as_str(), name.suffix), ("hr.people", None));
        assert!("hr_".parse::<TableName>().is_err());
    }

    proptest! {
        #[test]
        fn a_name_is_read_as_it_is_written(text in "[a-zA-Z][a-zA-Z0-9.-]{0,20}(_[a-zA-Z][a-zA-Z0-9._-]{0,20})?") {
            prop_assert_eq!(text.parse::<TableName>().unwrap().to_string(), text);
        }
    }
}
