//! Objects of a target: what refers to them, one row of them, one edge between two.

use wasmtime::component::{ComponentType, Lift, Lower};

use super::value::{Cell, Value};

/// What a reference points with. Many targets store names (an LDAP group's members are DNs); the host joins names to
/// uids from what it imported.
#[derive(Clone, Debug, PartialEq, Eq, Hash, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Key {
    #[component(name = "uid")]
    Uid(String),
    #[component(name = "name")]
    Name(String),
}

/// A pointer to an object, by uid or by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Reference {
    /// The object's class, if the target says it.
    pub class: Option<String>,
    /// What it points with.
    pub key: Key,
}

/// An object an operation is about. The name is a hint and may be stale.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct ObjectRef {
    pub class: String,
    pub uid: String,
    pub name: Option<String>,
}

/// One object of a listing: `cells[i]` answers the i-th attribute that was asked for.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Row {
    pub uid: String,
    pub name: String,
    /// For optimistic locking, where the target has it.
    pub revision: Option<String>,
    pub cells: Vec<Cell>,
}

/// A named list of values. An empty list is a statement: no values.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Attribute {
    pub name: String,
    pub values: Vec<Value>,
}

/// One value of a reference attribute, for relations too large for a cell (a group of 100,000).
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Edge {
    pub owner: Reference,
    pub attribute: String,
    pub target: Reference,
    pub parameters: Vec<Attribute>,
}

impl Reference {
    /// A reference by uid to an object of a known class.
    pub fn to(class: impl Into<String>, uid: impl Into<String>) -> Self {
        Self { class: Some(class.into()), key: Key::Uid(uid.into()) }
    }
}
