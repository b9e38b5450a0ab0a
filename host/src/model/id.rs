//! Typed identifiers: each is parsed once, where it enters, and is right from then on.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text::acts;

/// The longest connection, system or token identifier, in bytes (it becomes part of file and table names).
pub const ID_BYTES_MAX: usize = 128;
/// The longest name of a publisher, connector, option or directory, in bytes.
pub const NAME_BYTES_MAX: usize = 63;
/// The longest name of an object class or attribute, in bytes.
pub const WORD_BYTES_MAX: usize = 256;
/// The longest uid, in bytes.
pub const UID_BYTES_MAX: usize = 4096;

/// Why a text is no identifier, in words that say what would be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} {given:?} is not valid: {rule}")]
pub struct InvalidId {
    /// The kind of identifier.
    pub what: &'static str,
    /// What was given, cut to a readable length.
    pub given: String,
    /// The rule it breaks.
    pub rule: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $check;
                if valid(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidId { what: $what, given: text.chars().take(80).collect(), rule: $rule })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// A connection: unique without regard to case (see [`ConnectionId::folded`]). No underscore, because it separates
    /// connection from table name.
    ConnectionId,
    "connection identifier",
    "it begins with a letter, goes on with letters, digits, dots and hyphens, and has at most 128 characters",
    is_entity_id
);
text_id!(
    /// A system; the same grammar as a connection's identifier.
    SystemId,
    "system identifier",
    "it begins with a letter, goes on with letters, digits, dots and hyphens, and has at most 128 characters",
    is_entity_id
);
text_id!(
    /// A schedule; the same grammar as a connection's identifier.
    ScheduleId,
    "schedule identifier",
    "it begins with a letter, goes on with letters, digits, dots and hyphens, and has at most 128 characters",
    is_entity_id
);
text_id!(
    /// A mapping or a rule of correlation; the same grammar as a connection's identifier.
    MappingId,
    "mapping identifier",
    "it begins with a letter, goes on with letters, digits, dots and hyphens, and has at most 128 characters",
    is_entity_id
);
text_id!(
    /// A place that tables are written to; the same grammar as a connection's identifier.
    OutputPlace,
    "place",
    "it begins with a letter, goes on with letters, digits, dots and hyphens, and has at most 128 characters",
    is_entity_id
);
text_id!(
    /// A property of an entity type or of an association.
    PropertyName,
    "property name",
    "it begins with a letter, goes on with letters, digits, dots, hyphens and underscores, and has at most 128 \
     characters",
    |text| is_entity_id(&text.replace('_', "-"))
);
text_id!(
    /// A token's name, never the token; the same grammar as a connection's identifier.
    TokenName,
    "token name",
    "it begins with a letter, goes on with letters, digits, dots and hyphens, and has at most 128 characters",
    is_entity_id
);
text_id!(
    /// A connector's full name, `publisher/name`.
    ConnectorName,
    "connector name",
    "it is publisher/name, each of lower-case letters, digits and hyphens, beginning with a letter, at most 63 long",
    |text| text.split_once('/').is_some_and(|(publisher, name)| is_kebab(publisher) && is_kebab(name))
);
text_id!(
    /// Who offers connectors: the namespace that keys are trusted for.
    PublisherName,
    "publisher",
    "it has lower-case letters, digits and hyphens, begins with a letter, and is at most 63 long",
    is_kebab
);
text_id!(
    /// An option of a connector.
    OptionName,
    "option name",
    "it has lower-case letters, digits and hyphens, begins with a letter, and is at most 63 long",
    is_kebab
);
text_id!(
    /// A directory a connector asks for.
    DirectoryName,
    "directory name",
    "it has lower-case letters, digits and hyphens, begins with a letter, and is at most 63 long",
    is_kebab
);
text_id!(
    /// A method of HTTP (RFC 9110, 9.1).
    MethodName,
    "method",
    "it has upper-case letters and hyphens, and at most 20 of them",
    |text| (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-')
);
text_id!(
    /// A network place a connector asks for.
    DestinationName,
    "destination name",
    "it has lower-case letters, digits and hyphens, begins with a letter, and is at most 63 long",
    is_kebab
);
text_id!(
    /// A destination or a directory: no two of a connector share a name.
    PlaceName,
    "place name",
    "it has lower-case letters, digits and hyphens, begins with a letter, and is at most 63 long",
    is_kebab
);
text_id!(
    /// Where a manifest names a secret: a secured option, a password of the call (`new-password`, `old-password`,
    /// `password`), or a confidential attribute of an object.
    SlotName,
    "slot name",
    "it has 1 to 256 bytes and nothing that acts on a screen (control characters, turns of the direction)",
    is_word
);
text_id!(
    /// An object class.
    ClassName,
    "object class",
    "it has 1 to 256 bytes and nothing that acts on a screen (control characters, turns of the direction)",
    is_word
);
text_id!(
    /// An attribute of an object class.
    AttributeName,
    "attribute name",
    "it has 1 to 256 bytes and nothing that acts on a screen (control characters, turns of the direction)",
    is_word
);
text_id!(
    /// The target's canonical identifier of an object.
    Uid,
    "uid",
    "it has 1 to 4096 bytes and no control characters",
    |text| !text.is_empty() && text.len() <= UID_BYTES_MAX && !text.chars().any(char::is_control)
);
text_id!(
    /// A request, as the caller or the host named it.
    RequestId,
    "request id",
    "it has 1 to 128 visible ASCII characters",
    |text| !text.is_empty() && text.len() <= ID_BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic())
);

