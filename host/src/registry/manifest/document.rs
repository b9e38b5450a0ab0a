//! The manifest as it is written: TOML to structs, one field a key, unknown keys refused. Whatever one key alone can
//! tell is settled here by its type; what takes two keys is settled in `checks.rs`.

use serde::Deserialize;

use super::error::ManifestError;
use super::option::OptionKind;
use super::{
    ClassDeclaration, DestinationDeclaration, DirectoryDeclaration, RevealDeclaration, SecuredDeclaration,
    TableDeclaration, WitVersion,
};
use crate::model::{Export, Import, OptionName};
use crate::registry::limits::MANIFEST_BYTES_MAX;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub publisher: String,
    pub name: String,
    pub version: semver::Version,
    pub wit: WitVersion,
    pub title: String,
    pub summary: String,
    pub interfaces: InterfacesTable,
    #[serde(default, rename = "class")]
    pub classes: Vec<ClassDeclaration>,
    #[serde(default, rename = "option")]
    pub options: Vec<OptionTable>,
    #[serde(default, rename = "constraint")]
    pub constraints: Vec<ConstraintTable>,
    #[serde(default, rename = "directory")]
    pub directories: Vec<DirectoryDeclaration>,
    #[serde(default, rename = "secured-option")]
    pub secured: Vec<SecuredDeclaration>,
    #[serde(default, rename = "destination")]
    pub destinations: Vec<DestinationDeclaration>,
    #[serde(default, rename = "reveal")]
    pub reveals: Vec<RevealDeclaration>,
    #[serde(default, rename = "table")]
    pub tables: Vec<TableDeclaration>,
    #[serde(default)]
    pub limits: LimitsTable,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InterfacesTable {
    pub exports: Vec<Export>,
    #[serde(default)]
    pub imports: Vec<Import>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OptionTable {
    pub name: OptionName,
    pub kind: OptionKind,
    pub label: String,
    #[serde(default)]
    pub help: String,
    pub group: Option<String>,
    pub default: Option<toml::Value>,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub multiple: bool,
    #[serde(default)]
    pub allowed: Vec<toml::Value>,
    pub min: Option<toml::Value>,
    pub max: Option<toml::Value>,
}

/// One `[[constraint]]`: exactly one of the keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct ConstraintTable {
    pub required_together: Option<Vec<OptionName>>,
    pub exactly_one: Option<Vec<OptionName>>,
    pub depends_on: Option<DependsOnTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DependsOnTable {
    pub option: OptionName,
    pub needs: OptionName,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct LimitsTable {
    pub memory_mib: Option<u32>,
    pub call_ms: Option<u32>,
    pub page_ms: Option<u32>,
}

pub(super) fn read(text: &str) -> Result<Document, ManifestError> {
    if text.len() > MANIFEST_BYTES_MAX {
        return Err(ManifestError::Form(format!("it has {} bytes; at most {MANIFEST_BYTES_MAX} are read", text.len())));
    }
    toml::from_str(text).map_err(|error| ManifestError::form(text, &error))
}
