//! The whole linear memory of the instance, for a test to search.

use hawser_sdk::Result;
use hawser_sdk::files::Directory;
use std::io::Write as _;

/// Bytes handed over at once.
const CHUNK: usize = 1 << 20;

/// Writes it into a file of the directory.
pub(crate) fn write() -> Result<()> {
    let mut file = Directory::new("data").replace("memory.bin", None)?;
    for chunk in whole().chunks(CHUNK) {
        file.write_all(chunk)?;
    }
    file.commit()
}

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "to read all of its memory is what this guest is for")]
fn whole() -> &'static [u8] {
    const PAGE: usize = 1 << 16;
    let bytes = core::arch::wasm32::memory_size::<0>() * PAGE;
    // SAFETY: linear memory is mapped from its first byte to its last; the first one is left out because no slice begins
    // at null. What is written meanwhile is read torn, which does no harm here.
    unsafe { std::slice::from_raw_parts(std::ptr::without_provenance(1), bytes - 1) }
}

#[cfg(not(target_arch = "wasm32"))]
fn whole() -> &'static [u8] {
    &[]
}
