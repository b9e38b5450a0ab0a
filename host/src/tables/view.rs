//! Views: which tables a connection has, what their columns are, and where the cells come from.
//!
//! Made from what the manifest declares and the schema, so a table is known before anything was imported. Columns are
//! the same in every run as long as the schema is: a reader's program does not change with the data.

use std::collections::HashMap;

use super::slots::{Shape, Slot, Slots};
use crate::model::table::SUFFIX_BYTES_MAX;
use crate::model::{AttributeInfo, ClassInfo, ColumnKind, ConnectionId, Schema, Syntax, TableColumn, TableName};
use crate::registry::manifest::TableDeclaration;

/// The column of an incremental reading that says what to do with a row; no attribute's column is named so.
pub const COMMAND: &str = "command";
/// Columns of a table of objects.
pub(super) const UID: usize = 0;
pub(super) const NAME: usize = 1;
pub(super) const REVISION: usize = 2;
pub(super) const UNREAD: usize = 3;
/// Columns of a table of links.
pub(super) const OWNER: usize = 0;
pub(super) const VALUE: usize = 1;

/// One table.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub name: TableName,
    pub columns: Vec<TableColumn>,
    pub(super) source: Source,
}

/// Where its rows come from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// The objects of these classes, with the column of a row's class if there may be several.
    Objects { classes: Vec<ObjectSource>, class: Option<usize> },
    /// These relations, with the columns of the ends' classes if there may be several.
    Links { relations: Vec<LinkSource>, owner_class: Option<usize>, value_class: Option<usize> },
}

/// The objects of a class.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ObjectSource {
    pub class: String,
    pub slots: Slots,
}

/// The links of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LinkSource {
    pub class: String,
    pub attribute: String,
    /// A relation of its own; else the values stand in the objects' bodies.
    pub large: bool,
    /// The classes it points to, as far as the target says.
    pub refers_to: Vec<String>,
    /// The parameters of links.
    pub slots: Slots,
}

impl View {
    /// What it is called in its connection: its suffix, or nothing.
    pub fn suffix(&self) -> &str {
        self.name.suffix.as_ref().map_or("", |suffix| suffix.as_str())
    }
}

/// The tables of a connection, in the order in which they are declared, and then in that of the schema.
pub(super) fn views(connection: &ConnectionId, declared: &[TableDeclaration], schema: &Schema) -> Vec<View> {
    let usual = TableDeclaration::usual();
    let declared = if declared.is_empty() { &usual } else { declared };
    let mut names = Names::default();
    let grouped = groups(declared, schema).into_iter();
    grouped.map(|(suffix, members)| view(names.table(connection, suffix), &members)).collect()
}

/// A class, or a reference attribute of one.
type Member<'a> = (&'a ClassInfo, Option<&'a AttributeInfo>);

