//! The controls this connector sends and what it reads out of the ones that come back.

use crate::ber::{self, BOOLEAN, ENUMERATED, INTEGER, OCTETS, Reader, SEQUENCE, SET};
use hawser_sdk::ldap::{Control, Entry, Intermediate, RawAttribute};

/// Content synchronization (RFC 4533).
pub(crate) const SYNC: &str = "1.3.6.1.4.1.4203.1.9.1.1";
const SYNC_STATE: &str = "1.3.6.1.4.1.4203.1.9.1.2";
const SYNC_DONE: &str = "1.3.6.1.4.1.4203.1.9.1.3";
const SYNC_INFO: &str = "1.3.6.1.4.1.4203.1.9.1.4";
/// MS-ADTS, 3.1.1.3.4.1.
pub(crate) const DIRSYNC: &str = "1.2.840.113556.1.4.841";
pub(crate) const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
pub(crate) const EXTENDED_DN: &str = "1.2.840.113556.1.4.529";
pub(crate) const PERMISSIVE_MODIFY: &str = "1.2.840.113556.1.4.1413";
/// RFC 4528.
pub(crate) const ASSERTION: &str = "1.3.6.1.1.12";
/// RFC 4527.
pub(crate) const POST_READ: &str = "1.3.6.1.1.13.2";
/// RFC 3062; an extended operation.
pub(crate) const PASSWORD_MODIFY: &str = "1.3.6.1.4.1.4203.1.11.1";

/// Of everything a server supports, what makes a difference here.
pub(crate) const KNOWN: [&str; 8] =
    [SYNC, DIRSYNC, SHOW_DELETED, EXTENDED_DN, PERMISSIVE_MODIFY, ASSERTION, POST_READ, PASSWORD_MODIFY];

/// DirSync with single link values: what was added to a group, and what was removed.
const INCREMENTAL_VALUES: i64 = i32::MIN as i64;
/// How much of an answer DirSync gives at a time, in bytes.
const DIRSYNC_BYTES_MAX: i64 = 1 << 20;

/// A control without a value.
pub(crate) fn plain(oid: &str, critical: bool) -> Control {
    Control { oid: oid.to_owned(), critical, value: None }
}

/// Names with the GUID of what they name in front.
pub(crate) fn extended_dn() -> Control {
    let as_text = 1;
    Control { value: Some(ber::sequence(&[ber::number(INTEGER, as_text)])), ..plain(EXTENDED_DN, true) }
}

/// What changed since a cookie, and then the end.
pub(crate) fn sync(cookie: Option<&[u8]>) -> Control {
    let refresh_only = ber::number(ENUMERATED, 1);
    let cookie = cookie.map(|cookie| ber::element(OCTETS, cookie));
    let elements: Vec<_> = std::iter::once(refresh_only).chain(cookie).collect();
    Control { value: Some(ber::sequence(&elements)), ..plain(SYNC, true) }
}

pub(crate) fn dirsync(cookie: &[u8]) -> Control {
    let elements = [
        ber::number(INTEGER, INCREMENTAL_VALUES),
        ber::number(INTEGER, DIRSYNC_BYTES_MAX),
        ber::element(OCTETS, cookie),
    ];
    Control { value: Some(ber::sequence(&elements)), ..plain(DIRSYNC, true) }
}

/// Only if the entry still has this value. A value of an assertion control is a filter in BER, not its text.
pub(crate) fn assert_equals(attribute: &str, value: &str) -> Control {
    const EQUALITY_MATCH: u8 = 0xa3;
    let pair = [ber::element(OCTETS, attribute.as_bytes()), ber::element(OCTETS, value.as_bytes())];
    Control { value: Some(ber::element(EQUALITY_MATCH, &pair.concat())), ..plain(ASSERTION, true) }
}

/// These attributes as they are afterwards.
pub(crate) fn post_read(attributes: &[&str]) -> Control {
    let names: Vec<_> = attributes.iter().map(|name| ber::element(OCTETS, name.as_bytes())).collect();
    Control { value: Some(ber::sequence(&names)), ..plain(POST_READ, false) }
}

