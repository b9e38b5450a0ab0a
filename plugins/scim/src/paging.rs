//! Paging: which page comes next, and whether the last one was the end. Nothing here asks a service.
//!
//! A listing that ends too early takes people away, so an end is believed only when it is plain: a first page that seems to
//! be all of it is followed by another look; a total that shrank means that resources moved to pages already read, and
//! these are read again; a page that repeats is an error and no loop. What comes twice is handed out once.

use crate::url::Url;
use hawser_sdk::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::hash::BuildHasher as _;

/// How often a list may shrink while it is read.
const REWINDS_MAX: u32 = 20;

/// A place in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// Counted from 1.
    Index(u64),
    /// RFC 9865; nothing is the beginning.
    Cursor(Option<String>),
}

/// Where another instance can go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    place: Place,
    /// How many of the page there lie behind.
    passed: u64,
    total: Option<u64>,
    /// How many lie on the pages before.
    #[serde(default)]
    before: u64,
}

/// A list under way.
pub(crate) struct Paging {
    /// The page that was read last, and the one to come.
    current: Place,
    next: Option<Place>,
    count: Option<u32>,
    /// What the service said last.
    total: Option<u64>,
    seen: HashSet<u64>,
    rewinds: u32,
    /// Up to here, resources are read again.
    reread_to: u64,
    /// Of the first page, how many lie behind.
    skip: u64,
    /// How many lie on the pages before the one that was read last, and on that one.
    before: u64,
    found: u64,
    look: Look,
}

/// Whether the next page is one where nothing should be: what a service says of a list's length may be the page's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    NotYet,
    /// A page that repeats is the end, and no circle, where the page before was not as long as it was asked to be.
    Under {
        repeats_end: bool,
    },
    Done,
}

/// What a page says of the list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    pub(crate) total: Option<u64>,
    pub(crate) next_cursor: Option<&'a str>,
}

impl Paging {
    pub(crate) fn new(by_cursor: bool, count: Option<u32>) -> Self {
        let place = if by_cursor { Place::Cursor(None) } else { Place::Index(1) };
        Self::at(Mark { place, passed: 0, total: None, before: 0 }, count)
    }

    /// Goes on where another instance stopped.
    pub(crate) fn at(mark: Mark, count: Option<u32>) -> Self {
        Self {
            current: mark.place.clone(),
            next: Some(mark.place),
            count,
            total: mark.total,
            seen: HashSet::new(),
            rewinds: 0,
            reread_to: 0,
            skip: mark.passed,
            before: mark.before,
            found: 0,
            look: Look::NotYet,
        }
    }

    /// Is the next page one where nothing should be?
    pub(crate) fn is_looking(&self) -> bool {
        matches!(self.look, Look::Under { .. })
    }

    /// Takes a refusal to look where nothing should be for the end.
    pub(crate) fn stop(&mut self) {
        self.next = None;
        self.look = Look::Done;
    }

    pub(crate) fn total(&self) -> Option<u64> {
        self.total
    }

    /// How the next page is asked for; nothing at the end.
    pub(crate) fn query(&self, url: Url) -> Option<Url> {
        let count = self.count.map(|count| count.to_string());
        let url = match self.next.as_ref()? {
            Place::Index(1) if count.is_none() => url,
            Place::Index(start) => url.with("startIndex", &start.to_string()),
            Place::Cursor(cursor) => url.with("cursor", cursor.as_deref().unwrap_or_default()),
        };
        Some(url.with_some("count", count.as_deref()))
    }

    /// The mark behind so many resources of the page that was read last.
    pub(crate) fn mark(&self, passed: u64) -> Mark {
        let total = self.total;
        match (&self.current, &self.next) {
            // Pages are to be read again, and nobody else knows of it.
            (Place::Index(start), Some(Place::Index(again))) if again < start => {
                Mark { place: Place::Index(*again), passed: 0, total, before: 0 }
            }
            (Place::Index(start), _) => {
                Mark { place: Place::Index(start.saturating_add(passed)), passed: 0, total, before: 0 }
            }
            (cursor, _) => Mark { place: cursor.clone(), passed, total, before: self.before },
        }
    }

