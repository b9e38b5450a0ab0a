//! From the text of a resource to a row: read by a [`Layout`] as the text comes, straight into cells.
//!
//! *Absent* is what a resource was asked for and does not have, null and an empty list included (RFC 7643, 2.5). A password
//! is *unread*. A relation with more values than a row should carry is *partial*: all of them come as edges.

use crate::cells::Slot;
use crate::layout::{Fields, Layout, Node};
use crate::model::Syntax;
use crate::values::{Plain, Read, plain_values};
use hawser_sdk::{Cell, Error, Item, Record, Rejected, Result, Row};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// A resource as it was read.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) uid: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) cells: Vec<Cell>,
    /// The attribute that is of another shape than its schema says.
    pub(crate) mismatch: Option<String>,
}

impl Decoded {
    /// The row.
    ///
    /// # Errors
    /// Why it cannot be one: it has no id or no name, or something in it is of another shape.
    pub(crate) fn into_row(self, layout: &Layout) -> Result<Row, Rejected> {
        let key = self.uid.clone().or_else(|| self.name.clone()).unwrap_or_else(|| "a resource".to_owned());
        let reject = |why: String| Rejected::new(&key, Error::schema_violation(why));
        if let Some(attribute) = self.mismatch {
            return Err(reject(format!("`{attribute}` is of another shape than the schema of the service says")));
        }
        let uid = self.uid.filter(|uid| !uid.is_empty()).ok_or_else(|| reject("it has no `id`".to_owned()))?;
        let name = match self.name {
            Some(name) => name,
            None if !layout.is_named => uid.clone(),
            None => return Err(reject("it shows no value of the attribute that is its name here".to_owned())),
        };
        Ok(Row { uid, name, revision: self.revision, cells: self.cells })
    }

    pub(crate) fn into_item(self, layout: &Layout) -> Item<Record> {
        match self.into_row(layout) {
            Ok(row) => row.into(),
            Err(rejected) => rejected.into(),
        }
    }
}

/// Reads one resource.
///
/// # Errors
/// The answer is no JSON. Why it is no row is within.
pub(crate) fn read(layout: &Layout, body: &[u8]) -> Result<Result<Row, Rejected>> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let decoded = Resource(layout).deserialize(&mut json).map_err(|why| crate::client::broken(&why))?;
    Ok(decoded.into_row(layout))
}

/// Reads a resource where one stands.
#[derive(Clone, Copy)]
pub(crate) struct Resource<'a>(pub(crate) &'a Layout);

impl<'de> DeserializeSeed<'de> for Resource<'_> {
    type Value = Decoded;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Decoded, D::Error> {
        let cells = self.0.blank.clone();
        let mut decoded = Decoded { uid: None, name: None, revision: None, cells, mismatch: None };
        let object = Object { layout: self.0, fields: &self.0.root, name: "the resource", decoded: &mut decoded };
        object.deserialize(deserializer)?;
        Ok(decoded)
    }
}

/// An object and its fields: the resource, an extension, a complex attribute with one value.
struct Object<'a, 'r> {
    layout: &'a Layout,
    fields: &'a Fields,
    name: &'a str,
    decoded: &'r mut Decoded,
}

impl Object<'_, '_> {
    fn unfit<E>(self, plain: impl FnOnce(Read) -> Result<Plain, E>) -> Result<(), E> {
        if !matches!(plain(Read(Syntax::Uri))?, Plain::Null) {
            self.decoded.mismatch = Some(self.name.to_owned());
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Object<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Object<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    plain_values!(unfit);

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<(), A::Error> {
        self.unfit(|read| read.visit_seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut from = 0;
        while let Some(found) = map.next_key_seed(Name { fields: self.fields, from })? {
            let Some((at, (name, node))) = found.and_then(|at| Some((at, self.fields.0.get(at)?))) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            from = at + 1;
            match node {
                Node::Leaf(leaf) => {
                    map.next_value_seed(Slot { targets: &self.layout.targets, leaf, decoded: self.decoded })?
                }
                Node::Inner(fields) => {
                    map.next_value_seed(Object { layout: self.layout, fields, name, decoded: self.decoded })?;
                }
            }
        }
        Ok(())
    }
}

/// The name of a field, found without a copy of it.
struct Name<'a> {
    fields: &'a Fields,
    from: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.fields.find(name, self.from))
    }
}

#[cfg(test)]
mod tests;
