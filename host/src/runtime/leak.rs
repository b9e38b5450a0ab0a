//! The leak search: what a guest gives out is searched for the secrets it was allowed to use.
//!
//! A connector handles secrets without seeing them, but a target may answer with one, and a permission to reveal lets a
//! connector read one; neither may end in a row, an error, a log line or a cache. What is found fails the call, since the
//! connector is broken or worse. A connection without secrets pays nothing.
//!
//! This stops accidents and lazy attackers: whoever was given the bytes can write them backwards.

mod exits;
mod search;

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

pub(super) use exits::Exits;
pub(super) use search::Search;

use super::credentials::Credentials;
use super::fault;
use super::limits::{LEAK_GATHERED_BYTES, LEAK_MET_MAX};
use crate::model::{DestinationName, Result, Secret};

/// The secrets one call may not give out: those of the connection, those that arrived with the call, and those that this
/// call or others of the connection met lately. Clones watch the same secrets.
#[derive(Clone)]
pub(super) struct Leaks(Arc<Watched>);

struct Watched {
    connection: Option<Arc<Search>>,
    call: RwLock<Call>,
}

#[derive(Default)]
struct Call {
    own: Vec<Arc<Met>>,
    met: Encounters,
}

/// A secret that came up, and the search for it.
pub(super) struct Met {
    secret: Secret,
    /// None where it is too short to be told from other text.
    search: Option<Search>,
}

impl Met {
    /// By the name people are told.
    pub(super) fn new(name: String, secret: &Secret) -> Arc<Self> {
        Arc::new(Self { secret: secret.clone(), search: Search::one(name, secret) })
    }
}

/// The secrets captured or fetched last, each once. Of more of them than a connection uses, the first are forgotten: they
/// come from the service that the connector speaks to, and it may make as many as it likes.
#[derive(Clone, Default)]
pub(super) struct Encounters(VecDeque<Arc<Met>>);

impl Encounters {
    pub(super) fn find(&self, secret: &Secret) -> Option<Arc<Met>> {
        self.0.iter().find(|met| met.secret.expose() == secret.expose()).cloned()
    }

    pub(super) fn note(&mut self, met: Arc<Met>) {
        if self.find(&met.secret).is_some() {
            return;
        }
        if self.0.len() >= LEAK_MET_MAX {
            self.0.pop_front();
        }
        self.0.push_back(met);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Leaks {
    /// With what the connection met before.
    pub(super) fn new(credentials: &Credentials, met: Encounters) -> Self {
        let call = RwLock::new(Call { own: Vec::new(), met });
        Self(Arc::new(Watched { connection: credentials.search(), call }))
    }

    /// Watches a secret of the call, by the name people are told.
    pub(super) fn watch(&self, name: String, secret: &Secret) {
        let met = Met::new(name, secret);
        self.0.call.write().unwrap_or_else(PoisonError::into_inner).own.push(met);
    }

    /// Watches what the call met on its way.
    pub(super) fn meet(&self, met: Arc<Met>) {
        self.0.call.write().unwrap_or_else(PoisonError::into_inner).met.note(met);
    }

    /// The longest form of a secret, in bytes: so much of a text that goes on may be the beginning of one.
    pub(super) fn reach(&self) -> usize {
        let call = self.0.call.read().unwrap_or_else(PoisonError::into_inner);
        self.searches(&call).map(Search::reach).max().unwrap_or_default()
    }

    /// What a text holds that it must not.
    pub(super) fn find(&self, text: &[u8]) -> Option<String> {
        let call = self.0.call.read().unwrap_or_else(PoisonError::into_inner);
        self.searches(&call).find_map(|search| search.find(text)).map(str::to_owned)
    }

    fn searches<'a>(&'a self, call: &'a Call) -> impl Iterator<Item = &'a Search> {
        let met = call.own.iter().chain(&call.met.0).filter_map(|met| met.search.as_ref());
        self.0.connection.as_deref().into_iter().chain(met)
    }

    /// Looks through everything in an answer.
    ///
    /// # Errors
    /// `credential-denied`, naming the option and never where it was found or what it holds.
    pub(super) fn check(&self, answer: &impl Exits) -> Result<()> {
        self.held_by(answer).map_or(Ok(()), |what| Err(fault::leaked(&what)))
    }

    /// Looks through what a web service or a directory answered, before the guest has it.
    ///
    /// # Errors
    /// As [`Self::check`], naming the destination.
    pub(super) fn check_answer(&self, from: &DestinationName, answer: &impl Exits) -> Result<()> {
        self.held_by(answer).map_or(Ok(()), |what| Err(fault::answered(from, &what)))
    }

    fn held_by(&self, answer: &impl Exits) -> Option<String> {
        if self.nothing() {
            return None;
        }
        let mut look = Look { leaks: self, gathered: Vec::with_capacity(LEAK_GATHERED_BYTES), found: None };
        answer.exits(&mut |text| look.at(text));
        look.end()
    }

    fn nothing(&self) -> bool {
        let call = self.0.call.read().unwrap_or_else(PoisonError::into_inner);
        self.searches(&call).next().is_none()
    }
}

/// A look through many texts. Short ones are gathered: to begin a search costs more than to search some bytes more.
struct Look<'a> {
    leaks: &'a Leaks,
    gathered: Vec<u8>,
    found: Option<String>,
}

impl Look<'_> {
    /// Between gathered texts: neither text nor part of an escape, so that none goes on in the next one.
    const BETWEEN: u8 = 0xff;

