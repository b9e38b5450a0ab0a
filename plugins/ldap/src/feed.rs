//! The feed: what changed since a token, by the best way the server has.
//!
//! `sync` is content synchronization (RFC 4533), `dirsync` Active Directory's own, with single members added and removed,
//! `poll` looks for entries whose counter (uSNChanged) or time (modifyTimestamp) has moved. A token says which way made
//! it and is worth nothing to another. `classes` knows what is told of an entry, whichever way it came.

mod classes;
mod dirsync;
mod poll;
mod sync;
pub(crate) mod token;

use crate::Ldap;
use crate::directory::{Directory, paged};
use crate::filter;
use classes::Classes;
use hawser_sdk::ldap::{Entry, Scope};
use hawser_sdk::{ClassAttributes, Delta, Error, Feed, Item, Listing, Result};
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
