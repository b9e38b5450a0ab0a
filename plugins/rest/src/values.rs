//! Values: what the JSON of an API says, and how a value is said to it.

use crate::mapping::{Attribute, Kind};
use hawser_sdk::{Cell, Error, Key, Reference, Result, Value};
use serde_json::{Number, Value as Json};
use time::format_description::well_known::Rfc3339;
use time::{Date, Duration, OffsetDateTime};

const UNIX_EPOCH_DAY: Date = OffsetDateTime::UNIX_EPOCH.date();

/// The cell an item has for an attribute.
///
/// # Errors
/// What is wrong with it, for the record to be set aside.
pub(crate) fn cell(attribute: &Attribute, item: &Json) -> Result<Cell, String> {
    let Some(json) = attribute.pointer.get(item) else { return Ok(Cell::Absent) };
    if attribute.multi_valued {
        return many(attribute, json).map(Cell::Many);
    }
    one(attribute, json).map(single)
}

/// All values an item has for an attribute.
pub(crate) fn values(attribute: &Attribute, item: &Json) -> Result<Vec<Value>, String> {
    match attribute.pointer.get(item) {
        None => Ok(Vec::new()),
        Some(json) if attribute.multi_valued => many(attribute, json),
        Some(json) => one(attribute, json).map(|value| vec![value]),
    }
}

fn many(attribute: &Attribute, json: &Json) -> Result<Vec<Value>, String> {
    match (json, &attribute.separator) {
        (Json::Array(list), None) => list.iter().map(|json| one(attribute, json)).collect(),
        (Json::String(text), Some(separator)) => {
            let parts = text.split(separator.as_str()).map(str::trim).filter(|part| !part.is_empty());
            parts.map(|part| one(attribute, &Json::from(part))).collect()
        }
        (json, _) => one(attribute, json).map(|value| vec![value]),
    }
}

fn one(attribute: &Attribute, json: &Json) -> Result<Value, String> {
    let value = match attribute.kind {
        Kind::Text => text(json).map(Value::Text),
        Kind::Integer => integer(json).map(Value::Integer),
        Kind::Real => json.as_f64().map(Value::Real),
        Kind::Boolean => boolean(attribute, json).map(Value::Boolean),
        Kind::Instant => json.as_str().and_then(instant).map(Value::Instant),
        Kind::Seconds => integer(json).and_then(|seconds| seconds.checked_mul(1_000_000)).map(Value::Instant),
        Kind::Milliseconds => integer(json).and_then(|millis| millis.checked_mul(1_000)).map(Value::Instant),
        Kind::Date => json.as_str().and_then(date).map(Value::Date),
        Kind::Reference => text(json).map(|uid| Value::Reference(reference(attribute, uid))),
        Kind::Json => Some(Value::Text(json.to_string())),
    };
    value.ok_or_else(|| format!("{} is {}, which is no {}", attribute.pointer, shown(json), attribute.kind.noun()))
}

fn single(value: Value) -> Cell {
    match value {
        Value::Text(text) => Cell::Text(text),
        Value::Integer(integer) => Cell::Integer(integer),
        Value::Real(real) => Cell::Real(real),
        Value::Boolean(boolean) => Cell::Boolean(boolean),
        Value::Binary(bytes) => Cell::Binary(bytes),
        Value::Instant(instant) => Cell::Instant(instant),
        Value::Date(date) => Cell::Date(date),
        Value::Reference(reference) => Cell::Reference(reference),
        Value::Complex(parts) => Cell::Complex(parts),
    }
}

/// Numbers and booleans are read as texts too: uids of many APIs are numbers.
fn text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(_) | Json::Bool(_) => Some(json.to_string()),
        _ => None,
    }
}

fn integer(json: &Json) -> Option<i64> {
    json.as_i64().or_else(|| json.as_str()?.parse().ok())
}

fn boolean(attribute: &Attribute, json: &Json) -> Option<bool> {
    match (&attribute.when_true, &attribute.when_false) {
        (Some(yes), _) if yes == json => Some(true),
        (_, Some(no)) if no == json => Some(false),
        (None, None) => json.as_bool(),
        _ => None,
    }
}

