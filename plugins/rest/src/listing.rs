//! Listing: the objects of a class, page by page as the API gives them.
//!
//! A checkpoint is the page, and how many of its items were handed over; another instance asks for the page again, and
//! goes on only if these are still the same.

use crate::Rest;
use crate::api::Api;
use crate::edges::Edges;
use crate::layout::Layout;
use crate::mapping::Lister;
use crate::pages::{Paged, Pages, Position, fingerprint};
use hawser_sdk::{Edge, EdgeRequest, Error, Item, ListRequest, Listing, ObjectRef, Record, Result, Source};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

impl Source for Rest {
    fn list(self, request: ListRequest, resume: Option<Vec<u8>>) -> Result<impl Listing<Record>> {
        if request.container.is_some() {
            return Err(Error::unsupported("a mapping has no containers to list in; list the class as a whole"));
        }
        let class = self.mapping.class(&request.class)?;
        Layout::new(class, &request.attributes)?;
        if class.list.is_none() {
            return Err(Error::unsupported(format!("the mapping has no `list` for the class {}", request.class)));
        }
        Objects::open(self, request, resume)
    }

    fn get(&self, object: &ObjectRef, attributes: &[String]) -> Result<Record> {
        self.look_up(object, attributes)
    }

    fn edges(self, request: EdgeRequest, resume: Option<Vec<u8>>) -> Result<impl Listing<Edge>> {
        Edges::open(self, request, resume.as_deref())
    }
}

/// Where another instance goes on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// Of the page.
    pub(crate) position: Position,
    /// How many of its items were handed over, and what they were like.
    pub(crate) taken: usize,
    pub(crate) print: u64,
}

impl Checkpoint {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|_| Error::resync_required("this is no checkpoint of this connector"))
    }

    /// The items behind the checkpoint, if those before it are the same.
    pub(crate) fn rest(&self, page: &[Json]) -> Result<()> {
        match page.get(..self.taken) {
            Some(taken) if fingerprint(taken) == self.print => Ok(()),
            _ => Err(Error::resync_required("the page of the checkpoint has changed; begin again")),
        }
    }
}

struct Objects {
    rest: Rest,
    request: ListRequest,
    pages: Pages,
    /// The page at hand, and where it began.
    page: Vec<Json>,
    position: Position,
    taken: usize,
    resumed: Option<Checkpoint>,
}

impl Objects {
    fn open(rest: Rest, request: ListRequest, resume: Option<Vec<u8>>) -> Result<Self> {
        let resumed = resume.map(|bytes| Checkpoint::read(&bytes)).transpose()?;
        let position = resumed.as_ref().map_or_else(Position::default, |it| it.position.clone());
        let pages = Pages::new(position.clone());
        Ok(Self { rest, request, pages, page: Vec::new(), position, taken: 0, resumed })
    }

    fn item(&mut self) -> Result<Option<Item<Record>>> {
        while self.taken >= self.page.len() {
            if !self.turn()? {
                return Ok(None);
            }
        }
        let layout = Layout::new(self.rest.mapping.class(&self.request.class)?, &self.request.attributes)?;
        let at = self.position.items + self.taken as u64 + 1;
        let found = self.page.get(self.taken).map(|item| layout.found(item, at));
        self.taken += 1;
        Ok(found)
    }

    /// Takes the next page; there is none after the last.
    fn turn(&mut self) -> Result<bool> {
        let api = Api::new(&self.rest)?;
        let class = self.rest.mapping.class(&self.request.class)?;
        let Some(list) = &class.list else { return Ok(false) };
        let position = self.pages.position().cloned().unwrap_or_default();
        let Some(page) = self.pages.next(&api, &list.paged(), &api.scope())? else { return Ok(false) };
        (self.page, self.position, self.taken) = (page, position, 0);
        if let Some(checkpoint) = self.resumed.take() {
            checkpoint.rest(&self.page)?;
            self.taken = checkpoint.taken;
        }
        Ok(true)
    }
}

impl Listing<Record> for Objects {
    fn next_item(&mut self) -> Option<Result<Item<Record>>> {
        self.item().transpose()
    }

    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        let taken = self.page.get(..self.taken)?;
        let checkpoint = Checkpoint { position: self.position.clone(), taken: self.taken, print: fingerprint(taken) };
        serde_json::to_vec(&checkpoint).ok()
    }
}

impl Lister {
    fn paged(&self) -> Paged<'_> {
        Paged { sketch: self.sketch(), items: &self.items, paging: &self.paging }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_from_before_totals_were_kept_is_still_one() {
        let old = br#"{"position": {"place": {"number": 2}, "items": 6}, "taken": 1, "print": 7}"#;
        assert_eq!(Checkpoint::read(old).unwrap().position.total, None);
    }
}
