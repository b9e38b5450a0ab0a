//! The columns an expression may name, each with its number in a row.

use super::flaws::Flaws;
use super::kinds::Kind;
use crate::model::TableColumn;

/// Columns by name: those of a table, or, where none is known yet, any.
#[derive(Debug)]
pub(super) struct Scope<'s> {
    /// What the columns are called in a sentence.
    noun: String,
    columns: Vec<(&'s str, Kind)>,
    /// Any name is one, and its number is its place among those used.
    open: bool,
    used: Vec<String>,
}

impl<'s> Scope<'s> {
    /// The columns of a table.
    pub(super) fn table(name: &str, columns: &'s [TableColumn]) -> Self {
        let columns = columns.iter().map(|column| (column.name.as_str(), Kind::of_column(column))).collect();
        Self { noun: format!("column of {name}"), columns, open: false, used: Vec::new() }
    }

    /// Names and their kinds; `noun` says what they are.
    pub(super) fn of(noun: &str, columns: impl Iterator<Item = (&'s str, Kind)>) -> Self {
        Self { noun: noun.to_owned(), columns: columns.collect(), open: false, used: Vec::new() }
    }

    /// Any name.
    pub(super) fn open() -> Self {
        Self { noun: String::new(), columns: Vec::new(), open: true, used: Vec::new() }
    }

    /// The number and the kind of a column; notes it as a flaw if there is none.
    pub(super) fn find(&mut self, name: &str, flaws: &mut Flaws) -> Option<(usize, Kind)> {
        let used = self.used.iter().position(|used| used == name).unwrap_or_else(|| {
            self.used.push(name.to_owned());
            self.used.len() - 1
        });
        if self.open {
            return Some((used, Kind::Any));
        }
        let found = self.columns.iter().position(|(known, _)| *known == name);
        let found = found.and_then(|number| self.columns.get(number).map(|(_, kind)| (number, *kind)));
        if found.is_none() {
            flaws.unknown(&self.noun, name, self.columns.iter().map(|(known, _)| *known));
        }
        found
    }

    /// The names that were asked for, each once, in their order; where any name is one, in the order of their numbers.
    pub(super) fn into_used(self) -> Vec<String> {
        self.used
    }
}
