//! The one parse of a network place: `protocol://host:port` and nothing else.
//!
//! | refused | because |
//! |---|---|
//! | user-info, a path, a query, a fragment, white space, `%`, `\` | they are where parsers disagree about the host |
//! | `0x7f.1`, `2130706433`, `017700000001`, `127.1` | spellings of IPv4 that resolvers read and rules do not |
//! | a trailing dot, empty or overlong labels, letters beyond ASCII | one host has one spelling; IDNs are written `xn--` |
//! | no port, or one with a sign or leading zeros | the port is part of the rule |
//!
//! Whatever is dialled, sent as a name or written down is rebuilt from [`Target`], never from what was given.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU16;
use std::str::FromStr;

use crate::model::{Error, Protocol};

/// The longest spelling, in bytes: the longest name with protocol and port.
const TARGET_BYTES_MAX: usize = NAME_BYTES_MAX + 16;
/// The longest host name, in bytes (RFC 1035, 2.3.4, without the root's dot).
const NAME_BYTES_MAX: usize = 253;
/// The longest label of one, in bytes (RFC 1035, 2.3.4).
const LABEL_BYTES_MAX: usize = 63;

/// A network place, in its one spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    pub protocol: Protocol,
    pub host: Host,
    pub port: NonZeroU16,
}

/// Who is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    Name(HostName),
    Address(IpAddr),
}

/// A name of the DNS, absolute although it is written without the root's dot, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(String);

impl HostName {
    /// The name, without the root's dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Target {
    type Err = Error;

    /// # Errors
    /// `invalid-request` saying what is wrong and how it is written.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() > TARGET_BYTES_MAX {
            return Err(wrong(format!("it has {} bytes; {TARGET_BYTES_MAX} are allowed", text.len())));
        }
        let (protocol, place) = text.split_once("://").ok_or_else(|| wrong("it has no `://`"))?;
        let known = Protocol::ALL.iter().copied().find(|known| protocol.eq_ignore_ascii_case(known.as_str()));
        let protocol = known.ok_or_else(|| wrong(format!("{protocol:?} is none of https, http, ldaps and ldap")))?;
        let (host, port) = split(place)?;
        Ok(Self { protocol, host: host.parse()?, port: self::port(port)? })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.protocol.as_str(), self.host, self.port)
    }
}

impl FromStr for Host {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if let Some(address) = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
            let address: Ipv6Addr = address.parse().map_err(|_| wrong(format!("{text:?} is no IPv6 address")))?;
            return Ok(Self::Address(address.into()));
        }
        let name = name(text)?;
        match name.as_str().parse::<Ipv4Addr>() {
            Ok(address) => Ok(Self::Address(address.into())),
            Err(_) if is_number(&name) => {
                Err(wrong(format!("{text:?} is an odd spelling of an IPv4 address; write four decimal numbers")))
            }
            Err(_) => Ok(Self::Name(name)),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name.as_str()),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// Host and port; the colon that parts them stands behind the bracket of an IPv6 address.
fn split(place: &str) -> Result<(&str, &str), Error> {
    let (host, port) = place.rsplit_once(':').ok_or_else(|| wrong("it has no port"))?;
    if host.starts_with('[') == host.ends_with(']') && (host.starts_with('[') || !host.contains(':')) {
        Ok((host, port))
    } else {
        Err(wrong("an IPv6 address stands in brackets, with a port behind them"))
    }
}

fn port(text: &str) -> Result<NonZeroU16, Error> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let port = if plain { text.parse().ok() } else { None };
    port.ok_or_else(|| wrong(format!("{text:?} is no port; write 1 to 65535")))
}

fn name(text: &str) -> Result<HostName, Error> {
    if let Some(odd) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))) {
        return Err(wrong(format!("a host has no {odd:?}; names of other alphabets are written xn--...")));
    }
    let whole = text
        .split('.')
        .all(|label| (1..=LABEL_BYTES_MAX).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-'));
    if !whole || text.len() > NAME_BYTES_MAX {
        let rule = "labels of 1 to 63 letters, digits and hyphens, with single dots between them and none behind";
        return Err(wrong(format!("{text:?} is no host name: {rule}")));
    }
    Ok(HostName(text.to_ascii_lowercase()))
}

