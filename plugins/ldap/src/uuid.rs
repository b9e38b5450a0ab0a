//! Identifiers as directories hold them: an `entryUUID` is text, an `nsUniqueId` text of another form, an `objectGUID` and
//! an `objectSid` bytes. Every one becomes one canonical text, and back.

/// The bytes of a UUID.
const BYTES: usize = 16;

/// Sixteen bytes in their order, as RFC 4122 writes them.
pub(crate) fn from_bytes(bytes: &[u8]) -> Option<String> {
    grouped(bytes, &[4, 2, 2, 2, 6])
}

/// Sixteen bytes in their order, in the four groups of 389-ds.
pub(crate) fn unique_id(bytes: &[u8]) -> Option<String> {
    grouped(bytes, &[4, 4, 4, 4])
}

/// An `objectGUID`: its first three groups are little-endian.
pub(crate) fn from_guid(bytes: &[u8]) -> Option<String> {
    from_bytes(&mixed(bytes)?)
}

/// The bytes of an `objectGUID`.
pub(crate) fn to_guid(text: &str) -> Option<Vec<u8>> {
    mixed(&parse(text)?)
}

/// The bytes of a UUID in one of its two texts.
pub(crate) fn parse(text: &str) -> Option<Vec<u8>> {
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    if !matches!(groups.as_slice(), [8, 4, 4, 4, 12] | [8, 8, 8, 8]) {
        return None;
    }
    crate::dn::unhex(&text.replace('-', ""))
}

fn mixed(bytes: &[u8]) -> Option<Vec<u8>> {
    const ORDER: [usize; BYTES] = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    if bytes.len() != BYTES {
        return None;
    }
    ORDER.iter().map(|at| bytes.get(*at).copied()).collect()
}

fn grouped(bytes: &[u8], groups: &[usize]) -> Option<String> {
    let mut rest = bytes;
    let mut text = Vec::with_capacity(groups.len());
    for len in groups {
        let (group, after) = rest.split_at_checked(*len)?;
        text.push(group.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        rest = after;
    }
    rest.is_empty().then(|| text.join("-"))
}

/// A security identifier as Windows writes it.
pub(crate) fn sid(bytes: &[u8]) -> Option<String> {
    let (revision, rest) = bytes.split_first()?;
    let (count, rest) = rest.split_first()?;
    let (authority, rest) = rest.split_at_checked(6)?;
    if *revision != 1 || rest.len() != usize::from(*count) * 4 {
        return None;
    }
    let authority = authority.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let parts = rest.chunks_exact(4).filter_map(|part| Some(u32::from_le_bytes(part.try_into().ok()?)));
    Some(parts.fold(format!("S-1-{authority}"), |text, part| format!("{text}-{part}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_identifier_is_none() {
        for text in [
            "",
            "x",
            "6ba7b810-9dad-11d1-80b4-00c04fd430c",
            "6ba7b8109dad11d180b400c04fd430c8",
            "6ba7b810-9dad-11d1-80b4-00c04fd430cg",
            "*",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(from_guid(&[0; 15]), None);
        assert_eq!(sid(&[1, 2, 0, 0, 0, 0, 0, 5, 1]), None);
    }

    #[test]
    fn a_guid_is_written_as_windows_writes_it() {
        let bytes: Vec<u8> = (0..16).collect();
        assert_eq!(from_guid(&bytes).unwrap(), "03020100-0504-0706-0809-0a0b0c0d0e0f");
        assert_eq!(unique_id(&bytes).unwrap(), "00010203-04050607-08090a0b-0c0d0e0f");
    }

    #[test]
    fn a_sid_is_written_as_windows_writes_it() {
        assert_eq!(sid(&[1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0]).unwrap(), "S-1-5-32-544");
    }

    proptest! {
        #[test]
        fn identifiers_survive_their_texts(bytes in any::<[u8; 16]>()) {
            prop_assert_eq!(from_guid(&bytes).and_then(|text| to_guid(&text)), Some(bytes.to_vec()));
            prop_assert_eq!(from_bytes(&bytes).and_then(|text| parse(&text)), Some(bytes.to_vec()));
            prop_assert_eq!(unique_id(&bytes).and_then(|text| parse(&text)), Some(bytes.to_vec()));
        }
    }
}
