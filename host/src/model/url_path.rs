//! The path of a web service, as permissions compare it: segment by segment, percent-decoded once.
//!
//! Servers and what stands before them disagree about paths, and a prefix that one of them reads differently is none. So
//! whatever could be read as a step upwards is refused: `..` and `.`, also percent-encoded (repeatedly too), behind an
//! encoded slash or backslash, or before the parameters of a segment (`..;x`, RFC 3986, 3.3), an encoded query, fragment or
//! space. An encoded slash by itself is a character of its segment and ends nothing.

use std::fmt;

/// The longest path with its query, in bytes.
pub const PATH_BYTES_MAX: usize = 8 * 1024;
/// How often percent-encoding may stand in itself.
const ENCODED_MAX: usize = 4;

/// A path without steps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UrlPath(Vec<Vec<u8>>);

/// Why a text is no path, in words that say what would be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPath {
    #[error("a path begins with one `/`")]
    Start,
    #[error("a path and its query have at most {PATH_BYTES_MAX} bytes")]
    Length,
    #[error("what is not in RFC 3986 is percent-encoded in a path")]
    Character,
    #[error("a path has no `.` and no `..`, however they are written")]
    Step,
    #[error("a path has no control characters, also percent-encoded")]
    Control,
}

impl UrlPath {
    /// Reads a path without query and fragment.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, NoPath> {
        if text.len() > PATH_BYTES_MAX {
            return Err(NoPath::Length);
        }
        let segments = text.strip_prefix('/').filter(|rest| !rest.starts_with('/')).ok_or(NoPath::Start)?;
        segments.split('/').map(segment).collect::<Result<_, _>>().map(Self)
    }

    /// Is it the other path, or below it? A slash at the other's end says nothing.
    pub fn is_below(&self, other: &Self) -> bool {
        let end = other.0.iter().rposition(|segment| !segment.is_empty()).map_or(0, |last| last + 1);
        other.0.get(..end).is_some_and(|other| self.0.starts_with(other))
    }
}

/// As it was decoded: for people.
impl fmt::Display for UrlPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| write!(f, "/{}", String::from_utf8_lossy(segment)))
    }
}

/// Path and query, which begins behind the first `?`.
///
/// # Errors
/// As [`UrlPath::parse`]; [`NoPath::Character`] for what is none of a query, a fragment among it.
pub fn split(text: &str) -> Result<(UrlPath, Option<&str>), NoPath> {
    if text.len() > PATH_BYTES_MAX {
        return Err(NoPath::Length);
    }
    let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    // Brackets are not in RFC 3986, and in many queries.
    let fits = |byte: u8| is_character(byte) || matches!(byte, b'/' | b'?' | b'%' | b'[' | b']');
    if query.is_some_and(|query| !query.bytes().all(fits)) {
        return Err(NoPath::Character);
    }
    Ok((UrlPath::parse(path)?, query))
}

fn segment(text: &str) -> Result<Vec<u8>, NoPath> {
    if !text.bytes().all(|byte| is_character(byte) || byte == b'%') {
        return Err(NoPath::Character);
    }
    let (decoded, whole) = decoded(text.as_bytes());
    if !whole {
        return Err(NoPath::Character);
    }
    harmless(&decoded)?;
    Ok(decoded)
}

/// However often somebody decodes it once more.
fn harmless(segment: &[u8]) -> Result<(), NoPath> {
    let mut text = segment.to_vec();
    for _ in 0..ENCODED_MAX {
        if text.iter().any(u8::is_ascii_control) {
            return Err(NoPath::Control);
        }
        if text.split(|byte| matches!(byte, b'/' | b'\\')).any(is_step) {
            return Err(NoPath::Step);
        }
        if !text.contains(&b'%') {
            return Ok(());
        }
        let (next, _) = decoded(&text);
        if next == text {
            return Ok(());
        }
        text = next;
    }
    Err(NoPath::Step)
}

fn is_step(piece: &[u8]) -> bool {
    let name = piece.split(|byte| matches!(byte, b';' | b'?' | b'#')).next().unwrap_or_default();
    matches!(name.trim_ascii_end(), b"." | b"..")
}

/// Once, and whether every `%` begins an escape; one that does not stays.
fn decoded(text: &[u8]) -> (Vec<u8>, bool) {
    let (mut decoded, mut rest, mut whole) = (Vec::with_capacity(text.len()), text, true);
    while let Some((byte, after)) = rest.split_first() {
        match escape(after).filter(|_| *byte == b'%') {
            Some((escaped, after)) => {
                decoded.push(escaped);
                rest = after;
            }
            None => {
                whole &= *byte != b'%';
                decoded.push(*byte);
                rest = after;
            }
        }
    }
    (decoded, whole)
}

/// The byte that two digits say, and what follows them.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let ([high, low], after) = text.split_first_chunk::<2>()?;
    Some((digit(*high)? << 4 | digit(*low)?, after))
}

