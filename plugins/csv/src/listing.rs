//! Listing: the rows of a class, and the edges of the memberships file, both with checkpoints.

use crate::cells::Cells;
use crate::columns::{Column, Columns, MEMBERS, PASSWORD, Texts};
use crate::membership::MembershipColumns;
use crate::scanner::Position;
use crate::table::Table;
use crate::walk::{Step, Walk};
use crate::{Class, Csv};
use hawser_sdk::{
    Cell, Edge, EdgeRequest, Error, Item, ListRequest, Listing, ObjectRef, Record, Reference, Result, Row, Source,
};

impl Source for Csv {
    fn list(self, request: ListRequest, resume: Option<Vec<u8>>) -> Result<impl Listing<Record>> {
        if request.container.is_some() {
            return Err(Error::schema_violation("CSV files have no containers"));
        }
        let (table, columns) = self.open_class(Class::parse(&request.class)?)?;
        let layout = Layout::new(&columns, &table, &request.attributes)?;
        Ok(Objects { walk: walk(table, vec![columns.key], resume)?, layout })
    }

    fn get(&self, object: &ObjectRef, attributes: &[String]) -> Result<Record> {
        self.look_up(&object.class, std::slice::from_ref(&object.uid), attributes)?
            .pop()
            .unwrap_or_else(|| Err(Error::unknown_uid("nothing was asked for")))
    }

    fn get_many(&self, class: &str, uids: &[String], attributes: &[String]) -> Result<Vec<Result<Record>>> {
        self.look_up(class, uids, attributes)
    }

    fn edges(self, request: EdgeRequest, resume: Option<Vec<u8>>) -> Result<impl Listing<Edge>> {
        if Class::parse(&request.class)? != Class::Group || request.attribute != MEMBERS {
            return Err(Error::schema_violation("only the attribute `members` of groups is offered as edges"));
        }
        let (table, columns) = self.open_memberships()?;
        let owner = request.owner.map(|owner| owner.uid);
        Ok(Edges { walk: walk(table, columns.key(), resume)?, columns, owner })
    }
}

impl Csv {
    /// The file of a class and what its columns mean.
    pub(crate) fn open_class(&self, class: Class) -> Result<(Table, Columns)> {
        let table = Table::open(&self.options, self.options.place(class)?.file)?;
        let columns = Columns::new(&self.options, class, &table)?;
        Ok((table, columns))
    }
}

fn walk(table: Table, key: Vec<usize>, resume: Option<Vec<u8>>) -> Result<Walk> {
    match resume {
        Some(checkpoint) => Walk::resume(table, key, &checkpoint),
        None => Walk::new(table, key),
    }
}

/// The cells of a row, in the order they were asked for.
pub(crate) struct Layout {
    key: usize,
    name: usize,
    slots: Vec<Slot>,
}

enum Slot {
    Column(Column),
    /// A password is there and cannot be read.
    Unread,
    /// Members come as edges; none of them stands in the row.
    Members,
}

impl Layout {
    pub(crate) fn new(columns: &Columns, table: &Table, attributes: &[String]) -> Result<Self> {
        let slot = |attribute: &String| match columns.find(attribute) {
            Some(column) => Ok(Slot::Column(column.clone())),
            None if !columns.knows(attribute) => Err(columns.unknown(attribute, table)),
            None if attribute == PASSWORD => Ok(Slot::Unread),
            None => Ok(Slot::Members),
        };
        let slots = attributes.iter().map(slot).collect::<Result<_>>()?;
        Ok(Self { key: columns.key, name: columns.name, slots })
    }

    /// The row of a record, or why it cannot be read.
    pub(crate) fn row(&self, record: &Cells, table: &Table) -> Result<Row, String> {
        let texts = Texts::new(record, table)?;
        let mut cells = Vec::with_capacity(self.slots.len());
        for slot in &self.slots {
            cells.push(match slot {
                Slot::Column(column) => column.cell(&texts.get(column.index)?)?,
                Slot::Unread => Cell::Unread,
                Slot::Members => Cell::Partial(Vec::new()),
            });
        }
        let uid = identifier(&texts, self.key, "key")?;
        let name = identifier(&texts, self.name, "name")?;
        Ok(Row { uid, name, revision: None, cells })
    }
}

fn identifier(texts: &Texts<'_>, column: usize, what: &str) -> Result<String, String> {
    let text = texts.get(column)?;
    if text.is_empty() {
        return Err(format!("has no {what}"));
    }
    if has_control(&text) {
        return Err(format!("has a control character in its {what}"));
    }
    Ok(text.into_owned())
}

/// Characters are only looked at one by one where there are others than ASCII's.
fn has_control(text: &str) -> bool {
    let ascii = text.bytes().fold(false, |found, byte| found | byte.is_ascii_control());
    ascii || (!text.is_ascii() && text.chars().any(char::is_control))
}

struct Objects {
    walk: Walk,
    layout: Layout,
}

impl Objects {
    fn row(&self, position: Position) -> Step<Row> {
        let Self { walk, layout } = self;
        layout.row(walk.record(), &walk.table).map_err(|reason| walk.aside(position, &reason))
    }
}

impl Listing<Record> for Objects {
    fn next_item(&mut self) -> Option<Result<Item<Record>>> {
        let step = self.walk.step().transpose()?;
        Some(step.map(|step| step.and_then(|position| self.row(position)).map_or_else(Into::into, Into::into)))
    }

    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        Some(self.walk.checkpoint())
    }

    fn estimate(&self) -> Option<u64> {
        self.walk.estimate()
    }
}

struct Edges {
    walk: Walk,
    columns: MembershipColumns,
    /// Only the members of this group.
    owner: Option<String>,
}

impl Edges {
    /// The edge the current record stands for, unless it is another owner's.
    fn edge(&self) -> Result<Option<Edge>, String> {
        let texts = Texts::new(self.walk.record(), &self.walk.table)?;
        let group = texts.get(self.columns.group)?;
        if self.owner.as_ref().is_some_and(|owner| *owner != group) {
            return Ok(None);
        }
        Ok(Some(Edge {
            owner: Reference::uid(Class::GROUP, group),
            attribute: MEMBERS.to_owned(),
            target: Reference::uid(Class::ACCOUNT, texts.get(self.columns.account)?),
            parameters: Vec::new(),
        }))
    }

    fn item(&mut self) -> Result<Option<Item<Edge>>> {
        while let Some(step) = self.walk.step()? {
            let edge = step.and_then(|position| self.edge().map_err(|reason| self.walk.aside(position, &reason)));
            match edge {
                Ok(Some(edge)) => return Ok(Some(edge.into())),
                Ok(None) => {}
                Err(rejected) => return Ok(Some(rejected.into())),
            }
        }
        Ok(None)
    }
}

impl Listing<Edge> for Edges {
    fn next_item(&mut self) -> Option<Result<Item<Edge>>> {
        self.item().transpose()
    }

    fn checkpoint(&mut self) -> Option<Vec<u8>> {
        Some(self.walk.checkpoint())
    }
}
