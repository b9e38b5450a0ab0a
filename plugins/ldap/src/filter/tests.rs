//! Filters against a reader and a judge of their own: what the host finds, the server finds too.

use super::*;
use crate::builder::tests::{of_ad, of_openldap};
use proptest::prelude::*;

fn comparison(attribute: &str, value: impl Into<Value>) -> Comparison {
    Comparison { attribute: attribute.to_owned(), value: value.into() }
}

fn filter(nodes: Vec<FilterNode>) -> Filter {
    let root = u32::try_from(nodes.len() - 1).unwrap();
    Filter { nodes, root }
}

fn openldap(nodes: Vec<FilterNode>) -> Option<String> {
    pushed(&filter(nodes), &of_openldap()[0], Dialect::OpenLdap, DN)
}

fn ad(nodes: Vec<FilterNode>) -> Option<String> {
    pushed(&filter(nodes), &of_ad()[0], Dialect::Samba, "sAMAccountName")
}

#[test]
fn what_the_server_would_decide_otherwise_is_left_to_the_host() {
    let mail = || FilterNode::Equals(comparison("mail", "a"));
    let photo = || FilterNode::Equals(comparison("jpegPhoto", vec![1]));
    assert_eq!(openldap(vec![photo()]), None, "no matching rule, no match");
    assert_eq!(openldap(vec![mail(), FilterNode::Negate(0)]), None, "the host may decide otherwise");
    assert_eq!(openldap(vec![FilterNode::Greater(comparison("mail", "a"))]), None, "another order");
    assert_eq!(openldap(vec![mail(), photo(), FilterNode::AnyOf(vec![0, 1])]), None);
    assert_eq!(openldap(vec![FilterNode::Equals(comparison("nosuch", "a"))]), None);
}

#[test]
fn a_part_that_cannot_be_pushed_only_widens_the_whole() {
    let nodes = vec![
        FilterNode::Equals(comparison("mail", "a")),
        FilterNode::Equals(comparison("jpegPhoto", vec![1])),
        FilterNode::AllOf(vec![0, 1]),
    ];
    assert_eq!(openldap(nodes).as_deref(), Some("(&(mail=a))"));
}

#[test]
fn a_tree_that_bites_its_tail_ends() {
    assert_eq!(openldap(vec![FilterNode::Negate(0)]), None);
    assert_eq!(openldap(vec![FilterNode::AllOf(vec![0, 0])]), None);
    assert_eq!(openldap(vec![FilterNode::Negate(7)]), None);
}

#[test]
fn what_means_something_in_a_filter_is_escaped() {
    let injected = FilterNode::Equals(comparison("mail", "*)(uid=*\\\0"));
    assert_eq!(openldap(vec![injected]).as_deref(), Some("(mail=\\2a\\29\\28uid=\\2a\\5c\\00)"));
    let part = FilterNode::Contains(comparison("cn", "a*b"));
    assert_eq!(openldap(vec![part]).as_deref(), Some("(cn=*a\\2ab*)"));
    assert_eq!(openldap(vec![FilterNode::Contains(comparison("cn", ""))]).as_deref(), Some("(cn=*)"));
}

#[test]
fn identifiers_are_what_the_server_calls_them() {
    let uid = "03020100-0504-0706-0809-0a0b0c0d0e0f";
    let by_uid = || vec![FilterNode::Equals(comparison("@uid", uid))];
    assert_eq!(openldap(by_uid()).unwrap(), format!("(entryUUID={uid})"));
    let bytes: String = (0..16).map(|byte| format!("\\{byte:02x}")).collect();
    assert_eq!(ad(by_uid()).unwrap(), format!("(objectGUID={bytes})"));
    assert_eq!(ad(vec![FilterNode::Equals(comparison("@uid", "x)(a=*"))]).as_deref(), Some(NOTHING));
    let name = vec![FilterNode::Equals(comparison("@name", "UID=a\\2Cb, DC=x"))];
    assert_eq!(openldap(name).as_deref(), Some("(entryDN=uid=a\\5c,b,dc=x)"));
    assert_eq!(ad(vec![FilterNode::StartsWith(comparison("@name", "ad"))]).as_deref(), Some("(sAMAccountName=ad*)"));
}

#[test]
fn times_are_widened_to_the_second() {
    let later = FilterNode::Greater(comparison("modifyTimestamp", Value::Instant(1_500_000)));
    assert_eq!(openldap(vec![later]).as_deref(), Some("(modifyTimestamp>=19700101000001Z)"));
    let then = FilterNode::Equals(comparison("modifyTimestamp", Value::Instant(1_500_000)));
    let expected = "(&(modifyTimestamp>=19700101000001Z)(modifyTimestamp<=19700101000002Z))";
    assert_eq!(openldap(vec![then]).as_deref(), Some(expected));
    let expired = FilterNode::Less(comparison("disable-date", Value::Instant(0)));
    assert_eq!(ad(vec![expired]).as_deref(), Some("(accountExpires<=116444736010000000)"));
}

