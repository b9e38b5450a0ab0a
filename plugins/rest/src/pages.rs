//! Pages of a list, one after the other, until something says it was the last.
//!
//! A list must not end too early, because what is missing from a complete pass is taken for deleted: where a total is told
//! and not reached or shrinks, where a page has no list, and where a page comes again, the pass fails.

use crate::api::{Answer, Api, With};
use crate::link;
use crate::mapping::{Paging, Size, Sketch};
use crate::pointer::Pointer;
use crate::template::Scope;
use hawser_sdk::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Which page comes next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    #[default]
    First,
    Number(u64),
    Cursor(String),
    Link(String),
}

/// Where a list stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) place: Place,
    /// How many items came before.
    pub(crate) items: u64,
    /// How many there are, as the page before said.
    #[serde(default)]
    pub(crate) total: Option<u64>,
}

/// A list being read.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    /// Of the next page; nothing after the last.
    next: Option<Position>,
    /// What the pages so far were like.
    seen: HashSet<u64>,
}

impl Pages {
    pub(crate) fn new(from: Position) -> Self {
        Self { next: Some(from), seen: HashSet::new() }
    }

    /// Of the page that comes next.
    pub(crate) fn position(&self) -> Option<&Position> {
        self.next.as_ref()
    }

    /// The items of the next page; nothing after the last.
    pub(crate) fn next(&mut self, api: &Api<'_>, what: &Paged<'_>, scope: &Scope) -> Result<Option<Vec<Json>>> {
        let Some(position) = self.next.clone() else { return Ok(None) };
        let (link, query) = what.asked(&position.place);
        let mut answer = api.send(what.sketch, scope, &With { link, query, reads: true, ..With::default() })?;
        let following = what.following(&position, &answer, &api.options.host)?;
        let items = items(&mut answer, what.items)?;
        let again = following.as_ref().is_some_and(|next| next.place == position.place);
        if again || !items.is_empty() && !self.seen.insert(fingerprint(&items)) {
            return Err(Error::retryable(
                "the API gave a page again that it had given before; does it know the parameter of the mapping's `paging`?",
            ));
        }
        self.next = following;
        Ok(Some(items))
    }
}

/// A list as the mapping has it.
#[derive(Clone, Copy)]
pub(crate) struct Paged<'a> {
    pub(crate) sketch: Sketch<'a>,
    pub(crate) items: &'a Pointer,
    pub(crate) paging: &'a Paging,
}

