//! What is wrong with a manifest, told to the vendor who wrote it: the key to blame, the fault, the remedy.

/// A manifest that cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// No TOML, an unknown key, a missing one, or a value of the wrong form; the message shows the line.
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
        Self::Key { key: key.into(), problem: problem.into() }
    }
}
