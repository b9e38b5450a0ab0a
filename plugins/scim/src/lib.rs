//! The connector hawser/scim: users, groups and other resources of services that speak SCIM 2.0 (RFC 7643, RFC 7644).
//!
//! What a service is: `documents` is what it publishes, `builder` makes our classes of that, in the words of `model`,
//! `server` remembers both and what it can do, `client` sends requests, `failure` reads their answers.
//!
//! How JSON becomes rows, without a tree in between: `layout` says what stands where, `resource` and `cells` read a resource
//! by it, `page` a page of them, `values` single values; `paging` decides what page comes next, and `resources` hands them out.
//!
//! What it offers stands on top: `listing` and `edges` read, `feed` tells what changed, `provision`, `update`, `replacing` and
//! `changes` write, `membership` with `members` grants and revokes, `password` sets passwords, `schema` and `probe` describe.
//! `filter`, `time` and `url` are the formats.

mod builder;
mod cells;
mod changes;
mod client;
mod documents;
mod edges;
mod failure;
mod feed;
mod filter;
mod layout;
mod listing;
mod members;
mod membership;
mod model;
mod object;
mod options;
mod page;
mod paging;
mod password;
mod probe;
mod provision;
mod replacing;
mod resource;
mod resources;
mod schema;
mod server;
mod time;
mod tree;
mod update;
mod url;
mod values;

use hawser_sdk::{Connector, Result, export};
pub use options::Options;
use server::Server;

/// The connector: options that make sense together. The service is asked by the calls that need it.
pub struct Scim {
    options: Options,
}

impl Connector for Scim {
    type Options = Options;

    fn open(options: Options) -> Result<Self> {
        options.check()?;
        Ok(Self { options })
    }
}

impl Scim {
    fn server(&self) -> Result<Server> {
        Server::open(&self.options)
    }
}

export!(Scim: Probe, Schema, Source, Feed, Provision, Entitlements, Passwords);
