//! A host for native unit tests: no WebAssembly, real files, options of the test's choosing.
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! use hawser_sdk::{files, testing::Host};
//! std::fs::write(folder.path().join("people.txt"), "ada").unwrap();
//! let host = Host::new().directory("data", folder.path()).option("encoding", "utf-8").enter();
//! assert_eq!(files::Directory::new("data").list().unwrap()[0].name, "people.txt");
//! # drop(host);
//! ```
//!
//! What a connector exports is called directly: `Roster::open(options)` or, with the options of the host,
//! [`connector`]; a listing is read to its end with [`collect`].

use crate::backend::credentials::{self as native, Secured};
use crate::backend::{self, Stand};
use crate::connector::{self, Connector};
use crate::credentials::{Credential, Password};
use crate::error::Result;
use crate::http;
use crate::listing::{Item, Listing};
use crate::model::Value;
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// What the host of a test offers. One host a thread, from `enter` until what it returns is dropped.
#[derive(Default)]
pub struct Host(Stand);

impl Host {
    /// A host without options and directories.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an option to one value.
    #[must_use]
    pub fn option(self, name: &str, value: impl Into<Value>) -> Self {
        self.options(name, [value])
    }

    /// Sets an option to a list of values.
    #[must_use]
    pub fn options<V: Into<Value>>(mut self, name: &str, values: impl IntoIterator<Item = V>) -> Self {
        self.0.options.insert(name.to_owned(), values.into_iter().map(Into::into).collect());
        self
    }

    /// Permits a directory, by the name of the manifest.
    #[must_use]
    pub fn directory(mut self, name: &str, path: impl Into<PathBuf>) -> Self {
        self.0.directories.insert(name.to_owned(), path.into());
        self
    }

    /// Sets a secured option to one value.
    #[must_use]
    pub fn secured(mut self, name: &str, value: &str) -> Self {
        self.0.secured.insert(name.to_owned(), Secured::Field(value.to_owned()));
        self
    }

    /// Sets a secured option that is a map.
    #[must_use]
    pub fn secured_map<'a>(mut self, name: &str, values: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let values = values.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        self.0.secured.insert(name.to_owned(), Secured::Map(values));
        self
    }

    /// Approves reading a secret; `password` is every password of a call.
    #[must_use]
    pub fn reveal(mut self, slot: &str) -> Self {
        self.0.revealed.push(slot.to_owned());
        self
    }

    /// Answers requests: there is no network in a native test. What a request captures is taken out of the answer as the
    /// host does it.
    #[must_use]
    pub fn web(mut self, answer: impl FnMut(&http::Request<'_>) -> Result<http::Response> + 'static) -> Self {
        self.0.web = Some(RefCell::new(Box::new(answer)));
        self
    }

    /// Gives the calls an idempotency key.
    #[must_use]
    pub fn idempotency_key(mut self, key: &str) -> Self {
        self.0.idempotency_key = Some(key.to_owned());
        self
    }

    /// Says how much time a call has left.
    #[must_use]
    pub fn remaining(mut self, time: Duration) -> Self {
        self.0.remaining = Some(time);
        self
    }

    /// Makes this the host of the thread.
    pub fn enter(self) -> Entered {
        let stand = Rc::new(self.0);
        let before = backend::enter(Rc::clone(&stand));
        Entered { stand, before: Some(before) }
    }
}

/// The host of this thread, until it is dropped.
#[must_use = "the host is gone as soon as this is dropped"]
pub struct Entered {
    stand: Rc<Stand>,
    before: Option<Rc<Stand>>,
}

impl Entered {
    /// What the connector logged.
    pub fn logs(&self) -> Vec<String> {
        self.stand.logs.borrow().clone()
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            drop(backend::enter(before));
        }
    }
}

/// Opens a connector with the options of the host, as a call does.
///
/// # Errors
/// As the host would see it.
pub fn connector<T: Connector>() -> Result<T> {
    connector::open()
}

/// A password as it arrives with a call.
pub fn password(text: &str) -> Password<'static> {
    native::password(text).into()
}

/// Which secret that is: the name of its secured option, `password` for passwords of the call, the name it was captured
/// under; nothing for what was sealed.
pub fn secret_name<'a>(secret: &'a Credential<'_>) -> Option<&'a str> {
    secret.native().and_then(native::Native::name)
}

/// Reads a listing to its end.
///
/// # Errors
/// The listing's first.
pub fn collect<T>(mut listing: impl Listing<T>) -> Result<Vec<Item<T>>> {
    let mut items = Vec::new();
    while let Some(item) = listing.next_item() {
        items.push(item?);
    }
    Ok(items)
}
