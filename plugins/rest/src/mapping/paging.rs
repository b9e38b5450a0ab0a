//! How a list comes in pages.

use crate::pointer::Pointer;
use serde::Deserialize;

/// How the next page is asked for, and what ends the list. Unless something says which page is the last, the list ends
/// with an empty one: servers give fewer items than they were asked for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Paging {
    /// All of it at once.
    #[default]
    None,
    Page(Counted),
    Offset(Counted),
    Cursor(Cursor),
    /// The next page's address stands in the answer.
    Link(Link),
    /// The next page's address stands in the header `Link` (RFC 8288).
    LinkHeader(Sized),
}

/// Pages by number, or by the number of items before them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Counted {
    /// The parameter of the query.
    pub(crate) parameter: String,
    /// Its value for the first page; 1 for pages and 0 for offsets unless told.
    pub(crate) first: Option<u64>,
    pub(crate) size: Option<Size>,
    /// Where the answer has the number of pages.
    pub(crate) pages: Option<Pointer>,
    /// Where the answer has the number of items.
    pub(crate) total: Option<Pointer>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Cursor {
    pub(crate) parameter: String,
    /// Where the answer has the next one; nothing and an empty text end the list.
    pub(crate) next: Pointer,
    pub(crate) size: Option<Size>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Link {
    pub(crate) next: Pointer,
    pub(crate) size: Option<Size>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Sized {
    pub(crate) size: Option<Size>,
}

/// How many items a page is asked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Size {
    pub(crate) parameter: String,
    pub(crate) items: u32,
}
