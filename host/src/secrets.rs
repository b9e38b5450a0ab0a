//! The vault: secured options are sealed before the store sees them, and open for the connection, the option and the
//! places they were entered for, and for nothing else.
//!
//! | file      | what it knows                                                        |
//! |-----------|----------------------------------------------------------------------|
//! | `key.rs`  | the key ring: where it comes from, who may read it, how it is rotated |
//! | `order.rs` | sealing and opening provisioning orders that wait                    |
//! | `seal.rs` | sealing, opening, and the fingerprint that people are shown           |
//!
//! Invariant: no key and no opened value can be printed or serialised, and none reaches the store or the log.

mod key;
mod order;
mod seal;

use std::path::Path;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::model::{Error, FailureKind, Result, Secret, TaskId};
use crate::store::{Sealed, SealedOrder, Store};
use key::{KEY_FILE, KeyRing};

pub use seal::{Owner, Places};

/// Seals and opens secured options. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<KeyRing>);

impl Vault {
    /// The vault over a store: with the keys given from outside, else with those of [`KEY_FILE`] in `folder`, which is
    /// made on the first start. What an older key of the ring sealed is sealed anew under the first.
    ///
    /// # Errors
    /// `configuration` if others can read the key file, if it is damaged, or if the store holds what none of the keys
    /// sealed: nothing is overwritten then, and the message says which key is missing.
    pub async fn open(folder: &Path, outside: Option<Secret>, store: &Store) -> Result<Self> {
        let sealed_by = store.sealing_keys().await?;
        let from_outside = |given: Secret| KeyRing::parse(given.expose());
        let found = match outside.map(from_outside) {
            Some(given) => Some(given.map_err(|why| refused(format!("HAWSER_VAULT_KEY: {why}")))?),
            None => key::read(folder)?,
        };
        let ring = match found {
            Some(ring) => ring,
            None if sealed_by.is_empty() => key::make(folder)?,
            None => return Err(missing(folder, &sealed_by)),
        };
        let unknown: Vec<String> = sealed_by.into_iter().filter(|id| !ring.knows(id)).collect();
        if !unknown.is_empty() {
            return Err(missing(folder, &unknown));
        }
        let vault = Self(Arc::new(ring));
        vault.rotate(store).await?;
        Ok(vault)
    }

    /// Seals a value for its owner and the places it goes to.
    ///
    /// # Errors
    /// `internal` if the cryptography fails, which it does not.
    pub fn seal(&self, owner: &Owner<'_>, places: &Places, value: &Secret) -> Result<Sealed> {
        seal::seal(self.0.first(), owner, places, value)
    }

    /// Opens a value, if it was sealed for exactly this owner and these places.
    pub fn open_sealed(&self, owner: &Owner<'_>, places: &Places, sealed: &Sealed) -> Option<Secret> {
        seal::open(self.0.key(&sealed.key_id)?, owner, places, sealed)
    }

    /// Seals what an order of a task says.
    ///
    /// # Errors
    /// `internal` if the cryptography fails, which it does not.
    pub fn seal_order(&self, task: TaskId, number: i64, text: Zeroizing<Vec<u8>>) -> Result<SealedOrder> {
        order::seal(self.0.first(), task, number, text)
    }

    /// Opens what was sealed for exactly this order of this task.
    pub fn open_order(&self, task: TaskId, number: i64, sealed: &SealedOrder) -> Option<Zeroizing<Vec<u8>>> {
        order::open(self.0.key(&sealed.key_id)?, task, number, sealed)
    }

    async fn rotate(&self, store: &Store) -> Result<()> {
        let first = self.0.first();
        for (connection, mut row) in store.sealed_by_others(first.id()).await? {
            let owner = Owner { connection, option: &row.name, entry: &row.entry };
            let opened = self.0.key(&row.sealed.key_id).and_then(|key| seal::reopen(key, &owner, &row.sealed));
            row.sealed = match opened {
                Some((places, value)) => self.seal(&owner, &places, &value)?,
                // It did not open under its own key either: somebody changed it, and it has to be entered again.
                None => Sealed { key_id: first.id().to_owned(), ..row.sealed },
            };
            store.seal_anew(connection, &row).await?;
        }
        Ok(())
    }
}

fn missing<'a>(folder: &Path, keys: impl IntoIterator<Item = &'a String>) -> Error {
    let keys: Vec<&str> = keys.into_iter().map(String::as_str).collect();
    refused(format!(
        "secured options are sealed under the key {}, which is neither in {} nor in HAWSER_VAULT_KEY; put the key back \
         from your backup",
        keys.join(", "),
        folder.join(KEY_FILE).display()
    ))
}

fn refused(message: String) -> Error {
    Error::failure(FailureKind::Configuration, message)
}

#[cfg(test)]
mod tests;
