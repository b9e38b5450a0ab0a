//! The connector hawser/rest, natively: the mapping's requests against a web that a test scripts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed expectation is a failed test"
)]

mod granting;
mod keystone;
mod logging_in;
mod paging;
mod passwords;
mod probing;
mod rabbitmq;
mod reading;
mod support;
mod writing;
