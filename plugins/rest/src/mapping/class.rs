//! A class: where its identifiers and attributes stand, and the requests that read and write its objects.

use super::request::{Content, Request, Sketch};
use super::{Attribute, Locator, Paging, Place, Shapes, Source};
use crate::pointer::Pointer;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Class {
    pub(crate) title: Option<String>,
    pub(crate) kind: ClassKind,
    pub(crate) uid: Locator,
    /// The uid, unless told.
    pub(crate) name: Option<Locator>,
    pub(crate) revision: Option<Revision>,
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, Attribute>,
    pub(crate) list: Option<Lister>,
    pub(crate) get: Option<Read>,
    pub(crate) create: Option<Write>,
    pub(crate) update: Option<Write>,
    pub(crate) delete: Option<Write>,
    /// What sets the attribute `enabled` where an update does not.
    pub(crate) enable: Option<Write>,
    pub(crate) disable: Option<Write>,
    #[serde(default)]
    pub(crate) passwords: Passwords,
    pub(crate) entitlement: Option<Entitlement>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ClassKind {
    Account,
    Entitlement,
    Container,
    Other,
}

/// What changes with the object.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Revision {
    Json(Pointer),
    /// The header `ETag` of the answer that has one object.
    Etag,
}

/// Many objects. A list may be asked for with POST.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Lister {
    pub(crate) request: Request,
    #[serde(default)]
    pub(crate) query: Shapes,
    #[serde(default)]
    pub(crate) headers: Shapes,
    #[serde(default, rename = "body")]
    pub(crate) content: Content,
    /// Where the answer has the list.
    #[serde(default)]
    pub(crate) items: Pointer,
    #[serde(default)]
    pub(crate) paging: Paging,
}

/// One object, or whether it is there.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Read {
    pub(crate) request: Request,
    #[serde(default)]
    pub(crate) query: Shapes,
    #[serde(default)]
    pub(crate) headers: Shapes,
    /// Where the answer has the object.
    #[serde(default)]
    pub(crate) item: Pointer,
    /// Secrets of the answer, which writes can place and nobody sees.
    #[serde(default)]
    pub(crate) capture: BTreeMap<String, Source>,
}

/// A change.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Write {
    pub(crate) request: Request,
    #[serde(default)]
    pub(crate) query: Shapes,
    #[serde(default)]
    pub(crate) headers: Shapes,
    #[serde(default, rename = "body")]
    pub(crate) content: Content,
    /// Which attributes are put into the body.
    #[serde(default)]
    pub(crate) send: Send,
    /// Below what in the body.
    #[serde(default)]
    pub(crate) at: Pointer,
    /// Where the answer has the object, if it has it.
    #[serde(default)]
    pub(crate) item: Pointer,
    /// Whether the object is read before, as `current`; a PUT always does.
    #[serde(default)]
    pub(crate) read: bool,
    /// Whether the name can be changed by it.
    #[serde(default)]
    pub(crate) renames: bool,
    /// `password`, `old-password`, or what `get` captures.
    #[serde(default)]
    pub(crate) secrets: BTreeMap<String, Place>,
    /// Statuses that say it was so already.
    #[serde(default)]
    pub(crate) already: Vec<u16>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Send {
    /// Only what the templates say.
    None,
    /// Those that are given or changed.
    #[default]
    Given,
    /// The object as it was read, with the changes made.
    Whole,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Passwords {
    pub(crate) set: Option<Write>,
    /// By the owner, with the old one.
    pub(crate) change: Option<Write>,
    pub(crate) check: Option<Check>,
    /// The statuses that say that the old or only password is wrong.
    pub(crate) refused: Option<Vec<u16>>,
}

/// A log-in as somebody.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Check {
    pub(crate) request: Request,
    #[serde(default)]
    pub(crate) query: Shapes,
    #[serde(default)]
    pub(crate) headers: Shapes,
    #[serde(default, rename = "body")]
    pub(crate) content: Content,
    pub(crate) password: Place,
    /// Where the answer has the uid.
    pub(crate) uid: Locator,
    /// Tokens of the answer, which nobody sees.
    #[serde(default)]
    pub(crate) capture: Vec<Source>,
}

/// How objects of this class are granted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Entitlement {
    pub(crate) to: Vec<String>,
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, Attribute>,
    pub(crate) grant: Write,
    pub(crate) revoke: Write,
    /// What shows that it is granted, and with which parameters.
    pub(crate) read: Option<Assigned>,
    pub(crate) list: Option<Assignments>,
    pub(crate) holders: Option<Holders>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Assigned {
    pub(crate) request: Request,
    #[serde(default)]
    pub(crate) query: Shapes,
    #[serde(default)]
    pub(crate) headers: Shapes,
    #[serde(default)]
    pub(crate) item: Pointer,
}

/// What a principal was granted of this class.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Assignments {
    pub(crate) request: Request,
    #[serde(default)]
    pub(crate) query: Shapes,
    #[serde(default)]
    pub(crate) headers: Shapes,
    #[serde(default)]
    pub(crate) items: Pointer,
    #[serde(default)]
    pub(crate) paging: Paging,
    /// Where an item has the uid of the entitlement.
    pub(crate) entitlement: Locator,
}

/// Who was granted it: an attribute whose values are imported as links.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Holders {
    pub(crate) attribute: String,
    pub(crate) request: Request,
    #[serde(default)]
    pub(crate) query: Shapes,
    #[serde(default)]
    pub(crate) headers: Shapes,
    #[serde(default)]
    pub(crate) items: Pointer,
    #[serde(default)]
    pub(crate) paging: Paging,
    /// Where an item has the uid of the entitlement. Without it, the request is made for each.
    pub(crate) entitlement: Option<Locator>,
    /// Where an item has the uid of the principal.
    pub(crate) principal: Locator,
}

/// What nobody says about a request is nothing.
macro_rules! sketch {
    ($($operation:ty: $content:expr;)+) => { $(
        impl $operation {
            pub(crate) fn sketch(&self) -> Sketch<'_> {
                let content: fn(&Self) -> &Content = $content;
                Sketch { request: &self.request, query: &self.query, headers: &self.headers, content: content(self) }
            }
        }
    )+ };
}

sketch! {
    Lister: |it| &it.content;
    Read: |_| &Content::None;
    Write: |it| &it.content;
    Check: |it| &it.content;
    Assigned: |_| &Content::None;
    Assignments: |_| &Content::None;
    Holders: |_| &Content::None;
    super::Login: |it| &it.content;
}

impl Class {
    pub(crate) fn name(&self) -> &Locator {
        self.name.as_ref().unwrap_or(&self.uid)
    }

    /// Are uid and name one?
    pub(crate) fn is_named_by_uid(&self) -> bool {
        self.name.as_ref().is_none_or(|name| *name == self.uid)
    }
}
