//! What is wrong with a definition: where, why, and which names come nearest to one that does not exist.

use serde::Serialize;

use crate::model::text::shown;
use crate::model::{Error, FailureKind, Result};

/// The most names that are offered instead of an unknown one.
const NEAREST_MAX: usize = 3;
/// How much of a foreign name is told, in bytes.
const NAME_BYTES_SHOWN: usize = 128;
/// The most flaws one sentence tells; the list has them all.
const TOLD_MAX: usize = 10;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Flaw {
    /// Where in the definition: `properties.mail.from`.
    pub at: String,
    /// What, and what to do.
    pub message: String,
    /// Names that exist and are nearest to the one that does not, the nearest first.
    pub nearest: Vec<String>,
}

/// The flaws found so far, and where in the definition the search is.
#[derive(Debug, Default)]
pub(super) struct Flaws {
    found: Vec<Flaw>,
    path: Vec<String>,
}

impl Flaws {
    /// Searches below a key.
    pub(super) fn below<T>(&mut self, key: impl Into<String>, search: impl FnOnce(&mut Self) -> T) -> T {
        self.enter(key);
        let result = search(self);
        self.leave();
        result
    }

    /// Goes below a key, until [`Flaws::leave`].
    pub(super) fn enter(&mut self, key: impl Into<String>) {
        self.path.push(key.into());
    }

    /// Goes back to where the search was before.
    pub(super) fn leave(&mut self) {
        self.path.pop();
    }

    /// Notes a flaw here.
    pub(super) fn note(&mut self, message: impl Into<String>) {
        self.found.push(Flaw { at: self.path.join("."), message: message.into(), nearest: Vec::new() });
    }

    /// Notes that a name does not exist here, and those that come nearest.
    pub(super) fn unknown<'n>(&mut self, what: &str, name: &str, known: impl Iterator<Item = &'n str>) {
        self.found.push(unknown(&self.path.join("."), what, name, known));
    }

    /// Notes what is wrong, if it is.
    pub(super) fn require(&mut self, result: std::result::Result<(), String>) {
        if let Err(why) = result {
            self.note(why);
        }
    }

    pub(super) fn into_found(self) -> Vec<Flaw> {
        self.found
    }
}

/// That a name does not exist, with those that come nearest to it.
pub(super) fn unknown<'n>(at: &str, what: &str, name: &str, known: impl Iterator<Item = &'n str>) -> Flaw {
    let nearest = nearest(name, known);
    let hint = match nearest.as_slice() {
        [] => String::new(),
        names => format!("; did you mean {}?", names.join(" or ")),
    };
    let message = format!("there is no {what} {}{hint}", shown(name, NAME_BYTES_SHOWN));
    Flaw { at: at.to_owned(), message, nearest }
}

/// An error that tells all flaws, if there are any.
pub fn refuse(flaws: &[Flaw]) -> Result<()> {
    if flaws.is_empty() {
        return Ok(());
    }
    let told: Vec<String> = flaws.iter().take(TOLD_MAX).map(|flaw| format!("{}: {}", flaw.at, flaw.message)).collect();
    let more = match flaws.len().saturating_sub(TOLD_MAX) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let error = Error::invalid(format!("the mapping is not right: {}{more}", told.join("; ")));
    Err(flaws.iter().take(TOLD_MAX).fold(error, |error, flaw| error.blaming(&flaw.at)))
}

/// An error that tells all flaws of a mapping that is kept, if there are any: whoever uses it has done nothing wrong.
pub(super) fn require_right(flaws: &[Flaw]) -> Result<()> {
    refuse(flaws).map_err(|error| {
        let next = "; an operator changes the mapping, or refreshes the schema";
        Error { message: error.message + next, ..Error::failure(FailureKind::Configuration, "") }
    })
}

/// What was compiled of a mapping that is kept, or an error that tells all flaws.
pub(super) fn sound<T>(compiled: std::result::Result<T, Vec<Flaw>>) -> Result<T> {
    compiled.map_err(|flaws| match require_right(&flaws) {
        Err(error) => error,
        Ok(()) => Error::internal("a mapping without flaws was refused"),
    })
}

/// The names nearest to one that does not exist, without regard to case: at most a third of it is other.
fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Vec<String> {
    let name = shown(name, NAME_BYTES_SHOWN).to_lowercase();
    let most = (name.chars().count() / 3).max(2);
    let distance = |known: &'n str| {
        let folded = known.to_lowercase();
        // A part of a name is often all that is remembered of it.
        let part = name.len() >= 3 && (folded.contains(&name) || name.contains(&folded));
        let distance = strsim::damerau_levenshtein(&name, &folded);
        (distance <= most || part).then_some((distance, known))
    };
    let mut near: Vec<(usize, &str)> = known.filter_map(distance).collect();
    near.sort_unstable();
    near.into_iter().take(NEAREST_MAX).map(|(_, name)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_come_first_and_strangers_not_at_all() {
        let known = ["mail", "mailNickname", "sn", "givenName", "Mial"];
        assert_eq!(nearest("mial", known.into_iter()), ["Mial", "mail"]);
        assert_eq!(nearest("MAIL", known.into_iter())[0], "mail");
        assert_eq!(nearest("given", known.into_iter()), ["givenName"]);
        assert!(nearest("userAccountControl", known.into_iter()).is_empty());
    }

    #[test]
    fn an_error_tells_all_flaws_and_where_they_are() {
        let mut flaws = Flaws::default();
        flaws.below("properties", |flaws| {
            flaws.below("mail", |flaws| flaws.unknown("column", "mial", ["mail"].into_iter()));
        });
        flaws.note("no key");
        let error = refuse(&flaws.into_found()).unwrap_err();
        assert!(error.message.contains("properties.mail: there is no column mial; did you mean mail?"), "{error}");
        assert_eq!(error.attributes, ["properties.mail", ""]);
        assert_eq!(refuse(&[]), Ok(()));
    }
}
