//! One attribute of a resource, from its text into its cell: a value, a list, values with parts, references.

use crate::layout::{Leaf, Role, Targets, is_called};
use crate::model::Syntax;
use crate::options::MemberValue;
use crate::resource::Decoded;
use crate::values::{self, Plain, Read, plain_values};
use hawser_sdk::{Cell, Key, Part, Reference, Scalar, Value};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// What stands in a reference beside its value.
const VALUE: &str = "value";
const TYPE: &str = "type";

/// Reads the value of a field into its cell.
pub(crate) struct Slot<'a, 'r> {
    pub(crate) targets: &'a Targets,
    pub(crate) leaf: &'a Leaf,
    pub(crate) decoded: &'r mut Decoded,
}

/// A value, or nothing for null; `Err` is a mismatch, which is no error of the text.
type Found = Result<Option<Value>, ()>;

impl<'de> DeserializeSeed<'de> for Slot<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { targets, leaf, decoded } = self;
        let found = match (leaf.multi, leaf.role) {
            (true, _) => deserializer.deserialize_any(Many { targets, leaf })?,
            (false, Some(role)) => {
                let text = Read(Syntax::Text).deserialize(deserializer)?;
                decoded.take_role(role, leaf, text);
                return Ok(());
            }
            (false, None) => Element { targets, leaf }.of(Read(leaf.syntax).deserialize(deserializer)?).map(cell),
        };
        match (found, leaf.cell.and_then(|at| decoded.cells.get_mut(at))) {
            (Ok(found), Some(held)) => *held = found,
            (Err(()), _) => decoded.mismatch = Some(leaf.name.clone()),
            (Ok(_), None) => {}
        }
        Ok(())
    }
}

fn cell(value: Option<Value>) -> Cell {
    value.map_or(Cell::Absent, values::single)
}

impl Decoded {
    fn take_role(&mut self, role: Role, leaf: &Leaf, plain: Plain) {
        let text = match plain {
            Plain::Text(text) => text,
            Plain::Null => return,
            _ => {
                self.mismatch = Some(leaf.name.clone());
                return;
            }
        };
        if let Some(held) = leaf.cell.and_then(|at| self.cells.get_mut(at)) {
            *held = Cell::Text(text.clone());
        }
        match role {
            Role::Uid => self.uid = Some(text),
            Role::Name => self.name = Some(text),
            Role::Revision => self.revision = Some(text),
        }
    }
}

/// All values of an attribute; one that stands without a list is the only one.
struct Many<'a> {
    targets: &'a Targets,
    leaf: &'a Leaf,
}

impl<'a> Many<'a> {
    fn element(&self) -> Element<'a> {
        Element { targets: self.targets, leaf: self.leaf }
    }

    fn only<E>(self, plain: impl FnOnce(Read) -> Result<Plain, E>) -> Result<Result<Cell, ()>, E> {
        let element = self.element();
        Ok(element.of(plain(element.read())?).map(one))
    }
}

fn one(value: Option<Value>) -> Cell {
    value.map_or(Cell::Absent, |value| Cell::Many(vec![value]))
}

impl<'de> Visitor<'de> for Many<'_> {
    type Value = Result<Cell, ()>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("values")
    }

    plain_values!(only);

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(self.element().visit_map(map)?.map(one))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let is_bounded = self.leaf.syntax == Syntax::Reference;
        let (mut found, mut is_cut, mut mismatch) = (Vec::new(), false, false);
        while let Some(element) = items.next_element_seed(self.element())? {
            match element {
                Ok(Some(_)) if is_bounded && found.len() >= self.targets.large => is_cut = true,
                Ok(Some(value)) => found.push(value),
                Ok(None) => {}
                Err(()) => mismatch = true,
            }
        }
        Ok(match (mismatch, is_cut) {
            (true, _) => Err(()),
            (false, true) => Ok(Cell::Partial(found)),
            (false, false) if found.is_empty() => Ok(Cell::Absent),
            (false, false) => Ok(Cell::Many(found)),
        })
    }
}

/// One value.
#[derive(Clone, Copy)]
struct Element<'a> {
    targets: &'a Targets,
    leaf: &'a Leaf,
}

