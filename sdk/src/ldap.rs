//! LDAP through the host: sessions that it connects, protects, logs in and pools. The connector sees neither a socket nor a
//! password.
//!
//! In a native test there is no directory: [`Session::open`] answers `unsupported`. What a connector makes of entries is
//! tested natively; the rest against a server, through a host.

use crate::bindings::host::ldap as wit;
use crate::credentials::Credential;
use crate::error::Result;

mod found;

pub use crate::bindings::host::ldap::{Control, Deref, Intermediate, Operation, Protection, Scope, SearchRequest};
pub use found::{Entry, Found, RawAttribute};

/// Some of what a search found.
#[derive(Debug, Default)]
pub struct Entries {
    /// The entries, in the server's order.
    pub entries: Found,
    /// What was said between them.
    pub intermediates: Vec<Intermediate>,
    /// Where the server refers to.
    pub referrals: Vec<String>,
    /// Whether the search has ended.
    pub done: bool,
    /// The controls of its end.
    pub controls: Vec<Control>,
}

/// Who logs in to a session.
#[derive(Clone, Copy, Debug)]
pub enum Login<'a> {
    /// Nobody.
    Anonymous,
    /// A name and a secured option of use `bind` (RFC 4513, 5.1.3).
    Simple {
        /// The distinguished name, or whatever else the server takes for one.
        dn: &'a str,
        /// The handle on its password.
        password: &'a Credential<'a>,
    },
    /// Whoever the client certificate of the destination says.
    External,
}

/// A value to be written.
#[derive(Clone, Debug)]
pub enum NewValue<'a> {
    /// As it is.
    Bytes(Vec<u8>),
    /// A password, which the host writes; only to a password attribute.
    Secret(&'a Credential<'a>),
}

impl From<Vec<u8>> for NewValue<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&str> for NewValue<'_> {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }
}

/// An attribute of an entry to be added.
#[derive(Clone, Debug)]
pub struct NewAttribute<'a> {
    /// Its name, with options.
    pub name: String,
    /// At least one.
    pub values: Vec<NewValue<'a>>,
}

/// One change of an entry.
#[derive(Clone, Debug)]
pub struct Modification<'a> {
    /// What to do with the values.
    pub operation: Operation,
    /// The attribute.
    pub name: String,
    /// None to delete or replace the attribute as a whole.
    pub values: Vec<NewValue<'a>>,
}

/// A session with a directory. Operations while a [`Search`] goes on take another connection of the host's pool.
pub struct Session(wit::Session);

impl Session {
    /// Opens a session to a destination of the manifest.
    ///
    /// # Errors
    /// `not-permitted` and `egress-denied` saying what would allow it; `connection-failed` if the server is not to be
    /// reached, or does not take the login.
    pub fn open(destination: &str, protection: Protection, login: Login<'_>) -> Result<Self> {
        if cfg!(not(target_arch = "wasm32")) {
            return Err(crate::Error::unsupported("a native test has no directory; test this through a host"));
        }
        let login = match login {
            Login::Anonymous => wit::Login::Anonymous,
            Login::External => wit::Login::External,
            Login::Simple { dn, password } => {
                wit::Login::Simple(wit::SimpleLogin { dn: dn.to_owned(), password: password.wit()? })
            }
        };
        Ok(Self(wit::Session::open(destination, protection, &login)?))
    }

    /// Begins a search.
    ///
    /// # Errors
    /// `invalid-attribute-value` for what is no filter; what the directory answers shows in [`Search::next`].
    pub fn search(&self, request: &SearchRequest) -> Result<Search> {
        Ok(Search(self.0.search(request)?))
    }

