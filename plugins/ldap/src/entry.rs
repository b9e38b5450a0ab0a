//! Entries as the server answers them: attributes by name, whatever their case and their options.

use crate::dialect::Dialect;
use crate::dn::{self, Dn};
use crate::uuid;
use hawser_sdk::ldap::{Entry, RawAttribute};
use hawser_sdk::{Error, Result};

/// What stands behind an attribute's name and says that only some of its values are there.
const RANGE: &str = "range=";

/// Some of the values of an attribute (MS-ADTS, 3.1.1.3.1.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from: u64,
    /// The last one that is there; nothing if it is the last of all.
    pub(crate) to: Option<u64>,
}

/// The attribute of that name, without options; the one with the most to say of a name in several.
pub(crate) fn find<'a>(entry: &'a Entry, name: &str) -> Option<&'a RawAttribute> {
    let mut found: Option<&RawAttribute> = None;
    for raw in entry.attributes.iter().filter(|raw| is_named(&raw.name, name)) {
        // Without options it says all, unless it has no values because they stand under a range.
        if raw.name.len() == name.len() && !raw.values.is_empty() {
            return Some(raw);
        }
        found = found.filter(|found| found.values.len() >= raw.values.len()).or(Some(raw));
    }
    found
}

/// Is it the attribute of that name? Most are told by their length.
fn is_named(raw: &str, name: &str) -> bool {
    match raw.as_bytes().get(name.len()) {
        None => raw.eq_ignore_ascii_case(name),
        Some(b';') => base_name(raw).is_some_and(|base| base.eq_ignore_ascii_case(name)),
        Some(_) => false,
    }
}

/// The name without the options that do not change what it is; nothing for one with options of its own (a language).
pub(crate) fn base_name(name: &str) -> Option<&str> {
    let (base, options) = name.split_once(';').unwrap_or((name, ""));
    let plain = |option: &str| option.eq_ignore_ascii_case("binary") || range_option(option).is_some();
    (options.is_empty() || options.split(';').all(plain)).then_some(base)
}

/// Which of the values an answer holds, if it says that it holds some of them.
pub(crate) fn range(name: &str) -> Option<Range> {
    name.split(';').skip(1).find_map(range_option)
}

fn range_option(option: &str) -> Option<Range> {
    let prefix = option.get(..RANGE.len()).filter(|prefix| prefix.eq_ignore_ascii_case(RANGE))?;
    let (from, to) = option.get(prefix.len()..)?.split_once('-')?;
    let to = if to == "*" { None } else { Some(to.parse().ok()?) };
    Some(Range { from: from.parse().ok()?, to })
}

/// The first value of an attribute, if it is text.
pub(crate) fn text<'a>(entry: &'a Entry, name: &str) -> Option<&'a str> {
    texts(entry, name).next()
}

/// The values of an attribute that are text.
pub(crate) fn texts<'a>(entry: &'a Entry, name: &str) -> impl Iterator<Item = &'a str> {
    let values = find(entry, name).into_iter().flat_map(|raw| &raw.values);
    values.filter_map(|value| std::str::from_utf8(value).ok())
}

/// The first value of an attribute as a whole number.
pub(crate) fn integer(entry: &Entry, name: &str) -> Option<i64> {
    text(entry, name)?.parse().ok()
}

/// Is it an entry of this object class?
pub(crate) fn is_a(entry: &Entry, class: &str) -> bool {
    texts(entry, "objectClass").any(|held| held.eq_ignore_ascii_case(class))
}

/// The canonical uid of an entry.
pub(crate) fn uid(entry: &Entry, dialect: Dialect) -> Result<String> {
    let raw = find(entry, dialect.uid()).and_then(|raw| raw.values.first());
    let uid = raw.and_then(|value| {
        if dialect.is_ad() { uuid::from_guid(value) } else { String::from_utf8(value.to_ascii_lowercase()).ok() }
    });
    uid.ok_or_else(|| {
        let message = format!("the entry shows no {}; let the service account read it", dialect.uid());
        Error::schema_violation(message)
    })
}

