//! Filters: the contract's tree to the text of RFC 4515.
//!
//! The host filters again, so a server may find too much; it must never find too little. What a server compares
//! otherwise than the host (an attribute without a matching rule, an order of texts) is not handed to it, and a negation
//! only of what both decide alike.

use crate::dialect::Dialect;
use crate::dn::Dn;
use crate::model::{Class, DN, Native, Syntax};
use crate::operational::Operational;
use crate::{uuid, values};
use hawser_sdk::{Comparison, Filter, FilterNode, Key, Value};
use std::cell::Cell;
use std::fmt::Write as _;

/// How deep a tree is followed; what lies deeper is left to the host.
const DEPTH_MAX: u32 = 32;
/// How many nodes are looked at: a flat tree may name the same part again and again.
const STEPS_MAX: u32 = 4_096;
/// Finds nothing.
const NOTHING: &str = "(!(objectClass=*))";
/// Microseconds of a second, the step of times in filters.
const SECOND: i64 = 1_000_000;

/// What can be handed to a server of a filter on a class; nothing if none of it can.
pub(crate) fn pushed(filter: &Filter, class: &Class, dialect: Dialect, name: &str) -> Option<String> {
    let translator = Translator { filter, class, dialect, name, steps: Cell::new(STEPS_MAX) };
    translator.node(filter.root, 0).map(|pushed| pushed.text)
}

/// A part of a filter that the server can decide.
struct Pushed {
    text: String,
    /// The server finds exactly what the host does, so that its negation loses nothing.
    exact: bool,
}

impl Pushed {
    fn new(text: String, exact: bool) -> Option<Self> {
        Some(Self { text, exact })
    }
}

struct Translator<'a> {
    filter: &'a Filter,
    class: &'a Class,
    dialect: Dialect,
    /// The attribute that is the class's name, or `dn`.
    name: &'a str,
    /// How many nodes may still be looked at.
    steps: Cell<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Contains,
    Starts,
    Ends,
}

