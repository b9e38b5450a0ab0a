//! How a destination is spoken to.

use serde::Deserialize;

/// A protocol of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    Https,
    Http,
    Ldaps,
    Ldap,
}

impl Protocol {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Https, Self::Http, Self::Ldaps, Self::Ldap];

    /// The scheme of its addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Ldaps => "ldaps",
            Self::Ldap => "ldap",
        }
    }

    /// Does it begin with TLS?
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::Ldaps)
    }
}
