//! HTTP (RFC 9110) over the gate's streams: connections that are pooled and shared, requests whose secrets are written last,
//! answers that are bounded and from which secrets are taken, and tokens that the host fetches itself.
//!
//! | file | holds |
//! |---|---|
//! | `request`, `rules` | what may be asked, and what goes over the wire |
//! | `placement`, `capture` | secrets on their way out, and on their way in |
//! | `connection`, `pool`, `line` | one connection; those that are free; what is known of a destination |
//! | `exchange`, `send` | one request and its answer: sent again or not, waited for or not |
//! | `download`, `decoding` | bodies as they come |
//! | `token`, `assertion` | OAuth 2.0 client credentials |
//! | `failure` | what went wrong on the way |
//!
//! What a status means is the connector's business; where a secret may go was decided above. Why hyper, and why a pool of
//! our own: `host/decisions/0018-http-client.md`.

mod allowance;
mod assertion;
mod capture;
mod client;
mod connection;
mod decoding;
mod download;
mod exchange;
mod failure;
pub mod limits;
mod line;
mod placement;
mod pool;
mod request;
mod rules;
mod send;
#[cfg(test)]
mod tests;
mod token;

pub use capture::{Capture, Captured, Source};
pub use client::Client;
pub use download::Download;
pub use placement::{Material, Placed, Placement};
pub use request::Request;
pub use rules::{is_misleading, is_reserved};
pub use send::{Response, open, send};
pub use token::{Authentication, Token, TokenRequest, token};
