//! Passwords as handles: a connector places them and never reads them.

#[cfg(not(target_arch = "wasm32"))]
use crate::backend;
use crate::bindings::host::credentials as wit;
use crate::bindings::host::credentials::Credential;
use crate::error::Result;
use std::fmt;

/// A password that arrived with the call.
pub struct Password<'a>(Handle<'a>);

enum Handle<'a> {
    Borrowed(&'a Credential),
    Owned(Credential),
    #[cfg(not(target_arch = "wasm32"))]
    Testing(String),
}

impl Password<'static> {
    pub(crate) fn owned(credential: Credential) -> Self {
        Self(Handle::Owned(credential))
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn testing(text: String) -> Self {
        Self(Handle::Testing(text))
    }
}

impl<'a> Password<'a> {
    pub(crate) fn borrowed(credential: &'a Credential) -> Self {
        Self(Handle::Borrowed(credential))
    }

    /// A salted argon2id hash in the PHC string format, for targets that store one.
    ///
    /// # Errors
    /// An empty password is refused.
    pub fn hash(&self) -> Result<String> {
        Ok(match &self.0 {
            Handle::Borrowed(credential) => wit::hash(credential, wit::HashScheme::Argon2id),
            Handle::Owned(credential) => wit::hash(credential, wit::HashScheme::Argon2id),
            #[cfg(not(target_arch = "wasm32"))]
            Handle::Testing(text) => backend::hash(text),
        }?)
    }

    /// Is this the password the hash was made from? The host limits how often it answers.
    ///
    /// # Errors
    /// An empty password is refused, and so is something that is no hash.
    pub fn verify(&self, hash: &str) -> Result<bool> {
        Ok(match &self.0 {
            Handle::Borrowed(credential) => wit::verify(credential, hash),
            Handle::Owned(credential) => wit::verify(credential, hash),
            #[cfg(not(target_arch = "wasm32"))]
            Handle::Testing(text) => backend::verify(text, hash),
        }?)
    }
}

impl fmt::Debug for Password<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}