/// The entry a post-read control carries.
pub(crate) fn read_entry(controls: &[Control]) -> Option<Entry> {
    const SEARCH_RESULT_ENTRY: u8 = 0x64;
    let value = value(controls, POST_READ)?;
    let mut outer = Reader::new(value);
    let tag = outer.peek().filter(|tag| matches!(*tag, SEARCH_RESULT_ENTRY | SEQUENCE))?;
    let mut entry = outer.open(tag)?;
    let dn = String::from_utf8(entry.take(OCTETS)?.to_vec()).ok()?;
    let mut list = entry.open(SEQUENCE)?;
    let mut attributes = Vec::new();
    while let Some(mut attribute) = list.open(SEQUENCE) {
        let name = String::from_utf8(attribute.take(OCTETS)?.to_vec()).ok()?;
        let mut set = attribute.open(SET)?;
        let values = std::iter::from_fn(|| set.take(OCTETS).map(<[u8]>::to_vec)).collect();
        attributes.push(RawAttribute { name: name.into(), values });
    }
    Some(Entry { dn, attributes, controls: Vec::new() })
}

/// What a synchronization says of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Present,
    Changed,
    Deleted,
}

/// The state of an entry and its identifier.
pub(crate) fn sync_state(entry: &Entry) -> Option<(State, Vec<u8>)> {
    let mut sequence = Reader::new(value(&entry.controls, SYNC_STATE)?).open(SEQUENCE)?;
    let state = match sequence.number(ENUMERATED)? {
        0 => State::Present,
        1 | 2 => State::Changed,
        3 => State::Deleted,
        _ => return None,
    };
    Some((state, sequence.take(OCTETS)?.to_vec()))
}

/// What a synchronization says between its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Info {
    Cookie(Vec<u8>),
    /// These are gone.
    Deleted(Vec<Vec<u8>>),
    /// The server lists what is left instead of what is gone.
    PresentPhase,
    Nothing,
}

/// Reads an intermediate response; nothing if it is not about the synchronization.
pub(crate) fn sync_info(intermediate: &Intermediate) -> Option<Info> {
    const NEW_COOKIE: u8 = 0x80;
    const REFRESH_DELETE: u8 = 0xa1;
    const REFRESH_PRESENT: u8 = 0xa2;
    const ID_SET: u8 = 0xa3;
    if intermediate.oid.as_deref() != Some(SYNC_INFO) {
        return None;
    }
    let mut reader = Reader::new(intermediate.value.as_deref()?);
    match reader.peek()? {
        NEW_COOKIE => reader.take(NEW_COOKIE).map(|cookie| Info::Cookie(cookie.to_vec())),
        REFRESH_DELETE => {
            let cookie = reader.open(REFRESH_DELETE)?.take(OCTETS);
            Some(cookie.map_or(Info::Nothing, |cookie| Info::Cookie(cookie.to_vec())))
        }
        REFRESH_PRESENT => Some(Info::PresentPhase),
        ID_SET => id_set(&mut reader.open(ID_SET)?),
        _ => None,
    }
}

fn id_set(set: &mut Reader<'_>) -> Option<Info> {
    if set.peek() == Some(OCTETS) {
        set.take(OCTETS)?;
    }
    let deletes = set.peek() == Some(BOOLEAN) && set.boolean()?;
    let mut ids = set.open(SET)?;
    let ids = std::iter::from_fn(|| ids.take(OCTETS).map(<[u8]>::to_vec)).collect();
    Some(if deletes { Info::Deleted(ids) } else { Info::PresentPhase })
}

/// What stands at the end of a synchronization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SyncDone {
    pub(crate) cookie: Option<Vec<u8>>,
    /// What was not listed is as it was; otherwise it is gone.
    pub(crate) deletes: bool,
}

pub(crate) fn sync_done(controls: &[Control]) -> Option<SyncDone> {
    let mut sequence = Reader::new(value(controls, SYNC_DONE)?).open(SEQUENCE)?;
    let mut done = SyncDone::default();
    if sequence.peek() == Some(OCTETS) {
        done.cookie = sequence.take(OCTETS).map(<[u8]>::to_vec);
    }
    if sequence.peek() == Some(BOOLEAN) {
        done.deletes = sequence.boolean()?;
    }
    Some(done)
}

