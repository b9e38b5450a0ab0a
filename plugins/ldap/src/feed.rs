//! The feed: what changed since a token, by the best way the server has.
//!
//! `sync` is content synchronization (RFC 4533), `dirsync` Active Directory's own, with single members added and removed,
//! `poll` looks for entries whose counter (uSNChanged) or time (modifyTimestamp) has moved. A token says which way made
//! it and is worth nothing to another.

mod dirsync;
mod poll;
mod sync;
pub(crate) mod token;

use crate::Ldap;
use crate::dialect::Dialect;
use crate::directory::{Directory, Place, is_within, paged};
use crate::layout::Layout;
use crate::{entry, filter};
use hawser_sdk::ldap::{Entry, Scope};
use hawser_sdk::{ClassAttributes, ClassRow, Delta, Error, Feed, Gone, Item, Listing, Rejected, Result};
use token::{Token, Way};

/// How many objects one search reads again.
const READ_AT_ONCE: usize = 50;

impl Feed for Ldap {
    fn latest_token(&self, _: &[String]) -> Result<Vec<u8>> {
        let directory = self.directory()?;
        let way = Way::of(&directory)?;
        Ok(token::now(&directory, way)?.encode())
    }

    fn changes(self, classes: Vec<ClassAttributes>, token: Vec<u8>) -> Result<impl Listing<Delta> + 'static> {
        let directory = self.directory()?;
        let token = Token::decode(&token).filter(|token| Way::of(&directory).is_ok_and(|way| way == token.way()));
        let token = token.ok_or_else(|| {
            Error::resync_required("the token is of another way to find changes; begin with a complete pass")
        })?;
        let classes = Classes::open(&directory, &classes)?;
        let changes: Box<dyn Listing<Delta>> = match token {
            Token::Sync(cookie) => Box::new(sync::Changes::open(directory, classes, cookie)?),
            Token::Dirsync(cookie) => Box::new(dirsync::Changes::open(directory, classes, cookie)?),
            Token::Usn { server, last } => Box::new(poll::Changes::by_usn(directory, classes, &server, last)?),
            Token::Timestamp(since) => Box::new(poll::Changes::by_time(directory, classes, since)?),
        };
        Ok(Boxed(changes))
    }
}

/// One way or the other.
struct Boxed(Box<dyn Listing<Delta>>);

impl Listing<Delta> for Boxed {
    fn next_item(&mut self) -> Option<Result<Item<Delta>>> {
        self.0.next_item()
    }

    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        self.0.checkpoint()
    }
}

/// The classes a feed is about, and how their entries become rows.
struct Classes {
    asked: Vec<(Place, Layout)>,
    /// Classes of the connection that nobody asked for here; their entries are passed over.
    others: Vec<Place>,
}

impl Classes {
    fn open(directory: &Directory, classes: &[ClassAttributes]) -> Result<Self> {
        let known = directory.classes()?;
        let open = |asked: &ClassAttributes| {
            let place = directory.place(&asked.class)?;
            let class = known.iter().find(|class| class.name == asked.class);
            let class = class.ok_or_else(|| Error::schema_violation(format!("there is no class `{}`", asked.class)))?;
            let layout = Layout::new(directory, &place, class, &asked.attributes)?;
            Ok((place, layout))
        };
        let asked = classes.iter().map(open).collect::<Result<_>>()?;
        let mut others = directory.places();
        others.retain(|place| classes.iter().all(|asked| asked.class != place.class));
        Ok(Self { asked, others })
    }

    /// Entries of any of the classes.
    fn filter(&self) -> String {
        filter::any_of(&self.asked.iter().map(|(place, _)| place.filter.clone()).collect::<Vec<_>>())
    }

    /// The same by object class alone: what is gone has lost everything else.
    fn object_classes(&self) -> String {
        let classes = self.asked.iter().map(|(place, _)| format!("(objectClass={})", place.object_class));
        filter::any_of(&classes.collect::<Vec<_>>())
    }

