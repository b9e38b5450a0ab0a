//! What mappings and schedules name, held against what there will be once a plan is carried out.
//!
//! Only what the plan touches is looked at: what it makes or changes, and what names something that it changes or
//! deletes, whether that is declared or stays as it is. So nobody is refused for what was there before, and a plan that
//! changes nothing costs nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::Declaration;
use super::definition::Definition;
use super::document::Connection;
use super::plan::{Action, Kind, Plan, Step};
use crate::mappings::{Ahead, Flaw, Mappings, connections_used, mappings_used, refuse};
use crate::model::{ConnectionId, EntityMapping, Error, Mapping, MappingId, Output, Result, SystemId, Work};

/// Where a connection's tables come from: where one of these differs, its schema has to be read again.
const CONFIGURED: [&str; 5] = ["/connector", "/version", "/options", "/directories", "/destinations"];

/// Holds the mappings and schedules that are touched against what there will be. The folded identifiers of mappings that
/// name nothing but what is known already.
///
/// # Errors
/// `invalid-request` with all that is wrong with declared mappings, place by place, or the first schedule that is;
/// `conflict` if a mapping that is not declared, and stays, would no longer be right; those of the store.
pub(super) async fn check(
    mappings: &Mappings,
    can_write: impl Fn(&Output) -> Result<()>,
    current: &Declaration,
    wanted: &Declaration,
    plan: &Plan,
) -> Result<BTreeSet<String>> {
    let names = Names { current, wanted, plan };
    if !plan.steps.is_empty() {
        names.check_schedules()?;
        names.check_outputs(can_write)?;
    }
    let (touched, kept) = (names.touched_mappings(), names.touched_kept());
    let ahead = Ahead { entities: names.entities(), connections: names.connections() };
    if !kept.is_empty() {
        mappings.check_kept(&kept, ahead.clone()).await?;
    }
    if touched.is_empty() {
        return Ok(BTreeSet::new());
    }
    let (mut verified, mut flaws) = (BTreeSet::new(), Vec::new());
    for (mapping, standing) in touched.iter().zip(mappings.standings(&touched, ahead).await?) {
        if standing.is_verified() {
            verified.insert(mapping.id().folded());
        }
        let place = |flaw: Flaw| Flaw { at: place(mapping, &flaw.at), ..flaw };
        flaws.extend(standing.flaws.into_iter().map(place));
    }
    refuse(&flaws)?;
    Ok(verified)
}

/// What there is, what is declared, and what is done about that.
struct Names<'a> {
    current: &'a Declaration,
    wanted: &'a Declaration,
    plan: &'a Plan,
}

