//! Systems and the connections that manage them, as configured.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::error::{Error, Result};
use super::id::{ConnectionId, ConnectorName, DestinationName, DirectoryName, OptionName, SystemId};
use super::schema::Schema;
use super::switches::Switches;

/// A target application under management.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    pub id: SystemId,
    pub title: String,
}

/// What a connection may do in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    ReadOnly,
    ReadWrite,
}

impl Access {
    /// The spelling everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::ReadWrite => "read-write",
        }
    }

    /// The access of that spelling.
    pub fn named(name: &str) -> Option<Self> {
        [Self::ReadOnly, Self::ReadWrite].into_iter().find(|access| access.as_str() == name)
    }
}

/// A directory a connection may reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Directory {
    /// Absolute.
    pub path: PathBuf,
    pub access: Access,
}

/// What an operator says about a network place a connection may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Destination {
    /// Certificates in PEM: only servers that they vouch for are believed there. Without them, whom the machine believes.
    pub roots: Option<String>,
}

/// How much a complete pass may remove before it is held for a person to look at. The one that trips first counts;
/// `None` switches one off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Thresholds {
    /// Objects.
    pub removed: Option<u64>,
    /// Per cent of the objects published before.
    pub removed_percent: Option<f64>,
}

/// Objects a pass may remove without being held, unless the connection says otherwise.
pub const REMOVED_DEFAULT: u64 = 100;
/// Per cent of the published objects a pass may remove without being held, unless the connection says otherwise.
pub const REMOVED_PERCENT_DEFAULT: f64 = 10.0;

impl Thresholds {
    /// Refuses a share that is none.
    ///
    /// # Errors
    /// `invalid-request`.
    pub fn check(&self) -> Result<()> {
        if self.removed_percent.is_some_and(|percent| !(0.0..=100.0).contains(&percent)) {
            let error = Error::invalid("thresholds.removedPercent takes a number from 0 to 100, or null");
            return Err(error.blaming("thresholds.removedPercent"));
        }
        Ok(())
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { removed: Some(REMOVED_DEFAULT), removed_percent: Some(REMOVED_PERCENT_DEFAULT) }
    }
}

/// A named, configured use of one connector against one system.
#[derive(Clone, Debug, PartialEq)]
pub struct Connection {
    pub id: ConnectionId,
    pub system: SystemId,
    pub connector: ConnectorName,
    /// Which releases may serve it, e.g. `^0.1`.
    pub version: semver::VersionReq,
    pub title: String,
    /// As given; defaults are added when a call is prepared.
    pub options: BTreeMap<OptionName, Json>,
    pub directories: BTreeMap<DirectoryName, Directory>,
    pub destinations: BTreeMap<DestinationName, Destination>,
    pub thresholds: Thresholds,
    pub switches: Switches,
}

/// A stored resource with what optimistic locking and people want to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<T> {
    pub value: T,
    /// Counts its changes from 1; the ETag.
    pub revision: i64,
    pub created: Timestamp,
    pub changed: Timestamp,
}

/// What is known of a connection's schema: the last good one, and how the last attempt to refresh it went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchemaStatus {
    pub schema: Schema,
    /// Counts the versions from 1; none before the first refresh that went well.
    pub snapshot: Option<i64>,
    /// When a refresh last went well.
    pub refreshed: Option<Timestamp>,
    /// Was the connection configured as it is now, when it was read?
    pub current: bool,
    pub failed: Option<SchemaFailure>,
}

/// A version of a connection's schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaSnapshot {
    /// Counts the versions from 1.
    pub number: i64,
    /// When a refresh read it first.
    pub first_read: Timestamp,
    /// When a refresh last found it unchanged.
    pub last_read: Timestamp,
}

/// Why and when a refresh failed; the last good schema stays in use.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaFailure {
    pub at: Timestamp,
    pub kind: String,
    pub message: String,
}
