//! Content synchronization (RFC 4533, refresh only): entries that changed, then the identifiers of those that are gone.
//!
//! A server that has forgotten too much lists what is left instead of what is gone. That would be a complete pass in
//! disguise, so it is told as one that has to begin.

use super::classes::{Answered, Classes, READ_AT_ONCE, gone};
use super::read_again;
use super::token::{self, Token};
use crate::controls::{self, Info, State};
use crate::dialect::Dialect;
use crate::directory::{Directory, NO_ATTRIBUTES};
use crate::{entry, failure, uuid};
use hawser_sdk::ldap::{Control, Entries, Entry, Found, Scope, Search, SearchRequest};
use hawser_sdk::{Delta, Error, FailureKind, Item, Listing, Result};
use std::collections::VecDeque;

/// Entries taken at once.
const AT_ONCE: u32 = 256;

pub(super) struct Changes {
    directory: Directory,
    search: Search,
    answers: Answers,
}

impl Changes {
    pub(super) fn open(directory: Directory, classes: Classes, cookie: Vec<u8>) -> Result<Self> {
        let request = request(&directory, &classes.wanted(), Some(&cookie));
        let search = directory.session.search(&request).map_err(forgotten)?;
        let answers = Answers::new(classes, directory.dialect(), cookie);
        Ok(Self { directory, search, answers })
    }

    fn item(&mut self) -> Result<Option<Item<Delta>>> {
        while self.answers.pending.is_empty() && !self.answers.done {
            let page = self.search.next(AT_ONCE).map_err(forgotten)?;
            let entries: Vec<Entry> = self.whole(page.entries)?.collect();
            let answered = self.answers.classes.ask(&self.directory, &entries)?;
            self.answers.take(Entries { entries: entries.into_iter().collect(), ..page }, &answered)?;
        }
        Ok(self.answers.pending.pop_front())
    }

    /// 389-ds sends what people wrote and nothing of its own, the identifier included, whatever it is asked for. So what
    /// changed there is read again. One that is not found is gone meanwhile, which the next changes tell.
    fn whole(&self, entries: Found) -> Result<Found> {
        let Self { directory, answers, .. } = self;
        if directory.dialect() != Dialect::Ds389 {
            return Ok(entries);
        }
        let (entries, mut whole): (Vec<Entry>, _) = (entries.collect(), Vec::new());
        for chunk in entries.chunks(READ_AT_ONCE) {
            let told: Vec<(String, &Entry)> = chunk.iter().filter_map(|told| Some((changed(told)?, told))).collect();
            let uids = told.iter().map(|(uid, _)| uid);
            whole.extend(chunk.iter().filter(|told| changed(told).is_none()).cloned());
            for now in read_again(directory, &answers.classes, uids, &answers.classes.wanted())? {
                let uid = entry::uid(&now, Dialect::Ds389)?;
                let controls = told.iter().find(|(told, _)| *told == uid).map(|(_, told)| told.controls.clone());
                whole.extend(controls.map(|controls| Entry { controls, ..now }));
            }
        }
        Ok(whole.into_iter().collect())
    }
}

/// Who changed, as 389-ds says it.
fn changed(told: &Entry) -> Option<String> {
    let (state, id) = controls::sync_state(told)?;
    uid(&id, Dialect::Ds389).filter(|_| state == State::Changed)
}

/// What the server has answered so far.
struct Answers {
    classes: Classes,
    dialect: Dialect,
    pending: VecDeque<Item<Delta>>,
    /// Where to go on; a server without anything to tell names no other place.
    cookie: Vec<u8>,
    done: bool,
}

impl Answers {
    fn new(classes: Classes, dialect: Dialect, cookie: Vec<u8>) -> Self {
        Self { classes, dialect, pending: VecDeque::new(), cookie, done: false }
    }

    fn take(&mut self, page: Entries, answered: &Answered) -> Result<()> {
        for found in page.entries {
            let change = change(found, self.dialect)?;
            match change {
                Change::Upsert(found) => self.pending.extend(self.classes.upsert(self.dialect, found, answered)),
                Change::Gone(uid) => self.pending.push_back(Item::Found(gone(uid))),
            }
        }
        for info in page.intermediates.iter().filter_map(controls::sync_info) {
            match info {
                Info::Deleted(ids) => {
                    let uids = ids.iter().filter_map(|id| uid(id, self.dialect));
                    self.pending.extend(uids.map(|uid| Item::Found(gone(uid))));
                }
                Info::PresentPhase => return Err(present_phase()),
                Info::Cookie(cookie) => self.cookie = cookie,
                Info::Nothing => {}
            }
        }
        if page.done { self.end(&page.controls) } else { Ok(()) }
    }

