//! Write Hawser connectors in Rust: implement the traits of what your connector can do, name them once in
//! [`export!`], and the component offers exactly those.
//!
//! * [`Connector`] is the one every connector implements: what its options are, and how it opens.
//! * [`Probe`], [`Schema`], [`Source`], [`Feed`], [`Provision`], [`Entitlements`] and [`Passwords`] are what it can do.
//! * [`files`], [`http`], [`ldap`], [`credentials`], [`cache`], [`call`] and [`log`] are what the host offers, each only where
//!   the manifest asks for it; a capability a connector never calls is never imported.
//! * `testing` stands in for the host, so that a connector's unit tests run natively, without WebAssembly.
//!
//! An instance lives for one call or one listing: what must outlive it belongs to the host (checkpoints, [`cache`]).

#![deny(missing_docs)]

// The macros of the generated bindings name this crate from wherever they are expanded.
extern crate self as hawser_sdk;

#[cfg(any(test, all(target_arch = "wasm32", feature = "allocator")))]
mod allocator;
mod backend;
mod bindings;
mod connector;
mod entitlements;
mod error;
mod export;
mod feed;
mod listing;
mod model;
mod object;
mod options;
mod passwords;
mod probe;
mod provision;
mod schema;
mod source;

pub mod cache;
pub mod call;
pub mod credentials;
pub mod files;
pub mod http;
pub mod ldap;
pub mod log;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;

pub use connector::Connector;
pub use entitlements::{Assignment, Assignments, Entitlements, GrantOutcome, Granted, RevokeOutcome};
pub use error::{Effect, Error, FailureKind, Result};
pub use feed::{ClassAttributes, ClassRow, Delta, Feed, Gone, Renamed};
pub use listing::{Item, Listing, MAX_PAGE_BYTES, Rejected};
pub use model::{
    Attribute, AttributeChange, Cell, Change, Comparison, Edge, Edit, Filter, FilterNode, Key, ObjectRef, Part,
    Reference, Row, Scalar, Value,
};
pub use object::{Object, Record};
pub use passwords::Passwords;
pub use probe::{Aspect, Choice, Finding, Probe};
pub use provision::{Draft, Outcome, Provision, Secret, Update, Written};
pub use schema::{AttributeFlags, AttributeInfo, ClassInfo, ClassKind, Matching, Schema, Syntax};
pub use source::{EdgeRequest, ListRequest, Source};

#[cfg(all(target_arch = "wasm32", feature = "allocator"))]
#[global_allocator]
static ALLOCATOR: allocator::Bins = allocator::Bins::new();

/// What the macros reach for; no part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::{entitlements, feed, passwords, probe, provision, schema, source};
    pub use crate::export::Exported;
    pub use crate::feed::OpenChanges;
    pub use crate::source::{OpenEdges, OpenListing};
    pub use wit_bindgen::rt::{self, bitflags};
}
