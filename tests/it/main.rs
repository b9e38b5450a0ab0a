//! The one integration binary: each module is a topic, each test a sentence about what the house does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests and their helpers stop at the first surprise"
)]

mod tidy;
