//! How a file is written: byte order mark, delimiter, line ending, quoting, encoding. Found out from its beginning,
//! and kept when the file is written.

use hawser_sdk::{Error, Result};
use serde::Deserialize;
use std::borrow::Cow;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// What may stand between two cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Delimiter {
    Auto,
    Comma,
    Semicolon,
    Tab,
    Pipe,
}

/// What characters the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "latin-1")]
    Latin1,
    #[serde(rename = "windows-1252")]
    Windows1252,
}

/// How one file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// Bytes before the header: a byte order mark or nothing.
    pub(crate) start: u64,
    pub(crate) delimiter: u8,
    pub(crate) newline: &'static str,
    /// Every cell is quoted, not only those that need it.
    pub(crate) quotes_all: bool,
    pub(crate) encoding: Encoding,
}

impl Dialect {
    /// Reads the dialect off the beginning of a file.
    pub(crate) fn sniff(beginning: &[u8], delimiter: Delimiter, encoding: Encoding) -> Result<Self> {
        if beginning.starts_with(b"\xFF\xFE") || beginning.starts_with(b"\xFE\xFF") {
            return Err(Error::configuration("the file is in UTF-16; save it as UTF-8"));
        }
        let text = beginning.strip_prefix(BOM).unwrap_or(beginning);
        let (line, newline) = first_line(text);
        Ok(Self {
            start: (beginning.len() - text.len()) as u64,
            delimiter: delimiter.byte().unwrap_or_else(|| most_frequent(line)),
            newline,
            quotes_all: line.len() > 1 && line.starts_with(b"\"") && line.ends_with(b"\""),
            encoding,
        })
    }
}

impl Delimiter {
    fn byte(self) -> Option<u8> {
        match self {
            Self::Auto => None,
            Self::Comma => Some(b','),
            Self::Semicolon => Some(b';'),
            Self::Tab => Some(b'\t'),
            Self::Pipe => Some(b'|'),
        }
    }
}

/// The line up to the first line break that is not quoted, and that line break.
fn first_line(text: &[u8]) -> (&[u8], &'static str) {
    let mut quoted = false;
    for (at, byte) in text.iter().enumerate() {
        let (line, rest) = text.split_at(at);
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => return (line, "\n"),
            b'\r' if !quoted && rest.starts_with(b"\r\n") => return (line, "\r\n"),
            b'\r' if !quoted => return (line, "\r"),
            _ => {}
        }
    }
    (text, "\n")
}

/// The delimiter the line has most of, outside of quotes; a comma if it has none.
fn most_frequent(line: &[u8]) -> u8 {
    let count = |delimiter: u8| {
        let outside = line.split(|byte| *byte == b'"').step_by(2);
        outside.flatten().filter(|byte| **byte == delimiter).count()
    };
    // The last maximum wins, so the comma stands last.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

/// What windows-1252 has where Latin-1 has control characters; the five holes stay control characters.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

impl Encoding {
    /// The characters of some bytes; `None` if they are none in this encoding.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match std::str::from_utf8(bytes) {
            Ok(text) if self == Self::Utf8 || text.is_ascii() => Some(Cow::Borrowed(text)),
            _ if self == Self::Utf8 => None,
            _ => Some(Cow::Owned(bytes.iter().map(|byte| self.character(*byte)).collect())),
        }
    }

    /// The bytes of some characters; `None` if the encoding lacks one of them.
    pub(crate) fn encode(self, text: &str) -> Option<Cow<'_, [u8]>> {
        if self == Self::Utf8 || text.is_ascii() {
            return Some(Cow::Borrowed(text.as_bytes()));
        }
        text.chars().map(|character| self.byte(character)).collect::<Option<Vec<u8>>>().map(Cow::Owned)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Latin1 => "latin-1",
            Self::Windows1252 => "windows-1252",
        }
    }

    fn character(self, byte: u8) -> char {
        match WINDOWS_1252.get(usize::from(byte).wrapping_sub(0x80)) {
            Some(character) if self == Self::Windows1252 => *character,
            _ => char::from(byte),
        }
    }

    fn byte(self, character: char) -> Option<u8> {
        let byte = match WINDOWS_1252.iter().position(|held| *held == character) {
            Some(at) if self == Self::Windows1252 => u8::try_from(at + 0x80).ok()?,
            _ => u8::try_from(character).ok()?,
        };
        (self.character(byte) == character).then_some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sniff(text: &[u8]) -> Dialect {
        Dialect::sniff(text, Delimiter::Auto, Encoding::Utf8).unwrap()
    }

    #[test]
    fn utf_16_is_refused_with_the_remedy() {
        let error = Dialect::sniff(b"\xFF\xFEi\0d\0", Delimiter::Auto, Encoding::Utf8).unwrap_err();
        assert!(error.message().contains("save it as UTF-8"));
    }

    #[test]
    fn delimiter_line_ending_mark_and_quoting_are_read_off_the_header() {
        let dialect = sniff(b"\xEF\xBB\xBF\"id\";\"a,b,c,d\"\r\n1;2");
        assert_eq!((dialect.start, dialect.delimiter, dialect.newline), (3, b';', "\r\n"));
        assert!(dialect.quotes_all);
        assert_eq!(sniff(b"id\tname\r1\t2").delimiter, b'\t');
        assert_eq!(sniff(b"id\tname\r1\t2").newline, "\r");
        assert_eq!(sniff(b"id|name").delimiter, b'|');
        assert_eq!(sniff(b"id").delimiter, b',');
        assert_eq!(Dialect::sniff(b"a,b;c", Delimiter::Semicolon, Encoding::Utf8).unwrap().delimiter, b';');
    }

    #[test]
    fn every_byte_of_the_old_encodings_comes_back_as_it_was() {
        for encoding in [Encoding::Latin1, Encoding::Windows1252] {
            let bytes: Vec<u8> = (0..=255).collect();
            let text = encoding.decode(&bytes).unwrap().into_owned();
            assert_eq!(encoding.encode(&text).unwrap(), bytes);
        }
    }

    #[test]
    fn what_an_encoding_lacks_cannot_be_written_in_it() {
        assert_eq!(Encoding::Latin1.encode("5 €"), None);
        assert_eq!(Encoding::Windows1252.encode("5 €").unwrap().as_ref(), b"5 \x80");
        assert_eq!(Encoding::Windows1252.encode("\u{80}"), None);
        assert_eq!(Encoding::Utf8.decode(b"J\xFCrgen"), None);
        assert_eq!(Encoding::Latin1.decode(b"J\xFCrgen").unwrap(), "Jürgen");
    }
}
