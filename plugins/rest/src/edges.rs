//! Who was granted what, as edges: from one list of all, or from a list for each entitlement.
//!
//! An item without an entitlement, a principal or a required parameter where the mapping says is an assignment of another
//! kind (to a group, on a domain), and left out.

use crate::Rest;
use crate::api::Api;
use crate::mapping::{Class, Entitlement, Holders};
use crate::membership::{entitlement_scope, parameters};
use crate::pages::{Paged, Pages, Position};
use hawser_sdk::{Edge, EdgeRequest, Error, Item, Listing, ObjectRef, Reference, Rejected, Result};
use serde_json::Value as Json;
use std::collections::VecDeque;

pub(crate) struct Edges {
    rest: Rest,
    class: String,
    /// Only this entitlement's, if there is one.
    only: Option<String>,
    /// Entitlements, where each has a list of its own.
    owners: Option<Pages>,
    waiting: VecDeque<ObjectRef>,
    owner: Option<ObjectRef>,
    pages: Option<Pages>,
    page: VecDeque<Json>,
}

impl Edges {
    pub(crate) fn open(rest: Rest, request: EdgeRequest, resume: Option<&[u8]>) -> Result<Self> {
        if resume.is_some() {
            return Err(Error::resync_required("these links cannot be resumed; begin again"));
        }
        let each = holders(&rest, &request)?.entitlement.is_none();
        let only = request.owner.map(|owner| owner.uid);
        let waiting: VecDeque<ObjectRef> =
            only.iter().filter(|_| each).map(|uid| ObjectRef::new(request.class.as_str(), uid.as_str())).collect();
        let owners = (each && only.is_none()).then(|| Pages::new(Position::default()));
        let pages = (!each).then(|| Pages::new(Position::default()));
        Ok(Self { rest, class: request.class, only, owners, waiting, owner: None, pages, page: VecDeque::new() })
    }

    fn item(&mut self) -> Result<Option<Item<Edge>>> {
        loop {
            while let Some(item) = self.page.pop_front() {
                if let Some(edge) = self.edge(&item)? {
                    return Ok(Some(edge));
                }
            }
            if !self.turn()? && !self.next_owner()? {
                return Ok(None);
            }
        }
    }

    /// Takes the next page of the list at hand.
    fn turn(&mut self) -> Result<bool> {
        let Some(pages) = &mut self.pages else { return Ok(false) };
        let api = Api::new(&self.rest)?;
        let (_, _, holders) = parts(&self.rest, &self.class)?;
        let scope = match &self.owner {
            Some(owner) => entitlement_scope(api.scope(), owner),
            None => api.scope(),
        };
        let page = pages.next(&api, &holders.paged(), &scope)?;
        let more = page.is_some();
        self.page.extend(page.into_iter().flatten());
        Ok(more)
    }

    /// Begins the list of the next entitlement.
    fn next_owner(&mut self) -> Result<bool> {
        while self.waiting.is_empty() {
            let Some(owners) = &mut self.owners else { return Ok(false) };
            let api = Api::new(&self.rest)?;
            let (class, _, _) = parts(&self.rest, &self.class)?;
            let Some(list) = &class.list else { return Ok(false) };
            let paged = Paged { sketch: list.sketch(), items: &list.items, paging: &list.paging };
            let Some(page) = owners.next(&api, &paged, &api.scope())? else { return Ok(false) };
            let owner = |item: &Json| class.uid.find(item).map(|uid| ObjectRef::new(self.class.as_str(), uid));
            self.waiting.extend(page.iter().filter_map(owner));
        }
        self.owner = self.waiting.pop_front();
        self.pages = Some(Pages::new(Position::default()));
        Ok(true)
    }

    fn edge(&self, item: &Json) -> Result<Option<Item<Edge>>> {
        let (_, of, holders) = parts(&self.rest, &self.class)?;
        let owner = match (&self.owner, &holders.entitlement) {
            (Some(owner), _) => Some(owner.uid.clone()),
            (None, Some(locator)) => locator.find(item),
            (None, None) => None,
        };
        let owner = owner.filter(|uid| self.only.as_ref().is_none_or(|only| only == uid));
        let (Some(owner), Some(principal), Some(to)) = (owner, holders.principal.find(item), of.to.first()) else {
            return Ok(None);
        };
        Ok(match parameters(of, item) {
            Ok(None) => None,
            Ok(Some(parameters)) => Some(Item::Found(Edge {
                owner: Reference::uid(self.class.as_str(), owner),
                attribute: holders.attribute.clone(),
                target: Reference::uid(to.as_str(), principal),
                parameters,
            })),
            Err(why) => Some(Rejected::new(format!("{owner} of {principal}"), Error::schema_violation(why)).into()),
        })
    }
}

impl Listing<Edge> for Edges {
    fn next_item(&mut self) -> Option<Result<Item<Edge>>> {
        self.item().transpose()
    }
}

fn holders<'a>(rest: &'a Rest, request: &EdgeRequest) -> Result<&'a Holders> {
    let (_, _, holders) = parts(rest, &request.class)?;
    if holders.attribute != request.attribute {
        return Err(Error::unsupported(format!("{}.{} is not offered as edges", request.class, request.attribute)));
    }
    Ok(holders)
}

fn parts<'a>(rest: &'a Rest, class: &str) -> Result<(&'a Class, &'a Entitlement, &'a Holders)> {
    let found = rest.mapping.class(class)?;
    let of = found.entitlement.as_ref().and_then(|it| Some((it, it.holders.as_ref()?)));
    let (of, holders) = of.ok_or_else(|| Error::unsupported(format!("the class {class} has no `holders`")))?;
    Ok((found, of, holders))
}

impl Holders {
    fn paged(&self) -> Paged<'_> {
        Paged { sketch: self.sketch(), items: &self.items, paging: &self.paging }
    }
}
