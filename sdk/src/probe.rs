//! Probing: is the connection usable, and what could an option's value be?

use crate::bindings::host::model::Failure;
use crate::bindings::probe as wit;
use crate::connector::{Connector, open};
use crate::error::{Error, Result};
use crate::export::Exported;
use crate::model::Value;

pub use wit::{Aspect, Choice, Finding};

/// Answers an operator who sets up a connection.
pub trait Probe: Connector {
    /// Looks whether this aspect of the connection will work, and tells what it found.
    ///
    /// # Errors
    /// Only when it could not even look; what is wrong with the target is a [`Finding::problem`].
    fn check(&self, aspect: Aspect) -> Result<Vec<Finding>>;

    /// Offers values for an option, from what is configured so far.
    ///
    /// # Errors
    /// When the target could not be asked.
    fn suggest(&self, option: &str) -> Result<Vec<Choice>> {
        let _ = option;
        Ok(Vec::new())
    }
}

impl Finding {
    /// Something worth knowing, and fine.
    pub fn fine(text: impl Into<String>) -> Self {
        Self { text: text.into(), failure: None }
    }

    /// Something that will not work.
    pub fn problem(error: Error) -> Self {
        Self { text: error.message().to_owned(), failure: Some(error.into()) }
    }
}

impl Choice {
    /// A value to offer, and how to show it.
    pub fn new(value: impl Into<Value>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

impl<T: Probe> wit::Guest for Exported<T> {
    fn check(aspect: Aspect) -> Result<Vec<Finding>, Failure> {
        Ok(open::<T>()?.check(aspect)?)
    }

    fn suggest(option: String) -> Result<Vec<Choice>, Failure> {
        Ok(open::<T>()?.suggest(&option)?)
    }
}
