//! Sealing what a provisioning order says, for as long as it waits: AES-256-GCM-SIV (RFC 8452) under a random nonce, bound
//! to the task and the order's number in it, so that no row opens in another's place.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the form: 1 |
//! | 12 | the nonce |
//! | the rest | the sealed text with its tag |

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use zeroize::Zeroizing;

use super::key::Key;
use crate::model::{Error, Result, TaskId};
use crate::store::SealedOrder;

/// The form of what is sealed here.
const FORM: u8 = 1;
/// Keeps what is sealed here apart from secured options.
const PURPOSE: &[u8] = b"hawser order 1\0";

pub(super) fn seal(key: &Key, task: TaskId, number: i64, mut text: Zeroizing<Vec<u8>>) -> Result<SealedOrder> {
    // Sealed in place: growing would leave a copy of it behind.
    let mut sealed = Zeroizing::new(Vec::with_capacity(text.len() + aws_lc_rs::aead::MAX_TAG_LEN));
    sealed.append(&mut text);
    let nonce = key.sealing.seal_in_place_append_tag(Aad::from(belongs_to(task, number)), &mut *sealed);
    let nonce = nonce.map_err(|_| Error::internal("an order could not be sealed"))?;
    Ok(SealedOrder { key_id: key.id().to_owned(), bytes: [&[FORM][..], nonce.as_ref(), &sealed].concat() })
}

pub(super) fn open(key: &Key, task: TaskId, number: i64, sealed: &SealedOrder) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = sealed.bytes.strip_prefix(&[FORM])?.split_first_chunk::<NONCE_LEN>()?;
    let mut text = Zeroizing::new(rest.to_vec());
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let length = key.sealing.open_in_place(nonce, Aad::from(belongs_to(task, number)), &mut text).ok()?.len();
    text.truncate(length);
    Some(text)
}

fn belongs_to(task: TaskId, number: i64) -> Vec<u8> {
    [PURPOSE, task.to_string().as_bytes(), b"\0", &number.to_be_bytes()].concat()
}
