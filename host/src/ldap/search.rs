//! A search in progress. It keeps its connection to the end, because a server's place in a paged search (RFC 2696) belongs
//! to the connection; and it asks for the next page while the guest still works on this one.

use std::sync::Arc;

use tokio::time::Instant;

use super::failure::{judged, malformed};
use super::filter::Filter;
use super::found::Found;
use super::limits::{ENTRIES_BYTES_MAX, PAGE_ENTRIES_MAX};
use super::message::{Answer, Control, Intermediate, Outcome, Request, SearchRequest, next_page, paged};
use super::pool::{Lease, Pool, To};
use super::{rules, weight};
use crate::egress::Egress;
use crate::model::{Failure, FailureKind};

/// Some of what a search found.
#[derive(Debug, Default)]
pub struct Entries {
    pub found: Found,
    pub intermediates: Vec<Intermediate>,
    pub referrals: Vec<String>,
    /// The search has ended.
    pub done: bool,
    /// Those of its end.
    pub controls: Vec<Control>,
    /// What is no entry takes so much memory, in bytes.
    besides: usize,
}

impl Entries {
    fn intermediate(&mut self, said: Intermediate) {
        self.besides += weight::intermediate(&said);
        self.intermediates.push(said);
    }

    fn referrals(&mut self, to: Vec<String>) {
        self.besides += weight::referrals(&to);
        self.referrals.extend(to);
    }

    /// About how much memory it takes, in bytes.
    pub(super) const fn bytes(&self) -> usize {
        self.found.bytes() + self.besides
    }
}

/// A search.
pub struct Search {
    request: SearchRequest,
    filter: Filter,
    stage: Stage,
    /// Entries of this page so far.
    of_page: u32,
    /// Told with the next call, after what came before it.
    failed: Option<Failure>,
}

enum Stage {
    /// Nothing was asked yet.
    Begun {
        pool: Pool,
        to: Arc<To>,
    },
    /// Asked; the answers are under that id.
    Asked {
        lease: Lease,
        id: u32,
    },
    Over,
}

impl Search {
    /// A search that was not begun yet.
    ///
    /// # Errors
    /// `invalid-attribute-value` for what is no filter; `credential-denied`, `unsupported` for what a guest may not ask.
    pub fn new(pool: Pool, to: Arc<To>, mut request: SearchRequest) -> Result<Self, Failure> {
        let filter = Filter::parse(&request.filter)?;
        rules::filter(&filter)?;
        rules::attributes(&request)?;
        rules::controls(&request.controls)?;
        request.page_size = request.page_size.map(|size| size.clamp(1, PAGE_ENTRIES_MAX));
        Ok(Self { request, filter, stage: Stage::Begun { pool, to }, of_page: 0, failed: None })
    }

    /// The next entries, at most so many; fewer, where they are large or take long.
    ///
    /// # Errors
    /// What the directory answers; then the search is over.
    pub async fn next(&mut self, egress: &Egress, max: u32, end: Instant) -> Result<Entries, Failure> {
        if let Some(failure) = self.failed.take() {
            return Err(failure);
        }
        let (lease, id) = self.asked(egress, end).await?;
        match self.read(lease, id, max.clamp(1, PAGE_ENTRIES_MAX), end).await {
            // What was found before the failure is told first.
            (entries, Err(failure)) if entries.found.count() > 0 => {
                self.failed = Some(failure);
                Ok(entries)
            }
            (entries, result) => result.map(|()| entries),
        }
    }

    /// The connection with the search on it; a connection that died in the pool is replaced once.
    async fn asked(&mut self, egress: &Egress, end: Instant) -> Result<(Lease, u32), Failure> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Asked { lease, id } => Ok((lease, id)),
            Stage::Over => Err(Failure::new(FailureKind::Conflict, "this search has ended: begin a new one")),
            Stage::Begun { pool, to } => {
                let mut lease = pool.lease(egress, &to, end).await?;
                match self.begin(&mut lease, end).await {
                    Err(failure) if lease.reused && failure.kind == FailureKind::ConnectionBroken => {
                        lease = lease.renew(egress, end).await?;
                        let id = self.ask(&mut lease, &[], end).await?;
                        Ok((lease, id))
                    }
                    id => Ok((lease, id?)),
                }
            }
        }
    }

    /// Asks, and waits until the server begins to answer where the connection was used before.
    async fn begin(&mut self, lease: &mut Lease, end: Instant) -> Result<u32, Failure> {
        let id = self.ask(lease, &[], end).await?;
        if lease.reused {
            lease.session.wait(end).await?;
        }
        Ok(id)
    }

    async fn ask(&mut self, lease: &mut Lease, cookie: &[u8], end: Instant) -> Result<u32, Failure> {
        self.of_page = 0;
        let mut controls = self.request.controls.clone();
        controls.extend(self.request.page_size.map(|size| paged(size, cookie)));
        let request = Request::Search { request: &self.request, filter: &self.filter };
        lease.session.send(&request, &controls, end).await
    }

    async fn read(&mut self, mut lease: Lease, mut id: u32, max: u32, end: Instant) -> (Entries, Result<(), Failure>) {
        let mut entries = Entries::default();
        // The end of a page follows its last entry at once: read now, the next page is on its way while the guest works.
        while entries.bytes() < ENTRIES_BYTES_MAX
            && (entries.found.count() < max || self.request.page_size == Some(self.of_page))
        {
            let answer = match lease.session.answer(id, end).await {
                Ok(answer) => answer,
                Err(failure) => return (entries, Err(failure)),
            };
            match answer {
                Answer::Entry(entry, controls) => {
                    if entries.found.take(&entry, controls).is_err() {
                        return (entries, Err(malformed(&lease.session.place)));
                    }
                    self.of_page += 1;
                }
                Answer::Intermediate(said) => entries.intermediate(said),
                Answer::Reference(to) => entries.referrals(to),
                Answer::Done(outcome) => match self.page_ends(&mut lease, outcome, end).await {
                    Ok(PageEnd::Next(next)) => id = next,
                    Ok(PageEnd::Last(controls)) => {
                        lease.give_back();
                        return (Entries { done: true, controls, ..entries }, Ok(()));
                    }
                    Err(End { failure, usable }) => {
                        if usable {
                            lease.give_back();
                        }
                        return (entries, Err(failure));
                    }
                },
            }
        }
        self.stage = Stage::Asked { lease, id };
        (entries, Ok(()))
    }

    /// The end of a page: asks for the next one, if there is one.
    async fn page_ends(&mut self, lease: &mut Lease, outcome: Outcome, end: Instant) -> Result<PageEnd, End> {
        judged(&outcome).map_err(|failure| End { failure, usable: true })?;
        let broken = |failure| End { failure, usable: false };
        let next = next_page(&outcome.controls).map_err(|_| broken(malformed(&lease.session.place)))?;
        match next.filter(|_| self.request.page_size.is_some()) {
            Some(cookie) => self.ask(lease, &cookie, end).await.map(PageEnd::Next).map_err(broken),
            None => Ok(PageEnd::Last(outcome.controls)),
        }
    }
}

enum PageEnd {
    Next(u32),
    Last(Vec<Control>),
}

/// Why a search ended, and whether its connection is still good.
struct End {
    failure: Failure,
    usable: bool,
}
