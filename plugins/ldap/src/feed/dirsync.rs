//! DirSync, Active Directory's own synchronization: what changed of every object, single members that were added and
//! removed, and what was deleted.
//!
//! It answers with the attributes that changed and nothing else, so every object that is still there is read again as a
//! whole. Its members are not: those come one by one. Only where that may not be all of them (a group that came from
//! elsewhere, a part of a list) they are read again. When a member is deleted, only that is told; the host drops the
//! memberships of what is gone.

use super::classes::{Classes, READ_AT_ONCE, gone, is_deleted};
use super::read_again;
use super::token::Token;
use crate::dialect::Dialect;
use crate::directory::{Directory, is_within};
use crate::model::{GROUP, Kind};
use crate::{controls, entry, failure, values};
use hawser_sdk::ldap::{Entry, RawAttribute, Scope, SearchRequest};
use hawser_sdk::{Cell, Delta, Edge, Error, FailureKind, Item, Listing, Reference, Result};
use std::collections::{HashSet, VecDeque};

/// Entries taken at once.
const AT_ONCE: u32 = 256;
/// Every attribute: an object is told only if one changed that was asked for, and what makes an object another may be its
/// `name`, which is all that a new name changes, or what a filter of the operator's looks at.
const ALL: &[&str] = &["*"];

pub(super) struct Changes {
    directory: Directory,
    classes: Classes,
    /// Where the next page begins.
    cookie: Vec<u8>,
    more: bool,
    pending: VecDeque<Item<Delta>>,
}

impl Changes {
    pub(super) fn open(directory: Directory, classes: Classes, cookie: Vec<u8>) -> Result<Self> {
        Ok(Self { directory, classes, cookie, more: true, pending: VecDeque::new() })
    }

    fn item(&mut self) -> Result<Option<Item<Delta>>> {
        while self.pending.is_empty() && self.more {
            self.page()?;
        }
        Ok(self.pending.pop_front())
    }

    fn page(&mut self) -> Result<()> {
        let member = self.directory.options.member_attribute.clone();
        let page = page(&self.directory, &self.classes.object_classes(), ALL, &self.cookie)?;
        let mut changed = Vec::new();
        for found in page.entries {
            let uid = entry::uid(&found, self.directory.dialect())?;
            if is_deleted(&found) {
                self.pending.push_back(Item::Found(gone(uid)));
            } else {
                changed.push((uid, found));
            }
        }
        for chunk in changed.chunks(READ_AT_ONCE) {
            self.read(chunk, &member)?;
        }
        (self.cookie, self.more) = (page.cookie, page.more);
        Ok(())
    }

    /// The objects as they are now, and then what happened to their members.
    fn read(&mut self, chunk: &[(String, Entry)], member: &str) -> Result<()> {
        let dialect = self.directory.dialect();
        let mut wanted = self.classes.wanted();
        // Members come one by one, so nobody has to read all of them.
        if !is_read(&self.classes, member) {
            wanted.retain(|name| !name.eq_ignore_ascii_case(member));
        }
        let (mut seen, mut told) = (HashSet::new(), HashSet::new());
        let current = read_again(&self.directory, &self.classes, chunk.iter().map(|(uid, _)| uid), &wanted)?;
        let answered = self.classes.ask(&self.directory, &current)?;
        for mut now in current {
            let uid = entry::uid(&now, dialect)?;
            self.classes.complete(&self.directory, &mut now)?;
            let strange = chunk.iter().any(|(changed, found)| *changed == uid && is_strange(found, member));
            for item in self.classes.upsert(dialect, now, &answered) {
                if let Item::Found(Delta::Upsert(row)) = &item {
                    told.insert((row.class.clone(), uid.clone()));
                }
                self.pending.push_back(without_members(item, &self.classes, member, strange));
            }
            seen.insert(uid);
        }
        for (uid, found) in chunk {
            if !seen.contains(uid) {
                // It left the classes, or was deleted meanwhile.
                self.pending.push_back(Item::Found(gone(uid.clone())));
            }
            let links = links(uid, found, member, &self.classes, dialect);
            self.pending.extend(links.into_iter().filter(|_| told.contains(&(GROUP.to_owned(), uid.clone()))));
        }
        Ok(())
    }
}

/// Does a class other than that of groups have the attribute? There it is one like any other.
fn is_read(classes: &Classes, member: &str) -> bool {
    classes.asked.iter().any(|(place, layout)| place.kind != Kind::Group && layout.position(member).is_some())
}