    /// Takes a page: for each of its resources, whether it is new. An id that is missing makes one new.
    ///
    /// # Errors
    /// The page repeats, or promises what it does not have.
    pub(crate) fn turn(&mut self, head: Head<'_>, ids: &[Option<&str>]) -> Result<Vec<bool>> {
        let Some(place) = self.next.take() else { return Ok(Vec::new()) };
        let mut fresh: Vec<bool> = ids.iter().map(|id| id.is_none_or(|id| self.is_new(id))).collect();
        let repeats = !ids.is_empty() && !fresh.contains(&true);
        if repeats && self.look == (Look::Under { repeats_end: true }) {
            self.stop();
            return Ok(Vec::new());
        }
        let is_again = matches!(place, Place::Index(start) if start < self.reread_to);
        if repeats && !is_again {
            return Err(repeated());
        }
        self.before = self.before.saturating_add(std::mem::replace(&mut self.found, ids.len() as u64));
        self.next = match &place {
            Place::Index(start) => self.after_index(*start, ids.len() as u64, head)?,
            Place::Cursor(cursor) => self.after_cursor(cursor.as_deref(), ids.len() as u64, head)?,
        };
        self.current = place;
        let skipped = usize::try_from(std::mem::take(&mut self.skip)).unwrap_or(usize::MAX);
        fresh.iter_mut().take(skipped).for_each(|is_new| *is_new = false);
        Ok(fresh)
    }

    fn is_new(&mut self, id: &str) -> bool {
        let hash = self.seen.hasher().hash_one(id);
        self.seen.insert(hash)
    }

    fn after_index(&mut self, start: u64, found: u64, head: Head<'_>) -> Result<Option<Place>> {
        let next = start.saturating_add(found);
        if self.is_looking() {
            self.look = Look::Done;
            // Whatever it says of the length, what there was has been read.
            self.total = None;
            if found == 0 {
                return Ok(None);
            }
        }
        let shrunk = match (self.total, head.total) {
            (Some(before), Some(now)) => before.saturating_sub(now),
            _ => 0,
        };
        // A total that is less than what was found is none.
        let total = head.total.filter(|total| found == 0 || total.saturating_add(1) >= next);
        self.total = total;
        if shrunk > 0 && start > 1 {
            return self.rewind(start.saturating_sub(shrunk).max(1), next).map(Some);
        }
        if let Some(repeats_end) = self.looks_like_all(start, found, total) {
            self.look = Look::Under { repeats_end };
            return Ok(Some(Place::Index(next)));
        }
        let ended = match total {
            _ if found == 0 => total.is_none_or(|total| total < start),
            Some(total) => next > total,
            None => false,
        };
        if found == 0 && !ended {
            return Err(incomplete());
        }
        Ok((!ended).then_some(Place::Index(next)))
    }

    /// Does a first page look like all there is, and is that worth another look? The page's own size, mistaken for the
    /// total, looks like this, and so does a page of a size of the service's own. Where nothing was asked for, the service
    /// decides what a page is. Within: whether the same page again is the end.
    fn looks_like_all(&self, start: u64, found: u64, total: Option<u64>) -> Option<bool> {
        let count = u64::from(self.count?);
        if start > 1 || found == 0 || self.look != Look::NotYet {
            return None;
        }
        match total {
            Some(total) => (found >= total).then_some(found != count),
            None => (found > count).then_some(true),
        }
    }

    fn rewind(&mut self, to: u64, read: u64) -> Result<Place> {
        self.rewinds += 1;
        self.reread_to = self.reread_to.max(read);
        if self.rewinds > REWINDS_MAX { Err(restless()) } else { Ok(Place::Index(to)) }
    }

    fn after_cursor(&mut self, cursor: Option<&str>, found: u64, head: Head<'_>) -> Result<Option<Place>> {
        self.total = head.total.or(self.total);
        match head.next_cursor {
            // Of the same cursor comes the same page.
            Some(next) if cursor == Some(next) || !self.is_new(&format!("cursor {next}")) => Err(repeated()),
            Some(next) => Ok(Some(Place::Cursor(Some(next.to_owned())))),
            // It pages, and not by cursor.
            None if cursor.is_none() && head.total.is_some_and(|total| total > found) => {
                if found == 0 {
                    Err(incomplete())
                } else {
                    Ok(Some(Place::Index(found + 1)))
                }
            }
            None if head.total.is_some_and(|total| total > self.before.saturating_add(found)) => Err(incomplete()),
            None => Ok(None),
        }
    }
}

fn repeated() -> Error {
    let message = "the service gives the same page again, so its list has no end; set `paging` to the other way, or `page-size` \
                   to 0";
    Error::conflict(message)
}

fn incomplete() -> Error {
    let message = "the service gives fewer resources than it says it has, so the list is not complete; try again, or ask its \
                   operator";
    Error::retryable(message)
}

fn restless() -> Error {
    Error::resync_required("resources are deleted faster than the list can be read; begin again when it is quiet")
}

#[cfg(test)]
mod tests;
