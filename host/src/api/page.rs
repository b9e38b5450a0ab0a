//! Pages of a listing: `?limit=` and an opaque `?cursor=` in, `{items, next?}` out.
//!
//! A cursor holds the key after which the next page begins, so pages neither repeat nor skip what was there all along.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::model::{Error, Result};

/// Items of a page unless the caller says otherwise.
pub(super) const LIMIT_DEFAULT: u32 = 100;
/// Items of a page at most.
pub(super) const LIMIT_MAX: u32 = 1000;

/// How many items a page may have: 1 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub(super) struct Limit(u32);

impl Limit {
    pub(super) fn get(self) -> u32 {
        self.0
    }

    /// One more than a page holds: whether it comes tells whether there is a next page.
    pub(super) fn and_one(self) -> u32 {
        self.0 + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(LIMIT_DEFAULT)
    }
}

impl TryFrom<u32> for Limit {
    type Error = String;

    fn try_from(limit: u32) -> Result<Self, String> {
        let within = (1..=LIMIT_MAX).contains(&limit);
        within.then_some(Self(limit)).ok_or_else(|| format!("limit is {limit}; it must be from 1 to {LIMIT_MAX}"))
    }
}

/// Which page of a listing.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// Items of the page, 1 to 1000.
    #[serde(default)]
    #[param(value_type = Option<u32>, default = 100, minimum = 1, maximum = 1000)]
    pub(super) limit: Limit,
    /// `next` of the page before.
    pub(super) cursor: Option<String>,
}

/// One page of a listing.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct Listed<T> {
    pub(super) items: Vec<T>,
    /// The cursor of the next page; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
}

impl<T> Listed<T> {
    /// Makes a page of what came for [`Limit::and_one`]; `key` is where the next page begins after a row.
    pub(super) fn cut<R, K: ToString>(
        rows: Vec<R>,
        limit: Limit,
        key: impl Fn(&R) -> K,
        view: impl FnMut(R) -> T,
    ) -> Self {
        Self::plainly(rows, limit, |row| written(key(row).to_string()), view)
    }

    /// The same where a key is a number that callers may know and name themselves.
    pub(super) fn plainly<R, K: ToString>(
        mut rows: Vec<R>,
        limit: Limit,
        key: impl Fn(&R) -> K,
        view: impl FnMut(R) -> T,
    ) -> Self {
        let full = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        let more = rows.len() > full;
        rows.truncate(full);
        let next = rows.last().filter(|_| more).map(|row| key(row).to_string());
        Self { items: rows.into_iter().map(view).collect(), next }
    }
}

/// A key as a cursor.
pub(super) fn written(key: impl AsRef<[u8]>) -> String {
    BASE64URL.encode(key)
}

/// The bytes of a cursor.
pub(super) fn bytes(cursor: &str) -> Result<Vec<u8>> {
    BASE64URL.decode(cursor).map_err(|_| foreign())
}

/// The key in a cursor.
pub(super) fn key<T: FromStr>(cursor: Option<&str>) -> Result<Option<T>> {
    let read = |cursor| String::from_utf8(bytes(cursor)?).ok().and_then(|text| text.parse().ok()).ok_or_else(foreign);
    cursor.map(read).transpose()
}

fn foreign() -> Error {
    Error::invalid("cursor is not one this listing handed out; start again without it").blaming("cursor")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::model::fuzz;

    proptest! {
        #[test]
        fn pages_show_each_row_once_and_in_order(rows in any::<BTreeSet<String>>(), limit in 1..8u32) {
            let limit = Limit::try_from(limit).unwrap();
            let (mut shown, mut cursor) = (Vec::new(), None);
            loop {
                let after: Option<String> = key(cursor.as_deref()).unwrap();
                let coming = rows.iter().filter(|row| after.as_ref().is_none_or(|after| *row > after));
                let found: Vec<&String> = coming.take(limit.and_one() as usize).collect();
                let page = Listed::cut(found, limit, |row| row.to_string(), |row| row);
                prop_assert!(page.items.len() == limit.get() as usize || page.next.is_none());
                shown.extend(page.items);
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            prop_assert_eq!(shown, rows.iter().collect::<Vec<_>>());
        }

        #[test]
        fn a_cursor_gives_back_its_bytes_and_whatever_else_is_refused_by_name(held: Vec<u8>, text in "\\PC{0,40}") {
            prop_assert_eq!(bytes(&written(&held)), Ok(held));
            for refused in [bytes(&text).map(drop).err(), key::<u64>(Some(&text)).map(drop).err()].into_iter().flatten() {
                fuzz::refused(&refused);
                prop_assert_eq!(refused.attributes, ["cursor"]);
            }
        }
    }

    fn page(rows: &[u32], limit: u32) -> Listed<u32> {
        Listed::cut(rows.to_vec(), limit.try_into().unwrap(), |row| *row, |row| row)
    }

    #[test]
    fn a_page_that_holds_everything_has_no_next() {
        assert_eq!(page(&[1, 2], 2), Listed { items: vec![1, 2], next: None });
        assert_eq!(page(&[], 2), Listed { items: vec![], next: None });
    }

    #[test]
    fn the_next_page_begins_after_the_last_item_shown() {
        let first = page(&[1, 2, 3], 2);
        assert_eq!(first.items, [1, 2]);
        assert_eq!(key::<u32>(first.next.as_deref()).unwrap(), Some(2));
    }

    #[test]
    fn a_foreign_cursor_is_refused_by_name() {
        for cursor in ["!", "YWJj"] {
            assert_eq!(key::<u32>(Some(cursor)).unwrap_err().attributes, ["cursor"]);
        }
    }

    #[test]
    fn a_limit_out_of_bounds_is_refused_with_the_bounds() {
        for limit in [0, LIMIT_MAX + 1] {
            assert!(Limit::try_from(limit).unwrap_err().contains("1 to 1000"));
        }
    }
}
