//! Filters: a tree of comparisons over a class's attributes, with the evaluation the host always does itself.
//!
//! A connector pushes down what it can and may return too much; what the caller sees was matched here. Evaluation
//! is three-valued: an attribute that was not read says nothing, and neither does its negation.

pub mod flat;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod parse;
#[cfg(test)]
mod properties;

use super::object::{Key, Row};
use super::schema::{ClassInfo, Matching};
use super::value::{Cell, Value};

/// The name by which a filter speaks of an object's uid.
pub const UID: &str = "@uid";
/// The name by which a filter speaks of an object's name.
pub const NAME: &str = "@name";

/// How an attribute is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equals,
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// A filter whose values have the types of the schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Compare { attribute: String, operator: Operator, value: Value },
    Present(String),
}

impl Filter {
    /// The attributes it looks at, without `@uid` and `@name`; these have to be read for it to be decided.
    pub fn attributes(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.collect_attributes(&mut names);
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Does the row match? `columns[i]` names `row.cells[i]`.
    pub fn matches(&self, class: &ClassInfo, columns: &[impl AsRef<str>], row: &Row) -> bool {
        let view = View { class, columns, row };
        self.decide(&view) == Some(true)
    }

    fn collect_attributes<'a>(&'a self, names: &mut Vec<&'a str>) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.collect_attributes(names)),
            Self::Not(part) => part.collect_attributes(names),
            Self::Compare { attribute, .. } | Self::Present(attribute) => {
                if attribute != UID && attribute != NAME {
                    names.push(attribute);
                }
            }
        }
    }

    fn decide<C: AsRef<str>>(&self, view: &View<'_, C>) -> Option<bool> {
        match self {
            Self::All(parts) => fold(parts, view, false),
            Self::Any(parts) => fold(parts, view, true),
            Self::Not(part) => part.decide(view).map(|decided| !decided),
            Self::Present(attribute) => view.present(attribute),
            Self::Compare { attribute, operator, value } => view.compare(attribute, *operator, value),
        }
    }
}

/// `decisive` is the answer that settles the whole: true for any-of, false for all-of.
fn fold<C: AsRef<str>>(parts: &[Filter], view: &View<'_, C>, decisive: bool) -> Option<bool> {
    let mut whole = Some(!decisive);
    for part in parts {
        match part.decide(view) {
            Some(decided) if decided == decisive => return Some(decisive),
            None => whole = None,
            Some(_) => {}
        }
    }
    whole
}

struct View<'a, C> {
    class: &'a ClassInfo,
    columns: &'a [C],
    row: &'a Row,
}

impl<C: AsRef<str>> View<'_, C> {
    fn cell(&self, attribute: &str) -> &Cell {
        let column = self.columns.iter().position(|column| column.as_ref() == attribute);
        column.and_then(|i| self.row.cells.get(i)).unwrap_or(&Cell::Unread)
    }

    fn present(&self, attribute: &str) -> Option<bool> {
        match (attribute, self.cell(attribute)) {
            (UID | NAME, _) => Some(true),
            (_, Cell::Unread) => None,
            (_, Cell::Absent) => Some(false),
            (_, Cell::Many(values)) => Some(!values.is_empty()),
            (_, Cell::Partial(values)) => {
                if values.is_empty() {
                    None
                } else {
                    Some(true)
                }
            }
            _ => Some(true),
        }
    }

    fn compare(&self, attribute: &str, operator: Operator, wanted: &Value) -> Option<bool> {
        let text = |text: &str, matching| Some(holds(&Value::Text(text.to_owned()), operator, wanted, matching));
        match attribute {
            UID => return text(&self.row.uid, self.class.uid_matching),
            NAME => return text(&self.row.name, self.class.name_matching),
            _ => {}
        }
        let matching = self.class.attribute(attribute).map_or(Matching::Exact, |info| info.matching);
        let any = |values: &[Value]| values.iter().any(|value| holds(value, operator, wanted, matching));
        match self.cell(attribute) {
            Cell::Unread => None,
            Cell::Many(values) => Some(any(values)),
            Cell::Partial(values) => {
                if any(values) {
                    Some(true)
                } else {
                    None
                }
            }
            single => Some(any(&single.clone().into_values())),
        }
    }
}

