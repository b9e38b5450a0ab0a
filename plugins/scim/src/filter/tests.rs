//! Filters against a reader and a judge of their own: what the host finds, the service finds too.

use super::*;
use crate::builder::tests::{DEPARTMENT, standard};
use crate::values;
use proptest::prelude::*;

fn comparison(attribute: &str, value: impl Into<Value>) -> Comparison {
    Comparison { attribute: attribute.to_owned(), value: value.into() }
}

fn filter(nodes: Vec<FilterNode>) -> Filter {
    let root = u32::try_from(nodes.len() - 1).unwrap();
    Filter { nodes, root }
}

/// The standard's account, with a number.
fn class() -> Class {
    let mut class = standard().remove(0);
    let number = values::tests::attribute(Syntax::Integer);
    let path = crate::model::Path { attribute: "number".to_owned(), ..number.path.clone() };
    class.attributes.push(Attribute { name: "number".to_owned(), path, ..number });
    class
}

fn pushed_to(filter: &Filter, class: &Class, filterable: &dyn Fn(&str) -> bool) -> Option<String> {
    let translator = Translator { filter, class, filterable, steps: Cell::new(STEPS_MAX) };
    translator.node(filter.root, 0)
}

fn account(nodes: Vec<FilterNode>) -> Option<String> {
    pushed_to(&filter(nodes), &class(), &|_| true)
}

#[test]
fn what_the_service_would_decide_otherwise_is_left_to_the_host() {
    let title = || FilterNode::Equals(comparison("title", "a"));
    assert_eq!(account(vec![title(), FilterNode::Negate(0)]), None);
    assert_eq!(account(vec![FilterNode::Present("title".to_owned())]), None);
    assert_eq!(account(vec![FilterNode::Greater(comparison("title", "a"))]), None, "another order");
    assert_eq!(account(vec![FilterNode::Equals(comparison("title", "é"))]), None, "other letters");
    assert_eq!(account(vec![FilterNode::Equals(comparison("title", ""))]), None);
    assert_eq!(account(vec![FilterNode::Equals(comparison("nosuch", "a"))]), None);
    assert_eq!(account(vec![FilterNode::Equals(comparison("password", "a"))]), None);
    assert_eq!(account(vec![title(), FilterNode::Negate(0), FilterNode::AnyOf(vec![0, 1])]), None);
    let filter = filter(vec![title()]);
    assert_eq!(pushed_to(&filter, &class(), &|path| path != "title"), None, "the operator knows better");
}

#[test]
fn a_part_that_cannot_be_pushed_only_widens_the_whole() {
    let nodes = vec![
        FilterNode::Equals(comparison("title", "a")),
        FilterNode::Present("nickName".to_owned()),
        FilterNode::AllOf(vec![0, 1]),
    ];
    assert_eq!(account(nodes).as_deref(), Some("title eq \"a\""));
}

#[test]
fn a_tree_that_bites_its_tail_ends() {
    assert_eq!(account(vec![FilterNode::AllOf(vec![0, 0])]), None);
    assert_eq!(account(vec![FilterNode::AnyOf(vec![7])]), None);
    let wide: Vec<FilterNode> = std::iter::once(FilterNode::Equals(comparison("title", "a")))
        .chain((0..12).map(|at| FilterNode::AllOf(vec![at; 8])))
        .collect();
    assert!(account(wide).is_none_or(|text| text.len() < 1 << 20));
}

