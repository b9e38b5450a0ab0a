//! What a core knows becomes an object of a target: its name, and its attributes.
//!
//! A property the core did not tell is not null: what depends on it is left out, and what the target has stays. Where the
//! target's schema is known, values have the syntax of their attribute; where not, they stay what the core told.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use super::check::Known;
use super::datum::{Datum, Reason};
use super::entities::{SetAside, within};
use super::expression::{Compiled, Compiler};
use super::flaws::Flaw;
use super::limits::PROPERTIES_MAX;
use super::scope::Scope;
use crate::model::json::value_from_json;
use crate::model::{
    AttributeName, ClassInfo, ClassName, ConnectionId, Error, PropertyKind, ResourceMapping, Result, Schema, Syntax,
    TableCell, TargetAttribute, Value,
};

/// From here on reals are no longer told from whole numbers of more than 64 bits: 2^63.
const INTEGERS_END: f64 = 9_223_372_036_854_775_808.0;
/// Not the model's sentence, which tells the value.
const NO_OBJECT: Reason = Reason::Borrowed("the object is none that the attribute takes");

/// A value, or why there is none.
type Valued<T> = std::result::Result<T, Reason>;

/// What an object is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Create,
    Update,
}

/// A resource type over the core's properties.
#[derive(Debug)]
pub struct Resources {
    connection: ConnectionId,
    class: ClassName,
    name: Compiled,
    attributes: Vec<Attribute>,
    /// The properties it uses; one is a column of the expressions.
    properties: Vec<String>,
}

#[derive(Debug)]
struct Attribute {
    name: AttributeName,
    create_only: bool,
    value: Compiled,
    /// None: no schema says.
    syntax: Option<Syntax>,
}

/// An object as a target is to have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// None: it depends on what the core did not tell.
    pub name: Option<String>,
    /// All values of each attribute; an empty list where it is to have none.
    pub attributes: BTreeMap<AttributeName, Vec<Value>>,
}

impl Resources {
    /// Compiles a resource type.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn compile(mapping: &ResourceMapping, known: &Known<'_>) -> std::result::Result<Self, Vec<Flaw>> {
        let mut compiler = Compiler::default();
        let compiled = Self::new(mapping, Some(known), &mut compiler);
        let flaws = compiler.flaws.into_found();
        if flaws.is_empty() { Ok(compiled) } else { Err(flaws) }
    }

    pub(super) fn new(mapping: &ResourceMapping, known: Option<&Known<'_>>, compiler: &mut Compiler) -> Self {
        if mapping.attributes.len() > PROPERTIES_MAX {
            compiler.flaws.below("attributes", |flaws| flaws.note(format!("there are at most {PROPERTIES_MAX}")));
        }
        let class = known.and_then(|known| known.schema).and_then(|schema| class(mapping, schema, compiler));
        let mut scope = Scope::open();
        let (name, _) = within(compiler, "name", |compiler| compiler.expression(&mapping.name, &mut scope));
        let mut attributes = Vec::with_capacity(mapping.attributes.len());
        for (name, target) in &mapping.attributes {
            let value = within(compiler, format!("attributes.{name}"), |compiler| {
                if let Some(class) = class {
                    check_attribute(name, target, class, compiler);
                }
                compiler.expression(&target.from, &mut scope).0
            });
            let syntax = class.and_then(|class| class.attribute(name.as_str())).map(|attribute| attribute.syntax);
            attributes.push(Attribute { name: name.clone(), create_only: target.create_only, value, syntax });
        }
        let (connection, class) = (mapping.connection.clone(), mapping.class.clone());
        Self { connection, class, name, attributes, properties: scope.into_used() }
    }

    /// Where its objects are.
    pub const fn connection(&self) -> &ConnectionId {
        &self.connection
    }

    /// What its objects are.
    pub const fn class(&self) -> &ClassName {
        &self.class
    }

    /// Makes an object of what the core tells of it, in the API's JSON. For an update, attributes that are written on
    /// creation only are left out.
    ///
    /// # Errors
    /// `invalid-request` with the attribute to blame, if a value cannot be made, or a new object has no name.
    pub fn make(&self, purpose: Purpose, properties: &Map<String, Json>) -> Result<Made> {
        let cells = self.properties.iter().map(|name| properties.get(name).map_or(Ok(TableCell::Unread), cell));
        let cells: Vec<TableCell<'_>> = cells.collect::<Result<_>>()?;
        let name = match self.name.evaluate(&cells).map_err(|why| refused("name", &why))? {
            value if value.is_missing() || value.is_nothing() => None,
            value => value.text().map(Cow::into_owned),
        };
        if purpose == Purpose::Create && name.is_none() {
            return Err(refused("name", "a new object needs one, and what it is made of is null or was not told"));
        }
        let mut attributes = BTreeMap::new();
        for attribute in self.attributes.iter().filter(|attribute| purpose == Purpose::Create || !attribute.create_only)
        {
            let told = attribute.value.plain_column().and_then(|number| self.properties.get(number));
            let values = match told.and_then(|property| properties.get(property)) {
                Some(Json::Array(items)) => typed(items, attribute.syntax).map(Some),
                _ => attribute.value.evaluate(&cells).and_then(|value| values(value, attribute.syntax)),
            };
            if let Some(values) = values.map_err(|why| refused(attribute.name.as_str(), &why))? {
                attributes.insert(attribute.name.clone(), values);
            }
        }
        Ok(Made { name, attributes })
    }
}

