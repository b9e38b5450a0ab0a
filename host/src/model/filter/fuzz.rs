//! The fuzzers' door to filters, and the inverse of the parser that it takes: every filter that was read can be written,
//! and means the same when it is read again.

use super::flat::{self, FilterNode};
use super::parse::{FILTER_BYTES_MAX, parse};
use super::{Filter, Operator};
use crate::model::schema::tests::{people, plain};
use crate::model::{AttributeInfo, ClassInfo, Matching, Syntax, fuzz, json};

/// A filter as a caller sends it.
pub fn filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match parse(text, &class()) {
        Err(error) => fuzz::refused(&error),
        Ok(filter) => {
            assert!(filter.attributes().iter().all(|name| class().attribute(name).is_some_and(|info| info.readable)));
            children_first(&flat::Filter::from(&filter));
            let printed = print(&filter);
            // What a caller wrote more briefly may be too long when it is spelt out.
            if printed.len() <= FILTER_BYTES_MAX {
                assert_eq!(parse(&printed, &class()), Ok(filter), "{printed}");
            }
        }
    }
}

/// People with an attribute of every kind that can be compared, under names of every kind.
pub(crate) fn class() -> ClassInfo {
    let matching = |matching, info| AttributeInfo { matching, ..info };
    let mut class = people();
    class.attributes.extend([
        plain("active", Syntax::Boolean),
        plain("score", Syntax::Real),
        plain("seen", Syntax::Instant),
        plain("boss", Syntax::Reference),
        plain("photo", Syntax::Binary),
        plain("address", Syntax::Complex),
        plain("not", Syntax::Decimal),
        matching(Matching::Dn, plain("say \"hi\" (x)", Syntax::Dn)),
    ]);
    class
}

/// The text of a filter.
pub(crate) fn print(filter: &Filter) -> String {
    let name = |name: &String| serde_json::Value::from(name.as_str());
    match filter {
        Filter::All(parts) => joined(parts, " and "),
        Filter::Any(parts) => joined(parts, " or "),
        Filter::Present(attribute) => format!("{} pr", name(attribute)),
        Filter::Compare { attribute, operator, value } => {
            format!("{} {} {}", name(attribute), word(*operator), json::value_to_json(value))
        }
        Filter::Not(part) => match &**part {
            // Without parentheses of their own, as deep as the parser read them.
            Filter::Present(attribute) => format!("{} eq null", name(attribute)),
            Filter::Compare { attribute, operator: Operator::Equals, value } => {
                format!("{} ne {}", name(attribute), json::value_to_json(value))
            }
            part => format!("not ({})", print(part)),
        },
    }
}

fn joined(parts: &[Filter], word: &str) -> String {
    let part = |part: &Filter| match part {
        Filter::All(_) | Filter::Any(_) => format!("({})", print(part)),
        _ => print(part),
    };
    parts.iter().map(part).collect::<Vec<_>>().join(word)
}

fn word(operator: Operator) -> &'static str {
    match operator {
        Operator::Equals => "eq",
        Operator::Contains => "co",
        Operator::StartsWith => "sw",
        Operator::EndsWith => "ew",
        Operator::Greater => "gt",
        Operator::GreaterOrEqual => "ge",
        Operator::Less => "lt",
        Operator::LessOrEqual => "le",
    }
}

/// What the contract promises to connectors.
fn children_first(filter: &flat::Filter) {
    for (at, node) in filter.nodes.iter().enumerate() {
        let children = match node {
            FilterNode::AllOf(parts) | FilterNode::AnyOf(parts) => parts.as_slice(),
            FilterNode::Negate(part) => std::slice::from_ref(part),
            _ => &[],
        };
        assert!(children.iter().all(|child| (*child as usize) < at), "{filter:?}");
    }
    assert_eq!(filter.root as usize + 1, filter.nodes.len());
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_fuzzers_found_in_filters_stays_found() {
        crate::model::fuzz::replay("filter", super::filter);
    }
}
