//! The mapping: what an API's requests and answers mean, as an operator writes it in YAML.
//!
//! Everything here is as it stands in the document, each part valid by itself: a template is one, a pointer is one, and a
//! key that means nothing is refused with its line. What only makes sense together is held against each other once, in
//! `check`. The whole document is described in `docs/connectors/rest.md`.

use crate::pointer::Pointer;
use crate::template::{Shape, Text};
use hawser_sdk::{Error, Result};
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;

mod attribute;
mod auth;
mod check;
mod class;
mod errors;
mod paging;
mod request;

pub(crate) use attribute::{Attribute, Kind};
pub(crate) use auth::{Auth, Login, Oauth, Place, Source};
pub(crate) use class::{
    Assigned, Assignments, Class, ClassKind, Entitlement, Holders, Lister, Read, Revision, Send, Write,
};
pub(crate) use errors::{Errors, Rule};
pub(crate) use paging::{Paging, Size};
pub(crate) use request::{Content, Method, Sketch};

/// The largest mapping, in bytes.
pub(crate) const MAPPING_BYTES_MAX: usize = 64 * 1024;
/// The most values and collections of one, counted before any is kept.
const NODES_MAX: usize = 20_000;
const DEPTH_MAX: usize = 32;

/// A mapping that makes sense.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Mapping {
    #[serde(default)]
    pub(crate) auth: Auth,
    #[serde(default)]
    pub(crate) errors: Errors,
    /// What shows that the API is there and takes the credentials.
    pub(crate) check: Option<Read>,
    /// By their names.
    pub(crate) classes: BTreeMap<String, Class>,
}

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// `configuration`, saying where in the document what is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if text.len() > MAPPING_BYTES_MAX {
            let message = format!("the mapping has {} bytes; at most {MAPPING_BYTES_MAX} are read", text.len());
            return Err(Error::configuration(message));
        }
        let mapping: Self = read(text).map_err(Error::configuration)?;
        check::check(&mapping).map_err(|why| Error::configuration(format!("the mapping: {why}")))?;
        Ok(mapping)
    }

    /// The names its templates use, with what is asked of them: `var.domain`.
    pub(crate) fn names(&self) -> Vec<String> {
        check::used(self)
    }

    pub(crate) fn class(&self, name: &str) -> Result<&Class> {
        self.classes.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.classes.keys().map(String::as_str).collect();
            Error::schema_violation(format!("the mapping has no class `{name}`; it has {}", known.join(", ")))
        })
    }
}

/// The document's path and line, what is wrong there, and the lines around it.
fn read(text: &str) -> Result<Mapping, String> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        budget: serde_saphyr::budget! { max_nodes: NODES_MAX, max_depth: DEPTH_MAX, max_aliases: 0, max_anchors: 0 },
    };
    let mut path = String::new();
    serde_saphyr::with_deserializer_from_str_with_options(text, options, |yaml| {
        serde_path_to_error::deserialize(yaml).map_err(|error| {
            path = error.path().to_string();
            error.into_inner()
        })
    })
    .map_err(|error| format!("the mapping at `{path}`: {error}"))
}

/// Where an identifier comes from: a pointer, or a template over the `item`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Locator {
    Pointer(Pointer),
    Template(Text),
}

impl TryFrom<String> for Locator {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.contains("{{") {
            Text::try_from(text).map(Self::Template)
        } else {
            Pointer::try_from(text).map(Self::Pointer)
        }
    }
}

impl Locator {
    /// The identifier an item has; nothing where there is none, or one that is neither text nor a whole number.
    pub(crate) fn find(&self, item: &Json) -> Option<String> {
        let found = match self {
            Self::Pointer(pointer) => match pointer.get(item)? {
                Json::String(text) => text.clone(),
                Json::Number(number) if !number.is_f64() => number.to_string(),
                _ => return None,
            },
            Self::Template(text) => text.render(&crate::template::Scope::default().with("item", item)).ok()?,
        };
        (!found.is_empty()).then_some(found)
    }

    pub(crate) fn pointer(&self) -> Option<&Pointer> {
        match self {
            Self::Pointer(pointer) => Some(pointer),
            Self::Template(_) => None,
        }
    }
}

/// Templates by the names of what they fill: parameters of a query, headers, fields of a form.
pub(crate) type Shapes = BTreeMap<String, Shape>;

#[cfg(test)]
pub(crate) mod tests;
