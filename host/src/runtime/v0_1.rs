//! The contract's bindings, version 0.1. Generated types are named here and below (`v0_1/`), and nowhere else.
//!
//! Values, rows, edges, changes and failures are the model's own types, which derive wasmtime's `Lift` and `Lower`: a
//! page of rows is lifted once, and moved from there on.

mod convert;
mod guest;
mod host;
mod http;
mod ldap;

use wasmtime::component::{HasSelf, InstancePre, Linker};

use super::state::State;
use crate::model::{Export, Import};
use bindings::exports::hawser::connector as exports;

#[allow(clippy::all, clippy::pedantic, clippy::restriction, unsafe_code, unreachable_pub, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit/v0.1",
        inline: "
            package hawser:host;
            world bound {
                include hawser:connector/imports@0.1.0;
                export hawser:connector/probe@0.1.0;
                export hawser:connector/schema@0.1.0;
                export hawser:connector/source@0.1.0;
                export hawser:connector/feed@0.1.0;
                export hawser:connector/provision@0.1.0;
                export hawser:connector/entitlements@0.1.0;
                export hawser:connector/passwords@0.1.0;
            }
        ",
        world: "hawser:host/bound",
        imports: {
            "hawser:connector/credentials.hash": async | trappable,
            "hawser:connector/credentials.verify": async | trappable,
            "hawser:connector/credentials.sign": async | trappable,
            "hawser:connector/reveal.reveal": async | trappable,
            "hawser:connector/files.list": async | trappable,
            "hawser:connector/files.open": async | trappable,
            "hawser:connector/files.replace": async | trappable,
            "hawser:connector/files.[method]reader.read": async | trappable,
            "hawser:connector/files.[method]replacement.write": async | trappable,
            "hawser:connector/files.[method]replacement.commit": async | trappable,
            "hawser:connector/http.send": async | trappable,
            "hawser:connector/http.open": async | trappable,
            "hawser:connector/http.token": async | trappable,
            "hawser:connector/http.[method]download.read": async | trappable,
            "hawser:connector/ldap.[method]search.next": async | trappable,
            "hawser:connector/ldap.[static]session.open": async | trappable,
            "hawser:connector/ldap.[method]session.add": async | trappable,
            "hawser:connector/ldap.[method]session.modify": async | trappable,
            "hawser:connector/ldap.[method]session.delete": async | trappable,
            "hawser:connector/ldap.[method]session.rename": async | trappable,
            "hawser:connector/ldap.[method]session.extended": async | trappable,
            "hawser:connector/ldap.[method]session.set-password": async | trappable,
            "hawser:connector/ldap.[method]session.verify": async | trappable,
            default: trappable,
        },
        exports: { default: async },
        with: {
            "hawser:connector/model": super::words,
            "hawser:connector/credentials.credential": crate::runtime::imports::credentials::Credential,
            "hawser:connector/files.reader": crate::runtime::imports::files::Reader,
            "hawser:connector/files.replacement": crate::runtime::imports::files::Replacement,
            "hawser:connector/http.download": crate::runtime::imports::http::Download,
            "hawser:connector/ldap.search": crate::runtime::imports::ldap::Search,
            "hawser:connector/ldap.session": crate::runtime::imports::ldap::Session,
        },
    });
}

/// The contract's interface `model`: our own types, and what the generated code expects of an interface without
/// functions.
#[allow(unreachable_pub, dead_code, reason = "the bindings re-export it, and use only the names")]
pub mod words {
    pub use crate::model::contract::*;
    use wasmtime::component::{HasData, Linker};

    pub trait Host {}
    impl<T: ?Sized> Host for T {}
    pub trait HostWithStore<T> {}
    impl<H: ?Sized, T> HostWithStore<T> for H {}

    /// There is nothing to link.
    pub fn add_to_linker<T, D: HasData>(_: &mut Linker<T>, _: fn(&mut T) -> D::Data<'_>) -> wasmtime::Result<()> {
        Ok(())
    }
}

/// Where a component keeps the interfaces it exports.
pub(super) struct Exports {
    probe: Option<exports::probe::GuestIndices>,
    schema: Option<exports::schema::GuestIndices>,
    source: Option<exports::source::GuestIndices>,
    feed: Option<exports::feed::GuestIndices>,
    provision: Option<exports::provision::GuestIndices>,
    entitlements: Option<exports::entitlements::GuestIndices>,
    passwords: Option<exports::passwords::GuestIndices>,
}

impl Exports {
    /// Looks the exported interfaces up.
    ///
    /// # Errors
    /// When an interface lacks a function of the contract.
    pub(super) fn of(pre: &InstancePre<State>, exported: &[Export]) -> wasmtime::Result<Self> {
        let has = |export| exported.contains(&export);
        Ok(Self {
            probe: has(Export::Probe).then(|| exports::probe::GuestIndices::new(pre)).transpose()?,
            schema: has(Export::Schema).then(|| exports::schema::GuestIndices::new(pre)).transpose()?,
            source: has(Export::Source).then(|| exports::source::GuestIndices::new(pre)).transpose()?,
            feed: has(Export::Feed).then(|| exports::feed::GuestIndices::new(pre)).transpose()?,
            provision: has(Export::Provision).then(|| exports::provision::GuestIndices::new(pre)).transpose()?,
            entitlements: has(Export::Entitlements)
                .then(|| exports::entitlements::GuestIndices::new(pre))
                .transpose()?,
            passwords: has(Export::Passwords).then(|| exports::passwords::GuestIndices::new(pre)).transpose()?,
        })
    }
}

/// Links one interface of the host.
pub(super) fn link(linker: &mut Linker<State>, import: Import) -> wasmtime::Result<()> {
    use bindings::hawser::connector::{cache, call, credentials, files, http, ldap, log, options, reveal};
    match import {
        Import::Call => call::add_to_linker::<State, HasSelf<State>>(linker, |state| state),
        Import::Log => log::add_to_linker::<State, HasSelf<State>>(linker, |state| state),
        Import::Options => options::add_to_linker::<State, HasSelf<State>>(linker, |state| state),
        Import::Cache => cache::add_to_linker::<State, HasSelf<State>>(linker, |state| state),
        Import::Credentials => credentials::add_to_linker::<State, HasSelf<State>>(linker, |state| state),
        Import::Reveal => reveal::add_to_linker::<State, HasSelf<State>>(linker, |state| state),
        Import::Files => files::add_to_linker::<State, HasSelf<State>>(linker, |state| state),
        Import::Http => http::add_to_linker::<State, HasSelf<State>>(linker, |state| state),
        Import::Ldap => ldap::add_to_linker::<State, HasSelf<State>>(linker, |state| state),
    }
}
