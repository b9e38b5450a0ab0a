//! Where the host's capabilities come from: the contract's imports in a component, a stand-in natively.
//!
//! Both offer the same functions with the generated signatures, so that the public modules above are written once.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{Stand, cache, call, credentials, enter, files, http, log, option};

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::host::{cache, call, credentials, files, log};

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::host::options::get as option;
#[cfg(target_arch = "wasm32")]
pub(crate) use crate::http::host as http;
