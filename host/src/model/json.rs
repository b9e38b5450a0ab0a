//! Values as JSON: one form for the API, the store and the change feed.
//!
//! | value | JSON |
//! |---|---|
//! | text, uri, dn, ... | string |
//! | integer, real | number (integers have 64 bits) |
//! | boolean | boolean |
//! | instant | RFC 3339 string |
//! | date | `YYYY-MM-DD` string |
//! | binary | `{"binary": base64}` |
//! | reference | `{"class"?, "uid"}` or `{"class"?, "name"}` |
//! | complex | object of scalars |
//!
//! An object's body is `{"attributes": {name: [values]}, "unread": [names], "partial": [names]}`: an attribute that is
//! known to have no value is in none of the three, one with an empty list is in `attributes`.

pub mod merge;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::civil::Date;
use jiff::{SignedDuration, Span, Timestamp};
use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value as Json};

use super::object::{Key, Reference};
use super::schema::Syntax;
use super::text::shown;
use super::value::{Cell, Part, Scalar, Value};

/// How much of a value that is not right is repeated, in bytes.
const SEEN_BYTES_MAX: usize = 40;

const EPOCH: Date = Date::constant(1970, 1, 1);

/// Microseconds since the epoch as RFC 3339; `None` outside the years -9999 to 9999.
pub fn instant_text(micros: i64) -> Option<String> {
    Timestamp::from_microsecond(micros).ok().map(|instant| instant.to_string())
}

/// Days since the epoch as `YYYY-MM-DD`; `None` outside the years -9999 to 9999.
pub fn date_text(days: i32) -> Option<String> {
    let since = Span::new().try_days(days).ok()?;
    EPOCH.checked_add(since).ok().map(|date| date.to_string())
}

/// `YYYY-MM-DD` as days since the epoch; the inverse of [`date_text`].
pub fn days(text: &str) -> Option<i32> {
    let date: Date = text.parse().ok()?;
    if date.to_string() != text {
        return None;
    }
    let since: SignedDuration = date.duration_since(EPOCH);
    i32::try_from(since.as_hours() / 24).ok()
}

/// A value as JSON. What JSON cannot say (not-a-number, years beyond 9999) becomes null; intake refuses such values.
pub fn value_to_json(value: &Value) -> Json {
    serde_json::to_value(Wire(value)).unwrap_or(Json::Null)
}

/// JSON as a value of that syntax; the error says what was expected.
pub fn value_from_json(json: &Json, syntax: Syntax) -> Result<Value, String> {
    match syntax {
        Syntax::Text | Syntax::Uri | Syntax::Dn | Syntax::Uuid | Syntax::Json | Syntax::Xml | Syntax::Decimal => {
            text(json).map(|text| Value::Text(text.to_owned()))
        }
        Syntax::Integer => json.as_i64().map(Value::Integer).ok_or_else(|| wrong(json, "an integer of 64 bits")),
        Syntax::Real => json.as_f64().map(Value::Real).ok_or_else(|| wrong(json, "a number")),
        Syntax::Boolean => json.as_bool().map(Value::Boolean).ok_or_else(|| wrong(json, "true or false")),
        Syntax::Binary => binary(json),
        Syntax::Instant => instant(json),
        Syntax::Date => date(json),
        Syntax::Reference => reference(json).map(Value::Reference),
        Syntax::Complex => complex(json),
    }
}

/// An object's body as JSON text; `columns[i]` names `cells[i]`. Fails on values JSON cannot say.
pub fn object_body<C: AsRef<str>>(columns: &[C], cells: &[Cell]) -> serde_json::Result<String> {
    serde_json::to_string(&Body { columns, cells })
}

/// Edge or grant parameters as JSON text, an object of lists.
pub fn parameters_body(parameters: &[super::object::Attribute]) -> serde_json::Result<String> {
    let object: Map<String, Json> = parameters
        .iter()
        .map(|parameter| (parameter.name.clone(), parameter.values.iter().map(value_to_json).collect()))
        .collect();
    serde_json::to_string(&object)
}

fn text(json: &Json) -> Result<&str, String> {
    json.as_str().ok_or_else(|| wrong(json, "a string"))
}

fn wrong(json: &Json, expected: &str) -> String {
    format!("expected {expected}, found {}", shown(&json.to_string(), SEEN_BYTES_MAX))
}

fn binary(json: &Json) -> Result<Value, String> {
    let expected = "an object {\"binary\": base64}";
    let object = json.as_object().filter(|object| object.len() == 1).ok_or_else(|| wrong(json, expected))?;
    let encoded = object.get("binary").and_then(Json::as_str).ok_or_else(|| wrong(json, expected))?;
    BASE64.decode(encoded).map(Value::Binary).map_err(|why| format!("expected {expected}: {why}"))
}

