//! Whatever a value is, its JSON says it, and says nothing else: through the text and back, whole rows included.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::fuzz;

/// Every kind of value, with its extremes.
fn value() -> impl Strategy<Value = (Syntax, Value)> {
    let texts = vec![Syntax::Text, Syntax::Uri, Syntax::Dn, Syntax::Uuid, Syntax::Json, Syntax::Xml, Syntax::Decimal];
    let instants = Timestamp::MIN.as_microsecond()..=Timestamp::MAX.as_microsecond();
    let days = |year: i16| EPOCH.until(Date::constant(year, 6, 15)).unwrap().get_days();
    let days = days(-9999)..days(9999);
    prop_oneof![
        (prop::sample::select(texts), any::<String>()).prop_map(|(syntax, v)| (syntax, Value::Text(v))),
        integer().prop_map(|v| (Syntax::Integer, Value::Integer(v))),
        any::<bool>().prop_map(|v| (Syntax::Boolean, Value::Boolean(v))),
        real().prop_map(|v| (Syntax::Real, Value::Real(v))),
        any::<Vec<u8>>().prop_map(|v| (Syntax::Binary, Value::Binary(v))),
        instants.prop_map(|v| (Syntax::Instant, Value::Instant(v))),
        days.prop_map(|v| (Syntax::Date, Value::Date(v))),
        (any::<Option<String>>(), any::<String>(), any::<bool>()).prop_map(|(class, key, by_uid)| {
            let key = if by_uid { Key::Uid(key) } else { Key::Name(key) };
            (Syntax::Reference, Value::Reference(Reference { class, key }))
        }),
        parts().prop_map(|v| (Syntax::Complex, Value::Complex(v))),
    ]
}

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![Just(i64::MIN), Just(i64::MAX), Just((1 << 53) + 1), any::<i64>()]
}

fn real() -> impl Strategy<Value = f64> {
    let any = any::<u64>().prop_map(f64::from_bits).prop_filter("JSON has finite numbers", |real| real.is_finite());
    prop_oneof![Just(f64::MAX), Just(f64::MIN_POSITIVE), Just(-0.0), Just(1e20), 0.0..1.0f64, any]
}

/// A complex value says the syntax of its parts by their JSON alone, which instants and dates share with text.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    let scalar = prop_oneof![
        any::<String>().prop_map(Scalar::Text),
        integer().prop_map(Scalar::Integer),
        real().prop_map(Scalar::Real),
        any::<bool>().prop_map(Scalar::Boolean),
    ];
    let part = |(name, value)| Part { name, value };
    prop::collection::btree_map(any::<String>(), scalar, 0..4)
        .prop_map(move |parts| parts.into_iter().map(part).collect())
}

/// A column and what it says.
fn cell() -> impl Strategy<Value = (Syntax, Cell)> {
    let single = value().prop_map(|(syntax, value)| (syntax, single(value)));
    let none = |cell: Cell| Just((Syntax::Text, cell));
    let list = (any::<bool>(), prop::collection::vec(any::<String>().prop_map(Value::Text), 0..4));
    prop_oneof![
        4 => single,
        1 => none(Cell::Absent),
        1 => none(Cell::Unread),
        2 => list.prop_map(|(whole, list)| (Syntax::Text, if whole { Cell::Many(list) } else { Cell::Partial(list) })),
    ]
}

fn single(value: Value) -> Cell {
    match value {
        Value::Text(v) => Cell::Text(v),
        Value::Integer(v) => Cell::Integer(v),
        Value::Real(v) => Cell::Real(v),
        Value::Boolean(v) => Cell::Boolean(v),
        Value::Binary(v) => Cell::Binary(v),
        Value::Instant(v) => Cell::Instant(v),
        Value::Date(v) => Cell::Date(v),
        Value::Reference(v) => Cell::Reference(v),
        Value::Complex(v) => Cell::Complex(v),
    }
}

/// What a reader of a body takes an attribute for.
#[derive(Debug, PartialEq)]
enum Read {
    Absent,
    Unread,
    All(Vec<Value>),
    Some(Vec<Value>),
}

