//! Batches: some rows of a table, made one at a time from the text they were read as.

use std::borrow::Cow;
use std::sync::Arc;

use super::decode::{self, set};
use super::view::{LinkSource, NAME, OWNER, ObjectSource, REVISION, Source, UID, VALUE, View};
use crate::model::{Command, Result, StrayLink, TableCell, TableEntry, TableRow};
use crate::store::{Block, ChangedLinks, ChangedObjects, Named};

/// Some rows of a table.
pub struct Batch {
    view: Arc<View>,
    /// Which of the table's sources they are from.
    source: usize,
    block: Block,
    marks: Marks,
    named: Named,
}

/// What is to be done with the rows.
pub(super) enum Marks {
    Complete,
    /// All of them are new.
    Fresh,
    /// What changed, in the order of the rows; what has no row is gone.
    Objects(ChangedObjects),
    Links(ChangedLinks),
}

impl Batch {
    pub(super) fn new(view: Arc<View>, source: usize, block: Block, marks: Marks, named: Named) -> Self {
        Self { view, source, block, marks, named }
    }

    /// Is there nothing in it?
    pub(super) fn is_empty(&self) -> bool {
        self.block.rows == 0
            && match &self.marks {
                Marks::Complete | Marks::Fresh => true,
                Marks::Objects(changed) => changed.is_empty(),
                Marks::Links(changed) => changed.is_empty(),
            }
    }

    /// Hands over each row.
    ///
    /// # Errors
    /// Those of `take`, which end it.
    pub fn each(&self, mut take: impl FnMut(TableRow<'_>) -> Result<()>) -> Result<()> {
        self.entries(&mut |entry| match entry {
            TableEntry::Row(row) => take(row),
            TableEntry::Stray(_) => Ok(()),
        })
    }

    /// Hands over each row, and each link that is none.
    ///
    /// # Errors
    /// Those of `take`, which end it.
    pub fn entries(&self, take: &mut dyn FnMut(TableEntry<'_>) -> Result<()>) -> Result<()> {
        match &self.view.source {
            Source::Objects { classes, class } => match classes.get(self.source) {
                Some(of) => self.objects(of, *class, take),
                None => Ok(()),
            },
            Source::Links { relations, owner_class, value_class } => match relations.get(self.source) {
                Some(of) => {
                    let mut links = Links { of, owner_class: *owner_class, value_class: *value_class, take };
                    if of.large { self.links(&mut links) } else { self.references(&mut links) }
                }
                None => Ok(()),
            },
        }
    }

    fn objects(
        &self,
        of: &ObjectSource,
        class: Option<usize>,
        take: &mut dyn FnMut(TableEntry<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut cells = Vec::new();
        let classed = |cells: &mut [TableCell<'_>]| {
            if let Some(column) = class {
                set(cells, column, TableCell::Text(Cow::Owned(of.class.clone())));
            }
        };
        self.marked(|uid, before, row| {
            self.clear(&mut cells);
            set(&mut cells, UID, TableCell::Text(Cow::Borrowed(uid)));
            classed(&mut cells);
            let Some([_, name, revision, body]) = row else {
                return take(TableEntry::Row(TableRow { command: Some(Command::Delete), cells: &cells }));
            };
            set(&mut cells, NAME, TableCell::Text(Cow::Borrowed(name)));
            if !revision.is_empty() {
                set(&mut cells, REVISION, TableCell::Text(Cow::Borrowed(revision)));
            }
            let whole = decode::body(body, &of.slots, &self.named, &self.view.columns, &mut cells)?;
            let command = before.map(|before| match (before, whole) {
                (false, _) => Command::Insert,
                (true, true) => Command::Update,
                (true, false) => Command::Merge,
            });
            take(TableEntry::Row(TableRow { command, cells: &cells }))
        })
    }

    /// Each object of the block, or each that changed: its uid, whether it was there before (none: nobody asked), and
    /// its fields, if it is there now.
    fn marked<'a>(
        &'a self,
        mut each: impl FnMut(&'a str, Option<bool>, Option<[&'a str; 4]>) -> Result<()>,
    ) -> Result<()> {
        let mut rows = self.block.rows();
        let changed = match &self.marks {
            Marks::Complete | Marks::Fresh | Marks::Links(_) => {
                let before = matches!(self.marks, Marks::Fresh).then_some(false);
                return rows.try_for_each(|row| row.and_then(|row| each(row[0], before, Some(row))));
            }
            Marks::Objects(changed) => changed,
        };
        let mut next = rows.next().transpose()?;
        for (uid, before) in changed {
            let row = next.filter(|[of, ..]| of == uid);
            if row.is_some() {
                next = rows.next().transpose()?;
            }
            if row.is_some() || *before {
                each(uid, Some(*before), row)?;
            }
        }
        Ok(())
    }

    /// The links of a relation.
    fn links<'a>(&'a self, links: &mut Links<'_, 'a>) -> Result<()> {
        let mut cells = Vec::new();
        let mut rows = self.block.rows();
        let Marks::Links(changed) = &self.marks else {
            let command = matches!(self.marks, Marks::Fresh).then_some(Command::Insert);
            return rows.try_for_each(|row| {
                let [owner, target, class, parameters] = row?;
                self.clear(&mut cells);
                self.link(links, (owner, target, class), Some(parameters), command, &mut cells)
            });
        };
        let mut next = rows.next().transpose()?;
        for ((owner, target, class), before) in changed {
            let row = next.filter(|row| row[0] == owner && row[1] == target && row[2] == class);
            if row.is_some() {
                next = rows.next().transpose()?;
            }
            let command = match (row, before) {
                (Some(_), true) => Command::Update,
                (Some(_), false) => Command::Insert,
                (None, true) => Command::Delete,
                (None, false) => continue,
            };
            self.clear(&mut cells);
            let parameters = row.map(|[.., parameters]| parameters);
            self.link(links, (owner, target, class), parameters, Some(command), &mut cells)?;
        }
        Ok(())
    }

