//! The leak search: what a guest gives out is searched for the secrets it was allowed to use.
//!
//! A connector handles secrets without seeing them, but a target may answer with one, and a permission to reveal lets a
//! connector read one; neither may end in a row, an error, a log line or a cache. What is found fails the call, since the
//! connector is broken or worse. A connection without secrets pays nothing.
//!
//! This stops accidents and lazy attackers: whoever was given the bytes can write them backwards.

mod exits;
mod search;

use std::sync::{Arc, PoisonError, RwLock};

pub(super) use exits::Exits;
pub(super) use search::Search;

use super::credentials::Credentials;
use super::fault;
use crate::model::{Result, Secret};

/// The secrets one call may not give out: those of the connection, and those that arrived with the call. Clones watch the
/// same secrets.
#[derive(Clone)]
pub(super) struct Leaks(Arc<Watched>);

struct Watched {
    connection: Option<Arc<Search>>,
    call: RwLock<Vec<Search>>,
}

impl Leaks {
    pub(super) fn new(credentials: &Credentials) -> Self {
        Self(Arc::new(Watched { connection: credentials.search(), call: RwLock::default() }))
    }

    /// Watches a secret that arrived with the call.
    pub(super) fn watch(&self, slot: &str, secret: &Secret) {
        let search = Search::new([(format!("the secret {slot:?} of the call"), secret)]);
        self.0.call.write().unwrap_or_else(PoisonError::into_inner).extend(search);
    }

    /// What a text holds that it must not.
    pub(super) fn find(&self, text: &[u8]) -> Option<String> {
        let call = self.0.call.read().unwrap_or_else(PoisonError::into_inner);
        self.0.connection.as_deref().into_iter().chain(&*call).find_map(|search| search.find(text)).map(str::to_owned)
    }

    /// Looks through everything in an answer.
    ///
    /// # Errors
    /// `credential-denied`, naming the option and never where it was found or what it holds.
    pub(super) fn check(&self, answer: &impl Exits) -> Result<()> {
        if self.nothing() {
            return Ok(());
        }
        let mut found = None;
        answer.exits(&mut |text| {
            if found.is_none() {
                found = self.find(text);
            }
        });
        found.map_or(Ok(()), |what| Err(fault::leaked(&what)))
    }

    fn nothing(&self) -> bool {
        self.0.connection.is_none() && self.0.call.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}