#[test]
fn a_member_is_asked_for_by_what_the_references_show() {
    let uid = "03020100-0504-0706-0809-0a0b0c0d0e0f";
    let of = |classes: Vec<Class>, dialect, value: Value| {
        pushed(&filter(vec![FilterNode::Equals(comparison("member", value))]), &classes[1], dialect, DN)
    };
    assert_eq!(of(of_ad(), Dialect::Samba, uid.into()).unwrap(), format!("(member=<GUID={uid}>)"));
    assert_eq!(of(of_openldap(), Dialect::OpenLdap, "uid=a,dc=x".into()).as_deref(), Some("(member=uid=a,dc=x)"));
    assert_eq!(of(of_openldap(), Dialect::OpenLdap, uid.into()), None);
}

#[test]
fn a_filter_of_the_options_stands_alone() {
    for text in ["(a=b)", "(&(a=b)(!(c=d)))", "(a=\\29)"] {
        assert!(is_balanced(text), "{text}");
    }
    for text in ["", "a=b", "(a=b", "(a=b))", "(a=b)(c=d)", ")("] {
        assert!(!is_balanced(text), "{text}");
    }
}

/// A filter as a server reads it.
#[derive(Debug)]
enum Read {
    All(Vec<Self>),
    Any(Vec<Self>),
    Not(Box<Self>),
    Least(i64),
    Most(i64),
    Present(String),
    /// The pieces between the stars.
    Equals(String, Vec<Vec<u8>>),
}

fn read(text: &mut &[u8]) -> Read {
    assert_eq!(text[0], b'(');
    let operator = text[1];
    if matches!(operator, b'&' | b'|' | b'!') {
        *text = &text[2..];
        let mut parts = Vec::new();
        while text[0] == b'(' {
            parts.push(read(text));
        }
        *text = &text[1..];
        return match operator {
            b'&' => Read::All(parts),
            b'|' => Read::Any(parts),
            _ => Read::Not(Box::new(parts.remove(0))),
        };
    }
    let end = text.iter().position(|byte| *byte == b')').unwrap();
    let item = std::str::from_utf8(&text[1..end]).unwrap();
    *text = &text[end + 1..];
    let (name, value) = item.split_once('=').unwrap();
    if let Some(name) = name.strip_suffix('>') {
        assert_eq!(name, "uidNumber");
        return Read::Least(value.parse().unwrap());
    }
    if let Some(name) = name.strip_suffix('<') {
        assert_eq!(name, "uidNumber");
        return Read::Most(value.parse().unwrap());
    }
    match value {
        "*" => Read::Present(name.to_owned()),
        _ => Read::Equals(name.to_owned(), value.split('*').map(unescaped).collect()),
    }
}

fn unescaped(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        if *first == b'\\' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    bytes
}

/// An entry of the model: two texts and a number, each of which may be missing.
#[derive(Clone, Debug)]
struct Person {
    mail: Option<String>,
    cn: Option<String>,
    number: Option<i64>,
}

impl Person {
    fn text(&self, name: &str) -> Option<&str> {
        match name {
            "mail" => self.mail.as_deref(),
            _ => self.cn.as_deref(),
        }
    }

    fn server(&self, filter: &Read) -> bool {
        match filter {
            Read::All(parts) => parts.iter().all(|part| self.server(part)),
            Read::Any(parts) => parts.iter().any(|part| self.server(part)),
            Read::Not(part) => !self.server(part),
            Read::Least(least) => self.number.is_some_and(|number| number >= *least),
            Read::Most(most) => self.number.is_some_and(|number| number <= *most),
            Read::Present(name) if name == "objectClass" => true,
            Read::Present(name) if name == "uidNumber" => self.number.is_some(),
            Read::Present(name) => self.text(name).is_some(),
            Read::Equals(name, pieces) if name == "uidNumber" => {
                self.number.is_some_and(|number| number.to_string().into_bytes() == pieces[0])
            }
            Read::Equals(name, pieces) => self.text(name).is_some_and(|text| matches(text, pieces)),
        }
    }

