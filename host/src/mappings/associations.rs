//! Rows become pairs of entities, each end named by its key or by a unique property of its type.
//!
//! A pair tells keys. An end by its key is that value, in the key's form; an end by a unique property is looked up in an
//! [`Index`] of its entities, and a pair whose end nobody has is set aside.

use super::check::{self, Known};
use super::datum::{Datum, Reason};
use super::entities::{SetAside, UNREAD, Verdict, check_count, own_properties, within};
use super::expression::{Compiled, Compiler, Condition};
use super::flaws::Flaw;
use super::index::{Found, Index};
use super::scope::Scope;
use crate::model::{
    AssociationMapping, End, EntityMapping, Error, MappingId, PropertyKind, PropertyName, Result, TableCell, TableName,
};

/// An association mapping over a table whose columns are known.
#[derive(Debug)]
pub struct Associations {
    table: TableName,
    condition: Option<Condition>,
    left: Option<Prepared>,
    right: Option<Prepared>,
    properties: Vec<(PropertyName, PropertyKind, Compiled)>,
}

/// One end, compiled.
#[derive(Debug)]
struct Prepared {
    entity: MappingId,
    /// None: the key.
    by: Option<PropertyName>,
    kind: PropertyKind,
    value: Compiled,
}

/// Two entities that belong together. Keys are texts of JSON.
#[derive(Debug, PartialEq)]
pub struct Pair<'a> {
    pub left: String,
    pub right: String,
    /// One value for each name of [`Associations::names`].
    pub values: Vec<Datum<'a>>,
}

/// An end that is named by a unique property: entities of this type are to be indexed by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    pub entity: MappingId,
    pub by: PropertyName,
}

impl Associations {
    /// Compiles a mapping.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn compile(mapping: &AssociationMapping, known: &Known<'_>) -> std::result::Result<Self, Vec<Flaw>> {
        let mut compiler = Compiler::default();
        let compiled = Self::new(mapping, Some(known), &mut compiler);
        let flaws = compiler.flaws.into_found();
        if flaws.is_empty() { Ok(compiled) } else { Err(flaws) }
    }

    pub(super) fn new(mapping: &AssociationMapping, known: Option<&Known<'_>>, compiler: &mut Compiler) -> Self {
        check_count(mapping.properties.len(), &mut compiler.flaws);
        let scope = check::scope(&mapping.table, known, compiler);
        let table = check::named_as_known(&mapping.table, known);
        let Some(mut scope) = scope else {
            return Self { table, condition: None, left: None, right: None, properties: Vec::new() };
        };
        let condition = mapping.condition.as_ref();
        let condition = condition.and_then(|text| within(compiler, "where", |c| c.condition(text, &mut scope)));
        let left = within(compiler, "left", |c| prepare(&mapping.left, known, &mut scope, c));
        let right = within(compiler, "right", |c| prepare(&mapping.right, known, &mut scope, c));
        let properties = own_properties(mapping.properties.iter(), &mut scope, compiler);
        Self { table, condition, left, right, properties }
    }

    /// The table its pairs come from.
    pub const fn table(&self) -> &TableName {
        &self.table
    }

    /// The names of a pair's values, in their order.
    pub fn names(&self) -> impl Iterator<Item = &PropertyName> + Clone {
        self.properties.iter().map(|(name, ..)| name)
    }

    /// What has to be looked up for the left and for the right end.
    pub fn lookups(&self) -> [Option<Lookup>; 2] {
        [&self.left, &self.right].map(|end| {
            let end = end.as_ref()?;
            Some(Lookup { entity: end.entity.clone(), by: end.by.clone()? })
        })
    }

    /// What becomes of a row. `indexes` are those of [`Associations::lookups`].
    ///
    /// # Errors
    /// Those of the disk an index is on.
    pub fn judge<'a>(&'a self, cells: &'a [TableCell<'a>], indexes: &[Option<Index>; 2]) -> Result<Verdict<Pair<'a>>> {
        match self.condition.as_ref().map_or(Ok(Some(true)), |condition| condition.holds(cells)) {
            Ok(Some(true)) => {}
            Ok(Some(false)) => return Ok(Verdict::Unmatched),
            Ok(None) => return Ok(Verdict::SetAside(SetAside::condition(UNREAD))),
            Err(reason) => return Ok(Verdict::SetAside(SetAside::condition(reason))),
        }
        let [left_index, right_index] = indexes;
        let left = match named(self.left.as_ref(), cells, left_index.as_ref())? {
            Ok(left) => left,
            Err(reason) => return Ok(aside("left", &reason)),
        };
        let right = match named(self.right.as_ref(), cells, right_index.as_ref())? {
            Ok(right) => right,
            Err(reason) => return Ok(aside("right", &reason)),
        };
        let mut values = Vec::with_capacity(self.properties.len());
        for (name, kind, expression) in &self.properties {
            match expression.evaluate(cells).and_then(|value| value.cast(*kind)) {
                Ok(value) => values.push(value),
                Err(reason) => {
                    return Ok(Verdict::SetAside(SetAside { property: Some(name.clone()), reason }));
                }
            }
        }
        Ok(Verdict::Made(Pair { left, right, values }))
    }
}