    fn link<'a>(
        &'a self,
        links: &mut Links<'_, 'a>,
        (owner, target, class): (&'a str, &'a str, &'a str),
        parameters: Option<&'a str>,
        command: Option<Command>,
        cells: &mut Vec<TableCell<'a>>,
    ) -> Result<()> {
        let (Some(from), Some(to)) = (owner.strip_prefix("u:"), target.strip_prefix("u:")) else {
            return links.stray(plain(owner), Some(Cow::Borrowed(plain(target))));
        };
        set(cells, OWNER, TableCell::Text(Cow::Borrowed(from)));
        set(cells, VALUE, TableCell::Text(Cow::Borrowed(to)));
        links.classes(cells, (!class.is_empty()).then_some(Cow::Borrowed(class)));
        if let Some(parameters) = parameters.filter(|_| !links.of.slots.is_empty()) {
            decode::parameters(parameters, &links.of.slots, &self.named, cells)?;
        }
        links.row(command, cells)
    }

    /// The references in the bodies of objects. What changed about one owner is told as all that it points to: first that
    /// its rows go, then those it has.
    fn references<'a>(&'a self, links: &mut Links<'_, 'a>) -> Result<()> {
        let mut cells = Vec::new();
        let of: &'a LinkSource = links.of;
        self.marked(|uid, before, row| {
            let pointers = match row {
                Some([.., body]) => decode::pointers(body, &of.attribute)?,
                None => Some(Vec::new()),
            };
            let Some(pointers) = pointers else { return links.stray(uid, None) };
            if before == Some(true) {
                self.clear(&mut cells);
                set(&mut cells, OWNER, TableCell::Text(Cow::Borrowed(uid)));
                links.owner_class(&mut cells);
                links.row(Some(Command::Delete), &cells)?;
            }
            for pointer in pointers {
                let Some((class, value)) = pointer.resolve(&of.refers_to, &self.named) else {
                    links.stray(uid, Some(pointer.into_name().unwrap_or_default()))?;
                    continue;
                };
                self.clear(&mut cells);
                set(&mut cells, OWNER, TableCell::Text(Cow::Borrowed(uid)));
                set(&mut cells, VALUE, TableCell::Text(value));
                links.classes(&mut cells, class);
                links.row(before.map(|_| Command::Insert), &cells)?;
            }
            Ok(())
        })
    }

    fn clear(&self, cells: &mut Vec<TableCell<'_>>) {
        cells.clear();
        cells.resize(self.view.columns.len(), TableCell::Null);
    }
}