impl Paged<'_> {
    /// The address of a page, or the parameters that ask for it.
    fn asked<'a>(&self, place: &'a Place) -> (Option<&'a str>, Vec<(String, String)>) {
        let sized = |size: &Option<Size>| size.iter().map(|it| (it.parameter.clone(), it.items.to_string())).collect();
        let mut query: Vec<(String, String)> = match self.paging {
            Paging::None => Vec::new(),
            Paging::Page(it) | Paging::Offset(it) => sized(&it.size),
            Paging::Cursor(it) => sized(&it.size),
            Paging::Link(it) => sized(&it.size),
            Paging::LinkHeader(it) => sized(&it.size),
        };
        match (self.paging, place) {
            (_, Place::Link(link)) => return (Some(link), Vec::new()),
            (Paging::Page(it) | Paging::Offset(it), place) => {
                let number = if let Place::Number(number) = place { *number } else { self.first() };
                query.push((it.parameter.clone(), number.to_string()));
            }
            (Paging::Cursor(it), Place::Cursor(cursor)) => query.push((it.parameter.clone(), cursor.clone())),
            _ => {}
        }
        (None, query)
    }

    fn first(&self) -> u64 {
        match self.paging {
            Paging::Page(it) => it.first.unwrap_or(1),
            Paging::Offset(it) => it.first.unwrap_or(0),
            _ => 0,
        }
    }

    /// How many objects there are, as the answer says.
    fn total(&self, answer: &Answer) -> Option<u64> {
        match self.paging {
            Paging::Page(it) | Paging::Offset(it) => told(answer, it.total.as_ref()),
            _ => None,
        }
    }

    /// Where the list goes on after a page.
    fn following(&self, position: &Position, answer: &Answer, host: &str) -> Result<Option<Position>> {
        let here = self.items.get(&answer.body).and_then(Json::as_array).map_or(0, Vec::len) as u64;
        let items = position.items.saturating_add(here);
        let total = self.total(answer).or(position.total);
        if total < position.total {
            return Err(Error::retryable(
                "objects were deleted while the list was read, and others moved up to pages that were read already; read it again",
            ));
        }
        let at = |place| Some(Position { place, items, total });
        let number = if let Place::Number(number) = position.place { number } else { self.first() };
        Ok(match self.paging {
            Paging::None => None,
            Paging::Page(it) | Paging::Offset(it) => {
                let step = if matches!(self.paging, Paging::Page(_)) { 1 } else { here };
                let last_page = told(answer, it.pages.as_ref())
                    .is_some_and(|pages| number.saturating_sub(self.first()) + 1 >= pages);
                let ended = here == 0 || last_page;
                match self.total(answer) {
                    Some(total) if items >= total => None,
                    Some(total) if ended => return Err(cut_off(items, total)),
                    _ if ended => None,
                    _ => at(Place::Number(number.saturating_add(step))),
                }
            }
            Paging::Cursor(it) => next(answer, &it.next, cursor)?.map(Place::Cursor).and_then(at),
            Paging::Link(it) => {
                let address = next(answer, &it.next, Json::as_str)?;
                address.map(|it| link::path(it, host, &answer.path)).transpose()?.map(Place::Link).and_then(at)
            }
            Paging::LinkHeader(_) => {
                let address = link::next(links(answer)?);
                address.map(|it| link::path(it, host, &answer.path)).transpose()?.map(Place::Link).and_then(at)
            }
        })
    }
}

fn told(answer: &Answer, pointer: Option<&Pointer>) -> Option<u64> {
    pointer.and_then(|it| it.get(&answer.body)).and_then(Json::as_u64)
}

fn cut_off(items: u64, total: u64) -> Error {
    Error::retryable(format!(
        "the list ended after {items} of {total} objects; what is missing would be taken for deleted"
    ))
}

/// What leads to the next page. Only what says that there is none ends the list: anything else that cannot be read would
/// cut it off.
fn next<'a, T>(answer: &'a Answer, pointer: &Pointer, read: impl Fn(&'a Json) -> Option<T>) -> Result<Option<T>> {
    match pointer.get(&answer.body) {
        None | Some(Json::Bool(false)) => Ok(None),
        Some(Json::String(text)) if text.is_empty() => Ok(None),
        Some(found) => read(found).map(Some).ok_or_else(|| {
            let Answer { method, path, .. } = answer;
            Error::connection_broken(format!(
                "{method} {path}: what the answer has at {pointer} leads to no page (`paging.next`); point at the text in it, like /_links/next/href"
            ))
        }),
    }
}

fn cursor(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn links(answer: &Answer) -> Result<&str> {
    str::from_utf8(&answer.links).map_err(|_| {
        let Answer { method, path, .. } = answer;
        Error::connection_broken(format!("{method} {path}: the header Link of the answer is no text"))
    })
}

/// The list of an answer. Where none stands, there is none: that is not an empty one.
fn items(answer: &mut Answer, pointer: &Pointer) -> Result<Vec<Json>> {
    match answer.body.pointer_mut(pointer.as_str()).map(Json::take) {
        Some(Json::Array(items)) => Ok(items),
        _ => {
            let Answer { method, path, .. } = answer;
            Err(Error::connection_broken(format!("{method} {path}: the answer has no list at {pointer} (`items`)")))
        }
    }
}

pub(crate) fn fingerprint(items: &[Json]) -> u64 {
    let mut hasher = DefaultHasher::new();
    items.hash(&mut hasher);
    hasher.finish()
}
