//! Secrets as handles: a connector uses them and does not read them.
//!
//! Where a handle came from decides what the host does with it. A password of the call ([`Password`]) is hashed and
//! verified. A secured option ([`get`], [`get_key`]) has the one use that the manifest names, e.g. signing. What was
//! [sealed](seal) is kept for later calls; what a response was [asked for](crate::http::Request::capture) goes back to
//! where it came from. Any other use is refused as `credential-denied`, and one that nobody approved
//! as `not-permitted`.

use crate::backend::credentials as host;
use crate::bindings::host::credentials as wit;
use crate::error::Result;
use std::fmt;
use std::time::Duration;

pub use crate::bindings::host::credentials::{HashScheme, Signature};

/// A handle on a secret, good until the call ends.
pub struct Credential<'a>(Handle<'a>);

/// A password that arrived with the call.
pub type Password<'a> = Credential<'a>;

enum Handle<'a> {
    Borrowed(&'a wit::Credential),
    Owned(wit::Credential),
    #[cfg(not(target_arch = "wasm32"))]
    Native(host::Native),
}

/// A secured option of the connection, by its name in the manifest.
///
/// # Errors
/// `credential-denied` if the manifest has no such option, `not-permitted` if nobody approved its use, `configuration` if
/// an operator has yet to enter it.
pub fn get(slot: &str) -> Result<Credential<'static>> {
    Ok(host::get(slot)?.into())
}

/// The keys of a secured option that is a map.
///
/// # Errors
/// As [`get`].
pub fn keys(slot: &str) -> Result<Vec<String>> {
    Ok(host::keys(slot)?)
}

/// One value of a secured option that is a map.
///
/// # Errors
/// As [`get`].
pub fn get_key(slot: &str, key: &str) -> Result<Credential<'static>> {
    Ok(host::get_key(slot, key)?.into())
}

/// Hands bytes over to be handled as a secret from now on; wipe your own copy.
///
/// # Errors
/// `credential-denied` for no bytes, or more than 4 KiB.
pub fn seal(bytes: &[u8]) -> Result<Credential<'static>> {
    Ok(host::seal(bytes)?.into())
}

/// What this connection [kept](Credential::keep) or [captured](crate::http::Request::capture) under that name, if the host
/// still holds it.
pub fn captured(name: &str) -> Option<Credential<'static>> {
    host::captured(name).map(Into::into)
}

/// Calls the host, or what stands in for it in a native test.
macro_rules! on {
    ($handle:expr, $function:ident($($argument:expr),*)) => {
        match &$handle {
            Handle::Borrowed(credential) => wit::$function(credential $(, $argument)*),
            Handle::Owned(credential) => wit::$function(credential $(, $argument)*),
            #[cfg(not(target_arch = "wasm32"))]
            Handle::Native(secret) => host::$function(secret $(, $argument)*),
        }
    };
}

impl Credential<'static> {
    pub(crate) fn owned(credential: wit::Credential) -> Self {
        Self(Handle::Owned(credential))
    }
}

impl<'a> Credential<'a> {
    pub(crate) fn borrowed(credential: &'a wit::Credential) -> Self {
        Self(Handle::Borrowed(credential))
    }

    /// The handle as another interface of the host takes it.
    pub(crate) fn wit(&self) -> Result<&wit::Credential> {
        match &self.0 {
            Handle::Borrowed(credential) => Ok(credential),
            Handle::Owned(credential) => Ok(credential),
            #[cfg(not(target_arch = "wasm32"))]
            Handle::Native(_) => Err(crate::Error::unsupported("a native test has no directory to give it to")),
        }
    }

