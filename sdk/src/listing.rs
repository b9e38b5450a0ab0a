//! Listings: what a source hands over one by one, and the pages the host gets.
//!
//! The easy way is an iterator of `Result<Object>`. The full way is an own [`Listing`], which also says where another
//! instance may resume. Either way pages end at the number of rows the host asked for and at [`MAX_PAGE_BYTES`],
//! so that no author counts bytes and no page runs into the host's own bound.

use crate::error::{Effect, Error, Result};
use crate::model::{Cell, Edge, Reference, Row, Scalar, Value};
use crate::object::{Object, Record};

/// Where a page is cut although it could have more rows, in bytes as the host receives them. The host refuses pages
/// of 32 MiB; one row may exceed this bound by its own size.
pub const MAX_PAGE_BYTES: usize = 4 << 20;

/// What a cell or a value takes besides its text: its discriminant and the largest payload of the variant.
const CELL_BYTES: usize = 40;

/// A record that could not be read as an object: set aside and shown, not lost, and no reason to fail the listing.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    key: String,
    reason: Error,
}

impl Rejected {
    /// Sets a record aside: what people find it by, and why.
    pub fn new(key: impl Into<String>, reason: Error) -> Self {
        Self { key: key.into(), reason }
    }

    /// What people find the record by.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Why it was set aside.
    pub fn reason(&self) -> &Error {
        &self.reason
    }

    pub(crate) fn into_parts(self) -> (String, Error) {
        (self.key, self.reason)
    }
}

/// One step of a listing of `T`.
#[derive(Clone, Debug, PartialEq)]
pub enum Item<T> {
    /// A record as it should be.
    Found(T),
    /// A record that is set aside.
    Rejected(Rejected),
}

impl<T> From<Rejected> for Item<T> {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

impl From<Object> for Item<Record> {
    fn from(object: Object) -> Self {
        Self::Found(object.into())
    }
}

impl From<Row> for Item<Record> {
    fn from(row: Row) -> Self {
        Self::Found(row.into())
    }
}

impl From<Edge> for Item<Edge> {
    fn from(edge: Edge) -> Self {
        Self::Found(edge)
    }
}

/// A sequence of records, read to its end or until the first error. Every iterator of `Result<Object>`,
/// `Result<Edge>` or `Result<Item<_>>` is one.
pub trait Listing<T> {
    /// The next record; `None` after the last one of a complete pass. An error ends the listing, and the pass is
    /// not complete.
    fn next_item(&mut self) -> Option<Result<Item<T>>>;

    /// Where another instance can resume, right after the last item; at most 64 KiB. Asked once a page.
    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// How many records there are in all, roughly.
    fn estimate(&self) -> Option<u64> {
        None
    }

    /// A token for [`Feed`](crate::Feed) that sees everything since this pass began.
    fn feed_token(&mut self) -> Option<Vec<u8>> {
        None
    }
}

impl<T, U, I> Listing<T> for I
where
    I: Iterator<Item = Result<U>>,
    U: Into<Item<T>>,
{
    fn next_item(&mut self) -> Option<Result<Item<T>>> {
        self.next().map(|item| item.map(Into::into))
    }
}

/// A listing under way, and whether it may still be asked.
pub(crate) struct Pages<T> {
    listing: Box<dyn Listing<T>>,
    state: State,
}

enum State {
    Running,
    Complete,
    Failed,
}

/// One page, before it is put into the contract's words.
pub(crate) struct Page<R> {
    pub(crate) found: Vec<R>,
    pub(crate) rejected: Vec<Rejected>,
    pub(crate) checkpoint: Option<Vec<u8>>,
    pub(crate) complete: bool,
}

impl<T> Pages<T> {
    pub(crate) fn new(listing: impl Listing<T> + 'static) -> Self {
        Self { listing: Box::new(listing), state: State::Running }
    }

    /// At most `max` records, found and rejected together, and at least one unless the listing ends.
    pub(crate) fn next<R: Weigh>(&mut self, max: u32, finish: impl Fn(T) -> R) -> Result<Page<R>> {
        let max = usize::try_from(max.max(1)).unwrap_or(usize::MAX);
        let mut page = Page { found: Vec::new(), rejected: Vec::new(), checkpoint: None, complete: false };
        let mut bytes = 0;
        while page.found.len() + page.rejected.len() < max && bytes < MAX_PAGE_BYTES && self.state.running()? {
            match self.listing.next_item() {
                Some(Ok(Item::Found(record))) => {
                    let record = finish(record);
                    bytes += record.bytes();
                    page.found.push(record);
                }
                Some(Ok(Item::Rejected(rejected))) => {
                    bytes += rejected.key.len() + rejected.reason.message().len() + CELL_BYTES;
                    page.rejected.push(rejected);
                }
                Some(Err(error)) => {
                    self.state = State::Failed;
                    return Err(error);
                }
                None => self.state = State::Complete,
            }
        }
        page.complete = matches!(self.state, State::Complete);
        page.checkpoint = self.listing.checkpoint();
        Ok(page)
    }

