//! The connector hawser/rest: web APIs, described by a mapping in YAML instead of code.
//!
//! What an operator writes: `mapping` is the document, `options` and `placements` what permissions are made from,
//! `template` and `pointer` the two small languages in it.
//!
//! How the API is spoken to: `api` is the one way, with its log-ins and tokens, `failure` what an answer means, `pages` and
//! `link` how lists go on.
//!
//! How JSON becomes objects: `values`, `layout` on the way in, `body` on the way out.
//!
//! What it offers stands on top: `listing`, `lookup` and `edges` read, `provision` and `update` over `change`, `membership`
//! and `password` write, `schema` and `probe` describe.

mod api;
mod body;
mod change;
mod edges;
mod failure;
mod layout;
mod link;
mod listing;
mod lookup;
mod mapping;
mod membership;
mod options;
mod pages;
mod password;
mod placements;
mod pointer;
mod probe;
mod provision;
mod schema;
mod template;
mod update;
mod values;

use hawser_sdk::{Connector, Result, export};
use mapping::Mapping;
pub use options::Options;

/// The connector: a mapping that makes sense, and options that go with it.
pub struct Rest {
    options: Options,
    mapping: Mapping,
}

impl Connector for Rest {
    type Options = Options;

    fn open(options: Options) -> Result<Self> {
        let mapping = options.mapping()?;
        options.suffice(&mapping)?;
        Ok(Self { options, mapping })
    }
}

export!(Rest: Probe, Schema, Source, Provision, Entitlements, Passwords);