    fn end(&mut self, controls: &[Control]) -> Result<()> {
        self.done = true;
        let Some(end) = controls::sync_done(controls) else {
            let message = "the server ended the synchronization without saying where; begin with a complete pass";
            return Err(Error::resync_required(message));
        };
        // 389-ds never sets the mark, and never lists what is left.
        if !end.deletes && self.dialect == Dialect::OpenLdap {
            return Err(present_phase());
        }
        if let Some(cookie) = end.cookie {
            self.cookie = cookie;
        }
        Ok(())
    }

    /// Only the end has a place to go on from.
    fn token(&self) -> Option<Vec<u8>> {
        (self.done && self.pending.is_empty()).then(|| Token::Sync(self.cookie.clone()).encode())
    }
}

enum Change {
    Upsert(Entry),
    Gone(String),
}

/// What the server says of an entry.
fn change(found: Entry, dialect: Dialect) -> Result<Change> {
    match controls::sync_state(&found) {
        Some((State::Changed, _)) => Ok(Change::Upsert(found)),
        Some((State::Deleted, id)) => match uid(&id, dialect) {
            Some(uid) => Ok(Change::Gone(uid)),
            None => Err(Error::schema_violation("the server deletes an entry without its identifier")),
        },
        Some((State::Present, _)) => Err(present_phase()),
        None => Err(Error::unsupported(
            "the server answers a synchronization with entries of no state; set the option `incremental` to timestamp",
        )),
    }
}

/// An identifier of the synchronization as the uid of an entry.
fn uid(id: &[u8], dialect: Dialect) -> Option<String> {
    match dialect {
        Dialect::Ds389 => uuid::unique_id(id),
        _ => uuid::from_bytes(id),
    }
}

fn present_phase() -> Error {
    Error::resync_required("the server no longer knows what was deleted since then; begin with a complete pass")
}

/// A cookie that the server does not take (RFC 4533, 5).
fn forgotten(error: Error) -> Error {
    if failure::is(&error, failure::SYNC_REFRESH_REQUIRED) {
        return failure::renamed(
            &error,
            FailureKind::ResyncRequired,
            "the server no longer takes this token; begin with a complete pass",
        );
    }
    error
}

/// A cookie of 389-ds holds for one filter only, so there is one: of every class of the connection.
fn request(directory: &Directory, attributes: &[&str], cookie: Option<&[u8]>) -> SearchRequest {
    let filter = token::every_class(directory);
    let request = directory.request(&directory.server.base, Scope::Subtree, &filter, attributes);
    SearchRequest { controls: vec![controls::sync(cookie)], ..request }
}

/// A cookie of now. OpenLDAP shows what it is made of at the root of the context; others are asked for everything and
/// answer with as little as possible.
pub(super) fn cookie(directory: &Directory) -> Result<Vec<u8>> {
    if directory.dialect() == Dialect::OpenLdap {
        let request = directory.request(&directory.server.context, Scope::Base, "(objectClass=*)", &["contextCSN"]);
        let root = directory.session.find(&request)?;
        let csns: Vec<&str> = root.iter().flat_map(|root| entry::texts(root, "contextCSN")).collect();
        if !csns.is_empty() {
            return Ok(format!("rid=000,csn={}", csns.join(";")).into_bytes());
        }
    }
    let search = directory.session.search(&request(directory, &[NO_ATTRIBUTES], None))?;
    loop {
        let page = search.next(AT_ONCE)?;
        if page.done {
            let cookie = controls::sync_done(&page.controls).and_then(|end| end.cookie);
            return cookie.ok_or_else(|| {
                Error::unsupported("the server gives no cookie; set the option `incremental` to timestamp")
            });
        }
    }
}

impl Listing<Delta> for Changes {
    fn next_item(&mut self) -> Option<Result<Item<Delta>>> {
        self.item().transpose()
    }

    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        self.answers.token()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ber::{self, ENUMERATED, OCTETS};
    use hawser_sdk::ldap::Intermediate;

    fn told(state: i64) -> Entry {
        let value = ber::sequence(&[ber::number(ENUMERATED, state), ber::element(OCTETS, &[1; 16])]);
        let control = Control { oid: "1.3.6.1.4.1.4203.1.9.1.2".to_owned(), critical: false, value: Some(value) };
        Entry { dn: "cn=a".to_owned(), attributes: Vec::new(), controls: vec![control] }
    }