/// Is what is told of a group's members perhaps not all that is new to this connection? A group that was renamed or moved
/// may have been elsewhere until now; a new one comes with all it has. Parts of a list say nothing.
fn is_strange(found: &Entry, member: &str) -> bool {
    let came = entry::find(found, "name").is_some() && entry::find(found, "objectClass").is_none();
    came || found.attributes.iter().any(|raw| is_named(raw, member) && is_added(&raw.name).is_none())
}

fn is_named(raw: &RawAttribute, member: &str) -> bool {
    entry::base_name(&raw.name).is_some_and(|base| base.eq_ignore_ascii_case(member))
}

/// Members come one by one; in the row they say nothing, or that they have to be read again.
fn without_members(item: Item<Delta>, classes: &Classes, member: &str, strange: bool) -> Item<Delta> {
    let Item::Found(Delta::Upsert(mut row)) = item else { return item };
    let layout = classes.asked.iter().find(|(place, _)| place.class == row.class && place.kind == Kind::Group);
    if let Some(cell) = layout.and_then(|(_, layout)| layout.position(member)).and_then(|at| row.row.cells.get_mut(at))
    {
        *cell = if strange { Cell::Partial(Vec::new()) } else { Cell::Unread };
    }
    Item::Found(Delta::Upsert(row))
}

/// The members that were added to a group and removed from it.
fn links(uid: &str, found: &Entry, member: &str, classes: &Classes, dialect: Dialect) -> Vec<Item<Delta>> {
    let of_kind = |kind: Kind| classes.asked.iter().find(|(place, _)| place.kind == kind);
    let Some((place, layout)) = of_kind(Kind::Group).filter(|(place, _)| is_within(&found.dn, &place.base)) else {
        return Vec::new();
    };
    let Some(attribute) = layout.attribute(member) else { return Vec::new() };
    let edges = |raw: &RawAttribute| {
        let added = is_added(&raw.name)?;
        let edge = |value: &Vec<u8>| {
            let edge = Edge {
                owner: Reference::uid(&place.class, uid),
                attribute: attribute.to_owned(),
                target: values::reference(&String::from_utf8_lossy(value), dialect),
                parameters: Vec::new(),
            };
            Item::Found(if added { Delta::LinkAdded(edge) } else { Delta::LinkRemoved(edge) })
        };
        Some(raw.values.iter().map(edge).collect::<Vec<_>>())
    };
    found.attributes.iter().filter(|raw| is_named(raw, member)).filter_map(edges).flatten().collect()
}

/// `range=1-1` holds what was added, `range=0-0` what was removed; without one it is a new group's list.
fn is_added(name: &str) -> Option<bool> {
    match entry::range(name) {
        None => Some(true),
        Some(entry::Range { from: 1, to: Some(1) }) => Some(true),
        Some(entry::Range { from: 0, to: Some(0) }) => Some(false),
        Some(_) => None,
    }
}

/// One answer of DirSync.
struct Page {
    entries: Vec<Entry>,
    cookie: Vec<u8>,
    more: bool,
}

fn page(directory: &Directory, filter: &str, attributes: &[&str], cookie: &[u8]) -> Result<Page> {
    let request = directory.request(&directory.server.context, Scope::Subtree, filter, attributes);
    let mut controls = request.controls.clone();
    controls.push(controls::dirsync(cookie));
    let search = directory.session.search(&SearchRequest { controls, ..request }).map_err(refused)?;
    let mut entries = Vec::new();
    loop {
        let answer = search.next(AT_ONCE).map_err(refused)?;
        entries.extend(answer.entries);
        if answer.done {
            let end = controls::dirsync_done(&answer.controls);
            let (cookie, more) = end.ok_or_else(|| {
                Error::resync_required("the server ended DirSync without a cookie; begin with a complete pass")
            })?;
            return Ok(Page { entries, cookie, more });
        }
    }
}

fn refused(error: Error) -> Error {
    match failure::code(&error) {
        Some(failure::INSUFFICIENT_ACCESS) => {
            let message = "DirSync takes the right \"Replicating Directory Changes\" on the domain; grant it to the service account, or set \
                           the option `incremental` to usn";
            failure::renamed(&error, FailureKind::PermissionDenied, message)
        }
        _ => error,
    }
}

/// A cookie of now: every change is passed over, and nothing of it is asked for.
pub(super) fn cookie(directory: &Directory) -> Result<Vec<u8>> {
    let mut cookie = Vec::new();
    loop {
        let page = page(directory, "(objectClass=domainDNS)", &["objectGUID"], &cookie)?;
        cookie = page.cookie;
        if !page.more {
            return Ok(cookie);
        }
    }
}