impl Read {
    fn of(cell: &Cell) -> Self {
        match cell {
            Cell::Absent => Self::Absent,
            Cell::Unread => Self::Unread,
            Cell::Partial(values) => Self::Some(values.clone()),
            whole => Self::All(whole.clone().into_values()),
        }
    }

    fn from(body: &Json, name: &str, syntax: Syntax) -> Self {
        let listed = |key: &str| body[key].as_array().is_some_and(|names| names.contains(&name.into()));
        let values = body["attributes"].get(name).map(|values| {
            values.as_array().unwrap().iter().map(|value| value_from_json(value, syntax).unwrap()).collect()
        });
        match (values, listed("unread"), listed("partial")) {
            (None, false, false) => Self::Absent,
            (None, true, false) => Self::Unread,
            (Some(values), false, false) => Self::All(values),
            (Some(values), false, true) => Self::Some(values),
            other => panic!("{name:?} is several things at once: {other:?}"),
        }
    }
}

/// JSON as anybody may send it.
fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        real().prop_map(Json::from),
        any::<String>().prop_map(Json::from),
        "[-+]?[0-9]{1,6}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-5][0-9]:[0-6][0-9](\\.[0-9]{1,9})?(Z|[-+][0-9]{2}:[0-9]{2}))?"
            .prop_map(Json::from),
        "[A-Za-z0-9+/]{0,6}={0,2}".prop_map(|text| serde_json::json!({ "binary": text })),
    ];
    let key = prop_oneof![Just("uid"), Just("name"), Just("class"), Just("binary"), Just("x")].prop_map(str::to_owned);
    leaf.prop_recursive(2, 8, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Json::Array),
            prop::collection::btree_map(key.clone(), inner, 0..3)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

const SYNTAXES: [Syntax; 9] = [
    Syntax::Text,
    Syntax::Integer,
    Syntax::Real,
    Syntax::Boolean,
    Syntax::Binary,
    Syntax::Instant,
    Syntax::Date,
    Syntax::Reference,
    Syntax::Complex,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn every_number_of_days_is_a_date_or_none(days: i32) {
        prop_assert_eq!(date_text(days).and_then(|text| super::days(&text)).is_none_or(|back| back == days), true);
    }

    #[test]
    fn a_value_survives_the_text_of_its_json_and_back((syntax, value) in value()) {
        let text = value_to_json(&value).to_string();
        let read = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(value_from_json(&read, syntax), Ok(value), "{}", text);
    }

    #[test]
    fn a_row_survives_its_body_and_nothing_is_ever_two_things(cells in prop::collection::vec(cell(), 0..6)) {
        let names: Vec<String> = (0..cells.len()).map(|at| format!("column {at}")).collect();
        let (syntaxes, cells): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
        let body: Json = serde_json::from_str(&object_body(&names, &cells).unwrap()).unwrap();
        for ((name, syntax), cell) in names.iter().zip(syntaxes).zip(&cells) {
            prop_assert_eq!(Read::from(&body, name, syntax), Read::of(cell));
        }
    }

    #[test]
    fn json_of_whatever_kind_is_a_value_that_can_be_written_or_a_short_refusal(json in json()) {
        for syntax in SYNTAXES {
            match value_from_json(&json, syntax) {
                Ok(value) => prop_assert_eq!(value_from_json(&value_to_json(&value), syntax), Ok(value)),
                Err(why) => fuzz::readable(&why),
            }
        }
    }

    #[test]
    fn parameters_are_an_object_of_lists(
        held in prop::collection::btree_map(any::<String>(), prop::collection::vec(any::<String>(), 0..3), 0..4)
    ) {
        let texts = |values: &Vec<String>| values.iter().cloned().map(Value::Text).collect();
        let attribute = |(name, values): (&String, &Vec<String>)| {
            crate::model::object::Attribute { name: name.clone(), values: texts(values) }
        };
        let body = parameters_body(&held.iter().map(attribute).collect::<Vec<_>>()).unwrap();
        prop_assert_eq!(serde_json::from_str::<BTreeMap<String, Vec<String>>>(&body).unwrap(), held);
    }
}
