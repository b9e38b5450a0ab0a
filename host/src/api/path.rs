//! Names of the target's own in a path: classes, attributes and uids.
//!
//! | in the path | means |
//! |---|---|
//! | `alice`, `cn%3Dalice` | the text itself, percent-encoded |
//! | `~Y249YWxpY2U` | base64url without padding, of the text in UTF-8 |
//!
//! The second form is for what a proxy or client library would normalise (slashes, dots) and for a text that itself
//! begins with `~`. The host writes whichever is readable and safe ([`segment`]) and takes both.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::model::id::InvalidId;

/// What a base64url form begins with.
pub(super) const MARK: char = '~';

/// A text as one segment of a path.
pub(super) fn segment(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'@');
    let dots_only = text.bytes().all(|b| b == b'.');
    if text.bytes().all(plain) && !dots_only { text.to_owned() } else { marked(text) }
}

/// The base64url form.
pub(super) fn marked(text: &str) -> String {
    format!("{MARK}{}", BASE64URL.encode(text))
}

/// What a segment (percent-decoded already) means.
pub(super) fn meant(segment: String) -> Result<String, String> {
    let Some(encoded) = segment.strip_prefix(MARK) else { return Ok(segment) };
    let bytes = BASE64URL.decode(encoded).map_err(|_| {
        format!("{segment:?} begins with {MARK} and is not base64url without padding; encode the whole text so")
    })?;
    String::from_utf8(bytes).map_err(|_| format!("{segment:?} is not UTF-8 once decoded"))
}

/// For `#[serde(deserialize_with)]` on a field of a path.
pub(super) fn named<'de, D: Deserializer<'de>, T: FromStr<Err = InvalidId>>(from: D) -> Result<T, D::Error> {
    meant(String::deserialize(from)?).map_err(D::Error::custom)?.parse().map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_the_host_writes_it_reads_again(text in ".+") {
            let written = segment(&text);
            prop_assert!(written.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@~".contains(&b)));
            prop_assert_eq!(meant(written), Ok(text));
        }
    }

    #[test]
    fn dot_segments_are_never_written_plainly() {
        for text in [".", "..", "~", "~alice", "a/b", "", "a b"] {
            assert!(segment(text).starts_with(MARK) || text.is_empty(), "{text}");
        }
        assert_eq!(segment("alice.smith@example.org"), "alice.smith@example.org");
    }

    #[test]
    fn a_marked_segment_that_is_no_base64url_is_refused_with_the_form() {
        assert!(meant("~a=".into()).unwrap_err().contains("base64url"));
        assert!(meant("~_w".into()).unwrap_err().contains("UTF-8"));
        assert_eq!(meant("~Y249YWxpY2U".into()), Ok("cn=alice".into()));
    }
}
