//! Rows become entities: the first source of a table whose condition a row meets says what its properties are.
//!
//! A row whose key is null or was not read, or whose expressions fail, is set aside with the reason. Of two entities with
//! the same key, or the same unique value, the first in the order of the tables stays and the other is set aside; tables
//! have an order of their own, so it is always the same one.

use std::io;
use std::path::Path;

use super::check::{self, Known};
use super::datum::{Datum, Reason};
use super::digests::{Digester, Digests};
use super::expression::{Compiled, Compiler, Condition};
use super::flaws::{Flaw, Flaws};
use super::limits::{PROPERTIES_MAX, SOURCES_MAX, UNIQUE_MAX};
use crate::model::{EntityMapping, Property, PropertyKind, PropertyName, SourceTable, TableCell, TableName};

/// An entity mapping over tables whose columns are known.
#[derive(Debug)]
pub struct Entities {
    names: Vec<PropertyName>,
    kinds: Vec<PropertyKind>,
    key: usize,
    unique: Vec<usize>,
    sources: Vec<Prepared>,
}

/// One source, compiled.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) table: TableName,
    condition: Option<Condition>,
    properties: Vec<Compiled>,
}

/// What becomes of a row.
#[derive(Debug, PartialEq)]
pub enum Verdict<T> {
    Made(T),
    SetAside(SetAside),
    /// No source wants it.
    Unmatched,
}

/// An entity: one value for each name of [`Entities::names`].
#[derive(Debug, PartialEq)]
pub struct Entity<'a> {
    pub values: Vec<Datum<'a>>,
}

/// Why a row is no entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// The property to blame; none: the condition.
    pub property: Option<PropertyName>,
    pub reason: Reason,
}

impl Entities {
    /// Compiles a mapping.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn compile(mapping: &EntityMapping, known: &Known<'_>) -> Result<Self, Vec<Flaw>> {
        let mut compiler = Compiler::default();
        let compiled = Self::new(mapping, Some(known), &mut compiler);
        let flaws = compiler.flaws.into_found();
        if flaws.is_empty() { Ok(compiled) } else { Err(flaws) }
    }

    pub(super) fn new(mapping: &EntityMapping, known: Option<&Known<'_>>, compiler: &mut Compiler) -> Self {
        check_keys(mapping, &mut compiler.flaws);
        if mapping.sources.is_empty() || mapping.sources.len() > SOURCES_MAX {
            compiler.flaws.below("sources", |flaws| flaws.note(format!("there are 1 to {SOURCES_MAX} of them")));
        }
        let place = |name: &PropertyName| mapping.properties.keys().position(|known| known == name);
        let mut sources = Vec::new();
        for (number, source) in mapping.sources.iter().enumerate() {
            sources.extend(within(compiler, format!("sources[{number}]"), |c| prepare(mapping, source, known, c)));
        }
        Self {
            names: mapping.properties.keys().cloned().collect(),
            kinds: mapping.properties.values().map(|property| property.kind).collect(),
            key: place(&mapping.key).unwrap_or_default(),
            unique: mapping.unique.iter().filter_map(place).collect(),
            sources,
        }
    }

    /// The names of the properties, in the order of an entity's values.
    pub fn names(&self) -> &[PropertyName] {
        &self.names
    }

    /// Which of the values is the key.
    pub const fn key(&self) -> usize {
        self.key
    }

    /// The tables its rows come from, each once, in the order they are read in.
    pub fn tables(&self) -> Vec<&TableName> {
        let mut tables: Vec<&TableName> = Vec::new();
        for source in &self.sources {
            if !tables.contains(&&source.table) {
                tables.push(&source.table);
            }
        }
        tables
    }

    /// What becomes of a row of a table, not regarding other rows.
    pub fn judge<'a>(&'a self, table: &TableName, cells: &'a [TableCell<'a>]) -> Verdict<Entity<'a>> {
        for source in self.sources.iter().filter(|source| source.table == *table) {
            match source.condition.as_ref().map_or(Ok(Some(true)), |condition| condition.holds(cells)) {
                Ok(Some(true)) => return self.made(source, cells),
                Ok(Some(false)) => {}
                Ok(None) => return Verdict::SetAside(SetAside::condition(UNREAD)),
                Err(reason) => return Verdict::SetAside(SetAside::condition(reason)),
            }
        }
        Verdict::Unmatched
    }

    fn made<'a>(&'a self, source: &'a Prepared, cells: &'a [TableCell<'a>]) -> Verdict<Entity<'a>> {
        let mut values = Vec::with_capacity(self.kinds.len());
        for (number, (expression, kind)) in source.properties.iter().zip(&self.kinds).enumerate() {
            match expression.evaluate(cells).and_then(|value| value.cast(*kind)) {
                Ok(Datum::Unread) if number == self.key => return self.aside(number, UNREAD),
                Ok(value) if number == self.key && value.is_nothing() => {
                    return self.aside(number, Reason::Borrowed("the key is null"));
                }
                Ok(value) => values.push(value),
                Err(reason) => return self.aside(number, reason),
            }
        }
        Verdict::Made(Entity { values })
    }

    fn aside(&self, property: usize, reason: Reason) -> Verdict<Entity<'static>> {
        Verdict::SetAside(SetAside { property: self.names.get(property).cloned(), reason })
    }

    /// Is a property the `:uid` of the only table there is, of one class? Then no two entities can share it.
    fn is_uid(&self, property: usize, known: &Known<'_>) -> bool {
        let [source] = self.sources.as_slice() else { return false };
        // Two texts can be one integer: 7 and 007.
        if self.kinds.get(property) != Some(&PropertyKind::Text) {
            return false;
        }
        let Some(table) = known.tables.iter().find(|table| table.name == source.table) else { return false };
        let one_class = !table.columns.iter().any(|column| column.name == ":class");
        let column = source.properties.get(property).and_then(Compiled::plain_column);
        one_class && column.and_then(|number| table.columns.get(number)).is_some_and(|column| column.name == ":uid")
    }
}

