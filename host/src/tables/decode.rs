//! From the stored body of an object to the cells of its row, without a tree between: lists go into their cells as the
//! text they are stored as.
//!
//! What does not fit its column (the schema changed after the import) is a cell that was not read, and never a null:
//! a reader would take that for a value that is gone.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::slots::{Shape, Slot, Slots};
use super::view::UNREAD;
use crate::model::json::days;
use crate::model::{ColumnKind, Error, Result, TableCell, TableColumn};
use crate::store::Named;

/// A reference as it is stored.
#[derive(Deserialize)]
pub(super) struct Pointer<'a> {
    #[serde(borrow, default)]
    class: Option<Name<'a>>,
    #[serde(borrow, default)]
    uid: Option<Name<'a>>,
    #[serde(borrow, default)]
    name: Option<Name<'a>>,
}

#[derive(Deserialize)]
struct Binary<'a> {
    #[serde(borrow)]
    binary: Cow<'a, str>,
}

/// The body of an object.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    attributes: Attributes<'a>,
    #[serde(borrow, default)]
    unread: Vec<Cow<'a, str>>,
    #[serde(borrow, default)]
    partial: Vec<Cow<'a, str>>,
}

/// Names of attributes with the text of their lists, in the body's order.
struct Attributes<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

/// A text, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Fills the cells that a body has something for; whether all of them were read.
pub(super) fn body<'a>(
    text: &'a str,
    slots: &'a Slots,
    named: &'a Named,
    columns: &[TableColumn],
    cells: &mut [TableCell<'a>],
) -> Result<bool> {
    let body: Body<'a> = serde_json::from_str(text).map_err(|why| broken(&why))?;
    let mut lost = fill(&body.attributes, slots, named, cells);
    let mut hint = 0;
    for attribute in body.unread.iter().chain(&body.partial) {
        if let Some(slot) = slots.find(attribute, &mut hint) {
            put(cells, slot, TableCell::Unread, TableCell::Unread);
            lost = true;
        }
    }
    if lost {
        let unread = cells.iter().zip(columns).filter(|(cell, _)| **cell == TableCell::Unread);
        let names: Vec<&str> = unread.map(|(_, column)| column.name.as_str()).collect();
        let list = serde_json::to_string(&names).map_err(|why| broken(&why))?;
        set(cells, UNREAD, TableCell::Json(Cow::Owned(list)));
    }
    Ok(!lost)
}

/// Fills the cells of a link's parameters.
pub(super) fn parameters<'a>(
    text: &'a str,
    slots: &'a Slots,
    named: &'a Named,
    cells: &mut [TableCell<'a>],
) -> Result<()> {
    let attributes: Attributes<'a> = serde_json::from_str(text).map_err(|why| broken(&why))?;
    fill(&attributes, slots, named, cells);
    Ok(())
}

/// The references of one attribute; none if they were not read, or not all of them.
pub(super) fn pointers<'a>(text: &'a str, attribute: &str) -> Result<Option<Vec<Pointer<'a>>>> {
    let body: Body<'a> = serde_json::from_str(text).map_err(|why| broken(&why))?;
    if body.unread.iter().chain(&body.partial).any(|name| name == attribute) {
        return Ok(None);
    }
    let found = body.attributes.0.iter().find(|(name, _)| name == attribute);
    Ok(found.map_or(Some(Vec::new()), |(_, list)| serde_json::from_str(list.get()).ok()))
}

/// Adds the names that references of a body point with.
pub(super) fn names<'a>(text: &'a str, slots: &Slots, into: &mut HashSet<Cow<'a, str>>) -> Result<()> {
    let body: Body<'a> = serde_json::from_str(text).map_err(|why| broken(&why))?;
    let mut hint = 0;
    for (name, list) in &body.attributes.0 {
        if slots.find(name, &mut hint).is_some_and(|slot| slot.shape.refers()) {
            let pointers: Vec<Pointer<'a>> = serde_json::from_str(list.get()).unwrap_or_default();
            into.extend(pointers.into_iter().filter_map(Pointer::into_name));
        }
    }
    Ok(())
}

impl<'a> Pointer<'a> {
    /// The name it points with.
    pub(super) fn into_name(self) -> Option<Cow<'a, str>> {
        self.name.map(|Name(name)| name)
    }

    /// Class and uid of what it points to; none if its name is nobody's, or several have it.
    pub(super) fn resolve(
        &self,
        refers_to: &'a [String],
        named: &'a Named,
    ) -> Option<(Option<Cow<'a, str>>, Cow<'a, str>)> {
        let only = || if let [class] = refers_to { Some(Cow::Borrowed(class.as_str())) } else { None };
        if let Some(Name(uid)) = &self.uid {
            let class = self.class.as_ref().map(|Name(class)| class.clone());
            return Some((class.or_else(only), uid.clone()));
        }
        let wanted = |class: &str| match &self.class {
            Some(Name(own)) => own == class,
            None => refers_to.is_empty() || refers_to.iter().any(|it| it == class),
        };
        let Name(name) = self.name.as_ref()?;
        let mut fitting = named.get(name.as_ref())?.iter().filter(|(class, ..)| wanted(class));
        match (fitting.next(), fitting.next()) {
            (Some((class, uid, true)), None) => Some((Some(Cow::Borrowed(class)), Cow::Borrowed(uid))),
            _ => None,
        }
    }

    /// The uid, or the name where it is nobody's; and the class, if it is known.
    fn shown(self, refers_to: &'a [String], named: &'a Named) -> (Option<Cow<'a, str>>, Cow<'a, str>) {
        let resolved = self.resolve(refers_to, named);
        resolved.unwrap_or_else(|| {
            (self.class.map(|Name(class)| class), self.name.map_or(Cow::Borrowed(""), |Name(name)| name))
        })
    }
}

