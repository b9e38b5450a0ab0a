//! How it tells what it met.

use hawser_sdk::{Error, Finding, Result};

/// What came of a misdeed.
pub(crate) fn tried<T>(what: &str, tried: Result<T>) -> Finding {
    match tried {
        Ok(_) => Finding::fine(format!("{what}: the door was open")),
        Err(error) => Finding::problem(Error::new(error.kind(), format!("{what}: {}", error.message()))),
    }
}

/// The same as one line.
pub(crate) fn finding<T>(what: &str, tried: Result<T>) -> String {
    match tried {
        Ok(_) => format!("{what}: the door was open"),
        Err(error) => format!("{what}: {:?}", error.kind()),
    }
}

/// All lines in one message.
pub(crate) fn report(lines: &[String]) -> Error {
    Error::conflict(lines.join("; "))
}
