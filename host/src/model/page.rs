//! What a listing asks for and what comes back: pages of rows, of edges, and the records that could not be read.

use super::error::Error;
use super::filter::Filter;
use super::id::{AttributeName, ClassName, Uid};
use super::object::{Edge, Row};

/// What to list.
#[derive(Clone, Debug)]
pub struct ListRequest {
    pub class: ClassName,
    /// The columns; `cells[i]` of every row answers the i-th.
    pub attributes: Vec<AttributeName>,
    /// The connector pushes down what it can; the host filters again.
    pub filter: Option<Filter>,
    /// Only objects in this container.
    pub container: Option<Uid>,
}

/// A record that could not be read as an object: set aside with its reason, never lost and never the run's failure.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    /// What identifies it to a person: a key, a line number.
    pub key: String,
    pub error: Error,
}

/// One page of a listing. Only `complete` ends a complete pass; a page without rows ends nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub rows: Vec<Row>,
    pub rejected: Vec<Rejected>,
    /// Where another instance can resume after this page.
    pub checkpoint: Option<Vec<u8>>,
    /// A feed opened with this sees everything after the pass began.
    pub token: Option<Vec<u8>>,
    /// Total number of rows, if the connector has an idea.
    pub estimate: Option<u64>,
    pub complete: bool,
}

/// One page of a relation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EdgePage {
    pub edges: Vec<Edge>,
    pub rejected: Vec<Rejected>,
    pub checkpoint: Option<Vec<u8>>,
    pub complete: bool,
}