/// `pchar` of RFC 3986, 3.3, without the escapes.
fn is_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn path(text: &str) -> UrlPath {
        UrlPath::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"))
    }

    #[test]
    fn what_is_no_path_of_this_server_is_refused() {
        for (text, why) in [
            ("", NoPath::Start),
            ("*", NoPath::Start),
            ("a", NoPath::Start),
            ("//evil.example/", NoPath::Start),
            ("https://evil.example/", NoPath::Start),
            ("@evil.example/", NoPath::Start),
            ("/a\\b", NoPath::Character),
            ("/a b", NoPath::Character),
            ("/a\tb", NoPath::Character),
            ("/a\r\nHost: evil.example", NoPath::Character),
            ("/a#b", NoPath::Character),
            ("/ä", NoPath::Character),
            ("/%", NoPath::Character),
            ("/%4", NoPath::Character),
            ("/%zz", NoPath::Character),
            ("/%00", NoPath::Control),
            ("/a%0d%0aHost", NoPath::Control),
            ("/%250a", NoPath::Control),
            ("/..", NoPath::Step),
            ("/a/./b", NoPath::Step),
            ("/a/%2e%2e/b", NoPath::Step),
            ("/a/.%2E/b", NoPath::Step),
            ("/a/%252e%252e/b", NoPath::Step),
            ("/a/..;x=1/b", NoPath::Step),
            ("/a/..%3bx/b", NoPath::Step),
            ("/a/..%3Fx", NoPath::Step),
            ("/a/..%23", NoPath::Step),
            ("/a/..%20/b", NoPath::Step),
            ("/a/..%2520%253bx/b", NoPath::Step),
            ("/a%2f..%2fb", NoPath::Step),
            ("/a%5c..%5cb", NoPath::Step),
            ("/a%252f..%252fb", NoPath::Step),
            ("/%25zz%252f%252e%252e", NoPath::Step),
            ("/%2525252525252e", NoPath::Step),
        ] {
            assert_eq!(UrlPath::parse(text), Err(why), "{text:?}");
        }
        assert_eq!(UrlPath::parse(&format!("/{}", "a".repeat(PATH_BYTES_MAX))), Err(NoPath::Length));
        for text in ["/a?b#c", "/a?b c", "/a?b\\c", "/a?\r\nHost: evil.example", "/a?ä"] {
            assert_eq!(split(text), Err(NoPath::Character), "{text:?}");
        }
    }

    #[test]
    fn a_prefix_ends_where_a_segment_does() {
        for (text, prefix, below) in [
            ("/scim/v2", "/scim/v2", true),
            ("/scim/v2/", "/scim/v2", true),
            ("/scim/v2", "/scim/v2/", true),
            ("/scim/v2/Users/7", "/scim/v2", true),
            ("/%73cim/v2/Users", "/scim/v2", true),
            ("/anything", "/", true),
            ("/", "/", true),
            ("/a%2Fb/c", "/a%2fb", true),
            ("/scim/v22", "/scim/v2", false),
            ("/scim", "/scim/v2", false),
            ("/scim%2Fv2", "/scim/v2", false),
            ("/scim//v2", "/scim/v2", false),
            ("/Scim/v2", "/scim/v2", false),
            ("/", "/scim", false),
        ] {
            assert_eq!(path(text).is_below(&path(prefix)), below, "{text} {prefix}");
        }
        assert_eq!(split("/a?filter[x]=%20y&z=/?"), Ok((path("/a"), Some("filter[x]=%20y&z=/?"))));
    }

    /// What servers make of a path: decoded as often as it says, and its steps taken.
    fn taken(text: &str, times: usize) -> Vec<String> {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..times {
            bytes = decoded(&bytes).0;
        }
        let mut steps = Vec::new();
        for piece in String::from_utf8_lossy(&bytes).replace('\\', "/").split('/').filter(|piece| !piece.is_empty()) {
            match piece.split(';').next().unwrap_or_default() {
                "." => {}
                ".." => drop(steps.pop()),
                _ => steps.push(piece.to_owned()),
            }
        }
        steps
    }

    proptest! {
        #[test]
        fn what_is_below_a_prefix_stays_there_however_a_server_reads_it(
            text in "/a/b(/([ab.]{1,3}|%2[eEfF5c]|%252[ef]|%25|%5c|;|\\.\\.){1,4}){0,4}", times in 0..4usize,
        ) {
            if let Ok(read) = UrlPath::parse(&text) && read.is_below(&path("/a/b")) {
                let steps = taken(&text, times);
                prop_assert!(steps.starts_with(&["a".to_owned(), "b".to_owned()]), "{text}: {steps:?}");
            }
        }

        #[test]
        fn every_name_can_be_written_and_is_read_as_it_is(name in "[^\\p{Cc}/\\\\;]{1,20}") {
            prop_assume!(!name.contains('%') && !is_step(name.as_bytes()));
            let text: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(path(&format!("/users/{text}")).to_string(), format!("/users/{name}"));
        }
    }
}
