//! Polling: entries whose counter or time has moved. Active Directory's counter finds what was deleted as well, among its
//! tombstones, and what is of no class any more; the time of others does not, and only a complete pass does.

use super::classes::{Classes, READ_AT_ONCE};
use super::token::{self, Token};
use crate::directory::{Directory, paged};
use crate::{controls, entry, time};
use hawser_sdk::ldap::{Entry, Found, Scope, Search, SearchRequest};
use hawser_sdk::{Delta, Error, Item, Listing, Result};
use std::collections::VecDeque;

pub(super) struct Changes {
    directory: Directory,
    classes: Classes,
    /// What is still to be asked.
    asked: VecDeque<(SearchRequest, What)>,
    search: Option<Search>,
    /// What the search under way finds.
    what: What,
    held: Found,
    pending: VecDeque<Item<Delta>>,
    next: Token,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// Objects as they are now.
    Changed,
    /// Objects that were deleted, or are of no class any more.
    Gone,
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
        let moved = format!("(uSNChanged>={})", last.saturating_add(1));
        let request = |filter: &str, wanted: &[&str]| {
            directory.request(&directory.server.context, Scope::Subtree, filter, wanted)
        };
        let changed = request(&format!("(&{moved}{})", classes.filter()), &classes.wanted());
        let mut gone = request(&is_gone(&moved, &classes), &["objectClass", "isDeleted", directory.dialect().uid()]);
        gone.controls.push(controls::plain(controls::SHOW_DELETED, true));
        let asked = [(changed, What::Changed), (gone, What::Gone)];
        Ok(Self::new(directory, classes, asked.into(), next))
    }

    /// Everything that was modified at a moment or after it; what happened in that second is told again.
    pub(super) fn by_time(directory: Directory, classes: Classes, since: i64) -> Result<Self> {
        let since_text = time::to_generalized(since)
            .ok_or_else(|| Error::resync_required("the token is no moment; begin with a complete pass"))?;
        let filter = format!("(&(modifyTimestamp>={since_text}){})", classes.filter());
        let mut wanted = classes.wanted();
        wanted.push("modifyTimestamp");
        let changed = directory.request(&directory.server.base, Scope::Subtree, &filter, &wanted);
        Ok(Self::new(directory, classes, [(changed, What::Changed)].into(), Token::Timestamp(since)))
    }

    fn new(directory: Directory, classes: Classes, asked: VecDeque<(SearchRequest, What)>, next: Token) -> Self {
        let (held, pending) = (Found::default(), VecDeque::new());
        Self { directory, classes, asked, search: None, what: What::Changed, held, pending, next }
    }

    fn item(&mut self) -> Result<Option<Item<Delta>>> {
        while self.pending.is_empty() {
            let some: Vec<Entry> = self.held.by_ref().take(READ_AT_ONCE).collect();
            if !some.is_empty() {
                self.tell(some)?;
            } else if !self.more()? {
                return Ok(None);
            }
        }
        Ok(self.pending.pop_front())
    }

    /// Takes the next page, of the next search where one has ended; whether there was one.
    fn more(&mut self) -> Result<bool> {
        let size = self.directory.options.page_size;
        let search = match self.search.take() {
            Some(search) => search,
            None => {
                let Some((request, what)) = self.asked.pop_front() else { return Ok(false) };
                self.what = what;
                self.directory.session.search(&paged(request, size))?
            }
        };
        let page = search.next(size)?;
        self.held = page.entries;
        self.search = (!page.done).then_some(search);
        Ok(true)
    }

    /// What some of the entries come to.
    fn tell(&mut self, some: Vec<Entry>) -> Result<()> {
        let dialect = self.directory.dialect();
        some.iter().for_each(|found| self.next.pass(found));
        if self.what == What::Gone {
            for found in &some {
                self.pending.extend(self.classes.lost(dialect, found)?);
            }
            return Ok(());
        }
        let answered = self.classes.ask(&self.directory, &some)?;
        for mut found in some {
            self.classes.complete(&self.directory, &mut found)?;
            self.pending.extend(self.classes.upsert(dialect, found, &answered));
        }
        Ok(())
    }
}

/// Entries that could have been of a class, and are not: deleted, or changed so that the class's filter passes over them.
fn is_gone(moved: &str, classes: &Classes) -> String {
    format!("(&{moved}{}(|(isDeleted=TRUE)(!{})))", classes.object_classes(), classes.filter())
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
        let ended = self.search.is_none() && self.asked.is_empty() && self.held.is_empty();
        (ended && self.pending.is_empty()).then(|| self.next.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;

    #[test]
    fn whom_the_filter_of_a_class_passes_over_is_looked_for_among_those_who_are_gone() {
        let classes = super::super::classes::tests::classes(Dialect::Samba, [&[], &[]]);
        let filter = is_gone("(uSNChanged>=8)", &classes);
        assert!(filter.starts_with("(&(uSNChanged>=8)(|(objectClass=user)(objectClass=group))"), "{filter}");
        assert!(
            filter
                .ends_with("(|(isDeleted=TRUE)(!(|(&(objectCategory=person)(objectClass=user))(objectClass=group)))))"),
            "{filter}"
        );
    }

    #[test]
    fn time_goes_on_and_never_back() {
        let mut token = Token::Timestamp(5_000_000);
        for text in ["19700101000009Z", "19700101000003Z", "soon"] {
            token.pass(&entry::tests::entry("cn=a", &[("modifyTimestamp", text)]));
        }
        assert_eq!(token, Token::Timestamp(9_000_000));
    }
}
