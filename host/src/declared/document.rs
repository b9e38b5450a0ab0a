//! A configuration as it is declared: what an operator keeps in files, under version control. The keys are those of the
//! API; unknown ones are refused. Secrets are references, never values.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::definition::Definition;
use super::schedule::Schedule;
use crate::connections::References;
use crate::model::text::title;
use crate::model::{
    self, Access, ConnectionId, ConnectorName, Destination, DestinationName, Directory, DirectoryName, Error,
    MappingId, OptionName, Permission, PublisherName, Result, ScheduleId, SecretReference, Secured, Switches,
    SwitchesChange, SystemId, Thresholds,
};
use crate::registry::{PublicKey, line};

/// What is declared. A kind of resource that is left out is none of this declaration's business.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Declaration {
    /// Whose signatures are trusted: publishers by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Publisher>")]
    pub publishers: BTreeMap<PublisherName, Publisher>,
    /// Which release of a connector serves: connectors as `publisher/name`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Connector>")]
    pub connectors: BTreeMap<ConnectorName, Connector>,
    /// Target applications by identifier.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, System>")]
    pub systems: BTreeMap<SystemId, System>,
    /// Connections by identifier.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Connection>")]
    pub connections: BTreeMap<ConnectionId, Connection>,
    /// Mappings by identifier. They may come before the schemas of the connections they name were read.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Definition>")]
    pub mappings: BTreeMap<MappingId, Definition>,
    /// Schedules by identifier.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Schedule>")]
    pub schedules: BTreeMap<ScheduleId, Schedule>,
}

/// Whose releases are trusted, by which keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Publisher {
    /// All keys that are trusted for it; another one is trusted no longer.
    pub keys: Vec<PublisherKey>,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublisherKey {
    /// What people call it.
    pub title: String,
    /// An Ed25519 key in PEM, as `hawser keygen` writes it.
    pub public_key: String,
}

/// A connector whose releases are chosen. They have to be installed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Connector {
    /// The versions of the releases that serve: one of each line of compatible versions. Others go on serving.
    #[schemars(with = "BTreeSet<String>")]
    pub versions: BTreeSet<semver::Version>,
}

/// A target application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct System {
    pub title: String,
}

/// A named, configured use of one connector against one system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Connection {
    #[schemars(with = "String")]
    pub system: SystemId,
    /// `publisher/name`.
    #[schemars(with = "String")]
    pub connector: ConnectorName,
    /// Which releases may serve it, e.g. `^0.1`; any, if left out.
    #[serde(default)]
    #[schemars(with = "String")]
    pub version: semver::VersionReq,
    pub title: String,
    /// By the options of the connector's manifest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Json>")]
    pub options: BTreeMap<OptionName, Json>,
    /// By the directories of the connector's manifest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, DirectorySchema>")]
    pub directories: BTreeMap<DirectoryName, Directory>,
    /// By the destinations of the connector's manifest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, DestinationSchema>")]
    pub destinations: BTreeMap<DestinationName, Destination>,
    /// How much a complete pass may remove before it is held; null switches one off.
    #[serde(default)]
    #[schemars(with = "ThresholdsSchema")]
    pub thresholds: Thresholds,
    /// What is switched off. Each that is left out stays as it is; of a new connection everything is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switches: Option<SwitchesChange>,
    /// Where secrets are kept: by the secured options of the connector's manifest. Values that were entered are left alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, SecuredReference>")]
    pub secured_options: BTreeMap<OptionName, SecuredReference>,
    /// What it may reach, as `hawser connection permissions` spells it. What is not approved yet stays a request unless
    /// whoever applies this says that he approves; what is not in the list is withdrawn. Left out: as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<BTreeSet<String>>")]
    pub permissions: Option<BTreeSet<Permission>>,
}