/// Would some resolver read it as an IPv4 address? (WHATWG URL, "ends in a number".)
fn is_number(name: &HostName) -> bool {
    let last = name.as_str().rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x");
    last.bytes().all(|byte| byte.is_ascii_digit())
        || hex.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn wrong(why: impl fmt::Display) -> Error {
    Error::invalid(format!("{why}; a destination is written protocol://host:port, e.g. ldaps://dc1.example.org:636"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_place_has_one_spelling() {
        for (given, canonical) in [
            ("ldaps://dc1.example.org:636", "ldaps://dc1.example.org:636"),
            ("LDAPS://DC1.Example.ORG:636", "ldaps://dc1.example.org:636"),
            ("https://192.0.2.1:8443", "https://192.0.2.1:8443"),
            ("https://[2001:DB8:0:0::1]:443", "https://[2001:db8::1]:443"),
            ("http://xn--bcher-kva.example:80", "http://xn--bcher-kva.example:80"),
            ("ldap://_ldap.internal:389", "ldap://_ldap.internal:389"),
        ] {
            assert_eq!(given.parse::<Target>().unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn what_parsers_disagree_about_is_refused_and_told() {
        for (given, told) in [
            ("ldaps://dc1", "no port"),
            ("ldaps://dc1:0", "no port"),
            ("ldaps://dc1:+636", "no port"),
            ("ldaps://dc1:0636", "no port"),
            ("ldaps://dc1:65536", "no port"),
            ("ldaps://dc1:636/", "no port"),
            ("ldaps://dc1:636?x", "no port"),
            ("dc1:636", "://"),
            ("gopher://dc1:70", "gopher"),
            ("https://user@dc1:443", "'@'"),
            ("https://user:secret@dc1:443", "brackets"),
            ("https://dc1:443@evil.example:443", "brackets"),
            ("https://dc1/@evil.example:443", "'/'"),
            ("https://dc1\\evil.example:443", "'\\\\'"),
            ("https://dc1%2eevil:443", "'%'"),
            ("https://dc1 :443", "' '"),
            ("https://dc1\t:443", "'\\t'"),
            ("https://dc1\r\n:443", "'\\r'"),
            ("https://dc1\0:443", "'\\0'"),
            ("https://bücher.example:443", "xn--"),
            ("https://ⅼocalhost:443", "xn--"),
            ("https://dc1.:443", "none behind"),
            ("https://.dc1:443", "none behind"),
            ("https://a..b:443", "single dots"),
            ("https://-a:443", "hyphens"),
            ("https://:443", "labels"),
            ("https://0x7f.1:443", "odd spelling"),
            ("https://0x7f000001:443", "odd spelling"),
            ("https://2130706433:443", "odd spelling"),
            ("https://017700000001:443", "odd spelling"),
            ("https://0177.0.0.1:443", "odd spelling"),
            ("https://127.1:443", "odd spelling"),
            ("https://1.2.3.4.5:443", "odd spelling"),
            ("https://dc1.0x:443", "odd spelling"),
            ("https://::1:443", "brackets"),
            ("https://[::1:443", "brackets"),
            ("https://[::1]x:443", "brackets"),
            ("https://[::1%eth0]:443", "IPv6"),
            ("https://[127.0.0.1]:443", "IPv6"),
        ] {
            let error = given.parse::<Target>().unwrap_err();
            assert!(error.message.contains(told), "{given:?}: {}", error.message);
            assert!(error.message.contains("protocol://host:port"), "{given:?}: {}", error.message);
        }
        assert!(format!("https://{}:443", "a.".repeat(127) + "a").parse::<Target>().is_err());
        assert!(format!("https://{}:443", "a".repeat(64)).parse::<Target>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_accepted_says_the_same_when_it_is_read_again(
            text in "(https?|ldaps?|x)://[-a-zA-Z0-9._:\\[\\]@/]{0,40}:[0-9+]{1,6}"
        ) {
            if let Ok(target) = text.parse::<Target>() {
                let canonical = target.to_string();
                prop_assert_eq!(&canonical.parse::<Target>().unwrap(), &target);
                prop_assert_eq!(canonical.parse::<Target>().unwrap().to_string(), canonical);
                prop_assert!(text.eq_ignore_ascii_case(&target.to_string()) || text.contains('['));
            }
        }

        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,300}") {
            drop(text.parse::<Target>());
        }

        #[test]
        fn every_address_is_a_host(bits in any::<u128>(), small in any::<u32>(), port in 1u16..) {
            for ip in [IpAddr::from(Ipv6Addr::from(bits)), Ipv4Addr::from(small).into()] {
                let target = Target { protocol: Protocol::Https, host: Host::Address(ip), port: port.try_into().unwrap() };
                prop_assert_eq!(target.to_string().parse::<Target>().unwrap(), target);
            }
        }
    }
}
