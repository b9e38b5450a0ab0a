//! Paths and queries: what stands in them is percent-encoded, and where a resource lives is read from whatever a service
//! calls its endpoint.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands as it is (RFC 3986, 2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One segment of a path; nothing for what would mean another place.
pub(crate) fn segment(text: &str) -> Option<String> {
    (!matches!(text, "" | "." | "..")).then(|| encoded(text))
}

/// A path and its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    text: String,
    separator: char,
}

impl Url {
    pub(crate) fn new(path: impl Into<String>) -> Self {
        Self { text: path.into(), separator: '?' }
    }

    /// Adds a parameter.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.text.push(self.separator);
        self.text.push_str(name);
        self.text.push('=');
        self.text.push_str(&encoded(value));
        self.separator = '&';
        self
    }

    /// Adds a parameter, if it has something to say.
    #[must_use]
    pub(crate) fn with_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

/// The endpoint of a resource type below the base: services write `/Users`, `Users`, and whole URLs.
pub(crate) fn endpoint(written: &str, base: &str) -> String {
    let path = match written.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default(),
        None => written,
    };
    let below = path.strip_prefix(base).filter(|rest| rest.starts_with('/')).unwrap_or(path);
    format!("/{}", below.trim_matches('/'))
}

/// The id of a resource below an endpoint, as the last segment of its URL. The endpoint itself is no resource.
pub(crate) fn id(url: &str, endpoint: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?.trim_end_matches('/');
    let (before, last) = path.rsplit_once('/')?;
    let is_below = before.ends_with(endpoint) || before == endpoint.trim_start_matches('/');
    let text = percent_encoding::percent_decode_str(last).decode_utf8().ok()?;
    (is_below && !text.is_empty()).then(|| text.into_owned())
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_means_another_place_is_no_segment() {
        for text in ["", ".", ".."] {
            assert_eq!(segment(text), None);
        }
        assert_eq!(segment("../a b?c#d%").as_deref(), Some("..%2Fa%20b%3Fc%23d%25"));
        for url in ["Users", "/Users", "https://x/scim/v2/Users", "https://x/v2/Users/", "https://x/Groups/1", ""] {
            assert_eq!(id(url, "/Users"), None, "{url}");
        }
        assert_eq!(id("Users/1", "/Users").as_deref(), Some("1"));
    }

    #[test]
    fn an_endpoint_is_below_the_base_however_it_is_written() {
        for written in
            ["/Users", "Users", "Users/", "/scim/v2/Users", "https://x.test/scim/v2/Users", "http://x:8/Users"]
        {
            assert_eq!(endpoint(written, "/scim/v2"), "/Users", "{written}");
        }
        assert_eq!(endpoint("/scim/v22/Users", "/scim/v2"), "/scim/v22/Users");
        assert_eq!(endpoint("https://x.test/Users", ""), "/Users");
    }

    #[test]
    fn a_query_begins_once() {
        let url = Url::new("/Users").with("a", "1").with_some("b", None).with("c", "x y&z");
        assert_eq!(url.into_text(), "/Users?a=1&c=x%20y%26z");
    }

    proptest! {
        #[test]
        fn an_id_survives_its_url(id in "[^/]{0,8}|\\PC{1,8}") {
            let Some(segment) = segment(&id) else { return Ok(()) };
            prop_assert!(segment.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#".contains(&byte)));
            prop_assert_eq!(super::id(&format!("https://x/Users/{segment}?a=b"), "/Users"), Some(id));
        }
    }
}