    /// The host's own judgement: exact text, whatever the case.
    fn host(&self, filter: &Filter, at: u32) -> bool {
        let text = |comparison: &Comparison, holds: fn(&str, &str) -> bool| {
            let wanted = comparison.value.as_text().unwrap_or_default().to_lowercase();
            self.text(&comparison.attribute).is_some_and(|text| holds(&text.to_lowercase(), &wanted))
        };
        let number = |comparison: &Comparison, holds: fn(i64, i64) -> bool| match comparison.value {
            Value::Integer(wanted) => self.number.is_some_and(|number| holds(number, wanted)),
            _ => false,
        };
        match &filter.nodes[at as usize] {
            FilterNode::AllOf(parts) => parts.iter().all(|part| self.host(filter, *part)),
            FilterNode::AnyOf(parts) => parts.iter().any(|part| self.host(filter, *part)),
            FilterNode::Negate(part) => !self.host(filter, *part),
            FilterNode::Equals(c) if c.attribute == "uidNumber" => number(c, |a, b| a == b),
            FilterNode::Equals(c) => text(c, |a, b| a == b),
            FilterNode::Contains(c) => text(c, |a, b| a.contains(b)),
            FilterNode::StartsWith(c) => text(c, |a, b| a.starts_with(b)),
            FilterNode::EndsWith(c) => text(c, |a, b| a.ends_with(b)),
            FilterNode::Greater(c) => number(c, |a, b| a > b),
            FilterNode::GreaterOrEqual(c) => number(c, |a, b| a >= b),
            FilterNode::Less(c) => number(c, |a, b| a < b),
            FilterNode::LessOrEqual(c) => number(c, |a, b| a <= b),
            FilterNode::Present(name) if name == "uidNumber" => self.number.is_some(),
            FilterNode::Present(name) => self.text(name).is_some(),
        }
    }
}

/// As a directory matches a text with stars, whatever the case.
fn matches(text: &str, pieces: &[Vec<u8>]) -> bool {
    let text = text.to_lowercase();
    let pieces: Vec<String> = pieces.iter().map(|piece| String::from_utf8_lossy(piece).to_lowercase()).collect();
    match pieces.as_slice() {
        [whole] => text == *whole,
        [first, inner @ .., last] => {
            let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
            for piece in inner {
                let Some(at) = rest.find(piece.as_str()) else { return false };
                rest = &rest[at + piece.len()..];
            }
            rest.ends_with(last.as_str())
        }
        [] => false,
    }
}

fn word() -> impl Strategy<Value = String> {
    "[ab*()\\\\\u{0}é]{0,3}"
}

fn node(at: u32) -> BoxedStrategy<FilterNode> {
    let text = || (prop_oneof![Just("mail"), Just("cn")], word()).prop_map(|(name, word)| comparison(name, word));
    let number = || (0_i64..4).prop_map(|number| comparison("uidNumber", number));
    let leaf = prop_oneof![
        text().prop_map(FilterNode::Equals),
        text().prop_map(FilterNode::Contains),
        text().prop_map(FilterNode::StartsWith),
        text().prop_map(FilterNode::EndsWith),
        number().prop_map(FilterNode::Equals),
        number().prop_map(FilterNode::Greater),
        number().prop_map(FilterNode::GreaterOrEqual),
        number().prop_map(FilterNode::Less),
        number().prop_map(FilterNode::LessOrEqual),
        prop_oneof![Just("mail"), Just("uidNumber")].prop_map(|name| FilterNode::Present(name.to_owned())),
    ];
    if at == 0 {
        return leaf.boxed();
    }
    let before = move || prop::collection::vec(0..at, 0..3);
    prop_oneof![
        3 => leaf,
        1 => before().prop_map(FilterNode::AllOf),
        1 => before().prop_map(FilterNode::AnyOf),
        1 => (0..at).prop_map(FilterNode::Negate),
    ]
    .boxed()
}

fn person() -> impl Strategy<Value = Person> {
    (prop::option::of(word()), prop::option::of(word()), prop::option::of(0_i64..4)).prop_map(|(mail, cn, number)| {
        // A directory has no empty values.
        let held = |text: Option<String>| text.filter(|text| !text.is_empty());
        Person { mail: held(mail), cn: held(cn), number }
    })
}

/// The fixture's account with a number, as an account of Unix has it.
fn class() -> Class {
    let mut class = of_openldap().remove(0);
    let number = values::tests::native(Syntax::Integer);
    class.attributes.push(Native { name: "uidNumber".to_owned(), single: true, ..number });
    class
}

proptest! {
    #[test]
    fn a_server_finds_whatever_the_host_finds(
        nodes in (0_u32..8).prop_flat_map(|last| (0..=last).map(node).collect::<Vec<_>>()),
        people in prop::collection::vec(person(), 1..6),
    ) {
        let filter = filter(nodes);
        let Some(text) = pushed(&filter, &class(), Dialect::OpenLdap, DN) else { return Ok(()) };
        let mut rest = text.as_bytes();
        let read = read(&mut rest);
        prop_assert!(rest.is_empty(), "{text}");
        for person in people {
            let host = person.host(&filter, filter.root);
            prop_assert!(!host || person.server(&read), "{text} loses {person:?}");
        }
    }

    #[test]
    fn every_value_is_read_back_from_its_filter(value in prop::collection::vec(any::<u8>(), 0..12)) {
        let text = escaped(&value);
        prop_assert!(!text.contains(['*', '(', ')', '\0']));
        prop_assert_eq!(unescaped(&text), value.clone());
        prop_assert_eq!(unescaped(&all_escaped(&value)), value);
    }
}