impl Element<'_> {
    fn read(&self) -> Read {
        let text = matches!(self.leaf.syntax, Syntax::Complex | Syntax::Reference);
        Read(if text { Syntax::Text } else { self.leaf.syntax })
    }

    /// What a value without parts is: for a complex attribute, its part `value`.
    fn of(&self, plain: Plain) -> Found {
        let Some(value) = values::value(self.read().0, plain)? else { return Ok(None) };
        Ok(Some(match (self.leaf.syntax, value) {
            (Syntax::Reference, Value::Text(key)) => self.reference(key, None, None),
            (Syntax::Complex, Value::Text(text)) => {
                Value::Complex(vec![Part { name: VALUE.to_owned(), value: Scalar::Text(text) }])
            }
            (Syntax::Reference | Syntax::Complex, _) => return Err(()),
            (_, value) => value,
        }))
    }

    fn reference(&self, key: String, kind: Option<&str>, url: Option<&str>) -> Value {
        let class = match &self.leaf.refers_to {
            Some(only) => Some(only.as_str()),
            None => self.targets.class(kind, url),
        };
        let key = match self.targets.by {
            MemberValue::Name if self.leaf.name == crate::model::MEMBERS => Key::Name(key),
            _ => Key::Uid(key),
        };
        Value::Reference(Reference { class: class.map(str::to_owned), key })
    }

    fn with_parts<'de, A: MapAccess<'de>>(&self, mut map: A) -> Result<Found, A::Error> {
        let mut parts = Vec::with_capacity(self.leaf.parts.len());
        while let Some(found) = map.next_key_seed(PartName(&self.leaf.parts))? {
            match found.and_then(|at| self.leaf.parts.get(at)) {
                Some((name, syntax)) => parts.extend(values::part(name, *syntax, map.next_value_seed(Read(*syntax))?)),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(Ok((!parts.is_empty()).then_some(Value::Complex(parts))))
    }

    fn pointing<'de, A: MapAccess<'de>>(&self, mut map: A) -> Result<Found, A::Error> {
        let (mut key, mut kind, mut url) = (Plain::Null, Plain::Null, Plain::Null);
        while let Some(name) = map.next_key_seed(RefName)? {
            let held = match name {
                Some(RefPart::Value) => &mut key,
                Some(RefPart::Type) => &mut kind,
                Some(RefPart::Url) => &mut url,
                None => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *held = map.next_value_seed(Read(Syntax::Text))?;
        }
        Ok(match key {
            Plain::Text(key) => Ok(Some(self.reference(key, text(&kind), text(&url)))),
            _ => Err(()),
        })
    }
}

fn text(plain: &Plain) -> Option<&str> {
    match plain {
        Plain::Text(text) => Some(text),
        _ => None,
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Element<'_> {
    fn plain<E>(self, plain: impl FnOnce(Read) -> Result<Plain, E>) -> Result<Found, E> {
        Ok(self.of(plain(self.read())?))
    }
}

impl<'de> Visitor<'de> for Element<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    plain_values!(plain);

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Found, A::Error> {
        self.plain(|read| read.visit_seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Found, A::Error> {
        match self.leaf.syntax {
            Syntax::Complex => self.with_parts(map),
            Syntax::Reference => self.pointing(map),
            _ => self.plain(|read| read.visit_map(map)),
        }
    }
}

/// The name of a part, found without a copy of it.
struct PartName<'a>(&'a [(String, Syntax)]);

impl<'de> DeserializeSeed<'de> for PartName<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for PartName<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|(part, _)| is_called(part, name)))
    }
}

/// The parts of a reference that say where it points.
#[derive(Clone, Copy)]
enum RefPart {
    Value,
    Type,
    Url,
}

struct RefName;

impl<'de> DeserializeSeed<'de> for RefName {
    type Value = Option<RefPart>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<RefPart>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for RefName {
    type Value = Option<RefPart>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Option<RefPart>, E> {
        let parts = [(VALUE, RefPart::Value), (TYPE, RefPart::Type), (crate::builder::REF, RefPart::Url)];
        Ok(parts.into_iter().find(|(part, _)| part.eq_ignore_ascii_case(name)).map(|(_, part)| part))
    }
}
