//! Connection tables as a vendor declares them: which objects and which links become the rows of which table.
//!
//! Classes come from the target, so a suffix is a template: `{class}` stands for the class whose rows are in the table,
//! `{attribute}` for the reference attribute. A suffix without `{class}` puts the rows of all its classes in one table.
//! A class, and a relation, goes to the first table that takes it.

use serde::Deserialize;

use super::checks::Checked;
use super::error::ManifestError;
use crate::model::table::{SUFFIX_BYTES_MAX, TableSuffix};
use crate::model::text::shown;
use crate::model::{AttributeName, ClassName};
use crate::registry::limits::{TABLE_NAMES_MAX, TABLES_MAX, VALUE_SHOWN_BYTES_MAX};

const CLASS: &str = "{class}";
const ATTRIBUTE: &str = "{attribute}";

/// What the rows of a table are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableOf {
    #[default]
    Objects,
    /// The values of reference attributes, one a row.
    Links,
}

/// One table, or one for each class or attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableDeclaration {
    /// With `{class}` and `{attribute}` in it; none: the connection has one table and that bears its name.
    pub suffix: Option<String>,
    #[serde(default)]
    pub of: TableOf,
    /// The classes it takes (of links: their owners'); empty: all.
    #[serde(default)]
    pub classes: Vec<ClassName>,
    /// Of links, the attributes it takes; empty: all.
    #[serde(default)]
    pub attributes: Vec<AttributeName>,
}

impl TableOf {
    /// The spelling in a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Links => "links",
        }
    }
}

impl TableDeclaration {
    /// What a connector offers whose vendor declared nothing: a table a class, and one for each of its relations.
    pub fn usual() -> Vec<Self> {
        let suffix = |text: &str| Some(text.to_owned());
        vec![
            Self { suffix: suffix(CLASS), ..Self::default() },
            Self { suffix: suffix("{class}_{attribute}"), of: TableOf::Links, ..Self::default() },
        ]
    }

    /// Does it take rows of that class, or links of that attribute of it?
    pub fn takes(&self, class: &str, attribute: Option<&str>) -> bool {
        let kind = if attribute.is_some() { TableOf::Links } else { TableOf::Objects };
        let listed =
            |names: &[AttributeName], name: &str| names.is_empty() || names.iter().any(|it| it.as_str() == name);
        self.of == kind
            && (self.classes.is_empty() || self.classes.iter().any(|it| it.as_str() == class))
            && attribute.is_none_or(|attribute| listed(&self.attributes, attribute))
    }

    /// The suffix of the table with the rows of that class or attribute, as text that may be too long or hold what no
    /// suffix does; none: the table bears the connection's name.
    pub fn expand(&self, class: &str, attribute: Option<&str>) -> Option<String> {
        let suffix = self.suffix.as_ref()?;
        Some(suffix.replace(ATTRIBUTE, attribute.unwrap_or_default()).replace(CLASS, class))
    }
}

pub(super) fn check(tables: &[TableDeclaration]) -> Checked<()> {
    if tables.len() > TABLES_MAX {
        return Err(ManifestError::at("table", format!("comes {} times; at most {TABLES_MAX} are read", tables.len())));
    }
    for (at, table) in tables.iter().enumerate() {
        one(table, tables.len())?;
        let same = |other: &TableDeclaration| folded(other) == folded(table);
        if tables.iter().take(at).any(same) {
            return Err(fault(table, "is the suffix of two tables; give each its own"));
        }
    }
    Ok(())
}

fn one(table: &TableDeclaration, tables: usize) -> Checked<()> {
    let links = table.of == TableOf::Links;
    if table.classes.len().max(table.attributes.len()) > TABLE_NAMES_MAX {
        return Err(fault(table, format!("names more than {TABLE_NAMES_MAX} classes or attributes; name fewer")));
    }
    if !links && !table.attributes.is_empty() {
        return Err(fault(table, "has attributes, which are for `of = \"links\"`; remove them"));
    }
    let Some(suffix) = &table.suffix else {
        if links || tables > 1 {
            return Err(fault(table, "may be left out only where there is one table, of objects; write a suffix"));
        }
        return Ok(());
    };
    if !links && suffix.contains(ATTRIBUTE) {
        return Err(fault(table, "has {attribute}, which is for `of = \"links\"`; remove it"));
    }
    if links && !suffix.contains(ATTRIBUTE) && table.attributes.len() != 1 {
        return Err(fault(table, "has no {attribute}, so it must name one in `attributes`"));
    }
    let plain = suffix.replace(CLASS, "c").replace(ATTRIBUTE, "a");
    plain.parse::<TableSuffix>().map(drop).map_err(|why| fault(table, format!("does not do: {}", why.rule)))?;
    if suffix.len() > SUFFIX_BYTES_MAX / 2 {
        return Err(fault(table, format!("is longer than {} bytes; names need room, too", SUFFIX_BYTES_MAX / 2)));
    }
    Ok(())
}

fn folded(table: &TableDeclaration) -> Option<String> {
    table.suffix.as_ref().map(|suffix| suffix.to_ascii_lowercase())
}

fn fault(table: &TableDeclaration, problem: impl Into<String>) -> ManifestError {
    let suffix = shown(table.suffix.as_deref().unwrap_or_default(), VALUE_SHOWN_BYTES_MAX);
    ManifestError::at(format!("table.{suffix}.suffix"), problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Checked<Vec<TableDeclaration>> {
        #[derive(Deserialize)]
        struct Tables {
            table: Vec<TableDeclaration>,
        }
        let tables = toml::from_str::<Tables>(text).unwrap().table;
        check(&tables).map(|()| tables)
    }

    #[test]
    fn a_table_that_would_have_no_name_or_two_is_refused_with_what_to_write() {
        for (text, hint) in [
            ("[[table]]\nsuffix = '1st'", "begins with a letter"),
            ("[[table]]\nsuffix = '{klass}'", "begins with a letter"),
            ("[[table]]\nsuffix = 'a'\n[[table]]\nsuffix = 'A'", "give each its own"),
            ("[[table]]\nsuffix = '{attribute}'", "of = \"links\""),
            ("[[table]]\nsuffix = 'links'\nof = 'links'", "must name one"),
            ("[[table]]\nof = 'links'", "write a suffix"),
            ("[[table]]\n[[table]]\nsuffix = 'a'", "write a suffix"),
            ("[[table]]\nsuffix = 'a'\nattributes = ['b']", "remove them"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }

    #[test]
    fn what_a_table_takes_and_how_it_is_named_is_what_was_written() {
        let text = "[[table]]\nsuffix = 'members_{class}'\nof = 'links'\nclasses = ['group']\nattributes = ['members']";
        let table = read(text).unwrap().remove(0);
        assert!(table.takes("group", Some("members")));
        assert!(!table.takes("group", None) && !table.takes("account", Some("members")));
        assert!(!table.takes("group", Some("owners")));
        assert_eq!(table.expand("group", Some("members")).unwrap(), "members_group");
        assert_eq!(read("[[table]]").unwrap().remove(0).expand("account", None), None);
    }

    #[test]
    fn what_is_usual_would_be_accepted() {
        check(&TableDeclaration::usual()).unwrap();
    }
}
