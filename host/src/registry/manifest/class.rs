//! Object classes known before any target was asked; of a connector that tells no schema, with all their attributes.

use serde::Deserialize;

use super::checks::{Checked, at_most, no_name_twice, title};
use super::error::ManifestError;
use crate::model::{AttributeInfo, AttributeName, ClassInfo, ClassKind, ClassName, Export, Matching, Schema, Syntax};
use crate::registry::limits::{ATTRIBUTES_MAX, CLASSES_MAX};

/// An object class.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ClassDeclaration {
    pub name: ClassName,
    pub title: String,
    pub kind: ClassKind,
    /// How uids are compared.
    #[serde(default = "exact")]
    pub uid_matching: Matching,
    /// How names are compared.
    #[serde(default = "exact")]
    pub name_matching: Matching,
    /// For entitlements: classes whose objects can be granted this one.
    #[serde(default)]
    pub grantable_to: Vec<ClassName>,
    /// All of them, where the connector tells no schema; none, where it does.
    #[serde(default, rename = "attribute")]
    pub attributes: Vec<AttributeDeclaration>,
    /// For entitlements: what a grant takes.
    #[serde(default, rename = "parameter")]
    pub parameters: Vec<AttributeDeclaration>,
}

/// An attribute: text, optional, of one value, readable and writable, unless it says otherwise. The flags are those of a
/// schema.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[allow(clippy::struct_excessive_bools, reason = "the contract's flags, each with a meaning of its own")]
pub struct AttributeDeclaration {
    pub name: AttributeName,
    /// What people call it; its name, if left out.
    pub title: Option<String>,
    /// The target's own name; the same, if left out.
    pub native_name: Option<String>,
    #[serde(default = "plain_text")]
    pub syntax: Syntax,
    #[serde(default = "exact")]
    pub matching: Matching,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub multi_valued: bool,
    #[serde(default = "yes")]
    pub creatable: bool,
    #[serde(default = "yes")]
    pub updateable: bool,
    #[serde(default = "yes")]
    pub readable: bool,
    #[serde(default = "yes")]
    pub returned_by_default: bool,
    #[serde(default)]
    pub confidential: bool,
    #[serde(default)]
    pub large: bool,
    #[serde(default)]
    pub refers_to: Vec<ClassName>,
}

/// Classes as a schema would tell them; only of use where there is none.
pub(super) fn schema(classes: &[ClassDeclaration]) -> Schema {
    Schema(classes.iter().map(ClassDeclaration::info).collect())
}

pub(super) fn check(classes: &[ClassDeclaration], exports: &[Export]) -> Checked<()> {
    at_most("class", classes.len(), CLASSES_MAX)?;
    no_name_twice("class", classes.iter().map(|class| class.name.as_str()))?;
    let tells_schema = exports.contains(&Export::Schema);
    classes.iter().try_for_each(|class| class.check(classes, tells_schema))
}

impl ClassDeclaration {
    fn check(&self, all: &[Self], tells_schema: bool) -> Checked<()> {
        let key = format!("class.{}", self.name);
        title(format!("{key}.title"), &self.title)?;
        if tells_schema && !(self.attributes.is_empty() && self.parameters.is_empty()) {
            let problem =
                "has attributes, and the connector tells a schema, which has them already; remove one of both";
            return Err(ManifestError::at(key, problem));
        }
        declared(&key, &self.grantable_to, all)?;
        for (what, attributes) in [("attribute", &self.attributes), ("parameter", &self.parameters)] {
            let key = format!("{key}.{what}");
            at_most(&key, attributes.len(), ATTRIBUTES_MAX)?;
            no_name_twice(&key, attributes.iter().map(|attribute| attribute.name.as_str()))?;
            attributes.iter().try_for_each(|attribute| attribute.check(&key, all))?;
        }
        Ok(())
    }

    fn info(&self) -> ClassInfo {
        ClassInfo {
            name: self.name.to_string(),
            title: self.title.clone(),
            kind: self.kind,
            auxiliary: false,
            uid_matching: self.uid_matching,
            name_matching: self.name_matching,
            attributes: self.attributes.iter().map(AttributeDeclaration::info).collect(),
            grantable_to: self.grantable_to.iter().map(ClassName::to_string).collect(),
            parameters: self.parameters.iter().map(AttributeDeclaration::info).collect(),
        }
    }
}

impl AttributeDeclaration {
    fn check(&self, key: &str, all: &[ClassDeclaration]) -> Checked<()> {
        let key = format!("{key}.{}", self.name);
        for text in [&self.title, &self.native_name].into_iter().flatten() {
            title(&key, text)?;
        }
        declared(&key, &self.refers_to, all)?;
        if self.confidential && self.readable {
            let problem = "is confidential, and what is confidential is never read; say `readable = false`";
            return Err(ManifestError::at(key, problem));
        }
        Ok(())
    }

    fn info(&self) -> AttributeInfo {
        let name = self.name.to_string();
        AttributeInfo {
            native_name: self.native_name.clone().unwrap_or_else(|| name.clone()),
            title: self.title.clone().unwrap_or_else(|| name.clone()),
            name,
            syntax: self.syntax,
            matching: self.matching,
            required: self.required,
            multi_valued: self.multi_valued,
            creatable: self.creatable,
            updateable: self.updateable,
            readable: self.readable,
            returned_by_default: self.readable && self.returned_by_default,
            confidential: self.confidential,
            large: self.large,
            refers_to: self.refers_to.iter().map(ClassName::to_string).collect(),
            allowed: Vec::new(),
        }
    }
}

fn declared(key: &str, names: &[ClassName], all: &[ClassDeclaration]) -> Checked<()> {
    let unknown = names.iter().find(|name| !all.iter().any(|class| class.name == **name));
    unknown.map_or(Ok(()), |name| {
        Err(ManifestError::at(
            key,
            format!("names the class {name}, which is not declared; declare it or remove the name"),
        ))
    })
}

const fn exact() -> Matching {
    Matching::Exact
}

const fn plain_text() -> Syntax {
    Syntax::Text
}

const fn yes() -> bool {
    true
}
