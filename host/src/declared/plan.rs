//! What it takes to make the host what is declared: pure, from what there is and what there is to be.
//!
//! Both sides are declarations, so that what a host exports and what is applied to it cannot differ in anything but what
//! somebody changed. Applying twice changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use serde::Serialize;
use serde_json::Value as Json;

use super::change;
use super::difference::{Difference, between};
use super::document::{Connection, Connector, Declaration};
use crate::model::{
    ConnectionId, ConnectorName, Error, MappingId, Permission, Permissions, PublisherName, Result, ScheduleId, SystemId,
};
use crate::registry::line;

/// Kinds of resources that are declared, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Publisher,
    Connector,
    System,
    Connection,
    Mapping,
    Schedule,
}

/// What happens to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Create,
    Update,
    Delete,
}

/// One resource that is not what it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    pub kind: Kind,
    pub id: String,
    pub action: Action,
    /// Where it differs; of one that is created or deleted, as a whole.
    pub differences: Vec<Difference>,
}

/// What is declared and not approved: it stays a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub connection: ConnectionId,
    pub permission: Permission,
}

/// How far to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Whoever applies it approves the permissions it declares.
    pub approve: bool,
    /// What is there and not declared is deleted, of each kind of which anything is declared.
    pub prune: bool,
}

/// Everything it takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// In the order of their kinds; what is deleted comes last, the other way round.
    pub steps: Vec<Step>,
    /// Resources that are declared and already are what they should be.
    pub unchanged: usize,
    pub waiting: Vec<Waiting>,
}

impl Kind {
    /// The spelling everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Connector => "connector",
            Self::System => "system",
            Self::Connection => "connection",
            Self::Mapping => "mapping",
            Self::Schedule => "schedule",
        }
    }
}

impl Action {
    /// The spelling everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl Step {
    /// What it approves and what it withdraws, of a connection.
    pub fn permissions(&self) -> (Permissions, Permissions) {
        change::permissions(self)
    }
}

impl Plan {
    /// What leads from `current` to `wanted`, which must be in its only spelling.
    ///
    /// # Errors
    /// `invalid-request` if two names differ only in case.
    pub fn new(current: &Declaration, wanted: &Declaration, reach: Reach) -> Result<Self> {
        let mut plan = Self::default();
        let connections = plan.reachable(&current.connections, &wanted.connections, reach);
        let connectors = served(&current.connectors, &wanted.connectors);
        let prune = reach.prune;
        plan.compare(Kind::Publisher, &current.publishers, &wanted.publishers, PublisherName::to_string, prune)?;
        // A release that is not chosen is not stopped: connections that are not declared may need it.
        plan.compare(Kind::Connector, &current.connectors, &connectors, ConnectorName::to_string, false)?;
        plan.compare(Kind::System, &current.systems, &wanted.systems, SystemId::folded, prune)?;
        let held = without_lost_approvals(&current.connections, &connections);
        plan.compare(Kind::Connection, &held, &connections, ConnectionId::folded, prune)?;
        plan.compare(Kind::Mapping, &current.mappings, &wanted.mappings, MappingId::folded, prune)?;
        plan.compare(Kind::Schedule, &current.schedules, &wanted.schedules, ScheduleId::folded, prune)?;
        let (mut deletions, mut steps): (Vec<Step>, Vec<Step>) =
            plan.steps.into_iter().partition(|step| step.action == Action::Delete);
        deletions.reverse();
        steps.extend(deletions);
        Ok(Self { steps, ..plan })
    }

    /// The connections as far as whoever applies them may make them: what he does not approve stays as it is.
    fn reachable(
        &mut self,
        current: &BTreeMap<ConnectionId, Connection>,
        wanted: &BTreeMap<ConnectionId, Connection>,
        reach: Reach,
    ) -> BTreeMap<ConnectionId, Connection> {
        let known: BTreeMap<String, &Connection> = current.iter().map(|(id, one)| (id.folded(), one)).collect();
        let mut reachable = BTreeMap::new();
        for (id, connection) in wanted {
            let same = known.get(&id.folded()).filter(|one| one.connector == connection.connector);
            let approved = same.and_then(|one| one.permissions.clone()).unwrap_or_default();
            let permissions = match &connection.permissions {
                None => approved,
                Some(wanted) if reach.approve => wanted.clone(),
                Some(wanted) => {
                    let waiting = wanted.difference(&approved).cloned();
                    self.waiting.extend(waiting.map(|permission| Waiting { connection: id.clone(), permission }));
                    wanted.intersection(&approved).cloned().collect::<BTreeSet<_>>()
                }
            };
            reachable.insert(id.clone(), Connection { permissions: Some(permissions), ..connection.clone() });
        }
        reachable
    }

