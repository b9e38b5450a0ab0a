//! Tokens: where a feed goes on, and by which way it got there.

use crate::directory::{Directory, paged};
use crate::failure::{self, INSUFFICIENT_ACCESS, NO_SUCH_OBJECT};
use crate::options::Incremental;
use crate::{controls, entry, filter, server, time, uuid};
use hawser_sdk::ldap::{Entry, Scope};
use hawser_sdk::{Error, Result, cache, log};
use std::time::Duration;

/// How long a token is handed to one pass after the other; an older one only tells more.
const SHARED: Duration = Duration::from_mins(5);

/// How changes are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Sync,
    Dirsync,
    Usn,
    Timestamp,
}

/// Where a feed goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    Sync(Vec<u8>),
    Dirsync(Vec<u8>),
    /// The counter is one server's own, and of one life of it: one that was restored from a backup counts anew.
    Usn {
        server: String,
        last: i64,
    },
    /// Microseconds since 1970.
    Timestamp(i64),
}

impl Way {
    /// The way that is configured, or the best the server has.
    pub(crate) fn of(directory: &Directory) -> Result<Self> {
        let server = &directory.server;
        let (sync, dirsync) = (server.has(controls::SYNC), server.has(controls::DIRSYNC));
        Self::choose(directory.options.incremental, server.dialect.is_ad(), sync, dirsync)
    }

    fn choose(option: Incremental, is_ad: bool, sync: bool, dirsync: bool) -> Result<Self> {
        let lacking = |what: &str| {
            Err(Error::configuration(format!("the server has no {what}; set the option `incremental` to auto")))
        };
        match option {
            Incremental::Off => {
                Err(Error::unsupported("the option `incremental` is off; the host compares complete passes instead"))
            }
            Incremental::Sync if !sync => lacking("content synchronization (on OpenLDAP, load the overlay syncprov)"),
            Incremental::Dirsync if !dirsync => lacking("DirSync"),
            Incremental::Usn if !is_ad => lacking("uSNChanged"),
            Incremental::Auto if dirsync && is_ad => Ok(Self::Dirsync),
            Incremental::Auto if is_ad => Ok(Self::Usn),
            Incremental::Auto if sync => Ok(Self::Sync),
            Incremental::Auto | Incremental::Timestamp => Ok(Self::Timestamp),
            Incremental::Sync => Ok(Self::Sync),
            Incremental::Dirsync => Ok(Self::Dirsync),
            Incremental::Usn => Ok(Self::Usn),
        }
    }

    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::Sync => "changes are found by content synchronization (RFC 4533), deletions included",
            Self::Dirsync => "changes are found by DirSync, deletions and single members included",
            Self::Usn => {
                "changes are found by uSNChanged, deletions included; ask the same domain controller every time"
            }
            Self::Timestamp => "changes are found by modifyTimestamp; deletions show only in a complete pass",
        }
    }
}

impl Token {
    pub(crate) fn way(&self) -> Way {
        match self {
            Self::Sync(_) => Way::Sync,
            Self::Dirsync(_) => Way::Dirsync,
            Self::Usn { .. } => Way::Usn,
            Self::Timestamp(_) => Way::Timestamp,
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Sync(cookie) => [b"s", cookie.as_slice()].concat(),
            Self::Dirsync(cookie) => [b"d", cookie.as_slice()].concat(),
            Self::Usn { server, last } => format!("u{last} {server}").into_bytes(),
            Self::Timestamp(since) => format!("t{since}").into_bytes(),
        }
    }

    /// Back from [`Self::encode`]; nothing if it is anything else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (letter, rest) = bytes.split_first()?;
        let text = || std::str::from_utf8(rest).ok();
        Some(match letter {
            b's' => Self::Sync(rest.to_vec()),
            b'd' => Self::Dirsync(rest.to_vec()),
            b'u' => {
                let (last, server) = text()?.split_once(' ')?;
                Self::Usn { server: server.to_owned(), last: last.parse().ok()? }
            }
            b't' => Self::Timestamp(text()?.parse().ok()?),
            _ => return None,
        })
    }
}

/// A token from before a complete pass, where the server gives one. Without it the pass is as good; only the feed has to
/// wait for one. The classes of one pass share it: some servers have to look at everything to give one.
pub(crate) fn before_a_pass(directory: &Directory) -> Option<Vec<u8>> {
    let way = Way::of(directory).ok()?;
    let key = format!("token/{way:?}/{}/{}", directory.server.base, every_class(directory));
    if let Some(token) = cache::get(&key) {
        return Some(token);
    }
    match now(directory, way) {
        Ok(token) => {
            let token = token.encode();
            cache::put(&key, &token, SHARED);
            Some(token)
        }
        Err(why) => {
            log::warn("this pass comes without a token for changes", &[("reason", why.message())]);
            None
        }
    }
}