#[test]
fn attributes_are_what_the_service_calls_them() {
    let equals = |name: &str, value: Value| account(vec![FilterNode::Equals(comparison(name, value))]);
    assert_eq!(equals("@uid", "1".into()).as_deref(), Some(r#"id eq "1""#));
    assert_eq!(equals("@name", "a\"d".into()).as_deref(), Some(r#"userName eq "a\"d""#));
    assert_eq!(equals("enabled", true.into()).as_deref(), Some("active eq true"));
    assert_eq!(equals("name:givenName", "Ada".into()).as_deref(), Some(r#"name.givenName eq "Ada""#));
    assert_eq!(equals(DEPARTMENT, "x".into()), Some(format!(r#"{DEPARTMENT} eq "x""#)));
    assert_eq!(equals("groups", "9".into()).as_deref(), Some(r#"groups.value eq "9""#));
    let later = FilterNode::Greater(comparison("meta:created", Value::Instant(1_500_000)));
    assert_eq!(account(vec![later]).as_deref(), Some(r#"meta.created ge "1970-01-01T00:00:01Z""#));
    let then = equals("meta:created", Value::Instant(1_500_000));
    let expected = r#"(meta.created ge "1970-01-01T00:00:01Z" and meta.created le "1970-01-01T00:00:02Z")"#;
    assert_eq!(then.as_deref(), Some(expected));
}

/// A filter as a service reads it.
#[derive(Debug)]
enum Read {
    All(Vec<Self>),
    Any(Vec<Self>),
    Test(String, String, serde_json::Value),
}

fn read(text: &mut &str) -> Read {
    if let Some(rest) = text.strip_prefix('(') {
        *text = rest;
        let mut parts = vec![read(text)];
        let mut operator = "";
        while !text.starts_with(')') {
            let word = if text.starts_with(" and ") { " and " } else { " or " };
            assert!(operator.is_empty() || operator == word, "two operators in one pair of parentheses: {text}");
            operator = word;
            *text = text.strip_prefix(word).expect("an operator");
            parts.push(read(text));
        }
        *text = &text[1..];
        return if operator == " or " { Read::Any(parts) } else { Read::All(parts) };
    }
    let (path, rest) = text.split_once(' ').unwrap();
    let (operator, rest) = rest.split_once(' ').unwrap();
    let mut is_escaped = false;
    let mut ends = |c: char| {
        let was_escaped = is_escaped;
        is_escaped = c == '\\' && !was_escaped;
        c == '"' && !was_escaped
    };
    let end = match rest.strip_prefix('"') {
        Some(text) => text.find(&mut ends).unwrap() + 2,
        None => rest.find([' ', ')']).unwrap_or(rest.len()),
    };
    let value = serde_json::from_str(&rest[..end]).unwrap();
    *text = &rest[end..];
    Read::Test(path.to_owned(), operator.to_owned(), value)
}

/// A user of the model: two texts and a number, each of which may be missing.
#[derive(Clone, Debug)]
struct Person {
    title: Option<String>,
    nick: Option<String>,
    number: Option<i64>,
}

impl Person {
    fn text(&self, name: &str) -> Option<String> {
        let text = if name == "title" { &self.title } else { &self.nick };
        text.as_ref().map(|text| text.to_ascii_lowercase())
    }

    fn service(&self, filter: &Read) -> bool {
        match filter {
            Read::All(parts) => parts.iter().all(|part| self.service(part)),
            Read::Any(parts) => parts.iter().any(|part| self.service(part)),
            Read::Test(path, operator, value) if path == "number" => {
                let wanted = value.as_i64().unwrap();
                self.number.is_some_and(|number| match operator.as_str() {
                    "eq" => number == wanted,
                    "gt" => number > wanted,
                    "ge" => number >= wanted,
                    "lt" => number < wanted,
                    _ => number <= wanted,
                })
            }
            Read::Test(path, operator, value) => {
                let wanted = value.as_str().unwrap().to_ascii_lowercase();
                self.text(path).is_some_and(|text| match operator.as_str() {
                    "eq" => text == wanted,
                    "co" => text.contains(&wanted),
                    "sw" => text.starts_with(&wanted),
                    _ => text.ends_with(&wanted),
                })
            }
        }
    }

    /// The host's own judgement.
    fn host(&self, filter: &Filter, at: u32) -> bool {
        let text = |comparison: &Comparison, holds: fn(&str, &str) -> bool| {
            let wanted = comparison.value.as_text().unwrap_or_default().to_ascii_lowercase();
            self.text(&comparison.attribute).is_some_and(|text| holds(&text, &wanted))
        };
        let number = |comparison: &Comparison, holds: fn(&i64, &i64) -> bool| match &comparison.value {
            Value::Integer(wanted) => self.number.is_some_and(|number| holds(&number, wanted)),
            _ => false,
        };
        match &filter.nodes[at as usize] {
            FilterNode::AllOf(parts) => parts.iter().all(|part| self.host(filter, *part)),
            FilterNode::AnyOf(parts) => parts.iter().any(|part| self.host(filter, *part)),
            FilterNode::Negate(part) => !self.host(filter, *part),
            FilterNode::Equals(c) if c.attribute == "number" => number(c, |a, b| a == b),
            FilterNode::Equals(c) => text(c, |a, b| a == b),
            FilterNode::Contains(c) => text(c, |a, b| a.contains(b)),
            FilterNode::StartsWith(c) => text(c, |a, b| a.starts_with(b)),
            FilterNode::EndsWith(c) => text(c, |a, b| a.ends_with(b)),
            FilterNode::Greater(c) => number(c, |a, b| a > b),
            FilterNode::GreaterOrEqual(c) => number(c, |a, b| a >= b),
            FilterNode::Less(c) => number(c, |a, b| a < b),
            FilterNode::LessOrEqual(c) => number(c, |a, b| a <= b),
            FilterNode::Present(name) if name == "number" => self.number.is_some(),
            FilterNode::Present(name) => self.text(name).is_some(),
        }
    }
}

fn word() -> impl Strategy<Value = String> {
    "[abA\"() \\\\é]{0,3}"
}

fn node(at: u32) -> BoxedStrategy<FilterNode> {
    let text =
        || (prop_oneof![Just("title"), Just("nickName")], word()).prop_map(|(name, word)| comparison(name, word));
    let number = || (0_i64..4).prop_map(|number| comparison("number", number));
    let leaf = prop_oneof![
        text().prop_map(FilterNode::Equals),
        text().prop_map(FilterNode::Contains),
        text().prop_map(FilterNode::StartsWith),
        text().prop_map(FilterNode::EndsWith),
        number().prop_map(FilterNode::Equals),
        number().prop_map(FilterNode::Greater),
        number().prop_map(FilterNode::GreaterOrEqual),
        number().prop_map(FilterNode::Less),
        number().prop_map(FilterNode::LessOrEqual),
        prop_oneof![Just("title"), Just("number")].prop_map(|name| FilterNode::Present(name.to_owned())),
    ];
    if at == 0 {
        return leaf.boxed();
    }
    let before = move || prop::collection::vec(0..at, 0..3);
    prop_oneof![
        3 => leaf,
        1 => before().prop_map(FilterNode::AllOf),
        1 => before().prop_map(FilterNode::AnyOf),
        1 => (0..at).prop_map(FilterNode::Negate),
    ]
    .boxed()
}

fn person() -> impl Strategy<Value = Person> {
    (prop::option::of(word()), prop::option::of(word()), prop::option::of(0_i64..4))
        .prop_map(|(title, nick, number)| Person { title, nick, number })
}

proptest! {
    #[test]
    fn a_service_finds_whatever_the_host_finds(
        nodes in (0_u32..8).prop_flat_map(|last| (0..=last).map(node).collect::<Vec<_>>()),
        people in prop::collection::vec(person(), 1..6),
    ) {
        let filter = filter(nodes);
        let Some(text) = pushed_to(&filter, &class(), &|_| true) else { return Ok(()) };
        let mut rest = text.as_str();
        let read = read(&mut rest);
        prop_assert!(rest.is_empty(), "{text}");
        for person in people {
            let host = person.host(&filter, filter.root);
            prop_assert!(!host || person.service(&read), "{text} loses {person:?}");
        }
    }

    #[test]
    fn every_text_is_read_back_from_its_filter(text in "\\PC{0,12}|[\u{0}-\u{1f}\"\\\\]{0,4}") {
        prop_assert_eq!(serde_json::from_str::<String>(&quoted(&text)).unwrap(), text);
    }
}
