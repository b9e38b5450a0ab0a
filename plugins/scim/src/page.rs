//! A page of a listing (RFC 7644, 3.4.2), read as it stands: its resources go straight into rows.

use crate::layout::Layout;
use crate::model::Syntax;
use crate::resource::{Decoded, Resource};
use crate::values::{Plain, Read};
use hawser_sdk::{Error, Result};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// How many there are in all, if the service says it.
    pub(crate) total: Option<u64>,
    pub(crate) next_cursor: Option<String>,
    /// Nothing if it is no page at all.
    pub(crate) items: Option<Vec<Decoded>>,
}

/// Reads a page.
///
/// # Errors
/// It is cut off, no JSON, or no list.
pub(crate) fn read(layout: &Layout, body: &[u8]) -> Result<Page> {
    checked(parsed(layout, body)?, |total| total == 0)
}

/// Reads a page behind the end, which may come without a list, whatever there is before.
///
/// # Errors
/// It is cut off, no JSON, or no page.
pub(crate) fn read_beyond(layout: &Layout, body: &[u8]) -> Result<Page> {
    checked(parsed(layout, body)?, |_| true)
}

fn parsed(layout: &Layout, body: &[u8]) -> Result<Page> {
    // To check it as a whole is quicker than text by text. What is not all UTF-8 may still be so where it is read.
    match std::str::from_utf8(body) {
        Ok(text) => whole(layout, serde_json::Deserializer::from_str(text)),
        Err(_) => whole(layout, serde_json::Deserializer::from_slice(body)),
    }
}

fn whole<'de, R: serde_json::de::Read<'de>>(layout: &Layout, mut json: serde_json::Deserializer<R>) -> Result<Page> {
    let page = List(layout).deserialize(&mut json).map_err(|why| crate::client::broken(&why))?;
    json.end().map_err(|why| crate::client::broken(&why))?;
    Ok(page)
}

/// A list of nothing may come without one.
fn checked(mut page: Page, is_nothing: impl Fn(u64) -> bool) -> Result<Page> {
    if page.items.is_none() && page.total.is_some_and(is_nothing) {
        page.items = Some(Vec::new());
    }
    if page.items.is_none() {
        return Err(Error::connection_broken(
            "the service answers a search with something that is no list of resources",
        ));
    }
    Ok(page)
}

struct List<'a>(&'a Layout);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Page;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of resources")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let mut page = Page::default();
        while let Some(name) = map.next_key::<String>()? {
            if name.eq_ignore_ascii_case("Resources") {
                page.items = map.next_value_seed(Items(self.0))?;
            } else if name.eq_ignore_ascii_case("totalResults") {
                page.total = number(&map.next_value_seed(Read(Syntax::Integer))?);
            } else if name.eq_ignore_ascii_case("nextCursor") {
                page.next_cursor = text(map.next_value_seed(Read(Syntax::Text))?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(page)
    }
}

fn number(plain: &Plain) -> Option<u64> {
    match plain {
        Plain::Integer(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

fn text(plain: Plain) -> Option<String> {
    match plain {
        Plain::Text(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// The resources; nothing for null.
struct Items<'a>(&'a Layout);

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = Option<Vec<Decoded>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = Option<Vec<Decoded>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("resources")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some(item) = items.next_element_seed(Resource(self.0))? {
            found.push(item);
        }
        Ok(Some(found))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::builder::tests::standard;
    use crate::layout::tests::layout;
    use hawser_sdk::FailureKind;

    fn read(json: &str) -> Result<Page> {
        super::read(&layout(&standard()[0], &["title"], 2), json.as_bytes())
    }

    #[test]
    fn what_is_no_page_or_not_all_of_one_is_never_an_end() {
        for json in [
            "{}",
            "",
            "[]",
            "<html>",
            r#"{"detail": "no"}"#,
            r#"{"totalResults": 7}"#,
            r#"{"totalResults": 1, "Resources": null}"#,
            r#"{"totalResults": 1, "Resources": [{"id": "1", "userName": "a"}"#,
            r#"{"totalResults": 1, "Resources": {}}"#,
            r#"{"totalResults": 0} {"#,
        ] {
            assert_eq!(read(json).unwrap_err().kind(), FailureKind::ConnectionBroken, "{json}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_spoil_only_what_they_stand_in() {
        let page = |name: &str| {
            let text = format!(r#"{{"totalResults": 1, "Resources": [{{"id": "1", "{name}": "?"}}]}}"#);
            let body: Vec<u8> = text.bytes().map(|byte| if byte == b'?' { 0xff } else { byte }).collect();
            super::read(&layout(&standard()[0], &["title"], 2), &body)
        };
        assert_eq!(page("nickName").unwrap().items.unwrap().len(), 1);
        assert_eq!(page("title").unwrap_err().kind(), FailureKind::ConnectionBroken);
    }

    #[test]
    fn a_page_is_read_in_any_order_and_case() {
        let page =
            read(r#"{"nextCursor": "c", "resources": [{"id": "1"}, {"id": "2"}], "totalresults": "9"}"#).unwrap();
        assert_eq!((page.total, page.next_cursor.as_deref()), (Some(9), Some("c")));
        assert_eq!(page.items.unwrap().len(), 2);
        assert_eq!(read(r#"{"totalResults": 0}"#).unwrap().items.unwrap().len(), 0);
        let layout = layout(&standard()[0], &["title"], 2);
        assert_eq!(read_beyond(&layout, br#"{"totalResults": 7}"#).unwrap().items.unwrap().len(), 0);
        read_beyond(&layout, b"{}").unwrap_err();
        assert_eq!(read(r#"{"Resources": [], "nextCursor": ""}"#).unwrap().next_cursor, None);
    }
}