    /// Everything a search finds; for searches that find little.
    ///
    /// # Errors
    /// As [`Self::search`] and [`Search::next`].
    pub fn find(&self, request: &SearchRequest) -> Result<Vec<Entry>> {
        let search = self.search(request)?;
        let mut found = Vec::new();
        loop {
            let page = search.next(PAGE)?;
            found.extend(page.entries);
            if page.done {
                return Ok(found);
            }
        }
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// What the directory answers.
    pub fn add(&self, dn: &str, attributes: &[NewAttribute<'_>], controls: &[Control]) -> Result<Vec<Control>> {
        let attributes = attributes.iter().map(|attribute| {
            Ok(wit::NewAttribute { name: attribute.name.clone(), values: values(&attribute.values)? })
        });
        Ok(self.0.add(dn, &attributes.collect::<Result<Vec<_>>>()?, controls)?)
    }

    /// Changes an entry: all of the modifications, in their order, or none.
    ///
    /// # Errors
    /// What the directory answers.
    pub fn modify(&self, dn: &str, changes: &[Modification<'_>], controls: &[Control]) -> Result<Vec<Control>> {
        let changes = changes.iter().map(|change| {
            let (operation, name) = (change.operation, change.name.clone());
            Ok(wit::Modification { operation, name, values: values(&change.values)? })
        });
        Ok(self.0.modify(dn, &changes.collect::<Result<Vec<_>>>()?, controls)?)
    }

    /// Deletes an entry.
    ///
    /// # Errors
    /// What the directory answers.
    pub fn delete(&self, dn: &str, controls: &[Control]) -> Result<Vec<Control>> {
        Ok(self.0.delete(dn, controls)?)
    }

    /// Renames an entry, and moves it where there is a new superior.
    ///
    /// # Errors
    /// What the directory answers.
    pub fn rename(
        &self,
        dn: &str,
        new_rdn: &str,
        delete_old: bool,
        new_superior: Option<&str>,
        controls: &[Control],
    ) -> Result<Vec<Control>> {
        Ok(self.0.rename(dn, new_rdn, delete_old, new_superior, controls)?)
    }

    /// An extended operation on the host's list.
    ///
    /// # Errors
    /// `unsupported` for any other; what the directory answers.
    pub fn extended(&self, oid: &str, value: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
        Ok(self.0.extended(oid, value)?)
    }

    /// Sets a password by the operation made for it (RFC 3062): as an administrator without the old one; with it as the
    /// owner, for whom the host logs in.
    ///
    /// # Errors
    /// What the directory answers.
    pub fn set_password(&self, dn: &str, old: Option<&Credential<'_>>, new: &Credential<'_>) -> Result<()> {
        let old = old.map(Credential::wit).transpose()?;
        Ok(self.0.set_password(dn, old, new.wit()?)?)
    }

    /// Is this the password of that entry? The host binds with it, on a connection of its own.
    ///
    /// # Errors
    /// `invalid-credential`, `password-expired`, `account-locked`, `account-disabled`; `rate-limited`.
    pub fn verify(&self, dn: &str, password: &Credential<'_>) -> Result<()> {
        Ok(self.0.verify(dn, password.wit()?)?)
    }
}

/// Entries taken at once where a search finds little.
const PAGE: u32 = 500;

/// A search in progress; dropping it ends it.
pub struct Search(wit::Search);

impl Search {
    /// The next entries, at most so many; only `done` ends the search.
    ///
    /// # Errors
    /// What the directory answers.
    pub fn next(&self, max: u32) -> Result<Entries> {
        let wit::Entries { names, layout, bytes, entry_controls, intermediates, referrals, done, controls } =
            self.0.next(max)?;
        let entries = Found::new(names, layout, bytes, entry_controls);
        Ok(Entries { entries, intermediates, referrals, done, controls })
    }
}

fn values<'a>(values: &'a [NewValue<'_>]) -> Result<Vec<wit::NewValue<'a>>> {
    values
        .iter()
        .map(|value| match value {
            NewValue::Bytes(bytes) => Ok(wit::NewValue::Bytes(bytes.clone())),
            NewValue::Secret(secret) => Ok(wit::NewValue::Secret(secret.wit()?)),
        })
        .collect()
}