/// The name of an entry, in its one spelling.
pub(crate) fn dn(entry: &Entry, dialect: Dialect) -> String {
    canonical(&entry.dn, dialect)
}

/// A name in its one spelling; what is no name stays as it is.
pub(crate) fn canonical(dn: &str, dialect: Dialect) -> String {
    let plain = extended(dn).1;
    if dn::is_canonical(plain, dialect.letters()) {
        return plain.to_owned();
    }
    Dn::parse(plain).map_or_else(|| plain.to_owned(), |dn| dn.text(dialect.letters()))
}

/// A name of Active Directory, taken apart (MS-ADTS, 3.1.1.3.4.1.5): the GUID before it, if any, and the name itself.
pub(crate) fn extended(text: &str) -> (Option<String>, &str) {
    let (mut guid, mut rest) = (None, text);
    while let Some((tag, after)) = rest.strip_prefix('<').and_then(|inner| inner.split_once('>')) {
        if let Some(digits) = tag.strip_prefix("GUID=") {
            guid = guid_of(digits);
        }
        rest = after.strip_prefix(';').unwrap_or(after);
    }
    (guid, rest)
}

/// With dashes it is text; without, the bytes as they are stored.
fn guid_of(digits: &str) -> Option<String> {
    if digits.contains('-') {
        return uuid::parse(digits).map(|_| digits.to_ascii_lowercase());
    }
    uuid::from_guid(&dn::unhex(digits)?)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An entry of text values; a name that comes again adds a value.
    pub(crate) fn entry(dn: &str, attributes: &[(&str, &str)]) -> Entry {
        let mut entry = Entry { dn: dn.to_owned(), attributes: Vec::new(), controls: Vec::new() };
        for (name, value) in attributes {
            let value = value.as_bytes().to_vec();
            match entry.attributes.iter_mut().find(|raw| *raw.name == **name) {
                Some(raw) => raw.values.push(value),
                None => entry.attributes.push(RawAttribute { name: (*name).into(), values: vec![value] }),
            }
        }
        entry
    }

    #[test]
    fn an_entry_without_its_identifier_is_told_apart() {
        let error = uid(&entry("cn=a", &[("entryUUID", "X")]), Dialect::Ds389).unwrap_err();
        assert!(error.message().contains("nsUniqueId"), "{error}");
        assert!(uid(&entry("cn=a", &[("objectGUID", "short")]), Dialect::Samba).is_err());
    }

    #[test]
    fn a_value_in_a_language_is_not_the_value() {
        let entry = entry("cn=a", &[("cn;lang-fr", "un"), ("CN", "one"), ("userCertificate;binary", "x")]);
        assert_eq!(text(&entry, "cn"), Some("one"));
        assert_eq!(text(&entry, "usercertificate"), Some("x"));
        assert_eq!(base_name("member;lang-de;range=0-9"), None);
    }

    #[test]
    fn a_range_says_whether_there_is_more() {
        assert_eq!(range("member;range=0-1499"), Some(Range { from: 0, to: Some(1499) }));
        assert_eq!(range("member;Range=1500-*"), Some(Range { from: 1500, to: None }));
        assert_eq!(range("member"), None);
        assert_eq!(range("member;range=x-1"), None);
    }

    #[test]
    fn an_extended_name_gives_its_guid() {
        let text = "<GUID=03020100-0504-0706-0809-0A0B0C0D0E0F>;<SID=S-1-5-21-1>;CN=a\\;b,DC=x";
        let (guid, dn) = extended(text);
        assert_eq!(guid.as_deref(), Some("03020100-0504-0706-0809-0a0b0c0d0e0f"));
        assert_eq!(dn, "CN=a\\;b,DC=x");
        assert_eq!(extended("<GUID=000102030405060708090a0b0c0d0e0f>;CN=a").0, guid);
        assert_eq!(extended("CN=a"), (None, "CN=a"));
        assert_eq!(canonical(text, Dialect::Samba), "CN=a\\;b,DC=x");
    }
}