    fn compare<K: ToString, V: Serialize>(
        &mut self,
        kind: Kind,
        current: &BTreeMap<K, V>,
        wanted: &BTreeMap<K, V>,
        folded: fn(&K) -> String,
        prune: bool,
    ) -> Result<()> {
        let mut left: BTreeMap<String, (&K, &V)> = current.iter().map(|(id, one)| (folded(id), (id, one))).collect();
        let mut seen = BTreeSet::new();
        for (id, declared) in wanted {
            if !seen.insert(folded(id)) {
                let message = format!("the {} {} is declared twice, in different cases", kind.as_str(), id.to_string());
                return Err(Error::invalid(message));
            }
            let declared = json(declared)?;
            let (action, differences) = match left.remove(&folded(id)) {
                None => (Action::Create, vec![Difference { path: String::new(), before: None, after: Some(declared) }]),
                Some((_, held)) => (Action::Update, between(&json(held)?, &declared)),
            };
            if differences.is_empty() {
                self.unchanged += 1;
            } else {
                self.steps.push(Step { kind, id: id.to_string(), action, differences });
            }
        }
        if prune && !wanted.is_empty() {
            for (id, held) in left.into_values() {
                let differences = vec![Difference { path: String::new(), before: Some(json(held)?), after: None }];
                self.steps.push(Step { kind, id: id.to_string(), action: Action::Delete, differences });
            }
        }
        Ok(())
    }
}

/// What was approved for one connector is not for another: a connection that gets another begins without approvals.
fn without_lost_approvals(
    current: &BTreeMap<ConnectionId, Connection>,
    wanted: &BTreeMap<ConnectionId, Connection>,
) -> BTreeMap<ConnectionId, Connection> {
    let connectors: BTreeMap<String, &ConnectorName> =
        wanted.iter().map(|(id, one)| (id.folded(), &one.connector)).collect();
    let held = |(id, one): (&ConnectionId, &Connection)| {
        let stays = connectors.get(&id.folded()).is_none_or(|connector| **connector == one.connector);
        let permissions = if stays { one.permissions.clone() } else { Some(BTreeSet::new()) };
        (id.clone(), Connection { permissions, ..one.clone() })
    };
    current.iter().map(held).collect()
}

/// What serves once the chosen releases do as well, each in the place of the one of its line.
fn served(
    current: &BTreeMap<ConnectorName, Connector>,
    wanted: &BTreeMap<ConnectorName, Connector>,
) -> BTreeMap<ConnectorName, Connector> {
    let served = |(name, chosen): (&ConnectorName, &Connector)| {
        let mut versions = chosen.versions.clone();
        let before = current.get(name).into_iter().flat_map(|connector| &connector.versions);
        let stays = |version: &&Version| !chosen.versions.iter().any(|chosen| line(chosen) == line(version));
        versions.extend(before.filter(stays).cloned());
        (name.clone(), Connector { versions })
    };
    wanted.iter().map(served).collect()
}

