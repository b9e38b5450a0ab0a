//! The host of native unit tests: options and directories of the test's choosing, real files, one host a thread.
//!
//! It keeps the promises of the contract that connectors lean on: a version changes with the content, a replacement
//! is seen whole or not at all, and a commit fails when the file is no longer what was expected.
#![allow(clippy::result_large_err, reason = "the signatures are those of the generated imports")]

use crate::bindings::host::model::Value;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

pub(crate) mod cache;
pub(crate) mod call;
pub(crate) mod credentials;
pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod log;

/// Everything a test told the host, and what the connector told it.
#[derive(Default)]
pub(crate) struct Stand {
    pub(crate) options: HashMap<String, Vec<Value>>,
    pub(crate) directories: HashMap<String, PathBuf>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) remaining: Option<Duration>,
    pub(crate) cache: RefCell<HashMap<String, Vec<u8>>>,
    pub(crate) secured: HashMap<String, credentials::Secured>,
    /// Slots whose secrets may be read.
    pub(crate) revealed: Vec<String>,
    pub(crate) kept: RefCell<HashMap<String, credentials::Native>>,
    /// What answers requests.
    pub(crate) web: Option<RefCell<http::Web>>,
    pub(crate) logs: RefCell<Vec<String>>,
}

thread_local! {
    static CURRENT: RefCell<Rc<Stand>> = RefCell::default();
}

/// Makes this the thread's host and answers the one before.
pub(crate) fn enter(stand: Rc<Stand>) -> Rc<Stand> {
    CURRENT.with(|current| current.replace(stand))
}

/// The thread's host; an empty one outside of `testing::Host::enter`.
pub(crate) fn current() -> Rc<Stand> {
    CURRENT.with(|current| Rc::clone(&current.borrow()))
}

pub(crate) fn option(name: &str) -> Vec<Value> {
    current().options.get(name).cloned().unwrap_or_default()
}
