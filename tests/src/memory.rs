//! Guest memories that are looked into: each is searched as a whole when its instance ends, for what must never have been
//! in there.
//!
//! The one place of the tests with `unsafe`: wasmtime takes memories of somebody else's making only as raw mappings. A
//! mapping is made for its memory alone, reserved with its guard behind it, grows in place, and is unmapped when the
//! memory is dropped.
#![allow(unsafe_code, reason = "wasmtime's contract for memories of one's own; see above")]

use std::ffi::c_void;
use std::ptr::null_mut;
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use wasmtime::{LinearMemory, MemoryCreator, MemoryType};

/// What an allocator writes over of what is freed: the links of its lists, in bytes.
const LOST_BYTES: usize = 16;
/// What has to be left of a secret.
const FOUND_BYTES_MIN: usize = 6;

/// Memories, and what was found in them.
#[derive(Default)]
pub struct Watched {
    /// What to look for, by a name.
    secrets: Vec<(&'static str, Vec<u8>)>,
    seen: Arc<Mutex<Seen>>,
}

/// What the memories of all instances that ended held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub memories: usize,
    pub bytes: usize,
    /// Names of secrets that were found.
    pub found: Vec<&'static str>,
}

impl Watched {
    /// Looks for these, in UTF-8 and UTF-16 of both byte orders, and without their first bytes: where memory was freed,
    /// the guest's allocator has written over those.
    pub fn new(secrets: &[(&'static str, &str)]) -> Self {
        let forms = |(name, text): &(&'static str, &str)| {
            let wide = |bytes: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(bytes).collect();
            let name = *name;
            [text.as_bytes().to_vec(), wide(u16::to_le_bytes), wide(u16::to_be_bytes)].map(|form: Vec<u8>| {
                assert!(form.len() >= LOST_BYTES + FOUND_BYTES_MIN, "{name} is too short to be told from other text");
                (name, form[LOST_BYTES..].to_vec())
            })
        };
        Self { secrets: secrets.iter().flat_map(forms).collect(), seen: Arc::default() }
    }

    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

// SAFETY: every memory is a mapping of its own, page aligned, zeroed by the kernel, with the guard it was asked for.
unsafe impl MemoryCreator for Watched {
    fn new_memory(
        &self,
        _: MemoryType,
        minimum: usize,
        maximum: Option<usize>,
        reserved: Option<usize>,
        guard: usize,
    ) -> Result<Box<dyn LinearMemory>, String> {
        let capacity = reserved.or(maximum).ok_or("a memory without a maximum is not reserved here")?;
        let whole = capacity.checked_add(guard).ok_or("the reservation is too large")?;
        // SAFETY: a fresh mapping at an address of the kernel's choice touches nobody else's.
        let base =
            unsafe { mmap_anonymous(null_mut(), whole, ProtFlags::empty(), MapFlags::PRIVATE | MapFlags::NORESERVE) };
        let base = base.map_err(|why| why.to_string())?;
        let (secrets, seen) = (self.secrets.clone(), Arc::clone(&self.seen));
        let mut memory = Memory { base, whole, capacity, size: 0, secrets, seen };
        memory.grow_to(minimum).map_err(|why| why.to_string())?;
        Ok(Box::new(memory))
    }
}

struct Memory {
    base: *mut c_void,
    whole: usize,
    capacity: usize,
    size: usize,
    secrets: Vec<(&'static str, Vec<u8>)>,
    seen: Arc<Mutex<Seen>>,
}

// SAFETY: the mapping belongs to this value alone, and wasmtime sees to who uses it when.
unsafe impl Send for Memory {}
// SAFETY: as above; nothing here changes through a shared reference.
unsafe impl Sync for Memory {}

// SAFETY: the mapping is reserved as a whole and grows in place, so that its base never moves.
unsafe impl LinearMemory for Memory {
    fn byte_size(&self) -> usize {
        self.size
    }

    fn byte_capacity(&self) -> usize {
        self.capacity
    }

    fn grow_to(&mut self, size: usize) -> wasmtime::Result<()> {
        if size > self.capacity {
            return Err(wasmtime::format_err!("{size} bytes of {} that were reserved", self.capacity));
        }
        // SAFETY: the range is within the mapping of this memory.
        unsafe { mprotect(self.base, size, MprotectFlags::READ | MprotectFlags::WRITE)? };
        self.size = size;
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.base.cast()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: so much of the mapping is readable, and its instance, which wrote to it, is gone.
        let bytes = unsafe { slice::from_raw_parts(self.base.cast::<u8>(), self.size) };
        let patterns = self.secrets.iter().map(|(_, form)| form);
        let search = aho_corasick::AhoCorasick::new(patterns).expect("a few patterns can be searched for");
        let found = search.find_iter(bytes).map(|hit| self.secrets[hit.pattern().as_usize()].0);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.found.extend(found);
        seen.memories += 1;
        seen.bytes += self.size;
        // SAFETY: the mapping is this memory's, and nobody has it any more.
        let unmapped = unsafe { munmap(self.base, self.whole) };
        debug_assert!(unmapped.is_ok());
    }
}
