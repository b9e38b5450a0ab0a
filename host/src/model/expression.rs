//! How a value is made of a row's columns: where it comes from, and the small steps it goes through.
//!
//! Data, and nothing but its shape: the room `mappings` bounds, compiles, checks and evaluates it. The same words are
//! read from JSON and from YAML. What is needed beyond them is CEL (the Common Expression Language), which has no steps
//! of its own: what it yields goes through these.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// A value made of a row: an origin, then steps in their order.
///
/// In JSON an object with one of `column`, `text`, `concat`, `first`, `cel`, and, if there are steps, `then`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written", into = "Written")]
pub struct Expression {
    pub origin: Origin,
    pub then: Vec<Step>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A column of the row, by its name; over the core's properties a property.
    Column(String),
    /// Always this text.
    Text(String),
    /// The texts of these, one after the other. Null where all that are no fixed texts are null.
    Concat(Vec<Expression>),
    /// The first of these that is not null.
    First(Vec<Expression>),
    /// A program in CEL, where columns are `row["name"]`.
    Cel(String),
}

/// One small transformation. All but `map` leave null as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Without white space at both ends (Unicode `White_Space`); what is empty then is null.
    Trim,
    /// In lower case (Unicode's full mapping, without regard to language).
    Lower,
    /// In upper case, likewise.
    Upper,
    /// A text cut at a separator: one of its parts, or, without an index, the list of all.
    Split(Split),
    /// One value of a list, counted from 0, or from -1 backwards; null if there is none.
    Item(i32),
    /// The values of a list as one text, with this between them.
    Join(String),
    /// A text as the whole number it says.
    Integer,
    /// A point in time, or a date.
    Date(DateFormat),
    /// The text form of a binary security identifier (MS-DTYP, 2.4.2): `S-1-5-...`.
    Sid,
    /// The text form of 16 binary bytes.
    Guid(GuidForm),
    /// Are all bits of this mask set in an integer?
    Mask(i64),
    /// The opposite of a boolean.
    Not,
    /// Another value for each value.
    Map(ValueMap),
}

/// What a text is cut at, and which part is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    pub separator: String,
    /// From 0 on, or from -1 backwards; null if there is no such part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<i32>,
}

/// How a point in time or a date is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DateFormat {
    /// 100 ns since 1601-01-01T00:00:00Z, as Active Directory counts; 0 and 2^63-1 mean never, and are null.
    AdFiletime,
    /// Seconds since 1970-01-01T00:00:00Z.
    Unix,
    /// Milliseconds since then.
    UnixMs,
    /// LDAP's GeneralizedTime (RFC 4517, 3.3.13).
    GeneralizedTime,
    /// ISO 8601 as RFC 3339 and RFC 9557 profile it; without an offset it is UTC, without a time a date.
    Iso,
    /// A pattern of `strftime`, such as `%d.%m.%Y`; without a zone it is UTC, without a time a date.
    Pattern(String),
}

/// The two ways to write 16 bytes as a GUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GuidForm {
    /// The first three fields with their bytes in reverse (MS-DTYP, 2.3.4), as Active Directory holds them.
    Microsoft,
    /// All bytes in their order (RFC 9562, 4).
    Rfc4122,
}

/// Values by the text of what they stand for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ValueMap {
    /// Integers and booleans are looked up by their text.
    pub values: BTreeMap<String, Literal>,
    /// For null and for what is not listed. Left out, null stays null, and what is not listed is a fault of the row.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub default: Option<Literal>,
}

/// A value as it is written in a definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Literal {
    Null,
    Boolean(bool),
    Integer(i64),
    Text(String),
}

/// An expression as it is written.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    concat: Option<Vec<Expression>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<Vec<Expression>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cel: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    then: Vec<Step>,
}

impl Expression {
    /// A column as it is.
    pub fn column(name: impl Into<String>) -> Self {
        Self { origin: Origin::Column(name.into()), then: Vec::new() }
    }
}

impl TryFrom<Written> for Expression {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { column, text, concat, first, cel, then } = written;
        let given = [
            column.map(Origin::Column),
            text.map(Origin::Text),
            concat.map(Origin::Concat),
            first.map(Origin::First),
            cel.map(Origin::Cel),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(origin), None) => Ok(Self { origin, then }),
            _ => Err("an expression has exactly one of `column`, `text`, `concat`, `first`, `cel`".to_owned()),
        }
    }
}

impl From<Expression> for Written {
    fn from(Expression { origin, then }: Expression) -> Self {
        let nothing = Self { column: None, text: None, concat: None, first: None, cel: None, then };
        match origin {
            Origin::Column(name) => Self { column: Some(name), ..nothing },
            Origin::Text(text) => Self { text: Some(text), ..nothing },
            Origin::Concat(parts) => Self { concat: Some(parts), ..nothing },
            Origin::First(choices) => Self { first: Some(choices), ..nothing },
            Origin::Cel(program) => Self { cel: Some(program), ..nothing },
        }
    }
}

/// What is written as null is null, and not left out.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Literal>, D::Error> {
    Literal::deserialize(from).map(Some)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn read(json: Json) -> Result<Expression, String> {
        serde_json::from_value(json).map_err(|why| why.to_string())
    }

    #[test]
    fn an_expression_without_an_origin_or_with_two_is_refused() {
        for json in [json!({}), json!({"then": ["trim"]}), json!({"column": "a", "text": "b"})] {
            assert!(read(json).unwrap_err().contains("exactly one of"));
        }
    }

    #[test]
    fn an_unknown_step_or_key_is_refused_by_name() {
        let refused = |json: Json| read(json).unwrap_err();
        assert!(refused(json!({"column": "a", "then": ["trimm"]})).contains("trimm"));
        assert!(refused(json!({"column": "a", "than": []})).contains("than"));
        let split = json!({"column": "a", "then": [{"split": {"seperator": ","}}]});
        assert!(refused(split).contains("seperator"));
        assert!(refused(json!({"column": "a", "then": [{"date": "filetime"}]})).contains("ad-filetime"));
    }

    #[test]
    fn an_expression_is_written_as_it_was_read() {
        let json = json!({
            "first": [
                {"column": "mail", "then": ["trim", "lower", {"split": {"separator": "@", "index": -1}}]},
                {"concat": [{"column": "a"}, {"text": "-"}, {"cel": "row[\"b\"] + 1"}]},
                {"column": "uac", "then": [{"mask": 2}, "not", {"map": {"values": {"true": 1}, "default": null}}]},
                {"column": "t", "then": [{"date": {"pattern": "%d.%m.%Y"}}, {"guid": "rfc4122"}, {"item": 0}]},
            ],
        });
        assert_eq!(serde_json::to_value(read(json.clone()).unwrap()).unwrap(), json);
    }

    #[test]
    fn a_default_of_null_is_not_a_missing_default() {
        let default = |json: Json| serde_json::from_value::<ValueMap>(json).unwrap().default;
        assert_eq!(default(json!({"values": {}})), None);
        assert_eq!(default(json!({"values": {}, "default": null})), Some(Literal::Null));
    }
}
