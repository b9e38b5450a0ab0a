//! Polling: entries whose counter or time has moved. Active Directory's counter finds what was deleted as well, among its
//! tombstones; the time of others does not, and only a complete pass does.

use super::token::{self, Token};
use super::{Classes, gone};
use crate::directory::{Directory, paged};
use crate::{controls, entry, ranges, time};
use hawser_sdk::ldap::{Entry, Found, Scope, Search, SearchRequest};
use hawser_sdk::{Delta, Error, Item, Listing, Result};

pub(super) struct Changes {
    directory: Directory,
    classes: Classes,
    search: Search,
    held: Found,
    done: bool,
    next: Token,
}

impl Changes {
    /// Everything above a number of the server's counter.
    pub(super) fn by_usn(directory: Directory, classes: Classes, server: &str, last: i64) -> Result<Self> {
        // Read before the search, so that what happens meanwhile is found again.
        let next = token::usn(&directory)?;
        if !matches!(&next, Token::Usn { server: now, last: highest } if now == server && *highest >= last) {
            return Err(Error::resync_required(
                "another domain controller counts otherwise; begin with a complete pass",
            ));
        }
        let filter = format!("(&(uSNChanged>={}){})", last.saturating_add(1), classes.object_classes());
        let mut wanted = classes.wanted();
        wanted.push("isDeleted");
        let request = directory.request(&directory.server.context, Scope::Subtree, &filter, &wanted);
        let mut controls = request.controls.clone();
        controls.push(controls::plain(controls::SHOW_DELETED, true));
        let search =
            directory.session.search(&paged(SearchRequest { controls, ..request }, directory.options.page_size))?;
        Ok(Self { directory, classes, search, held: Found::default(), done: false, next })
    }

    /// Everything that was modified at a moment or after it; what happened in that second is told again.
    pub(super) fn by_time(directory: Directory, classes: Classes, since: i64) -> Result<Self> {
        let since_text = time::to_generalized(since)
            .ok_or_else(|| Error::resync_required("the token is no moment; begin with a complete pass"))?;
        let filter = format!("(&(modifyTimestamp>={since_text}){})", classes.filter());
        let mut wanted = classes.wanted();
        wanted.push("modifyTimestamp");
        let request = directory.request(&directory.server.base, Scope::Subtree, &filter, &wanted);
        let search = directory.session.search(&paged(request, directory.options.page_size))?;
        Ok(Self { directory, classes, search, held: Found::default(), done: false, next: Token::Timestamp(since) })
    }

    fn item(&mut self) -> Result<Option<Item<Delta>>> {
        loop {
            if let Some(found) = self.held.next() {
                if let Some(item) = self.change(found)? {
                    return Ok(Some(item));
                }
                continue;
            }
            if self.done {
                return Ok(None);
            }
            let page = self.search.next(self.directory.options.page_size)?;
            self.done = page.done;
            self.held = page.entries;
        }
    }

    fn change(&mut self, mut found: Entry) -> Result<Option<Item<Delta>>> {
        self.next.pass(&found);
        if entry::text(&found, "isDeleted").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return entry::uid(&found, self.directory.dialect()).map(|uid| Some(Item::Found(gone(uid))));
        }
        if let Ok(uid) = entry::uid(&found, self.directory.dialect()) {
            ranges::complete(&self.directory, &self.directory.target(&found, &uid), &mut found)?;
        }
        Ok(self.classes.upsert(self.directory.dialect(), found))
    }
}

impl Token {
    /// Time goes on with the newest entry that was seen.
    fn pass(&mut self, found: &Entry) {
        if let Self::Timestamp(newest) = self
            && let Some(time) = entry::text(found, "modifyTimestamp").and_then(time::from_generalized)
        {
            *newest = time.max(*newest);
        }
    }
}

impl Listing<Delta> for Changes {
    fn next_item(&mut self) -> Option<Result<Item<Delta>>> {
        self.item().transpose()
    }

    /// The entries come in no order, so there is a place to go on from only at the end.
    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        (self.done && self.held.is_empty()).then(|| self.next.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_and_never_back() {
        let mut token = Token::Timestamp(5_000_000);
        for text in ["19700101000009Z", "19700101000003Z", "soon"] {
            token.pass(&entry::tests::entry("cn=a", &[("modifyTimestamp", text)]));
        }
        assert_eq!(token, Token::Timestamp(9_000_000));
    }
}
