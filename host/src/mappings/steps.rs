//! The small transformations, each from a value to a value.
//!
//! What was not read stays so, and null stays null (only `map` has a value for it). Trim, lower and upper also take a
//! list, value by value.

use std::borrow::Cow;

use super::datum::{Datum, Reason, bounded, integer};
use super::limits::VALUE_BYTES_MAX;
use super::{date, identifiers};
use crate::model::Step;
use crate::model::expression::{Split, ValueMap};

/// Takes a value through one step.
pub(super) fn apply<'a>(step: &'a Step, value: Datum<'a>) -> Result<Datum<'a>, Reason> {
    match (step, value) {
        (_, Datum::Unread) => Ok(Datum::Unread),
        (Step::Map(map), value) => mapped(map, &value),
        (_, Datum::Null) => Ok(Datum::Null),
        (Step::Trim, Datum::Text(text)) => Ok(trimmed(text).map_or(Datum::Null, Datum::Text)),
        (Step::Trim, Datum::List(texts)) => Ok(Datum::List(texts.into_iter().filter_map(trimmed).collect())),
        (Step::Lower, Datum::Text(text)) => bounded(lower(text)),
        (Step::Lower, Datum::List(texts)) => Ok(Datum::List(texts.into_iter().map(lower).collect())),
        (Step::Upper, Datum::Text(text)) => bounded(upper(text)),
        (Step::Upper, Datum::List(texts)) => Ok(Datum::List(texts.into_iter().map(upper).collect())),
        (Step::Split(Split { separator, index: None }), Datum::Text(text)) => Ok(Datum::List(cut(separator, text))),
        (Step::Split(Split { separator, index: Some(index) }), Datum::Text(text)) => {
            Ok(part(separator, *index, text).map_or(Datum::Null, Datum::Text))
        }
        (Step::Item(index), Datum::List(texts)) => Ok(picked(texts, *index)),
        // A target may give one value where it could give several.
        (Step::Item(0 | -1) | Step::Join(_), Datum::Text(text)) => Ok(Datum::Text(text)),
        (Step::Item(_), Datum::Text(_)) => Ok(Datum::Null),
        (Step::Join(separator), Datum::List(texts)) => joined(&texts, separator),
        (Step::Integer, Datum::Text(text)) => integer(&text).map(Datum::Integer),
        (Step::Integer, number @ Datum::Integer(_)) => Ok(number),
        (Step::Date(format), value) => date::read(format, &value),
        (Step::Sid, Datum::Binary(bytes)) => identifiers::sid(&bytes).map(|text| Datum::Text(Cow::Owned(text))),
        (Step::Guid(form), Datum::Binary(bytes)) => {
            identifiers::guid(*form, &bytes).map(|text| Datum::Text(Cow::Owned(text)))
        }
        (Step::Mask(mask), Datum::Integer(number)) => Ok(Datum::Boolean(number & mask == *mask)),
        (Step::Not, Datum::Boolean(truth)) => Ok(Datum::Boolean(!truth)),
        (step, value) => Err(Cow::Owned(format!("`{}` does not take {}", name(step), value.noun()))),
    }
}

/// How a step is spelled.
pub(super) const fn name(step: &Step) -> &'static str {
    match step {
        Step::Trim => "trim",
        Step::Lower => "lower",
        Step::Upper => "upper",
        Step::Split(_) => "split",
        Step::Item(_) => "item",
        Step::Join(_) => "join",
        Step::Integer => "integer",
        Step::Date(_) => "date",
        Step::Sid => "sid",
        Step::Guid(_) => "guid",
        Step::Mask(_) => "mask",
        Step::Not => "not",
        Step::Map(_) => "map",
    }
}

fn trimmed(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if text.trim().len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    };
    (!text.is_empty()).then_some(text)
}

