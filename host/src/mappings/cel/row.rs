//! The cells a program may see: bounded before it runs, each made a value when it is first asked for.

use std::borrow::Cow;
use std::sync::OnceLock;

use cel::common::types::{CelBool, CelBytes, CelDouble, CelInt, CelList, CelNull, CelString};
use cel::common::value::{CowVal, Val};
use cel::context::VariableResolver;

use super::{COLUMN_MARK, LIST_WITHIN, Walks};
use crate::mappings::datum::{Reason, date_text, instant_text};
use crate::mappings::limits::{LIST_VALUES_MAX, VALUE_BYTES_MAX, WALK_BYTES_MAX};
use crate::mappings::list::list;
use crate::model::TableCell;

/// The cells a program may see.
pub(super) struct Row<'a> {
    cells: &'a [TableCell<'a>],
    numbers: &'a [usize],
    /// The value of each column, once it was asked for.
    values: Vec<OnceLock<Box<dyn Val + 'a>>>,
}

impl<'a> Row<'a> {
    /// A row of which nothing was asked for.
    pub(super) fn new(cells: &'a [TableCell<'a>], numbers: &'a [usize]) -> Self {
        Self { cells, numbers, values: numbers.iter().map(|_| OnceLock::new()).collect() }
    }

    fn cell(&self, column: usize) -> Option<&'a TableCell<'a>> {
        self.cells.get(*self.numbers.get(column)?)
    }

    /// Nothing in sight is larger than a program may read.
    pub(super) fn within_bounds(&self, walks: &Walks) -> Result<(), Reason> {
        let all = (0..self.numbers.len()).filter_map(|column| self.cell(column));
        if all.clone().map(bytes).sum::<usize>() > VALUE_BYTES_MAX {
            return Err(Cow::Borrowed("the columns of the program are too large"));
        }
        if all.clone().any(|cell| is_longer(cell, LIST_VALUES_MAX)) {
            return Err(Cow::Owned(format!("a list of more than {LIST_VALUES_MAX} values is not given to CEL")));
        }
        let within = walks.within.iter().filter_map(|column| self.cell(*column));
        if within.clone().any(|cell| matches!(cell, TableCell::Json(text) if list(text).is_some())) {
            return Err(Cow::Borrowed(LIST_WITHIN));
        }
        let Some(values_max) = WALK_BYTES_MAX.checked_div(within.map(bytes).sum()) else { return Ok(()) };
        let mut over = walks.over.iter().filter_map(|column| self.cell(*column));
        if walks.written > values_max || over.any(|cell| is_longer(cell, values_max)) {
            return Err(Cow::Borrowed(
                "the columns inside `all`, `exists` or `exists_one` are too large for so long a list",
            ));
        }
        Ok(())
    }
}

/// How much text or bytes there are in a cell.
fn bytes(cell: &TableCell<'_>) -> usize {
    match cell {
        TableCell::Text(text) | TableCell::Json(text) => text.len(),
        TableCell::Binary(bytes) => bytes.len(),
        _ => 0,
    }
}

/// Is a cell a list of more values?
fn is_longer(cell: &TableCell<'_>, values: usize) -> bool {
    let TableCell::Json(text) = cell else { return false };
    // Commas are quickly counted, and a list of so many values has one fewer at least.
    let commas = || text.bytes().filter(|byte| *byte == b',').count();
    text.len() > values && commas() >= values && list(text).is_some_and(|list| list.len() > values)
}

impl VariableResolver for Row<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let column: usize = variable.strip_prefix(COLUMN_MARK)?.parse().ok()?;
        let cell = self.cell(column)?;
        Some(CowVal::Borrowed(self.values.get(column)?.get_or_init(|| value(cell)).as_ref()))
    }
}

/// A cell as CEL sees it.
fn value<'b>(cell: &'b TableCell<'b>) -> Box<dyn Val + 'b> {
    match cell {
        TableCell::Null | TableCell::Unread => Box::new(CelNull),
        TableCell::Text(text) => Box::new(CelString::from(text.as_ref())),
        TableCell::Integer(number) => Box::new(CelInt::from(*number)),
        TableCell::Real(number) => Box::new(CelDouble::from(*number)),
        TableCell::Boolean(truth) => Box::new(CelBool::from(*truth)),
        TableCell::Instant(micros) => Box::new(CelString::from(instant_text(*micros))),
        TableCell::Date(days) => Box::new(CelString::from(date_text(*days))),
        TableCell::Binary(bytes) => Box::new(CelBytes::from(bytes.as_ref())),
        TableCell::Json(text) => match list(text) {
            Some(texts) => {
                let values = texts.into_iter().map(|text| Box::new(CelString::from(text)) as Box<dyn Val + 'b>);
                Box::new(CelList::from(values.collect::<Vec<_>>()))
            }
            None => Box::new(CelString::from(text.as_ref())),
        },
    }
}