fn refused(attribute: &str, why: &str) -> Error {
    Error::invalid(format!("{attribute}: {why}")).blaming(attribute)
}

/// What the core tells of a property, as a cell.
fn cell(json: &Json) -> Result<TableCell<'_>> {
    Ok(match json {
        Json::Null => TableCell::Null,
        Json::Bool(truth) => TableCell::Boolean(*truth),
        Json::String(text) => TableCell::Text(Cow::Borrowed(text)),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => TableCell::Integer(number),
            // A whole number of more than 64 bits was rounded when it was read.
            (None, Some(number)) if number.abs() < INTEGERS_END => TableCell::Real(number),
            _ => return Err(Error::invalid("a property is a number out of range: they have 64 bits")),
        },
        Json::Object(object) => match object.get("binary").and_then(Json::as_str) {
            Some(text) if object.len() == 1 => {
                let bytes = STANDARD.decode(text).map_err(|_| Error::invalid("a binary property is no base64"))?;
                TableCell::Binary(Cow::Owned(bytes))
            }
            _ => TableCell::Json(Cow::Owned(json.to_string())),
        },
        Json::Array(items) => TableCell::Json(Cow::Owned(json!(told(items).collect::<Vec<_>>()).to_string())),
    })
}

/// The values of a list, without what is null.
fn told(items: &[Json]) -> impl Iterator<Item = &Json> {
    items.iter().filter(|item| !item.is_null())
}

/// The values of a list as it was told, each of its own type.
fn typed(items: &[Json], syntax: Option<Syntax>) -> Valued<Vec<Value>> {
    let value = |item| {
        let cell = cell(item).map_err(|error| Cow::Owned(error.message))?;
        // A list within the list is one value, its text.
        match &cell {
            TableCell::Json(text) => value(Datum::Json(Cow::Borrowed(text)), syntax),
            cell => value(Datum::of(cell), syntax),
        }
    };
    told(items).map(value).collect()
}

/// All values of an attribute; none: they depend on what the core did not tell.
fn values(datum: Datum<'_>, syntax: Option<Syntax>) -> Valued<Option<Vec<Value>>> {
    match datum {
        Datum::Unread => Ok(None),
        Datum::Null => Ok(Some(Vec::new())),
        Datum::List(texts) => {
            let values = texts.into_iter().map(|text| value(Datum::Text(text), syntax));
            values.collect::<Valued<Vec<Value>>>().map(Some)
        }
        datum => Ok(Some(vec![value(datum, syntax)?])),
    }
}

