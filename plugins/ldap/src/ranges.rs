//! Ranges: Active Directory hands out the values of a large attribute in parts (MS-ADTS, 3.1.1.3.1.3.3).

use crate::directory::Directory;
use crate::entry;
use hawser_sdk::Result;
use hawser_sdk::ldap::{Entry, RawAttribute, Scope};

/// The next part of an attribute.
pub(crate) struct Part {
    pub(crate) values: Vec<Vec<u8>>,
    /// Where the one after it begins, if there is one.
    pub(crate) next: Option<u64>,
}

/// Whoever hands out parts.
pub(crate) trait Source {
    /// An entry with one attribute, which may be asked for in parts.
    fn attribute(&self, target: &str, wanted: &str) -> Result<Option<Entry>>;
}

impl Source for Directory {
    fn attribute(&self, target: &str, wanted: &str) -> Result<Option<Entry>> {
        let request = self.request(target, Scope::Base, "(objectClass=*)", &[wanted]);
        Ok(self.session.find(&request)?.into_iter().next())
    }
}

/// Reads the values from a place on.
pub(crate) fn read(source: &impl Source, target: &str, attribute: &str, from: u64) -> Result<Part> {
    let found = source.attribute(target, &format!("{attribute};range={from}-*"))?;
    Ok(found.and_then(|entry| take(entry, attribute)).unwrap_or(Part { values: Vec::new(), next: None }))
}

/// The values of an attribute that an answer holds.
pub(crate) fn take(entry: Entry, attribute: &str) -> Option<Part> {
    let named =
        |raw: &RawAttribute| entry::base_name(&raw.name).is_some_and(|base| base.eq_ignore_ascii_case(attribute));
    let raw = entry.attributes.into_iter().filter(named).max_by_key(|raw| raw.values.len())?;
    let next = entry::range(&raw.name).and_then(|range| range.to).and_then(|last| last.checked_add(1));
    Some(Part { values: raw.values, next })
}

/// Did the server leave something out?
pub(crate) fn is_cut(entry: &Entry) -> bool {
    entry.attributes.iter().any(|raw| following(raw).is_some())
}

/// Where the part begins that the server left out of an attribute.
fn following(raw: &RawAttribute) -> Option<u64> {
    entry::range(&raw.name)?.to?.checked_add(1)
}

/// Adds what the server left out of an entry, until an attribute has more values than a row carries, which is `most`.
pub(crate) fn complete(
    source: &impl Source,
    target: &str,
    entry: &mut Entry,
    most: impl Fn(&str) -> usize,
) -> Result<()> {
    for raw in &mut entry.attributes {
        let mut next = following(raw);
        let Some(attribute) = next.and_then(|_| entry::base_name(&raw.name)).map(str::to_owned) else { continue };
        let most = most(&attribute);
        while let Some(from) = next.filter(|_| raw.values.len() <= most) {
            let part = read(source, target, &attribute, from)?;
            // An attribute that became shorter meanwhile has no such part.
            let grown = !part.values.is_empty();
            raw.values.extend(part.values);
            next = part.next.filter(|_| grown);
            let last = next.map_or_else(|| "*".to_owned(), |next| (next - 1).to_string());
            raw.name = format!("{attribute};range=0-{last}").into();
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::cell::RefCell;

    /// A server that hands out so many values at once, as Active Directory does, and notes what it is asked for.
    pub(crate) struct Ranged {
        pub(crate) values: u64,
        pub(crate) at_once: u64,
        pub(crate) asked: RefCell<Vec<String>>,
    }

    impl Ranged {
        pub(crate) fn new(values: u64, at_once: u64) -> Self {
            Self { values, at_once, asked: RefCell::default() }
        }

        /// What it answers of an attribute from a place on.
        pub(crate) fn from(&self, attribute: &str, from: u64) -> Entry {
            let to = self.values.min(from + self.at_once);
            let last = if to == self.values { "*".to_owned() } else { (to - 1).to_string() };
            let values: Vec<Vec<u8>> = (from..to).map(|n| format!("CN={n},DC=x").into_bytes()).collect();
            let mut entry = entry::tests::entry("CN=g,DC=x", &[]);
            if !values.is_empty() {
                entry.attributes.push(RawAttribute { name: attribute.into(), values: Vec::new() });
                entry.attributes.push(RawAttribute { name: format!("{attribute};range={from}-{last}").into(), values });
            }
            entry
        }
    }

    impl Source for Ranged {
        fn attribute(&self, target: &str, wanted: &str) -> Result<Option<Entry>> {
            assert_eq!(target, "<GUID=g>");
            self.asked.borrow_mut().push(wanted.to_owned());
            let (attribute, range) = wanted.split_once(";range=").unwrap();
            Ok(Some(self.from(attribute, range.strip_suffix("-*").unwrap().parse().unwrap())))
        }
    }

    fn completed(server: &Ranged, most: usize) -> RawAttribute {
        let mut found = server.from("proxyAddresses", 0);
        assert_eq!(is_cut(&found), server.values > server.at_once);
        complete(server, "<GUID=g>", &mut found, |attribute| if attribute == "proxyAddresses" { most } else { 0 })
            .unwrap();
        found.attributes.pop().unwrap()
    }

    #[test]
    fn the_part_with_values_is_the_one_that_is_taken() {
        let mut entry = entry::tests::entry("cn=g", &[("member;range=0-1", "cn=a")]);
        entry.attributes.insert(0, RawAttribute { name: "member".into(), values: Vec::new() });
        let part = take(entry, "Member").unwrap();
        assert_eq!((part.values.len(), part.next), (1, Some(2)));
        assert!(take(entry::tests::entry("cn=g", &[]), "member").is_none());
    }

    #[test]
    fn a_part_that_is_not_there_any_more_is_empty_and_the_last() {
        let server = Ranged::new(4, 3);
        let part = |from| read(&server, "<GUID=g>", "member", from).unwrap();
        assert_eq!((part(4).values.len(), part(4).next), (0, None));
        assert_eq!((part(0).values.len(), part(0).next), (3, Some(3)));
        assert_eq!((part(3).values.len(), part(3).next), (1, None));
    }

    #[test]
    fn an_attribute_is_put_together_to_its_end() {
        for values in [1, 3, 4, 9, 10] {
            let whole = completed(&Ranged::new(values, 3), 100);
            let expected: Vec<Vec<u8>> = (0..values).map(|n| format!("CN={n},DC=x").into_bytes()).collect();
            assert_eq!(whole.values, expected, "each value once, in its order");
            assert_eq!(entry::range(&whole.name).unwrap().to, None, "{}: nothing is left out", whole.name);
        }
    }

    #[test]
    fn no_more_is_read_than_a_row_carries() {
        let server = Ranged::new(100, 3);
        let some = completed(&server, 4);
        assert_eq!((some.values.len(), &*some.name), (6, "proxyAddresses;range=0-5"));
        assert_eq!(server.asked.borrow().len(), 1);
    }

    #[test]
    fn an_attribute_that_became_shorter_meanwhile_ends() {
        let mut found = Ranged::new(9, 3).from("proxyAddresses", 0);
        complete(&Ranged::new(2, 3), "<GUID=g>", &mut found, |_| 100).unwrap();
        let raw = found.attributes.pop().unwrap();
        assert_eq!((raw.values.len(), &*raw.name), (3, "proxyAddresses;range=0-*"));
    }
}