fn instant(text: &str) -> Option<i64> {
    let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
    i64::try_from(nanos.div_euclid(1_000)).ok()
}

fn date(text: &str) -> Option<i32> {
    let (year, rest) = text.split_once('-')?;
    let (month, day) = rest.split_once('-')?;
    let month = time::Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
    i32::try_from((date - UNIX_EPOCH_DAY).whole_days()).ok()
}

fn reference(attribute: &Attribute, uid: String) -> Reference {
    Reference { class: attribute.refers_to.clone(), key: Key::Uid(uid) }
}

/// What is sent for these values. No value is `null`, or an empty list, or an empty text between separators.
///
/// # Errors
/// `invalid-attribute-value`, on the attribute.
pub(crate) fn encode(name: &str, attribute: &Attribute, values: &[Value]) -> Result<Json> {
    let refused = |why: String| Error::invalid_attribute_value(format!("`{name}` {why}")).attribute(name);
    if !attribute.multi_valued && values.len() > 1 {
        return Err(refused(format!("takes one value, not {}", values.len())));
    }
    let said: Vec<Json> = values.iter().map(|value| say(attribute, value).map_err(refused)).collect::<Result<_>>()?;
    match &attribute.separator {
        Some(separator) => {
            let texts: Vec<String> = said.iter().filter_map(text).collect();
            match texts.iter().find(|text| text.contains(separator.as_str())) {
                Some(text) => Err(refused(format!("has the value {text:?}, and `{separator}` separates its values"))),
                None => Ok(Json::from(texts.join(separator))),
            }
        }
        None if attribute.multi_valued => Ok(Json::Array(said)),
        None => Ok(said.into_iter().next().unwrap_or(Json::Null)),
    }
}

fn say(attribute: &Attribute, value: &Value) -> Result<Json, String> {
    let said = match (attribute.kind, value) {
        (Kind::Text, Value::Text(text)) if !attribute.allowed.is_empty() && !attribute.allowed.contains(text) => {
            return Err(format!("can be {}", attribute.allowed.join(", ")));
        }
        (Kind::Text, Value::Text(text)) => Some(Json::from(text.as_str())),
        (Kind::Integer, Value::Integer(integer)) => Some(Json::from(*integer)),
        (Kind::Real, Value::Real(real)) => Number::from_f64(*real).map(Json::Number),
        (Kind::Real, Value::Integer(integer)) => Some(Json::from(*integer)),
        (Kind::Boolean, Value::Boolean(boolean)) => Some(say_boolean(attribute, *boolean)),
        (Kind::Instant, Value::Instant(micros)) => say_instant(*micros),
        (Kind::Seconds, Value::Instant(micros)) => Some(Json::from(micros.div_euclid(1_000_000))),
        (Kind::Milliseconds, Value::Instant(micros)) => Some(Json::from(micros.div_euclid(1_000))),
        (Kind::Date, Value::Date(days)) => {
            UNIX_EPOCH_DAY.checked_add(Duration::days((*days).into())).map(|it| Json::from(it.to_string()))
        }
        (Kind::Reference, Value::Reference(Reference { key: Key::Uid(uid), .. })) => Some(Json::from(uid.as_str())),
        (Kind::Json, Value::Text(text)) => serde_json::from_str(text).ok(),
        _ => None,
    };
    said.ok_or_else(|| format!("takes {}", attribute.kind.noun()))
}

fn say_boolean(attribute: &Attribute, boolean: bool) -> Json {
    let word = if boolean { &attribute.when_true } else { &attribute.when_false };
    word.clone().unwrap_or(Json::Bool(boolean))
}

fn say_instant(micros: i64) -> Option<Json> {
    let instant = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok()?;
    instant.format(&Rfc3339).ok().map(Json::from)
}

fn shown(json: &Json) -> String {
    let text = json.to_string();
    text.get(..text.floor_char_boundary(80)).unwrap_or_default().to_owned()
}

