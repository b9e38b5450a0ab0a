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
use crate::directory::{Directory, Place, is_within};
use crate::entry;
use crate::layout::Layout;
use hawser_sdk::ldap::Entry;
use hawser_sdk::{ClassAttributes, ClassRow, Delta, Error, Feed, Gone, Item, Listing, Rejected, Result};
use token::{Token, Way};

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
            Token::Sync(cookie) => Box::new(sync::Changes::open(directory, classes, &cookie)?),
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
struct Classes(Vec<(Place, Layout)>);

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
        classes.iter().map(open).collect::<Result<_>>().map(Self)
    }

    /// Entries of any of the classes.
    fn filter(&self) -> String {
        crate::filter::any_of(&self.0.iter().map(|(place, _)| place.filter.clone()).collect::<Vec<_>>())
    }

    /// The same by object class alone: what is gone has lost everything else.
    fn object_classes(&self) -> String {
        let classes = self.0.iter().map(|(place, _)| format!("(objectClass={})", place.object_class));
        crate::filter::any_of(&classes.collect::<Vec<_>>())
    }

    /// Everything a row of any class is made of.
    fn wanted(&self) -> Vec<&str> {
        let mut wanted = vec!["objectClass"];
        wanted.extend(self.0.iter().flat_map(|(_, layout)| layout.wanted()));
        wanted.sort_unstable();
        wanted.dedup();
        wanted
    }

    /// The class of an entry, if it is one of these and lies where they do.
    fn of(&self, found: &Entry) -> Option<&(Place, Layout)> {
        let fits = |(place, _): &&(Place, Layout)| {
            entry::is_a(found, &place.object_class) && is_within(&found.dn, &place.base)
        };
        self.0.iter().find(fits)
    }

    /// The whole object as it is now; one that is no longer of these classes is gone as far as they are concerned.
    fn upsert(&self, directory: &Directory, found: Entry) -> Item<Delta> {
        let name = entry::dn(&found, directory.dialect());
        let row = match self.of(&found) {
            Some((place, layout)) => {
                layout.row(found).map(|row| Delta::Upsert(ClassRow { class: place.class.clone(), row }))
            }
            None => entry::uid(&found, directory.dialect()).map(gone),
        };
        row.map_or_else(|why| Rejected::new(name, why).into(), Item::Found)
    }
}

/// An object that is gone.
fn gone(uid: String) -> Delta {
    Delta::Delete(Gone { class: None, uid: Some(uid), name: None })
}
