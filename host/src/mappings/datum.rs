//! A value while it is made: read from a cell, taken through steps, brought into the form its property has, written.
//!
//! Texts and bytes are borrowed from the row for as long as nothing changes them.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};

use super::date::micros;
use super::limits::VALUE_BYTES_MAX;
use super::list::list;
use crate::model::json::{date_text as iso_date, instant_text as rfc3339};
use crate::model::{Literal, PropertyKind, TableCell};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Why a value could not be made: a sentence for people that tells no value.
pub type Reason = Cow<'static, str>;

/// Microseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000;

/// A value on its way from a cell to a property.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum<'a> {
    /// Known to have no value.
    Null,
    /// Made of what was not read: nothing is known.
    Unread,
    Text(Cow<'a, str>),
    Integer(i64),
    Real(f64),
    Boolean(bool),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Instant(i64),
    /// Days since 1970-01-01.
    Date(i32),
    Binary(Cow<'a, [u8]>),
    List(Vec<Cow<'a, str>>),
    /// The text of a complex value.
    Json(Cow<'a, str>),
}

impl<'a> Datum<'a> {
    /// A cell, borrowed.
    pub fn of(cell: &'a TableCell<'a>) -> Self {
        match cell {
            TableCell::Null => Self::Null,
            TableCell::Unread => Self::Unread,
            TableCell::Text(text) => Self::Text(Cow::Borrowed(text)),
            TableCell::Integer(number) => Self::Integer(*number),
            TableCell::Real(number) => Self::Real(*number),
            TableCell::Boolean(truth) => Self::Boolean(*truth),
            TableCell::Instant(micros) => Self::Instant(*micros),
            TableCell::Date(days) => Self::Date(*days),
            TableCell::Binary(bytes) => Self::Binary(Cow::Borrowed(bytes)),
            TableCell::Json(text) => list(text).map_or(Self::Json(Cow::Borrowed(text)), Self::List),
        }
    }

    /// A value of a definition.
    pub(super) fn literal(literal: &'a Literal) -> Self {
        match literal {
            Literal::Null => Self::Null,
            Literal::Boolean(truth) => Self::Boolean(*truth),
            Literal::Integer(number) => Self::Integer(*number),
            Literal::Text(text) => Self::Text(Cow::Borrowed(text)),
        }
    }

    /// Null, or not known.
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::Null | Self::Unread)
    }

    /// Null, or an empty text: what names nothing.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Null) || matches!(self, Self::Text(text) if text.is_empty())
    }

    /// The value as a cell, for expressions over properties instead of columns.
    pub(super) fn cell(&self) -> TableCell<'_> {
        match self {
            Self::Null => TableCell::Null,
            Self::Unread => TableCell::Unread,
            Self::Text(text) => TableCell::Text(Cow::Borrowed(text)),
            Self::Integer(number) => TableCell::Integer(*number),
            Self::Real(number) => TableCell::Real(*number),
            Self::Boolean(truth) => TableCell::Boolean(*truth),
            Self::Instant(micros) => TableCell::Instant(*micros),
            Self::Date(days) => TableCell::Date(*days),
            Self::Binary(bytes) => TableCell::Binary(Cow::Borrowed(bytes)),
            Self::List(texts) => TableCell::Json(Cow::Owned(serde_json::json!(texts).to_string())),
            Self::Json(text) => TableCell::Json(Cow::Borrowed(text)),
        }
    }

    /// The text a value is written as where texts are put together, none of lists and bytes.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) | Self::Json(text) => Some(Cow::Borrowed(text)),
            Self::Integer(number) => Some(Cow::Owned(number.to_string())),
            Self::Real(number) => Some(Cow::Owned(number.to_string())),
            Self::Boolean(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
            Self::Instant(micros) => Some(Cow::Owned(instant_text(*micros))),
            Self::Date(days) => Some(Cow::Owned(date_text(*days))),
            Self::Null | Self::Unread | Self::Binary(_) | Self::List(_) => None,
        }
    }

    /// The value in the form of a property.
    ///
    /// # Errors
    /// What it would have to be.
    pub fn cast(self, kind: PropertyKind) -> Result<Self, Reason> {
        let wrong = |datum: &Self| Cow::Owned(format!("{} is no {}", datum.noun(), kind.as_str()));
        match (kind, self) {
            (_, datum @ (Self::Null | Self::Unread))
            | (PropertyKind::Text, datum @ Self::Text(_))
            | (PropertyKind::Integer, datum @ Self::Integer(_))
            | (PropertyKind::Real, datum @ Self::Real(_))
            | (PropertyKind::Boolean, datum @ Self::Boolean(_))
            | (PropertyKind::Date, datum @ Self::Date(_))
            | (PropertyKind::Binary, datum @ Self::Binary(_))
            | (PropertyKind::TextList, datum @ Self::List(_)) => Ok(datum),
            (PropertyKind::Text, datum) => {
                let text = datum.text().map(|text| Self::Text(Cow::Owned(text.into_owned())));
                text.ok_or_else(|| wrong(&datum))
            }
            (PropertyKind::TextList, Self::Text(text)) => Ok(Self::List(vec![text])),
            (PropertyKind::Integer, Self::Text(text)) => integer(&text).map(Self::Integer),
            (PropertyKind::Real, Self::Text(text)) => real(&text).map(Self::Real),
            #[allow(clippy::cast_precision_loss, reason = "what a real is")]
            (PropertyKind::Real, Self::Integer(number)) => Ok(Self::Real(number as f64)),
            (PropertyKind::Boolean, Self::Text(text)) => boolean(&text).map(Self::Boolean),
            (PropertyKind::Instant | PropertyKind::Date, Self::Text(text)) => super::date::iso(&text)?.cast(kind),
            (PropertyKind::Instant, Self::Instant(at)) => micros(Some(at)),
            (PropertyKind::Instant, Self::Date(days)) => micros(i64::from(days).checked_mul(DAY)),
            (PropertyKind::Date, Self::Instant(at)) => Ok(Self::Date(day_of(at)?)),
            (_, datum) => Err(wrong(&datum)),
        }
    }

    /// Appends it as JSON: instants and dates as ISO texts, bytes as `{"binary": base64}`, what is missing as null.
    pub fn write(&self, into: &mut Vec<u8>) -> Result<(), Reason> {
        let written = match self {
            Self::Null | Self::Unread => serde_json::to_writer(into, &()),
            Self::Text(text) | Self::Json(text) => serde_json::to_writer(into, text),
            Self::Integer(number) => serde_json::to_writer(into, number),
            Self::Real(number) if !number.is_finite() => return Err(Cow::Borrowed("a number that is not finite")),
            Self::Real(number) => serde_json::to_writer(into, number),
            Self::Boolean(truth) => serde_json::to_writer(into, truth),
            Self::Instant(at) => match rfc3339(*at) {
                Some(text) => serde_json::to_writer(into, &text),
                None => return Err(Cow::Borrowed("an instant without a year")),
            },
            Self::Date(days) => serde_json::to_writer(into, &date_text(*days)),
            Self::Binary(bytes) => serde_json::to_writer(into, &serde_json::json!({"binary": STANDARD.encode(bytes)})),
            Self::List(texts) => serde_json::to_writer(into, texts),
        };
        written.map_err(|why| Cow::Owned(why.to_string()))
    }

    /// It as a text of JSON.
    pub(super) fn json(&self) -> Result<String, Reason> {
        let mut bytes = Vec::new();
        self.write(&mut bytes)?;
        String::from_utf8(bytes).map_err(|why| Cow::Owned(why.to_string()))
    }

    /// The value with all it borrowed copied.
    pub fn into_owned(self) -> Datum<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Null => Datum::Null,
            Self::Unread => Datum::Unread,
            Self::Text(text) => Datum::Text(owned(text)),
            Self::Integer(number) => Datum::Integer(number),
            Self::Real(number) => Datum::Real(number),
            Self::Boolean(truth) => Datum::Boolean(truth),
            Self::Instant(micros) => Datum::Instant(micros),
            Self::Date(days) => Datum::Date(days),
            Self::Binary(bytes) => Datum::Binary(Cow::Owned(bytes.into_owned())),
            Self::List(texts) => Datum::List(texts.into_iter().map(owned).collect()),
            Self::Json(text) => Datum::Json(owned(text)),
        }
    }

    /// What it is, for a sentence.
    pub(super) const fn noun(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unread => "what was not read",
            Self::Text(_) => "a text",
            Self::Integer(_) => "an integer",
            Self::Real(_) => "a real",
            Self::Boolean(_) => "a boolean",
            Self::Instant(_) => "an instant",
            Self::Date(_) => "a date",
            Self::Binary(_) => "binary",
            Self::List(_) => "a list",
            Self::Json(_) => "a complex value",
        }
    }
}

