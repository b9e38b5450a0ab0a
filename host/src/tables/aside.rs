//! What is set aside of a table: records that could not be read or came twice, and links of which an end is not known.

use super::batch::Astray;
use super::view::{Source, View};
use crate::model::FailureKind;
use crate::store::{RunPart, SetAside};

/// Is a part of a run where rows of the table come from?
pub(super) fn feeds(view: &View, part: &RunPart) -> bool {
    match &view.source {
        Source::Objects { classes, .. } => part.attribute.is_none() && classes.iter().any(|of| of.class == part.class),
        Source::Links { relations, .. } => relations
            .iter()
            .any(|of| of.large && of.class == part.class && part.attribute.as_deref() == Some(of.attribute.as_str())),
    }
}

/// A link whose end is not known, as a record that was set aside.
pub(super) fn astray(link: &Astray<'_>) -> SetAside {
    let Astray { owner, target } = link;
    SetAside {
        key: format!("{owner} -> {target}"),
        kind: FailureKind::UnknownUid.as_str().to_owned(),
        message: "an end of the link is a name that no imported object has, or more than one".to_owned(),
    }
}
