//! Hosts as an operator names them: `crm.example.org`, `*.example.org:636`, `10.1.2.3`, `[fd12::1]:636`.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use super::id::InvalidId;

/// The longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 270;

/// One host, or all below a domain; at one port, or at any.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct HostPattern {
    /// In lower case; without the `*` where it is a domain.
    host: String,
    is_domain: bool,
    port: Option<u16>,
}

impl HostPattern {
    /// Is that host, as it is written in lower case, one of these? A domain is not one of the hosts below it.
    pub fn matches(&self, host: &str, port: u16) -> bool {
        let is_host = if self.is_domain { host.ends_with(&self.host) } else { host == self.host };
        is_host && self.port.is_none_or(|only| only == port)
    }
}

impl FromStr for HostPattern {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId {
            what: "host",
            given: text.chars().take(80).collect(),
            rule: "it is a host or *.domain, with or without a port, e.g. *.example.org:636",
        };
        // The colons of an IPv6 address stand within brackets.
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let port = port.map(str::parse::<u16>).transpose().map_err(|_| invalid())?;
        let is_domain = host.starts_with("*.");
        let host = if is_domain { host.trim_start_matches('*') } else { host };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        let starts = host.starts_with('.') == is_domain;
        let brackets = host.contains(':') == (host.starts_with('[') && host.ends_with(']'));
        if host.len() < 2 || text.len() > PATTERN_BYTES_MAX || !starts || !brackets || !host.chars().all(plain) {
            return Err(invalid());
        }
        Ok(Self { host: host.to_ascii_lowercase(), is_domain, port })
    }
}

impl TryFrom<String> for HostPattern {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.is_domain { "*" } else { "" };
        write!(f, "{star}{}", self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> HostPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_pattern_matches_hosts_and_not_what_only_ends_alike() {
        assert!(pattern("CRM.Example:443").matches("crm.example", 443));
        assert!(!pattern("crm.example:443").matches("crm.example", 444));
        assert!(pattern("*.example").matches("a.b.example", 1));
        for other in ["example", "xexample", "example.evil", "crm.example.evil"] {
            assert!(!pattern("*.example").matches(other, 1), "{other}");
        }
        assert!(pattern("[fd12::1]:636").matches("[fd12::1]", 636));
        assert!(pattern("[fd12::1]").matches("[fd12::1]", 1));
    }

    #[test]
    fn what_is_no_pattern_is_refused_and_what_is_has_one_spelling() {
        for text in
            ["", "*", "*.", "*example", "a.*.b", ".a", "a b", "a:b", "a:70000", "fd12::1", "[fd12::1", "a/8", "é.x"]
        {
            assert!(text.parse::<HostPattern>().is_err(), "{text:?}");
        }
        for text in ["crm.example", "*.example:636", "[fd12::1]:636", "10.1.2.3"] {
            assert_eq!(pattern(text).to_string(), text);
        }
    }
}