fn instant(json: &Json) -> Result<Value, String> {
    let parsed = text(json)?.parse::<Timestamp>();
    let instant = parsed.map_err(|_| wrong(json, "an RFC 3339 instant such as \"2026-01-31T08:00:00Z\""))?;
    Ok(Value::Instant(instant.as_microsecond()))
}

fn date(json: &Json) -> Result<Value, String> {
    let expected = || wrong(json, "a date such as \"2026-01-31\"");
    days(text(json)?).map(Value::Date).ok_or_else(expected)
}

/// JSON as a reference.
pub fn reference(json: &Json) -> Result<Reference, String> {
    let expected = || wrong(json, "an object {\"class\"?, \"uid\"} or {\"class\"?, \"name\"}");
    let object = json.as_object().ok_or_else(expected)?;
    let field = |name| object.get(name).and_then(Json::as_str).map(str::to_owned);
    let class = field("class");
    let key = match (field("uid"), field("name")) {
        (Some(uid), None) => Key::Uid(uid),
        (None, Some(name)) => Key::Name(name),
        _ => return Err(expected()),
    };
    let fields = 1 + usize::from(class.is_some());
    if object.len() == fields { Ok(Reference { class, key }) } else { Err(expected()) }
}

fn complex(json: &Json) -> Result<Value, String> {
    let object = json.as_object().ok_or_else(|| wrong(json, "an object of simple values"))?;
    let part = |(name, value): (&String, &Json)| scalar(value).map(|value| Part { name: name.clone(), value });
    object.iter().map(part).collect::<Result<Vec<_>, _>>().map(Value::Complex)
}

fn scalar(json: &Json) -> Result<Scalar, String> {
    match json {
        Json::String(text) => Ok(Scalar::Text(text.clone())),
        Json::Bool(value) => Ok(Scalar::Boolean(*value)),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Ok(Scalar::Integer(integer)),
            (None, Some(real)) => Ok(Scalar::Real(real)),
            (None, None) => Err(wrong(json, "a number of 64 bits")),
        },
        _ => Err(wrong(json, "a string, number or boolean")),
    }
}

/// Writes a value in its JSON form without building a tree.
struct Wire<'a>(&'a Value);

impl Serialize for Wire<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Text(v) => to.serialize_str(v),
            Value::Integer(v) => to.serialize_i64(*v),
            Value::Real(v) => real_to(*v, to),
            Value::Boolean(v) => to.serialize_bool(*v),
            Value::Binary(v) => binary_to(v, to),
            Value::Instant(v) => instant_to(*v, to),
            Value::Date(v) => date_to(*v, to),
            Value::Reference(v) => reference_to(v, to),
            Value::Complex(v) => complex_to(v, to),
        }
    }
}

/// The values of a cell as the list they are in JSON.
struct Values<'a>(&'a Cell);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Cell::Absent | Cell::Unread => to.serialize_seq(Some(0))?.end(),
            Cell::Many(values) | Cell::Partial(values) => to.collect_seq(values.iter().map(Wire)),
            single => {
                let mut list = to.serialize_seq(Some(1))?;
                list.serialize_element(&Single(single))?;
                list.end()
            }
        }
    }
}

struct Single<'a>(&'a Cell);

impl Serialize for Single<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Cell::Text(v) => to.serialize_str(v),
            Cell::Integer(v) => to.serialize_i64(*v),
            Cell::Real(v) => real_to(*v, to),
            Cell::Boolean(v) => to.serialize_bool(*v),
            Cell::Binary(v) => binary_to(v, to),
            Cell::Instant(v) => instant_to(*v, to),
            Cell::Date(v) => date_to(*v, to),
            Cell::Reference(v) => reference_to(v, to),
            Cell::Complex(v) => complex_to(v, to),
            Cell::Absent | Cell::Unread | Cell::Many(_) | Cell::Partial(_) => to.serialize_unit(),
        }
    }
}

fn real_to<S: Serializer>(real: f64, to: S) -> Result<S::Ok, S::Error> {
    if real.is_finite() { to.serialize_f64(real) } else { Err(S::Error::custom("a real that is not a number")) }
}

fn binary_to<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    let mut object = to.serialize_map(Some(1))?;
    object.serialize_entry("binary", &BASE64.encode(bytes))?;
    object.end()
}

fn instant_to<S: Serializer>(micros: i64, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&instant_text(micros).ok_or_else(|| S::Error::custom("an instant beyond the year 9999"))?)
}

fn date_to<S: Serializer>(days: i32, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&date_text(days).ok_or_else(|| S::Error::custom("a date beyond the year 9999"))?)
}