fn holds(value: &Value, operator: Operator, wanted: &Value, matching: Matching) -> bool {
    match (value, wanted) {
        (Value::Text(value), Value::Text(wanted)) => match matching {
            Matching::Exact => text_holds(value, operator, wanted),
            Matching::CaseIgnore | Matching::Dn => text_holds(&folded(value), operator, &folded(wanted)),
        },
        (Value::Reference(reference), Value::Text(wanted)) => match &reference.key {
            Key::Uid(key) | Key::Name(key) => text_holds(key, operator, wanted),
        },
        _ => ordering(value, wanted).is_some_and(|ordering| ordering_holds(ordering, operator)),
    }
}

/// Letter by letter: the lower case of a whole text depends on where a sigma stands in it, and no part would match.
fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn text_holds(value: &str, operator: Operator, wanted: &str) -> bool {
    match operator {
        Operator::Contains => value.contains(wanted),
        Operator::StartsWith => value.starts_with(wanted),
        Operator::EndsWith => value.ends_with(wanted),
        _ => ordering_holds(value.cmp(wanted), operator),
    }
}

fn ordering(value: &Value, wanted: &Value) -> Option<std::cmp::Ordering> {
    match (value, wanted) {
        (Value::Integer(a), Value::Integer(b)) | (Value::Instant(a), Value::Instant(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.cmp(b)),
        (Value::Boolean(a), Value::Boolean(b)) => Some(a.cmp(b)),
        (Value::Real(a), Value::Real(b)) => a.partial_cmp(b),
        (Value::Binary(a), Value::Binary(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn ordering_holds(ordering: std::cmp::Ordering, operator: Operator) -> bool {
    match operator {
        Operator::Equals => ordering.is_eq(),
        Operator::Greater => ordering.is_gt(),
        Operator::GreaterOrEqual => ordering.is_ge(),
        Operator::Less => ordering.is_lt(),
        Operator::LessOrEqual => ordering.is_le(),
        Operator::Contains | Operator::StartsWith | Operator::EndsWith => false,
    }
}

#[cfg(test)]
mod tests {
    use super::parse::parse;
    use super::*;
    use crate::model::schema::tests::people;

    fn row(cells: Vec<Cell>) -> Row {
        Row { uid: "u1".into(), name: "jane".into(), revision: None, cells }
    }

    fn matches(filter: &str, cell: Cell) -> bool {
        parse(filter, &people()).unwrap().matches(&people(), &["mail"], &row(vec![cell]))
    }

    #[test]
    fn an_attribute_that_was_not_read_matches_neither_a_comparison_nor_its_negation() {
        assert!(!matches(r#"mail eq "a""#, Cell::Unread));
        assert!(!matches(r#"not (mail eq "a")"#, Cell::Unread));
        assert!(!matches("not (mail pr)", Cell::Unread));
    }

    #[test]
    fn an_absent_attribute_is_not_present() {
        assert!(matches("not (mail pr)", Cell::Absent));
        assert!(matches(r#"mail ne "a""#, Cell::Absent));
    }

    #[test]
    fn one_matching_value_of_many_is_enough() {
        let many = Cell::Many(vec![Value::Text("x@a".into()), Value::Text("y@b".into())]);
        assert!(matches(r#"mail ew "@b""#, many.clone()));
        assert!(!matches(r#"mail sw "z""#, many));
    }

    #[test]
    fn a_partial_list_without_the_value_says_nothing() {
        let partial = Cell::Partial(vec![Value::Text("x".into())]);
        assert!(matches(r#"mail eq "x""#, partial.clone()));
        assert!(!matches(r#"not (mail eq "y")"#, partial));
    }

    #[test]
    fn text_is_compared_as_the_schema_says() {
        assert!(matches(r#"mail eq "JANE@CORP""#, Cell::Text("jane@corp".into())));
        assert!(!matches(r#"@uid eq "U1""#, Cell::Absent));
        assert!(matches(r#"@uid eq "u1" and @name sw "ja""#, Cell::Absent));
    }
}
