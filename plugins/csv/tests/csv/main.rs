//! The connector hawser/csv, natively, over real files: one binary, a module for each thing it can do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed expectation is a failed test"
)]

mod input;
mod memberships;
mod passwords;
mod probing;
mod properties;
mod reading;
mod resuming;
mod roundtrip;
mod support;
mod writing;
