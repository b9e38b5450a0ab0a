//! What publishing a run changed: the records of a connection's change feed.

use serde::{Deserialize, Serialize};

/// A place in a connection's change feed; changes after it are still to be read. Zero is the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub i64);

/// What happened to an object or a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    Insert,
    Update,
    Delete,
    LinkAdded,
    LinkRemoved,
}

impl ChangeKind {
    /// The spelling in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::LinkAdded => "link-added",
            Self::LinkRemoved => "link-removed",
        }
    }
}

/// One change, as the API hands it out.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedChange {
    /// Reading goes on after this.
    pub position: Position,
    pub kind: ChangeKind,
    pub class: String,
    pub uid: String,
    pub name: String,
    /// The object's body as JSON text (see [`super::json::object_body`]); for links the target and parameters.
    pub body: Option<String>,
}