fn json<T: Serialize>(declared: &T) -> Result<Json> {
    serde_json::to_value(declared).map_err(|why| Error::internal(why.to_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn declaration(json: Json) -> Declaration {
        serde_json::from_value(json).unwrap()
    }

    fn company(permissions: &[&str]) -> Declaration {
        declaration(json!({
            "systems": {"hr": {"title": "HR"}},
            "connections": {"people": {"system": "hr", "connector": "hawser/csv", "title": "People",
                "options": {"encoding": "utf-8"}, "permissions": permissions}},
        }))
    }

    fn told(plan: &Plan) -> Vec<String> {
        plan.steps.iter().map(|step| format!("{} {} {}", step.action.as_str(), step.kind.as_str(), step.id)).collect()
    }

    const APPROVE: Reach = Reach { approve: true, prune: false };

    /// The company with a mapping of its people, imported every night.
    fn mapped() -> Declaration {
        let mapped = declaration(json!({
            "mappings": {"person": {"kind": "entity", "title": "People", "sources": [{"table": "people_account"}],
                "key": "uid", "properties": {"uid": {"from": {"column": ":uid"}}}}},
            "schedules": {"nightly": {"kind": "import", "connection": "people", "cron": " 30 2 * * * "}},
        }));
        Declaration { mappings: mapped.mappings, schedules: mapped.schedules, ..company(&[]) }.canonical().unwrap()
    }

    #[test]
    fn mappings_and_schedules_come_last_and_go_first() {
        let plan = Plan::new(&company(&[]), &mapped(), APPROVE).unwrap();
        assert_eq!(told(&plan), ["create mapping person", "create schedule nightly"]);
        let mut other = mapped();
        other.mappings = [("staff".parse().unwrap(), mapped().mappings.into_values().next().unwrap())].into();
        other.schedules = [("daily".parse().unwrap(), mapped().schedules.into_values().next().unwrap())].into();
        other.connections.clear();
        let plan = Plan::new(&mapped(), &other, Reach { prune: true, ..APPROVE }).unwrap();
        let expected =
            ["create mapping staff", "create schedule daily", "delete schedule nightly", "delete mapping person"];
        assert_eq!(told(&plan), expected);
    }

    #[test]
    fn what_a_mapping_or_a_schedule_says_differently_is_told_place_by_place() {
        let mut other = serde_json::to_value(mapped()).unwrap();
        other["mappings"]["person"]["properties"]["uid"]["from"]["then"] = json!(["upper"]);
        other["schedules"]["nightly"]["paused"] = json!(true);
        let other = declaration(other).canonical().unwrap();
        let plan = Plan::new(&mapped(), &other, APPROVE).unwrap();
        let paths: Vec<&str> = plan.steps.iter().map(|step| step.differences[0].path.as_str()).collect();
        assert_eq!(paths, ["/properties/uid/from/then", "/paused"]);
    }

    #[test]
    fn what_a_schedule_leaves_out_is_no_difference() {
        let explicit = json!({"schedules": {"nightly": {"kind": "import", "mode": "complete", "connection": "people",
            "cron": "30 2 * * *", "timeZone": "UTC", "catchUp": true, "paused": false}}});
        let explicit = declaration(explicit).canonical().unwrap();
        assert!(Plan::new(&mapped(), &explicit, APPROVE).unwrap().steps.is_empty());
    }

    #[test]
    fn what_is_there_already_takes_nothing() {
        let plan = Plan::new(&company(&[]), &company(&[]), APPROVE).unwrap();
        assert_eq!((plan.steps.len(), plan.unchanged, plan.waiting.len()), (0, 2, 0));
    }

    #[test]
    fn an_empty_host_gets_everything_in_the_order_of_what_needs_what() {
        let plan = Plan::new(&Declaration::default(), &company(&[]), APPROVE).unwrap();
        assert_eq!(told(&plan), ["create system hr", "create connection people"]);
    }

    #[test]
    fn what_nobody_approves_stays_a_request_and_what_is_not_declared_is_withdrawn() {
        let (write, read) = ("directory:data:read-write", "directory:data:read-only");
        let plan = Plan::new(&company(&[read]), &company(&[write]), Reach::default()).unwrap();
        assert_eq!(plan.waiting.len(), 1);
        assert_eq!(plan.steps[0].differences[0].after, Some(json!([])), "withdrawn");
        let plan = Plan::new(&company(&[read]), &company(&[write]), APPROVE).unwrap();
        assert_eq!((plan.waiting.len(), &plan.steps[0].differences[0].after), (0, &Some(json!([write]))));
    }

    #[test]
    fn a_release_takes_the_place_of_its_line_and_of_no_other() {
        let serving = |versions: &[&str]| declaration(json!({"connectors": {"acme/crm": {"versions": versions}}}));
        let current = serving(&["0.1.3", "0.2.0"]);
        assert!(Plan::new(&current, &serving(&["0.2.0"]), APPROVE).unwrap().steps.is_empty());
        let plan = Plan::new(&current, &serving(&["0.1.4"]), APPROVE).unwrap();
        assert_eq!(plan.steps[0].differences[0].after, Some(json!(["0.1.4", "0.2.0"])));
    }

    #[test]
    fn permissions_that_are_left_out_stay_as_they_are() {
        let mut wanted = company(&[]);
        wanted.connections.values_mut().for_each(|connection| connection.permissions = None);
        let plan = Plan::new(&company(&["directory:data:read-only"]), &wanted, Reach::default()).unwrap();
        assert!(plan.steps.is_empty() && plan.waiting.is_empty(), "{plan:?}");
    }

    #[test]
    fn another_connector_begins_without_the_approvals_of_the_one_before() {
        let read = "directory:data:read-only";
        let mut other = company(&[read]);
        other.connections.values_mut().for_each(|connection| connection.connector = "hawser/other".parse().unwrap());
        let plan = Plan::new(&company(&[read]), &other, Reach::default()).unwrap();
        assert_eq!((plan.waiting.len(), plan.steps[0].differences.len()), (1, 1), "{plan:?}");
        let plan = Plan::new(&company(&[read]), &other, APPROVE).unwrap();
        let approved = plan.steps[0].differences.iter().find(|found| found.path == "/permissions").unwrap();
        assert_eq!((&approved.before, &approved.after), (&Some(json!([])), &Some(json!([read]))));
    }

    #[test]
    fn what_is_not_declared_is_deleted_only_when_asked_for_connections_first_and_only_of_declared_kinds() {
        let mut wanted = company(&[]);
        wanted.systems = [("it".parse().unwrap(), super::super::document::System { title: "IT".into() })].into();
        wanted.connections.clear();
        assert_eq!(told(&Plan::new(&company(&[]), &wanted, APPROVE).unwrap()), ["create system it"]);
        let prune = Reach { prune: true, ..APPROVE };
        assert_eq!(told(&Plan::new(&company(&[]), &wanted, prune).unwrap()), ["create system it", "delete system hr"]);
    }

    #[test]
    fn a_name_in_another_case_is_the_same_and_twice_is_refused() {
        let shouted = declaration(json!({"systems": {"HR": {"title": "HR"}}}));
        let plan = Plan::new(&company(&[]), &shouted, APPROVE).unwrap();
        assert_eq!((plan.steps.len(), plan.unchanged), (0, 1));
        let twice = declaration(json!({"systems": {"HR": {"title": "a"}, "hr": {"title": "b"}}}));
        assert!(Plan::new(&company(&[]), &twice, APPROVE).unwrap_err().message.contains("twice"));
    }
}
