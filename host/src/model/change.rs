//! What an update asks for: per attribute one of replace, or add and remove.

use wasmtime::component::{ComponentType, Lift, Lower};

use super::value::Value;

/// Values to add and values to remove; what is in neither list stays.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Edit {
    pub add: Vec<Value>,
    pub remove: Vec<Value>,
}

/// The change of one attribute.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Change {
    /// These values and no others; an empty list clears the attribute.
    #[component(name = "replace")]
    Replace(Vec<Value>),
    #[component(name = "edit")]
    Edit(Edit),
}

/// A change and the attribute it is about; an update names each attribute at most once.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct AttributeChange {
    pub name: String,
    pub change: Change,
}
