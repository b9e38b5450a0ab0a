//! The allocator of guests: blocks of a few sizes, and a list of the free ones of each.
//!
//! A guest lives for a call or a listing, has one thread, and makes and drops texts of the same few sizes over and over:
//! a third of what reading a file costs is spent on that with the standard library's allocator, and with other general
//! ones, which join neighbours again. This one takes a block off a list and puts it back. What a size once needed stays
//! with it until the instance ends; larger blocks are the standard library's.
//!
//! The only unsafe code of the SDK. It rests on two things: there is one thread, and `dealloc` gets the layout that
//! `alloc` got, from which both find the same list.
#![allow(unsafe_code, reason = "an allocator hands out raw memory")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

/// Sizes are multiples of this, in bytes; so is every address.
const GRAIN: usize = 16;
/// The largest block of its own list, in bytes.
const LARGEST: usize = 512;
/// What is taken from the standard library at a time and cut into blocks, in bytes.
const SLAB_BYTES: usize = 16 << 10;

/// Blocks by size.
pub(crate) struct Bins {
    free: [Cell<*mut Free>; LARGEST / GRAIN],
    /// The rest of the newest slab.
    fresh: Cell<*mut u8>,
    left: Cell<usize>,
}

/// What stands in a free block.
struct Free {
    next: *mut Self,
}

// SAFETY: wasm32-wasip2 has no threads, so nothing is ever shared between two.
#[cfg(all(target_arch = "wasm32", not(target_feature = "atomics")))]
unsafe impl Sync for Bins {}

impl Bins {
    pub(crate) const fn new() -> Self {
        Self {
            free: [const { Cell::new(ptr::null_mut()) }; LARGEST / GRAIN],
            fresh: Cell::new(ptr::null_mut()),
            left: Cell::new(0),
        }
    }

    /// The list for blocks of a layout, and their size; none for what is too large or aligned too widely.
    #[inline]
    fn bin(&self, layout: Layout) -> Option<(&Cell<*mut Free>, usize)> {
        if layout.align() > GRAIN {
            return None;
        }
        let index = layout.size().saturating_sub(1) / GRAIN;
        Some((self.free.get(index)?, (index + 1) * GRAIN))
    }

    /// A block that nobody had before.
    #[cold]
    fn cut(&self, bytes: usize) -> *mut u8 {
        if self.left.get() < bytes {
            let Ok(slab) = Layout::from_size_align(SLAB_BYTES, GRAIN) else { return ptr::null_mut() };
            // SAFETY: the layout is not empty.
            let fresh = unsafe { System.alloc(slab) };
            if fresh.is_null() {
                return fresh;
            }
            self.fresh.set(fresh);
            self.left.set(SLAB_BYTES);
        }
        let block = self.fresh.get();
        // SAFETY: at least `bytes` of the slab are left, so this is within it or at its end.
        self.fresh.set(unsafe { block.add(bytes) });
        self.left.set(self.left.get() - bytes);
        block
    }
}

// SAFETY: a block is on a list, or handed out, or not cut yet, and never two of these: `alloc` takes it off, `dealloc`
// puts it back where its layout belongs. Blocks of a list are as large as the largest layout of that list, and as all
// sizes are multiples of GRAIN and slabs are aligned to it, so are they.
unsafe impl GlobalAlloc for Bins {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise for this very layout.
        let Some((list, bytes)) = self.bin(layout) else { return unsafe { System.alloc(layout) } };
        let first = list.get();
        if first.is_null() {
            return self.cut(bytes);
        }
        // SAFETY: what is on a list was put there by `dealloc`, which wrote a `Free` into it.
        list.set(unsafe { (*first).next });
        first.cast()
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `alloc` took it from there, as the layout is the same.
        let Some((list, _)) = self.bin(layout) else { return unsafe { System.dealloc(block, layout) } };
        let free = block.cast::<Free>();
        // SAFETY: the block is GRAIN bytes or more, aligned to GRAIN, and its owner just gave it up.
        unsafe { free.write(Free { next: list.get() }) };
        list.set(free);
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size is in bounds for the alignment.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        match (self.bin(layout), self.bin(wanted)) {
            // SAFETY: `alloc` took it from there.
            (None, None) => unsafe { System.realloc(block, layout, size) },
            (Some((_, had)), Some((_, bytes))) if had == bytes => block,
            // SAFETY: the new block is another one, and both are as large as what is copied.
            _ => unsafe {
                let moved = self.alloc(wanted);
                if !moved.is_null() {
                    ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                    self.dealloc(block, layout);
                }
                moved
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block as its owner knows it: filled with one byte from end to end.
    struct Held {
        block: *mut u8,
        layout: Layout,
        fill: u8,
    }

    impl Held {
        fn new(bins: &Bins, size: usize, align: usize, fill: u8) -> Self {
            let layout = Layout::from_size_align(size, align).unwrap();
            let block = unsafe { bins.alloc(layout) };
            assert!(!block.is_null() && block.addr().is_multiple_of(align), "{layout:?}");
            unsafe { block.write_bytes(fill, size) };
            Self { block, layout, fill }
        }

        fn is_whole(&self, bytes: usize) -> bool {
            let held = unsafe { std::slice::from_raw_parts(self.block, bytes) };
            held.iter().all(|byte| *byte == self.fill)
        }

        fn resized(self, bins: &Bins, size: usize) -> Self {
            let block = unsafe { bins.realloc(self.block, self.layout, size) };
            let kept = self.layout.size().min(size);
            let layout = Layout::from_size_align(size, self.layout.align()).unwrap();
            let held = Self { block, layout, fill: self.fill };
            assert!(held.is_whole(kept), "what was in the block moves with it");
            unsafe { block.write_bytes(held.fill, size) };
            held
        }

        fn dropped(self, bins: &Bins) {
            assert!(self.is_whole(self.layout.size()), "another block was written over this one");
            unsafe { bins.dealloc(self.block, self.layout) };
        }
    }

    #[test]
    fn blocks_never_overlap_however_they_come_and_go() {
        let bins = Bins::new();
        let mut held: Vec<Held> = Vec::new();
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        for round in 0..200_000_u64 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let size = 1 + usize::try_from(random >> 40).unwrap() % 700;
            let align = 1 << (random % 7);
            let at = usize::try_from(random >> 8).unwrap() % held.len().max(1);
            match random % 5 {
                0 | 1 if held.len() < 500 => {
                    held.push(Held::new(&bins, size, align, u8::try_from(round % 256).unwrap()))
                }
                2 if !held.is_empty() => {
                    let resized = held.swap_remove(at).resized(&bins, size);
                    held.push(resized);
                }
                _ if !held.is_empty() => held.swap_remove(at).dropped(&bins),
                _ => {}
            }
        }
        held.into_iter().for_each(|held| held.dropped(&bins));
    }

    #[test]
    fn a_block_that_was_dropped_is_the_next_of_its_size() {
        let bins = Bins::new();
        let layout = |size| Layout::from_size_align(size, 1).unwrap();
        let first = unsafe { bins.alloc(layout(20)) };
        unsafe { bins.dealloc(first, layout(20)) };
        assert_eq!(unsafe { bins.alloc(layout(32)) }, first);
        assert_ne!(unsafe { bins.alloc(layout(32)) }, first);
    }
}
