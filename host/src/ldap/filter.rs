//! Filters as text (RFC 4515), parsed into BER (RFC 4511, 4.5.1.7) in one pass without recursion: the nesting is bounded
//! before anything is built, and the text's length before that.

use super::ber::{Malformed, OCTETS, Reader, SEQUENCE, Writer};
use super::limits::{FILTER_BYTES_MAX, FILTER_DEPTH_MAX};
use crate::model::{Failure, FailureKind};

const AND: u8 = 0xa0;
const OR: u8 = 0xa1;
const NOT: u8 = 0xa2;
const EQUAL: u8 = 0xa3;
const SUBSTRINGS: u8 = 0xa4;
const GREATER_OR_EQUAL: u8 = 0xa5;
const LESS_OR_EQUAL: u8 = 0xa6;
const PRESENT: u8 = 0x87;
const APPROXIMATELY: u8 = 0xa8;
const EXTENSIBLE: u8 = 0xa9;

const INITIAL: u8 = 0x80;
const ANY: u8 = 0x81;
const FINAL: u8 = 0x82;

const RULE: u8 = 0x81;
const TYPE: u8 = 0x82;
const VALUE: u8 = 0x83;
const DN_ATTRIBUTES: u8 = 0x84;

/// A filter in BER.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Filter(Vec<u8>);

impl Filter {
    /// # Errors
    /// `invalid-attribute-value`, saying where the text is no filter.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        if text.len() > FILTER_BYTES_MAX {
            return Err(wrong(format!("it has {} bytes; {FILTER_BYTES_MAX} are allowed", text.len())));
        }
        let mut parser = Parser { rest: text, whole: text };
        let mut open: Vec<Set> = Vec::new();
        loop {
            let mut done = match parser.begin()? {
                Begin::Set(_) if open.len() + 1 >= FILTER_DEPTH_MAX => {
                    return Err(wrong(format!("it is nested more than {FILTER_DEPTH_MAX} deep")));
                }
                Begin::Set(tag) => {
                    open.push(Set { tag, parts: Vec::new(), count: 0 });
                    if parser.rest.starts_with('(') {
                        continue;
                    }
                    parser.close()?;
                    open.pop().map(|set| set.element(&parser)).ok_or_else(|| parser.wrong("is no filter"))??
                }
                Begin::Item(item) => item,
            };
            // Close every set that ends here.
            loop {
                let Some(set) = open.last_mut() else { return parser.end(done) };
                set.parts.extend_from_slice(&done);
                set.count += 1;
                if parser.rest.starts_with('(') {
                    break;
                }
                parser.close()?;
                let Some(set) = open.pop() else { return parser.end(done) };
                done = set.element(&parser)?;
            }
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The attributes it asks about.
    pub(super) fn attributes(&self) -> Result<Vec<String>, Malformed> {
        attributes(&self.0)
    }
}

/// The attributes a filter in BER asks about.
pub(super) fn attributes(filter: &[u8]) -> Result<Vec<String>, Malformed> {
    let mut names = Vec::new();
    let mut levels = vec![Reader::new(filter)];
    while let Some(level) = levels.last_mut() {
        if level.is_empty() {
            levels.pop();
            continue;
        }
        let (tag, content) = level.element()?;
        match tag {
            AND | OR | NOT if levels.len() > FILTER_DEPTH_MAX => return Err(Malformed),
            AND | OR | NOT => levels.push(Reader::new(content)),
            PRESENT => names.push(String::from_utf8_lossy(content).into_owned()),
            EXTENSIBLE => {
                let mut parts = Reader::new(content);
                parts.optional(RULE)?;
                // Without an attribute, it would ask about all of them.
                names.push(parts.text(TYPE)?);
            }
            EQUAL | SUBSTRINGS | GREATER_OR_EQUAL | LESS_OR_EQUAL | APPROXIMATELY => {
                names.push(Reader::new(content).text(OCTETS)?);
            }
            _ => return Err(Malformed),
        }
    }
    Ok(names)
}

/// A set of filters that is not closed yet.
struct Set {
    tag: u8,
    parts: Vec<u8>,
    count: usize,
}

impl Set {
    fn element(self, parser: &Parser<'_>) -> Result<Vec<u8>, Failure> {
        if self.tag == NOT && self.count != 1 {
            return Err(parser.wrong("`!` takes one filter"));
        }
        Ok(element(self.tag, |writer| writer.raw(&self.parts)))
    }
}

enum Begin {
    Set(u8),
    Item(Vec<u8>),
}

struct Parser<'a> {
    rest: &'a str,
    whole: &'a str,
}

impl<'a> Parser<'a> {
    /// What begins here: a set behind its sign, or a whole item.
    fn begin(&mut self) -> Result<Begin, Failure> {
        self.rest = self.rest.strip_prefix('(').ok_or_else(|| self.wrong("a filter begins with `(`"))?;
        let tag = match self.rest.as_bytes().first() {
            Some(b'&') => AND,
            Some(b'|') => OR,
            Some(b'!') => NOT,
            _ => return self.item().map(Begin::Item),
        };
        self.rest = self.rest.get(1..).unwrap_or_default();
        Ok(Begin::Set(tag))
    }