/// What makes no value, because a column of it was not read.
pub(super) const UNREAD: Reason = Reason::Borrowed("it depends on a column that was not read");

impl SetAside {
    pub(super) fn condition(reason: Reason) -> Self {
        Self { property: None, reason }
    }
}

/// The keys and unique values seen so far, in flat memory.
#[derive(Debug)]
pub struct Uniqueness {
    digester: Digester,
    /// A property, and its values.
    seen: Vec<(usize, Digests)>,
}

impl Uniqueness {
    /// Nothing seen yet; files are in `folder`, if the memory is too small.
    pub fn of(entities: &Entities, known: &Known<'_>, folder: &Path) -> Self {
        let properties = std::iter::once(entities.key).chain(entities.unique.iter().copied());
        let shared = properties.filter(|property| !entities.is_uid(*property, known));
        Self { digester: Digester::default(), seen: shared.map(|property| (property, Digests::new(folder))).collect() }
    }

    /// Takes an entity up, or says which of its values another one has; then it holds none of them, nor its key.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn admit(&mut self, entities: &Entities, entity: &Entity<'_>) -> io::Result<Option<SetAside>> {
        let mut fresh = [None; 1 + UNIQUE_MAX];
        for ((property, digests), fresh) in self.seen.iter().zip(&mut fresh) {
            let value = entity.values.get(*property).filter(|value| !value.is_missing() && !value.is_nothing());
            let Some(digest) = value.map(|value| self.digester.of(value)) else { continue };
            if digests.get(digest)?.is_some() {
                let property = entities.names.get(*property).cloned();
                return Ok(Some(SetAside { property, reason: Reason::Borrowed("another entity has the same value") }));
            }
            *fresh = Some(digest);
        }
        for ((_, digests), fresh) in self.seen.iter_mut().zip(fresh) {
            if let Some(digest) = fresh {
                digests.insert(digest, 0)?;
            }
        }
        Ok(None)
    }
}

