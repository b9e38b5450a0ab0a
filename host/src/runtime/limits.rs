//! Every number that bounds a guest, with its unit, in one place.
//!
//! [`RuntimeLimits`] and [`CallLimits`] are what an operator or a manifest may set; the constants are the host's own.

use std::time::Duration;

pub(super) const KIB: usize = 1024;
pub(super) const MIB: usize = 1024 * KIB;

/// Largest component the host reads, in bytes: a Python interpreter and its library fit.
pub const COMPONENT_BYTES_MAX: usize = 64 * MIB;
/// Largest checkpoint, feed token or page marker, in bytes.
pub const CHECKPOINT_BYTES_MAX: usize = 64 * KIB;
/// Rows or edges a page may be asked for.
pub const PAGE_ROWS_MAX: u32 = 4096;

/// Largest value of a cell, in bytes: a photo fits.
pub(super) const CELL_BYTES_MAX: usize = 4 * MIB;
/// Longest uid, name or reference of a row, in bytes.
pub(super) const NAME_CELL_BYTES_MAX: usize = 4 * KIB;

/// Classes of a schema.
pub(super) const CLASSES_MAX: usize = 1_000;
/// Attributes of a class.
pub(super) const ATTRIBUTES_MAX: usize = 5_000;
/// Findings of a check.
pub(super) const FINDINGS_MAX: usize = 1_000;
/// Values offered for an option.
pub(super) const CHOICES_MAX: usize = 1_000;
/// Values, failures and issued secrets in the answer to a write.
pub(super) const PARTS_MAX: usize = 5_000;
/// Longest title in a schema, in bytes; the rest is cut.
pub(super) const TITLE_BYTES_MAX: usize = 512;

/// How often a guest is interrupted to look at its deadline and to let others run.
pub(super) const EPOCH_TICK: Duration = Duration::from_millis(1);
/// Ticks without a guest that computes, before the thread that counts them rests.
pub(super) const EPOCH_IDLE_TICKS: u32 = 10;
/// Resolution of the clocks a guest sees.
pub(super) const GUEST_CLOCK_RESOLUTION: Duration = Duration::from_millis(1);

/// Stack of a guest's calls, in bytes.
pub(super) const WASM_STACK_BYTES: usize = MIB;
/// The whole stack of a call, host functions included, in bytes.
pub(super) const CALL_STACK_BYTES: usize = 2 * MIB;

/// Bytes a slot of the pool keeps mapped between calls; times the slots, this is what an idle host retains.
pub(super) const MEMORY_RESIDENT_BYTES: usize = MIB;
pub(super) const TABLE_RESIDENT_BYTES: usize = 64 * KIB;
pub(super) const STACK_RESIDENT_BYTES: usize = 64 * KIB;

/// Core instances of one component: Rust needs five, Python some thirty.
pub(super) const CORE_INSTANCES_PER_COMPONENT: u32 = 64;
/// Core instances on average, for the size of the pool.
pub(super) const CORE_INSTANCES_ON_AVERAGE: u32 = 16;
pub(super) const MEMORIES_PER_COMPONENT: u32 = 2;
pub(super) const TABLES_PER_COMPONENT: u32 = 8;
pub(super) const TABLE_ELEMENTS_MAX: usize = 64 * 1024;

/// Handles a guest may hold at once, of its own resources and of the host's.
pub(super) const HANDLES_MAX: usize = 1_000;
/// Bytes a guest may hand to the host in one call, where pages of rows are answered.
pub(super) const PAGE_TRANSFER_BYTES_MAX: usize = 32 * MIB;
/// Bytes a guest may hand to the host in any other call.
pub(super) const CALL_TRANSFER_BYTES_MAX: usize = 8 * MIB;
/// Bytes of random a guest may ask for at once.
pub(super) const RANDOM_BYTES_MAX: u64 = MIB as u64;
/// Pages in a row that bring nothing before a listing counts as endless.
pub(super) const EMPTY_PAGES_MAX: u32 = 1_000;

/// Log lines of one call or page.
pub(super) const LOG_LINES_MAX: u32 = 200;
/// Longest message or field of the log, in bytes; the rest is cut.
pub(super) const LOG_TEXT_BYTES_MAX: usize = 2 * KIB;
/// Fields of one log line.
pub(super) const LOG_FIELDS_MAX: usize = 16;
/// Longest word of a guest in an error message, in bytes.
pub(super) const QUOTE_BYTES_MAX: usize = 300;

