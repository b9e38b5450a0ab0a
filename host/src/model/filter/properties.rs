//! Filters against a model of them that is as plain as can be: the grammar is undone by printing, and the evaluation
//! agrees with Kleene's three values as numbers.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::fuzz::{class, print};
use super::parse::parse;
use super::*;
use crate::model::Reference;

/// Attributes that can be compared, with what matters of them to the model.
const ATTRIBUTES: [&str; 10] =
    ["mail", "age", "First Name", "hired", "active", "score", "seen", "boss", "not", "say \"hi\" (x)"];

/// A few values, so that many rows match.
fn value(attribute: &str) -> BoxedStrategy<Value> {
    match attribute {
        "age" => prop_oneof![(-1i64..2).boxed(), any::<i64>().boxed()].prop_map(Value::Integer).boxed(),
        "active" => any::<bool>().prop_map(Value::Boolean).boxed(),
        "score" => prop_oneof![Just(-0.0), Just(0.5), Just(f64::MIN_POSITIVE), any::<f64>()]
            .prop_filter("JSON has finite numbers", |real| real.is_finite())
            .prop_map(Value::Real)
            .boxed(),
        "seen" => prop_oneof![(-1i64..2).boxed(), (-62_000_000_000_000_000i64..62_000_000_000_000_000).boxed()]
            .prop_map(Value::Instant)
            .boxed(),
        "hired" => prop_oneof![(-1i32..2).boxed(), (-700_000i32..2_900_000).boxed()].prop_map(Value::Date).boxed(),
        _ => text().prop_map(Value::Text).boxed(),
    }
}

/// Letters in both cases, with those whose lower case is special.
fn text() -> BoxedStrategy<String> {
    prop_oneof![8 => "[aAbΣσςİß@. ]{0,3}", 1 => any::<String>()].boxed()
}

fn leaf() -> BoxedStrategy<Filter> {
    let attribute = prop_oneof![prop::sample::select(&ATTRIBUTES[..]), Just(UID), Just(NAME)];
    attribute
        .prop_flat_map(|attribute| {
            let operators: &[Operator] = match value_of_text(attribute) {
                true => &TEXT_OPERATORS,
                false => &ORDER_OPERATORS,
            };
            prop_oneof![
                1 => Just(Filter::Present(attribute.to_owned())),
                6 => (prop::sample::select(operators), value(attribute)).prop_map(move |(operator, value)| {
                    Filter::Compare { attribute: attribute.to_owned(), operator, value }
                }),
            ]
        })
        .boxed()
}

const ORDER_OPERATORS: [Operator; 5] =
    [Operator::Equals, Operator::Greater, Operator::GreaterOrEqual, Operator::Less, Operator::LessOrEqual];
const TEXT_OPERATORS: [Operator; 8] = [
    Operator::Equals,
    Operator::Greater,
    Operator::GreaterOrEqual,
    Operator::Less,
    Operator::LessOrEqual,
    Operator::Contains,
    Operator::StartsWith,
    Operator::EndsWith,
];

fn value_of_text(attribute: &str) -> bool {
    !["age", "hired", "active", "score", "seen"].contains(&attribute)
}

fn filter() -> impl Strategy<Value = Filter> {
    leaf().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Any),
            inner.prop_map(|part| Filter::Not(Box::new(part))),
        ]
    })
}

/// What is known of an attribute.
#[derive(Clone, Debug)]
enum Known {
    Nothing,
    AtLeast(Vec<Value>),
    Exactly(Vec<Value>),
}

impl Known {
    fn cell(&self) -> Cell {
        match self {
            Self::Nothing => Cell::Unread,
            Self::AtLeast(values) => Cell::Partial(values.clone()),
            Self::Exactly(values) => match values.as_slice() {
                [] => Cell::Absent,
                [Value::Text(one)] => Cell::Text(one.clone()),
                [Value::Integer(one)] => Cell::Integer(*one),
                [Value::Real(one)] => Cell::Real(*one),
                [Value::Boolean(one)] => Cell::Boolean(*one),
                [Value::Instant(one)] => Cell::Instant(*one),
                [Value::Date(one)] => Cell::Date(*one),
                [Value::Reference(one)] => Cell::Reference(one.clone()),
                _ => Cell::Many(values.clone()),
            },
        }
    }
}

fn known(attribute: &'static str) -> impl Strategy<Value = Known> {
    let held = move |value| match (attribute, value) {
        ("boss", Value::Text(key)) => Value::Reference(Reference { class: None, key: Key::Name(key) }),
        (_, value) => value,
    };
    let values = prop::collection::vec(value(attribute).prop_map(held), 0..3);
    prop_oneof![
        1 => Just(Known::Nothing),
        1 => values.clone().prop_map(Known::AtLeast),
        4 => values.prop_map(Known::Exactly),
    ]
}

type Model = BTreeMap<&'static str, Known>;

