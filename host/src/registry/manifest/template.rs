//! Texts with options in them: `{host}:636`. The vendor says what kind of place it is, the operator which one.

use std::collections::BTreeMap;

use super::document::Document;
use super::option::OptionKind;
use crate::model::{OptionName, Value};

/// The options of a connection, by name.
type Options = BTreeMap<OptionName, Vec<Value>>;

pub(super) enum Piece<'a> {
    Text(&'a str),
    Option(&'a str),
}

/// Text and `{option}` in turn; a brace that is not closed is text, which the checks refuse.
pub(super) fn pieces(template: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = template;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some((name, after)) = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            rest = after;
            return Some(Piece::Option(name));
        }
        let end = rest.char_indices().skip(1).find(|(_, c)| *c == '{').map_or(rest.len(), |(at, _)| at);
        let (text, after) = rest.split_at(end);
        rest = after;
        Some(Piece::Text(text))
    })
}

/// The options in a template.
pub(super) fn options(template: &str) -> impl Iterator<Item = &str> {
    pieces(template).filter_map(|piece| match piece {
        Piece::Option(name) => Some(name),
        Piece::Text(_) => None,
    })
}

/// The text where these options hold, or nothing while one of them is not set. `plain` is the value of an option as it
/// stands there, if it may.
///
/// # Errors
/// The option whose value may not.
pub(super) fn fill(
    template: &str,
    options: &Options,
    plain: impl Fn(&Value) -> Option<String>,
) -> Result<Option<String>, OptionName> {
    let mut text = String::with_capacity(template.len());
    for piece in pieces(template) {
        match piece {
            Piece::Text(piece) => text.push_str(piece),
            Piece::Option(name) => match options.iter().find(|(known, _)| known.as_str() == name) {
                Some((known, values)) => match values.as_slice() {
                    [] => return Ok(None),
                    [value] => text.push_str(&plain(value).ok_or_else(|| known.clone())?),
                    _ => return Err(known.clone()),
                },
                None => return Ok(None),
            },
        }
    }
    Ok(Some(text))
}

/// What a template may hold.
pub(super) struct Rule {
    /// Its text.
    pub(super) fits: fn(char) -> bool,
    /// The same in words.
    pub(super) text: &'static str,
    /// The kinds of its options.
    pub(super) kinds: &'static [OptionKind],
    /// The same in words.
    pub(super) values: &'static str,
}

/// Holds a template against the options of its manifest.
///
/// # Errors
/// What is wrong, and what would be right.
pub(super) fn check(document: &Document, template: &str, rule: &Rule) -> Result<(), String> {
    pieces(template).try_for_each(|piece| match piece {
        Piece::Text(text) if !text.chars().all(rule.fits) => {
            Err(format!("has {text:?}; write {}, each as it is or as {{option}}", rule.text))
        }
        Piece::Text(_) => Ok(()),
        Piece::Option(name) => match document.options.iter().find(|option| option.name.as_str() == name) {
            None => Err(format!("names {name:?}, which is no [[option]]; declare it")),
            Some(option) if option.multiple || !rule.kinds.contains(&option.kind) => {
                Err(format!("names {name:?}, which is no single {}", rule.values))
            }
            Some(_) => Ok(()),
        },
    })
}
