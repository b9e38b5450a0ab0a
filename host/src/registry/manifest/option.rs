//! An option of a connector and the values it takes. The same rule decides about the manifest's own default and about
//! what an operator enters, so that a default is never something an operator could not have chosen.

use std::fmt;

use serde::Deserialize;

use crate::model::text::cut;
use crate::model::{OptionName, Value};
use crate::registry::limits::{OPTION_VALUE_BYTES_MAX, VALUE_SHOWN_BYTES_MAX, VALUES_SHOWN_MAX};

/// One option, as forms show it and validation reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionDeclaration {
    pub name: OptionName,
    pub kind: OptionKind,
    pub label: String,
    /// May be empty.
    pub help: String,
    /// The heading a form shows it under.
    pub group: Option<String>,
    /// A connection without it is refused; never together with a default.
    pub required: bool,
    /// A list of values rather than one.
    pub multiple: bool,
    /// What it is where nothing is configured: empty (there is none), one value, or several where `multiple`.
    pub default: Vec<Value>,
    /// The only values it takes; empty for any of its kind.
    pub allowed: Vec<Value>,
    /// The least value, of the option's kind; integer and real only.
    pub min: Option<Value>,
    /// The greatest value, of the option's kind; integer and real only.
    pub max: Option<Value>,
}

/// What an option's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptionKind {
    Text,
    Integer,
    Real,
    Boolean,
}

impl OptionDeclaration {
    /// Whether it takes this value.
    ///
    /// # Errors
    /// A sentence that goes on from the option's name: what is wrong with the value, and what it could be.
    pub fn admit(&self, value: &Value) -> Result<(), String> {
        self.kind.admit(value)?;
        if !self.allowed.is_empty() && !self.allowed.contains(value) {
            let allowed: Vec<String> = self.allowed.iter().take(VALUES_SHOWN_MAX).map(shown).collect();
            return Err(format!("is {}; it can be {}", shown(value), allowed.join(", ")));
        }
        if let Some(min) = self.min.as_ref().filter(|min| less(value, min)) {
            return Err(format!("is {}; the least is {}", shown(value), shown(min)));
        }
        if let Some(max) = self.max.as_ref().filter(|max| less(max, value)) {
            return Err(format!("is {}; the most is {}", shown(value), shown(max)));
        }
        Ok(())
    }
}

impl OptionKind {
    /// Whether a value is of this kind, and fit to be an option at all.
    pub(super) fn admit(self, value: &Value) -> Result<(), String> {
        match (self, value) {
            (Self::Text, Value::Text(text)) if text.len() > OPTION_VALUE_BYTES_MAX => {
                Err(format!("has a value of {} bytes; at most {OPTION_VALUE_BYTES_MAX} are taken", text.len()))
            }
            (Self::Text, Value::Text(text)) if text.contains('\0') => Err("has a NUL character; remove it".to_owned()),
            (Self::Real, Value::Real(real)) if !real.is_finite() => Err("is not finite; it takes a number".to_owned()),
            (Self::Text, Value::Text(_))
            | (Self::Integer, Value::Integer(_))
            | (Self::Real, Value::Real(_))
            | (Self::Boolean, Value::Boolean(_)) => Ok(()),
            _ => Err(format!("is not {self}")),
        }
    }

    /// The value a manifest's TOML means for this kind; a whole number is a real one where one is asked for.
    pub(super) fn read(self, value: &toml::Value) -> Result<Value, String> {
        let read = match (self, value) {
            (Self::Text, toml::Value::String(text)) => Value::Text(text.clone()),
            (Self::Integer, toml::Value::Integer(integer)) => Value::Integer(*integer),
            (Self::Real, toml::Value::Float(real)) => Value::Real(*real),
            (Self::Real, toml::Value::Integer(integer)) => Value::Real(exact(*integer)?),
            (Self::Boolean, toml::Value::Boolean(boolean)) => Value::Boolean(*boolean),
            _ => {
                let value = value.to_string();
                return Err(format!("is {}; the option's kind asks for {self}", cut(&value, VALUE_SHOWN_BYTES_MAX)));
            }
        };
        self.admit(&read).map(|()| read)
    }

    pub(super) fn is_ordered(self) -> bool {
        matches!(self, Self::Integer | Self::Real)
    }
}

impl fmt::Display for OptionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a text",
            Self::Integer => "an integer",
            Self::Real => "a number",
            Self::Boolean => "true or false",
        })
    }
}

/// Whether one number is less than another of its kind; every value has been admitted to its kind before.
fn less(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Integer(one), Value::Integer(other)) => one < other,
        (Value::Real(one), Value::Real(other)) => one < other,
        _ => false,
    }
}

/// A whole number as a real one; those that might have no exact real are refused.
fn exact(integer: i64) -> Result<f64, String> {
    i32::try_from(integer).map(f64::from).map_err(|_| format!("is {integer}; write it as a real number, with a point"))
}

fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("{:?}", cut(text, VALUE_SHOWN_BYTES_MAX)),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) => real.to_string(),
        Value::Boolean(boolean) => boolean.to_string(),
        _ => "no option value".to_owned(),
    }
}
