//! How much memory what a server said takes, in bytes: more than on the wire, where nothing costs two bytes. Rather too much
//! than too little, since a server chooses what it says, and this is what ends a page.

use super::message::{Control, Intermediate};

/// What an allocator keeps for itself of each block.
const BLOCK: usize = 16;
/// A text or bytes, besides what is in them.
const TEXT: usize = size_of::<String>() + BLOCK;

/// A name of an attribute: as a text, and in the table of those met, which has as many free places as taken ones.
pub(super) const fn name(name: &[u8]) -> usize {
    2 * (name.len() + 2 * TEXT)
}

pub(super) fn control(control: &Control) -> usize {
    size_of::<(u32, Control)>() + 2 * BLOCK + control.oid.len() + control.value.as_ref().map_or(0, Vec::len)
}

pub(super) fn intermediate(said: &Intermediate) -> usize {
    let text = said.oid.as_ref().map_or(0, String::len) + said.value.as_ref().map_or(0, Vec::len);
    size_of::<Intermediate>() + 3 * BLOCK + text + said.controls.iter().map(control).sum::<usize>()
}

pub(super) fn referrals(to: &[String]) -> usize {
    to.iter().map(|to| TEXT + to.len()).sum()
}
