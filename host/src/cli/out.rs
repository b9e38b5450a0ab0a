//! The one place that writes to the terminal. A reader that goes away ends the command without a complaint, and text
//! that came from a target or a connector cannot steer the terminal.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use super::fault::Fault;
use crate::model::text::acts;

/// Writes a line to standard output.
pub(super) fn line(text: impl Display) -> Result<(), Fault> {
    writeln!(io::stdout().lock(), "{text}").map_err(|why| match why.kind() {
        ErrorKind::BrokenPipe => Fault::nobody_reads(),
        _ => Fault::failed(format!("cannot write the answer: {why}")),
    })
}

/// Writes a document as JSON.
pub(super) fn json(document: &serde_json::Value) -> Result<(), Fault> {
    line(format_args!("{document:#}"))
}

/// Tells the person about a fault, on standard error.
pub(super) fn complain(message: &str) {
    note(format_args!("{} {}", console::style("hawser:").red().for_stderr(), visible(message)));
}

/// Tells the person something that is not the answer, on standard error.
pub(super) fn note(text: impl Display) {
    // Nobody is left to tell when standard error is closed.
    let _closed = writeln!(io::stderr().lock(), "{text}");
}

/// The text with control characters other than line breaks made visible, so that a name in a target cannot move the
/// cursor or rewrite what was printed; bidirectional overrides as well, so that it cannot reorder it.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if steers(char) { shown.extend(char.escape_unicode()) } else { shown.push(char) }
    }
    shown
}

fn steers(char: char) -> bool {
    acts(char) && char != '\n'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_a_target_cannot_steer_the_terminal() {
        assert_eq!(visible("a\u{1b}[2Jb\u{9b}c\rd"), "a\\u{1b}[2Jb\\u{9b}c\\u{d}d");
        assert_eq!(visible("\u{202e}txt"), "\\u{202e}txt");
    }

    #[test]
    fn names_of_all_alphabets_stay_as_they_are() {
        assert_eq!(visible("Zoë Łukasz 渡辺\nNino"), "Zoë Łukasz 渡辺\nNino");
    }
}
