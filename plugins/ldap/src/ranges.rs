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

/// Reads the values from a place on.
pub(crate) fn read(directory: &Directory, target: &str, attribute: &str, from: u64) -> Result<Part> {
    let wanted = format!("{attribute};range={from}-*");
    let request = directory.request(target, Scope::Base, "(objectClass=*)", &[&wanted]);
    let found = directory.session.find(&request)?.into_iter().next();
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

/// Adds what the server left out of an entry, until an attribute has more values than a row carries.
pub(crate) fn complete(directory: &Directory, target: &str, entry: &mut Entry) -> Result<()> {
    let large = usize::try_from(directory.options.large_group).unwrap_or(usize::MAX);
    for raw in &mut entry.attributes {
        let Some(attribute) = entry::base_name(&raw.name).map(str::to_owned) else { continue };
        let mut next = entry::range(&raw.name).and_then(|range| range.to).and_then(|last| last.checked_add(1));
        while let Some(from) = next.filter(|_| raw.values.len() <= large) {
            let part = read(directory, target, &attribute, from)?;
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
mod tests {
    use super::*;

    #[test]
    fn the_part_with_values_is_the_one_that_is_taken() {
        let mut entry = entry::tests::entry("cn=g", &[("member;range=0-1", "cn=a")]);
        entry.attributes.insert(0, RawAttribute { name: "member".into(), values: Vec::new() });
        let part = take(entry, "Member").unwrap();
        assert_eq!((part.values.len(), part.next), (1, Some(2)));
        assert!(take(entry::tests::entry("cn=g", &[]), "member").is_none());
    }
}
