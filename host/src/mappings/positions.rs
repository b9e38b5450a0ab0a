//! Where a stream over the tables of several connections ended, and the next one goes on.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::model::{ConnectionId, Position};

/// Positions by connection, in lower case: where a stream ended, and where the next one begins. As a text `hr:7,ad:9`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Positions(BTreeMap<String, Position>);

impl Positions {
    /// That of a connection; the beginning, if none is known.
    pub(super) fn of(&self, folded: &str) -> Position {
        self.0.get(folded).copied().unwrap_or_default()
    }

    /// Is everything up to these positions what was known at those?
    pub(super) fn are(&self, since: &Self) -> bool {
        self.0.iter().all(|(connection, position)| since.of(connection) == *position)
    }

    /// Takes over others.
    pub(super) fn join(&mut self, others: Self) {
        others.0.into_iter().for_each(|(connection, position)| {
            self.note(connection, position);
        });
    }

    /// Notes where a table of a connection ends. The earliest holds for all of them. Answers whether they agree.
    pub(super) fn note(&mut self, folded: String, end: Position) -> bool {
        let known = self.0.entry(folded).or_insert(end);
        let agrees = *known == end;
        *known = (*known).min(end);
        agrees
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (connection, position)) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{connection}:{}", position.0)?;
        }
        Ok(())
    }
}

impl FromStr for Positions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut positions = BTreeMap::new();
        for part in text.split(',') {
            let (connection, position) = part.split_once(':').unwrap_or_default();
            let known: Option<ConnectionId> = connection.parse().ok();
            let position = position.parse::<i64>().ok().filter(|position| *position >= 0);
            let before = known.zip(position).map(|(id, position)| positions.insert(id.folded(), Position(position)));
            if before != Some(None) {
                return Err("it is no position of a stream; give it as its last line told it".to_owned());
            }
        }
        Ok(Self(positions))
    }
}

impl TryFrom<String> for Positions {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_as_they_are_written_and_nothing_else_is() {
        let written = "ad:9,hr.people:7";
        assert_eq!(written.parse::<Positions>().unwrap().to_string(), written);
        for text in ["", "7", "hr:", "hr:-1", "hr:x", "h_r:1", "hr:1,", "hr:1,hr:2"] {
            assert!(text.parse::<Positions>().is_err(), "{text}");
        }
    }
}
