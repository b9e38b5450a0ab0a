//! What it takes to write a secret into a request: which secret, to which destination, placed how, with which methods, and
//! below which path. Its spelling is that of the permission `send:`, without the word.
//!
//! Name and path may be templates over options (`{base-path}`), as addresses are: the permission holds the template. A slot
//! and a placement's name may hold what parts the fields; it is percent-encoded there. The path comes last and needs none.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::id::{DestinationName, InvalidId, MethodName, SlotName};
use super::placement::Placement;

/// The longest path of one, in bytes.
pub const SENDING_PATH_BYTES_MAX: usize = 256;

/// One way in which one secret is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sending {
    /// A secured option, or a secret of the call.
    pub slot: SlotName,
    pub destination: DestinationName,
    pub placement: Placement,
    pub methods: BTreeSet<MethodName>,
    /// The path, and everything below.
    pub path: String,
}

impl Sending {
    /// Does it allow all that the other does?
    pub fn covers(&self, other: &Self) -> bool {
        let above = self.path.trim_end_matches('/');
        let below = other.path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        self.slot == other.slot
            && self.destination == other.destination
            && self.placement == other.placement
            && self.methods.is_superset(&other.methods)
            && (below || above.is_empty())
    }

    fn parse(text: &str) -> Option<Self> {
        let (slot, rest) = text.split_once('@')?;
        let (destination, rest) = rest.split_once(':')?;
        let (kind, rest) = rest.split_once(':')?;
        let (name, rest) = match kind {
            "bearer" | "basic" => (None, rest),
            _ => rest.split_once(':').map(|(name, rest)| (Some(decoded(name)), rest))?,
        };
        let (methods, path) = rest.split_once(':')?;
        let methods = methods.split('+').map(str::parse).collect::<Result<_, _>>().ok()?;
        let sending = Self {
            slot: decoded(slot).parse().ok()?,
            destination: destination.parse().ok()?,
            placement: Placement::of(kind, name.as_deref())?,
            methods,
            path: Some(path).filter(|path| is_template(path))?.to_owned(),
        };
        (sending.to_string() == text).then_some(sending)
    }
}

/// Could it be a path once its options are filled in?
pub fn is_template(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '\\');
    path.len() <= SENDING_PATH_BYTES_MAX && path.starts_with(['/', '{']) && path.chars().all(plain)
}

impl fmt::Display for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { slot, destination, placement, methods, path } = self;
        write!(f, "{}@{destination}:{}", encoded(slot.as_str(), &['%', '@']), placement.kind())?;
        placement.name().map_or(Ok(()), |name| write!(f, ":{}", encoded(name, &['%', ':'])))?;
        let methods: Vec<&str> = methods.iter().map(MethodName::as_str).collect();
        write!(f, ":{}:{path}", methods.join("+"))
    }
}

impl FromStr for Sending {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::parse(text).ok_or_else(|| InvalidId {
            what: "permission to send",
            given: text.chars().take(80).collect(),
            rule: "it is SLOT@DESTINATION:PLACEMENT:METHODS:PATH, e.g. token@api:bearer:GET+POST:/scim/v2",
        })
    }
}

fn encoded<'a>(text: &'a str, marks: &[char]) -> Cow<'a, str> {
    if !text.contains(marks) {
        return Cow::Borrowed(text);
    }
    let one = |c: char| if marks.contains(&c) { format!("%{:02X}", u32::from(c)) } else { c.to_string() };
    Cow::Owned(text.chars().map(one).collect())
}

fn decoded(text: &str) -> String {
    text.replace("%3A", ":").replace("%40", "@").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Sending {
        text.parse().unwrap_or_else(|why| panic!("{why}"))
    }

    #[test]
    fn what_is_no_permission_to_send_is_refused() {
        for text in [
            "token",
            "token@api",
            "token@api:bearer",
            "token@api:bearer:GET",
            "token@api:bearer:GET:",
            "token@api:bearer:GET:scim",
            "token@api:bearer:GET:/a?b",
            "token@api:bearer:GET:/a b",
            "token@api:bearer::/",
            "token@api:bearer:get:/",
            "token@api:bearer:GET+:/",
            "token@api:bearer:PUT+GET:/",
            "token@api:bearer:GET+GET:/",
            "token@api:cookie:GET:/",
            "token@api:header:GET:/",
            "token@api:header:X-Key:GET:/",
            "token@Api:bearer:GET:/",
            "@api:bearer:GET:/",
            "%41@api:bearer:GET:/",
        ] {
            assert!(text.parse::<Sending>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_permission_to_send_has_one_spelling() {
        for text in [
            "token@api:bearer:GET+POST:/scim/v2",
            "token@api:header:x-api-key:GET:{base-path}",
            "token@api:header:{token-header}:GET:/",
            "urn:x:password@api:json:/urn%3Ax%3AUser/password:PATCH+PUT:/Users",
            "a%40b%25@api:query:key:GET:/a:b@c",
        ] {
            assert_eq!(of(text).to_string(), text);
        }
        assert_eq!(of("a%40b%25@api:form:a%3Ab:POST:/").slot.as_str(), "a@b%");
    }

    #[test]
    fn less_is_covered_and_anything_else_is_not() {
        let asked = of("token@api:bearer:GET+POST:/scim/v2");
        for (other, covered) in [
            ("token@api:bearer:GET+POST:/scim/v2", true),
            ("token@api:bearer:GET:/scim/v2/Users", true),
            ("token@api:bearer:GET:/scim/v22", false),
            ("token@api:bearer:GET:/scim", false),
            ("token@api:bearer:DELETE+GET:/scim/v2", false),
            ("token@api:basic:GET:/scim/v2", false),
            ("token@auth:bearer:GET:/scim/v2", false),
            ("other@api:bearer:GET:/scim/v2", false),
        ] {
            assert_eq!(asked.covers(&of(other)), covered, "{other}");
        }
        assert!(of("token@api:bearer:GET:/").covers(&of("token@api:bearer:GET:{base-path}")));
        assert!(!of("token@api:bearer:GET:{base-path}").covers(&of("token@api:bearer:GET:/")));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_it_was_meant(
            slot in "[!-~äß ]{1,20}", kind in prop::sample::select(vec!["header", "query", "form", "json"]),
            name in "[!-~]{1,20}", path in "[/{][a-z/:@+%{}]{0,20}",
        ) {
            let name = if kind == "json" { format!("/{name}") } else { name };
            let (Ok(slot), Some(placement)) = (slot.parse(), Placement::of(kind, Some(&name))) else { return Ok(()) };
            let methods = ["GET", "PUT"].map(|method| method.parse().unwrap()).into();
            let sending = Sending { slot, destination: "api".parse().unwrap(), placement, methods, path };
            prop_assert_eq!(sending.to_string().parse(), Ok(sending));
        }
    }
}
