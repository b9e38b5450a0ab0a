//! What a connection's last refresh said the target looks like: classes, their attributes, how each is compared.

pub mod diff;

use serde::{Deserialize, Serialize};

/// What an object class is to an identity product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassKind {
    Account,
    Entitlement,
    Container,
    Other,
}

/// What an attribute's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Syntax {
    Text,
    Uri,
    Dn,
    Uuid,
    Json,
    Xml,
    Decimal,
    Integer,
    Real,
    Boolean,
    Binary,
    Instant,
    Date,
    Reference,
    Complex,
}

/// How two values are held against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matching {
    Exact,
    CaseIgnore,
    Dn,
}

/// One attribute of a class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "the contract's flags, each with a meaning of its own")]
pub struct AttributeInfo {
    pub name: String,
    /// The target's own name.
    pub native_name: String,
    pub title: String,
    pub syntax: Syntax,
    pub matching: Matching,
    pub required: bool,
    pub multi_valued: bool,
    pub creatable: bool,
    pub updateable: bool,
    pub readable: bool,
    pub returned_by_default: bool,
    pub confidential: bool,
    /// Values come as edges, page by page.
    pub large: bool,
    /// Classes a reference may point to.
    pub refers_to: Vec<String>,
    /// The only values allowed, in their JSON form; empty: any.
    pub allowed: Vec<serde_json::Value>,
}

/// One object class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClassInfo {
    pub name: String,
    pub title: String,
    pub kind: ClassKind,
    pub auxiliary: bool,
    pub uid_matching: Matching,
    pub name_matching: Matching,
    pub attributes: Vec<AttributeInfo>,
    /// For entitlements: classes whose objects can be granted this one.
    pub grantable_to: Vec<String>,
    /// For entitlements: what a grant takes (a scope, a vhost, ...).
    pub parameters: Vec<AttributeInfo>,
}

/// All classes of a connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Schema(pub Vec<ClassInfo>);

impl Schema {
    /// The class of that name.
    pub fn class(&self, name: &str) -> Option<&ClassInfo> {
        self.0.iter().find(|class| class.name == name)
    }
}

impl ClassInfo {
    /// A class of which nothing is known but what a manifest says of it.
    pub fn bare(name: &str, title: &str, kind: ClassKind) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            kind,
            auxiliary: false,
            uid_matching: Matching::Exact,
            name_matching: Matching::Exact,
            attributes: Vec::new(),
            grantable_to: Vec::new(),
            parameters: Vec::new(),
        }
    }

    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&AttributeInfo> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// What a listing reads when nothing else is asked for: readable, returned by default, and not as edges.
    pub fn default_attributes(&self) -> impl Iterator<Item = &AttributeInfo> {
        self.attributes.iter().filter(|a| a.readable && a.returned_by_default && !a.large)
    }

    /// Attributes that come as edges.
    pub fn large_attributes(&self) -> impl Iterator<Item = &AttributeInfo> {
        self.attributes.iter().filter(|a| a.readable && a.large)
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) mod tests {
    use super::*;

    /// An attribute as most are: text, optional, single-valued, readable and writable.
    pub(crate) fn plain(name: &str, syntax: Syntax) -> AttributeInfo {
        AttributeInfo {
            name: name.into(),
            native_name: name.into(),
            title: name.into(),
            syntax,
            matching: Matching::Exact,
            required: false,
            multi_valued: false,
            creatable: true,
            updateable: true,
            readable: true,
            returned_by_default: true,
            confidential: false,
            large: false,
            refers_to: Vec::new(),
            allowed: Vec::new(),
        }
    }

    /// A class of people, for tests across the house.
    pub(crate) fn people() -> ClassInfo {
        let mail = AttributeInfo { matching: Matching::CaseIgnore, multi_valued: true, ..plain("mail", Syntax::Text) };
        let password = AttributeInfo { readable: false, confidential: true, ..plain("password", Syntax::Text) };
        let age = plain("age", Syntax::Integer);
        ClassInfo {
            name: "account".into(),
            title: "Account".into(),
            kind: ClassKind::Account,
            auxiliary: false,
            uid_matching: Matching::Exact,
            name_matching: Matching::CaseIgnore,
            attributes: vec![mail, age, plain("First Name", Syntax::Text), password, plain("hired", Syntax::Date)],
            grantable_to: Vec::new(),
            parameters: Vec::new(),
        }
    }

    #[test]
    fn a_schema_survives_being_stored() {
        let schema = Schema(vec![people()]);
        let text = serde_json::to_string(&schema).unwrap();
        assert_eq!(serde_json::from_str::<Schema>(&text).unwrap(), schema);
    }
}
