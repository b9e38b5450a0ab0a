//! Hawser: a host for sandboxed identity connectors.
//!
//! The rooms, lowest first; a room uses only what stands below it (`ARCHITECTURE.md`, checked by `tests/tidy.rs`).

pub mod audit;
pub mod clock;
pub mod model;
pub mod store;
