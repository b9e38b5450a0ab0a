//! Incremental import: what a feed is asked for, and what it tells, in the order it happened.

use super::id::{AttributeName, ClassName};
use super::object::{Edge, Row};
use super::page::Rejected;

/// A class a feed is to tell about, and the columns of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassAttributes {
    pub class: ClassName,
    /// `cells[i]` of every row answers the i-th.
    pub attributes: Vec<AttributeName>,
}

/// A row and its class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassRow {
    pub class: String,
    pub row: Row,
}

/// An object that is gone, by what the target still knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    pub class: Option<String>,
    pub uid: Option<String>,
    pub name: Option<String>,
}

/// An object that has another uid.
#[derive(Clone, Debug, PartialEq)]
pub struct Renamed {
    /// Its uid until now.
    pub previous: String,
    pub now: ClassRow,
}

/// One thing that happened at the target.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// The object as it is now, whole.
    Upsert(ClassRow),
    /// Only what changed of it; the other cells are unread.
    Patch(ClassRow),
    Delete(Gone),
    Rename(Renamed),
    LinkAdded(Edge),
    LinkRemoved(Edge),
}

/// A delta that cannot be used, and the class it was about, if it says one.
#[derive(Clone, Debug, PartialEq)]
pub struct Unfit {
    pub class: Option<String>,
    pub record: Rejected,
}

/// One page of a feed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Deltas {
    pub deltas: Vec<Delta>,
    pub unfit: Vec<Unfit>,
    /// A feed opened with this goes on right after these deltas; none where the target has no token here.
    pub token: Option<Vec<u8>>,
    /// There is another page.
    pub more: bool,
}
