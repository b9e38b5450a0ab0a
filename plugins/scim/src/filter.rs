//! Filters: the contract's tree to the text of RFC 7644, 3.4.2.2.
//!
//! The host filters again, so a service may find too much; it must never find too little. So there is no negation, no order
//! of texts, no "has a value" (services disagree about empty ones), and nothing that depends on the case of letters beyond
//! ASCII. What an operator named as not to be filtered is not asked for.

use crate::model::{Attribute, Class, Syntax};
use crate::server::Server;
use crate::time;
use hawser_sdk::{Comparison, Filter, FilterNode, Key, Value};
use std::cell::Cell;

/// How deep a tree is followed; what lies deeper is left to the host.
const DEPTH_MAX: u32 = 32;
/// How many nodes are looked at: a flat tree may name the same part again and again.
const STEPS_MAX: u32 = 1_024;
/// The longest filter that is handed over, in bytes: it stands in a URL.
const TEXT_BYTES_MAX: usize = 2_048;
/// Microseconds of a second: services keep times less exactly than they show them.
const SECOND: i64 = 1_000_000;

/// What can be handed to a service of a filter on a class; nothing if none of it can.
pub(crate) fn pushed(filter: &Filter, class: &Class, server: &Server) -> Option<String> {
    if !server.can.filter {
        return None;
    }
    let filterable = |path: &str| server.options.is_filterable(path);
    let translator = Translator { filter, class, filterable: &filterable, steps: Cell::new(STEPS_MAX) };
    translator.node(filter.root, 0).filter(|text| text.len() <= TEXT_BYTES_MAX)
}

struct Translator<'a> {
    filter: &'a Filter,
    class: &'a Class,
    filterable: &'a dyn Fn(&str) -> bool,
    /// How many nodes may still be looked at.
    steps: Cell<u32>,
}

impl Translator<'_> {
    fn node(&self, at: u32, depth: u32) -> Option<String> {
        self.steps.set(self.steps.get().checked_sub(1)?);
        let node = usize::try_from(at).ok().and_then(|at| self.filter.nodes.get(at)).filter(|_| depth < DEPTH_MAX)?;
        match node {
            FilterNode::AllOf(parts) => self.all(parts, depth),
            FilterNode::AnyOf(parts) => self.any(parts, depth),
            FilterNode::Equals(comparison) => self.equals(comparison),
            FilterNode::Contains(comparison) => self.text(comparison, "co"),
            FilterNode::StartsWith(comparison) => self.text(comparison, "sw"),
            FilterNode::EndsWith(comparison) => self.text(comparison, "ew"),
            FilterNode::Greater(comparison) => self.order(comparison, "gt", true),
            FilterNode::GreaterOrEqual(comparison) => self.order(comparison, "ge", true),
            FilterNode::Less(comparison) => self.order(comparison, "lt", false),
            FilterNode::LessOrEqual(comparison) => self.order(comparison, "le", false),
            FilterNode::Negate(_) | FilterNode::Present(_) => None,
        }
    }

    /// Every part that can be pushed narrows what is found.
    fn all(&self, parts: &[u32], depth: u32) -> Option<String> {
        let pushed: Vec<String> = parts.iter().filter_map(|part| self.node(*part, depth + 1)).collect();
        joined(&pushed, " and ")
    }

    /// One part that cannot be pushed may find anything.
    fn any(&self, parts: &[u32], depth: u32) -> Option<String> {
        let pushed: Vec<String> = parts.iter().map(|part| self.node(*part, depth + 1)).collect::<Option<_>>()?;
        joined(&pushed, " or ")
    }

    fn equals(&self, comparison: &Comparison) -> Option<String> {
        if comparison.attribute == "@uid" {
            let uid = comparison.value.as_text()?;
            return (self.filterable)("id").then(|| format!("id eq {}", quoted(uid)));
        }
        let attribute = self.attribute(&comparison.attribute)?;
        let path = &attribute.path;
        match (attribute.syntax, &comparison.value) {
            (Syntax::Text | Syntax::Uri, Value::Text(_)) => self.text(comparison, "eq"),
            (Syntax::Boolean, Value::Boolean(value)) => Some(format!("{path} eq {value}")),
            (Syntax::Integer, Value::Integer(value)) => Some(format!("{path} eq {value}")),
            (Syntax::Instant, Value::Instant(micros)) => {
                let (from, to) = (bound(*micros, true)?, bound(*micros, false)?);
                Some(format!("({path} ge {from} and {path} le {to})"))
            }
            (Syntax::Reference, value) => {
                let key = key(value)?;
                let of = if attribute.multi { format!("{path}.value") } else { path.to_string() };
                Some(format!("{of} eq {}", quoted(key)))
            }
            _ => None,
        }
    }

    fn text(&self, Comparison { attribute, value }: &Comparison, operator: &str) -> Option<String> {
        let attribute = self.attribute(attribute).filter(|it| matches!(it.syntax, Syntax::Text | Syntax::Uri))?;
        let text = value.as_text().filter(|text| !text.is_empty())?;
        // Which letters are the same beyond ASCII, everybody decides otherwise.
        (attribute.case_exact || text.is_ascii()).then(|| format!("{} {operator} {}", attribute.path, quoted(text)))
    }

    /// Numbers and moments only: texts have another order everywhere.
    fn order(&self, Comparison { attribute, value }: &Comparison, operator: &str, up: bool) -> Option<String> {
        let attribute = self.attribute(attribute)?;
        match (attribute.syntax, value) {
            (Syntax::Integer, Value::Integer(value)) => Some(format!("{} {operator} {value}", attribute.path)),
            (Syntax::Instant, Value::Instant(micros)) => {
                let operator = if up { "ge" } else { "le" };
                Some(format!("{} {operator} {}", attribute.path, bound(*micros, up)?))
            }
            _ => None,
        }
    }

    /// The attribute of the service that an attribute of the contract is, if it can be filtered by.
    fn attribute(&self, name: &str) -> Option<&Attribute> {
        let found = if name == "@name" { self.class.naming() } else { self.class.attribute(name) };
        found.filter(|it| it.is_readable() && (self.filterable)(&it.path.to_string()) && (self.filterable)(&it.name))
    }
}

/// Parts stand in parentheses, so that nobody has to know what binds tighter.
fn joined(parts: &[String], operator: &str) -> Option<String> {
    match parts {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("({})", many.join(operator))),
    }
}

fn key(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        Value::Reference(reference) => match &reference.key {
            Key::Uid(key) | Key::Name(key) => Some(key),
        },
        _ => None,
    }
}

/// A text of a filter is one of JSON.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The whole second before or behind a moment, which lets pass everything the host could.
fn bound(micros: i64, up: bool) -> Option<String> {
    let floor = micros.div_euclid(SECOND).checked_mul(SECOND)?;
    let widened = if up { floor } else { floor.checked_add(SECOND)? };
    time::write(widened).map(|moment| quoted(&moment))
}

#[cfg(test)]
mod tests;
