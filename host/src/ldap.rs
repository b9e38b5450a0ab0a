//! LDAP (RFC 4511) over the gate's streams: sessions that are protected, logged in and pooled, searches that page, writes
//! with passwords in them, and every answer of a server in the vocabulary of failures.
//!
//! | file | holds |
//! |---|---|
//! | `ber`, `message`, `filter` | what goes over the wire, without recursion and within bounds |
//! | `rules`, `attribute` | what a guest may ask: verbs, controls, nothing about passwords |
//! | `session`, `pool` | one connection; those that are free |
//! | `search`, `found`, `writes`, `reads`, `password` | what is done on one, and what is found |
//! | `weight` | how much memory that takes |
//! | `failure` | what an answer means |
//!
//! Why the codec and the client are our own: `host/decisions/0015-ldap.md`.

mod attribute;
mod ber;
mod failure;
mod filter;
mod found;
pub mod limits;
mod message;
mod password;
mod pool;
mod reads;
mod rules;
mod search;
mod session;
#[cfg(test)]
mod tests;
mod weight;
mod writes;

pub use found::{Found, Packed};
pub use message::{Control, Deref, Intermediate, Modification, NewAttribute, Operation, Scope, SearchRequest};
pub use password::{guesses, placed};
pub use pool::{Pool, To};
pub use search::{Entries, Search};
pub use session::{Login, Protection};
pub use writes::{Write, change_password, extended, verify, write};