/// One value, in the syntax of its attribute if that is known.
fn value(datum: Datum<'_>, syntax: Option<Syntax>) -> Valued<Value> {
    if let Some(object) = object(&datum, syntax) {
        return value_from_json(&object, syntax.unwrap_or(Syntax::Complex)).map_err(|_| NO_OBJECT);
    }
    let datum = match syntax.and_then(property_kind) {
        Some(kind) => datum.cast(kind)?,
        None => datum,
    };
    Ok(match datum {
        Datum::Integer(number) => Value::Integer(number),
        Datum::Real(number) => Value::Real(number),
        Datum::Boolean(truth) => Value::Boolean(truth),
        Datum::Instant(micros) => Value::Instant(micros),
        Datum::Date(days) => Value::Date(days),
        Datum::Binary(bytes) => Value::Binary(bytes.into_owned()),
        datum => Value::Text(datum.text().map(Cow::into_owned).unwrap_or_default()),
    })
}

/// The object that a text of JSON says, where the attribute takes one.
fn object(datum: &Datum<'_>, syntax: Option<Syntax>) -> Option<Json> {
    match (datum, syntax) {
        (Datum::Json(text), None)
        | (Datum::Json(text) | Datum::Text(text), Some(Syntax::Binary | Syntax::Reference | Syntax::Complex)) => {
            serde_json::from_str(text).ok().filter(Json::is_object)
        }
        _ => None,
    }
}

/// The form that casts a value to a syntax; none where nothing is cast.
const fn property_kind(syntax: Syntax) -> Option<PropertyKind> {
    match syntax {
        Syntax::Text | Syntax::Uri | Syntax::Dn | Syntax::Uuid | Syntax::Json | Syntax::Xml | Syntax::Decimal => {
            Some(PropertyKind::Text)
        }
        Syntax::Integer => Some(PropertyKind::Integer),
        Syntax::Real => Some(PropertyKind::Real),
        Syntax::Boolean => Some(PropertyKind::Boolean),
        Syntax::Binary => Some(PropertyKind::Binary),
        Syntax::Instant => Some(PropertyKind::Instant),
        Syntax::Date => Some(PropertyKind::Date),
        Syntax::Reference | Syntax::Complex => None,
    }
}

fn class<'k>(mapping: &ResourceMapping, schema: &'k Schema, compiler: &mut Compiler) -> Option<&'k ClassInfo> {
    let found = schema.class(mapping.class.as_str());
    if found.is_none() {
        let what = format!("object class of {}:", mapping.connection);
        let names = schema.0.iter().map(|class| class.name.as_str());
        compiler.flaws.below("class", |flaws| flaws.unknown(&what, mapping.class.as_str(), names));
    }
    found
}

fn check_attribute(name: &AttributeName, target: &TargetAttribute, class: &ClassInfo, compiler: &mut Compiler) {
    let Some(attribute) = class.attribute(name.as_str()) else {
        let names = class.attributes.iter().map(|attribute| attribute.name.as_str());
        return compiler.flaws.unknown(&format!("attribute of {}", class.name), name.as_str(), names);
    };
    match (attribute.creatable, attribute.updateable, target.create_only) {
        (false, false, _) => compiler.flaws.note("the target does not let it be written"),
        (false, true, true) => compiler.flaws.note("the target does not let it be written on creation"),
        (true, false, false) => compiler.flaws.note("the target lets it be written on creation only: say `createOnly`"),
        _ => {}
    }
}

impl From<SetAside> for Error {
    fn from(aside: SetAside) -> Self {
        let property = aside.property.as_ref().map_or("where", |name| name.as_str());
        refused(property, &aside.reason)
    }
}

#[cfg(test)]
mod tests;
