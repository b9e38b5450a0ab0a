//! Live listings: pages of a target's objects, with the guest's listing kept open for a bounded time behind a cursor.
//!
//! A cursor is good once: the page that answers it brings the next. The host always filters again, whatever the
//! connector pushed down.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::objects::{admitted, columns};
use super::{Connections, Object, Ready, before_call};
use crate::clock::Clock;
use crate::model::filter::parse::parse;
use crate::model::{
    AttributeName, ClassInfo, ClassName, ConnectionId, Error, Filter, ListRequest, Page, Rejected, RequestContext,
    Result, Row, Uid,
};
use crate::runtime::limits::PAGE_ROWS_MAX;
use crate::runtime::{Called, Listing, Used};

/// How long a listing waits for its next page.
const LISTING_IDLE: Duration = Duration::from_secs(60);
/// Listings kept open at once, of one connection; the one idle longest makes room.
const LISTINGS_PER_CONNECTION_MAX: usize = 8;
/// Guest pages read for one page of the API: a filter that matches little answers early with a cursor.
const GUEST_PAGES_PER_PAGE_MAX: u32 = 64;

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// In SCIM's grammar (see [`crate::model::filter::parse`]).
    pub filter: Option<String>,
    /// None: all that the class returns by default.
    pub attributes: Option<Vec<AttributeName>>,
    pub container: Option<Uid>,
    /// The most objects of a page.
    pub limit: u32,
}

/// One page. Without a cursor it was the last.
#[derive(Clone, Debug, Default)]
pub struct LivePage {
    pub objects: Vec<Object>,
    pub rejected: Vec<Rejected>,
    pub cursor: Option<String>,
}

impl Connections {
    /// Begins a listing and answers its first page.
    pub async fn list_objects(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        class: &ClassName,
        query: Query,
    ) -> Called<LivePage> {
        let ready = before_call!(self.ready(id).await);
        let limit = query.limit;
        let plan = before_call!(ready.class(class).and_then(|info| Plan::new(info, class, query)));
        let opened = ready.component().open_listing(self.context(rc, &ready), plan.request(), None).await;
        match opened.result {
            Ok(listing) => {
                let open = Open { ready, plan, listing, waiting: VecDeque::new(), complete: false };
                self.page(rc, open, limit, opened.used).await
            }
            Err(error) => Called { result: Err(error), used: opened.used },
        }
    }

    /// The next page of a listing, by the cursor of the page before.
    pub async fn next_objects(
        &self,
        rc: &RequestContext,
        id: &ConnectionId,
        class: &ClassName,
        cursor: &str,
        limit: u32,
    ) -> Called<LivePage> {
        let taken = self.live.take(cursor, &rc.caller.name, id);
        match taken.filter(|open| open.plan.class == *class) {
            Some(open) => self.page(rc, *open, limit, Used::default()).await,
            None => {
                let message = "the cursor is unknown, was used before, or waited too long; start the listing again";
                Called::refused(Error::not_found(message).blaming("cursor"))
            }
        }
    }

    /// Closes the listings that waited too long; the host calls this now and then.
    pub fn sweep(&self) {
        self.live.sweep();
    }

    async fn page(&self, rc: &RequestContext, mut open: Open, limit: u32, mut used: Used) -> Called<LivePage> {
        let limit = limit.clamp(1, PAGE_ROWS_MAX) as usize;
        let mut page = LivePage::default();
        for _ in 0..GUEST_PAGES_PER_PAGE_MAX {
            let room = limit - page.objects.len();
            page.objects.extend(open.waiting.drain(..open.waiting.len().min(room)));
            if open.complete || page.objects.len() == limit {
                break;
            }
            let called = open.listing.next(open.plan.page_rows(limit)).await;
            used.merge(called.used);
            match called.result {
                Ok(rows) => open.receive(rows, &mut page.rejected),
                Err(error) => return Called { result: Err(error), used },
            }
        }
        if !(open.complete && open.waiting.is_empty()) {
            page.cursor = Some(self.live.put(&rc.caller.name, open));
        }
        Called { result: Ok(page), used }
    }
}

