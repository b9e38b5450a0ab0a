//! Outputs: the tables of a connection written as files once an import is published.

use serde::{Deserialize, Serialize};

use super::id::OutputPlace;
use super::table::TableSuffix;

/// The most tables that are named one by one.
pub const OUTPUT_TABLES_MAX: usize = 100;

/// Where the tables go, and as what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Output {
    /// A place of the host's configuration.
    pub place: OutputPlace,
    pub format: OutputFormat,
    /// CSV: texts that look like formulas are made texts.
    #[serde(default)]
    pub escape_formulas: bool,
    /// The suffixes of the tables; all tables, if it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<TableSuffix>>,
}

/// What kind of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputFormat {
    /// RFC 4180.
    Csv,
    Parquet,
}