    /// As OpenLDAP 2.5 ends a synchronization.
    const NOTHING_NEW: &[u8] = b"\x30\x03\x01\x01\xff";
    const DELETES: &[u8] = b"\x30\x39\x04\x34rid=000,csn=20261122095415.097516Z#000000#000#000000\x01\x01\xff";
    const TOO_OLD: &[u8] = b"\x30\x36\x04\x34rid=000,csn=20261122095415.097516Z#000000#000#000000";

    fn answers() -> Answers {
        let classes = super::super::classes::tests::classes(Dialect::OpenLdap, [&["cn"], &["member"]]);
        Answers::new(classes, Dialect::OpenLdap, b"begin".to_vec())
    }

    fn page(entries: Vec<Entry>, intermediates: Vec<Intermediate>, end: Option<&[u8]>) -> Entries {
        let control = |value: &[u8]| Control {
            oid: "1.3.6.1.4.1.4203.1.9.1.3".to_owned(),
            critical: false,
            value: Some(value.to_vec()),
        };
        let controls = end.map(control).into_iter().collect();
        Entries {
            entries: entries.into_iter().collect(),
            intermediates,
            referrals: Vec::new(),
            done: end.is_some(),
            controls,
        }
    }

    fn gone_ids() -> Intermediate {
        let ids = ber::element(ber::SET, &ber::element(OCTETS, &[1; 16]));
        let set = [ber::element(OCTETS, b"between"), ber::element(ber::BOOLEAN, &[0xff]), ids].concat();
        let oid = Some("1.3.6.1.4.1.4203.1.9.1.4".to_owned());
        Intermediate { oid, value: Some(ber::element(0xa3, &set)), controls: Vec::new() }
    }

    #[test]
    fn a_server_that_forgot_what_it_deleted_asks_for_a_complete_pass() {
        let error = answers().take(page(vec![told(1)], Vec::new(), Some(TOO_OLD)), &Answered::default()).unwrap_err();
        assert_eq!(error.kind(), FailureKind::ResyncRequired);
    }

    #[test]
    fn a_server_with_nothing_new_leaves_the_token_as_it_was() {
        let mut answers = answers();
        answers.take(page(Vec::new(), Vec::new(), Some(NOTHING_NEW)), &Answered::default()).unwrap();
        assert_eq!(answers.token(), Some(b"sbegin".to_vec()));
    }

    #[test]
    fn a_token_stands_behind_the_last_change_and_nowhere_else() {
        let mut answers = answers();
        answers.take(page(vec![told(1)], Vec::new(), None), &Answered::default()).unwrap();
        assert_eq!(answers.token(), None);
        answers.take(page(Vec::new(), vec![gone_ids()], Some(DELETES)), &Answered::default()).unwrap();
        assert_eq!((answers.pending.len(), answers.token()), (2, None), "two changes are still to be told");
        answers.pending.clear();
        assert!(answers.token().unwrap().starts_with(b"srid=000,csn=20261122095415"));
    }

    #[test]
    fn a_list_of_what_is_left_is_no_list_of_changes() {
        let error = change(told(0), Dialect::OpenLdap).err().unwrap();
        assert_eq!(error.kind(), FailureKind::ResyncRequired);
        assert!(change(Entry { controls: Vec::new(), ..told(1) }, Dialect::OpenLdap).is_err());
    }

    #[test]
    fn what_is_gone_has_the_uid_it_had() {
        let Ok(Change::Gone(uid)) = change(told(3), Dialect::OpenLdap) else { panic!("it is gone") };
        assert_eq!(uid, "01010101-0101-0101-0101-010101010101");
        let Ok(Change::Gone(uid)) = change(told(3), Dialect::Ds389) else { panic!("it is gone") };
        assert_eq!(uid, "01010101-01010101-01010101-01010101");
        assert!(matches!(change(told(2), Dialect::OpenLdap), Ok(Change::Upsert(_))));
    }

    #[test]
    fn a_cookie_that_was_forgotten_asks_for_a_complete_pass() {
        let error = forgotten(Error::retryable("refresh").code("ldap:4096"));
        assert_eq!((error.kind(), error.target_code()), (FailureKind::ResyncRequired, Some("ldap:4096")));
        assert_eq!(forgotten(Error::retryable("busy").code("ldap:51")).kind(), FailureKind::Retryable);
    }
}
