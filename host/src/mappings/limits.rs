//! The bounds of a definition and of what it may make of a row. A mapping is written by an operator and run over
//! millions of rows: nothing in one may make a row cost more than a few milliseconds or a few megabytes.

/// The longest program in CEL, in bytes. The longest takes its parser 20 ms (measured), whatever is in it.
pub const PROGRAM_BYTES_MAX: usize = 1024;
/// The most nodes of a program, after its macros are expanded.
pub const PROGRAM_NODES_MAX: usize = 256;
/// How deep a program may be nested.
pub const PROGRAM_DEPTH_MAX: u16 = 24;
/// The most values of a list that a program may walk through.
pub const LIST_VALUES_MAX: usize = 1000;
/// The most sums of a program: each copies what is before it.
pub const SUMS_MAX: usize = 16;
/// What a program may read while it walks through a list, in bytes: the columns it reads for each value, times the values.
pub const WALK_BYTES_MAX: usize = 1024 * 1024;

/// How deep expressions may be nested.
pub const EXPRESSION_DEPTH_MAX: usize = 8;
/// The most expressions in a mapping, nested ones counted.
pub const EXPRESSIONS_MAX: usize = 2000;
/// The most steps of one expression.
pub const STEPS_MAX: usize = 16;
/// The longest fixed text, separator or pattern in a definition, in bytes.
pub const TEXT_BYTES_MAX: usize = 4096;
/// The most entries of a value map.
pub const MAP_ENTRIES_MAX: usize = 10_000;
/// The longest title, in bytes.
pub const TITLE_BYTES_MAX: usize = 256;

/// The most sources of an entity mapping.
pub const SOURCES_MAX: usize = 16;
/// The most unique properties besides the key.
pub const UNIQUE_MAX: usize = 3;
/// The most properties of a mapping, or attributes of a resource type.
pub const PROPERTIES_MAX: usize = 256;
/// The most ways one rule of correlation may try.
pub const MATCHES_MAX: usize = 16;

/// The largest value an expression may make, in bytes.
pub const VALUE_BYTES_MAX: usize = 1024 * 1024;
