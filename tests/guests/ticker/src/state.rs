//! What the target is: objects by class, as in the journal.

use std::collections::HashMap;

use hawser_sdk::{Edge, Error, Record, Reference, Result};

use crate::journal::{Missing, Told};

const FILE: &str = "state.json";

/// Objects by class.
#[derive(serde::Deserialize)]
pub(crate) struct State(HashMap<String, Vec<Told>>);

impl State {
    pub(crate) fn read() -> Result<Self> {
        serde_json::from_str(&crate::text(FILE)?).map_err(|why| crate::unreadable(FILE, &why))
    }

    pub(crate) fn records(&self, class: &str, attributes: &[String]) -> Vec<Record> {
        let objects = self.0.get(class).into_iter().flatten();
        objects.map(|told| told.row(attributes, Missing::Absent).into()).collect()
    }

    /// The members of all groups, or of one.
    pub(crate) fn members(&self, owner: Option<&str>) -> Result<Vec<Edge>> {
        let groups = || self.0.get("group").into_iter().flatten();
        if let Some(owner) = owner
            && !groups().any(|group| group.uid == owner)
        {
            return Err(Error::unknown_uid(format!("there is no group {owner}")));
        }
        let edge = |group: &Told, target: Reference| Edge {
            owner: Reference::uid("group", group.uid.as_str()),
            attribute: "members".into(),
            target,
            parameters: Vec::new(),
        };
        let wanted = groups().filter(|group| owner.is_none_or(|owner| group.uid == owner));
        Ok(wanted.flat_map(|group| group.members().into_iter().map(|target| edge(group, target))).collect())
    }
}
