//! What is set aside of a table: records that could not be read or came twice, links of which an end is not known, and
//! owners whose links were not read.

use super::view::{Source, View};
use crate::model::{FailureKind, StrayLink};
use crate::store::{RunPart, SetAside};

/// The kind of what was not read.
const UNREAD: &str = "unread";

/// Is a part of a run where rows of the table come from?
pub(super) fn feeds(view: &View, part: &RunPart) -> bool {
    match &view.source {
        Source::Objects { classes, .. } => part.attribute.is_none() && classes.iter().any(|of| of.class == part.class),
        Source::Links { relations, .. } => relations
            .iter()
            .any(|of| of.large && of.class == part.class && part.attribute.as_deref() == Some(of.attribute.as_str())),
    }
}

/// A link that is no row, as a record that was set aside.
pub(super) fn stray(link: &StrayLink<'_>) -> SetAside {
    let (key, kind) = match &link.target {
        Some(target) => (format!("{} -> {target}", link.owner), FailureKind::UnknownUid.as_str()),
        None => (link.owner.to_string(), UNREAD),
    };
    SetAside { key, kind: kind.to_owned(), message: link.reason().to_owned() }
}