impl Translator<'_> {
    fn node(&self, at: u32, depth: u32) -> Option<Pushed> {
        self.steps.set(self.steps.get().checked_sub(1)?);
        let node = usize::try_from(at).ok().and_then(|at| self.filter.nodes.get(at)).filter(|_| depth < DEPTH_MAX)?;
        match node {
            FilterNode::AllOf(parts) => self.all(parts, depth),
            FilterNode::AnyOf(parts) => self.any(parts, depth),
            FilterNode::Negate(part) => {
                let inner = self.node(*part, depth + 1).filter(|inner| inner.exact)?;
                Pushed::new(format!("(!{})", inner.text), true)
            }
            FilterNode::Equals(comparison) => self.equals(comparison),
            FilterNode::Contains(comparison) => self.part(comparison, Part::Contains),
            FilterNode::StartsWith(comparison) => self.part(comparison, Part::Starts),
            FilterNode::EndsWith(comparison) => self.part(comparison, Part::Ends),
            FilterNode::Greater(comparison) | FilterNode::GreaterOrEqual(comparison) => self.order(comparison, true),
            FilterNode::Less(comparison) | FilterNode::LessOrEqual(comparison) => self.order(comparison, false),
            FilterNode::Present(attribute) => {
                let native = self.native(attribute)?;
                Pushed::new(format!("({}=*)", native.name), false)
            }
        }
    }

    /// Every part that can be pushed narrows what is found.
    fn all(&self, parts: &[u32], depth: u32) -> Option<Pushed> {
        let pushed: Vec<Pushed> = parts.iter().filter_map(|part| self.node(*part, depth + 1)).collect();
        let exact = pushed.len() == parts.len() && pushed.iter().all(|part| part.exact);
        if pushed.is_empty() { None } else { Pushed::new(joined('&', &pushed), exact) }
    }

    /// One part that cannot be pushed may find anything.
    fn any(&self, parts: &[u32], depth: u32) -> Option<Pushed> {
        let pushed: Vec<Pushed> = parts.iter().map(|part| self.node(*part, depth + 1)).collect::<Option<_>>()?;
        let exact = pushed.iter().all(|part| part.exact);
        if pushed.is_empty() { Pushed::new(NOTHING.to_owned(), true) } else { Pushed::new(joined('|', &pushed), exact) }
    }

    /// The attribute of the directory that an attribute of the contract is, if it is one.
    fn native(&self, attribute: &str) -> Option<&Native> {
        self.class.native(if attribute == "@name" { self.name } else { attribute })
    }

    fn equals(&self, Comparison { attribute, value }: &Comparison) -> Option<Pushed> {
        if attribute == "@uid" {
            return self.uid(value.as_text()?);
        }
        if attribute == DN || (attribute == "@name" && self.name == DN) {
            let dn = Dn::parse(value.as_text()?)?.text(self.dialect.letters());
            return Pushed::new(format!("({}={})", self.dialect.entry_dn(), escaped(dn.as_bytes())), false);
        }
        if let (Some(operational), Value::Boolean(wanted)) = (self.operational(attribute), value) {
            return operational.filter(self.dialect, *wanted).and_then(|(text, exact)| Pushed::new(text, exact));
        }
        let native = self.native(attribute).filter(|native| native.equality)?;
        let exact = matches!(native.syntax, Syntax::Integer | Syntax::Boolean | Syntax::Guid | Syntax::Uuid);
        match native.syntax {
            Syntax::Time | Syntax::WindowsTime => {
                let (from, to) = (self.bound(native, value, true)?, self.bound(native, value, false)?);
                Pushed::new(format!("(&{from}{to})"), false)
            }
            // One moment has several spellings as UTCTime, and a server need not know that.
            Syntax::Sid | Syntax::UtcTime => None,
            Syntax::Reference => self.points_at(native, value),
            _ => {
                let bytes = values::write(native, value).ok()?;
                Pushed::new(format!("({}={})", native.name, escaped(&bytes)), exact)
            }
        }
    }

    fn operational(&self, attribute: &str) -> Option<Operational> {
        self.class.operational.iter().copied().find(|operational| operational.name() == attribute)
    }

    fn uid(&self, uid: &str) -> Option<Pushed> {
        Pushed::new(by_uid(uid, self.dialect).unwrap_or_else(|| NOTHING.to_owned()), true)
    }

    fn points_at(&self, native: &Native, value: &Value) -> Option<Pushed> {
        let key = match value {
            Value::Text(text) => text,
            Value::Reference(reference) => match &reference.key {
                Key::Uid(key) | Key::Name(key) => key,
            },
            _ => return None,
        };
        let dn = match uuid::parse(key) {
            Some(_) if self.dialect.is_ad() => format!("<GUID={key}>"),
            Some(_) => return None,
            None => Dn::parse(key)?.text(self.dialect.letters()),
        };
        Pushed::new(format!("({}={})", native.name, escaped(dn.as_bytes())), false)
    }

    fn part(&self, Comparison { attribute, value }: &Comparison, part: Part) -> Option<Pushed> {
        let native = self.native(attribute).filter(|native| native.substrings && native.syntax == Syntax::Text)?;
        let text = value.as_text()?;
        if text.is_empty() {
            return Pushed::new(format!("({}=*)", native.name), false);
        }
        let (before, after) = (part != Part::Starts, part != Part::Ends);
        let star = |there| if there { "*" } else { "" };
        let text = format!("({}={}{}{})", native.name, star(before), escaped(text.as_bytes()), star(after));
        Pushed::new(text, false)
    }

    /// Numbers and moments only: texts have another order here than in a directory.
    fn order(&self, Comparison { attribute, value }: &Comparison, up: bool) -> Option<Pushed> {
        let operational = self.operational(attribute).and_then(|it| it.natives(self.dialect).first());
        if let Some(name) = operational {
            return self.order_of_times(name, value, up);
        }
        let native = self.native(attribute).filter(|native| native.ordering)?;
        Pushed::new(self.bound(native, value, up)?, false)
    }

    /// Only Active Directory can be asked for the order of every time.
    fn order_of_times(&self, name: &str, value: &Value, up: bool) -> Option<Pushed> {
        let native = self.native(name).filter(|native| self.dialect.is_ad() && native.syntax == Syntax::WindowsTime)?;
        Pushed::new(self.bound(native, value, up)?, false)
    }

    /// A bound that lets pass everything the host could: times are widened to whole seconds.
    fn bound(&self, native: &Native, value: &Value, up: bool) -> Option<String> {
        let widened = match (native.syntax, value) {
            (Syntax::Integer, Value::Integer(_)) => value.clone(),
            (Syntax::Time | Syntax::WindowsTime, Value::Instant(micros)) => {
                let floor = micros.div_euclid(SECOND).checked_mul(SECOND)?;
                Value::Instant(if up { floor } else { floor.checked_add(SECOND)? })
            }
            _ => return None,
        };
        let bytes = values::write(native, &widened).ok()?;
        Some(format!("({}{}{})", native.name, if up { ">=" } else { "<=" }, escaped(&bytes)))
    }
}

fn joined(operator: char, parts: &[Pushed]) -> String {
    let parts: String = parts.iter().map(|part| part.text.as_str()).collect();
    format!("({operator}{parts})")
}

/// The entry of that uid; nothing if no entry can have it.
pub(crate) fn by_uid(uid: &str, dialect: Dialect) -> Option<String> {
    let bytes = uuid::parse(uid)?;
    let value = if dialect.is_ad() { all_escaped(&uuid::to_guid(uid)?) } else { escaped(uid.as_bytes()) };
    (bytes.len() == 16).then(|| format!("({}={value})", dialect.uid()))
}

/// Any one of these filters.
pub(crate) fn any_of(filters: &[String]) -> String {
    match filters {
        [one] => one.clone(),
        _ => format!("(|{})", filters.concat()),
    }
}

/// A value in a filter (RFC 4515, 3): text as it is, except for what means something there.
pub(crate) fn escaped(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    for chunk in value.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '*' | '(' | ')' | '\\' | '\0' => push(&mut text, c as u8),
                c => text.push(c),
            }
        }
        chunk.invalid().iter().for_each(|byte| push(&mut text, *byte));
    }
    text
}

fn all_escaped(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len() * 3);
    value.iter().for_each(|byte| push(&mut text, *byte));
    text
}

fn push(text: &mut String, byte: u8) {
    // Writing to a string cannot fail.
    let _ = write!(text, "\\{byte:02x}");
}

/// Is it one filter in parentheses, so that it can stand beside another? The server judges the rest.
pub(crate) fn is_balanced(filter: &str) -> bool {
    let mut depth = 0_i32;
    for (at, c) in filter.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth < 1 && at + c.len_utf8() != filter.len() {
            return false;
        }
    }
    depth == 0 && filter.starts_with('(') && filter.ends_with(')')
}

#[cfg(test)]
mod tests;
