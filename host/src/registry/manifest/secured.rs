//! Secured options: what an operator enters once and a connector uses without reading it, unless it asks for *reveal*
//! and says why.

use serde::Deserialize;

use super::ManifestError;
use crate::model::{CredentialUse, Import, OptionName, SlotName};
use crate::registry::limits::{REVEALS_MAX, SECURED_OPTIONS_MAX};

use super::checks::{Checked, at_most, help, no_name_twice, title};
use super::document::Document;

/// The slots of passwords that arrive with a call.
const CALL_SLOTS: [&str; 3] = ["new-password", "old-password", "password"];

/// One secured option, as forms show it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecuredDeclaration {
    pub name: OptionName,
    pub kind: SecuredKind,
    pub label: String,
    /// May be empty.
    #[serde(default)]
    pub help: String,
    /// The heading a form shows it under.
    pub group: Option<String>,
    /// A call is refused while it is not set.
    #[serde(default)]
    pub required: bool,
    /// The one thing that may be done with it.
    #[serde(rename = "use")]
    pub usage: CredentialUse,
}

/// What a secured option holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecuredKind {
    /// One value.
    Field,
    /// Values under keys that the operator chooses.
    Map,
}

/// A secret whose bytes the connector asks to read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevealDeclaration {
    /// A secured option, a password of the call, or a confidential attribute.
    pub slot: SlotName,
    /// Why a handle does not do; shown to whoever approves it.
    pub reason: String,
}

impl SecuredKind {
    /// The spelling in manifests and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Map => "map",
        }
    }
}

pub(super) fn check(document: &Document) -> Checked<()> {
    secured(document)?;
    reveals(document)
}

fn secured(document: &Document) -> Checked<()> {
    at_most("secured-option", document.secured.len(), SECURED_OPTIONS_MAX)?;
    let regular = document.options.iter().map(|option| option.name.as_str());
    no_name_twice("secured-option", document.secured.iter().map(|option| option.name.as_str()).chain(regular))?;
    let needs = document.secured.first().filter(|_| !document.interfaces.imports.contains(&Import::Credentials));
    if let Some(option) = needs {
        let problem = format!("lacks \"credentials\", through which {:?} is used; add it", option.name.as_str());
        return Err(ManifestError::at("interfaces.imports", problem));
    }
    document.secured.iter().try_for_each(|option| {
        let key = |field: &str| format!("secured-option.{}.{field}", option.name);
        if CALL_SLOTS.contains(&option.name.as_str()) {
            return Err(ManifestError::at(key("name"), "is the slot of a password of the call; choose another name"));
        }
        title(key("label"), &option.label)?;
        help(key("help"), &option.help)?;
        option.group.iter().try_for_each(|group| title(key("group"), group))
    })
}

fn reveals(document: &Document) -> Checked<()> {
    at_most("reveal", document.reveals.len(), REVEALS_MAX)?;
    no_name_twice("reveal", document.reveals.iter().map(|reveal| reveal.slot.as_str()))?;
    document.reveals.iter().try_for_each(|reveal| title(format!("reveal.{}.reason", reveal.slot), &reveal.reason))?;
    match (document.interfaces.imports.contains(&Import::Reveal), document.reveals.is_empty()) {
        (true, true) => {
            let problem = "has \"reveal\", but there is no [[reveal]] that says of which slot and why; declare it";
            Err(ManifestError::at("interfaces.imports", problem))
        }
        (false, false) => {
            Err(ManifestError::at("reveal", "does nothing without \"reveal\"; add it to interfaces.imports"))
        }
        (true, false) if !document.interfaces.imports.contains(&Import::Credentials) => Err(ManifestError::at(
            "interfaces.imports",
            "has \"reveal\" without \"credentials\", whose handles it takes; add it",
        )),
        _ => Ok(()),
    }
}
