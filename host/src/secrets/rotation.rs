//! Rotating the vault's key while the host runs: everything is sealed anew under a new one, and the old one goes.
//!
//! | step | killed after it |
//! |---|---|
//! | the new key stands first in the key file, on the disk | all keys are there; the next start seals anew |
//! | whoever seals uses it | the same |
//! | rows are sealed anew, some at a time | some rows name the new key, some the old one; both are there |
//! | no row names the old key, on the disk | the old key opens nothing and lies about |
//! | the key file holds the new key alone | it is done |
//!
//! A ring with an older key is a rotation that did not end: the next one goes on with it and makes no new key. A ring from
//! the environment is its owner's: the host seals anew and says which keys may go.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use super::key::{self, KeyRing};
use super::seal::{self, Owner};
use super::{Vault, order, refused};
use crate::model::{Error, FailureKind, Result, TaskId};
use crate::store::{Sealed, SealedOrder, SealedRow, Store};

/// Rows sealed anew in one transaction, of each table: others write in between.
const AT_ONCE: u32 = 64;

/// How a rotation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The id of the key that everything is sealed under.
    pub key: String,
    /// How many values were sealed anew.
    pub sealed: u64,
    /// It went on with a key that was there, because an earlier rotation did not end.
    pub continued: bool,
    /// The ids of the keys that are gone.
    pub removed: Vec<String>,
    /// The ids of the keys that open nothing any more, and may be removed where they are kept.
    pub removable: Vec<String>,
}

impl Vault {
    /// Seals everything anew under a new key and removes the old one.
    ///
    /// # Errors
    /// `conflict` while another rotation runs; `configuration` if the ring comes from the environment and has no new
    /// key, or its file cannot be replaced; `unavailable` if the store cannot be written. What was done until then
    /// stays, everything opens, and the next rotation goes on from there.
    pub async fn rotate(&self, store: &Store) -> Result<Rotated> {
        let Ok(_turn) = self.keys.turn.try_lock() else {
            return Err(Error::failure(FailureKind::Conflict, "the vault's key is being rotated already"));
        };
        let continued = !self.ring().older().is_empty();
        let folder = self.keys.folder.as_deref();
        match folder {
            _ if continued => {}
            Some(folder) => self.replace_ring(folder, key::put_new_first).await?,
            None => return Err(no_new_key()),
        }
        let sealed = self.seal_anew(store).await?;
        // Before anybody is told that a key may go.
        store.settle().await?;
        let (key, older) = (self.ring().first().id().to_owned(), self.ring().older());
        let Some(folder) = folder else {
            return Ok(Rotated { key, sealed, continued: false, removed: Vec::new(), removable: older });
        };
        self.replace_ring(folder, key::keep_first).await?;
        Ok(Rotated { key, sealed, continued, removed: older, removable: Vec::new() })
    }

    /// Seals anew what an older key of the ring sealed; how much that was.
    pub(super) async fn seal_anew(&self, store: &Store) -> Result<u64> {
        let ring = self.ring();
        let mut count = 0;
        loop {
            let options = store.seal_anew(ring.first().id(), AT_ONCE, |row| anew(&ring, row)).await?;
            let orders = |task, number, sealed: &SealedOrder| order_anew(&ring, task, number, sealed);
            match options + store.seal_orders_anew(ring.first().id(), AT_ONCE, orders).await? {
                0 => return Ok(count),
                some => count += some,
            }
        }
    }

    async fn replace_ring(
        &self,
        folder: &Path,
        change: impl FnOnce(&Path, &[String]) -> Result<KeyRing> + Send + 'static,
    ) -> Result<()> {
        let (folder, known) = (folder.to_owned(), self.ring().ids());
        let replaced = tokio::task::spawn_blocking(move || change(&folder, &known)).await;
        let ring = replaced.map_err(|why| Error::internal(why.to_string()))??;
        *self.keys.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
        Ok(())
    }
}

fn anew(ring: &KeyRing, row: &SealedRow) -> Result<Sealed> {
    let SealedRow { layer, connection, option, entry, sealed } = row;
    let owner = Owner { connection: *connection, option, entry, layer: *layer };
    match ring.key(&sealed.key_id).and_then(|key| seal::reopen(key, &owner, sealed)) {
        Some((places, value)) => seal::seal(ring.first(), &owner, &places, &value),
        // It did not open under its own key either: somebody changed it, and it has to be entered again.
        None => Ok(Sealed { key_id: ring.first().id().to_owned(), ..sealed.clone() }),
    }
}

fn order_anew(ring: &KeyRing, task: TaskId, number: i64, sealed: &SealedOrder) -> Result<SealedOrder> {
    match ring.key(&sealed.key_id).and_then(|key| order::open(key, task, number, sealed)) {
        Some(text) => order::seal(ring.first(), task, number, text),
        // As above: whoever carries it out finds that it cannot be opened, and says so.
        None => Ok(SealedOrder { key_id: ring.first().id().to_owned(), ..sealed.clone() }),
    }
}

fn no_new_key() -> Error {
    refused(
        "the vault's key comes from HAWSER_VAULT_KEY, where the host cannot put another one: make one with `hawser \
         secrets new-key`, put its line before the one there, restart the host, and rotate again"
            .to_owned(),
    )
}