    /// Everything a row of any class is made of.
    fn wanted(&self) -> Vec<&str> {
        let mut wanted = vec!["objectClass"];
        wanted.extend(self.asked.iter().flat_map(|(_, layout)| layout.wanted()));
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// The whole object as it is now. One that is of no class of the connection any more is gone as far as that is
    /// concerned; nothing for one of a class that nobody asked for.
    fn upsert(&self, dialect: Dialect, found: Entry) -> Option<Item<Delta>> {
        let asked = self.asked.iter().find(|(place, _)| is_of(place, &found));
        if asked.is_none() && self.others.iter().any(|place| is_of(place, &found)) {
            return None;
        }
        let name = entry::dn(&found, dialect);
        let row = match asked {
            Some((place, layout)) => {
                layout.row(found).map(|row| Delta::Upsert(ClassRow { class: place.class.clone(), row }))
            }
            None => entry::uid(&found, dialect).map(gone),
        };
        Some(row.map_or_else(|why| Rejected::new(name, why).into(), Item::Found))
    }

    /// An entry that was deleted or is of none of the classes asked for. Nothing where it is of another of the connection.
    fn lost(&self, dialect: Dialect, found: &Entry) -> Result<Option<Item<Delta>>> {
        if !is_deleted(found) && self.others.iter().any(|place| is_of(place, found)) {
            return Ok(None);
        }
        entry::uid(found, dialect).map(|uid| Some(Item::Found(gone(uid))))
    }
}

/// Objects as they are now, as far as they are there and of a class that was asked for.
fn read_again<'a>(
    directory: &Directory,
    classes: &Classes,
    uids: impl Iterator<Item = &'a String>,
    wanted: &[&str],
) -> Result<Vec<Entry>> {
    let any: Vec<String> = uids.filter_map(|uid| filter::by_uid(uid, directory.dialect())).collect();
    let filter = format!("(&{}{})", filter::any_of(&any), classes.filter());
    let request = directory.request(&directory.server.context, Scope::Subtree, &filter, wanted);
    directory.session.find(&paged(request, directory.options.page_size))
}

/// Is it the tombstone that Active Directory keeps?
fn is_deleted(found: &Entry) -> bool {
    entry::text(found, "isDeleted").is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// Is it of this class, and where the class lives?
fn is_of(place: &Place, found: &Entry) -> bool {
    entry::is_a(found, &place.object_class) && is_within(&found.dn, &place.base)
}

/// An object that is gone.
fn gone(uid: String) -> Delta {
    Delta::Delete(Gone { class: None, uid: Some(uid), name: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::tests::{of_ad, of_openldap};
    use crate::directory::tests::places_of;
    use crate::entry::tests::entry;
    use crate::options::Options;

    /// Accounts and groups with these attributes; groups below ou=groups only.
    pub(super) fn classes(dialect: Dialect, attributes: [&[&str]; 2]) -> Classes {
        let options = Options { group_base: Some("ou=groups,dc=x".to_owned()), ..Options::default() };
        let known = if dialect.is_ad() { of_ad() } else { of_openldap() };
        let open = |((place, class), attributes): ((Place, &crate::model::Class), &[&str])| {
            let attributes: Vec<String> = attributes.iter().map(|name| (*name).to_owned()).collect();
            let layout = Layout::of(dialect, &place.name, class, &attributes, 2).unwrap();
            (place, layout)
        };
        let mut places = places_of(&options, dialect);
        let others = places.split_off(2);
        Classes { asked: places.into_iter().zip(&known).zip(attributes).map(open).collect(), others }
    }

    const UID: &str = "03020100-0504-0706-0809-0a0b0c0d0e0f";

    #[test]
    fn what_left_the_classes_is_gone_and_what_has_no_uid_is_set_aside() {
        let classes = classes(Dialect::OpenLdap, [&[], &[]]);
        let upsert = |dn: &str, class: &str, uid: &str| {
            classes.upsert(Dialect::OpenLdap, entry(dn, &[("objectClass", class), ("entryUUID", uid)]))
        };
        assert_eq!(upsert("cn=a,dc=x", "device", UID), Some(Item::Found(gone(UID.to_owned()))));
        assert_eq!(upsert("cn=g,ou=elsewhere,dc=x", "groupOfNames", UID), Some(Item::Found(gone(UID.to_owned()))));
        assert_eq!(upsert("ou=a,dc=x", "organizationalUnit", UID), None, "nobody asked for units, and it is not gone");
        let nameless = classes.upsert(Dialect::OpenLdap, entry("cn=a,dc=x", &[("objectClass", "inetOrgPerson")]));
        assert!(matches!(nameless, Some(Item::Rejected(rejected)) if rejected.key() == "cn=a,dc=x"));
        let Some(Item::Found(Delta::Upsert(row))) = upsert("cn=g,ou=groups,dc=x", "groupOfNames", UID) else {
            panic!("a group")
        };
        assert_eq!((row.class.as_str(), row.row.uid.as_str()), ("group", UID));
    }

    #[test]
    fn a_feed_looks_for_every_class_at_once() {
        let classes = classes(Dialect::Samba, [&["cn"], &["member"]]);
        assert_eq!(classes.object_classes(), "(|(objectClass=user)(objectClass=group))");
        assert!(classes.filter().contains("(objectCategory=person)"));
        assert_eq!(classes.wanted(), ["cn", "member", "objectClass", "objectGUID", "uSNChanged"]);
    }
}
