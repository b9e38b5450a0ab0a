//! The connector hawser/ldap: accounts, groups and units of OpenLDAP, 389-ds, Active Directory and Samba.
//!
//! How the four are one: `dialect` tells them apart and says what each calls a thing, `server` remembers what a server
//! can do, `subschema` reads what it publishes of its classes, `builder` makes our classes of that, in the words of `model`, `operational` knows
//! what enabled, locked and expired are in each.
//!
//! How bytes become values: `dn`, `time`, `uuid`, `ber` and `controls` are the formats, `values` the values, `filter` the
//! contract's filters, `entry` and `layout` the way from an entry to a row.
//!
//! What it offers stands on top, over `directory`, the one way to the server: `listing`, `lookup`, `edges` and `ranges`
//! read, `feed` tells what changed, `provision` and `update` with `draft`, `changes` and `state`, `membership` and
//! `password` write, `schema` and `probe` describe. `failure` reads what only this connector can know out of the host's
//! errors.

mod ber;
mod builder;
mod changes;
mod controls;
mod dialect;
mod directory;
mod dn;
mod draft;
mod edges;
mod entry;
mod failure;
mod feed;
mod filter;
mod layout;
mod listing;
mod lookup;
mod membership;
mod model;
mod operational;
mod options;
mod password;
mod probe;
mod provision;
mod ranges;
mod schema;
mod server;
mod state;
mod subschema;
mod time;
mod update;
mod uuid;
mod values;

use directory::Directory;
use hawser_sdk::{Connector, Result, export};
pub use options::Options;

/// The connector: options that make sense together. The session is opened by the calls that need it.
pub struct Ldap {
    options: Options,
}

impl Connector for Ldap {
    type Options = Options;

    fn open(options: Options) -> Result<Self> {
        options.check()?;
        Ok(Self { options })
    }
}

impl Ldap {
    fn directory(&self) -> Result<Directory> {
        Directory::open(&self.options)
    }
}

export!(Ldap: Probe, Schema, Source, Feed, Provision, Entitlements, Passwords);