/// What stands in which table, by suffix.
fn groups<'a>(declared: &[TableDeclaration], schema: &'a Schema) -> Vec<(Option<String>, Vec<Member<'a>>)> {
    let mut members: Vec<Member<'a>> = Vec::new();
    for class in schema.0.iter().filter(|class| !class.auxiliary) {
        members.push((class, None));
        members.extend(class.attributes.iter().filter(|it| is_link(it)).map(|attribute| (class, Some(attribute))));
    }
    let mut groups: Vec<(usize, Option<String>, Vec<Member<'a>>)> = Vec::new();
    for (class, attribute) in members {
        let named = attribute.map(|it| it.name.as_str());
        let Some(at) = declared.iter().position(|it| it.takes(&class.name, named)) else { continue };
        let suffix = declared.get(at).and_then(|it| it.expand(&class.name, named));
        match groups.iter_mut().find(|group| group.0 == at && group.1 == suffix) {
            Some(group) => group.2.push((class, attribute)),
            None => groups.push((at, suffix, vec![(class, attribute)])),
        }
    }
    groups.sort_by_key(|group| group.0);
    groups.into_iter().map(|(_, suffix, members)| (suffix, members)).collect()
}

fn is_link(info: &AttributeInfo) -> bool {
    is_shown(info) && (info.large || info.syntax == Syntax::Reference)
}

/// What an import reads of it is what a table shows.
fn is_shown(info: &AttributeInfo) -> bool {
    info.readable && !info.confidential
}

fn view(name: TableName, members: &[Member<'_>]) -> View {
    let mut columns = Columns::default();
    let source = match members.first() {
        Some((_, Some(_))) => links(members, &mut columns),
        _ => objects(members, &mut columns),
    };
    View { name, columns: columns.made, source }
}

fn objects(members: &[Member<'_>], columns: &mut Columns) -> Source {
    for (name, kind) in [(":uid", ColumnKind::Text), (":name", ColumnKind::Text), (":revision", ColumnKind::Text)] {
        columns.own(name, kind, false);
    }
    columns.own(":unread", ColumnKind::Json, true);
    let class = (members.len() > 1).then(|| columns.own(":class", ColumnKind::Text, false));
    let shown =
        |class: &'_ ClassInfo| class.attributes.iter().filter(|it| is_shown(it) && !it.large).cloned().collect();
    let lists: Vec<Vec<AttributeInfo>> = members.iter().map(|(class, _)| shown(class)).collect();
    let slots = columns.attributes(&lists);
    let source = |((class, _), slots): (&Member<'_>, _)| ObjectSource { class: class.name.clone(), slots };
    Source::Objects { classes: members.iter().zip(slots).map(source).collect(), class }
}

fn links(members: &[Member<'_>], columns: &mut Columns) -> Source {
    columns.own(":owner", ColumnKind::Text, false);
    columns.own(":value", ColumnKind::Text, false);
    let first = members.first().map(|(class, _)| class.name.as_str());
    let owners = members.iter().any(|(class, _)| Some(class.name.as_str()) != first);
    let owner_class = owners.then(|| columns.own(":owner-class", ColumnKind::Text, false));
    let pointed = |member: &Member<'_>| member.1.map(|it| it.refers_to.clone()).unwrap_or_default();
    let target = members.first().map(pointed).unwrap_or_default();
    let values = target.len() != 1 || members.iter().any(|member| pointed(member) != target);
    let value_class = values.then(|| columns.own(":value-class", ColumnKind::Text, false));
    let parameters = |(class, attribute): &Member<'_>| {
        if attribute.is_some_and(|it| it.large) { class.parameters.clone() } else { Vec::new() }
    };
    let slots = columns.attributes(&members.iter().map(parameters).collect::<Vec<_>>());
    let relation = |(member, slots): (&Member<'_>, _)| LinkSource {
        class: member.0.name.clone(),
        attribute: member.1.map(|it| it.name.clone()).unwrap_or_default(),
        large: member.1.is_some_and(|it| it.large),
        refers_to: pointed(member),
        slots,
    };
    Source::Links { relations: members.iter().zip(slots).map(relation).collect(), owner_class, value_class }
}

/// Columns in the making; no name twice.
#[derive(Default)]
struct Columns {
    made: Vec<TableColumn>,
}

impl Columns {
    /// One of the host's own, and where it stands.
    fn own(&mut self, name: &str, kind: ColumnKind, multi_valued: bool) -> usize {
        self.push(name, kind, multi_valued, None)
    }

    /// The columns of all attributes, and of each list the slots that fill them. An attribute of one name has one column,
    /// whatever classes have it: of one kind where they agree, and else of lists.
    fn attributes(&mut self, lists: &[Vec<AttributeInfo>]) -> Vec<Slots> {
        let mut known: HashMap<String, Slot> = HashMap::new();
        for info in lists.iter().flatten().filter(|info| !info.name.is_empty()) {
            if !known.contains_key(&info.name) {
                let slot = self.attribute(info, lists);
                known.insert(info.name.clone(), slot);
            }
        }
        let slot = |info: &AttributeInfo| {
            let shared = known.get(&info.name)?;
            let shape = if shared.shape.is_many() { Shape::of(info).many() } else { shared.shape };
            Some(Slot { shape, refers_to: info.refers_to.clone(), ..shared.clone() })
        };
        lists.iter().map(|list| Slots::new(list.iter().filter_map(slot).collect())).collect()
    }

    fn attribute(&mut self, info: &AttributeInfo, lists: &[Vec<AttributeInfo>]) -> Slot {
        let same = lists.iter().flatten().filter(|other| other.name == info.name);
        let agreed = same.clone().all(|other| Shape::of(other) == Shape::of(info));
        let shape = if agreed { Shape::of(info) } else { Shape::of(info).many() };
        let column = self.push(&info.name, shape.kind(), shape.is_many(), Some(&info.name));
        let classless = same.clone().any(|other| other.syntax == Syntax::Reference && other.refers_to.len() != 1);
        let class_column = classless.then(|| {
            let kind = if shape.is_many() { ColumnKind::Json } else { ColumnKind::Text };
            self.push(&format!("{}:class", info.name), kind, shape.is_many(), Some(&info.name))
        });
        Slot { attribute: info.name.clone(), column, class_column, shape, refers_to: Vec::new() }
    }

    fn push(&mut self, name: &str, kind: ColumnKind, multi_valued: bool, attribute: Option<&str>) -> usize {
        let taken = |name: &str| name == COMMAND || self.made.iter().any(|column| column.name == name);
        let name = unique(name, taken);
        self.made.push(TableColumn { name, kind, multi_valued, attribute: attribute.map(str::to_owned) });
        self.made.len() - 1
    }
}

/// Names of tables in the making; no two that differ in case only.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn table(&mut self, connection: &ConnectionId, suffix: Option<String>) -> TableName {
        let suffix = suffix.map(|text| {
            let fitting = unique(&fitting(&text), |name| self.0.contains(&name.to_ascii_lowercase()));
            self.0.push(fitting.to_ascii_lowercase());
            fitting
        });
        TableName { connection: connection.clone(), suffix: suffix.and_then(|text| text.parse().ok()) }
    }
}

/// The text with a hyphen for each character that no suffix has, short enough to be told from others by a number.
fn fitting(text: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '-' };
    let lead = if text.starts_with(|c: char| c.is_ascii_alphabetic()) { "" } else { "x" };
    lead.chars().chain(text.chars().map(allowed)).take(SUFFIX_BYTES_MAX - 8).collect()
}

/// The name, or with the first number that makes it one nobody has.
fn unique(name: &str, taken: impl Fn(&str) -> bool) -> String {
    let numbered = (2_u64..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
