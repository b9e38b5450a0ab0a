//! Values: what JSON of a service holds to values of the contract, and back.
//!
//! Services are read with patience: a number where text is declared is text, `"True"` is true, a moment that is none stays
//! text. What is of another shape altogether is a mismatch, and its resource is set aside.

use crate::model::{Attribute, Syntax};
use crate::time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hawser_sdk::{Cell, Error, Key, Part, Reference, Result, Scalar, Value};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};
use std::fmt;

/// Something without inner structure, as JSON has it.
pub(crate) enum Plain {
    Text(String),
    Integer(i64),
    Real(f64),
    Boolean(bool),
    Null,
    /// A list or an object; what it held is passed over.
    Other,
}

/// Reads a [`Plain`] of a syntax: text is only made where it is wanted.
#[derive(Clone, Copy)]
pub(crate) struct Read(pub(crate) Syntax);

impl<'de> DeserializeSeed<'de> for Read {
    type Value = Plain;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Plain, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Read {
    type Value = Plain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Plain, E> {
        Ok(of_text(self.0, text))
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Plain, E> {
        Ok(if self.0 == Syntax::Text { Plain::Text(value.to_string()) } else { Plain::Boolean(value) })
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Plain, E> {
        #[allow(clippy::cast_precision_loss, reason = "a decimal of SCIM is a double")]
        Ok(match self.0 {
            Syntax::Text => Plain::Text(value.to_string()),
            Syntax::Real => Plain::Real(value as f64),
            _ => Plain::Integer(value),
        })
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Plain, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Ok(Plain::Text(value.to_string())),
        }
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Plain, E> {
        Ok(if self.0 == Syntax::Text { Plain::Text(value.to_string()) } else { Plain::Real(value) })
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Plain, E> {
        Ok(Plain::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Plain, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Plain::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Plain, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Plain::Other)
    }
}

/// The visits of values without inner structure, for a visitor that hands them all to one method of its own.
macro_rules! plain_values {
    ($take:ident) => {
        fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Self::Value, E> {
            self.$take(|read: Read| read.visit_str(value))
        }

        fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Self::Value, E> {
            self.$take(|read: Read| read.visit_bool(value))
        }

        fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Self::Value, E> {
            self.$take(|read: Read| read.visit_i64(value))
        }

        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
            self.$take(|read: Read| read.visit_u64(value))
        }

        fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Self::Value, E> {
            self.$take(|read: Read| read.visit_f64(value))
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            self.$take(|read: Read| read.visit_unit())
        }
    };
}
pub(crate) use plain_values;

fn of_text(syntax: Syntax, text: &str) -> Plain {
    let parsed = match syntax {
        Syntax::Boolean if text.eq_ignore_ascii_case("true") => Some(Plain::Boolean(true)),
        Syntax::Boolean if text.eq_ignore_ascii_case("false") => Some(Plain::Boolean(false)),
        Syntax::Integer => text.parse().ok().map(Plain::Integer),
        Syntax::Real => text.parse().ok().map(Plain::Real),
        _ => None,
    };
    parsed.unwrap_or_else(|| Plain::Text(text.to_owned()))
}

/// The value of the contract; nothing for null. `Err` is a mismatch.
pub(crate) fn value(syntax: Syntax, plain: Plain) -> Result<Option<Value>, ()> {
    Ok(Some(match plain {
        Plain::Null => return Ok(None),
        Plain::Other => return Err(()),
        Plain::Integer(value) => Value::Integer(value),
        Plain::Real(value) => Value::Real(value),
        Plain::Boolean(value) => Value::Boolean(value),
        Plain::Text(text) => match syntax {
            Syntax::Instant => time::read(&text).map_or(Value::Text(text), Value::Instant),
            Syntax::Binary => BASE64.decode(&text).map_or(Value::Text(text), Value::Binary),
            _ => Value::Text(text),
        },
    }))
}

/// A part of a complex value, which has no bytes; nothing for null and what has an inner structure.
pub(crate) fn part(name: &str, syntax: Syntax, plain: Plain) -> Option<Part> {
    let value = match plain {
        Plain::Null | Plain::Other => return None,
        Plain::Integer(value) => Scalar::Integer(value),
        Plain::Real(value) => Scalar::Real(value),
        Plain::Boolean(value) => Scalar::Boolean(value),
        Plain::Text(text) if syntax == Syntax::Instant => time::read(&text).map_or(Scalar::Text(text), Scalar::Instant),
        Plain::Text(text) => Scalar::Text(text),
    };
    Some(Part { name: name.to_owned(), value })
}

pub(crate) fn single(value: Value) -> Cell {
    match value {
        Value::Text(text) => Cell::Text(text),
        Value::Integer(integer) => Cell::Integer(integer),
        Value::Real(real) => Cell::Real(real),
        Value::Boolean(boolean) => Cell::Boolean(boolean),
        Value::Binary(bytes) => Cell::Binary(bytes),
        Value::Instant(micros) => Cell::Instant(micros),
        Value::Date(days) => Cell::Date(days),
        Value::Reference(reference) => Cell::Reference(reference),
        Value::Complex(parts) => Cell::Complex(parts),
    }
}

/// The JSON of a value for an attribute; a reference is its key. One of many references is an object, and the caller's.
pub(crate) fn write(attribute: &Attribute, value: &Value) -> Result<Json> {
    let unfit = || {
        let message = format!("`{}` takes {}", attribute.name, wanted(attribute.syntax));
        Error::invalid_attribute_value(message).attribute(attribute.name.as_str())
    };
    let json = match (attribute.syntax, value) {
        (Syntax::Complex, Value::Complex(parts)) => Some(complex(attribute, parts)?),
        (Syntax::Reference, Value::Reference(Reference { key: Key::Uid(key) | Key::Name(key), .. }))
            if !attribute.multi =>
        {
            Some(Json::from(key.as_str()))
        }
        (Syntax::Binary, Value::Binary(bytes)) => Some(Json::from(BASE64.encode(bytes))),
        (Syntax::Instant, Value::Instant(micros)) => time::write(*micros).map(Json::from),
        (Syntax::Complex | Syntax::Binary, _) => None,
        (Syntax::Reference, _) if attribute.multi => None,
        (_, Value::Text(text)) => Some(Json::from(text.as_str())),
        (Syntax::Integer | Syntax::Real, Value::Integer(integer)) => Some(Json::from(*integer)),
        (Syntax::Real, Value::Real(real)) => Some(Json::from(*real)),
        (Syntax::Boolean, Value::Boolean(boolean)) => Some(Json::from(*boolean)),
        _ => None,
    };
    json.ok_or_else(unfit)
}

fn complex(attribute: &Attribute, parts: &[Part]) -> Result<Json> {
    let mut object = Map::new();
    for part in parts {
        if !attribute.parts.iter().any(|(name, _)| *name == part.name) {
            let known: Vec<&str> = attribute.parts.iter().map(|(name, _)| name.as_str()).collect();
            let message = format!("`{}` has no part `{}`; it has {}", attribute.name, part.name, known.join(", "));
            return Err(Error::schema_violation(message).attribute(attribute.name.as_str()));
        }
        object.insert(part.name.clone(), scalar(&part.value));
    }
    Ok(Json::Object(object))
}

fn scalar(scalar: &Scalar) -> Json {
    match scalar {
        Scalar::Text(text) => Json::from(text.as_str()),
        Scalar::Integer(value) => Json::from(*value),
        Scalar::Real(value) => Json::from(*value),
        Scalar::Boolean(value) => Json::from(*value),
        Scalar::Instant(micros) => time::write(*micros).map_or(Json::Null, Json::from),
        Scalar::Date(days) => time::write(i64::from(*days) * 86_400_000_000).map_or(Json::Null, Json::from),
    }
}

const fn wanted(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Integer => "whole numbers",
        Syntax::Real => "numbers",
        Syntax::Boolean => "true or false",
        Syntax::Instant => "moments of the years 0 to 9999",
        Syntax::Binary => "bytes",
        Syntax::Reference => "references",
        Syntax::Complex => "values with parts",
        Syntax::Text | Syntax::Uri => "texts",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::builder::tests::standard;
    use proptest::prelude::*;

    fn read(syntax: Syntax, json: &str) -> Result<Option<Value>, ()> {
        let plain = Read(syntax).deserialize(&mut serde_json::Deserializer::from_str(json)).unwrap();
        value(syntax, plain)
    }

    pub(crate) fn attribute(syntax: Syntax) -> Attribute {
        let mut attribute = standard()[0].attribute("title").unwrap().clone();
        attribute.syntax = syntax;
        attribute
    }

    #[test]
    fn another_shape_is_a_mismatch() {
        for json in ["[]", "{}", r#"["a"]"#, r#"{"a": [1]}"#] {
            assert_eq!(read(Syntax::Text, json), Err(()), "{json}");
        }
        assert_eq!(read(Syntax::Text, "null"), Ok(None));
    }

    #[test]
    fn a_value_of_another_kind_is_read_as_far_as_it_makes_sense() {
        for (syntax, json, value) in [
            (Syntax::Boolean, r#""True""#, Value::Boolean(true)),
            (Syntax::Boolean, r#""yes""#, Value::from("yes")),
            (Syntax::Text, "4711", Value::from("4711")),
            (Syntax::Text, "true", Value::from("true")),
            (Syntax::Integer, r#""7""#, Value::Integer(7)),
            (Syntax::Integer, "18446744073709551615", Value::from("18446744073709551615")),
            (Syntax::Real, "2", Value::Real(2.0)),
            (Syntax::Instant, r#""soon""#, Value::from("soon")),
            (Syntax::Instant, r#""1970-01-01T00:00:01Z""#, Value::Instant(1_000_000)),
            (Syntax::Binary, r#""AQI=""#, Value::Binary(vec![1, 2])),
            (Syntax::Binary, r#""*""#, Value::from("*")),
        ] {
            assert_eq!(read(syntax, json), Ok(Some(value)), "{json}");
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused_with_its_attribute() {
        for (syntax, value) in [
            (Syntax::Text, Value::Integer(1)),
            (Syntax::Boolean, Value::Integer(1)),
            (Syntax::Complex, Value::from("x")),
            (Syntax::Binary, Value::from("x")),
            (Syntax::Instant, Value::Instant(i64::MAX)),
        ] {
            assert_eq!(write(&attribute(syntax), &value).unwrap_err().attributes(), ["title"]);
        }
        let part = Part { name: "colour".to_owned(), value: Scalar::Boolean(true) };
        let emails = standard()[0].attribute("emails").unwrap().clone();
        let error = write(&emails, &Value::Complex(vec![part])).unwrap_err();
        assert!(error.message().contains("`colour`") && error.message().contains("primary"), "{error}");
    }

    fn any_value() -> impl Strategy<Value = (Syntax, Value)> {
        prop_oneof![
            "\\PC{0,12}".prop_map(|text| (Syntax::Text, Value::Text(text))),
            any::<i64>().prop_map(|it| (Syntax::Integer, Value::Integer(it))),
            (-1e300_f64..1e300).prop_map(|it| (Syntax::Real, Value::Real(it))),
            any::<bool>().prop_map(|it| (Syntax::Boolean, Value::Boolean(it))),
            (0..4_000_000_000_000_000_i64).prop_map(|it| (Syntax::Instant, Value::Instant(it))),
            any::<Vec<u8>>().prop_map(|it| (Syntax::Binary, Value::Binary(it))),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was((syntax, value) in any_value()) {
            let json = write(&attribute(syntax), &value).unwrap().to_string();
            prop_assert_eq!(read(syntax, &json), Ok(Some(value)));
        }
    }
}
