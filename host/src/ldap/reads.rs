//! What the answer to a write tells of the entry before and after it (RFC 4527), without its passwords. A guest cannot ask
//! for those; this is for servers that tell more than they are asked.

use super::attribute::is_told;
use super::ber::{Malformed, OCTETS, Reader, SEQUENCE, Writer};
use super::message::Control;
use super::rules::READS;

/// The controls of an answer. An entry that cannot be read is left out as a whole: nobody knows what is in it.
pub(super) fn without_passwords(controls: Vec<Control>) -> Vec<Control> {
    let told = |control: Control| match (READS.contains(&control.oid.as_str()), control.value) {
        (true, Some(value)) => cleaned(&value).ok().map(|value| Control { value: Some(value), ..control }),
        (_, value) => Some(Control { value, ..control }),
    };
    controls.into_iter().filter_map(told).collect()
}

/// An entry as it came, in either of the tags that servers give it, with what may be told.
fn cleaned(entry: &[u8]) -> Result<Vec<u8>, Malformed> {
    let (tag, content) = Reader::new(entry).element()?;
    let mut parts = Reader::new(content);
    let (dn, mut list) = (parts.expect(OCTETS)?, parts.enter(SEQUENCE)?);
    let mut told = Writer::with_capacity(entry.len());
    while !list.is_empty() {
        let attribute = list.expect(SEQUENCE)?;
        if is_told(&Reader::new(attribute).text(OCTETS)?) {
            told.octets(SEQUENCE, attribute);
        }
    }
    let mut writer = Writer::with_capacity(entry.len());
    writer.nested(tag, |writer| {
        writer.octets(OCTETS, dn);
        writer.octets(SEQUENCE, &told.finish());
    });
    Ok(writer.finish().to_vec())
}

#[cfg(test)]
mod tests {
    use super::super::ber::SET;
    use super::*;

    fn entry(tag: u8, attributes: &[&str]) -> Vec<u8> {
        let mut writer = Writer::with_capacity(0);
        writer.nested(tag, |writer| {
            writer.text("cn=a");
            writer.nested(SEQUENCE, |writer| {
                for name in attributes {
                    writer.nested(SEQUENCE, |writer| {
                        writer.text(name);
                        writer.nested(SET, |writer| writer.text("value"));
                    });
                }
            });
        });
        writer.finish().to_vec()
    }

    fn answered(oid: &str, value: Vec<u8>) -> Vec<Control> {
        without_passwords(vec![Control { oid: oid.to_owned(), critical: false, value: Some(value) }])
    }

    /// The names in what is left of an entry.
    fn names(controls: &[Control]) -> Vec<String> {
        let (_, content) = Reader::new(controls[0].value.as_deref().unwrap()).element().unwrap();
        let mut parts = Reader::new(content);
        assert_eq!(parts.text(OCTETS), Ok("cn=a".to_owned()));
        let (mut list, mut names) = (parts.enter(SEQUENCE).unwrap(), Vec::new());
        while !list.is_empty() {
            let mut attribute = list.enter(SEQUENCE).unwrap();
            names.push(attribute.text(OCTETS).unwrap());
            assert_eq!(attribute.enter(SET).unwrap().text(OCTETS), Ok("value".to_owned()));
        }
        names
    }

    #[test]
    fn an_entry_told_after_a_write_is_told_without_its_passwords() {
        let attributes = ["cn", "userPassword;x", "2.5.4.35", "UNICODEPWD", "OID.2.5.4.35", "sn"];
        for (oid, tag) in READS.iter().flat_map(|oid| [(oid, 0x64), (oid, SEQUENCE)]) {
            assert_eq!(names(&answered(oid, entry(tag, &attributes))), ["cn", "sn"]);
        }
    }

    #[test]
    fn what_is_no_entry_is_not_told_and_what_is_no_read_goes_through() {
        assert_eq!(answered(READS[0], b"\x30\x05\x04\x09cn".to_vec()), []);
        let other = answered("1.2.3", entry(SEQUENCE, &["userPassword"]));
        assert_eq!(other[0].value, Some(entry(SEQUENCE, &["userPassword"])));
    }
}
