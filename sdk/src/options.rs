//! Options: the connection's values, deserialized into the connector's own struct.
//!
//! The struct's fields are the names the host is asked for; there is no list of all options to read. An option
//! without a value is left out, so that serde's `default` and `Option` work as they do everywhere.

use crate::backend;
use crate::error::{Error, Result};
use crate::model::Value;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;

/// Reads the options of the connection.
pub(crate) fn read<T: DeserializeOwned>() -> Result<T> {
    T::deserialize(Options).map_err(|problem| Error::configuration(problem.0))
}

/// What is wrong with the options, for the operator.
#[derive(Debug)]
struct Problem(String);

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self(format!("the option `{field}` has no value; set it for this connection"))
    }
}

struct Options;

impl<'de> de::Deserializer<'de> for Options {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_unit()
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_map(Fields { rest: fields.iter(), current: None })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Fields {
    rest: std::slice::Iter<'static, &'static str>,
    current: Option<(&'static str, Vec<Value>)>,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        let set = self.rest.by_ref().map(|name| (*name, backend::option(name))).find(|(_, values)| !values.is_empty());
        let Some((name, values)) = set else { return Ok(None) };
        self.current = Some((name, values));
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Problem> {
        let (name, values) = self.current.take().unwrap_or_default();
        seed.deserialize(Values(values)).map_err(|problem| Problem(format!("option `{name}`: {problem}")))
    }
}

/// All values of one option: a list where a list is wanted, else the only one.
struct Values(Vec<Value>);

impl Values {
    fn single(self) -> Result<Single, Problem> {
        let [value] = <[Value; 1]>::try_from(self.0)
            .map_err(|values| Problem(format!("takes one value, has {}", values.len())))?;
        Ok(Single(value))
    }
}

impl<'de> de::Deserializer<'de> for Values {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.single()?.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        self.single()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_seq(Elements(self.0.into_iter()))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple tuple_struct map struct identifier ignored_any
    }
}

struct Elements(std::vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Elements {
    type Error = Problem;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Problem> {
        self.0.next().map(|value| seed.deserialize(Single(value))).transpose()
    }
}

struct Single(Value);

impl<'de> de::Deserializer<'de> for Single {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.0 {
            Value::Text(text) => visitor.visit_string(text),
            Value::Integer(integer) => visitor.visit_i64(integer),
            Value::Real(real) => visitor.visit_f64(real),
            Value::Boolean(boolean) => visitor.visit_bool(boolean),
            _ => Err(Problem("options are text, integers, reals or booleans".to_owned())),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match self.0 {
            Value::Text(text) => text.into_deserializer().deserialize_enum(name, variants, visitor),
            _ => Err(Problem(format!("takes one of {}", variants.join(", ")))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FailureKind;
    use crate::testing::Host;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Mode {
        ReadOnly,
        ReadWrite,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    struct Sample {
        base_name: String,
        mode: Mode,
        #[serde(default)]
        columns: Vec<String>,
        note: Option<String>,
        #[serde(default)]
        size: u32,
    }

    #[test]
    fn a_missing_or_wrong_option_is_named() {
        let host = Host::new().option("mode", "read-only").enter();
        let error = read::<Sample>().unwrap_err();
        assert_eq!(error.kind(), FailureKind::Configuration);
        assert!(error.message().contains("`base-name`"), "{error}");
        drop(host);
        let _host = Host::new().option("base-name", "x").option("mode", "sideways").enter();
        let error = read::<Sample>().unwrap_err();
        assert!(error.message().contains("`mode`") && error.message().contains("sideways"), "{error}");
    }

    #[test]
    fn two_values_do_not_fit_where_one_is_taken() {
        let _host = Host::new().options("base-name", ["a", "b"]).option("mode", "read-only").enter();
        assert!(read::<Sample>().unwrap_err().message().contains("takes one value"));
    }

    #[test]
    fn options_become_the_connectors_struct() {
        let _host = Host::new()
            .option("base-name", "x")
            .option("mode", "read-write")
            .options("columns", ["a"])
            .option("size", 7)
            .enter();
        let expected =
            Sample { base_name: "x".into(), mode: Mode::ReadWrite, columns: vec!["a".into()], note: None, size: 7 };
        assert_eq!(read::<Sample>().unwrap(), expected);
        read::<()>().unwrap();
    }
}
