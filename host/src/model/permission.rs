//! Permissions: what a manifest requests and an operator approves for one connection.
//!
//! Each has one spelling, which the API, the command line, the store and every refusal use, e.g.
//! `directory:data:read-write`. It says all that the permission allows: where a new release means more by it, it is
//! another permission, and nobody has approved that one yet.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::connection::Access;
use super::id::{DestinationName, DirectoryName, InvalidId, OptionName, PlaceName, SlotName};
use super::sending::{Sending, is_template};

/// The longest spelling of a permission, in bytes.
pub const PERMISSION_BYTES_MAX: usize = 1024;

/// Permissions, each once and in order.
pub type Permissions = BTreeSet<Permission>;

/// One thing a connection may do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Permission {
    /// Use the files of a directory: `directory:data:read-only`.
    Directory { name: DirectoryName, access: Access },
    /// Connect to a network place: `destination:api:https://{host}:{port}`. The address is the manifest's template.
    Destination { name: DestinationName, address: String },
    /// Meet a destination at addresses of a range that is not public: `network:api:private`. No manifest asks for it,
    /// because only the operator knows his networks.
    Network { destination: DestinationName, range: AddressRange },
    /// Speak to a destination without encryption: `plaintext:api`. No manifest asks for it either.
    Plaintext { destination: DestinationName },
    /// Use a secured option without reading it: `credential:bind-password:bind@directory` where it goes with a destination
    /// or a directory, `credential:key:sign` where it goes nowhere.
    Credential { slot: OptionName, usage: CredentialUse, place: Option<PlaceName> },
    /// Have a secret written into requests: `send:token@api:bearer:GET+POST:/scim/v2`.
    Send(Sending),
    /// Fetch tokens with a secured option: `token:client-secret@login:/oauth/token`. Where they go, is a permission to send.
    Token { slot: OptionName, destination: DestinationName, path: String },
    /// Read a secret's bytes: `reveal:new-password`.
    Reveal { slot: SlotName },
}

/// Addresses that are somebody's own and not the internet's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressRange {
    /// An organisation's networks (RFC 1918, RFC 4193, RFC 6598).
    Private,
    /// The host's own machine.
    Loopback,
    /// The host's own cable (RFC 3927, RFC 4291).
    LinkLocal,
    /// Where clouds answer questions about the machine, credentials among them.
    Metadata,
}

impl AddressRange {
    /// All of them, from the least dangerous one.
    pub const ALL: &[Self] = &[Self::Private, Self::Loopback, Self::LinkLocal, Self::Metadata];

    /// The spelling in permissions and in the host's configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Metadata => "metadata",
        }
    }

    /// What is spelt like that.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|range| range.as_str() == text)
    }
}

/// The one thing that may be done with a secured option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialUse {
    /// Log in to a directory session.
    Bind,
    /// Be written into requests.
    Send,
    /// Fetch tokens (OAuth 2.0), which are written into requests in its place.
    Token,
    /// Prove who connects (mutual TLS).
    ClientKey,
    /// Sign messages.
    Sign,
}

impl CredentialUse {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Bind, Self::Send, Self::Token, Self::ClientKey, Self::Sign];

    /// The spelling in manifests and permissions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Send => "send",
            Self::Token => "token",
            Self::ClientKey => "client-key",
            Self::Sign => "sign",
        }
    }
}

impl Permission {
    /// Does it allow all that the other does?
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Directory { name, access }, Self::Directory { name: other, access: wanted }) => {
                name == other && access >= wanted
            }
            (Self::Send(sending), Self::Send(other)) => sending.covers(other),
            _ => self == other,
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory { name, access } => write!(f, "directory:{name}:{}", access.as_str()),
            Self::Destination { name, address } => write!(f, "destination:{name}:{address}"),
            Self::Network { destination, range } => write!(f, "network:{destination}:{}", range.as_str()),
            Self::Plaintext { destination } => write!(f, "plaintext:{destination}"),
            Self::Credential { slot, usage, place: None } => write!(f, "credential:{slot}:{}", usage.as_str()),
            Self::Credential { slot, usage, place: Some(place) } => {
                write!(f, "credential:{slot}:{}@{place}", usage.as_str())
            }
            Self::Send(sending) => write!(f, "send:{sending}"),
            Self::Token { slot, destination, path } => write!(f, "token:{slot}@{destination}:{path}"),
            Self::Reveal { slot } => write!(f, "reveal:{slot}"),
        }
    }
}