impl ConnectorName {
    /// Who offers it.
    pub fn publisher(&self) -> PublisherName {
        let publisher = self.0.split_once('/').map_or(self.0.as_str(), |(publisher, _)| publisher);
        PublisherName(publisher.to_owned())
    }
}

impl ConnectionId {
    /// The form that is unique.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl SystemId {
    /// The form that is unique.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl ScheduleId {
    /// The form that is unique.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl MappingId {
    /// The form that is unique.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl From<DestinationName> for PlaceName {
    fn from(name: DestinationName) -> Self {
        Self(name.0)
    }
}

impl From<DirectoryName> for PlaceName {
    fn from(name: DirectoryName) -> Self {
        Self(name.0)
    }
}

impl From<OptionName> for SlotName {
    fn from(name: OptionName) -> Self {
        Self(name.0)
    }
}

impl RequestId {
    /// A fresh one, ordered by time.
    pub fn fresh() -> Self {
        Self(uuid::Uuid::now_v7().to_string())
    }
}

/// A task: a UUID that is ordered by time (RFC 9562, version 7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(uuid::Uuid);

impl TaskId {
    /// A fresh one.
    pub fn fresh() -> Self {
        Self(uuid::Uuid::now_v7())
    }
}

impl FromStr for TaskId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let refused = |_| InvalidId { what: "task id", given: text.chars().take(80).collect(), rule: "it is a UUID" };
        uuid::Uuid::parse_str(text).map(Self).map_err(refused)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Lower-case letters, digits and hyphens, beginning with a letter.
pub fn is_kebab(text: &str) -> bool {
    text.len() <= NAME_BYTES_MAX
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_entity_id(text: &str) -> bool {
    text.len() <= ID_BYTES_MAX
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= WORD_BYTES_MAX && !text.contains(acts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_identifier_with_an_underscore_is_refused_with_the_rule() {
        let error = "hr_people".parse::<ConnectionId>().unwrap_err();
        assert!(error.to_string().contains("letters, digits, dots and hyphens"), "{error}");
        assert!("".parse::<ConnectionId>().is_err());
        assert!("9a".parse::<ConnectionId>().is_err());
        assert!("a".repeat(129).parse::<ConnectionId>().is_err());
    }

    #[test]
    fn connection_identifiers_are_unique_without_regard_to_case() {
        let (a, b) = ("HR.People", "hr.people");
        assert_eq!(a.parse::<ConnectionId>().unwrap().folded(), b.parse::<ConnectionId>().unwrap().folded());
    }

    #[test]
    fn a_connector_name_has_a_publisher() {
        assert!("csv".parse::<ConnectorName>().is_err());
        assert!("hawser/csv/x".parse::<ConnectorName>().is_err());
        assert!("Hawser/csv".parse::<ConnectorName>().is_err());
        assert!("hawser/csv".parse::<ConnectorName>().is_ok());
    }

    #[test]
    fn a_uid_with_a_control_character_is_refused() {
        assert!("a\0b".parse::<Uid>().is_err());
        assert!("cn=Jörg,ou=people".parse::<Uid>().is_ok());
    }
}
