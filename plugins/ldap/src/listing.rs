//! Listing: the entries of a class, page by page as the server gives them.
//!
//! A search cannot be resumed by another instance, so there are no checkpoints: the server's own place in it is lost with
//! its connection. An error in the middle ends the pass, a size limit as well: a page that was cut off is never the last.

use crate::Ldap;
use crate::directory::{Directory, Place, is_within, paged};
use crate::edges::Edges;
use crate::feed::token;
use crate::layout::Layout;
use crate::{entry, failure, filter, ranges};
use hawser_sdk::ldap::{Entry, Found, Scope, Search};
use hawser_sdk::{
    Edge, EdgeRequest, Error, FailureKind, Item, ListRequest, Listing, ObjectRef, Record, Rejected, Result, Source, log,
};

impl Source for Ldap {
    fn list(self, request: ListRequest, resume: Option<Vec<u8>>) -> Result<impl Listing<Record>> {
        if resume.is_some() {
            return Err(Error::resync_required("a search of a directory cannot be resumed; begin again"));
        }
        let directory = self.directory()?;
        let place = directory.place(&request.class)?;
        let class = directory.class(&request.class)?;
        let layout = Layout::new(&directory, &place, &class, &request.attributes)?;
        let whole = request.filter.is_none() && request.container.is_none();
        // Taken before the pass begins, so that nothing falls between the pass and the feed.
        let token = if whole { token::before_a_pass(&directory) } else { None };
        let pushed =
            request.filter.as_ref().and_then(|it| filter::pushed(it, &class, directory.dialect(), &place.name));
        let wanted = pushed.map_or_else(|| place.filter.clone(), |pushed| format!("(&{}{pushed})", place.filter));
        let base = base(&directory, &place, request.container.as_deref())?;
        // What a search below the class's base finds lies there.
        let outside = !is_within(&base, &place.base);
        let found = Entries::search(directory, &base, &wanted, &layout.wanted())?;
        Ok(Objects { found, layout, token, only_within: outside.then_some(place.base) })
    }

    fn get(&self, object: &ObjectRef, attributes: &[String]) -> Result<Record> {
        self.look_up(object, attributes)
    }

    fn get_many(&self, class: &str, uids: &[String], attributes: &[String]) -> Result<Vec<Result<Record>>> {
        self.look_up_many(class, uids, attributes)
    }

    fn edges(self, request: EdgeRequest, resume: Option<Vec<u8>>) -> Result<impl Listing<Edge>> {
        Edges::open(self.directory()?, request, resume)
    }
}

/// Where to search: below the container, as far as it lies where the class does.
fn base(directory: &Directory, place: &Place, container: Option<&str>) -> Result<String> {
    let Some(container) = container else { return Ok(place.base.clone()) };
    let container = directory.dn_of(container)?;
    if is_within(&place.base, &container) { Ok(place.base.clone()) } else { Ok(container) }
}

/// The entries of a search, one after the other; at most a page of them is held.
pub(crate) struct Entries {
    pub(crate) directory: Directory,
    search: Search,
    held: Found,
    done: bool,
    referred: bool,
}

impl Entries {
    pub(crate) fn search(directory: Directory, base: &str, filter: &str, attributes: &[&str]) -> Result<Self> {
        let request = directory.request(base, Scope::Subtree, filter, attributes);
        let search = directory.session.search(&paged(request, directory.options.page_size))?;
        Ok(Self { directory, search, held: Found::default(), done: false, referred: false })
    }

    pub(crate) fn next(&mut self) -> Result<Option<Entry>> {
        loop {
            if let Some(entry) = self.held.next() {
                return Ok(Some(entry));
            }
            if self.done {
                return Ok(None);
            }
            let page = self.search.next(self.directory.options.page_size).map_err(explained)?;
            self.done = page.done;
            self.held = page.entries;
            if let Some(to) = page.referrals.first().filter(|_| !std::mem::replace(&mut self.referred, true)) {
                // A domain's root always refers to its DNS zones and its configuration.
                let say = if self.directory.dialect().is_ad() { log::debug } else { log::warn };
                say("the server refers to others, and this connection does not follow", &[("to", to)]);
            }
        }
    }
}

/// A limit of the server needs an operator there.
fn explained(error: Error) -> Error {
    if !failure::is(&error, failure::SIZE_LIMIT_EXCEEDED) {
        return error;
    }
    let message = "the server stopped the search at its size limit, so the pass is not complete; raise the limit of the service \
                   account (OpenLDAP: olcLimits with size.prtotal=unlimited)";
    failure::renamed(&error, FailureKind::QuotaExceeded, message)
}

struct Objects {
    found: Entries,
    /// Where the class lives, if the search goes beyond.
    only_within: Option<String>,
    layout: Layout,
    token: Option<Vec<u8>>,
}

impl Objects {
    fn item(&mut self) -> Result<Option<Item<Record>>> {
        while let Some(entry) = self.found.next()? {
            if self.only_within.as_ref().is_some_and(|base| !is_within(&entry.dn, base)) {
                continue;
            }
            let dn = entry.dn.clone();
            let entry = self.whole(entry)?;
            return Ok(Some(match self.layout.row(entry) {
                Ok(row) => row.into(),
                Err(why) => Rejected::new(entry::canonical(&dn, self.found.directory.dialect()), why).into(),
            }));
        }
        Ok(None)
    }
}

impl Objects {
    /// With what the server left out; an entry without uid is not worth it.
    fn whole(&self, mut entry: Entry) -> Result<Entry> {
        let directory = &self.found.directory;
        if ranges::is_cut(&entry)
            && let Ok(uid) = entry::uid(&entry, directory.dialect())
        {
            let target = directory.target(&entry, &uid);
            ranges::complete(directory, &target, &mut entry, |attribute| self.layout.most(attribute))?;
        }
        Ok(entry)
    }
}

impl Listing<Record> for Objects {
    fn next_item(&mut self) -> Option<Result<Item<Record>>> {
        self.item().transpose()
    }

    fn feed_token(&mut self) -> Option<Vec<u8>> {
        self.token.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_limit_says_what_to_do() {
        let error = explained(Error::retryable("size limit").code("ldap:4"));
        assert_eq!((error.kind(), error.target_code()), (FailureKind::QuotaExceeded, Some("ldap:4")));
        assert!(error.message().contains("size.prtotal"), "{error}");
        assert_eq!(explained(Error::retryable("busy").code("ldap:51")).message(), "busy");
    }
}