fn lower(text: Cow<'_, str>) -> Cow<'_, str> {
    // Most texts are so already, and then nothing is copied.
    let is_lower = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
    if is_lower { text } else { Cow::Owned(text.to_lowercase()) }
}

fn upper(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_upper = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_lowercase());
    if is_upper { text } else { Cow::Owned(text.to_uppercase()) }
}

fn cut<'a>(separator: &str, text: Cow<'a, str>) -> Vec<Cow<'a, str>> {
    match text {
        Cow::Borrowed(text) => text.split(separator).map(Cow::Borrowed).collect(),
        Cow::Owned(text) => text.split(separator).map(|part| Cow::Owned(part.to_owned())).collect(),
    }
}

/// One part, without a list of all.
fn part<'a>(separator: &str, index: i32, text: Cow<'a, str>) -> Option<Cow<'a, str>> {
    // Not `rsplit`: where a separator overlaps itself, that cuts elsewhere.
    let found = |text: &str| place(index, || text.split(separator).count());
    match text {
        Cow::Borrowed(text) => text.split(separator).nth(found(text)?).map(Cow::Borrowed),
        Cow::Owned(text) => text.split(separator).nth(found(&text)?).map(|part| Cow::Owned(part.to_owned())),
    }
}

/// One of a list, from 0 on, or from -1 backwards.
fn picked(mut texts: Vec<Cow<'_, str>>, index: i32) -> Datum<'_> {
    match place(index, || texts.len()) {
        Some(at) if at < texts.len() => Datum::Text(texts.swap_remove(at)),
        _ => Datum::Null,
    }
}

/// An index from 0 on, or from -1 backwards, as one from 0 on.
fn place(index: i32, count: impl FnOnce() -> usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => count().checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

fn joined<'a>(texts: &[Cow<'_, str>], separator: &str) -> Result<Datum<'a>, Reason> {
    let bytes = texts.iter().map(|text| text.len() + separator.len()).sum::<usize>();
    if bytes > VALUE_BYTES_MAX {
        return Err(Cow::Borrowed("the value is too large"));
    }
    Ok(Datum::Text(Cow::Owned(texts.join(separator))))
}

