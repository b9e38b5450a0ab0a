//! What a call returns: its result, and what it reached and used on the way, which the edge writes into the audit
//! trail whether the call went well or not.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::{Access, DestinationName, DirectoryName, Error, Result};

/// The end of a call.
#[derive(Clone, Debug)]
pub struct Called<T> {
    pub result: Result<T>,
    pub used: Used,
}

/// What a call reached and used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Directories it opened a file of, and what for.
    pub directories: BTreeSet<(DirectoryName, Access)>,
    /// Destinations it reached, and where they were.
    pub destinations: BTreeSet<(DestinationName, String)>,
    /// Slots whose secret it used, e.g. `new-password`.
    pub credentials: BTreeSet<String>,
    /// Slots whose secret it read.
    pub revealed: BTreeSet<String>,
    /// How many requests it was refused.
    pub refused: u64,
    /// What served it: `publisher/name version`, and whether without a signature. Nothing if no guest was entered.
    pub release: Option<String>,
    /// Lines of its log beyond the limits.
    pub log_lines_dropped: u64,
    /// From the call to its end, waiting included.
    pub duration: Duration,
}

impl<T> Called<T> {
    /// A call that ended before the guest was reached.
    pub(crate) fn refused(error: Error) -> Self {
        Self { result: Err(error), used: Used::default() }
    }

    /// The same call with its result looked at once more.
    pub fn and_then<U>(self, then: impl FnOnce(T) -> Result<U>) -> Called<U> {
        Called { result: self.result.and_then(then), used: self.used }
    }

    /// The same call with its result turned into another.
    pub fn map<U>(self, into: impl FnOnce(T) -> U) -> Called<U> {
        Called { result: self.result.map(into), used: self.used }
    }
}

impl Used {
    /// Adds what another call of the same operation used.
    pub fn merge(&mut self, other: Self) {
        self.directories.extend(other.directories);
        self.destinations.extend(other.destinations);
        self.credentials.extend(other.credentials);
        self.revealed.extend(other.revealed);
        self.refused += other.refused;
        self.release = other.release.or(self.release.take());
        self.log_lines_dropped += other.log_lines_dropped;
        self.duration += other.duration;
    }
}
