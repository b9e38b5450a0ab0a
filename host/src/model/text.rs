//! Foreign text: what people may be shown of it, and what no identifier holds.
//!
//! A connector may be hostile and a target may hold anything. Control characters move cursors and forge log lines;
//! direction overrides make one name read as another (Unicode UAX #9, section 2). Joiners stay: whole alphabets need
//! them.

use super::error::{Error, Result};

/// Does this character act on a terminal or reorder a line, so that no identifier may hold it?
pub fn acts(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The longest title that somebody gives a resource, in bytes.
const TITLE_BYTES_MAX: usize = 256;

/// Refuses a title that cannot be shown on a line.
///
/// # Errors
/// `invalid-request`.
pub fn title(title: &str) -> Result<()> {
    if title.is_empty() || title.len() > TITLE_BYTES_MAX || title.chars().any(char::is_control) {
        let message = format!("title takes 1 to {TITLE_BYTES_MAX} bytes without control characters");
        return Err(Error::invalid(message).blaming("title"));
    }
    Ok(())
}

/// The beginning of a text, at most so many bytes, cut between characters.
pub fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// A foreign text as people may see it: at most so many bytes of it, with U+FFFD for what acts.
pub fn shown(text: &str, bytes: usize) -> String {
    let marks = |c: char| matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}');
    cut(text, bytes).chars().map(|c| if acts(c) || marks(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "ä");
        assert_eq!(cut("abc", 3), "abc");
    }

    #[test]
    fn what_acts_is_not_shown() {
        assert_eq!(shown("a\u{1b}[2J\nb\u{202e}c", 99), "a\u{fffd}[2J\u{fffd}b\u{fffd}c");
        assert_eq!(shown("Zoë \u{200d}渡辺", 99), "Zoë \u{200d}渡辺");
    }
}