fn mapped<'a>(map: &'a ValueMap, value: &Datum<'_>) -> Result<Datum<'a>, Reason> {
    let default = map.default.as_ref().map(Datum::literal);
    if *value == Datum::Null {
        return Ok(default.unwrap_or(Datum::Null));
    }
    let Some(text) = value.text() else {
        return Err(Cow::Owned(format!("`map` does not take {}", value.noun())));
    };
    let found = map.values.get(text.as_ref()).map(Datum::literal);
    found.or(default).ok_or(Cow::Borrowed("`map` does not list the value and has no default"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;

    fn text(text: &str) -> Datum<'_> {
        Datum::Text(Cow::Borrowed(text))
    }

    fn list<'a>(texts: &[&'a str]) -> Datum<'a> {
        Datum::List(texts.iter().map(|text| Cow::Borrowed(*text)).collect())
    }

    /// Through a step as it is written.
    fn step(step: Json, value: Datum<'_>) -> Result<Datum<'static>, Reason> {
        let step: Step = serde_json::from_value(step).unwrap();
        apply(&step, value.into_owned()).map(Datum::into_owned)
    }

    #[test]
    fn a_step_refuses_what_it_does_not_take() {
        for (name, value) in [
            (json!("trim"), Datum::Integer(1)),
            (json!({"split": {"separator": ","}}), list(&["a"])),
            (json!("sid"), text("S-1-5")),
            (json!({"guid": "microsoft"}), text("a")),
            (json!({"mask": 2}), text("514")),
            (json!("not"), text("true")),
            (json!("integer"), text("5.0")),
            (json!({"map": {"values": {}}}), Datum::Binary(Cow::Borrowed(b"a"))),
            (json!({"date": "iso"}), Datum::Integer(5)),
        ] {
            assert!(step(name.clone(), value).is_err(), "{name}");
        }
    }

    #[test]
    fn a_value_that_a_map_does_not_list_is_a_fault_unless_it_has_a_default() {
        let values = json!({"M": "male", "1": 1, "true": null});
        let map = |default: Option<Json>, value| {
            let mut map = json!({"map": {"values": values}});
            if let Some(default) = default {
                map["map"]["default"] = default;
            }
            step(map, value)
        };
        assert_eq!(map(None, text("M")), Ok(text("male")));
        assert_eq!(map(None, Datum::Integer(1)), Ok(Datum::Integer(1)));
        assert_eq!(map(None, Datum::Boolean(true)), Ok(Datum::Null));
        assert!(map(None, text("X")).is_err());
        assert_eq!(map(None, Datum::Null), Ok(Datum::Null));
        assert_eq!(map(Some(json!(null)), text("X")), Ok(Datum::Null));
        assert_eq!(map(Some(json!("other")), Datum::Null), Ok(text("other")));
        assert_eq!(map(Some(json!("other")), Datum::Unread), Ok(Datum::Unread));
    }

    #[test]
    fn texts_are_trimmed_and_change_their_case() {
        assert_eq!(step(json!("trim"), text("  Anna \u{a0}")), Ok(text("Anna")));
        assert_eq!(step(json!("trim"), text(" \t")), Ok(Datum::Null));
        assert_eq!(step(json!("trim"), list(&[" a", " ", "b"])), Ok(list(&["a", "b"])));
        assert_eq!(step(json!("lower"), text("ÄRGER.İ")), Ok(text("ärger.i\u{307}")));
        assert_eq!(step(json!("upper"), text("straße")), Ok(text("STRASSE")));
        assert_eq!(step(json!("lower"), list(&["A", "b"])), Ok(list(&["a", "b"])));
    }

    #[test]
    fn a_part_that_is_not_there_is_null() {
        let part = |index: Option<i32>, value| step(json!({"split": {"separator": "@", "index": index}}), value);
        assert_eq!(part(Some(0), text("a@b@c")), Ok(text("a")));
        assert_eq!(part(Some(-1), text("a@b@c")), Ok(text("c")));
        assert_eq!(part(Some(3), text("a@b@c")), Ok(Datum::Null));
        assert_eq!(part(Some(-4), text("a@b@c")), Ok(Datum::Null));
        assert_eq!(part(Some(i32::MIN), text("a")), Ok(Datum::Null));
        assert_eq!(part(None, text("a@b")), Ok(list(&["a", "b"])));
        assert_eq!(step(json!({"item": 1}), list(&["a", "b"])), Ok(text("b")));
        assert_eq!(step(json!({"item": 1}), text("a")), Ok(Datum::Null));
        assert_eq!(step(json!({"join": ", "}), list(&["a", "b"])), Ok(text("a, b")));
    }

    #[test]
    fn a_mask_asks_for_all_of_its_bits() {
        assert_eq!(step(json!({"mask": 2}), Datum::Integer(514)), Ok(Datum::Boolean(true)));
        assert_eq!(step(json!({"mask": 3}), Datum::Integer(514)), Ok(Datum::Boolean(false)));
        assert_eq!(step(json!({"mask": -0x8000_0000_i64}), Datum::Integer(-0x8000_0000)), Ok(Datum::Boolean(true)));
        assert_eq!(step(json!("not"), Datum::Boolean(true)), Ok(Datum::Boolean(false)));
        assert_eq!(step(json!({"mask": 2}), Datum::Null), Ok(Datum::Null));
    }

    proptest! {
        #[test]
        fn one_part_is_what_the_list_of_all_has_there(given in "[ab]{0,8}", by in "[ab]{1,2}", index in -5..5) {
            let all = step(json!({"split": {"separator": by}}), text(&given)).unwrap();
            let one = step(json!({"split": {"separator": by, "index": index}}), text(&given));
            prop_assert_eq!(one, step(json!({"item": index}), all));
        }
    }
}
