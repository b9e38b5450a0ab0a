//! Passwords: setting, changing, checking them, always as handles.

use crate::bindings::host::credentials::Credential;
use crate::bindings::host::model::Failure;
use crate::bindings::passwords as wit;
use crate::connector::{Connector, open};
use crate::credentials::Password;
use crate::error::Result;
use crate::export::Exported;
use crate::model::ObjectRef;

/// Places and checks passwords without reading them.
pub trait Passwords: Connector {
    /// Sets an account's password.
    ///
    /// # Errors
    /// [`Error::invalid_password`](crate::Error::invalid_password) if the target refuses it.
    fn set_password(&self, account: &ObjectRef, new: &Password<'_>, must_change: bool) -> Result<()>;

    /// Changes a password for somebody who knows the old one.
    ///
    /// # Errors
    /// [`Error::invalid_credential`](crate::Error::invalid_credential) if the old one is wrong.
    fn change_password(&self, account: &ObjectRef, old: &Password<'_>, new: &Password<'_>) -> Result<()>;

    /// Checks a name and a password and answers the uid.
    ///
    /// # Errors
    /// [`Error::invalid_credential`](crate::Error::invalid_credential), the same for an unknown name and a wrong
    /// password.
    fn authenticate(&self, class: &str, name: &str, password: &Password<'_>) -> Result<String>;
}

impl<T: Passwords> wit::Guest for Exported<T> {
    fn set_password(account: ObjectRef, new: &Credential, must_change: bool) -> Result<(), Failure> {
        Ok(open::<T>()?.set_password(&account, &Password::borrowed(new), must_change)?)
    }

    fn change_password(account: ObjectRef, old: &Credential, new: &Credential) -> Result<(), Failure> {
        Ok(open::<T>()?.change_password(&account, &Password::borrowed(old), &Password::borrowed(new))?)
    }

    fn authenticate(class: String, name: String, password: &Credential) -> Result<String, Failure> {
        Ok(open::<T>()?.authenticate(&class, &name, &Password::borrowed(password))?)
    }
}