/// A listing as it was asked for.
struct Plan {
    class: ClassName,
    /// What the caller sees of each row.
    shown: Arc<[AttributeName]>,
    /// What the guest is asked for: the shown ones first, then what the filter looks at.
    read: Vec<AttributeName>,
    filter: Option<Filter>,
    container: Option<Uid>,
}

impl Plan {
    fn new(info: &ClassInfo, class: &ClassName, query: Query) -> Result<Self> {
        let shown = columns(info, query.attributes)?;
        let filter = query.filter.map(|text| parse(&text, info)).transpose()?;
        let mut read = shown.clone();
        for name in filter.iter().flat_map(Filter::attributes) {
            let name: AttributeName = name.parse()?;
            if !read.contains(&name) {
                read.push(name);
            }
        }
        Ok(Self { class: class.clone(), shown: shown.into(), read, filter, container: query.container })
    }

    fn request(&self) -> ListRequest {
        ListRequest {
            class: self.class.clone(),
            attributes: self.read.clone(),
            filter: self.filter.clone(),
            container: self.container.clone(),
        }
    }

    fn page_rows(&self, limit: usize) -> u32 {
        let filtered = if self.filter.is_some() { PAGE_ROWS_MAX / 8 } else { 1 };
        u32::try_from(limit).unwrap_or(PAGE_ROWS_MAX).max(filtered)
    }
}

/// A listing that is open: dropped, its guest is gone.
struct Open {
    ready: Arc<Ready>,
    plan: Plan,
    listing: Listing,
    waiting: VecDeque<Object>,
    complete: bool,
}

impl Open {
    fn receive(&mut self, page: Page, rejected: &mut Vec<Rejected>) {
        self.complete = page.complete;
        rejected.extend(page.rejected);
        for row in page.rows {
            match self.object(row) {
                Ok(object) => self.waiting.extend(object),
                Err(set_aside) => rejected.push(set_aside),
            }
        }
    }

    /// The object of a row, if the filter lets it through.
    fn object(&self, mut row: Row) -> Result<Option<Object>, Rejected> {
        if let (Some(filter), Ok(info)) = (&self.plan.filter, self.ready.class(&self.plan.class))
            && !filter.matches(info, &self.plan.read, &row)
        {
            return Ok(None);
        }
        row.cells.truncate(self.plan.shown.len());
        admitted(&self.plan.class, &self.plan.shown, row).map(Some)
    }
}

/// Open listings by cursor.
pub(super) struct LiveListings {
    clock: Clock,
    open: Mutex<HashMap<String, Waiting>>,
}

struct Waiting {
    caller: String,
    since: Timestamp,
    open: Box<Open>,
}

impl LiveListings {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, open: Mutex::default() }
    }

    /// Closes the listings of a connection whose configuration changed.
    pub(super) fn forget(&self, id: &ConnectionId) {
        self.lock().retain(|_, waiting| waiting.open.ready.connection.id.folded() != id.folded());
    }

    fn sweep(&self) {
        let now = self.clock.now();
        self.lock().retain(|_, waiting| now.duration_since(waiting.since).unsigned_abs() < LISTING_IDLE);
    }

    fn put(&self, caller: &str, open: Open) -> String {
        let cursor = uuid::Uuid::new_v4().simple().to_string();
        let since = self.clock.now();
        let id = open.ready.connection.id.folded();
        self.sweep();
        let mut listings = self.lock();
        let of_connection = || listings.iter().filter(|(_, waiting)| waiting.open.ready.connection.id.folded() == id);
        if of_connection().count() >= LISTINGS_PER_CONNECTION_MAX {
            let oldest = of_connection().min_by_key(|(_, waiting)| waiting.since).map(|(cursor, _)| cursor.clone());
            oldest.and_then(|cursor| listings.remove(&cursor));
        }
        listings.insert(cursor.clone(), Waiting { caller: caller.to_owned(), since, open: Box::new(open) });
        cursor
    }

    fn take(&self, cursor: &str, caller: &str, id: &ConnectionId) -> Option<Box<Open>> {
        self.sweep();
        let mut listings = self.lock();
        let waiting = listings.get(cursor)?;
        let his = waiting.caller == caller && waiting.open.ready.connection.id.folded() == id.folded();
        if his { listings.remove(cursor).map(|waiting| waiting.open) } else { None }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Waiting>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
