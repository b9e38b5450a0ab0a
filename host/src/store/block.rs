//! Blocks: many rows as one text, the way tables are read.
//!
//! A row that comes from the database by itself costs more than what is done with it. So the database joins the rows
//! of a page, each field behind its length in bytes, and they are taken apart where they are used, without a copy.

use super::fault::unreadable;
use crate::model::Result;

/// How many fields a row of a block has.
pub(super) const FIELDS: usize = 4;

/// The SQL of a row's fields for `STRING_AGG`; each begins with its length in bytes and a colon.
macro_rules! framed {
    ($a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            "COALESCE(STRING_AGG(",
            "OCTET_LENGTH(",
            $a,
            ") || ':' || ",
            $a,
            " || OCTET_LENGTH(",
            $b,
            ") || ':' || ",
            $b,
            " || ",
            "OCTET_LENGTH(",
            $c,
            ") || ':' || ",
            $c,
            " || OCTET_LENGTH(",
            $d,
            ") || ':' || ",
            $d,
            ", ''), '')"
        )
    };
}
pub(super) use framed;

/// Rows of four fields, in the order they were read.
#[derive(Debug, Default)]
pub struct Block {
    text: String,
    /// How many.
    pub rows: usize,
}

impl Block {
    pub(super) fn new(text: String, rows: usize) -> Self {
        Self { text, rows }
    }

    /// As if the database had joined them.
    #[cfg(test)]
    pub(crate) fn of(rows: &[[&str; FIELDS]]) -> Self {
        let text = rows.iter().flatten().map(|field| format!("{}:{field}", field.len())).collect();
        Self { text, rows: rows.len() }
    }

    /// The size of its text, in bytes.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// Its rows: of objects uid, name, revision (empty: none) and body; of links owner, target, the target's class
    /// (empty: unknown) and parameters, the ends as [`Store::links`](super::Store) keeps them.
    pub fn rows(&self) -> impl Iterator<Item = Result<[&str; FIELDS]>> {
        let mut rest = self.text.as_str();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let row = row(&mut rest).ok_or_else(|| unreadable("block of rows", &"a length does not fit"));
            if row.is_err() {
                rest = "";
            }
            Some(row)
        })
    }
}

fn row<'a>(rest: &mut &'a str) -> Option<[&'a str; FIELDS]> {
    let mut fields = [""; FIELDS];
    for into in &mut fields {
        let (length, after) = rest.split_once(':')?;
        let (field, after) = after.split_at_checked(length.parse().ok()?)?;
        (*into, *rest) = (field, after);
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_come_back_as_they_went_in(rows: Vec<[String; FIELDS]>) {
            let text: String = rows.iter().flatten().map(|field| format!("{}:{field}", field.len())).collect();
            let block = Block::new(text, rows.len());
            let read: Vec<[&str; FIELDS]> = block.rows().map(Result::unwrap).collect();
            prop_assert_eq!(read, rows.iter().map(|row| row.each_ref().map(String::as_str)).collect::<Vec<_>>());
        }

        #[test]
        fn a_damaged_block_ends_with_an_error(text in "[0-9]{0,3}:?.{0,10}") {
            let block = Block::new(text.clone(), 1);
            let read: Vec<_> = block.rows().collect();
            let well_formed = read.iter().all(Result::is_ok);
            prop_assert!(text.is_empty() || !well_formed || read.len() == 1, "{text:?}: {read:?}");
        }
    }
}
