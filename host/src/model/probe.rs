//! What a connector says of a connection before it is used: is it usable, and what could an option's value be.

use serde::{Deserialize, Serialize};

use super::error::Error;
use super::value::Value;

/// What a connection is checked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aspect {
    /// Can the target be reached and does it let us in?
    Connect,
    /// Can everything be read?
    Complete,
    /// Can changes be read?
    Incremental,
    /// Can objects be written?
    Provision,
}

/// One thing a check found out.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub text: String,
    /// None: this is fine.
    pub error: Option<Error>,
}

/// A value an option could have.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    pub value: Value,
    /// For people.
    pub label: String,
}
