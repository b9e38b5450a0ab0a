//! The vault: secured options are sealed before the store sees them, and open for the connection, the option and the
//! places they were entered for, and for nothing else. What is kept outside is read where its references point.
//!
//! | file          | what it knows                                                         |
//! |---------------|-----------------------------------------------------------------------|
//! | `key.rs`      | the key ring: where it comes from, who may read it, how it is replaced |
//! | `seal.rs`     | sealing, opening, and the fingerprint that people are shown           |
//! | `rotation.rs` | sealing everything anew under a new key, killed at any moment         |
//! | `outside.rs`  | where references may point, and reading there                         |
//! | `order.rs`    | sealing and opening provisioning orders that wait                     |
//!
//! Invariant: no key and no opened value can be printed or serialised, and none reaches the store or the log.

mod key;
mod order;
mod outside;
mod rotation;
mod seal;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::config::SecretsConfig;
use crate::model::{Error, FailureKind, Layer, Result, Secret, SecretReference, TaskId, Unread};
use crate::store::{Sealed, SealedOrder, Store};
use key::{KEY_FILE, KeyRing};
use outside::Outside;

pub use outside::read_own;
pub use rotation::Rotated;
pub use seal::{Owner, Places};

/// Seals and opens secured options. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    keys: Arc<Keys>,
    outside: Arc<Outside>,
}

struct Keys {
    ring: RwLock<Arc<KeyRing>>,
    /// Where its file is; none if it was given from outside.
    folder: Option<PathBuf>,
    /// Held by who rotates.
    turn: Mutex<()>,
}

impl Vault {
    /// The vault over a store: with the keys given from outside, else with those of [`KEY_FILE`] in `folder`, which is
    /// made on the first start. What an older key of the ring sealed is sealed anew under the first. It reads no
    /// references until it is told where it may.
    ///
    /// # Errors
    /// `configuration` if others can read the key file, if it is damaged, or if the store holds what none of the keys
    /// sealed: nothing is overwritten then, and the message says which key is missing.
    pub async fn open(folder: &Path, outside: Option<Secret>, store: &Store) -> Result<Self> {
        let sealed_by = store.sealing_keys().await?;
        let (found, folder_of_ring) = ring(folder, outside)?;
        let ring = match found {
            Some(ring) => ring,
            None if sealed_by.is_empty() => key::make(folder)?,
            None => return Err(missing(folder, &sealed_by)),
        };
        let unknown: Vec<&String> = sealed_by.iter().filter(|id| ring.key(id).is_none()).collect();
        if !unknown.is_empty() {
            return Err(missing(folder, unknown));
        }
        let ring = RwLock::new(Arc::new(ring));
        let keys = Keys { ring, folder: folder_of_ring, turn: Mutex::default() };
        let vault = Self { keys: Arc::new(keys), outside: Arc::default() };
        vault.seal_anew(store).await?;
        Ok(vault)
    }

    /// The same, with references read where `config` allows, never in the host's own directory.
    ///
    /// # Errors
    /// `configuration` if it allows a directory that holds the host's own.
    pub fn reading(self, config: SecretsConfig, data_dir: &Path) -> Result<Self> {
        Ok(Self { outside: Arc::new(Outside::new(config, data_dir)?), ..self })
    }

    /// Removes from a store what these keys sealed, which are lost, so that a host without them starts; how much.
    ///
    /// # Errors
    /// As [`Self::open`], but for a key that is missing; `conflict` if one of the keys is there, or sealed nothing.
    pub async fn forget_lost(
        folder: &Path,
        outside: Option<Secret>,
        store: &Store,
        keys: &BTreeSet<String>,
    ) -> Result<u64> {
        let there = ring(folder, outside)?.0.map(|ring| ring.ids()).unwrap_or_default();
        let sealing = store.sealing_keys().await?;
        for key in keys {
            let wrong = match (there.contains(key), sealing.contains(key)) {
                (false, true) => continue,
                (true, _) => "is not lost: it is in the ring",
                (false, false) => "sealed nothing here",
            };
            return Err(Error::failure(FailureKind::Conflict, format!("the key {key} {wrong}; nothing was forgotten")));
        }
        store.forget_sealed(keys).await
    }

