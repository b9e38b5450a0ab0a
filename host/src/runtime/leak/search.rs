//! One automaton for all forms of some secrets.
//!
//! | a secret stands there | is found by |
//! |---|---|
//! | as it is, in hexadecimal, in UTF-16LE | a pattern each |
//! | in base64, standard or URL-safe, in the middle of other bytes | a pattern for each of the three alignments |
//! | percent-encoded, wholly or in part | the same patterns, once the text is decoded |
//! | escaped as JSON does, wholly or in part | the same patterns, once the text is unescaped |
//!
//! Decoding the text instead of encoding the secret finds every mixture of escaped and plain characters.

use std::borrow::Cow;
use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::model::Secret;
use crate::model::text::shown;
use crate::runtime::limits::{LEAK_LINE_BYTES_MIN, LEAK_PATTERN_BYTES_MAX, LEAK_SECRET_BYTES_MIN};

/// What begins and ends a key in PEM, and is no secret (RFC 7468).
const PEM_BOUNDARY: &[u8] = b"-----";

/// A search for some secrets in all their forms.
pub(in crate::runtime) struct Search {
    /// None if it could not be built: then nothing passes.
    automaton: Option<AhoCorasick>,
    /// For each pattern whose it is, as people are told.
    owners: Vec<String>,
    /// Is there a space in any of them? Only then can a text's plus signs hide one.
    spaced: bool,
    /// The longest pattern, in bytes.
    longest: usize,
}

/// A byte is escaped in at most so many: `\u0041`.
const ESCAPE_BYTES_MAX: usize = 6;

impl Search {
    /// A search for these, under the names people are told, and for each line of theirs, because they may be keys; none if
    /// all are too short to be told from other text.
    pub(in crate::runtime) fn new<'a>(secrets: impl IntoIterator<Item = (String, &'a Secret)>) -> Option<Self> {
        let pieces = |(owner, secret): (String, &'a Secret)| pieces(secret.expose()).map(move |it| (owner.clone(), it));
        Self::of(secrets.into_iter().flat_map(pieces))
    }

    /// A search for one that is no key, and as a whole.
    pub(in crate::runtime) fn one(owner: String, secret: &Secret) -> Option<Self> {
        Self::of(piece(secret.expose()).map(|piece| (owner, piece)))
    }

    fn of<'a>(pieces: impl IntoIterator<Item = (String, &'a [u8])>) -> Option<Self> {
        let mut patterns = BTreeMap::new();
        for (owner, piece) in pieces {
            for pattern in forms(piece) {
                patterns.entry(pattern).or_insert_with(|| owner.clone());
            }
        }
        // A dense automaton would be quicker and takes a hundred times the memory for a long key. Which match comes first
        // makes no difference here; but only where it is the leftmost, the crate looks at many bytes at once.
        let mut builder = AhoCorasick::builder();
        builder.kind(Some(AhoCorasickKind::ContiguousNFA)).match_kind(MatchKind::LeftmostFirst);
        let automaton = builder.build(patterns.keys()).ok();
        let spaced = patterns.keys().any(|pattern| pattern.contains(&b' '));
        let longest = patterns.keys().map(Vec::len).max()?;
        Some(Self { automaton, owners: patterns.into_values().collect(), spaced, longest })
    }

    /// The most bytes that a secret takes in any of its forms.
    pub(in crate::runtime) fn reach(&self) -> usize {
        self.longest * ESCAPE_BYTES_MAX
    }

    /// Whose secret a text holds.
    pub(in crate::runtime) fn find(&self, text: &[u8]) -> Option<&str> {
        let decoded = |mark: u8, decode: fn(&[u8]) -> Vec<u8>| {
            text.contains(&mark).then(|| decode(text)).and_then(|text| self.matching(&text))
        };
        let form = || self.spaced.then(|| decoded(b'+', form_decoded)).flatten();
        let escaped = || decoded(b'%', percent_decoded).or_else(form);
        self.matching(text).or_else(escaped).or_else(|| decoded(b'\\', json_unescaped))
    }

    fn matching(&self, text: &[u8]) -> Option<&str> {
        let pattern = match &self.automaton {
            Some(automaton) => automaton.find(text)?.pattern().as_usize(),
            None => 0,
        };
        self.owners.get(pattern).map(String::as_str)
    }
}

/// What of a secret gives it away: its beginning, and each line of a key.
fn pieces(secret: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = secret.split(|byte| matches!(byte, b'\n' | b'\r'));
    let lines = lines.filter(|line| line.len() >= LEAK_LINE_BYTES_MIN && !line.starts_with(PEM_BOUNDARY));
    std::iter::once(secret).chain(lines).filter_map(piece)
}

fn piece(bytes: &[u8]) -> Option<&[u8]> {
    (bytes.len() >= LEAK_SECRET_BYTES_MIN).then(|| head(bytes, LEAK_PATTERN_BYTES_MAX))
}

fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let wide = std::str::from_utf8(secret).map(|text| text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    let bytes: Vec<Vec<u8>> = std::iter::once(secret.to_vec()).chain(wide).collect();
    let shown: Vec<_> = bytes.iter().filter_map(|bytes| as_shown(bytes)).collect();
    let hex = |digit: fn(&u8) -> String| secret.iter().map(digit).collect::<String>().into_bytes();
    let hex = [hex(|byte| format!("{byte:02x}")), hex(|byte| format!("{byte:02X}"))];
    let base64 = [STANDARD_NO_PAD, URL_SAFE_NO_PAD].into_iter().flat_map(|engine| base64(secret, &engine));
    bytes.into_iter().chain(shown).chain(hex).chain(base64).collect()
}

/// As an error or a finding has it, whose control characters were replaced before it is searched.
fn as_shown(bytes: &[u8]) -> Option<Vec<u8>> {
    std::str::from_utf8(bytes).ok().map(|text| shown(text, usize::MAX).into_bytes())
}

/// The characters that depend on the secret alone, with none, one and two bytes before it.
fn base64(secret: &[u8], engine: &GeneralPurpose) -> Vec<Vec<u8>> {
    let aligned = |before: usize| {
        let bytes = [&vec![0; before], secret].concat();
        let (first, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        engine.encode(&bytes).into_bytes().get(first..end).unwrap_or_default().to_vec()
    };
    (0..3).map(aligned).collect()
}

/// RFC 3986, 2.1; what is no escape stays.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    unescaped(text, b'%', |after| {
        let code = u8::try_from(hexadecimal(head(after, 2), 2)?).ok()?;
        Some((Cow::Owned(vec![code]), 2))
    })
}

/// As forms are sent: a plus is a space.
fn form_decoded(text: &[u8]) -> Vec<u8> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decoded(&spaced)
}

/// RFC 8259, 7; what is no escape stays.
fn json_unescaped(text: &[u8]) -> Vec<u8> {
    unescaped(text, b'\\', json_escape)
}