impl<'a> Names<'a> {
    /// The folded identifiers of what is done to resources of a kind.
    fn steps(&self, kind: Kind) -> BTreeMap<String, &'a Step> {
        let steps = self.plan.steps.iter().filter(|step| step.kind == kind);
        steps.map(|step| (step.id.to_ascii_lowercase(), step)).collect()
    }

    /// The declared mappings that are made or changed, or name what is changed or deleted.
    fn touched_mappings(&self) -> Vec<&'a Mapping> {
        self.touched(self.wanted.mappings.values().map(Definition::mapping))
    }

    /// The mappings that are not declared, stay, and name what is changed or deleted.
    fn touched_kept(&self) -> Vec<&'a Mapping> {
        let declared: BTreeSet<String> = self.wanted.mappings.keys().map(MappingId::folded).collect();
        let steps = self.steps(Kind::Mapping);
        let stays = |mapping: &&Mapping| {
            let id = mapping.id().folded();
            !declared.contains(&id) && !steps.contains_key(&id)
        };
        self.touched(self.current.mappings.values().map(Definition::mapping).filter(stays))
    }

    /// Those that are made or changed, or name what is changed or deleted.
    fn touched(&self, all: impl Iterator<Item = &'a Mapping>) -> Vec<&'a Mapping> {
        let (mappings, connections) = (self.steps(Kind::Mapping), self.steps(Kind::Connection));
        let gone = |id: &ConnectionId| connections.get(&id.folded()).is_some_and(|step| deletes(step));
        let touched = |mapping: &&Mapping| {
            mappings.contains_key(&mapping.id().folded())
                || mappings_used(mapping).iter().any(|id| mappings.contains_key(&id.folded()))
                || connections_used(mapping).iter().any(gone)
        };
        all.filter(touched).collect()
    }

    /// All entity mappings there will be.
    fn entities(&self) -> Vec<EntityMapping> {
        let steps = self.steps(Kind::Mapping);
        let all = self.current.mappings.values().map(|held| (held.mapping().id().folded(), held.mapping()));
        let mut all: BTreeMap<String, &Mapping> = all.collect();
        all.retain(|id, _| !steps.get(id).is_some_and(|step| deletes(step)));
        all.extend(self.wanted.mappings.values().map(|one| (one.mapping().id().folded(), one.mapping())));
        all.into_values().cloned().filter_map(Mapping::into_entity).collect()
    }

    /// All connections there will be, and whether their tables are unknown because of what is done to them.
    fn connections(&self) -> BTreeMap<String, bool> {
        let (steps, connectors) = (self.steps(Kind::Connection), self.steps(Kind::Connector));
        let all = self.current.connections.iter().chain(&self.wanted.connections);
        let mut ahead = BTreeMap::new();
        for (id, Connection { connector, .. }) in all {
            let to_come = match steps.get(&id.folded()) {
                Some(step) if deletes(step) => continue,
                Some(step) => step.action == Action::Create || step.differences.iter().any(|at| configured(&at.path)),
                None => false,
            };
            ahead.insert(id.folded(), to_come || connectors.contains_key(connector.as_str()));
        }
        ahead
    }

    /// All systems there will be, by their folded identifiers.
    fn systems(&self) -> BTreeSet<String> {
        let steps = self.steps(Kind::System);
        let all = self.current.systems.keys().chain(self.wanted.systems.keys()).map(SystemId::folded);
        all.filter(|id| !steps.get(id).is_some_and(|step| deletes(step))).collect()
    }

    /// Refuses a schedule that is touched and names a connection or a system that will not be there.
    fn check_schedules(&self) -> Result<()> {
        let (systems, connections) = (self.systems(), self.connections());
        let [of_schedules, of_systems, of_connections] =
            [Kind::Schedule, Kind::System, Kind::Connection].map(|kind| self.steps(kind));
        for (id, declared) in &self.wanted.schedules {
            let work = declared.clone().into_model(id.clone())?.work;
            let (what, named, is_there, step) = match &work {
                Work::Import { connection, .. }
                | Work::RefreshConnection { connection }
                | Work::Fulfil { connection } => {
                    let named = connection.folded();
                    ("connection", connection.as_str(), connections.contains_key(&named), of_connections.get(&named))
                }
                Work::RefreshSystem { system } => {
                    let named = system.folded();
                    ("system", system.as_str(), systems.contains(&named), of_systems.get(&named))
                }
            };
            if !is_there && (step.is_some() || of_schedules.contains_key(&id.folded())) {
                let place = format!("schedules.{id}.{what}");
                let message =
                    format!("{place}: there will be no {what} {named}; declare it, or take the schedule away");
                return Err(Error::invalid(message).blaming(place));
            }
        }
        Ok(())
    }

    /// Refuses a schedule that is made or changed and writes tables as this host cannot.
    fn check_outputs(&self, can_write: impl Fn(&Output) -> Result<()>) -> Result<()> {
        let steps = self.steps(Kind::Schedule);
        for (id, declared) in self.wanted.schedules.iter().filter(|(id, _)| steps.contains_key(&id.folded())) {
            let work = declared.clone().into_model(id.clone())?.work;
            work.output().map_or(Ok(()), &can_write).map_err(|error| {
                let place = format!("schedules.{id}.{}", error.attributes.join(", "));
                Error::invalid(format!("{place}: {}", error.message)).blaming(place)
            })?;
        }
        Ok(())
    }
}

fn deletes(step: &Step) -> bool {
    step.action == Action::Delete
}