    /// The stand-in for a handle.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn native(&self) -> Option<&host::Native> {
        match &self.0 {
            Handle::Native(secret) => Some(secret),
            Handle::Borrowed(_) | Handle::Owned(_) => None,
        }
    }

    /// A salted argon2id hash in the PHC string format, for targets that store one; of passwords of the call.
    ///
    /// # Errors
    /// `credential-denied` for any other secret.
    pub fn hash(&self) -> Result<String> {
        self.hash_as(HashScheme::Argon2id)
    }

    /// The same in another scheme, for targets that do not know argon2id.
    ///
    /// # Errors
    /// As [`Self::hash`].
    pub fn hash_as(&self, scheme: HashScheme) -> Result<String> {
        Ok(on!(self.0, hash(scheme))?)
    }

    /// Is this the password the hash was made from? The host limits how often it answers.
    ///
    /// # Errors
    /// `credential-denied` for anything but a password of the call; `invalid-attribute-value` for what is no hash.
    pub fn verify(&self, hash: &str) -> Result<bool> {
        Ok(on!(self.0, verify(hash))?)
    }

    /// Signs a message with a secured option whose use is `sign`.
    ///
    /// # Errors
    /// `credential-denied` for any other secret, and for a key that is none for this algorithm.
    pub fn sign(&self, algorithm: Signature, message: &[u8]) -> Result<Vec<u8>> {
        Ok(on!(self.0, sign(algorithm, message))?)
    }

    /// Keeps what was sealed for later calls of this connection, where [`captured`] finds it; a day at most.
    ///
    /// # Errors
    /// `credential-denied` for what was not sealed.
    pub fn keep(&self, name: &str, time_to_live: Duration) -> Result<()> {
        let ttl_ms = u32::try_from(time_to_live.as_millis()).unwrap_or(u32::MAX);
        Ok(match &self.0 {
            Handle::Borrowed(credential) => wit::keep(name, credential, ttl_ms),
            Handle::Owned(credential) => wit::keep(name, credential, ttl_ms),
            #[cfg(not(target_arch = "wasm32"))]
            Handle::Native(secret) => host::keep(name, secret, ttl_ms),
        }?)
    }

    /// The bytes, for what no verb can do. The manifest has to ask for `reveal` with a reason, an operator has to approve
    /// it for the slot, and every use is audited.
    ///
    /// # Errors
    /// `not-permitted` unless it was approved; `credential-denied` for what was sealed.
    pub fn reveal(&self) -> Result<Vec<u8>> {
        use crate::bindings::host::reveal::reveal;
        Ok(match &self.0 {
            Handle::Borrowed(credential) => reveal(credential),
            Handle::Owned(credential) => reveal(credential),
            #[cfg(not(target_arch = "wasm32"))]
            Handle::Native(secret) => host::reveal(secret),
        }?)
    }
}

#[cfg(target_arch = "wasm32")]
impl From<wit::Credential> for Credential<'static> {
    fn from(credential: wit::Credential) -> Self {
        Self::owned(credential)
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl From<host::Native> for Credential<'static> {
    fn from(secret: host::Native) -> Self {
        Self(Handle::Native(secret))
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FailureKind;
    use crate::testing::{self, Host};

    #[test]
    fn each_secret_has_its_own_verbs_and_no_other() {
        let _host = Host::new().secured("key", "Jefe").enter();
        let (key, sealed, password) = (get("key").unwrap(), seal(b"token").unwrap(), testing::password("pass"));
        let denied = |result: Result<()>| assert_eq!(result.unwrap_err().kind(), FailureKind::CredentialDenied);
        denied(key.hash().map(drop));
        denied(key.verify("$argon2id$").map(drop));
        denied(sealed.hash().map(drop));
        denied(sealed.sign(Signature::HmacSha256, b"m").map(drop));
        denied(sealed.reveal().map(drop));
        denied(password.sign(Signature::HmacSha256, b"m").map(drop));
        denied(password.keep("x", Duration::from_secs(1)));
        denied(key.keep("x", Duration::from_secs(1)));
        denied(seal(b"").map(drop));
        assert_eq!(key.reveal().unwrap_err().kind(), FailureKind::NotPermitted);
    }

    #[test]
    fn a_secured_option_is_had_by_its_name_and_a_map_by_its_keys() {
        let _host = Host::new().secured("one", "1").secured_map("many", [("a", "1"), ("b", "2")]).enter();
        assert_eq!(keys("many").unwrap(), ["a", "b"]);
        get_key("many", "a").unwrap();
        assert_eq!(get_key("many", "c").unwrap_err().kind(), FailureKind::Configuration);
        for wrong in [get("many"), get("none"), get_key("one", "a")] {
            assert_eq!(wrong.unwrap_err().kind(), FailureKind::CredentialDenied);
        }
    }

    #[test]
    fn what_was_kept_is_there_for_the_next_call_and_revealed_only_what_may_be() {
        let _host = Host::new().secured("token", "tok-1").reveal("token").enter();
        assert!(captured("session").is_none());
        seal(b"s3ss1on").unwrap().keep("session", Duration::from_secs(60)).unwrap();
        assert_eq!(captured("session").unwrap().reveal().unwrap_err().kind(), FailureKind::CredentialDenied);
        assert_eq!(get("token").unwrap().reveal().unwrap(), b"tok-1");
    }
}