/// Fills cells; whether something did not fit.
fn fill<'a>(attributes: &Attributes<'a>, slots: &'a Slots, named: &'a Named, cells: &mut [TableCell<'a>]) -> bool {
    let (mut lost, mut hint) = (false, 0);
    for (name, list) in &attributes.0 {
        let Some(slot) = slots.find(name, &mut hint) else { continue };
        let (cell, class) = cell(list.get(), slot, named).unwrap_or((TableCell::Unread, TableCell::Unread));
        lost |= cell == TableCell::Unread;
        put(cells, slot, cell, class);
    }
    lost
}

fn put<'a>(cells: &mut [TableCell<'a>], slot: &Slot, cell: TableCell<'a>, class: TableCell<'a>) {
    set(cells, slot.column, cell);
    if let Some(column) = slot.class_column {
        set(cells, column, class);
    }
}

pub(super) fn set<'a>(cells: &mut [TableCell<'a>], column: usize, cell: TableCell<'a>) {
    if let Some(into) = cells.get_mut(column) {
        *into = cell;
    }
}

type Cells<'a> = (TableCell<'a>, TableCell<'a>);

/// The cell of a list of values, and of references their classes; none if the values do not fit.
fn cell<'a>(list: &'a str, slot: &'a Slot, named: &'a Named) -> Option<Cells<'a>> {
    if list == "[]" {
        return Some((TableCell::Null, TableCell::Null));
    }
    let cell = match slot.shape {
        Shape::Many => TableCell::Json(Cow::Borrowed(list)),
        Shape::One(kind) => one(list, kind)?,
        Shape::Complex => TableCell::Json(Cow::Borrowed(read::<(&RawValue,)>(list)?.0.get())),
        Shape::Binaries => {
            let binaries: Vec<Binary<'_>> = read(list)?;
            json(&binaries.iter().map(|it| &it.binary).collect::<Vec<_>>())?
        }
        Shape::Reference => {
            let (class, uid) = read::<(Pointer<'a>,)>(list)?.0.shown(&slot.refers_to, named);
            return Some((TableCell::Text(uid), class.map_or(TableCell::Null, TableCell::Text)));
        }
        Shape::References => {
            let pointers: Vec<Pointer<'a>> = read(list)?;
            let ends = pointers.into_iter().map(|it| it.shown(&slot.refers_to, named));
            let (classes, uids): (Vec<_>, Vec<_>) = ends.unzip();
            return Some((json(&uids)?, json(&classes)?));
        }
    };
    Some((cell, TableCell::Null))
}

/// The cell of a list of one value.
fn one(list: &str, kind: ColumnKind) -> Option<TableCell<'_>> {
    Some(match kind {
        ColumnKind::Text => TableCell::Text(text(list)?),
        ColumnKind::Integer => TableCell::Integer(read::<(i64,)>(list)?.0),
        ColumnKind::Real => TableCell::Real(read::<(f64,)>(list)?.0),
        ColumnKind::Boolean => TableCell::Boolean(read::<(bool,)>(list)?.0),
        ColumnKind::Instant => TableCell::Instant(text(list)?.parse::<Timestamp>().ok()?.as_microsecond()),
        ColumnKind::Date => TableCell::Date(days(&text(list)?)?),
        ColumnKind::Binary => {
            let (Binary { binary },) = read(list)?;
            TableCell::Binary(Cow::Owned(BASE64.decode(binary.as_bytes()).ok()?))
        }
        ColumnKind::Json => TableCell::Json(Cow::Borrowed(list)),
    })
}

/// The one text of a list. Most have no escapes, and are then what stands between the quotes.
fn text(list: &str) -> Option<Cow<'_, str>> {
    let inner = list.strip_prefix("[\"").and_then(|rest| rest.strip_suffix("\"]"));
    match inner.filter(|inner| memchr::memchr2(b'\\', b'"', inner.as_bytes()).is_none()) {
        Some(inner) => Some(Cow::Borrowed(inner)),
        None => read::<(Name<'_>,)>(list).map(|(Name(text),)| text),
    }
}

fn read<'a, T: Deserialize<'a>>(list: &'a str) -> Option<T> {
    serde_json::from_str(list).ok()
}

fn json<'a, T: Serialize>(values: &T) -> Option<TableCell<'a>> {
    serde_json::to_string(values).ok().map(|text| TableCell::Json(Cow::Owned(text)))
}

fn broken(why: &serde_json::Error) -> Error {
    Error::internal(format!("the store holds an unreadable body: {why}"))
}

impl<'de: 'a, 'a> Deserialize<'de> for Attributes<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Attributes<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of lists")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::with_capacity(16);
                while let Some(Name(name)) = map.next_key()? {
                    pairs.push((name, map.next_value()?));
                }
                Ok(Attributes(pairs))
            }
        }

        from.deserialize_map(Pairs)
    }
}

#[cfg(test)]
mod tests;
