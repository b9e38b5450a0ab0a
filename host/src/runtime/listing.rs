//! Open listings: an instance that stays alive between pages. Each page has a deadline of its own; after an error of a
//! page the listing is over, and another one can resume at the last checkpoint.

use std::collections::HashMap;

use futures_util::future::BoxFuture;
use wasmtime::component::ResourceAny;

use super::boundary;
use super::call::{Answer, Guest};
use super::component::Component;
use super::context::CallContext;
use super::leak::Exits;
use super::limits::{EMPTY_PAGES_MAX, PAGE_ROWS_MAX};
use super::operation::{self, Operation};
use super::outcome::Called;
use crate::model::{ClassAttributes, Deltas, EdgePage, Error, ErrorKind, ListRequest, ObjectRef, Page};

/// An open listing: a live instance that hands out pages. Dropped, it is gone.
pub struct Listing {
    cursor: Cursor,
    columns: usize,
}

/// An open relation: a live instance that hands out pages of edges. Dropped, it is gone.
pub struct EdgeListing {
    cursor: Cursor,
    attribute: String,
}

/// An open feed: a live instance that hands out what happened. Dropped, it is gone.
pub struct Changes {
    cursor: Cursor,
    /// How many cells a row of each class has.
    columns: HashMap<String, usize>,
}

/// What they have in common.
struct Cursor {
    /// Gone after the first error: what broke off cannot be asked again.
    guest: Option<Guest>,
    handle: ResourceAny,
    empty_pages: u32,
}

impl Listing {
    pub(super) async fn open(
        component: &Component,
        context: CallContext,
        request: ListRequest,
        checkpoint: Option<Vec<u8>>,
    ) -> Called<Self> {
        let columns = request.attributes.len();
        let opened = Cursor::open(component, context, operation::OPEN_LISTING, |guest| {
            Box::pin(guest.open_listing(request, checkpoint))
        })
        .await;
        opened.map(|cursor| Self { cursor, columns })
    }

    /// The next page, of at most `max` rows.
    pub async fn next(&mut self, max: u32) -> Called<Page> {
        let (max, columns) = (max.clamp(1, PAGE_ROWS_MAX), self.columns);
        let handle = self.cursor.handle;
        let called = self.cursor.next(operation::NEXT_ROWS, |guest| Box::pin(guest.next_rows(handle, max))).await;
        let called = called.and_then(|page| boundary::page(page, columns, max));
        self.cursor.keep_or_end(called, |page| !page.complete && page.rows.is_empty() && page.rejected.is_empty())
    }
}

impl EdgeListing {
    pub(super) async fn open(
        component: &Component,
        context: CallContext,
        class: String,
        attribute: String,
        owner: Option<ObjectRef>,
        checkpoint: Option<Vec<u8>>,
    ) -> Called<Self> {
        let opened = Cursor::open(component, context, operation::OPEN_EDGES, |guest| {
            let attribute = attribute.clone();
            Box::pin(guest.open_edges(class, attribute, owner, checkpoint))
        })
        .await;
        opened.map(|cursor| Self { cursor, attribute })
    }

    /// The next page, of at most `max` edges.
    pub async fn next(&mut self, max: u32) -> Called<EdgePage> {
        let max = max.clamp(1, PAGE_ROWS_MAX);
        let handle = self.cursor.handle;
        let called = self.cursor.next(operation::NEXT_EDGES, |guest| Box::pin(guest.next_edges(handle, max))).await;
        let called = called.and_then(|page| boundary::edge_page(page, &self.attribute, max));
        self.cursor.keep_or_end(called, |page| !page.complete && page.edges.is_empty() && page.rejected.is_empty())
    }
}

impl Changes {
    pub(super) async fn open(
        component: &Component,
        context: CallContext,
        classes: Vec<ClassAttributes>,
        token: Vec<u8>,
    ) -> Called<Self> {
        let columns = classes.iter().map(|asked| (asked.class.to_string(), asked.attributes.len())).collect();
        let opened = Cursor::open(component, context, operation::OPEN_CHANGES, |guest| {
            Box::pin(guest.open_changes(classes, token))
        })
        .await;
        opened.map(|cursor| Self { cursor, columns })
    }

    /// What happened next, at most `max` deltas.
    pub async fn next(&mut self, max: u32) -> Called<Deltas> {
        let max = max.clamp(1, PAGE_ROWS_MAX);
        let handle = self.cursor.handle;
        let called = self.cursor.next(operation::NEXT_CHANGES, |guest| Box::pin(guest.next_changes(handle, max))).await;
        let called = called.and_then(|page| boundary::deltas(page, &self.columns, max));
        self.cursor.keep_or_end(called, |page| page.more && page.deltas.is_empty() && page.unfit.is_empty())
    }
}

impl Cursor {
    async fn open<F>(component: &Component, context: CallContext, operation: Operation, body: F) -> Called<Self>
    where
        F: for<'g> FnOnce(&'g mut Guest) -> BoxFuture<'g, Answer<ResourceAny>> + Send,
    {
        let mut guest = match Guest::enter(component, context, operation).await {
            Ok(guest) => guest,
            Err(refused) => return refused.into_called(),
        };
        let result = guest.call(operation, body).await;
        let used = guest.take_used();
        Called { result: result.map(|handle| Self { guest: Some(guest), handle, empty_pages: 0 }), used }
    }

    async fn next<T, F>(&mut self, operation: Operation, body: F) -> Called<T>
    where
        T: Exits,
        F: for<'g> FnOnce(&'g mut Guest) -> BoxFuture<'g, Answer<T>> + Send,
    {
        // Taken out while it runs: a caller that goes away in the middle of a page leaves no half-run instance.
        let Some(mut guest) = self.guest.take() else { return Called::refused(over()) };
        guest.store.data_mut().turn_page();
        let result = guest.call(operation, body).await;
        let used = guest.take_used();
        self.guest = Some(guest);
        Called { result, used }
    }

    /// Ends the listing after an error, and after too many pages that bring nothing.
    fn keep_or_end<T>(&mut self, called: Called<T>, empty: impl FnOnce(&T) -> bool) -> Called<T> {
        let called = called.and_then(|page| {
            self.empty_pages = if empty(&page) { self.empty_pages + 1 } else { 0 };
            if self.empty_pages > EMPTY_PAGES_MAX { Err(endless()) } else { Ok(page) }
        });
        if called.result.is_err() {
            self.guest = None;
        }
        called
    }
}

fn over() -> Error {
    Error::new(ErrorKind::NotFound, "this listing ended with an error; open another one, at the last checkpoint")
}

fn endless() -> Error {
    let message =
        format!("the connector handed over {EMPTY_PAGES_MAX} pages in a row that bring nothing and end nothing");
    Error::new(ErrorKind::GuestLimit, message)
}
