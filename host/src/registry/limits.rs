//! Every bound of a release and its manifest, with its unit. They come from a vendor: a manifest is read before anything
//! is trusted, so its size, its counts and its texts are bounded before they reach a screen or the store.

use std::time::Duration;

/// The longest `connector.toml`, in bytes.
pub const MANIFEST_BYTES_MAX: usize = 256 * 1024;
/// The longest title, label or group, in bytes.
pub const TITLE_BYTES_MAX: usize = 200;
/// The longest summary or help text, in bytes.
pub const HELP_BYTES_MAX: usize = 4096;
/// The longest default or allowed value of an option, in bytes.
pub const OPTION_VALUE_BYTES_MAX: usize = 64 * 1024;
/// The most values in an option's default or in its list of allowed values.
pub const OPTION_VALUES_MAX: usize = 256;
/// The most options.
pub const OPTIONS_MAX: usize = 256;
/// How much of a value that is not right is repeated, in bytes.
pub const VALUE_SHOWN_BYTES_MAX: usize = 80;
/// How many of the values an option takes are told where another was given.
pub const VALUES_SHOWN_MAX: usize = 20;
/// The longest fault of a manifest or a statement that is told, in bytes.
pub const FAULT_BYTES_MAX: usize = 2048;
/// The most connection tables that are declared.
pub const TABLES_MAX: usize = 64;
/// The most classes or attributes that one of them names.
pub const TABLE_NAMES_MAX: usize = 256;
/// The most constraints between options.
pub const CONSTRAINTS_MAX: usize = 256;
/// The most object classes known in advance.
pub const CLASSES_MAX: usize = 256;
/// The most attributes of an object class known in advance, and of what a grant of it takes.
pub const ATTRIBUTES_MAX: usize = 1024;
/// The most directories.
pub const DIRECTORIES_MAX: usize = 16;
/// The most memory a manifest may ask for, in MiB; what a guest gets is the host's ceiling or this, whichever is less.
pub const MEMORY_MIB_MAX: u32 = 4096;
/// The longest time a manifest may ask for one call or one page, in milliseconds.
pub const TIME_MS_MAX: u32 = 60 * 60 * 1000;
/// The longest code a component compiles to, in bytes.
pub const CODE_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Compiled components kept between two starts.
pub const CODE_FILES_MAX: usize = 256;
/// The longest complaint of the compiling process that is told, in bytes.
pub const COMPLAINT_BYTES_MAX: usize = 1024;
/// The most secured options.
pub const SECURED_OPTIONS_MAX: usize = 64;
/// The most destinations.
pub const DESTINATIONS_MAX: usize = 16;
/// The longest template of a destination's address, in bytes.
pub const ADDRESS_BYTES_MAX: usize = 512;
/// The most secrets written into requests to one destination, and the most of its token endpoints.
pub const SENDS_MAX: usize = 64;
/// The most slots it may ask to have revealed.
pub const REVEALS_MAX: usize = 16;
/// The longest `release.json`, in bytes: the longest manifest fits, escaped and in base64.
pub const ENVELOPE_BYTES_MAX: usize = 1024 * 1024;
/// The largest counter of a release: the largest integer that every reader of JSON keeps exact (RFC 8259, section 6).
pub const COUNTER_MAX: u64 = (1 << 53) - 1;
/// How far a vendor's clock may be ahead of the host's.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_secs(10 * 60);
/// The longest key in PEM, in bytes.
pub const KEY_PEM_BYTES_MAX: usize = 4096;
/// The most release folders looked for in one directory.
pub const FOLDERS_MAX: usize = 1_000;
