//! Listening to a feed: what it is asked for, and what it tells in the store's words. What cannot be understood is set
//! aside with its reason, and its object stays as it is.

use std::collections::HashMap;
use std::sync::Arc;

use crate::connections::{Ready, intake};
use crate::model::{
    AttributeName, Cell, ClassAttributes, ClassInfo, ClassRow, Delta, Deltas, Edge, Error, FailureKind, Key, Reference,
    Rejected, Renamed, Result, Unfit, Value,
};
use crate::store::{FedChange, FedObject, FedPage, FedRelation, RunPart, SetAside, StagedRow};
use crate::tasks::import::{classes, columns, staged_link};

/// Understands a feed.
pub(super) struct Ear<'a> {
    plan: &'a [RunPart],
    classes: HashMap<&'a str, Columns>,
}

/// What is asked of a class: first what is kept with its objects, then what is kept as links.
struct Columns {
    kept: Arc<[AttributeName]>,
    relations: Vec<AttributeName>,
}

impl<'a> Ear<'a> {
    pub(super) fn new(ready: &'a Ready, plan: &'a [RunPart]) -> Result<Self> {
        Self::of(classes(ready), plan)
    }

    fn of(classes: impl Iterator<Item = &'a ClassInfo>, plan: &'a [RunPart]) -> Result<Self> {
        let columns = |class: &'a ClassInfo| {
            let relations = class.large_attributes().map(|info| Ok(info.name.parse()?)).collect::<Result<_>>()?;
            Ok((class.name.as_str(), Columns { kept: columns(class)?.into(), relations }))
        };
        Ok(Self { plan, classes: classes.map(columns).collect::<Result<_>>()? })
    }

    /// What the feed is to tell about.
    pub(super) fn asked(&self) -> Result<Vec<ClassAttributes>> {
        let asked = |(class, columns): (&&str, &Columns)| {
            let attributes = columns.kept.iter().chain(&columns.relations).cloned().collect();
            Ok(ClassAttributes { class: class.parse()?, attributes })
        };
        self.classes.iter().map(asked).collect()
    }

    /// A page as it can be applied.
    pub(super) fn hear(&self, page: Deltas) -> Result<FedPage> {
        let mut heard = FedPage { token: page.token, ended: !page.more, ..FedPage::default() };
        for Unfit { class, record } in page.unfit {
            heard.set_aside.push((self.part_of(class.as_deref())?, SetAside::from(&record)));
        }
        for delta in page.deltas {
            let part = self.part_of(class_of(&delta))?;
            match self.change(delta) {
                Ok(change) => heard.changes.push(change),
                Err(record) => heard.set_aside.push((part, SetAside::from(&record))),
            }
        }
        Ok(heard)
    }

    /// The part that is shown with a record of that class; the first one where nobody knows the class.
    fn part_of(&self, class: Option<&str>) -> Result<RunPart> {
        let part = class.filter(|class| self.classes.contains_key(class)).map(RunPart::objects);
        part.or_else(|| self.plan.first().cloned()).ok_or_else(|| Error::internal("a plan has no part"))
    }

    fn change(&self, delta: Delta) -> Result<FedChange, Rejected> {
        match delta {
            Delta::Upsert(now) | Delta::Patch(now) => self.object(None, now),
            Delta::Rename(Renamed { previous, now }) => self.object(Some(previous), now),
            Delta::Delete(gone) => Ok(FedChange::Gone(gone)),
            Delta::LinkAdded(edge) => self.link(edge, FedChange::LinkAdded),
            Delta::LinkRemoved(edge) => self.link(edge, FedChange::LinkRemoved),
        }
    }

    fn object(&self, previous: Option<String>, ClassRow { class, mut row }: ClassRow) -> Result<FedChange, Rejected> {
        let Some(Columns { kept, relations }) = self.classes.get(class.as_str()) else {
            return Err(rejected(&row.uid, format!("{class} was not asked for")));
        };
        let large = row.cells.split_off(row.cells.len().min(kept.len()));
        let told = relations.iter().zip(large).filter_map(|(name, cell)| relation(name, cell).transpose());
        let relations = told.collect::<Result<_, String>>().map_err(|why| rejected(&row.uid, why))?;
        let intake::Admitted { row, body } = intake::admit(kept, row)?;
        let row = StagedRow { uid: row.uid, name: row.name, revision: row.revision, body };
        Ok(FedChange::Object(FedObject { class, previous, columns: Arc::clone(kept), row, relations }))
    }

    fn link<F>(&self, edge: Edge, told: F) -> Result<FedChange, Rejected>
    where
        F: FnOnce(RunPart, crate::store::StagedLink) -> FedChange,
    {
        let (Key::Uid(owner) | Key::Name(owner)) = &edge.owner.key;
        let owner = owner.clone();
        let part = self.relation_of(&edge).ok_or_else(|| {
            let attribute = &edge.attribute;
            rejected(&owner, format!("{attribute:?} does not come as links, or nobody can say of which class it is"))
        })?;
        let link = staged_link(edge).map_err(|why| rejected(&owner, why.message))?;
        Ok(told(part.clone(), link))
    }

    /// The one relation an edge can be of.
    fn relation_of(&self, edge: &Edge) -> Option<&RunPart> {
        let of_attribute = self.plan.iter().filter(|part| part.attribute.as_ref() == Some(&edge.attribute));
        let of_class = |part: &&RunPart| edge.owner.class.as_ref().is_none_or(|class| *class == part.class);
        let mut fitting = of_attribute.filter(of_class);
        fitting.next().filter(|_| fitting.next().is_none())
    }
}

fn class_of(delta: &Delta) -> Option<&str> {
    match delta {
        Delta::Upsert(now) | Delta::Patch(now) => Some(&now.class),
        Delta::Rename(renamed) => Some(&renamed.now.class),
        Delta::Delete(gone) => gone.class.as_deref(),
        Delta::LinkAdded(edge) | Delta::LinkRemoved(edge) => edge.owner.class.as_deref(),
    }
}

/// What a cell says of all links of its owner; nothing if it was not read.
fn relation(attribute: &AttributeName, cell: Cell) -> Result<Option<FedRelation>, String> {
    let targets = match cell {
        Cell::Unread => return Ok(None),
        Cell::Partial(_) => None,
        cell => Some(cell.into_values().into_iter().map(|value| target(attribute, value)).collect::<Result<_, _>>()?),
    };
    Ok(Some(FedRelation { attribute: attribute.to_string(), targets }))
}

fn target(attribute: &AttributeName, value: Value) -> Result<Reference, String> {
    match value {
        Value::Reference(to) => Ok(to),
        _ => Err(format!("a value of {attribute} is no reference")),
    }
}

fn rejected(key: &str, why: String) -> Rejected {
    Rejected { key: key.to_owned(), error: Error::failure(FailureKind::SchemaViolation, why) }
}
