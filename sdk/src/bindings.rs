//! What wit-bindgen makes of the contract: one generation of the words and the host's interfaces, and one for each
//! interface a connector may export.
//!
//! A world of its own for every exported interface is what lets a component export exactly what it implements: the
//! export macro, and with it the description of the component's type, comes to life only where `export!` lists it.
//! Everything else is dropped by the linker. The plain records and variants are re-exported by their rooms, so that a
//! page of rows is never copied into a second set of types; resources and guest traits stay in here.
#![allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    unnameable_types,
    unused_qualifications,
    unused_lifetimes,
    unused_macro_rules,
    let_underscore_drop,
    clippy::allow_attributes_without_reason,
    reason = "generated from the contract; its documentation is the contract's own"
)]

/// The words of the contract and the interfaces the host offers.
pub mod host {
    wit_bindgen::generate!({
        path: "../wit/v0.1",
        world: "imports",
        generate_unused_types: true,
        additional_derives: [PartialEq],
        // They hold handles, which have no equals.
        additional_derives_ignore: [
            "login", "modification", "new-attribute", "new-value", "request", "secret-use", "simple-login", "token-request"
        ],
        runtime_path: "::hawser_sdk::__private::rt",
        bitflags_path: "::hawser_sdk::__private::bitflags",
    });
    #[cfg(target_arch = "wasm32")]
    pub use self::hawser::connector::{cache, call, options};
    pub use self::hawser::connector::{credentials, files, http, ldap, log, model, reveal};
}

macro_rules! exported {
    ($interface:ident, $world:literal, [$($derive:ident)?], { $($with:tt)* }) => {
        pub mod $interface {
            wit_bindgen::generate!({
                path: "../wit/v0.1",
                inline: $world,
                pub_export_macro: true,
                generate_unused_types: true,
                additional_derives: [$($derive)?],
                runtime_path: "::hawser_sdk::__private::rt",
                bitflags_path: "::hawser_sdk::__private::bitflags",
                with: { "hawser:connector/model@0.1.0": crate::bindings::host::model, $($with)* },
            });
            pub use self::exports::hawser::connector::$interface::*;
        }
    };
}

exported!(probe, "package hawser:sdk-probe; world probe { export hawser:connector/probe@0.1.0; }", [PartialEq], {});
exported!(schema, "package hawser:sdk-schema; world schema { export hawser:connector/schema@0.1.0; }", [PartialEq], {});
exported!(source, "package hawser:sdk-source; world source { export hawser:connector/source@0.1.0; }", [PartialEq], {});
exported!(feed, "package hawser:sdk-feed; world feed { export hawser:connector/feed@0.1.0; }", [PartialEq], {});
exported!(
    provision,
    "package hawser:sdk-provision; world provision { export hawser:connector/provision@0.1.0; }",
    [],
    { "hawser:connector/credentials@0.1.0": crate::bindings::host::credentials }
);
exported!(
    entitlements,
    "package hawser:sdk-entitlements; world entitlements { export hawser:connector/entitlements@0.1.0; }",
    [PartialEq],
    {}
);
exported!(
    passwords,
    "package hawser:sdk-passwords; world passwords { export hawser:connector/passwords@0.1.0; }",
    [],
    { "hawser:connector/credentials@0.1.0": crate::bindings::host::credentials }
);
