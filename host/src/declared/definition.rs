//! A mapping as it is declared: its definition without its identifier, which is its key.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json};

use crate::model::{AssociationMapping, CorrelationRule, EntityMapping, Mapping, MappingId, ResourceMapping};

/// The key of the identifier that is left out.
const ID: &str = "id";
/// The key that tells kinds apart.
const KIND: &str = "kind";
/// Stands in for the identifier until [`Definition::under`] tells it.
const NAMELESS: &str = "nameless";

/// What a mapping says.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition(Mapping);

impl Definition {
    /// The definition of the mapping of that identifier.
    #[must_use]
    pub fn under(self, id: MappingId) -> Self {
        Self(self.0.with_id(id))
    }

    /// The mapping, by the identifier that was told last.
    pub const fn mapping(&self) -> &Mapping {
        &self.0
    }
}

impl From<Mapping> for Definition {
    fn from(mapping: Mapping) -> Self {
        Self(mapping)
    }
}

impl Serialize for Definition {
    fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        let mut written = serde_json::to_value(&self.0).map_err(S::Error::custom)?;
        if let Json::Object(keys) = &mut written {
            keys.remove(ID);
        }
        written.serialize(into)
    }
}

impl<'de> Deserialize<'de> for Definition {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut keys = Map::deserialize(from)?;
        if keys.insert(ID.to_owned(), NAMELESS.into()).is_some() {
            return Err(D::Error::custom("unknown field `id`: a mapping's identifier is its key"));
        }
        let kind = keys.remove(KIND);
        // One by one: where the kind is told inside, serde does not know where it is in the definition.
        let mapping = match kind.as_ref().and_then(Json::as_str) {
            Some("entity") => read(keys).map(Mapping::Entity),
            Some("association") => read(keys).map(Mapping::Association),
            Some("resource") => read(keys).map(Mapping::Resource),
            Some("correlation") => read(keys).map(Mapping::Correlation),
            _ => Err("kind: it is `entity`, `association`, `resource` or `correlation`".to_owned()),
        };
        mapping.map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for Definition {
    fn schema_name() -> Cow<'static, str> {
        "Mapping".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kinds = [
            of_kind("entity", EntityMapping::json_schema(generator)),
            of_kind("association", AssociationMapping::json_schema(generator)),
            of_kind("resource", ResourceMapping::json_schema(generator)),
            of_kind("correlation", CorrelationRule::json_schema(generator)),
        ];
        json_schema!({ "description": "A mapping of one of four kinds.", "oneOf": kinds })
    }
}

fn read<T: DeserializeOwned>(keys: Map<String, Json>) -> Result<T, String> {
    serde_path_to_error::deserialize(Json::Object(keys)).map_err(|error| match error.path().to_string().as_str() {
        "." => error.inner().to_string(),
        place => format!("{place}: {}", error.inner()),
    })
}

/// The schema of a definition with its kind, and without its identifier.
fn of_kind(kind: &str, mut schema: Schema) -> Schema {
    let keys = schema.ensure_object();
    if let Some(properties) = keys.get_mut("properties").and_then(Json::as_object_mut) {
        properties.remove(ID);
        properties.insert(KIND.to_owned(), serde_json::json!({ "const": kind }));
    }
    if let Some(required) = keys.get_mut("required").and_then(Json::as_array_mut) {
        required.retain(|name| name != ID);
        required.push(KIND.into());
    }
    schema
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn person() -> Json {
        json!({
            "kind": "entity", "title": "People", "sources": [{"table": "hr_person"}], "key": "number",
            "properties": {"number": {"type": "integer", "from": {"column": "id", "then": ["trim"]}}},
        })
    }

    fn refused(definition: Json) -> String {
        serde_json::from_value::<Definition>(definition).unwrap_err().to_string()
    }

    #[test]
    fn a_definition_is_written_as_it_was_read_whatever_it_is_called() {
        let read: Definition = serde_json::from_value(person()).unwrap();
        let named = read.under("person".parse().unwrap());
        assert_eq!(named.mapping().id().as_str(), "person");
        assert_eq!(serde_json::to_value(&named).unwrap(), person());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let mut wrong = person();
        wrong["properties"]["number"]["from"]["then"][0] = json!("trimm");
        let told = refused(wrong);
        assert!(told.starts_with("properties.number.from.then[0]: ") && told.contains("trimm"), "{told}");
        let mut wrong = person();
        wrong["keys"] = json!([]);
        assert!(refused(wrong).contains("keys"));
    }

    #[test]
    fn an_identifier_besides_the_key_or_a_kind_that_is_none_is_refused() {
        let mut twice = person();
        twice["id"] = json!("person");
        assert!(refused(twice).contains("its key"));
        let mut other = person();
        other["kind"] = json!("entities");
        assert!(refused(other).contains("`association`"));
        assert!(refused(json!({})).contains("kind"));
    }
}
