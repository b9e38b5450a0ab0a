//! The text form of filters: SCIM's grammar (RFC 7644, section 3.4.2.2) over our attribute names.
//!
//! ```text
//! or      = and *( "or" and )            and  = unary *( "and" unary )
//! unary   = "not" "(" or ")" / "(" or ")" / test
//! test    = attribute "pr" / attribute operator literal
//! operator= eq ne co sw ew gt ge lt le   literal = JSON string, number, true, false, null
//! ```
//!
//! An attribute name with blanks or brackets is written as a JSON string. `@uid` and `@name` are the identifiers.
//! Value paths (`emails[type eq "work"]`) are refused. Depth, length and number of tests are bounded.

use super::{Filter, NAME, Operator, UID};
use crate::model::error::{Error, Result};
use crate::model::id::WORD_BYTES_MAX;
use crate::model::json;
use crate::model::schema::{ClassInfo, Syntax};
use crate::model::text::{cut, shown};
use crate::model::value::Value;

/// The longest filter, in bytes.
pub const FILTER_BYTES_MAX: usize = 8 * 1024;
/// How deep parentheses may nest.
pub const FILTER_DEPTH_MAX: usize = 32;

/// Parses a filter over the attributes of a class. Errors say where and what was expected.
pub fn parse(text: &str, class: &ClassInfo) -> Result<Filter> {
    if text.len() > FILTER_BYTES_MAX {
        return Err(Error::invalid(format!("the filter has {} bytes; {FILTER_BYTES_MAX} are allowed", text.len())));
    }
    let mut parser = Parser { text, at: 0, class, depth: 0 };
    let filter = parser.any()?;
    parser.blanks();
    if parser.rest().is_empty() { Ok(filter) } else { Err(parser.expected("and, or, or the end")) }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    class: &'a ClassInfo,
    depth: usize,
}