    fn at(&mut self, text: &[u8]) {
        if self.gathered.len() + text.len() >= LEAK_GATHERED_BYTES {
            self.search();
        }
        if text.len() >= LEAK_GATHERED_BYTES {
            self.found = self.found.take().or_else(|| self.leaks.find(text));
        } else {
            self.gathered.extend_from_slice(text);
            self.gathered.push(Self::BETWEEN);
        }
    }

    fn search(&mut self) {
        self.found = self.found.take().or_else(|| self.leaks.find(&self.gathered));
        self.gathered.clear();
    }

    /// What was found in all.
    fn end(mut self) -> Option<String> {
        self.search();
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_any_of_many_texts_and_never_across_two() {
        let leaks = Leaks::new(&Credentials::default(), Encounters::default());
        let secret = Secret::new(b"correct horse".to_vec()).unwrap();
        leaks.watch("it".to_owned(), &secret);
        let texts = |at: usize, text: &str| -> Vec<String> {
            let filler = |place: usize| "x".repeat(place % 97);
            (0..2_000).map(|place| if place == at { text.to_owned() } else { filler(place) }).collect()
        };
        for at in [0, 1, 700, 1_999] {
            for text in ["correct horse", "is%20correct%20horse", "a+correct+horse", "\\u0063orrect horse"] {
                assert!(leaks.check(&texts(at, text)).is_err(), "{at} {text}");
            }
        }
        let long = format!("{}correct horse", "x".repeat(LEAK_GATHERED_BYTES));
        assert!(leaks.check(&texts(5, &long)).is_err());
        assert!(leaks.check(&vec!["correct ".to_owned(), "horse".to_owned()]).is_ok());
        assert!(leaks.check(&vec!["is%".to_owned(), "20correct".to_owned(), "+horse".to_owned()]).is_ok());
    }

    #[test]
    fn of_what_was_met_the_last_are_watched_and_those_of_the_call_always() {
        let leaks = Leaks::new(&Credentials::default(), Encounters::default());
        let secret = |n: usize| Secret::new(format!("session-{n:04}").into_bytes()).unwrap();
        leaks.watch("the password".to_owned(), &secret(9_999));
        for n in 0..=LEAK_MET_MAX {
            leaks.meet(Met::new(n.to_string(), &secret(n)));
            leaks.meet(Met::new("again".to_owned(), &secret(n)));
        }
        let found = |n: usize| leaks.find(format!("it is session-{n:04}").as_bytes());
        assert_eq!((found(9_999), found(0)), (Some("the password".to_owned()), None));
        assert_eq!((found(1), found(LEAK_MET_MAX)), (Some("1".to_owned()), Some(LEAK_MET_MAX.to_string())));
    }
}