fn model() -> impl Strategy<Value = Model> {
    let identifiers = (text(), text()).prop_map(|(uid, name)| {
        let exactly = |text| Known::Exactly(vec![Value::Text(text)]);
        [(UID, exactly(uid)), (NAME, exactly(name))]
    });
    let attributes: Vec<_> =
        ATTRIBUTES.into_iter().map(|name| known(name).prop_map(move |held| (name, held))).collect();
    (identifiers, attributes).prop_map(|(identifiers, attributes)| identifiers.into_iter().chain(attributes).collect())
}

fn matches(filter: &Filter, model: &Model) -> bool {
    let text = |name| match &model[name] {
        Known::Exactly(values) => match values.as_slice() {
            [Value::Text(text)] => text.clone(),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let cells = ATTRIBUTES.iter().map(|name| model[name].cell()).collect();
    let row = Row { uid: text(UID), name: text(NAME), revision: None, cells };
    filter.matches(&class(), &ATTRIBUTES, &row)
}

/// Yes is 1, no is -1, and nobody knows is 0.
fn truth(filter: &Filter, model: &Model) -> i8 {
    match filter {
        Filter::All(parts) => parts.iter().map(|part| truth(part, model)).min().unwrap(),
        Filter::Any(parts) => parts.iter().map(|part| truth(part, model)).max().unwrap(),
        Filter::Not(part) => -truth(part, model),
        Filter::Present(attribute) => some(&model[attribute.as_str()], |_| true),
        Filter::Compare { attribute, operator, value } => {
            let exact = !["mail", NAME, "say \"hi\" (x)"].contains(&attribute.as_str());
            some(&model[attribute.as_str()], |held| compares(held, *operator, value, exact))
        }
    }
}

fn some(known: &Known, holds: impl Fn(&Value) -> bool) -> i8 {
    match known {
        Known::AtLeast(values) | Known::Exactly(values) if values.iter().any(&holds) => 1,
        Known::Exactly(_) => -1,
        Known::Nothing | Known::AtLeast(_) => 0,
    }
}

fn compares(held: &Value, operator: Operator, wanted: &Value, exact: bool) -> bool {
    let ordered = |order: Option<std::cmp::Ordering>| {
        let Some(order) = order.map(|order| order as i8) else { return false };
        match operator {
            Operator::Equals => order == 0,
            Operator::Greater => order == 1,
            Operator::GreaterOrEqual => order >= 0,
            Operator::Less => order == -1,
            Operator::LessOrEqual => order <= 0,
            _ => false,
        }
    };
    match (held, wanted) {
        (Value::Integer(a), Value::Integer(b)) | (Value::Instant(a), Value::Instant(b)) => ordered(Some(a.cmp(b))),
        (Value::Date(a), Value::Date(b)) => ordered(Some(a.cmp(b))),
        (Value::Boolean(a), Value::Boolean(b)) => ordered(Some(a.cmp(b))),
        (Value::Real(a), Value::Real(b)) => ordered(a.partial_cmp(b)),
        (Value::Reference(Reference { key: Key::Name(a), .. }) | Value::Text(a), Value::Text(b)) => {
            let (a, b) = (letters(a, exact), letters(b, exact));
            match operator {
                Operator::Contains => (0..=a.len()).any(|at| a[at..].starts_with(&b)),
                Operator::StartsWith => a.len() >= b.len() && a[..b.len()] == b,
                Operator::EndsWith => a.len() >= b.len() && a[a.len() - b.len()..] == b,
                _ => ordered(Some(a.cmp(&b))),
            }
        }
        _ => false,
    }
}

fn letters(text: &str, exact: bool) -> Vec<char> {
    if exact { text.chars().collect() } else { text.chars().flat_map(char::to_lowercase).collect() }
}

proptest! {
    #[test]
    fn a_filter_that_was_printed_is_read_as_it_was(filter in filter()) {
        let printed = print(&filter);
        prop_assert_eq!(parse(&printed, &class()), Ok(filter), "{}", printed);
    }

    #[test]
    fn a_row_is_shown_where_the_plain_model_says_yes(filter in filter(), model in model()) {
        prop_assert_eq!(matches(&filter, &model), truth(&filter, &model) == 1);
        let opposite = Filter::Not(Box::new(filter));
        prop_assert_eq!(matches(&opposite, &model), truth(&opposite, &model) == 1);
    }

    #[test]
    fn what_is_decided_stays_so_when_more_is_read(
        filter in filter(), model in model(), hidden in prop::collection::vec(any::<bool>(), ATTRIBUTES.len())
    ) {
        let mut less = model.clone();
        for (name, _) in ATTRIBUTES.iter().zip(hidden).filter(|(_, hidden)| *hidden) {
            less.insert(name, Known::Nothing);
        }
        prop_assert!(!matches(&filter, &less) || matches(&filter, &model));
    }

    #[test]
    fn no_text_breaks_the_parser(text in "([a-z\" ()@]|mail|eq|not|and|or|pr|null|\\PC){0,40}") {
        fuzz::filter(text.as_bytes());
    }
}
