//! The interfaces of the contract by name: what a connector may export, and what of the host it may import.

use serde::{Deserialize, Serialize};

/// The contract's version, as a manifest states it.
pub const CONTRACT_VERSION: &str = "0.1";
/// The contract's package; a component names an interface as `hawser:connector/<name>@0.1.0`.
pub const CONTRACT_PACKAGE: &str = "hawser:connector";

macro_rules! interfaces {
    ($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum $name {
            $($(#[$case_doc])* $case),+
        }

        impl $name {
            /// All of them, in the contract's order.
            pub const ALL: &[Self] = &[$(Self::$case),+];

            /// The interface's name in the contract.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$case => $text),+
                }
            }

            /// The interface of that name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|interface| interface.as_str() == name)
            }
        }
    };
}

interfaces!(
    /// What a connector can do: it exports exactly the interfaces it implements.
    Export {
        /// Is the connection usable, and what could an option's value be?
        Probe = "probe",
        /// Object classes and their attributes.
        Schema = "schema",
        /// Listing and reading objects.
        Source = "source",
        /// Incremental import.
        Feed = "feed",
        /// Creating, changing and deleting objects.
        Provision = "provision",
        /// Granting and revoking.
        Entitlements = "entitlements",
        /// Setting, changing and checking passwords.
        Passwords = "passwords",
    }
);

impl Export {
    /// What people can ask of a connector that exports it: the words of the table of connectors.
    pub const fn operations(self) -> &'static [&'static str] {
        match self {
            Self::Probe => &["check"],
            Self::Schema => &["refresh-schema"],
            Self::Source => &["import", "read"],
            Self::Feed => &["import-incrementally"],
            Self::Provision => &["create", "update", "delete"],
            Self::Entitlements => &["grant", "revoke"],
            Self::Passwords => &["set-password", "change-password", "authenticate"],
        }
    }
}

interfaces!(
    /// What of the host a connector may use, if its manifest asks for it.
    Import {
        /// About the call in progress.
        Call = "call",
        /// The log.
        Log = "log",
        /// The connection's options.
        Options = "options",
        /// Small things remembered between calls.
        Cache = "cache",
        /// Secrets as handles.
        Credentials = "credentials",
        /// The bytes of secrets, slot by slot where permitted.
        Reveal = "reveal",
        /// Files of a permitted directory.
        Files = "files",
        /// Directory sessions to a permitted destination.
        Ldap = "ldap",
        /// Requests to a permitted destination.
        Http = "http",
    }
);
