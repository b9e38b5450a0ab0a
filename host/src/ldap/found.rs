//! Entries as a guest takes them: in one piece, their names once and their values one after the other.
//!
//! An entry is taken apart once, straight from the wire into that piece; a list for every attribute and every value would
//! cost more than all else a search does. Passwords stay behind: an attribute is told to hold them when its name is first
//! met. So does what has no name, and might be one.

use std::collections::HashMap;

use super::attribute;
use super::ber::{Malformed, OCTETS, Reader, SEQUENCE, SET};
use super::limits::ATTRIBUTES_MAX;
use super::message::Control;
use super::weight;

/// Entries found so far.
#[derive(Debug, Default)]
pub struct Found {
    packed: Packed,
    /// The place of each name met; none for those that hold passwords.
    known: HashMap<Vec<u8>, Option<u32>>,
    /// How much memory all the names take, in bytes.
    named: usize,
    /// The same of the controls.
    controlled: usize,
    entries: u32,
}

/// Entries, as the contract packs them.
#[derive(Debug, Default)]
pub struct Packed {
    /// The names of attributes, each once.
    pub names: Vec<String>,
    /// For each entry: the length of its DN and the number of its attributes; for each of these: its name's place, the
    /// number of its values, and the length of each.
    pub layout: Vec<u32>,
    /// The DNs and the values, in the order of the layout.
    pub bytes: Vec<u8>,
    /// Controls of an entry, with its place.
    pub controls: Vec<(u32, Control)>,
}

impl Found {
    /// How many entries there are.
    pub const fn count(&self) -> u32 {
        self.entries
    }

    /// How much memory they take, in bytes, roughly.
    pub(super) const fn bytes(&self) -> usize {
        self.packed.bytes.len() + self.packed.layout.len() * size_of::<u32>() + self.named + self.controlled
    }

    /// Everything a server said in them.
    pub fn texts<'a>(&'a self) -> impl Iterator<Item = &'a [u8]> {
        let of_control = |(_, control): &'a (u32, Control)| [Some(control.oid.as_bytes()), control.value.as_deref()];
        let controls = self.packed.controls.iter().flat_map(of_control).flatten();
        let names = self.packed.names.iter().map(String::as_bytes);
        std::iter::once(self.packed.bytes.as_slice()).chain(names).chain(controls)
    }

    pub fn into_packed(self) -> Packed {
        self.packed
    }

    /// Takes an entry as it came (RFC 4511, 4.5.2); of one that is malformed, nothing.
    pub(super) fn take(&mut self, entry: &[u8], controls: Vec<Control>) -> Result<(), Malformed> {
        let (layout, bytes) = (self.packed.layout.len(), self.packed.bytes.len());
        self.unpack(Reader::new(entry)).inspect_err(|Malformed| {
            self.packed.layout.truncate(layout);
            self.packed.bytes.truncate(bytes);
        })?;
        let place = self.entries;
        self.controlled += controls.iter().map(weight::control).sum::<usize>();
        self.packed.controls.extend(controls.into_iter().map(|control| (place, control)));
        self.entries += 1;
        Ok(())
    }

    fn unpack(&mut self, mut entry: Reader<'_>) -> Result<(), Malformed> {
        let dn = String::from_utf8_lossy(entry.expect(OCTETS)?);
        self.push(dn.as_bytes())?;
        let count = self.reserve();
        let (mut list, mut attributes, mut met) = (entry.enter(SEQUENCE)?, 0, 0);
        while !list.is_empty() {
            met += 1;
            if met > ATTRIBUTES_MAX {
                return Err(Malformed);
            }
            let mut attribute = list.enter(SEQUENCE)?;
            let (name, values) = (attribute.expect(OCTETS)?, attribute.enter(SET)?);
            if let Some(place) = self.name(name)? {
                self.packed.layout.push(place);
                self.values(values)?;
                attributes += 1;
            }
        }
        self.set(count, attributes);
        Ok(())
    }

    fn values(&mut self, mut values: Reader<'_>) -> Result<(), Malformed> {
        let (count, mut held) = (self.reserve(), 0);
        while !values.is_empty() {
            self.push(values.expect(OCTETS)?)?;
            held += 1;
        }
        self.set(count, held);
        Ok(())
    }

    /// The place of a name, unless it holds passwords, or might.
    fn name(&mut self, name: &[u8]) -> Result<Option<u32>, Malformed> {
        if let Some(known) = self.known.get(name) {
            return Ok(*known);
        }
        let text = String::from_utf8_lossy(name);
        let place = if attribute::is_told(&text) {
            let place = length(self.packed.names.len())?;
            self.packed.names.push(text.into_owned());
            Some(place)
        } else {
            None
        };
        self.named += weight::name(name);
        self.known.insert(name.to_vec(), place);
        Ok(place)
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        self.packed.layout.push(length(bytes.len())?);
        self.packed.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Room for a number that is not known yet.
    fn reserve(&mut self) -> usize {
        self.packed.layout.push(0);
        self.packed.layout.len() - 1
    }

    fn set(&mut self, place: usize, number: u32) {
        if let Some(reserved) = self.packed.layout.get_mut(place) {
            *reserved = number;
        }
    }
}