impl Parser<'_> {
    fn any(&mut self) -> Result<Filter> {
        let mut parts = vec![self.all()?];
        while self.word("or") {
            parts.push(self.all()?);
        }
        Ok(one_or(parts, Filter::Any))
    }

    fn all(&mut self) -> Result<Filter> {
        let mut parts = vec![self.unary()?];
        while self.word("and") {
            parts.push(self.unary()?);
        }
        Ok(one_or(parts, Filter::All))
    }

    fn unary(&mut self) -> Result<Filter> {
        let start = self.at;
        if self.word("not") {
            self.blanks();
            if self.rest().starts_with('(') {
                return Ok(Filter::Not(Box::new(self.group()?)));
            }
            self.at = start;
        }
        self.blanks();
        if self.rest().starts_with('(') { self.group() } else { self.test() }
    }

    fn group(&mut self) -> Result<Filter> {
        self.depth += 1;
        if self.depth > FILTER_DEPTH_MAX {
            return Err(Error::invalid(format!("the filter nests deeper than {FILTER_DEPTH_MAX} parentheses")));
        }
        self.at += 1;
        let inner = self.any()?;
        self.blanks();
        if !self.rest().starts_with(')') {
            return Err(self.expected("a closing parenthesis"));
        }
        self.at += 1;
        self.depth -= 1;
        Ok(inner)
    }

    fn test(&mut self) -> Result<Filter> {
        let attribute = self.attribute()?;
        self.blanks();
        let word = self.take_while(|c| c.is_ascii_alphabetic()).to_ascii_lowercase();
        let (operator, negated) = match word.as_str() {
            "pr" => return Ok(Filter::Present(attribute)),
            "eq" => (Operator::Equals, false),
            "ne" => (Operator::Equals, true),
            "co" => (Operator::Contains, false),
            "sw" => (Operator::StartsWith, false),
            "ew" => (Operator::EndsWith, false),
            "gt" => (Operator::Greater, false),
            "ge" => (Operator::GreaterOrEqual, false),
            "lt" => (Operator::Less, false),
            "le" => (Operator::LessOrEqual, false),
            _ => return Err(self.expected("an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr)")),
        };
        let test = self.comparison(attribute, operator)?;
        Ok(if negated { Filter::Not(Box::new(test)) } else { test })
    }

    fn comparison(&mut self, attribute: String, operator: Operator) -> Result<Filter> {
        let literal = self.literal()?;
        if literal.is_null() {
            return match operator {
                Operator::Equals => Ok(Filter::Not(Box::new(Filter::Present(attribute)))),
                _ => Err(Error::invalid(format!("the filter compares {attribute} with null; only eq and ne can"))),
            };
        }
        let value = self.typed(&attribute, operator, &literal)?;
        Ok(Filter::Compare { attribute, operator, value })
    }

    fn typed(&self, attribute: &str, operator: Operator, literal: &serde_json::Value) -> Result<Value> {
        let syntax = match self.class.attribute(attribute) {
            Some(info) if info.syntax != Syntax::Reference => info.syntax,
            _ => Syntax::Text,
        };
        let value = json::value_from_json(literal, syntax)
            .map_err(|why| Error::invalid(format!("the filter's value for {attribute}: {why}")).blaming(attribute))?;
        let partial = matches!(operator, Operator::Contains | Operator::StartsWith | Operator::EndsWith);
        match value {
            Value::Complex(_) => Err(Error::invalid(format!("{attribute} is complex; filter by a simple attribute"))),
            Value::Text(_) => Ok(value),
            _ if partial => Err(Error::invalid(format!("co, sw and ew compare text, and {attribute} is not text"))),
            _ => Ok(value),
        }
    }

    fn attribute(&mut self) -> Result<String> {
        self.blanks();
        let name = if self.rest().starts_with('"') {
            match self.literal()? {
                serde_json::Value::String(name) => name,
                _ => return Err(self.expected("an attribute name")),
            }
        } else {
            self.take_while(|c| !c.is_whitespace() && !"()[]\"".contains(c)).to_owned()
        };
        match name.as_str() {
            "" => Err(self.expected("an attribute name")),
            UID | NAME => Ok(name),
            _ => self.known(name),
        }
    }

    fn known(&self, name: String) -> Result<String> {
        match self.class.attribute(&name) {
            None => Err(Error::invalid(format!(
                "the filter names {:?}, which class {} does not have; refresh the schema or correct the name",
                cut(&name, WORD_BYTES_MAX),
                self.class.name
            ))
            .blaming(shown(&name, WORD_BYTES_MAX))),
            Some(info) if !info.readable || info.confidential => {
                Err(Error::invalid(format!("the filter names {name:?}, which cannot be read")).blaming(name))
            }
            Some(_) => Ok(name),
        }
    }

    fn literal(&mut self) -> Result<serde_json::Value> {
        self.blanks();
        let rest = self.rest();
        let length = if rest.starts_with('"') {
            let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<serde_json::Value>();
            stream.next();
            stream.byte_offset()
        } else {
            // A parenthesis ends it too, which JSON does not know.
            rest.find(|c: char| c.is_whitespace() || c == ')').unwrap_or(rest.len())
        };
        match serde_json::from_str::<serde_json::Value>(rest.get(..length).unwrap_or_default()) {
            Ok(value) if !value.is_array() && !value.is_object() => {
                self.at += length;
                Ok(value)
            }
            _ => Err(self.expected("a JSON string, number, true, false or null")),
        }
    }

    fn word(&mut self, word: &str) -> bool {
        self.blanks();
        let Some(head) = self.rest().get(..word.len()) else { return false };
        let after = self.rest().get(word.len()..).and_then(|rest| rest.chars().next());
        let ends = after.is_none_or(|c| c.is_whitespace() || c == '(');
        let found = head.eq_ignore_ascii_case(word) && ends;
        if found {
            self.at += word.len();
        }
        found
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &str {
        let length = self.rest().find(|c| !wanted(c)).unwrap_or(self.rest().len());
        let start = self.at;
        self.at += length;
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn blanks(&mut self) {
        self.take_while(char::is_whitespace);
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn expected(&self, what: &str) -> Error {
        let seen: String = self.rest().chars().take(20).collect();
        let seen = if seen.is_empty() { "the end".to_owned() } else { format!("{seen:?}") };
        Error::invalid(format!("the filter is wrong at character {}: expected {what}, found {seen}", self.at))
    }
}

fn one_or(mut parts: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (Some(last), false) => {
            parts.push(last);
            many(parts)
        }
        (None, _) => many(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::tests::people;

    #[test]
    fn malformed_filters_are_refused_with_the_place() {
        for (text, hint) in [
            ("", "an attribute name"),
            ("mail", "an operator"),
            ("mail eq", "a JSON string"),
            ("mail eq \"a", "a JSON string"),
            ("mail eq [1]", "a JSON string"),
            ("mail xx \"a\"", "an operator"),
            ("(mail pr", "a closing parenthesis"),
            ("mail pr)", "and, or, or the end"),
            ("mail pr and", "an attribute name"),
            ("emails[type eq \"work\"]", "does not have"),
            ("nobody eq \"a\"", "does not have"),
            ("age co 3", "compare text"),
            ("age eq \"x\"", "age"),
            ("mail gt null", "only eq and ne"),
        ] {
            let error = parse(text, &people()).expect_err(text);
            assert!(error.message.contains(hint), "{text}: {}", error.message);
        }
    }

    #[test]
    fn nesting_and_length_are_bounded() {
        let deep = format!("{}mail pr{}", "(".repeat(100), ")".repeat(100));
        assert!(parse(&deep, &people()).unwrap_err().message.contains("deeper"));
        let long = format!("mail eq \"{}\"", "x".repeat(FILTER_BYTES_MAX));
        assert!(parse(&long, &people()).unwrap_err().message.contains("bytes"));
    }

    #[test]
    fn and_binds_more_than_or() {
        let parsed = parse(r#"mail pr or age gt 3 and not (mail eq "x")"#, &people()).unwrap();
        let Filter::Any(parts) = parsed else { panic!("{parsed:?}") };
        assert_eq!(parts[0], Filter::Present("mail".into()));
        assert!(matches!(&parts[1], Filter::All(both) if both.len() == 2));
    }

    #[test]
    fn a_number_or_a_word_ends_at_a_parenthesis() {
        for text in ["(age gt 3) or mail pr", "not (mail eq null)", "(hired eq null and (age le -3))"] {
            parse(text, &people()).expect(text);
        }
    }

    #[test]
    fn an_attribute_whose_name_has_blanks_is_written_as_a_string() {
        let parsed = parse(r#""First Name" EQ "Jane""#, &people()).unwrap();
        let value = Value::Text("Jane".into());
        assert_eq!(parsed, Filter::Compare { attribute: "First Name".into(), operator: Operator::Equals, value });
    }

    #[test]
    fn a_confidential_attribute_cannot_be_probed() {
        assert!(parse(r#"password sw "a""#, &people()).unwrap_err().message.contains("cannot be read"));
    }
}