fn configured(path: &str) -> bool {
    CONFIGURED.iter().any(|key| path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn place(mapping: &Mapping, at: &str) -> String {
    let place = format!("mappings.{}", mapping.id());
    if at.is_empty() { place } else { format!("{place}.{at}") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::plan::Reach;
    use super::*;

    /// Three connections of a system, and mappings of two of them.
    fn declared(change: impl FnOnce(&mut Json)) -> Declaration {
        let connection = json!({"system": "hr", "connector": "hawser/csv", "title": "People", "permissions": []});
        let entity = |table: &str| {
            json!({"kind": "entity", "title": "P", "sources": [{"table": table}], "key": "id",
                "properties": {"id": {"from": {"column": ":uid"}}}})
        };
        let mut json = json!({
            "systems": {"hr": {"title": "HR"}},
            "connections": {"a": connection, "b": connection, "c": connection},
            "mappings": {"one": entity("a_x"), "two": entity("B_x"), "pair": {
                "kind": "association", "title": "P", "table": "a_y", "left": {"from": {"column": "l"}, "entity": "ONE"},
                "right": {"from": {"column": "r"}, "entity": "one"}}},
            "schedules": {"nightly": {"kind": "import", "connection": "C", "cron": "@daily"},
                "weekly": {"kind": "refresh-schema", "system": "hr", "cron": "@weekly"}},
        });
        change(&mut json);
        serde_json::from_value::<Declaration>(json).unwrap().canonical().unwrap()
    }

    fn held<T>(wanted: &Declaration, look: impl FnOnce(&Names<'_>) -> T) -> T {
        let current = declared(|_| {});
        let plan = Plan::new(&current, wanted, Reach { approve: true, prune: true }).unwrap();
        look(&Names { current: &current, wanted, plan: &plan })
    }

    #[test]
    fn a_schedule_that_writes_where_this_host_cannot_is_refused_by_its_place() {
        let writes = |json: &mut Json| {
            json["schedules"]["nightly"]["output"] = json!({"place": "attic", "format": "csv"});
        };
        let no_place = |_: &Output| Err(Error::invalid("there is no attic").blaming("output.place"));
        let refused = held(&declared(writes), |names| names.check_outputs(no_place)).unwrap_err();
        assert_eq!(refused.attributes, ["schedules.nightly.output.place"]);
        held(&declared(writes), |names| names.check_outputs(|_| Ok(()))).unwrap();
        held(&declared(|_| {}), |names| names.check_outputs(no_place)).unwrap();
    }

    fn touched(change: impl FnOnce(&mut Json)) -> Vec<String> {
        held(&declared(change), |names| {
            names.touched_mappings().iter().map(|mapping| mapping.id().to_string()).collect()
        })
    }

    #[test]
    fn a_connection_is_unknown_if_it_is_made_or_configured_differently_and_not_if_it_is_called_differently() {
        let wanted = declared(|json| {
            json["connections"]["a"]["title"] = json!("Other");
            json["connections"]["b"]["options"] = json!({"encoding": "utf-8"});
            json["connections"]["new"] = json["connections"]["c"].take();
            json["connections"].as_object_mut().unwrap().remove("c");
        });
        let expected = [("a", false), ("b", true), ("new", true)].map(|(id, unknown)| (id.to_owned(), unknown));
        assert_eq!(held(&wanted, |names| names.connections()), expected.into());
    }

    #[test]
    fn a_connection_whose_connector_is_exchanged_is_unknown() {
        let wanted = declared(|json| json["connectors"] = json!({"hawser/csv": {"versions": ["0.1.7"]}}));
        assert!(held(&wanted, |names| names.connections()).into_values().all(|unknown| unknown));
    }

    #[test]
    fn only_what_changes_or_names_what_changes_or_goes_is_looked_at() {
        assert!(touched(|json| json["systems"]["hr"]["title"] = json!("Other")).is_empty());
        assert_eq!(touched(|json| json["mappings"]["one"]["title"] = json!("Other")), ["one", "pair"]);
        let without = |kind: &'static str, id: &'static str| {
            move |json: &mut Json| drop(json[kind].as_object_mut().unwrap().remove(id))
        };
        assert_eq!(touched(without("connections", "b")), ["two"]);
        assert_eq!(touched(without("mappings", "one")), ["pair"]);
        let left = held(&declared(without("mappings", "one")), |names| names.entities());
        assert_eq!(left.iter().map(|entity| entity.id.as_str()).collect::<Vec<_>>(), ["two"]);
    }

    #[test]
    fn what_is_not_declared_is_looked_at_if_it_names_what_changes_or_goes_and_stays_itself() {
        let kept = |wanted: &Declaration, prune: bool| {
            let current = declared(|_| {});
            let plan = Plan::new(&current, wanted, Reach { approve: true, prune }).unwrap();
            let kept = Names { current: &current, wanted, plan: &plan }.touched_kept();
            kept.into_iter().map(|mapping| mapping.id().to_string()).collect::<Vec<_>>()
        };
        let only_one = declared(|json| {
            json["mappings"] = json!({"one": json["mappings"]["one"]});
            json["mappings"]["one"]["title"] = json!("Other");
        });
        assert_eq!(kept(&only_one, false), ["pair"]);
        assert!(kept(&only_one, true).is_empty(), "pruned, too");
        let without_b = declared(|json| {
            json.as_object_mut().unwrap().remove("mappings");
            json["connections"].as_object_mut().unwrap().remove("b");
        });
        assert_eq!(kept(&without_b, true), ["two"]);
        assert!(kept(&without_b, false).is_empty(), "nothing goes");
    }

    #[test]
    fn a_schedule_is_refused_if_what_it_names_is_not_declared_or_goes() {
        held(&declared(|_| {}), |names| names.check_schedules()).unwrap();
        let refused = |change: fn(&mut Json)| held(&declared(change), |names| names.check_schedules()).unwrap_err();
        let gone = refused(|json| drop(json["connections"].as_object_mut().unwrap().remove("c")));
        assert_eq!(gone.attributes, ["schedules.nightly.connection"]);
        let unknown = refused(|json| json["schedules"]["weekly"]["system"] = json!("it"));
        assert_eq!(unknown.attributes, ["schedules.weekly.system"]);
    }
}