    pub(crate) fn estimate(&self) -> Option<u64> {
        self.listing.estimate()
    }

    pub(crate) fn feed_token(&mut self) -> Option<Vec<u8>> {
        self.listing.feed_token()
    }
}

impl State {
    fn running(&self) -> Result<bool> {
        match self {
            Self::Running => Ok(true),
            Self::Complete => Ok(false),
            Self::Failed => Err(Error::conflict("this listing has failed; open another one").with_effect(Effect::None)),
        }
    }
}

/// Roughly how many bytes something takes on its way to the host.
pub(crate) trait Weigh {
    fn bytes(&self) -> usize;
}

impl Weigh for Row {
    fn bytes(&self) -> usize {
        let fixed = CELL_BYTES + self.uid.len() + self.name.len() + self.revision.as_ref().map_or(0, String::len);
        self.cells.iter().fold(fixed, |sum, cell| sum + CELL_BYTES + cell.bytes())
    }
}

impl Weigh for Edge {
    fn bytes(&self) -> usize {
        let parameters: usize = self.parameters.iter().map(|p| p.name.len() + values(&p.values)).sum();
        4 * CELL_BYTES + self.owner.bytes() + self.attribute.len() + self.target.bytes() + parameters
    }
}

impl Weigh for Reference {
    fn bytes(&self) -> usize {
        let (crate::Key::Uid(key) | crate::Key::Name(key)) = &self.key;
        key.len() + self.class.as_ref().map_or(0, String::len)
    }
}

impl Weigh for Cell {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
            Self::Reference(reference) => reference.bytes(),
            Self::Complex(parts) => complex(parts),
            Self::Many(many) | Self::Partial(many) => values(many),
            _ => 0,
        }
    }
}

fn values(values: &[Value]) -> usize {
    values.iter().map(|value| CELL_BYTES + value_bytes(value)).sum()
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Binary(bytes) => bytes.len(),
        Value::Reference(reference) => reference.bytes(),
        Value::Complex(parts) => complex(parts),
        _ => 0,
    }
}

fn complex(parts: &[crate::Part]) -> usize {
    let text = |value: &Scalar| if let Scalar::Text(text) = value { text.len() } else { 0 };
    parts.iter().map(|part| CELL_BYTES + part.name.len() + text(&part.value)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(objects: impl Iterator<Item = Result<Item<Record>>> + 'static) -> Pages<Record> {
        Pages::new(objects)
    }

    fn row(record: Record) -> Row {
        record.into_row(&["text".to_owned()])
    }

    #[test]
    fn a_failed_listing_never_completes() {
        let items = [Ok(Object::new("1", "a").into()), Err(Error::connection_broken("gone"))];
        let mut pages = pages(items.into_iter());
        assert!(!pages.next(1, row).unwrap().complete);
        assert!(pages.next(10, row).is_err());
        assert!(pages.next(10, row).is_err(), "asking again must not look like the end");
    }

    #[test]
    fn a_page_ends_at_max_rows_and_the_rejected_count() {
        let mut pages = pages((0..5).map(|n| {
            Ok(if n == 1 {
                Rejected::new("line 1", Error::schema_violation("no key")).into()
            } else {
                Object::new(n.to_string(), "x").into()
            })
        }));
        let first = pages.next(3, row).unwrap();
        assert_eq!((first.found.len(), first.rejected.len(), first.complete), (2, 1, false));
        let last = pages.next(3, row).unwrap();
        assert_eq!((last.found.len(), last.complete), (2, true));
    }

    #[test]
    fn a_page_of_large_rows_is_cut_before_the_hosts_bound() {
        let big = "x".repeat(1 << 20);
        let mut pages =
            pages((0..10).map(move |n| Ok(Object::new(n.to_string(), "x").set("text", big.clone()).into())));
        let page = pages.next(512, row).unwrap();
        assert_eq!(page.found.len(), 4);
        assert!(!page.complete);
    }
}
