//! The one integration binary: each module is a topic, each test a sentence about what the house does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests and their helpers stop at the first surprise"
)]

mod audit;
mod auth;
mod burglar;
mod canary;
mod cli;
mod configuration;
mod connections;
mod credentials;
mod demo;
mod directories;
mod docs;
mod egress;
mod entitlements;
mod events;
mod faults;
mod files;
mod fulfil;
mod hostile;
mod idempotency;
mod imports;
mod incremental;
mod leaks;
mod liars;
mod manifests;
mod mappings;
mod objects;
mod openapi;
mod outputs;
mod passwords;
mod permissions;
mod placements;
mod poacher;
mod published;
mod refreshes;
mod releases;
mod roster;
mod schedules;
mod schema;
mod secured;
mod signing;
mod switches;
mod systems;
mod tables;
mod tidy;
mod web;