/// Entries of every class of the connection.
pub(super) fn every_class(directory: &Directory) -> String {
    filter::any_of(&directory.places().into_iter().map(|place| place.filter).collect::<Vec<_>>())
}

/// A token from which everything is seen that happens from now on.
pub(crate) fn now(directory: &Directory, way: Way) -> Result<Token> {
    match way {
        Way::Sync => super::sync::cookie(directory).map(Token::Sync),
        Way::Dirsync => super::dirsync::cookie(directory).map(Token::Dirsync),
        Way::Usn => usn(directory),
        Way::Timestamp => newest(directory).map(Token::Timestamp),
    }
}

/// How far the counter of the server has come.
pub(crate) fn usn(directory: &Directory) -> Result<Token> {
    let root = server::root(&directory.session, &["highestCommittedUSN", "dsServiceName"])?;
    let name = entry::text(&root, "dsServiceName").unwrap_or_default();
    let request = directory.request(name, Scope::Base, "(objectClass=*)", &["invocationId"]);
    let service = match directory.session.find(&request) {
        Err(error) if matches!(failure::code(&error), Some(NO_SUCH_OBJECT | INSUFFICIENT_ACCESS)) => Vec::new(),
        found => found?,
    };
    let server = counter(name, service.first());
    let last = entry::integer(&root, "highestCommittedUSN");
    let last = last.ok_or_else(|| {
        Error::unsupported("the server shows no highestCommittedUSN; set the option `incremental` to timestamp")
    })?;
    Ok(Token::Usn { server, last })
}

/// Whose counter it is: a domain controller, and the id that it has until it is restored (MS-ADTS 3.1.1.1.9). One who does
/// not show that id is told by its name alone.
fn counter(name: &str, service: Option<&Entry>) -> String {
    let id = service.and_then(|entry| entry::find(entry, "invocationId")).and_then(|raw| raw.values.first());
    let id = id.and_then(|bytes| uuid::from_guid(bytes)).unwrap_or_default();
    format!("{id} {name}")
}

/// The time of the newest change of all, by the server's own clock.
fn newest(directory: &Directory) -> Result<i64> {
    let filter = every_class(directory);
    let request = directory.request(&directory.server.base, Scope::Subtree, &filter, &["modifyTimestamp"]);
    let search = directory.session.search(&paged(request, directory.options.page_size))?;
    let mut newest = 0;
    loop {
        let page = search.next(directory.options.page_size)?;
        let modified = |found| entry::text(&found, "modifyTimestamp").and_then(time::from_generalized);
        newest = page.entries.filter_map(modified).fold(newest, i64::max);
        if page.done {
            return Ok(newest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hawser_sdk::ldap::RawAttribute;

    #[test]
    fn a_way_that_the_server_does_not_have_is_a_wrong_setting() {
        let refused = |option, is_ad, sync, dirsync| Way::choose(option, is_ad, sync, dirsync).unwrap_err();
        assert!(refused(Incremental::Sync, false, false, false).message().contains("syncprov"));
        assert!(refused(Incremental::Dirsync, true, false, false).message().contains("DirSync"));
        assert!(refused(Incremental::Usn, false, true, false).message().contains("uSNChanged"));
        assert!(refused(Incremental::Off, true, true, true).message().contains("off"));
    }

    #[test]
    fn the_best_way_is_taken() {
        let chosen = |is_ad, sync, dirsync| Way::choose(Incremental::Auto, is_ad, sync, dirsync).unwrap();
        assert_eq!(chosen(true, false, true), Way::Dirsync);
        assert_eq!(chosen(true, false, false), Way::Usn);
        assert_eq!(chosen(false, true, false), Way::Sync);
        assert_eq!(chosen(false, false, false), Way::Timestamp);
    }

    #[test]
    fn a_domain_controller_that_was_restored_counts_anew() {
        let service = |id: u8| {
            let raw = RawAttribute { name: "invocationId".into(), values: vec![vec![id; 16]] };
            Entry { dn: String::new(), attributes: vec![raw], controls: Vec::new() }
        };
        let name = "CN=NTDS Settings,CN=DC1";
        assert_ne!(counter(name, Some(&service(1))), counter(name, Some(&service(2))));
        assert_eq!(counter(name, None), format!(" {name}"));
        assert_eq!(counter(name, Some(&service(1))), format!("01010101-0101-0101-0101-010101010101 {name}"));
    }

    #[test]
    fn a_token_survives_and_nothing_else_is_one() {
        for token in [
            Token::Sync(b"rid=000,csn=1".to_vec()),
            Token::Dirsync(vec![0, 255]),
            Token::Usn { server: " CN=NTDS Settings,CN=DC1".to_owned(), last: 7 },
            Token::Timestamp(-1),
        ] {
            assert_eq!(Token::decode(&token.encode()), Some(token));
        }
        for bytes in [&b""[..], b"x", b"u7", b"tz", b"u\xff 1"] {
            assert_eq!(Token::decode(bytes), None);
        }
    }
}