/// What a connection may keep in the cache for one release, keys included, in bytes.
pub(super) const CACHE_BYTES_MAX: usize = 64 * KIB;
/// Entries of one cache.
pub(super) const CACHE_ENTRIES_MAX: usize = 256;
/// Connections whose caches and permits are remembered; those idle longest are forgotten first.
pub(super) const CONNECTIONS_REMEMBERED: usize = 10_000;

/// Passwords a connection may verify in a burst, and how many come back each second.
pub(super) const VERIFY_BURST: f64 = 20.0;
pub(super) const VERIFY_PER_SECOND: f64 = 5.0;

/// Hashes made or verified in one call.
pub(super) const HASHES_PER_CALL_MAX: u32 = 16;
/// Signatures made in one call.
pub(super) const SIGNATURES_PER_CALL_MAX: u32 = 64;
/// Secrets sealed in one call.
pub(super) const SEALS_PER_CALL_MAX: u32 = 256;
/// Hashes computed at the same time, of all connections.
pub(super) const HASHES_AT_ONCE: usize = 4;

/// Sealed secrets a connection keeps between calls; what expires first makes room.
pub(super) const KEPT_MAX: usize = 32;
/// Longest name of one, in bytes.
pub(super) const KEPT_NAME_BYTES_MAX: usize = 128;
/// The longest one is kept.
pub(super) const KEPT_MAX_AGE: Duration = Duration::from_hours(24);

/// Secrets shorter than this, in bytes, occur in other text by chance and are not searched for.
pub(super) const LEAK_SECRET_BYTES_MIN: usize = 8;
/// Lines of a secret shorter than this, in bytes, are not searched for by themselves.
pub(super) const LEAK_LINE_BYTES_MIN: usize = 16;
/// Secrets a connection captured or fetched that are searched for.
pub(super) const LEAK_MET_MAX: usize = 32;
/// Short texts are searched together, up to this many bytes.
pub(super) const LEAK_GATHERED_BYTES: usize = 16 << 10;
/// Of a longer secret or line, so much of its beginning is searched for, in bytes.
pub(super) const LEAK_PATTERN_BYTES_MAX: usize = 1024;

/// Files a call may have open at once.
pub(super) const OPEN_FILES_MAX: u32 = 16;
/// Largest file that can be read or written, in bytes.
pub const FILE_BYTES_MAX: u64 = 1024 * MIB as u64;
/// Largest chunk of a file read at once, in bytes.
pub const FILE_CHUNK_BYTES_MAX: u32 = 1024 * 1024;
/// Files listed of one directory.
pub const FILES_LISTED_MAX: usize = 10_000;
/// Longest plain name of a file, in bytes.
pub const FILE_NAME_BYTES_MAX: usize = 255;

/// Bounds of the runtime as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeLimits {
    /// Guest instances alive at once, open listings included.
    pub instances: u32,
    /// Of these, how many one connection may have.
    pub instances_per_connection: u32,
    /// How many of a connection's calls may compute at the same moment.
    pub computing_per_connection: u32,
    /// The most a call may get, whatever its manifest asks for.
    pub ceiling: CallLimits,
}

impl Default for RuntimeLimits {
    fn default() -> Self {
        let ceiling =
            CallLimits { memory_bytes: 256 * MIB, call: Duration::from_mins(5), page: Duration::from_mins(10) };
        Self { instances: 256, instances_per_connection: 64, computing_per_connection: 1, ceiling }
    }
}

/// Bounds of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLimits {
    /// Memory of the guest, in bytes.
    pub memory_bytes: usize,
    /// From the beginning of a call to its end.
    pub call: Duration,
    /// The same for one page of a listing.
    pub page: Duration,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self { memory_bytes: 64 * MIB, call: Duration::from_secs(30), page: Duration::from_mins(1) }
    }
}

impl CallLimits {
    /// These, but nothing above the ceiling.
    #[must_use]
    pub fn capped(self, ceiling: &Self) -> Self {
        Self {
            memory_bytes: self.memory_bytes.min(ceiling.memory_bytes),
            call: self.call.min(ceiling.call),
            page: self.page.min(ceiling.page),
        }
    }
}