fn length(length: usize) -> Result<u32, Malformed> {
    u32::try_from(length).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use super::super::ber::Writer;
    use super::*;

    fn entry(dn: &[u8], attributes: &[(&str, &[&[u8]])]) -> Vec<u8> {
        let mut writer = Writer::with_capacity(0);
        writer.octets(OCTETS, dn);
        writer.nested(SEQUENCE, |writer| {
            for (name, values) in attributes {
                writer.nested(SEQUENCE, |writer| {
                    writer.text(name);
                    writer.nested(SET, |writer| values.iter().for_each(|value| writer.octets(OCTETS, value)));
                });
            }
        });
        writer.finish().to_vec()
    }

    #[test]
    fn entries_share_their_names_and_lie_one_after_the_other() {
        let mut found = Found::default();
        found.take(&entry(b"cn=a", &[("cn", &[b"a"]), ("mail", &[b"x", b"yz"])]), vec![]).unwrap();
        found.take(&entry(b"cn=b\xff", &[("mail", &[]), ("sn", &[b"\xff"])]), vec![]).unwrap();
        assert_eq!(found.count(), 2);
        let packed = found.into_packed();
        assert_eq!(packed.names, ["cn", "mail", "sn"]);
        assert_eq!(packed.layout, [4, 2, 0, 1, 1, 1, 2, 1, 2, 7, 2, 1, 0, 2, 1, 1]);
        assert_eq!(packed.bytes, "cn=aaxyzcn=b\u{fffd}".bytes().chain([0xff]).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_written_to_a_password_attribute_never_comes_back() {
        let mut found = Found::default();
        let (shown, hidden): (&[&[u8]], &[&[u8]]) = (&[b"a"], &[b"hash"]);
        let mut attributes = vec![("cn", shown), ("userPassword;binary", hidden), ("UNICODEPWD", hidden)];
        attributes.extend(["2.5.4.35", "OID.2.5.4.35;x", "1.2.840.113556.1.4.90"].map(|number| (number, hidden)));
        for dn in [b"cn=a", b"cn=b"] {
            found.take(&entry(dn, &attributes), vec![]).unwrap();
        }
        let packed = found.into_packed();
        assert_eq!((packed.names, packed.bytes), (vec!["cn".to_owned()], b"cn=aacn=ba".to_vec()));
    }

    #[test]
    fn of_an_entry_that_is_cut_off_nothing_is_taken() {
        let mut found = Found::default();
        found.take(&entry(b"cn=a", &[("cn", &[b"a"])]), vec![]).unwrap();
        let cut = entry(b"cn=b", &[("cn", &[b"bbbb"]), ("sn", &[b"cc"])]);
        for length in 0..cut.len() {
            assert_eq!(found.take(&cut[..length], vec![]), Err(Malformed), "{length}");
        }
        assert_eq!((found.count(), found.into_packed().layout), (1, vec![4, 1, 0, 1, 1]));
    }
}