/// Equal values have equal hashes; values of two kinds never do on purpose.
impl Hash for Datum<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Self::Null | Self::Unread => {}
            Self::Text(text) | Self::Json(text) => text.hash(state),
            Self::Integer(number) | Self::Instant(number) => number.hash(state),
            Self::Real(number) => number.to_bits().hash(state),
            Self::Boolean(truth) => truth.hash(state),
            Self::Date(days) => days.hash(state),
            Self::Binary(bytes) => bytes.hash(state),
            Self::List(texts) => texts.hash(state),
        }
    }
}

/// A text that is not larger than a value may be.
pub(super) fn bounded<'a>(text: Cow<'a, str>) -> Result<Datum<'a>, Reason> {
    if text.len() > VALUE_BYTES_MAX { Err(Cow::Borrowed("the value is too large")) } else { Ok(Datum::Text(text)) }
}

/// The whole number a text says.
pub(super) fn integer(text: &str) -> Result<i64, Reason> {
    text.trim().parse().map_err(|_| Cow::Borrowed("the text is no whole number"))
}

fn real(text: &str) -> Result<f64, Reason> {
    let number: Option<f64> = text.trim().parse().ok();
    number.filter(|number| number.is_finite()).ok_or(Cow::Borrowed("the text is no number"))
}

