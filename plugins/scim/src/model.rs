//! What the classes of a connection look like, small enough to be remembered between calls.
//!
//! How resources become flat: a simple attribute keeps its name; the parts of a complex attribute with one value are
//! attributes of their own, `name:givenName`; a complex attribute with many values stays whole, and its values have parts
//! (`emails`: value, type, primary); one that points at resources is a reference (`members`, `groups`, `manager:value`).
//! What an extension brings has its URN before it: `urn:...:enterprise:2.0:User:department`.

use hawser_sdk::{ClassKind, Error};
use serde::{Deserialize, Serialize};
use std::fmt;

pub(crate) const ACCOUNT: &str = "account";
pub(crate) const GROUP: &str = "group";
/// The attribute that says who may log in.
pub(crate) const ENABLED: &str = "enabled";
pub(crate) const PASSWORD: &str = "password";
/// The attribute of a group that holds its members.
pub(crate) const MEMBERS: &str = "members";

/// What the values of an attribute are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Syntax {
    Text,
    Uri,
    Boolean,
    Integer,
    Real,
    Instant,
    Binary,
    Reference,
    Complex,
}

/// Who may write an attribute, and when (RFC 7643, 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Mutability {
    ReadOnly,
    ReadWrite,
    Immutable,
}

/// When an attribute is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Returned {
    ByDefault,
    OnRequest,
    Never,
}

/// Where an attribute stands in a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Path {
    /// The URN of the extension that brings it.
    pub(crate) extension: Option<String>,
    pub(crate) attribute: String,
    pub(crate) sub: Option<String>,
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attribute {
    pub(crate) name: String,
    pub(crate) path: Path,
    pub(crate) syntax: Syntax,
    pub(crate) multi: bool,
    pub(crate) required: bool,
    pub(crate) case_exact: bool,
    pub(crate) mutability: Mutability,
    pub(crate) returned: Returned,
    /// Parts of a complex value, by name.
    pub(crate) parts: Vec<(String, Syntax)>,
    /// Parts that only the service writes.
    #[serde(default)]
    pub(crate) adds: Vec<String>,
    /// Classes a reference points to.
    pub(crate) refers_to: Vec<String>,
    /// What a reference has to bring beside its value (`$ref`, `type`).
    pub(crate) demands: Vec<String>,
}

/// One class: a resource type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Class {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The service's own name for it.
    pub(crate) resource_type: String,
    /// Where its resources live below the base.
    pub(crate) endpoint: String,
    pub(crate) schema: String,
    /// URNs of its extensions, and whether every resource has to name them.
    pub(crate) extensions: Vec<(String, bool)>,
    /// The attribute that is the name; nothing where it is the id.
    pub(crate) named_by: Option<String>,
    pub(crate) attributes: Vec<Attribute>,
}

/// What a class is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Account,
    Group,
    Other,
}

impl Kind {
    pub(crate) const fn of_contract(self) -> ClassKind {
        match self {
            Self::Account => ClassKind::Account,
            Self::Group => ClassKind::Entitlement,
            Self::Other => ClassKind::Other,
        }
    }
}

/// As filters, `attributes` and PATCH write it (RFC 7644, 3.10).
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(extension) = &self.extension {
            write!(f, "{extension}:")?;
        }
        f.write_str(&self.attribute)?;
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

impl Path {
    /// The path without its part.
    pub(crate) fn whole(&self) -> String {
        Self { sub: None, ..self.clone() }.to_string()
    }
}

impl Attribute {
    pub(crate) fn is_password(&self) -> bool {
        self.name == PASSWORD
    }

    pub(crate) fn is_readable(&self) -> bool {
        self.returned != Returned::Never && !self.is_password()
    }
}

impl Class {
    pub(crate) fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// The attribute that was asked for.
    ///
    /// # Errors
    /// There is none of that name.
    pub(crate) fn known(&self, name: &str) -> Result<&Attribute, Error> {
        self.attribute(name).ok_or_else(|| {
            let message = format!("class {} has no attribute `{name}`; refresh the schema", self.name);
            Error::schema_violation(message).attribute(name)
        })
    }

    /// The attribute that is the name.
    pub(crate) fn naming(&self) -> Option<&Attribute> {
        self.named_by.as_deref().and_then(|name| self.attribute(name))
    }

    /// Is the list of members here, that only grants change?
    pub(crate) fn is_membership(&self, attribute: &Attribute) -> bool {
        self.kind == Kind::Group && attribute.name == MEMBERS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_the_standard_has_it() {
        let path = |extension: Option<&str>, sub: Option<&str>| Path {
            extension: extension.map(str::to_owned),
            attribute: "manager".to_owned(),
            sub: sub.map(str::to_owned),
        };
        assert_eq!(path(None, None).to_string(), "manager");
        assert_eq!(path(Some("urn:x:User"), Some("value")).to_string(), "urn:x:User:manager.value");
        assert_eq!(path(Some("urn:x:User"), Some("value")).whole(), "urn:x:User:manager");
    }
}