    /// Seals a value for its owner and the places it goes to. To be called in the transaction that writes it: a
    /// rotation takes a key away once no transaction can write what it sealed.
    ///
    /// # Errors
    /// `internal` if the cryptography fails, which it does not.
    pub fn seal(&self, owner: &Owner<'_>, places: &Places, value: &Secret) -> Result<Sealed> {
        seal::seal(self.ring().first(), owner, places, value)
    }

    /// Opens a value, if it was sealed for exactly this owner and these places.
    pub fn open_sealed(&self, owner: &Owner<'_>, places: &Places, sealed: &Sealed) -> Option<Secret> {
        seal::open(self.ring().key(&sealed.key_id)?, owner, places, sealed)
    }

    /// Opens a reference, if it was sealed for exactly this owner and these places.
    pub fn open_reference(&self, owner: &Owner<'_>, places: &Places, sealed: &Sealed) -> Option<SecretReference> {
        reference(&self.open_sealed(&Owner { layer: Layer::Reference, ..*owner }, places, sealed)?)
    }

    /// Seals what an order of a task says.
    ///
    /// # Errors
    /// `internal` if the cryptography fails, which it does not.
    pub fn seal_order(&self, task: TaskId, number: i64, text: Zeroizing<Vec<u8>>) -> Result<SealedOrder> {
        order::seal(self.ring().first(), task, number, text)
    }

    /// Opens what was sealed for exactly this order of this task.
    pub fn open_order(&self, task: TaskId, number: i64, sealed: &SealedOrder) -> Option<Zeroizing<Vec<u8>>> {
        order::open(self.ring().key(&sealed.key_id)?, task, number, sealed)
    }

    /// A reference, to be shown, wherever it may be used.
    pub fn show_reference(&self, owner: &Owner<'_>, sealed: &Sealed) -> Option<SecretReference> {
        let owner = Owner { layer: Layer::Reference, ..*owner };
        let (_, text) = seal::reopen(self.ring().key(&sealed.key_id)?, &owner, sealed)?;
        reference(&text)
    }

    /// A keyed MAC of a value, to be shown: that of the same value where it is sealed for that owner.
    pub fn fingerprint(&self, owner: &Owner<'_>, value: &Secret) -> String {
        seal::fingerprint(self.ring().first(), owner, value)
    }

    /// Does the host's configuration let a reference point there?
    pub fn allows(&self, reference: &SecretReference) -> bool {
        self.outside.allows(reference)
    }

    /// Reads what references point at, in their order.
    pub async fn read(&self, references: Vec<SecretReference>) -> Result<Vec<Result<Secret, Unread>>> {
        let outside = Arc::clone(&self.outside);
        let read = move || references.iter().map(|reference| outside.read(reference)).collect();
        tokio::task::spawn_blocking(read).await.map_err(|why| Error::internal(why.to_string()))
    }

    fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys.ring.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A line with a new key, for the ring of a host whose keys are kept elsewhere.
pub fn new_key() -> Zeroizing<String> {
    key::fresh()
}

/// The ring from outside, or that of a folder if it has one, and the folder.
fn ring(folder: &Path, outside: Option<Secret>) -> Result<(Option<KeyRing>, Option<PathBuf>)> {
    let Some(given) = outside else { return Ok((key::read(folder)?, Some(folder.to_owned()))) };
    let ring = KeyRing::parse(given.expose()).map_err(|why| refused(format!("HAWSER_VAULT_KEY: {why}")))?;
    Ok((Some(ring), None))
}

fn reference(text: &Secret) -> Option<SecretReference> {
    String::from_utf8(text.expose().to_vec()).ok()?.try_into().ok()
}

fn missing<'a>(folder: &Path, keys: impl IntoIterator<Item = &'a String>) -> Error {
    let keys: Vec<&str> = keys.into_iter().map(String::as_str).collect();
    refused(format!(
        "secured options are sealed under the key {}, which is neither in {} nor in HAWSER_VAULT_KEY; put the key back \
         from your backup, or if it is lost, give up what it sealed: `hawser secrets forget-lost --data-dir {} --key {}`",
        keys.join(", "),
        folder.join(KEY_FILE).display(),
        folder.display(),
        keys.join(" --key ")
    ))
}

fn refused(message: String) -> Error {
    Error::failure(FailureKind::Configuration, message)
}

#[cfg(test)]
mod tests;