impl FromStr for Permission {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = || InvalidId {
            what: "permission",
            given: text.chars().take(80).collect(),
            rule: "it is spelt as the connection's permissions are listed, e.g. directory:data:read-only",
        };
        if text.len() > PERMISSION_BYTES_MAX {
            return Err(invalid());
        }
        let (kind, rest) = text.split_once(':').ok_or_else(invalid)?;
        match kind {
            "directory" => {
                let (name, access) = rest.split_once(':').ok_or_else(invalid)?;
                Ok(Self::Directory { name: name.parse()?, access: Access::named(access).ok_or_else(invalid)? })
            }
            "destination" => {
                let (name, address) = rest.split_once(':').ok_or_else(invalid)?;
                Ok(Self::Destination { name: name.parse()?, address: address.to_owned() })
            }
            "network" => {
                let (destination, range) = rest.split_once(':').ok_or_else(invalid)?;
                let range = AddressRange::named(range).ok_or_else(invalid)?;
                Ok(Self::Network { destination: destination.parse()?, range })
            }
            "plaintext" => Ok(Self::Plaintext { destination: rest.parse()? }),
            "credential" => {
                let (slot, usage) = rest.split_once(':').ok_or_else(invalid)?;
                let (usage, place) = usage.split_once('@').map_or((usage, None), |(usage, place)| (usage, Some(place)));
                let usage = CredentialUse::ALL.iter().copied().find(|known| known.as_str() == usage);
                let place = place.map(str::parse).transpose()?;
                Ok(Self::Credential { slot: slot.parse()?, usage: usage.ok_or_else(invalid)?, place })
            }
            "send" => Ok(Self::Send(rest.parse()?)),
            "token" => {
                let (slot, rest) = rest.split_once('@').ok_or_else(invalid)?;
                let (destination, path) =
                    rest.split_once(':').filter(|(_, path)| is_template(path)).ok_or_else(invalid)?;
                Ok(Self::Token { slot: slot.parse()?, destination: destination.parse()?, path: path.to_owned() })
            }
            "reveal" => Ok(Self::Reveal { slot: rest.parse()? }),
            _ => Err(invalid()),
        }
    }
}

impl TryFrom<String> for Permission {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_permission_is_refused() {
        for text in [
            "",
            "everything",
            "directory:data",
            "directory:data:write",
            "directory:Data:read-only",
            "credential:token:print",
            "credential:token:bind@",
            "send:token@api",
            "token:client",
            "token:client@login:token",
            "destination:api",
            "network:api",
            "network:api:public",
            "plaintext:",
            "plaintext:Api",
            "reveal:",
        ] {
            assert!(text.parse::<Permission>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_permission_has_one_spelling() {
        for text in [
            "directory:data:read-write",
            "destination:api:https://{host}:{port}",
            "network:api:link-local",
            "plaintext:api",
            "credential:password:bind@api",
            "credential:key:client-key@api",
            "send:token@api:bearer:GET+POST:/scim/v2",
            "token:client-secret@login:{token-path}",
            "credential:key:sign",
            "reveal:new-password",
            "reveal:urn:x:password",
        ] {
            assert_eq!(text.parse::<Permission>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn writing_covers_reading_and_nothing_covers_another_place() {
        let of = |text: &str| text.parse::<Permission>().unwrap();
        assert!(of("directory:data:read-write").covers(&of("directory:data:read-only")));
        assert!(!of("directory:data:read-only").covers(&of("directory:data:read-write")));
        assert!(!of("directory:data:read-write").covers(&of("directory:logs:read-only")));
        assert!(!of("credential:key:client-key@api").covers(&of("credential:key:client-key@other")));
        assert!(of("send:token@api:bearer:GET+PUT:/a").covers(&of("send:token@api:bearer:GET:/a/b")));
    }
}