    fn close(&mut self) -> Result<(), Failure> {
        self.rest = self.rest.strip_prefix(')').ok_or_else(|| self.wrong("`)` is missing"))?;
        Ok(())
    }

    fn end(&self, filter: Vec<u8>) -> Result<Filter, Failure> {
        if self.rest.is_empty() { Ok(Filter(filter)) } else { Err(self.wrong("there is something behind the filter")) }
    }

    /// `name=value` and its kin, up to the bracket behind it.
    fn item(&mut self) -> Result<Vec<u8>, Failure> {
        let end = self.rest.find(['(', ')']).ok_or_else(|| self.wrong("`)` is missing"))?;
        let (item, rest) = self.rest.split_at(end);
        let (left, value) = item.split_once('=').ok_or_else(|| self.wrong("an item has a `=`"))?;
        let written = match left.as_bytes().last() {
            Some(b'>') => self.comparison(GREATER_OR_EQUAL, left, value),
            Some(b'<') => self.comparison(LESS_OR_EQUAL, left, value),
            Some(b'~') => self.comparison(APPROXIMATELY, left, value),
            Some(b':') => self.extensible(left, value),
            _ => self.equality(left, value),
        }?;
        self.rest = rest;
        self.close()?;
        Ok(written)
    }

    fn comparison(&self, tag: u8, left: &str, value: &str) -> Result<Vec<u8>, Failure> {
        let name = self.name(left.get(..left.len() - 1).unwrap_or_default())?;
        let value = self.value(value)?;
        Ok(element(tag, |writer| pair(writer, name, &value)))
    }

    fn equality(&self, name: &str, value: &str) -> Result<Vec<u8>, Failure> {
        let name = self.name(name)?;
        if value == "*" {
            let mut writer = Writer::with_capacity(name.len() + 6);
            writer.octets(PRESENT, name.as_bytes());
            return Ok(writer.finish().to_vec());
        }
        if !value.contains('*') {
            let value = self.value(value)?;
            return Ok(element(EQUAL, |writer| pair(writer, name, &value)));
        }
        let pieces = value.split('*').map(|piece| self.value(piece)).collect::<Result<Vec<_>, _>>()?;
        let last = pieces.len() - 1;
        if pieces.iter().enumerate().any(|(at, piece)| piece.is_empty() && at != 0 && at != last) {
            return Err(self.wrong("two `*` stand side by side"));
        }
        let tag = |at| {
            if at == 0 {
                INITIAL
            } else if at == last {
                FINAL
            } else {
                ANY
            }
        };
        Ok(element(SUBSTRINGS, |writer| {
            writer.text(name);
            writer.nested(SEQUENCE, |writer| {
                for (at, piece) in pieces.iter().enumerate().filter(|(_, piece)| !piece.is_empty()) {
                    writer.octets(tag(at), piece);
                }
            });
        }))
    }

    /// `name:dn:rule:=value`. The standard lets the name be missing; then all attributes would be asked about, passwords
    /// too, and it is refused.
    fn extensible(&self, left: &str, value: &str) -> Result<Vec<u8>, Failure> {
        let mut parts = left.trim_end_matches(':').split(':');
        let name = self.name(parts.next().unwrap_or_default())?;
        let mut rule = parts.next();
        let dn = rule.is_some_and(|part| part.eq_ignore_ascii_case("dn"));
        if dn {
            rule = parts.next();
        }
        let rule = rule.map(|rule| self.name(rule)).transpose()?;
        if parts.next().is_some() {
            return Err(self.wrong("an extensible match is written name:dn:rule:=value"));
        }
        let value = self.value(value)?;
        Ok(element(EXTENSIBLE, |writer| {
            rule.iter().for_each(|rule| writer.octets(RULE, rule.as_bytes()));
            writer.octets(TYPE, name.as_bytes());
            writer.octets(VALUE, &value);
            if dn {
                writer.boolean(DN_ATTRIBUTES, true);
            }
        }))
    }

    /// An attribute description or the name of a rule (RFC 4512, 1.4 and 2.5).
    fn name<'b>(&self, name: &'b str) -> Result<&'b str, Failure> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ';' | '_');
        if name.is_empty() || !name.chars().all(plain) {
            return Err(self.wrong(&format!("{name:?} is no attribute")));
        }
        Ok(name)
    }

    /// A value, with `\xx` as the byte it stands for.
    fn value(&self, text: &str) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut pieces = text.split('\\');
        bytes.extend_from_slice(pieces.next().unwrap_or_default().as_bytes());
        for piece in pieces {
            let digits = piece.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            bytes.push(byte.ok_or_else(|| self.wrong("`\\` takes two hexadecimal digits"))?);
            bytes.extend_from_slice(piece.get(2..).unwrap_or_default().as_bytes());
        }
        Ok(bytes)
    }

    fn wrong(&self, why: &str) -> Failure {
        wrong(format!("at byte {}, {why}", self.whole.len() - self.rest.len()))
    }
}

