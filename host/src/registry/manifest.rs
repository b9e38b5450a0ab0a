//! `connector.toml`: what a vendor declares of a connector. Options, directories, classes and limits are read here and
//! nowhere else; forms, validation, documentation and the approval screen all come from this one declaration.
//!
//! Text goes in, and a [`Manifest`] whose every part is typed, bounded and consistent comes out, or the key that is
//! wrong and what would be right. An unknown key is an error, because a misspelt one would silently mean nothing.
//!
//! | file            | what it knows                                          |
//! |-----------------|--------------------------------------------------------|
//! | `document.rs`   | the TOML as written: keys, and identifiers parsed      |
//! | `checks.rs`     | from the document to the manifest: what must fit together |
//! | `class.rs`      | an object class, with its attributes where no schema tells them |
//! | `option.rs`     | an option and the values it takes                      |
//! | `secured.rs`    | a secured option, what may be done with it, and reveal |
//! | `destination.rs`| a network place: an address as a template over options |
//! | `web.rs`        | secrets written into requests: which, where, how        |
//! | `template.rs`   | texts with options in them                             |
//! | `table.rs`      | connection tables: which rows are in which             |
//! | `permissions.rs`| what an operator is asked to approve, in plain words   |
//! | `error.rs`      | the key to blame, and the remedy                       |

mod checks;
mod class;
mod destination;
mod document;
mod error;
mod option;
mod permissions;
#[cfg(any(test, fuzzing))]
mod print;
#[cfg(test)]
mod properties;
mod secured;
mod table;
mod template;
mod web;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;

use crate::model::{Access, ConnectorName, DirectoryName, Export, Import, OptionName, Schema};

pub use class::{AttributeDeclaration, ClassDeclaration};
pub use destination::DestinationDeclaration;
pub use error::ManifestError;
pub use option::{OptionDeclaration, OptionKind};
pub use permissions::Request;
#[cfg(any(test, fuzzing))]
pub(super) use print::print;
pub use secured::{RevealDeclaration, SecuredDeclaration, SecuredKind};
pub use table::{TableDeclaration, TableOf};
pub use web::{SendDeclaration, TokenDeclaration, Unfilled, fill_path, fill_placement};

/// What one release of a connector declares.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// `publisher/name`.
    pub connector: ConnectorName,
    pub version: semver::Version,
    /// The version of the contract it was written against.
    pub wit: WitVersion,
    pub title: String,
    pub summary: String,
    /// What it can do: at least one.
    pub exports: BTreeSet<Export>,
    /// What it may ask the host for.
    pub imports: BTreeSet<Import>,
    /// Object classes known before any target was asked; no name twice.
    pub classes: Vec<ClassDeclaration>,
    /// No name twice.
    pub options: Vec<OptionDeclaration>,
    pub constraints: Vec<Constraint>,
    /// No name twice.
    pub directories: Vec<DirectoryDeclaration>,
    /// No name twice, and none that an option has.
    pub secured: Vec<SecuredDeclaration>,
    /// No name twice, and none that a directory has.
    pub destinations: Vec<DestinationDeclaration>,
    /// No slot twice.
    pub reveals: Vec<RevealDeclaration>,
    /// In the order in which they take classes and relations; empty: [`TableDeclaration::usual`].
    pub tables: Vec<TableDeclaration>,
    pub limits: Limits,
}

/// A version of the contract in `wit/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum WitVersion {
    #[serde(rename = "0.1")]
    V0_1,
}

impl WitVersion {
    /// The version of the contract's package, as the names of its interfaces carry it.
    pub fn package_version(self) -> &'static str {
        match self {
            Self::V0_1 => "0.1.0",
        }
    }
}

/// What must hold between options; every name is one of the manifest's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// All of them or none.
    RequiredTogether(Vec<OptionName>),
    /// One of them, and only one.
    ExactlyOne(Vec<OptionName>),
    /// `option` makes sense only where `needs` is set.
    DependsOn { option: OptionName, needs: OptionName },
}

/// A directory the connector wants; which one it is, the operator says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryDeclaration {
    /// What the guest says to `files.open`.
    pub name: DirectoryName,
    pub label: String,
    #[serde(default)]
    pub help: String,
    /// The most it may get; the operator may configure less.
    pub access: Access,
    /// The secured options that are used on its files: another path asks for them again.
    #[serde(default)]
    pub credentials: Vec<OptionName>,
}

/// The limits a connector asks for, each under the host's ceiling; `None` leaves it to the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory of one instance, in bytes.
    pub memory_bytes: Option<u64>,
    /// The longest one call may take.
    pub call: Option<Duration>,
    /// The longest one page of a listing may take.
    pub page: Option<Duration>,
}

impl Manifest {
    /// Reads the text of a `connector.toml`.
    ///
    /// # Errors
    /// The first thing that is wrong, with the key to blame and what to write instead.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        checks::manifest(document::read(text)?)
    }

    /// The classes as a schema would tell them, where the connector tells none; their attributes are all declared here.
    pub fn declared_schema(&self) -> Option<Schema> {
        (!self.exports.contains(&Export::Schema) && !self.classes.is_empty()).then(|| class::schema(&self.classes))
    }

    /// The option of that name.
    pub fn option(&self, name: &OptionName) -> Option<&OptionDeclaration> {
        self.options.iter().find(|option| option.name == *name)
    }

    /// The secured option of that name.
    pub fn secured(&self, name: &OptionName) -> Option<&SecuredDeclaration> {
        self.secured.iter().find(|option| option.name == *name)
    }

    /// The directory of that name.
    pub fn directory(&self, name: &DirectoryName) -> Option<&DirectoryDeclaration> {
        self.directories.iter().find(|directory| directory.name == *name)
    }
}

#[cfg(test)]
mod tests;
