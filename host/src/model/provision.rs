//! Creating, changing and deleting objects: what is asked of a connector and what it says it did.

use std::fmt;

use super::change::AttributeChange;
use super::error::Error;
use super::id::{ClassName, Uid};
use super::object::{Attribute, ObjectRef};
use super::secret::Secret;

/// A secret and the attribute it belongs to.
#[derive(Clone)]
pub struct SecretAttribute {
    pub name: String,
    pub secret: Secret,
}

impl fmt::Debug for SecretAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretAttribute").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An object to create; its uid is the target's to choose.
#[derive(Clone, Debug)]
pub struct NewObject {
    pub class: ClassName,
    pub auxiliary: Vec<ClassName>,
    pub name: String,
    pub container: Option<Uid>,
    pub attributes: Vec<Attribute>,
    pub secrets: Vec<SecretAttribute>,
}

/// An object to change: one change per attribute; renaming and moving are part of it.
#[derive(Clone, Debug)]
pub struct Update {
    pub object: ObjectRef,
    pub new_name: Option<String>,
    pub new_container: Option<Uid>,
    pub changes: Vec<AttributeChange>,
    pub secrets: Vec<SecretAttribute>,
    /// Only if the object still has this revision.
    pub revision: Option<String>,
}

/// A part of a write that failed although the rest was done.
#[derive(Clone, Debug, PartialEq)]
pub struct PartFailure {
    pub attribute: String,
    pub error: Error,
}

/// The object as it is after a write.
#[derive(Clone, Debug)]
pub struct Written {
    pub uid: Uid,
    pub name: String,
    pub revision: Option<String>,
    /// Side effects the connector knows of.
    pub values: Vec<Attribute>,
    pub failed: Vec<PartFailure>,
    /// Secrets the target generated.
    pub issued: Vec<SecretAttribute>,
}

/// How far a write got.
#[derive(Clone, Debug)]
pub enum Outcome {
    Done(Written),
    /// The target answers later: ask again with this handle.
    Pending(String),
}
