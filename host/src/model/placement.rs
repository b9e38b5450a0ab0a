//! Where in a request a secret is written, as manifests and permissions say it: `bearer`, `basic`, `header:x-api-key`,
//! `query:key`, `form:password`, `json:/password`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::id::InvalidId;

/// The longest name or pointer, in bytes.
pub const PLACEMENT_BYTES_MAX: usize = 256;

/// A kind of place, and which one it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Placement {
    /// `Authorization: Bearer` (RFC 6750).
    Bearer,
    /// `Authorization: Basic`, of which it is the password (RFC 7617).
    Basic,
    /// A header, in lower case.
    Header(String),
    /// A parameter of the query.
    Query(String),
    /// A field of a form.
    Form(String),
    /// A text of a JSON body (RFC 6901).
    Json(String),
}

impl Placement {
    /// The kind's spelling.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::Header(_) => "header",
            Self::Query(_) => "query",
            Self::Form(_) => "form",
            Self::Json(_) => "json",
        }
    }

    /// Which one of its kind.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Bearer | Self::Basic => None,
            Self::Header(name) | Self::Query(name) | Self::Form(name) | Self::Json(name) => Some(name),
        }
    }

    /// The place of a kind and a name, if there is one. The name may have a template's braces in it.
    pub fn of(kind: &str, name: Option<&str>) -> Option<Self> {
        let fits =
            |name: &&str| !name.is_empty() && name.len() <= PLACEMENT_BYTES_MAX && !name.contains(char::is_control);
        match (kind, name.filter(fits)) {
            ("bearer", None) if name.is_none() => Some(Self::Bearer),
            ("basic", None) if name.is_none() => Some(Self::Basic),
            ("header", Some(name)) => {
                Some(Self::Header(name.to_ascii_lowercase())).filter(|_| name.bytes().all(is_of_header))
            }
            ("query", Some(name)) => Some(Self::Query(name.to_owned())),
            ("form", Some(name)) => Some(Self::Form(name.to_owned())),
            ("json", Some(name)) => Some(Self::Json(name.to_owned())).filter(|_| name.starts_with(['/', '{'])),
            _ => None,
        }
    }
}

/// A token of RFC 9110, 5.6.2, or a template's brace.
fn is_of_header(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~{}".contains(&byte)
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        self.name().map_or(Ok(()), |name| write!(f, ":{name}"))
    }
}

impl FromStr for Placement {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (kind, name) = text.split_once(':').map_or((text, None), |(kind, name)| (kind, Some(name)));
        Self::of(kind, name).ok_or_else(|| InvalidId {
            what: "placement",
            given: text.chars().take(80).collect(),
            rule: "it is bearer, basic, header:NAME, query:NAME, form:NAME or json:/POINTER",
        })
    }
}

impl TryFrom<String> for Placement {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<Placement> for String {
    fn from(placement: Placement) -> Self {
        placement.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_place_in_a_request_is_refused() {
        for text in [
            "",
            "cookie",
            "bearer:",
            "bearer:x",
            "basic:me",
            "header",
            "header:",
            "header:a b",
            "header:a:b",
            "query:",
            "form:a\nb",
            "json",
            "json:",
            "json:password",
        ] {
            assert!(text.parse::<Placement>().is_err(), "{text:?}");
        }
        assert!(format!("query:{}", "a".repeat(257)).parse::<Placement>().is_err());
    }

    #[test]
    fn every_place_has_one_spelling_and_a_header_that_in_lower_case() {
        for text in ["bearer", "basic", "header:x-api-key", "query:key", "form:pass word", "json:/urn:x:User/password"]
        {
            assert_eq!(text.parse::<Placement>().unwrap().to_string(), text);
        }
        assert_eq!("header:X-Api-Key".parse::<Placement>().unwrap(), Placement::Header("x-api-key".to_owned()));
    }
}
