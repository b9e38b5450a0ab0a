//! A plan's steps as changes of the store, in an order in which each finds what it needs.

use std::collections::BTreeSet;

use semver::Version;

use super::Planned;
use super::document::{self, Declaration};
use super::plan::{Action, Kind, Step};
use crate::clock::Clock;
use crate::connections::Connections;
use crate::model::{
    ConnectionId, ConnectorName, Error, ErrorKind, KeptMapping, MappingId, Permissions, PublisherName, RequestContext,
    Result, ScheduleId, System, SystemId,
};
use crate::registry::{Coming, PublicKey};
use crate::store::{ConfigEdit, PublisherKey};

/// From what to what, and on whose behalf.
pub(super) struct Changes<'a> {
    pub(super) rc: &'a RequestContext,
    pub(super) clock: &'a Clock,
    pub(super) connections: &'a Connections,
    pub(super) planned: &'a Planned<'a>,
    /// Releases that serve by then and do not yet.
    pub(super) coming: &'a Coming,
}

/// The releases that are to serve and do not.
pub(super) fn activations(planned: &Planned<'_>) -> Vec<(ConnectorName, Version)> {
    let of = |declaration: &Declaration| -> BTreeSet<(ConnectorName, Version)> {
        let connectors = declaration.connectors.iter();
        connectors.flat_map(|(name, one)| one.versions.iter().map(|version| (name.clone(), version.clone()))).collect()
    };
    of(&planned.wanted).difference(&of(&planned.current.declaration)).cloned().collect()
}

