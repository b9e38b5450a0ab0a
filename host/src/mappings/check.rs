//! A definition held against what is known: tables and their columns, other mappings, the target's schema.
//!
//! Checking is compiling and throwing away what was compiled, so that what passes here runs. Without anything known (a
//! definition that comes before its connection) the shape and the bounds are checked, and every name passes.

use super::associations::Associations;
use super::correlation::Correlation;
use super::entities::Entities;
use super::expression::Compiler;
use super::flaws::Flaw;
use super::limits::TITLE_BYTES_MAX;
use super::resources::Resources;
use super::scope::Scope;
use crate::model::{ConnectionId, EntityMapping, Mapping, MappingId, Schema, TableColumn, TableName};

/// The identifier that the API has another use for: `POST /v1/mappings/check`.
const RESERVED: &str = "check";

/// A table as mappings see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub name: TableName,
    pub columns: Vec<TableColumn>,
}

/// What names are held against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The tables of all connections that the definition names.
    pub tables: &'a [Table],
    /// The entity mappings it may name.
    pub entities: &'a [EntityMapping],
    /// Of a resource type, the schema of its connection; none: it has no schema.
    pub schema: Option<&'a Schema>,
    /// Connections of which nothing is known yet: their tables may be called anything, and have any column.
    pub open: &'a [ConnectionId],
}

/// All that is wrong with a definition; `known` is none if nothing is known yet.
pub fn check(mapping: &Mapping, known: Option<&Known<'_>>) -> Vec<Flaw> {
    let mut compiler = Compiler::default();
    if mapping.id().folded() == RESERVED {
        compiler.flaws.below("id", |flaws| flaws.note("no mapping can be called `check`; give it another name"));
    }
    title(mapping.title(), &mut compiler);
    match mapping {
        Mapping::Entity(mapping) => drop(Entities::new(mapping, known, &mut compiler)),
        Mapping::Association(mapping) => drop(Associations::new(mapping, known, &mut compiler)),
        Mapping::Resource(mapping) => drop(Resources::new(mapping, known, &mut compiler)),
        Mapping::Correlation(rule) => drop(Correlation::new(rule, known, &mut compiler)),
    }
    compiler.flaws.into_found()
}

fn title(title: &str, compiler: &mut Compiler) {
    if title.is_empty() || title.len() > TITLE_BYTES_MAX || title.chars().any(char::is_control) {
        let message = format!("it takes 1 to {TITLE_BYTES_MAX} bytes without control characters");
        compiler.flaws.below("title", |flaws| flaws.note(message));
    }
}

/// The columns of a table; notes it as a flaw if there is no such table.
pub(super) fn scope<'k>(name: &TableName, known: Option<&Known<'k>>, compiler: &mut Compiler) -> Option<Scope<'k>> {
    let is_open = |known: &&Known<'_>| known.open.iter().any(|open| open.folded() == name.connection.folded());
    let Some(known) = known.filter(|known| !is_open(known)) else { return Some(Scope::open()) };
    let text = name.to_string();
    let found = known.tables.iter().find(|table| table.name.to_string().eq_ignore_ascii_case(&text));
    if found.is_none() {
        let names: Vec<String> = known.tables.iter().map(|table| table.name.to_string()).collect();
        compiler.flaws.below("table", |flaws| flaws.unknown("table", &text, names.iter().map(String::as_str)));
    }
    found.map(|table| Scope::table(&table.name.to_string(), &table.columns))
}

/// The table as it calls itself: names are compared without regard to case.
pub(super) fn named_as_known(name: &TableName, known: Option<&Known<'_>>) -> TableName {
    let text = name.to_string();
    let tables = known.map(|known| known.tables).unwrap_or_default();
    let found = tables.iter().find(|table| table.name.to_string().eq_ignore_ascii_case(&text));
    found.map_or_else(|| name.clone(), |table| table.name.clone())
}

/// The entity mapping of that id; notes it as a flaw if there is none, though others are known.
pub(super) fn entity<'k>(
    id: &MappingId,
    known: Option<&Known<'k>>,
    compiler: &mut Compiler,
) -> Option<&'k EntityMapping> {
    let known = known?;
    let found = known.entities.iter().find(|mapping| mapping.id.folded() == id.folded());
    if found.is_none() {
        let ids = known.entities.iter().map(|mapping| mapping.id.as_str());
        compiler.flaws.unknown("entity mapping", id.as_str(), ids);
    }
    found
}
