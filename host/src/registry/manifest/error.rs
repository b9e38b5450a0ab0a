//! What is wrong with a manifest, told to the vendor who wrote it: the key to blame, the fault, the remedy. Operators
//! read it too, so it is one line of bounded length, without what acts on a terminal.

use crate::model::text::shown;
use crate::registry::limits::{FAULT_BYTES_MAX, VALUE_SHOWN_BYTES_MAX};

/// A manifest that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// No TOML, an unknown key, a missing one, or a value of the wrong form; the message names the line.
    #[error("connector.toml: {0}")]
    Form(String),
    /// Well-formed, but one key does not fit.
    #[error("connector.toml: `{key}` {problem}")]
    Key {
        /// The path of the key, e.g. `option.encoding.default`.
        key: String,
        /// What is wrong with it and what to do.
        problem: String,
    },
}

impl ManifestError {
    pub(super) fn at(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Key { key: key.into(), problem: shown(&problem.into(), FAULT_BYTES_MAX) }
    }

    /// What the reader of TOML says of a text.
    pub(super) fn form(text: &str, error: &toml::de::Error) -> Self {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let passed = before.matches('\n').count();
        let line = shown(text.lines().nth(passed).unwrap_or_default().trim(), VALUE_SHOWN_BYTES_MAX);
        let fault = shown(&error.message().replace('\n', ", "), FAULT_BYTES_MAX);
        Self::Form(format!("line {} (`{line}`): {fault}", passed + 1))
    }
}