impl Changes<'_> {
    /// The changes the plan takes.
    ///
    /// # Errors
    /// Those of each change, naming what it is of.
    pub(super) fn edits(&self) -> Result<Vec<ConfigEdit>> {
        let mut edits = Vec::new();
        for step in &self.planned.plan.steps {
            let made = match step.kind {
                Kind::Publisher => self.publisher(step),
                Kind::Connector => Ok(Vec::new()),
                Kind::System => self.system(step),
                Kind::Connection => self.connection(step),
                Kind::Mapping => self.mapping(step),
                Kind::Schedule => self.schedule(step),
            };
            edits.extend(made.map_err(|error| error.blaming(format!("{}s.{}", step.kind.as_str(), step.id)))?);
        }
        Ok(edits)
    }

    fn publisher(&self, step: &Step) -> Result<Vec<ConfigEdit>> {
        let name: PublisherName = step.id.parse()?;
        let before =
            self.planned.current.declaration.publishers.get(&name).map_or(&[][..], |publisher| &publisher.keys);
        let after = match step.action {
            Action::Delete => &[][..],
            _ => self.planned.wanted.publishers.get(&name).map_or(&[][..], |publisher| &publisher.keys),
        };
        let gone = before.iter().filter(|key| !after.contains(key));
        let come = after.iter().filter(|key| !before.contains(key));
        let mut edits = Vec::new();
        for key in gone {
            edits.push(ConfigEdit::Distrust(name.clone(), PublicKey::from_pem(&key.public_key)?.id()));
        }
        for key in come {
            edits.push(ConfigEdit::Trust(self.key(&name, key)?));
        }
        Ok(edits)
    }

    fn key(&self, publisher: &PublisherName, key: &document::PublisherKey) -> Result<PublisherKey> {
        let public_key = PublicKey::from_pem(&key.public_key)?;
        Ok(PublisherKey {
            publisher: publisher.clone(),
            key: public_key.id(),
            public_key: *public_key.as_bytes(),
            title: key.title.clone(),
            added: self.clock.now(),
            added_by: self.rc.caller.name.clone(),
        })
    }

    fn system(&self, step: &Step) -> Result<Vec<ConfigEdit>> {
        let id: SystemId = step.id.parse()?;
        let seen = self.planned.current.systems.get(&id.folded()).copied();
        let declared =
            self.planned.wanted.systems.get(&id).map(|system| System { id: id.clone(), title: system.title.clone() });
        Ok(vec![match (step.action, declared, seen) {
            (Action::Create, Some(system), None) => ConfigEdit::CreateSystem(system),
            (Action::Update, Some(system), Some(seen)) => ConfigEdit::ReplaceSystem(system, seen),
            (Action::Delete, _, Some(seen)) => ConfigEdit::DeleteSystem(id, seen),
            _ => return Err(overtaken()),
        }])
    }

    fn connection(&self, step: &Step) -> Result<Vec<ConfigEdit>> {
        let id: ConnectionId = step.id.parse()?;
        let seen = self.planned.current.connections.get(&id.folded()).copied();
        let declared =
            self.planned.wanted.connections.get(&id).cloned().map(|declared| declared.into_model(id.clone()));
        let mut edits = Vec::new();
        let (connection, references) = match (step.action, declared, seen) {
            (Action::Delete, _, Some(seen)) => return Ok(vec![ConfigEdit::DeleteConnection(id, seen)]),
            (Action::Create, Some(declared), None) | (Action::Update, Some(declared), Some(_)) => declared,
            _ => return Err(overtaken()),
        };
        let (approve, withdraw) = permissions(step);
        let only_permissions = step.differences.iter().all(|found| found.path == PERMISSIONS);
        match seen {
            None => edits.push(self.connections.creation(self.rc, connection.clone(), references, self.coming)?),
            Some(_) if only_permissions => {}
            Some(seen) => {
                let draft = connection.clone();
                edits.push(self.connections.replacement(self.rc, draft, seen, references, self.coming)?);
            }
        }
        if !(approve.is_empty() && withdraw.is_empty()) {
            let seen = seen.filter(|_| only_permissions);
            edits.push(self.connections.permitting(self.rc, &connection, seen, approve, withdraw, self.coming)?);
        }
        Ok(edits)
    }

    fn mapping(&self, step: &Step) -> Result<Vec<ConfigEdit>> {
        let id: MappingId = step.id.parse()?;
        let seen = self.planned.current.mappings.get(&id.folded()).copied();
        let verified = self.planned.verified.contains(&id.folded());
        let declared = self.planned.wanted.mappings.get(&id);
        let declared = declared.map(|declared| KeptMapping { definition: declared.mapping().clone(), verified });
        Ok(vec![match (step.action, declared, seen) {
            (Action::Create, Some(mapping), None) => ConfigEdit::CreateMapping(mapping),
            (Action::Update, Some(mapping), Some(seen)) => ConfigEdit::ReplaceMapping(mapping, seen),
            (Action::Delete, _, Some(seen)) => ConfigEdit::DeleteMapping(id, seen),
            _ => return Err(overtaken()),
        }])
    }

    fn schedule(&self, step: &Step) -> Result<Vec<ConfigEdit>> {
        let id: ScheduleId = step.id.parse()?;
        let seen = self.planned.current.schedules.get(&id.folded()).copied();
        let declared = self.planned.wanted.schedules.get(&id).cloned();
        let declared = declared.map(|declared| declared.into_model(id.clone())).transpose()?;
        let next = declared.as_ref().and_then(|schedule| schedule.next(self.clock.now()));
        Ok(vec![match (step.action, declared, seen) {
            (Action::Create, Some(schedule), None) => ConfigEdit::CreateSchedule(schedule, next),
            (Action::Update, Some(schedule), Some(seen)) => ConfigEdit::ReplaceSchedule(schedule, next, seen),
            (Action::Delete, _, Some(seen)) => ConfigEdit::DeleteSchedule(id, seen),
            _ => return Err(overtaken()),
        }])
    }
}

/// Where a connection's permissions stand in its declaration.
const PERMISSIONS: &str = "/permissions";

/// What a step approves and what it withdraws.
pub(super) fn permissions(step: &Step) -> (Permissions, Permissions) {
    let of = |json: Option<&serde_json::Value>| -> BTreeSet<_> {
        json.and_then(|json| serde_json::from_value(json.clone()).ok()).unwrap_or_default()
    };
    let created = step.differences.iter().find(|found| found.path.is_empty());
    if let Some(after) = created.and_then(|found| found.after.as_ref()) {
        return (of(after.get("permissions")).into_iter().collect(), Permissions::default());
    }
    let changed = step.differences.iter().find(|found| found.path == PERMISSIONS);
    let (before, after) = changed.map_or((None, None), |found| (found.before.as_ref(), found.after.as_ref()));
    let (before, after) = (of(before), of(after));
    (after.difference(&before).cloned().collect(), before.difference(&after).cloned().collect())
}

fn overtaken() -> Error {
    Error::new(ErrorKind::Stale, "the configuration was changed meanwhile; plan again")
}
