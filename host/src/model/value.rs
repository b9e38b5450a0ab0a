//! Values as connectors and the host exchange them: scalars, complex values, and the cells of a row.
//!
//! A cell is the answer to one attribute of a listing. Its single-valued cases spare a list for every value, which is
//! what makes a page of rows cheap to hand over (measured: twice the rows a second of lists of named lists).

use wasmtime::component::{ComponentType, Lift, Lower};

use super::object::Reference;

/// A value without inner structure.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Scalar {
    #[component(name = "text")]
    Text(String),
    #[component(name = "integer")]
    Integer(i64),
    #[component(name = "real")]
    Real(f64),
    #[component(name = "boolean")]
    Boolean(bool),
    /// Microseconds since 1970-01-01T00:00:00Z.
    #[component(name = "instant")]
    Instant(i64),
    /// Days since 1970-01-01.
    #[component(name = "date")]
    Date(i32),
}

/// One part of a complex value, e.g. `type` of a SCIM e-mail address.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Part {
    /// Name of the part, unique within its value.
    pub name: String,
    /// What it holds.
    pub value: Scalar,
}

/// One value of an attribute.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Value {
    #[component(name = "text")]
    Text(String),
    #[component(name = "integer")]
    Integer(i64),
    #[component(name = "real")]
    Real(f64),
    #[component(name = "boolean")]
    Boolean(bool),
    #[component(name = "binary")]
    Binary(Vec<u8>),
    /// Microseconds since 1970-01-01T00:00:00Z.
    #[component(name = "instant")]
    Instant(i64),
    /// Days since 1970-01-01.
    #[component(name = "date")]
    Date(i32),
    #[component(name = "reference")]
    Reference(Reference),
    #[component(name = "complex")]
    Complex(Vec<Part>),
}

/// One attribute of one row. *Absent*, *unread*, *partial* and an empty list are different things: confusing them
/// wipes people.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Cell {
    /// Known to have no value.
    #[component(name = "absent")]
    Absent,
    /// Not read: says nothing about the value.
    #[component(name = "unread")]
    Unread,
    #[component(name = "text")]
    Text(String),
    #[component(name = "integer")]
    Integer(i64),
    #[component(name = "real")]
    Real(f64),
    #[component(name = "boolean")]
    Boolean(bool),
    #[component(name = "binary")]
    Binary(Vec<u8>),
    /// Microseconds since 1970-01-01T00:00:00Z.
    #[component(name = "instant")]
    Instant(i64),
    /// Days since 1970-01-01.
    #[component(name = "date")]
    Date(i32),
    #[component(name = "reference")]
    Reference(Reference),
    #[component(name = "complex")]
    Complex(Vec<Part>),
    /// All values.
    #[component(name = "many")]
    Many(Vec<Value>),
    /// Some of the values; the rest comes as edges.
    #[component(name = "partial")]
    Partial(Vec<Value>),
}

impl Cell {
    /// The values that were read; none for `absent` and `unread`.
    pub fn into_values(self) -> Vec<Value> {
        match self {
            Self::Absent | Self::Unread => Vec::new(),
            Self::Text(v) => vec![Value::Text(v)],
            Self::Integer(v) => vec![Value::Integer(v)],
            Self::Real(v) => vec![Value::Real(v)],
            Self::Boolean(v) => vec![Value::Boolean(v)],
            Self::Binary(v) => vec![Value::Binary(v)],
            Self::Instant(v) => vec![Value::Instant(v)],
            Self::Date(v) => vec![Value::Date(v)],
            Self::Reference(v) => vec![Value::Reference(v)],
            Self::Complex(v) => vec![Value::Complex(v)],
            Self::Many(values) | Self::Partial(values) => values,
        }
    }
}

impl From<Scalar> for Value {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Text(v) => Self::Text(v),
            Scalar::Integer(v) => Self::Integer(v),
            Scalar::Real(v) => Self::Real(v),
            Scalar::Boolean(v) => Self::Boolean(v),
            Scalar::Instant(v) => Self::Instant(v),
            Scalar::Date(v) => Self::Date(v),
        }
    }
}
