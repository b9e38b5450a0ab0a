//! The options that say where tables go as files, of all commands that order imports.

use clap::Args;
use serde_json::{Value as Json, json};

/// Where the tables go as files.
#[derive(Args)]
pub(super) struct Output {
    /// Once it is published, write the tables as files to this place of the host's configuration.
    #[arg(long, value_name = "PLACE")]
    output: Option<String>,
    /// What kind of files: csv or parquet.
    #[arg(long, requires = "output", default_value = "csv")]
    format: String,
    /// CSV: texts that look like formulas are made texts.
    #[arg(long, requires = "output")]
    escape_formulas: bool,
    /// Only the table with this suffix; may be given several times.
    #[arg(long, value_name = "SUFFIX", requires = "output")]
    table: Vec<String>,
}

impl Output {
    /// The words of the API, if a place is named.
    pub(super) fn says(self) -> Option<Json> {
        let tables = (!self.table.is_empty()).then_some(self.table);
        let (format, escape) = (self.format, self.escape_formulas);
        self.output.map(|place| match tables {
            Some(tables) => json!({"place": place, "format": format, "escapeFormulas": escape, "tables": tables}),
            None => json!({"place": place, "format": format, "escapeFormulas": escape}),
        })
    }
}