impl Listing<Delta> for Changes {
    fn next_item(&mut self) -> Option<Result<Item<Delta>>> {
        self.item().transpose()
    }

    /// A cookie stands behind a whole page of the server's.
    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        self.pending.is_empty().then(|| Token::Dirsync(self.cookie.clone()).encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hawser_sdk::{ClassRow, Key, Row};

    #[test]
    fn a_range_that_is_no_change_of_members_is_none() {
        assert_eq!(is_added("member;range=0-1499"), None);
        assert_eq!(is_added("member;range=1-1"), Some(true));
        assert_eq!(is_added("member;range=0-0"), Some(false));
        assert_eq!(is_added("member"), Some(true));
    }

    const UID: &str = "03020100-0504-0706-0809-0a0b0c0d0e0f";

    fn member(digit: char) -> (String, String) {
        let uid = UID.replace('3', &digit.to_string());
        (uid.clone(), format!("<GUID={uid}>;<SID=S-1-5-21-1>;CN={digit},DC=x"))
    }

    #[test]
    fn members_come_and_go_one_by_one_and_stand_in_no_row() {
        let classes = super::super::classes::tests::classes(Dialect::Samba, [&[], &["cn", "member"]]);
        let ((added, came), (removed, went)) = (member('7'), member('9'));
        let found =
            entry::tests::entry("CN=g,OU=groups,DC=x", &[("member;range=1-1", &came), ("member;range=0-0", &went)]);
        let told: Vec<_> = links(UID, &found, "member", &classes, Dialect::Samba)
            .into_iter()
            .map(|item| match item {
                Item::Found(Delta::LinkAdded(edge)) => (true, edge.target.key),
                Item::Found(Delta::LinkRemoved(edge)) => (false, edge.target.key),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, [(true, Key::Uid(added)), (false, Key::Uid(removed))]);
        let row =
            Row { uid: UID.to_owned(), name: "g".to_owned(), revision: None, cells: vec![Cell::Absent, Cell::Absent] };
        let cells = |strange| {
            let item = Item::Found(Delta::Upsert(ClassRow { class: "group".to_owned(), row: row.clone() }));
            match without_members(item, &classes, "member", strange) {
                Item::Found(Delta::Upsert(row)) => row.row.cells,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(cells(false), [Cell::Absent, Cell::Unread]);
        assert_eq!(cells(true), [Cell::Absent, Cell::Partial(Vec::new())], "the host asks for all of them");
    }

    #[test]
    fn the_members_of_a_group_that_may_have_been_elsewhere_are_read_again() {
        let told = |attributes: &[(&str, &str)]| is_strange(&entry::tests::entry("CN=g,DC=x", attributes), "member");
        assert!(told(&[("name", "g")]), "it was moved or renamed");
        assert!(told(&[("member;range=0-1499", "CN=a")]), "it is a part of a list");
        assert!(!told(&[("name", "g"), ("objectClass", "group"), ("member;range=1-1", "CN=a")]), "it is new");
        assert!(!told(&[("member;range=1-1", "CN=a"), ("member;range=0-0", "CN=b"), ("description", "x")]));
    }

    #[test]
    fn members_are_read_where_another_class_has_them() {
        let of = |attributes| super::super::classes::tests::classes(Dialect::Samba, attributes);
        assert!(!is_read(&of([&["cn"], &["member"]]), "member"));
        assert!(is_read(&of([&["memberOf"], &[]]), "memberOf"));
    }

    #[test]
    fn a_group_elsewhere_and_a_relation_nobody_asked_for_have_no_links() {
        let (_, came) = member('7');
        let found = |dn: &str| entry::tests::entry(dn, &[("member;range=1-1", &came)]);
        let asked = super::super::classes::tests::classes(Dialect::Samba, [&[], &["member"]]);
        assert!(links(UID, &found("CN=g,OU=elsewhere,DC=x"), "member", &asked, Dialect::Samba).is_empty());
        let silent = super::super::classes::tests::classes(Dialect::Samba, [&[], &["cn"]]);
        assert!(links(UID, &found("CN=g,OU=groups,DC=x"), "member", &silent, Dialect::Samba).is_empty());
    }

    #[test]
    fn a_right_that_is_missing_is_named() {
        let error = refused(Error::permission_denied("no").code("ldap:50"));
        assert!(error.message().contains("Replicating Directory Changes"), "{error}");
    }
}