/// Where a DirSync stands, and whether there is more.
pub(crate) fn dirsync_done(controls: &[Control]) -> Option<(Vec<u8>, bool)> {
    let mut sequence = Reader::new(value(controls, DIRSYNC)?).open(SEQUENCE)?;
    let more = sequence.number(INTEGER)? != 0;
    sequence.number(INTEGER)?;
    Some((sequence.take(OCTETS)?.to_vec(), more))
}

fn value<'a>(controls: &'a [Control], oid: &str) -> Option<&'a [u8]> {
    controls.iter().find(|control| control.oid == oid)?.value.as_deref()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(oid: &str, value: Vec<u8>) -> Vec<Control> {
        vec![Control { value: Some(value), ..plain(oid, false) }]
    }

    fn info(value: Vec<u8>) -> Option<Info> {
        sync_info(&Intermediate { oid: Some(SYNC_INFO.to_owned()), value: Some(value), controls: Vec::new() })
    }

    #[test]
    fn answers_that_are_broken_are_nothing() {
        assert_eq!(sync_done(&answered(SYNC_DONE, vec![0x30, 9])), None);
        assert_eq!(dirsync_done(&answered(DIRSYNC, vec![0x30, 0])), None);
        assert_eq!(info(vec![0xa3, 2, 0x31]), None);
        assert_eq!(info(Vec::new()), None);
        assert!(read_entry(&answered(POST_READ, vec![0x64, 1, 4])).is_none());
    }

    #[test]
    fn a_set_of_what_is_left_is_not_one_of_what_is_gone() {
        let ids = ber::element(SET, &ber::element(OCTETS, &[7; 16]));
        let left = ber::element(0xa3, &[ber::element(OCTETS, b"c"), ids.clone()].concat());
        assert_eq!(info(left), Some(Info::PresentPhase));
        let gone = ber::element(0xa3, &[ber::element(BOOLEAN, &[0xff]), ids].concat());
        assert_eq!(info(gone), Some(Info::Deleted(vec![vec![7; 16]])));
        assert_eq!(info(ber::element(0xa2, &[])), Some(Info::PresentPhase));
    }

    #[test]
    fn cookies_are_found_where_they_stand() {
        assert_eq!(info(ber::element(0x80, b"c")), Some(Info::Cookie(b"c".to_vec())));
        assert_eq!(info(ber::element(0xa1, &ber::element(OCTETS, b"c"))), Some(Info::Cookie(b"c".to_vec())));
        let done = ber::sequence(&[ber::element(OCTETS, b"c"), ber::element(BOOLEAN, &[1])]);
        assert_eq!(
            sync_done(&answered(SYNC_DONE, done)),
            Some(SyncDone { cookie: Some(b"c".to_vec()), deletes: true })
        );
        let done = ber::sequence(&[ber::number(INTEGER, 1), ber::number(INTEGER, 0), ber::element(OCTETS, b"c")]);
        assert_eq!(dirsync_done(&answered(DIRSYNC, done)), Some((b"c".to_vec(), true)));
    }

    #[test]
    fn the_state_of_an_entry_is_read() {
        let value = ber::sequence(&[ber::number(ENUMERATED, 3), ber::element(OCTETS, &[1; 16])]);
        let entry = Entry { dn: String::new(), attributes: Vec::new(), controls: answered(SYNC_STATE, value) };
        assert_eq!(sync_state(&entry), Some((State::Deleted, vec![1; 16])));
    }

    #[test]
    fn an_entry_read_after_a_write_is_read() {
        let values = ber::element(SET, &ber::element(OCTETS, b"u"));
        let attribute = ber::sequence(&[ber::element(OCTETS, b"entryUUID"), values]);
        let content = [ber::element(OCTETS, b"cn=a"), ber::sequence(&[attribute])].concat();
        let entry = read_entry(&answered(POST_READ, ber::element(0x64, &content))).unwrap();
        assert_eq!((entry.dn.as_str(), crate::entry::text(&entry, "entryuuid")), ("cn=a", Some("u")));
    }
}