/// Where a secret is kept: `env:NAME` or `file:/path`, or such a reference for each key of a map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SecuredReference {
    Field(#[schemars(with = "String")] SecretReference),
    Map(#[schemars(with = "BTreeMap<String, String>")] BTreeMap<String, SecretReference>),
}

/// A directory of the host that the connection may reach.
#[derive(JsonSchema)]
#[schemars(rename = "Directory", deny_unknown_fields)]
#[allow(dead_code, reason = "describes the model's type to editors")]
struct DirectorySchema {
    /// Absolute.
    path: PathBuf,
    #[schemars(with = "AccessSchema")]
    access: Access,
}

/// Not more than the manifest asks for.
#[derive(JsonSchema)]
#[schemars(rename = "Access", rename_all = "kebab-case")]
#[allow(dead_code, reason = "describes the model's type to editors")]
enum AccessSchema {
    ReadOnly,
    ReadWrite,
}

/// What is said about a network place the connection may reach.
#[derive(JsonSchema)]
#[schemars(rename = "Destination", deny_unknown_fields)]
#[allow(dead_code, reason = "describes the model's type to editors")]
struct DestinationSchema {
    /// Certificates in PEM: only servers that they vouch for are believed there.
    roots: Option<String>,
}

/// How much a complete pass may remove before it is held.
#[derive(JsonSchema)]
#[schemars(rename = "Thresholds", rename_all = "camelCase", deny_unknown_fields)]
#[allow(dead_code, reason = "describes the model's type to editors")]
struct ThresholdsSchema {
    /// Objects.
    removed: Option<u64>,
    /// Per cent of the objects published before.
    removed_percent: Option<f64>,
}

impl From<Secured<SecretReference>> for SecuredReference {
    fn from(secured: Secured<SecretReference>) -> Self {
        match secured {
            Secured::Field(from) => Self::Field(from),
            Secured::Map(entries) => Self::Map(entries),
        }
    }
}

impl From<SecuredReference> for Secured<SecretReference> {
    fn from(reference: SecuredReference) -> Self {
        match reference {
            SecuredReference::Field(from) => Self::Field(from),
            SecuredReference::Map(entries) => Self::Map(entries),
        }
    }
}

impl Connection {
    /// The same as the model has it.
    pub(super) fn into_model(self, id: ConnectionId) -> (model::Connection, References) {
        let references = self.secured_options.into_iter().map(|(name, one)| (name, one.into())).collect();
        let connection = model::Connection {
            id,
            system: self.system,
            connector: self.connector,
            version: self.version,
            title: self.title,
            options: self.options,
            directories: self.directories,
            destinations: self.destinations,
            thresholds: self.thresholds,
            switches: self.switches.unwrap_or_default().applied_to(Switches::default()),
        };
        (connection, references)
    }
}

impl Declaration {
    /// The same in its only spelling: keys as the host writes them, in the order of their ids.
    ///
    /// # Errors
    /// `invalid-request` for a key that is none, titles that cannot be shown, and schedules that say nothing.
    pub(super) fn canonical(mut self) -> Result<Self> {
        for (name, publisher) in &mut self.publishers {
            let mut keys = BTreeMap::new();
            for key in &publisher.keys {
                let blame = |error: Error| error.blaming(format!("publishers.{name}"));
                let public_key = PublicKey::from_pem(&key.public_key).map_err(blame)?;
                title(&key.title).map_err(blame)?;
                let canonical = PublisherKey { title: key.title.clone(), public_key: public_key.to_pem() };
                keys.insert(public_key.id(), canonical);
            }
            if keys.is_empty() {
                let message = format!("{name} has no keys; leave it out, and prune to trust it no longer");
                return Err(Error::invalid(message).blaming(format!("publishers.{name}.keys")));
            }
            publisher.keys = keys.into_values().collect();
        }
        for (name, connector) in &self.connectors {
            let lines: BTreeSet<_> = connector.versions.iter().map(line).collect();
            if connector.versions.is_empty() || lines.len() < connector.versions.len() {
                let message = format!("{name} needs versions, and of compatible ones only one can serve");
                return Err(Error::invalid(message).blaming(format!("connectors.{name}.versions")));
            }
        }
        for (id, system) in &self.systems {
            title(&system.title).map_err(|error| error.blaming(format!("systems.{id}")))?;
        }
        for (id, connection) in &self.connections {
            let blame = |error: Error| error.blaming(format!("connections.{id}"));
            title(&connection.title).and_then(|()| connection.thresholds.check()).map_err(blame)?;
        }
        self.mappings = self.mappings.into_iter().map(|(id, one)| (id.clone(), one.under(id))).collect();
        for (id, schedule) in &mut self.schedules {
            let read = schedule.clone().into_model(id.clone());
            *schedule = read.map_err(|error| error.blaming(format!("schedules.{id}")))?.into();
        }
        Ok(self)
    }

    /// The same with what it leaves as it is: switches, and how the name of a system is written.
    pub(super) fn upon(mut self, current: &Self) -> Self {
        let held: BTreeMap<String, &Connection> =
            current.connections.iter().map(|(id, one)| (id.folded(), one)).collect();
        for (id, connection) in &mut self.connections {
            let Some(before) = held.get(&id.folded()) else { continue };
            connection.switches = over(before.switches, connection.switches);
            if connection.system.folded() == before.system.folded() {
                connection.system.clone_from(&before.system);
            }
        }
        self
    }

    /// A JSON Schema (draft 2020-12) of declarations, for editors.
    pub fn json_schema() -> Json {
        let mut schema = schemars::schema_for!(Self);
        schema.insert("title".to_owned(), "Hawser configuration".into());
        schema.to_value()
    }

    /// Adds what another file declares.
    ///
    /// # Errors
    /// The kind and the name of something that both declare.
    pub fn join(&mut self, other: Self) -> Result<(), (&'static str, String)> {
        unite("publishers", &mut self.publishers, other.publishers)?;
        unite("connectors", &mut self.connectors, other.connectors)?;
        unite("systems", &mut self.systems, other.systems)?;
        unite("connections", &mut self.connections, other.connections)?;
        unite("mappings", &mut self.mappings, other.mappings)?;
        unite("schedules", &mut self.schedules, other.schedules)
    }
}

/// The switches of before with those that are declared.
fn over(before: Option<SwitchesChange>, declared: Option<SwitchesChange>) -> Option<SwitchesChange> {
    let (Some(before), Some(declared)) = (before, declared) else { return declared.or(before) };
    Some(declared.applied_to(before.applied_to(Switches::default())).into())
}

fn unite<K: Ord + ToString, V>(
    kind: &'static str,
    into: &mut BTreeMap<K, V>,
    from: BTreeMap<K, V>,
) -> Result<(), (&'static str, String)> {
    for (name, declared) in from {
        let shown = name.to_string();
        if into.insert(name, declared).is_some() {
            return Err((kind, shown));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn declared(switches: &Json) -> Declaration {
        let connection = json!({"system": "hr", "connector": "hawser/csv", "title": "People", "switches": switches});
        serde_json::from_value(json!({ "connections": { "people": connection } })).unwrap()
    }

    fn upon(declaration: Declaration, current: &Declaration) -> Json {
        let upon = declaration.upon(current);
        serde_json::to_value(upon.connections.into_values().next().unwrap().switches).unwrap()
    }

    #[test]
    fn switches_that_are_left_out_stay_as_they_are_one_by_one() {
        let current = declared(&json!({"enabled": true, "import": false, "fulfil": false, "maintenance": true}));
        let all = |import, fulfil, maintenance| json!({"enabled": true, "import": import, "fulfil": fulfil, "maintenance": maintenance});
        assert_eq!(upon(declared(&json!({"fulfil": true})), &current), all(false, true, true));
        assert_eq!(upon(declared(&json!({})), &current), all(false, false, true));
        assert_eq!(upon(declared(&Json::Null), &current), all(false, false, true));
        assert_eq!(upon(declared(&json!({"maintenance": false})), &current), all(false, false, false));
    }
}
