//! LDAP (RFC 4511) over the gate's streams: sessions that are protected, logged in and pooled, searches that page, writes
//! with passwords in them, and every answer of a server in the vocabulary of failures.
//!
//! | file | holds |
//! |---|---|
//! | `ber`, `message`, `filter` | what goes over the wire, without recursion and within bounds |
//! | `rules` | what a guest may ask: verbs, controls, nothing about passwords |
//! | `session`, `pool` | one connection; those that are free |
//! | `search`, `found`, `writes`, `password` | what is done on one, and what is found |
//! | `failure` | what an answer means |
//!
//! Why the codec and the client are our own: `host/decisions/0015-ldap.md`.

mod ber;
mod failure;
mod filter;
mod found;
pub mod limits;
mod message;
mod password;
mod pool;
mod rules;
mod search;
mod session;
#[cfg(test)]
mod tests;
mod writes;

pub use found::{Found, Packed};
pub use message::{Control, Deref, Intermediate, Modification, NewAttribute, Operation, Scope, SearchRequest};
pub use password::{guesses, placed};
pub use pool::{Pool, To};
pub use search::{Entries, Search};
pub use session::{Login, Protection};
pub use writes::{Write, change_password, extended, verify, write};
