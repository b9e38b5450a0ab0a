//! Lists of JSON as texts, borrowed where nothing is escaped.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};

/// The values of a JSON list, as texts; none if the text is no list. Null is an empty text, so that the classes of
/// references stay beside their references where one has none.
pub(super) fn list(json: &str) -> Option<Vec<Cow<'_, str>>> {
    let items: Vec<Item<'_>> = serde_json::from_str(json).ok()?;
    Some(items.into_iter().map(|item| item.0).collect())
}

/// One value of a list, whatever it is.
struct Item<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Item<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(ItemVisitor).map(Item)
    }
}

struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Cow::Owned(number.to_string()))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(if truth { "true" } else { "false" }))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        whole(serde_json::Value::deserialize(serde::de::value::MapAccessDeserializer::new(map)))
            .map_err(A::Error::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        whole(serde_json::Value::deserialize(serde::de::value::SeqAccessDeserializer::new(list)))
            .map_err(A::Error::custom)
    }
}

/// A complex value as its own text.
fn whole<E: fmt::Display>(value: Result<serde_json::Value, E>) -> Result<Cow<'static, str>, String> {
    value.map(|value| Cow::Owned(value.to_string())).map_err(|why| why.to_string())
}