impl Kind {
    fn noun(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "whole number",
            Self::Real => "number",
            Self::Boolean => "boolean",
            Self::Instant | Self::Seconds | Self::Milliseconds => "point in time",
            Self::Date => "date",
            Self::Reference => "uid of another object",
            Self::Json => "JSON",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn attribute(yaml: &str) -> Attribute {
        serde_saphyr::from_str(&format!("pointer: /a\n{yaml}")).unwrap()
    }

    fn read(yaml: &str, json: &Json) -> Result<Cell, String> {
        cell(&attribute(yaml), &json!({"a": json}))
    }

    #[test]
    fn what_is_no_value_of_its_kind_is_told_with_its_place() {
        for (kind, json) in
            [("integer", json!("x")), ("boolean", json!("yes")), ("text", json!({"b": 1})), ("instant", json!("soon"))]
        {
            let why = read(&format!("type: {kind}"), &json).unwrap_err();
            assert!(why.starts_with("/a is "), "{why}");
        }
        assert!(read("when-true: active\nwhen-false: locked\ntype: boolean", &json!("gone")).is_err());
    }

    #[test]
    fn absent_and_an_empty_list_stay_apart() {
        assert_eq!(read("multi-valued: true", &Json::Null).unwrap(), Cell::Absent);
        assert_eq!(read("multi-valued: true", &json!([])).unwrap(), Cell::Many(Vec::new()));
        assert_eq!(encode("a", &attribute("multi-valued: true"), &[]).unwrap(), json!([]));
        assert_eq!(encode("a", &attribute(""), &[]).unwrap(), Json::Null);
    }

    #[test]
    fn an_api_has_words_of_its_own() {
        let locked = "type: boolean\nwhen-true: active\nwhen-false: [locked]";
        assert_eq!(read(locked, &json!("active")).unwrap(), Cell::Boolean(true));
        assert_eq!(read(locked, &json!(["locked"])).unwrap(), Cell::Boolean(false));
        assert_eq!(encode("a", &attribute(locked), &[Value::Boolean(false)]).unwrap(), json!(["locked"]));
        let tags = "multi-valued: true\nseparator: ','";
        assert_eq!(read(tags, &json!("a, b,")).unwrap(), Cell::Many(vec![Value::from("a"), Value::from("b")]));
        assert!(encode("a", &attribute(tags), &[Value::from("a,b")]).is_err());
    }

    #[test]
    fn values_that_do_not_fit_blame_their_attribute() {
        for (yaml, values) in [
            ("", vec![Value::from("a"), Value::from("b")]),
            ("type: integer", vec![Value::from("1")]),
            ("allowed: [a]", vec![Value::from("b")]),
            ("type: json", vec![Value::from("{")]),
        ] {
            assert_eq!(encode("x", &attribute(yaml), &values).unwrap_err().attributes(), ["x"], "{yaml}");
        }
    }

    #[test]
    fn times_are_said_as_the_api_says_them() {
        for (kind, said) in [
            ("instant", json!("1970-01-02T00:00:01Z")),
            ("seconds", json!(86_401)),
            ("milliseconds", json!(86_401_000)),
        ] {
            let yaml = format!("type: {kind}");
            assert_eq!(read(&yaml, &said).unwrap(), Cell::Instant(86_401_000_000), "{kind}");
            assert_eq!(encode("a", &attribute(&yaml), &[Value::Instant(86_401_000_000)]).unwrap(), said, "{kind}");
        }
        assert_eq!(read("type: date", &json!("1969-12-31")).unwrap(), Cell::Date(-1));
    }

    proptest! {
        #[test]
        fn what_is_said_is_read_back(text in "\\PC{0,20}", integer: i64, days in -700_000i32..2_900_000, micros in -10_000_000_000_000_000i64..100_000_000_000_000_000, boolean: bool) {
            for (kind, value) in [
                ("text", Value::Text(text)),
                ("integer", Value::Integer(integer)),
                ("date", Value::Date(days)),
                ("instant", Value::Instant(micros)),
                ("boolean", Value::Boolean(boolean)),
            ] {
                let attribute = attribute(&format!("type: {kind}"));
                let said = encode("a", &attribute, std::slice::from_ref(&value)).unwrap();
                let is_null = said.is_null();
                prop_assert_eq!(values(&attribute, &json!({"a": said})).unwrap(), vec![value]);
                prop_assert!(!is_null);
            }
        }
    }
}