fn aside<T>(end: &str, reason: &Reason) -> Verdict<T> {
    Verdict::SetAside(SetAside { property: None, reason: format!("{end}: {reason}").into() })
}

/// The key of an end, or why there is none.
fn named(
    end: Option<&Prepared>,
    cells: &[TableCell<'_>],
    index: Option<&Index>,
) -> Result<std::result::Result<String, Reason>> {
    let end = end.ok_or_else(|| Error::internal("an association with flaws was evaluated"))?;
    let value = match end.value.evaluate(cells).and_then(|value| value.cast(end.kind)) {
        Ok(Datum::Unread) => return Ok(Err(UNREAD)),
        Ok(value) if value.is_nothing() => return Ok(Err(Reason::Borrowed("it is null"))),
        Ok(value) => value,
        Err(reason) => return Ok(Err(reason)),
    };
    let Some(index) = index else { return Ok(value.json()) };
    let nobody = || Reason::Owned(format!("no entity of {} has this value", end.entity));
    match index.find(&value)? {
        Found::One(key) => Ok(Ok(key)),
        Found::Nobody => Ok(Err(nobody())),
        Found::Several => Ok(Err(Reason::Owned(format!("several entities of {} have this value", end.entity)))),
    }
}

fn prepare(end: &End, known: Option<&Known<'_>>, scope: &mut Scope<'_>, compiler: &mut Compiler) -> Option<Prepared> {
    let mapping = within(compiler, "entity", |compiler| check::entity(&end.entity, known, compiler));
    let by = end.by.clone().filter(|by| mapping.is_none_or(|mapping| *by != mapping.key));
    let kind = mapping.map(|mapping| kind_of(mapping, by.as_ref(), compiler)).unwrap_or_default();
    let (value, made) = within(compiler, "from", |compiler| compiler.expression(&end.from, scope));
    if mapping.is_some() {
        compiler.flaws.below("from", |flaws| flaws.require(made.fits(kind)));
    }
    Some(Prepared { entity: mapping.map_or_else(|| end.entity.clone(), |mapping| mapping.id.clone()), by, kind, value })
}

/// The form of the property an end is named by, which has to be the key or unique.
fn kind_of(mapping: &EntityMapping, by: Option<&PropertyName>, compiler: &mut Compiler) -> PropertyKind {
    let name = by.unwrap_or(&mapping.key);
    if *name != mapping.key && !mapping.unique.contains(name) {
        let names = std::iter::once(&mapping.key).chain(&mapping.unique).map(PropertyName::as_str);
        let what = format!("key or unique property of {}:", mapping.id);
        compiler.flaws.below("by", |flaws| flaws.unknown(&what, name.as_str(), names));
    }
    mapping.properties.get(name).map(|property| property.kind).unwrap_or_default()
}