fn reference_to<S: Serializer>(reference: &Reference, to: S) -> Result<S::Ok, S::Error> {
    let mut object = to.serialize_map(None)?;
    if let Some(class) = &reference.class {
        object.serialize_entry("class", class)?;
    }
    match &reference.key {
        Key::Uid(uid) => object.serialize_entry("uid", uid)?,
        Key::Name(name) => object.serialize_entry("name", name)?,
    }
    object.end()
}

fn complex_to<S: Serializer>(parts: &[Part], to: S) -> Result<S::Ok, S::Error> {
    let mut object = to.serialize_map(Some(parts.len()))?;
    for part in parts {
        object.serialize_entry(&part.name, &Wire(&part.value.clone().into()))?;
    }
    object.end()
}

struct Body<'a, C> {
    columns: &'a [C],
    cells: &'a [Cell],
}

impl<C: AsRef<str>> Serialize for Body<'_, C> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut body = to.serialize_map(None)?;
        body.serialize_entry("attributes", &Attributes { columns: self.columns, cells: self.cells })?;
        for (key, wanted) in [("unread", is_unread as fn(&Cell) -> bool), ("partial", is_partial)] {
            let names = Names { columns: self.columns, cells: self.cells, wanted };
            if names.iter().next().is_some() {
                body.serialize_entry(key, &names)?;
            }
        }
        body.end()
    }
}

fn is_unread(cell: &Cell) -> bool {
    matches!(cell, Cell::Unread)
}

fn is_partial(cell: &Cell) -> bool {
    matches!(cell, Cell::Partial(_))
}

struct Attributes<'a, C> {
    columns: &'a [C],
    cells: &'a [Cell],
}

impl<C: AsRef<str>> Serialize for Attributes<'_, C> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut attributes = to.serialize_map(None)?;
        for (column, cell) in self.columns.iter().zip(self.cells) {
            if !matches!(cell, Cell::Absent | Cell::Unread) {
                attributes.serialize_entry(column.as_ref(), &Values(cell))?;
            }
        }
        attributes.end()
    }
}

struct Names<'a, C> {
    columns: &'a [C],
    cells: &'a [Cell],
    wanted: fn(&Cell) -> bool,
}

impl<'a, C: AsRef<str>> Names<'a, C> {
    fn iter(&self) -> impl Iterator<Item = &'a str> {
        let wanted = self.wanted;
        self.columns.iter().zip(self.cells).filter(move |(_, cell)| wanted(cell)).map(|(column, _)| column.as_ref())
    }
}

impl<C: AsRef<str>> Serialize for Names<'_, C> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_another_kind_is_refused_with_what_was_expected() {
        for (json, syntax, hint) in [
            (serde_json::json!(1), Syntax::Text, "a string"),
            (serde_json::json!(1.5), Syntax::Integer, "64 bits"),
            (serde_json::json!(u64::MAX), Syntax::Integer, "64 bits"),
            (serde_json::json!("yes"), Syntax::Boolean, "true or false"),
            (serde_json::json!("2026-02-30"), Syntax::Date, "a date"),
            (serde_json::json!("20260101"), Syntax::Date, "a date"),
            (serde_json::json!("yesterday"), Syntax::Instant, "RFC 3339"),
            (serde_json::json!({"binary": "!"}), Syntax::Binary, "base64"),
            (serde_json::json!({"uid": "a", "name": "b"}), Syntax::Reference, "an object"),
            (serde_json::json!({"uid": "a", "x": 1}), Syntax::Reference, "an object"),
            (serde_json::json!({"a": [1]}), Syntax::Complex, "a string, number or boolean"),
        ] {
            let why = value_from_json(&json, syntax).unwrap_err();
            assert!(why.contains(hint), "{json}: {why}");
        }
    }

    #[test]
    fn absent_unread_partial_and_empty_stay_different() {
        let cells = [
            Cell::Absent,
            Cell::Unread,
            Cell::Partial(vec![Value::Integer(1)]),
            Cell::Many(Vec::new()),
            Cell::Text("x".into()),
        ];
        let body = object_body(&["absent", "unread", "partial", "empty", "text"], &cells).unwrap();
        let expected =
            r#"{"attributes":{"partial":[1],"empty":[],"text":["x"]},"unread":["unread"],"partial":["partial"]}"#;
        assert_eq!(body, expected);
    }

    #[test]
    fn a_value_json_cannot_say_is_an_error_and_not_a_null() {
        assert!(object_body(&["a"], &[Cell::Real(f64::NAN)]).is_err());
        assert!(object_body(&["a"], &[Cell::Instant(i64::MAX)]).is_err());
    }
}
