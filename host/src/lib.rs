//! Hawser: a host for sandboxed identity connectors.
//!
//! The rooms, lowest first; a room uses only what stands below it (`ARCHITECTURE.md`, checked by the tests).

pub mod api;
pub mod audit;
pub mod builder;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connections;
pub mod declared;
pub mod egress;
pub mod host;
pub mod http;
pub mod ldap;
pub mod mappings;
pub mod model;
pub mod registry;
pub mod runtime;
pub mod secrets;
pub mod signing;
pub mod store;
pub mod tables;
pub mod tasks;
