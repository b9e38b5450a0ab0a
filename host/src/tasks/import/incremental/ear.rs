//! Listening to a feed: what it is asked for, and what it tells in the store's words. What cannot be understood is set
//! aside with its reason, and its object stays as it is.

use std::collections::BTreeMap;
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
    /// In one order, so that a feed is asked for the same the same way.
    classes: BTreeMap<&'a str, Columns>,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::schema::tests::{people, plain};
    use crate::model::{AttributeInfo, Gone, Row, Syntax};

    /// People with a large relation `boss`, and groups with one of that name and another.
    fn classes() -> Vec<ClassInfo> {
        let large = |name| AttributeInfo { large: true, ..plain(name, Syntax::Reference) };
        let mut account = people();
        account.attributes.insert(0, large("boss"));
        let attributes = vec![large("boss"), plain("note", Syntax::Text), large("members")];
        vec![account, ClassInfo { name: "group".into(), attributes, ..people() }]
    }

    fn heard(delta: Delta) -> Result<FedChange, String> {
        let classes = classes();
        let relation = |(class, attribute)| RunPart::relation(class, attribute);
        let relations = [("account", "boss"), ("group", "boss"), ("group", "members")].map(relation);
        let plan = [vec![RunPart::objects("account"), RunPart::objects("group")], relations.to_vec()].concat();
        let ear = Ear::of(classes.iter(), &plan).unwrap();
        let page = ear.hear(Deltas { deltas: vec![delta], ..Deltas::default() }).unwrap();
        match (page.changes.into_iter().next(), page.set_aside.as_slice()) {
            (Some(change), []) => Ok(change),
            (None, [(part, record)]) => Err(format!("{part}: {}: {}", record.key, record.message)),
            other => panic!("{other:?}"),
        }
    }

    fn edge(class: Option<&str>, attribute: &str) -> Delta {
        let owner = Reference { class: class.map(str::to_owned), key: Key::Uid("g".into()) };
        let target = Reference::to("account", "1");
        Delta::LinkAdded(Edge { owner, attribute: attribute.into(), target, parameters: Vec::new() })
    }

    fn group(boss: Cell, members: Cell) -> Result<Vec<(String, Option<usize>)>, String> {
        let cells = vec![Cell::Text("x".into()), boss, members];
        let row = Row { uid: "g".into(), name: "g".into(), revision: None, cells };
        let FedChange::Object(object) = heard(Delta::Patch(ClassRow { class: "group".into(), row }))? else {
            panic!("an object is an object");
        };
        assert_eq!(object.row.body, r#"{"attributes":{"note":["x"]}}"#, "relations are not kept with their owner");
        let told = object.relations.into_iter();
        Ok(told.map(|relation| (relation.attribute, relation.targets.map(|targets| targets.len()))).collect())
    }

    #[test]
    fn relations_are_asked_for_after_what_is_kept_and_nothing_confidential_is() {
        let classes = classes();
        let asked = Ear::of(classes.iter(), &[]).unwrap().asked().unwrap();
        let texts = |asked: &ClassAttributes| asked.attributes.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(texts(&asked[0]), ["mail", "age", "First Name", "hired", "boss"]);
        assert_eq!(texts(&asked[1]), ["note", "boss", "members"]);
    }

    #[test]
    fn a_cell_of_a_relation_says_all_some_or_nothing_about_its_links() {
        let to = || Value::Reference(Reference::to("account", "1"));
        let single = Cell::Reference(Reference::to("account", "1"));
        let told = group(single, Cell::Many(vec![to(), to()])).unwrap();
        assert_eq!(told, [("boss".to_owned(), Some(1)), ("members".to_owned(), Some(2))]);
        let told = group(Cell::Absent, Cell::Partial(vec![to()])).unwrap();
        assert_eq!(told, [("boss".to_owned(), Some(0)), ("members".to_owned(), None)]);
        assert_eq!(group(Cell::Unread, Cell::Unread).unwrap(), []);
        let why = group(Cell::Unread, Cell::Text("everybody".into())).unwrap_err();
        assert_eq!(why, "group: g: a value of members is no reference");
    }

    #[test]
    fn a_link_is_of_the_one_relation_it_can_be_of() {
        let of = |class, attribute| match heard(edge(class, attribute)) {
            Ok(FedChange::LinkAdded(part, _)) => part.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(of(None, "members"), "group.members");
        assert_eq!(of(Some("account"), "boss"), "account.boss");
        for (class, attribute) in [(None, "boss"), (Some("account"), "members"), (Some("group"), "note")] {
            assert!(heard(edge(class, attribute)).unwrap_err().contains("does not come as links"), "{attribute}");
        }
    }

    #[test]
    fn what_is_gone_is_passed_on_as_it_was_told() {
        let gone = Gone { class: None, uid: None, name: Some("n".into()) };
        assert_eq!(heard(Delta::Delete(gone.clone())), Ok(FedChange::Gone(gone)));
    }
}
