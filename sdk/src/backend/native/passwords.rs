//! Password hashing of native tests, behind the feature `testing` so that it can never be part of a guest.

use crate::bindings::host::model::Failure;
use crate::error::Error;

pub(crate) fn hash(password: &str) -> Result<String, Failure> {
    refuse_empty(password)?;
    argon2id::hash(password)
}

pub(crate) fn verify(password: &str, hash: &str) -> Result<bool, Failure> {
    refuse_empty(password)?;
    argon2id::verify(password, hash)
}

fn refuse_empty(password: &str) -> Result<(), Failure> {
    if password.is_empty() {
        return Err(Error::invalid_password("an empty password is refused").into());
    }
    Ok(())
}

#[cfg(feature = "testing")]
mod argon2id {
    use super::{Error, Failure};
    use argon2::password_hash::phc::PasswordHash;
    use argon2::{Argon2, Params, PasswordHasher, PasswordVerifier};

    /// Cheap on purpose: tests check that the right thing is hashed, not that it is slow.
    fn cheap() -> Argon2<'static> {
        let params = Params::new(Params::MIN_M_COST, 1, 1, None).unwrap_or_default();
        Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
    }

    pub(super) fn hash(password: &str) -> Result<String, Failure> {
        let problem = |error| Error::invalid_password(format!("argon2: {error}"));
        let hash: PasswordHash = cheap().hash_password(password.as_bytes()).map_err(problem)?;
        Ok(hash.to_string())
    }

    pub(super) fn verify(password: &str, hash: &str) -> Result<bool, Failure> {
        let parsed = PasswordHash::new(hash)
            .map_err(|error| Error::invalid_attribute_value(format!("the stored hash is none: {error}")))?;
        Ok(cheap().verify_password(password.as_bytes(), &parsed).is_ok())
    }
}

#[cfg(not(feature = "testing"))]
mod argon2id {
    use super::{Error, Failure};

    pub(super) fn hash(_: &str) -> Result<String, Failure> {
        Err(missing())
    }

    pub(super) fn verify(_: &str, _: &str) -> Result<bool, Failure> {
        Err(missing())
    }

    fn missing() -> Failure {
        Error::unsupported("add hawser-sdk with the feature `testing` to [dev-dependencies] to hash natively").into()
    }
}