/// The bytes that an escape stands for, and how long it is behind its mark.
type Escape = (Cow<'static, [u8]>, usize);

/// A text with what the marks in it begin replaced. `decode` says what stands behind a mark and how long it is, if it is an
/// escape.
fn unescaped(text: &[u8], mark: u8, decode: impl Fn(&[u8]) -> Option<Escape>) -> Vec<u8> {
    let (mut decoded, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some(at) = memchr::memchr(mark, rest) {
        let (plain, after) = (head(rest, at), tail(rest, at + 1));
        let (bytes, length) = decode(after).unwrap_or((Cow::Owned(vec![mark]), 0));
        decoded.extend_from_slice(plain);
        decoded.extend_from_slice(&bytes);
        rest = tail(after, length);
    }
    decoded.extend_from_slice(rest);
    decoded
}

/// What stands behind a backslash, and its length.
fn json_escape(text: &[u8]) -> Option<Escape> {
    let plain: &'static [u8] = match text.first()? {
        b'"' => b"\"",
        b'\\' => b"\\",
        b'/' => b"/",
        b'b' => b"\x08",
        b'f' => b"\x0c",
        b'n' => b"\n",
        b'r' => b"\r",
        b't' => b"\t",
        b'u' => return json_character(tail(text, 1)),
        _ => return None,
    };
    Some((Cow::Borrowed(plain), 1))
}

/// A character as one or two UTF-16 units of four digits each, the `u` before the first already read.
fn json_character(text: &[u8]) -> Option<Escape> {
    let first = unit(text)?;
    let second = tail(text, 4).strip_prefix(b"\\u").and_then(unit);
    let decode = |units: &[u16]| char::decode_utf16(units.iter().copied()).collect::<Result<String, _>>().ok();
    let pair = || second.and_then(|second| Some((decode(&[first, second])?, 11)));
    let (text, length) = decode(&[first]).map(|text| (text, 5)).or_else(pair)?;
    Some((Cow::Owned(text.into_bytes()), length))
}

fn unit(digits: &[u8]) -> Option<u16> {
    hexadecimal(head(digits, 4), 4).and_then(|code| u16::try_from(code).ok())
}

/// Exactly so many digits.
fn hexadecimal(digits: &[u8], count: usize) -> Option<u32> {
    let digits = Some(digits).filter(|digits| digits.len() == count)?;
    digits.iter().try_fold(0, |sum, digit| Some(sum * 16 + char::from(*digit).to_digit(16)?))
}

fn head(bytes: &[u8], count: usize) -> &[u8] {
    bytes.get(..count).unwrap_or(bytes)
}

fn tail(bytes: &[u8], count: usize) -> &[u8] {
    bytes.get(count..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn search(secret: &[u8]) -> Option<Search> {
        Search::new([("it".to_owned(), &Secret::new(secret.to_vec()).unwrap())])
    }

    /// The ways in which each character is written by itself.
    fn written(secret: &str, write: impl Fn(u8) -> String) -> Vec<u8> {
        secret.bytes().map(write).collect::<String>().into_bytes()
    }

    fn percent(byte: u8, plain: &str) -> String {
        let kept = byte.is_ascii_alphanumeric() || plain.as_bytes().contains(&byte);
        if kept { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    }

    /// A secret in every form, with other bytes around it.
    fn leaks(before: &[u8], secret: &str, after: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
        let around = |inner: &[u8]| [before, inner, after].concat();
        let whole = around(secret.as_bytes());
        let wide: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let json = serde_json::to_string(secret).unwrap();
        let units = |unit: u16| format!("\\u{unit:04x}");
        vec![
            ("plain", whole.clone()),
            ("base64", STANDARD_NO_PAD.encode(&whole).into_bytes()),
            ("base64 url", URL_SAFE_NO_PAD.encode(&whole).into_bytes()),
            ("base64 in json", STANDARD_NO_PAD.encode(&whole).replace('/', "\\/").into_bytes()),
            ("hex", around(&written(secret, |byte| format!("{byte:02x}")))),
            ("HEX", around(&written(secret, |byte| format!("{byte:02X}")))),
            ("all percent", around(&written(secret, |byte| format!("%{byte:02X}")))),
            ("all percent, lower", around(&written(secret, |byte| format!("%{byte:02x}")))),
            ("percent", around(&written(secret, |byte| percent(byte, "-._~")))),
            ("percent as scripts do", around(&written(secret, |byte| percent(byte, "-._~!*'()")))),
            ("form", around(&written(secret, |byte| percent(byte, "*-._ ").replace(' ', "+")))),
            ("json", around(&json.as_bytes()[1..json.len() - 1])),
            ("json units", around(secret.encode_utf16().map(units).collect::<String>().as_bytes())),
            ("utf-16", around(&wide)),
            ("utf-16, shown", as_shown(&around(&wide)).unwrap_or_else(|| whole.clone())),
        ]
    }

    proptest! {
        #[test]
        fn a_secret_is_found_in_every_form_at_every_offset(
            secret in "[ -~]{8,40}|[ -~äß渡\u{1f511}]{4,40}",
            before in "[ -Z^-z]{0,5}",
            after in "[ -Z^-z]{0,40}",
        ) {
            prop_assume!(secret.len() >= LEAK_SECRET_BYTES_MIN);
            let search = search(secret.as_bytes()).unwrap();
            for (form, text) in leaks(before.as_bytes(), &secret, after.as_bytes()) {
                // An escape begun before the secret swallows its first character: the leak is another text then.
                let begun = before.ends_with('%') || before.len() > 1 && before[..before.len() - 1].ends_with('%');
                if !(begun && (form.contains("percent") || form == "form")) {
                    prop_assert_eq!(search.find(&text), Some("it"), "{}", form);
                }
            }
        }

        #[test]
        fn bytes_that_are_no_text_are_found_too(
            secret in prop::collection::vec(any::<u8>(), 8..64),
            before in prop::collection::vec(any::<u8>(), 0..5),
        ) {
            let search = search(&secret).unwrap();
            let whole = [&before[..], &secret[..], b"after"].concat();
            prop_assert!(search.find(&whole).is_some());
            prop_assert!(search.find(STANDARD_NO_PAD.encode(&whole).as_bytes()).is_some());
            prop_assert!(search.find(URL_SAFE_NO_PAD.encode(&whole).as_bytes()).is_some());
        }

        #[test]
        fn other_text_is_not(secret in "[!-~]{12,40}", text in "[ -~äß渡]{0,200}") {
            prop_assume!(!text.contains(&secret[..8]));
            let search = search(secret.as_bytes()).unwrap();
            prop_assert_eq!(search.find(text.as_bytes()), None);
        }
    }

    #[test]
    fn what_is_too_short_to_be_told_from_other_text_is_not_searched_for() {
        assert!(search(b"1234567").is_none());
        assert!(search(b"12345678").is_some());
    }

    #[test]
    fn a_line_of_a_key_gives_the_key_away_and_its_boundary_does_not() {
        let line = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v";
        let search = search(format!("-----BEGIN PRIVATE KEY-----\n{line}\n-----END PRIVATE KEY-----\n").as_bytes());
        let search = search.unwrap();
        assert_eq!(search.find(format!("it begins with {line}").as_bytes()), Some("it"));
        assert_eq!(search.find(b"-----BEGIN PRIVATE KEY-----\nothers"), None);
    }

    #[test]
    fn of_two_secrets_the_one_that_is_there_is_named() {
        let [one, other] = ["first-secret", "second-secret"].map(|text| Secret::new(text.into()).unwrap());
        let search = Search::new([("one".to_owned(), &one), ("other".to_owned(), &other)]).unwrap();
        assert_eq!(search.find(b"the second-secret it is"), Some("other"));
        assert_eq!(search.find(b"the first-secret it is"), Some("one"));
    }
}
