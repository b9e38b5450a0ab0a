//! From an item to a row: identifiers, and a cell for each attribute that was asked for.

use crate::mapping::{Attribute, Class, Revision};
use crate::values;
use hawser_sdk::{Cell, Error, Item, Record, Rejected, Result, Row};
use serde_json::Value as Json;

/// The attributes that were asked for, as the mapping has them.
pub(crate) struct Layout<'a> {
    class: &'a Class,
    slots: Vec<Slot<'a>>,
}

enum Slot<'a> {
    Attribute(&'a Attribute),
    /// Comes as edges.
    Holders,
}

impl<'a> Layout<'a> {
    pub(crate) fn new(class: &'a Class, attributes: &[String]) -> Result<Self> {
        let slots = attributes.iter().map(|name| Slot::of(class, name)).collect::<Result<_>>()?;
        Ok(Self { class, slots })
    }

    /// The row of an item. `etag` is of an answer that had this one alone.
    ///
    /// # Errors
    /// `schema-violation`, for the record to be set aside.
    pub(crate) fn row(&self, item: &Json, etag: Option<&str>) -> Result<Row> {
        let (uid, name) = identify(self.class, item)?;
        let cell = |slot: &Slot<'_>| match slot {
            Slot::Attribute(attribute) => values::cell(attribute, item).map_err(Error::schema_violation),
            Slot::Holders => Ok(Cell::Partial(Vec::new())),
        };
        let cells = self.slots.iter().map(cell).collect::<Result<_>>()?;
        Ok(Row { uid, name, revision: revision(self.class, item, etag), cells })
    }

    /// The row, or the item set aside under what people find it by.
    pub(crate) fn found(&self, item: &Json, at: u64) -> Item<Record> {
        match self.row(item, None) {
            Ok(row) => row.into(),
            Err(why) => {
                let key = self.class.uid.find(item).or_else(|| self.class.name().find(item));
                Rejected::new(key.unwrap_or_else(|| format!("item {at}")), why).into()
            }
        }
    }
}

impl<'a> Slot<'a> {
    fn of(class: &'a Class, name: &str) -> Result<Self> {
        if let Some(attribute) = class.attributes.get(name) {
            return Ok(Self::Attribute(attribute));
        }
        let holders = class.entitlement.as_ref().and_then(|it| it.holders.as_ref());
        match holders {
            Some(holders) if holders.attribute == name => Ok(Self::Holders),
            _ => Err(Error::schema_violation(format!("the mapping has no attribute `{name}`")).attribute(name)),
        }
    }
}

/// The uid and the name of an item.
pub(crate) fn identify(class: &Class, item: &Json) -> Result<(String, String)> {
    let uid =
        class.uid.find(item).ok_or_else(|| Error::schema_violation("the item has no uid where the mapping says"))?;
    let name = class
        .name()
        .find(item)
        .ok_or_else(|| Error::schema_violation("the item has no name where the mapping says"))?;
    Ok((uid, name))
}

pub(crate) fn revision(class: &Class, item: &Json, etag: Option<&str>) -> Option<String> {
    match class.revision.as_ref()? {
        Revision::Etag => etag.map(str::to_owned),
        Revision::Json(pointer) => match pointer.get(item)? {
            Json::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        },
    }
}
