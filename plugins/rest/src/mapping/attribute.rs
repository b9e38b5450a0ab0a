//! Attributes and parameters: where they stand, what they are, who may write them.

use crate::pointer::Pointer;
use serde::Deserialize;
use serde_json::Value as Json;

/// One attribute of a class, or one parameter of an entitlement.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Attribute {
    pub(crate) title: Option<String>,
    /// Where it stands in the item, and in what is sent.
    pub(crate) pointer: Pointer,
    #[serde(default, rename = "type")]
    pub(crate) kind: Kind,
    #[serde(default)]
    pub(crate) multi_valued: bool,
    /// What stands between the values where a list is one text.
    pub(crate) separator: Option<String>,
    #[serde(default)]
    pub(crate) required: bool,
    #[serde(default = "yes")]
    pub(crate) creatable: bool,
    #[serde(default = "yes")]
    pub(crate) updateable: bool,
    /// The class that references point to.
    pub(crate) refers_to: Option<String>,
    /// The only texts it takes.
    #[serde(default)]
    pub(crate) allowed: Vec<String>,
    /// What the API says for true, where that is something else.
    pub(crate) when_true: Option<Json>,
    pub(crate) when_false: Option<Json>,
}

/// What its values are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    #[default]
    Text,
    Integer,
    Real,
    Boolean,
    /// RFC 3339.
    Instant,
    /// Seconds since 1970.
    Seconds,
    /// Milliseconds since 1970.
    Milliseconds,
    Date,
    /// The uid of another object.
    Reference,
    /// Whatever stands there, as the text of it.
    Json,
}

fn yes() -> bool {
    true
}