/// LDAP and most files write true and false, in some case; others 1 and 0.
fn boolean(text: &str) -> Result<bool, Reason> {
    match text.trim() {
        "1" => Ok(true),
        "0" => Ok(false),
        text if text.eq_ignore_ascii_case("true") => Ok(true),
        text if text.eq_ignore_ascii_case("false") => Ok(false),
        _ => Err(Cow::Borrowed("the text is neither true nor false")),
    }
}

fn day_of(micros: i64) -> Result<i32, Reason> {
    i32::try_from(micros.div_euclid(DAY)).map_err(|_| Cow::Borrowed("the instant is out of range"))
}

/// An instant as a text of one width, which sorts as time does.
pub(super) fn instant_text(micros: i64) -> String {
    let instant = jiff::Timestamp::from_microsecond(micros);
    instant.map_or_else(|_| micros.to_string(), |instant| format!("{instant:.6}"))
}

/// A date as ISO 8601 has it; a number where that has no year for it.
pub(super) fn date_text(days: i32) -> String {
    iso_date(days).unwrap_or_else(|| days.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Datum<'_> {
        Datum::Text(Cow::Borrowed(text))
    }

    fn json(datum: &Datum<'_>) -> String {
        let mut bytes = Vec::new();
        datum.write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_has_not_the_form_of_a_property_is_refused_without_telling_it() {
        for (datum, kind) in [
            (text("geheim"), PropertyKind::Integer),
            (text("1e999"), PropertyKind::Real),
            (text("ja"), PropertyKind::Boolean),
            (text("31.12.2020"), PropertyKind::Date),
            (Datum::Binary(Cow::Borrowed(b"geheim")), PropertyKind::Text),
            (Datum::List(vec!["a".into()]), PropertyKind::Text),
            (Datum::Integer(5), PropertyKind::Instant),
            (text("9999-12-31"), PropertyKind::Instant),
            (Datum::Instant(i64::MAX), PropertyKind::Instant),
        ] {
            let reason = datum.cast(kind).unwrap_err();
            assert!(!reason.contains("geheim"), "{reason}");
        }
    }

    #[test]
    fn texts_say_numbers_truths_and_times() {
        assert_eq!(text(" -7 ").cast(PropertyKind::Integer), Ok(Datum::Integer(-7)));
        assert_eq!(text("TRUE").cast(PropertyKind::Boolean), Ok(Datum::Boolean(true)));
        assert_eq!(text("1970-01-02").cast(PropertyKind::Date), Ok(Datum::Date(1)));
        assert_eq!(text("1970-01-02").cast(PropertyKind::Instant), Ok(Datum::Instant(DAY)));
        assert_eq!(Datum::Instant(-1).cast(PropertyKind::Date), Ok(Datum::Date(-1)));
        assert_eq!(
            text("9999-12-31").cast(PropertyKind::Date).map(|date| json(&date)),
            Ok("\"9999-12-31\"".to_owned())
        );
        assert_eq!(Datum::Integer(7).cast(PropertyKind::Text), Ok(text("7")));
        assert_eq!(text("a").cast(PropertyKind::TextList), Ok(Datum::List(vec!["a".into()])));
    }

    #[test]
    fn a_json_list_is_a_list_of_texts_and_an_object_is_not() {
        let cell = TableCell::Json(Cow::Borrowed(r#"["a\"b", 7, true, null, {"x": [1]}]"#));
        let Datum::List(texts) = Datum::of(&cell) else { panic!("no list") };
        assert_eq!(texts, ["a\"b", "7", "true", "", "{\"x\":[1]}"]);
        let cell = TableCell::Json(Cow::Borrowed(r#"{"a": 1}"#));
        assert_eq!(Datum::of(&cell).noun(), "a complex value");
    }

    #[test]
    fn values_are_written_as_the_api_writes_them() {
        assert_eq!(json(&Datum::Instant(1_500_000)), "\"1970-01-01T00:00:01.5Z\"");
        assert_eq!(json(&Datum::Date(-1)), "\"1969-12-31\"");
        assert_eq!(json(&Datum::Binary(Cow::Borrowed(b"\0"))), r#"{"binary":"AA=="}"#);
        assert_eq!(json(&Datum::List(vec!["a\n".into()])), r#"["a\n"]"#);
        assert!(Datum::Real(f64::NAN).write(&mut Vec::new()).is_err());
    }
}
