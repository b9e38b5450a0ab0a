//! The options of a connection, as the manifest declares them.

use crate::Class;
use crate::dialect::{Delimiter, Encoding};
use hawser_sdk::files::Directory;
use hawser_sdk::{Error, Result};
use serde::Deserialize;

/// What an operator sets for one connection; every field has the manifest's default.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Options {
    pub(crate) accounts_file: String,
    pub(crate) account_key: String,
    pub(crate) account_name: Option<String>,
    pub(crate) password_column: Option<String>,
    pub(crate) enabled_column: Option<String>,
    pub(crate) must_change_column: Option<String>,
    pub(crate) groups_file: Option<String>,
    pub(crate) group_key: String,
    pub(crate) group_name: Option<String>,
    pub(crate) memberships_file: Option<String>,
    pub(crate) membership_group: String,
    pub(crate) membership_account: String,
    pub(crate) delimiter: Delimiter,
    pub(crate) encoding: Encoding,
    pub(crate) multi_valued: Vec<String>,
    pub(crate) list_separator: String,
    pub(crate) integer_columns: Vec<String>,
    pub(crate) boolean_columns: Vec<String>,
    pub(crate) formulas: Formulas,
}

/// Whether a value may be written that a spreadsheet would run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Formulas {
    Refuse,
    Allow,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            accounts_file: "accounts.csv".to_owned(),
            account_key: "id".to_owned(),
            account_name: None,
            password_column: None,
            enabled_column: None,
            must_change_column: None,
            groups_file: None,
            group_key: "id".to_owned(),
            group_name: None,
            memberships_file: None,
            membership_group: "group".to_owned(),
            membership_account: "account".to_owned(),
            delimiter: Delimiter::Auto,
            encoding: Encoding::Utf8,
            multi_valued: Vec::new(),
            list_separator: "|".to_owned(),
            integer_columns: Vec::new(),
            boolean_columns: Vec::new(),
            formulas: Formulas::Refuse,
        }
    }
}

/// Where one class lives.
pub(crate) struct Place<'a> {
    pub(crate) file: &'a str,
    pub(crate) key: &'a str,
    pub(crate) name: &'a str,
}

impl Options {
    /// The one directory the manifest asks for.
    pub(crate) fn directory() -> Directory {
        Directory::new("data")
    }

    /// Refuses options that are fine one by one and make no sense together.
    pub(crate) fn check(&self) -> Result<()> {
        if self.list_separator.is_empty() {
            return Err(Error::configuration("the option `list-separator` is empty; set it to `|`, say"));
        }
        let twice = self.integer_columns.iter().find(|column| self.boolean_columns.contains(column));
        if let Some(column) = twice {
            return Err(Error::configuration(format!(
                "the column `{column}` is in integer-columns and boolean-columns"
            )));
        }
        let special = [&self.password_column, &self.enabled_column, &self.must_change_column];
        for column in special.into_iter().flatten() {
            if *column == self.account_key || Some(column) == self.account_name.as_ref() {
                return Err(Error::configuration(format!("the column `{column}` is the key or the name already")));
            }
        }
        Ok(())
    }

    pub(crate) fn place(&self, class: Class) -> Result<Place<'_>> {
        Ok(match class {
            Class::Account => Place {
                file: &self.accounts_file,
                key: &self.account_key,
                name: self.account_name.as_ref().unwrap_or(&self.account_key),
            },
            Class::Group => Place {
                file: self.groups_file.as_ref().ok_or_else(|| {
                    Error::schema_violation("there are no groups; set the option `groups-file` to have them")
                })?,
                key: &self.group_key,
                name: self.group_name.as_ref().unwrap_or(&self.group_key),
            },
        })
    }

    pub(crate) fn memberships(&self) -> Result<&str> {
        self.memberships_file.as_deref().ok_or_else(|| {
            Error::unsupported("there are no memberships; set the option `memberships-file` to have them")
        })
    }
}
