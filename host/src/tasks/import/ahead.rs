//! Reading ahead: a listing is read in a task of its own, so that the connector makes a page while the one before it is
//! prepared and written. No more than one page is ahead, so that memory stays bounded and a checkpoint is never far off.

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use crate::model::{EdgePage, Error, Page};
use crate::runtime::{Called, EdgeListing, Listing};

/// Pages of `P` that are read ahead. Dropped, the reading ends where it stands.
pub(super) struct Ahead<P> {
    pages: mpsc::Receiver<Called<P>>,
    _reading: AbortOnDropHandle<()>,
}

impl Ahead<Page> {
    /// Of objects, at most so many a page.
    pub(super) fn objects(listing: Listing, max: u32) -> Self {
        Self::of(listing, move |listing| Box::pin(listing.next(max)), |page| page.complete)
    }
}

impl Ahead<EdgePage> {
    /// Of edges, at most so many a page.
    pub(super) fn edges(listing: EdgeListing, max: u32) -> Self {
        Self::of(listing, move |listing| Box::pin(listing.next(max)), |page| page.complete)
    }
}

impl<P: Send + 'static> Ahead<P> {
    fn of<L: Send + 'static>(
        mut listing: L,
        next: impl for<'l> Fn(&'l mut L) -> BoxFuture<'l, Called<P>> + Send + 'static,
        is_last: impl Fn(&P) -> bool + Send + 'static,
    ) -> Self {
        let (sender, pages) = mpsc::channel(1);
        let reading = async move {
            while let Ok(place) = sender.reserve().await {
                let called = next(&mut listing).await;
                let ends = called.result.as_ref().map_or(true, &is_last);
                place.send(called);
                if ends {
                    break;
                }
            }
        };
        Self { pages, _reading: AbortOnDropHandle::new(tokio::spawn(reading.in_current_span())) }
    }

    /// The next page; after the last one and after an error, there is none.
    pub(super) async fn next(&mut self) -> Called<P> {
        let ended = || Called::refused(Error::internal("a page was asked for after the end of a listing"));
        self.pages.recv().await.unwrap_or_else(ended)
    }
}