fn pair(writer: &mut Writer, name: &str, value: &[u8]) {
    writer.text(name);
    writer.octets(OCTETS, value);
}

fn element(tag: u8, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::with_capacity(64);
    writer.nested(tag, write);
    writer.finish().to_vec()
}

fn wrong(why: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::InvalidAttributeValue, format!("this is no filter (RFC 4515): {why}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Filter {
        Filter::parse(text).map_err(|failure| failure.message).unwrap()
    }

    fn refused(text: &str) -> String {
        Filter::parse(text).map(|_| ()).unwrap_err().message
    }

    #[test]
    fn what_is_no_filter_is_refused_with_its_place() {
        for (text, why) in [
            ("", "byte 0, a filter begins with `(`"),
            ("cn=a", "a filter begins"),
            ("(cn=a", "`)` is missing"),
            ("(cn)", "an item has a `=`"),
            ("(=a)", "no attribute"),
            ("(c n=a)", "no attribute"),
            ("(cn=a)(cn=b)", "byte 6, there is something behind"),
            ("(!(cn=a)(cn=b))", "`!` takes one filter"),
            ("(!)", "`!` takes one filter"),
            ("(cn=a\\4)", "two hexadecimal digits"),
            ("(cn=a\\zz)", "two hexadecimal digits"),
            ("(cn=a\\+1)", "two hexadecimal digits"),
            ("(cn=a**b)", "side by side"),
            ("(:dn:=a)", "no attribute"),
            ("(:2.5.13.17:=guess)", "no attribute"),
            ("(a:dn:b:c:=d)", "name:dn:rule"),
        ] {
            assert!(refused(text).contains(why), "{text}: {}", refused(text));
        }
    }

    #[test]
    fn a_bomb_of_nested_nots_is_refused_before_anything_is_built_of_it() {
        let nested = |depth: usize| format!("{}(cn=a){}", "(!".repeat(depth), ")".repeat(depth));
        assert!(refused(&nested(20_000)).contains("nested more than 64 deep"));
        assert!(refused(&nested(64)).contains("nested more than 64 deep"));
        assert_eq!(attributes(parsed(&nested(62)).bytes()).unwrap(), ["cn"]);
        assert!(refused(&format!("(cn={})", "a".repeat(FILTER_BYTES_MAX))).contains("bytes"));
    }

    #[test]
    fn every_kind_of_item_is_written_as_the_standard_says() {
        let bytes = |text: &str| parsed(text).bytes().to_vec();
        assert_eq!(bytes("(cn=*)"), b"\x87\x02cn");
        assert_eq!(bytes("(cn=a)"), b"\xa3\x84\0\0\0\x07\x04\x02cn\x04\x01a");
        assert_eq!(bytes("(cn>=a)")[0], GREATER_OR_EQUAL);
        assert_eq!(bytes("(cn<=a)")[0], LESS_OR_EQUAL);
        assert_eq!(bytes("(cn~=a)")[0], APPROXIMATELY);
        assert_eq!(bytes("(cn=\\2a)"), b"\xa3\x84\0\0\0\x07\x04\x02cn\x04\x01*");
        assert_eq!(bytes("(cn=\\ff\\00)"), b"\xa3\x84\0\0\0\x08\x04\x02cn\x04\x02\xff\0");
        assert_eq!(bytes("(cn=a*b*c)"), b"\xa4\x84\0\0\0\x13\x04\x02cn\x30\x84\0\0\0\x09\x80\x01a\x81\x01b\x82\x01c");
        assert_eq!(bytes("(cn=*b*)"), b"\xa4\x84\0\0\0\x0d\x04\x02cn\x30\x84\0\0\0\x03\x81\x01b");
        assert_eq!(bytes("(&)"), b"\xa0\x84\0\0\0\0");
        assert_eq!(bytes("(cn:dn:2.5.13.5:=a)"), b"\xa9\x84\0\0\0\x14\x81\x082.5.13.5\x82\x02cn\x83\x01a\x84\x01\xff");
        assert_eq!(
            attributes(parsed("(|(a=1)(&(b>=2)(!(c=*)))(d:1.2:=3)(e;lang-de=x*))").bytes()).unwrap(),
            ["a", "b", "c", "d", "e;lang-de"]
        );
    }

    proptest! {
        #[test]
        fn any_value_escaped_as_the_standard_says_arrives_as_it_was(value in prop::collection::vec(any::<u8>(), 1..60)) {
            let escaped: String = value.iter().map(|byte| format!("\\{byte:02x}")).collect();
            let filter = parsed(&format!("(cn={escaped})"));
            let mut reader = Reader::new(filter.bytes()).enter(EQUAL).unwrap();
            prop_assert_eq!(reader.text(OCTETS).unwrap(), "cn");
            prop_assert_eq!(reader.expect(OCTETS).unwrap(), value.as_slice());
        }

        #[test]
        fn any_text_is_parsed_or_refused_without_a_panic(text in "[()&|!=*:<>~\\\\a-c0-9 é]{0,40}") {
            if let Ok(filter) = Filter::parse(&text) {
                prop_assert!(filter.attributes().is_ok());
            }
        }
    }
}
