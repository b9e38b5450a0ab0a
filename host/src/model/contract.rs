//! The contract's interface `model` under the contract's own names, for the generated bindings to point at.
//!
//! The bindings' `with` maps `hawser:connector/model` to this module. The names are the contract's, so identifiers are
//! plain strings here: what a guest says becomes a typed id only where the host has looked at it.

pub use super::change::{AttributeChange, Change, Edit};
pub use super::failure::{Effect, Failure, FailureKind};
pub use super::filter::flat::{Comparison, Filter, FilterNode};
pub use super::object::{Attribute, Edge, Key, ObjectRef, Reference, Row};
pub use super::value::{Cell, Part, Scalar, Value};

/// Object class as the schema names it.
pub type ClassName = String;
/// The target's canonical identifier of an object.
pub type Uid = String;
