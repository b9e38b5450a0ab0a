//! The words of the contract: values, cells, rows, references, changes, filters. The types are the contract's own;
//! what is added here is the convenience of making and reading them.

pub use crate::bindings::host::model::{
    Attribute, AttributeChange, Cell, Change, Comparison, Edge, Edit, Filter, FilterNode, Key, ObjectRef, Part,
    Reference, Row, Scalar, Value,
};

impl Attribute {
    /// An attribute with its values.
    pub fn new<V: Into<Value>>(name: impl Into<String>, values: impl IntoIterator<Item = V>) -> Self {
        Self { name: name.into(), values: values.into_iter().map(Into::into).collect() }
    }
}

impl Reference {
    /// Points at an object of a class by its uid.
    pub fn uid(class: impl Into<String>, uid: impl Into<String>) -> Self {
        Self { class: Some(class.into()), key: Key::Uid(uid.into()) }
    }

    /// Points at an object of a class by its name; the host joins it to the uid.
    pub fn name(class: impl Into<String>, name: impl Into<String>) -> Self {
        Self { class: Some(class.into()), key: Key::Name(name.into()) }
    }
}

impl ObjectRef {
    /// An object of a class by its uid.
    pub fn new(class: impl Into<String>, uid: impl Into<String>) -> Self {
        Self { class: class.into(), uid: uid.into(), name: None }
    }
}

impl AttributeChange {
    /// Replaces all values; none clears the attribute.
    pub fn replace<V: Into<Value>>(name: impl Into<String>, values: impl IntoIterator<Item = V>) -> Self {
        Self { name: name.into(), change: Change::Replace(values.into_iter().map(Into::into).collect()) }
    }

    /// Adds and removes single values.
    pub fn edit<V: Into<Value>>(
        name: impl Into<String>,
        add: impl IntoIterator<Item = V>,
        remove: impl IntoIterator<Item = V>,
    ) -> Self {
        let add = add.into_iter().map(Into::into).collect();
        let remove = remove.into_iter().map(Into::into).collect();
        Self { name: name.into(), change: Change::Edit(Edit { add, remove }) }
    }
}

impl Filter {
    /// Objects whose attribute has this value; `@uid` and `@name` are the identifiers.
    pub fn equals(attribute: impl Into<String>, value: impl Into<Value>) -> Self {
        let comparison = Comparison { attribute: attribute.into(), value: value.into() };
        Self { nodes: vec![FilterNode::Equals(comparison)], root: 0 }
    }
}

impl Value {
    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($from:ty => $case:ident;)+) => { $(
        impl From<$from> for Value {
            fn from(value: $from) -> Self { Self::$case(value.into()) }
        }
        impl From<$from> for Cell {
            fn from(value: $from) -> Self { Self::$case(value.into()) }
        }
    )+ };
}

from! {
    String => Text;
    &str => Text;
    i64 => Integer;
    i32 => Integer;
    f64 => Real;
    bool => Boolean;
    Reference => Reference;
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}

/// `None` is a value known to be absent. What was not read is [`Cell::Unread`].
impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

/// Values read to the end; an empty list is a list without members, not an absent attribute.
impl<T: Into<Value>> From<Vec<T>> for Cell {
    fn from(values: Vec<T>) -> Self {
        Self::Many(values.into_iter().map(Into::into).collect())
    }
}