/// Searches below a key of the definition.
pub(super) fn within<T>(compiler: &mut Compiler, key: impl Into<String>, search: impl FnOnce(&mut Compiler) -> T) -> T {
    compiler.flaws.enter(key);
    let found = search(compiler);
    compiler.flaws.leave();
    found
}

fn prepare(
    mapping: &EntityMapping,
    source: &SourceTable,
    known: Option<&Known<'_>>,
    compiler: &mut Compiler,
) -> Option<Prepared> {
    for name in source.properties.keys().filter(|name| !mapping.properties.contains_key(name)) {
        let names = mapping.properties.keys().map(PropertyName::as_str);
        compiler.flaws.below("properties", |flaws| flaws.unknown("property", name.as_str(), names));
    }
    let mut scope = check::scope(&source.table, known, compiler)?;
    let condition = source.condition.as_ref();
    let condition = condition.and_then(|text| within(compiler, "where", |c| c.condition(text, &mut scope)));
    let mut properties = Vec::with_capacity(mapping.properties.len());
    for (name, property) in &mapping.properties {
        within(compiler, format!("properties.{name}"), |compiler| {
            let Some(expression) = mapping.expression(source, name) else {
                return compiler.flaws.note("nothing says what it is made of; give it `from`");
            };
            let (compiled, kind) = compiler.expression(expression, &mut scope);
            compiler.flaws.require(kind.fits(property.kind));
            properties.push(compiled);
        });
    }
    Some(Prepared { table: check::named_as_known(&source.table, known), condition, properties })
}

fn check_keys(mapping: &EntityMapping, flaws: &mut Flaws) {
    check_count(mapping.properties.len(), flaws);
    let names = || mapping.properties.keys().map(PropertyName::as_str);
    if !mapping.properties.contains_key(&mapping.key) {
        flaws.below("key", |flaws| flaws.unknown("property", mapping.key.as_str(), names()));
    }
    flaws.below("unique", |flaws| {
        if mapping.unique.len() > UNIQUE_MAX {
            flaws.note(format!("at most {UNIQUE_MAX} properties besides the key are unique"));
        }
        for (number, name) in mapping.unique.iter().enumerate() {
            if !mapping.properties.contains_key(name) {
                flaws.unknown("property", name.as_str(), names());
            } else if *name == mapping.key || mapping.unique.iter().take(number).any(|other| other == name) {
                flaws.note(format!("{name} is unique already"));
            }
        }
    });
    for name in std::iter::once(&mapping.key).chain(&mapping.unique) {
        let kind = mapping.properties.get(name).map(|property| property.kind);
        if matches!(kind, Some(PropertyKind::Real | PropertyKind::Boolean | PropertyKind::TextList)) {
            let message = "a key is no real, no boolean and no list; make it a text or an integer";
            flaws.below(format!("properties.{name}"), |flaws| flaws.note(message));
        }
    }
}

pub(super) fn check_count(properties: usize, flaws: &mut Flaws) {
    if properties > PROPERTIES_MAX {
        flaws.below("properties", |flaws| flaws.note(format!("there are at most {PROPERTIES_MAX} of them")));
    }
}

/// The properties of an association, compiled like those of an entity.
pub(super) fn own_properties<'p>(
    properties: impl Iterator<Item = (&'p PropertyName, &'p Property)>,
    scope: &mut super::scope::Scope<'_>,
    compiler: &mut Compiler,
) -> Vec<(PropertyName, PropertyKind, Compiled)> {
    let mut made = Vec::new();
    for (name, property) in properties {
        within(compiler, format!("properties.{name}"), |compiler| {
            let Some(expression) = &property.from else {
                return compiler.flaws.note("nothing says what it is made of; give it `from`");
            };
            let (compiled, kind) = compiler.expression(expression, scope);
            compiler.flaws.require(kind.fits(property.kind));
            made.push((name.clone(), property.kind, compiled));
        });
    }
    made
}