/// Where the rows of a relation go, and where their classes stand.
struct Links<'t, 'a> {
    of: &'a LinkSource,
    owner_class: Option<usize>,
    value_class: Option<usize>,
    take: &'t mut dyn FnMut(TableEntry<'_>) -> Result<()>,
}

impl<'a> Links<'_, 'a> {
    fn row(&mut self, command: Option<Command>, cells: &[TableCell<'_>]) -> Result<()> {
        (self.take)(TableEntry::Row(TableRow { command, cells }))
    }

    fn stray(&mut self, owner: &str, target: Option<Cow<'_, str>>) -> Result<()> {
        (self.take)(TableEntry::Stray(StrayLink { owner: Cow::Borrowed(owner), target }))
    }

    fn owner_class(&self, cells: &mut [TableCell<'a>]) {
        if let Some(column) = self.owner_class {
            set(cells, column, TableCell::Text(Cow::Borrowed(&self.of.class)));
        }
    }

    fn classes(&self, cells: &mut [TableCell<'a>], value: Option<Cow<'a, str>>) {
        self.owner_class(cells);
        if let (Some(column), Some(class)) = (self.value_class, value) {
            set(cells, column, TableCell::Text(class));
        }
    }
}

/// An end without the mark that says what it points with.
fn plain(end: &str) -> &str {
    end.split_once(':').map_or(end, |(_, plain)| plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AttributeInfo, ClassInfo, Schema, Syntax, schema};
    use crate::tables::view::views;

    /// What a batch of people and their managers tells: `owner>value` of a row, `owner!target` of what is none.
    fn told(bodies: &[(&str, &str)], marks: Marks) -> Vec<String> {
        let manager = AttributeInfo {
            multi_valued: true,
            refers_to: vec!["account".into()],
            ..schema::tests::plain("manager", Syntax::Reference)
        };
        let people = ClassInfo { attributes: vec![manager], ..schema::tests::people() };
        let view = Arc::new(views(&"hr".parse().unwrap(), &[], &Schema(vec![people])).remove(1));
        let rows: Vec<[&str; 4]> = bodies.iter().map(|(uid, body)| [*uid, "", "", *body]).collect();
        let batch = Batch::new(view, 0, Block::of(&rows), marks, Named::default());
        let mut told = Vec::new();
        batch
            .entries(&mut |entry| {
                told.push(match entry {
                    TableEntry::Row(TableRow { command, cells: [TableCell::Text(owner), value] }) => {
                        let value = if let TableCell::Text(value) = value { value } else { "" };
                        format!("{}{owner}>{value}", command.map_or("", Command::as_str))
                    }
                    TableEntry::Row(row) => panic!("{row:?}"),
                    TableEntry::Stray(link) => format!("{}!{}", link.owner, link.target.as_deref().unwrap_or("?")),
                });
                Ok(())
            })
            .unwrap();
        told
    }

    const BODIES: [(&str, &str); 4] = [
        ("1", r#"{"attributes":{"manager":[{"uid":"9"}]}}"#),
        ("2", r#"{"attributes":{"manager":[{"uid":"9"}]},"partial":["manager"]}"#),
        ("3", r#"{"attributes":{},"unread":["manager"]}"#),
        ("4", r#"{"attributes":{"manager":[{"name":"nobody"},{"uid":"9"}]}}"#),
    ];

    #[test]
    fn an_owner_whose_links_were_not_read_whole_is_told_as_such_and_none_of_them_is() {
        assert_eq!(told(&BODIES, Marks::Complete), ["1>9", "2!?", "3!?", "4!nobody", "4>9"]);
    }

    #[test]
    fn links_that_were_not_read_are_not_deleted_where_changes_are_told() {
        let changed = BODIES.iter().map(|(uid, _)| ((*uid).to_owned(), true)).collect();
        let expected = ["delete1>", "insert1>9", "2!?", "3!?", "delete4>", "4!nobody", "insert4>9"];
        assert_eq!(told(&BODIES, Marks::Objects(changed)), expected);
    }
}
