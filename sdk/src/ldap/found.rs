//! Entries as the host hands them over, in one piece, and taken apart one by one: only one entry at a time has lists of
//! its own.

use std::rc::Rc;

use crate::bindings::host::ldap::Control;

/// An entry that a search found.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The distinguished name, as the server spells it.
    pub dn: String,
    /// Without those that hold passwords.
    pub attributes: Vec<RawAttribute>,
    /// What the server says about this entry.
    pub controls: Vec<Control>,
}

/// An attribute with its values as they travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawAttribute {
    /// Its name, with options.
    pub name: Rc<str>,
    /// In the server's order.
    pub values: Vec<Vec<u8>>,
}

/// The entries of one answer, one after the other.
#[derive(Debug, Default)]
pub struct Found {
    names: Vec<Rc<str>>,
    layout: std::vec::IntoIter<u32>,
    bytes: Vec<u8>,
    /// How many of the bytes lie behind, and how many entries.
    passed: (usize, u32),
    controls: Vec<(u32, Control)>,
}

impl Found {
    pub(super) fn new(names: Vec<String>, layout: Vec<u32>, bytes: Vec<u8>, controls: Vec<(u32, Control)>) -> Self {
        let names = names.into_iter().map(Into::into).collect();
        Self { names, layout: layout.into_iter(), bytes, passed: (0, 0), controls }
    }

    /// Have all of them been handed out?
    pub fn is_empty(&self) -> bool {
        self.layout.as_slice().is_empty()
    }

    fn entry(&mut self) -> Option<Entry> {
        let dn = String::from_utf8(self.value()?).ok()?;
        let count = self.number()?;
        let attributes = (0..count).map(|_| self.attribute()).collect::<Option<_>>()?;
        let controls = self.controls();
        self.passed.1 += 1;
        Some(Entry { dn, attributes, controls })
    }

    fn attribute(&mut self) -> Option<RawAttribute> {
        let place = self.number()?;
        let name = Rc::clone(self.names.get(place)?);
        let count = self.number()?;
        let values = (0..count).map(|_| self.value()).collect::<Option<_>>()?;
        Some(RawAttribute { name, values })
    }

    fn value(&mut self) -> Option<Vec<u8>> {
        let end = self.number()?.checked_add(self.passed.0)?;
        let value = self.bytes.get(self.passed.0..end)?.to_vec();
        self.passed.0 = end;
        Some(value)
    }

    fn number(&mut self) -> Option<usize> {
        usize::try_from(self.layout.next()?).ok()
    }

    /// Those of the entry at hand; they come in the order of the entries.
    fn controls(&mut self) -> Vec<Control> {
        let of_entry = self.controls.iter().take_while(|(entry, _)| *entry == self.passed.1).count();
        self.controls.drain(..of_entry).map(|(_, control)| control).collect()
    }
}

impl Iterator for Found {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        self.entry()
    }
}

/// As a host would hand them over.
impl FromIterator<Entry> for Found {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let (mut names, mut layout, mut bytes, mut controls) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        for (place, entry) in entries.into_iter().enumerate() {
            layout.extend([size(entry.dn.len()), size(entry.attributes.len())]);
            bytes.extend(entry.dn.into_bytes());
            for raw in entry.attributes {
                layout.extend([size(names.len()), size(raw.values.len())]);
                layout.extend(raw.values.iter().map(|value| size(value.len())));
                bytes.extend(raw.values.into_iter().flatten());
                names.push(raw.name.to_string());
            }
            controls.extend(entry.controls.into_iter().map(|control| (size(place), control)));
        }
        Self::new(names, layout, bytes, controls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(oid: &str) -> Control {
        Control { oid: oid.to_owned(), critical: false, value: None }
    }

    fn entry(dn: &str, attributes: &[(&str, &[&str])], controls: Vec<Control>) -> Entry {
        let values = |values: &[&str]| values.iter().map(|value| value.as_bytes().to_vec()).collect();
        let attributes =
            attributes.iter().map(|(name, held)| RawAttribute { name: (*name).into(), values: values(held) });
        Entry { dn: dn.to_owned(), attributes: attributes.collect(), controls }
    }

    #[test]
    fn entries_come_one_by_one_with_what_belongs_to_them() {
        let entries = [
            entry("cn=a", &[("cn", &["a"]), ("mail", &["x", "yz"])], vec![]),
            entry("", &[("member", &[])], vec![control("1"), control("2")]),
            entry("cn=c", &[], vec![control("3")]),
        ];
        let found: Vec<Entry> = entries.iter().cloned().collect::<Found>().collect();
        assert_eq!(found.len(), 3);
        for (found, entry) in found.iter().zip(&entries) {
            assert_eq!((&found.dn, &found.attributes), (&entry.dn, &entry.attributes));
            let oids = |entry: &Entry| entry.controls.iter().map(|control| control.oid.clone()).collect::<Vec<_>>();
            assert_eq!(oids(found), oids(entry));
        }
    }

    #[test]
    fn what_does_not_fit_together_ends_it() {
        let found = |layout: &[u32]| Found::new(vec!["cn".into()], layout.to_vec(), b"cn=a".to_vec(), vec![]).count();
        assert_eq!(found(&[4, 0]), 1);
        assert_eq!(found(&[5, 0]), 0);
        assert_eq!(found(&[4, 1, 1, 0]), 0);
        assert_eq!(found(&[4, u32::MAX]), 0);
    }
}
