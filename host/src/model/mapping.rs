//! What operators write down about tables: which rows are entities of which type, how entities belong together, what a
//! core's properties become in a target, and which account is whose.
//!
//! Data, and nothing but its shape, read from the API's JSON and from YAML alike; the room `mappings` bounds, compiles,
//! checks and evaluates it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::expression::Expression;
use super::id::{AttributeName, ClassName, ConnectionId, MappingId, PropertyName};
use super::table::TableName;

/// A mapping of one of four kinds; the key `kind` says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Mapping {
    Entity(EntityMapping),
    Association(AssociationMapping),
    Resource(ResourceMapping),
    Correlation(CorrelationRule),
}

/// A mapping as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMapping {
    pub definition: Mapping,
    /// All it names was there when it was stored. Declared as code, a mapping may come before its connection's schema.
    pub verified: bool,
}

/// What a mapping named and is there no longer; it stays until somebody acknowledges it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingWarning {
    /// Where in the definition.
    pub at: String,
    pub message: String,
    pub noticed: Timestamp,
}

/// Which rows are entities of a type, and what their properties are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntityMapping {
    #[schemars(with = "String")]
    pub id: MappingId,
    pub title: String,
    /// A row belongs to the first whose table and condition it meets.
    pub sources: Vec<SourceTable>,
    /// The primary key, which never changes in an entity's life. A row without it is set aside.
    #[schemars(with = "String")]
    pub key: PropertyName,
    /// Further properties no two entities share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>")]
    pub unique: Vec<PropertyName>,
    #[schemars(with = "BTreeMap<String, Property>")]
    pub properties: BTreeMap<PropertyName, Property>,
}

/// A table, and which of its rows are meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceTable {
    #[schemars(with = "String")]
    pub table: TableName,
    /// A program in CEL that says true or false; all rows, if left out.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// What properties are made of in this table, where that is not what the property itself says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Expression>")]
    pub properties: BTreeMap<PropertyName, Expression>,
}

/// One property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// Text, if left out.
    #[serde(rename = "type", default, skip_serializing_if = "PropertyKind::is_text")]
    pub kind: PropertyKind,
    /// What it is made of; left out where every source says so itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Expression>,
}

/// What the values of a property are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PropertyKind {
    #[default]
    Text,
    Integer,
    Real,
    Boolean,
    Instant,
    Date,
    Binary,
    /// A list of texts.
    TextList,
}

/// How entities belong together: each row of a table is a pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AssociationMapping {
    #[schemars(with = "String")]
    pub id: MappingId,
    pub title: String,
    #[schemars(with = "String")]
    pub table: TableName,
    /// As in a source.
    #[serde(rename = "where", default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    pub left: End,
    pub right: End,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Property>")]
    pub properties: BTreeMap<PropertyName, Property>,
}

/// One end of an association.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// What names the entity.
    pub from: Expression,
    /// Its type: the identifier of an entity mapping.
    #[schemars(with = "String")]
    pub entity: MappingId,
    /// The property it is named by: the key, if left out, or a unique one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub by: Option<PropertyName>,
}

/// How what the core knows becomes an object of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceMapping {
    #[schemars(with = "String")]
    pub id: MappingId,
    pub title: String,
    /// Never left out: a resource type is one connection's.
    #[schemars(with = "String")]
    pub connection: ConnectionId,
    #[schemars(with = "String")]
    pub class: ClassName,
    /// The name of a new object, made of the core's properties.
    pub name: Expression,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, TargetAttribute>")]
    pub attributes: BTreeMap<AttributeName, TargetAttribute>,
}

/// One attribute of the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TargetAttribute {
    /// What it is made of: columns are the core's properties.
    pub from: Expression,
    /// Written when the object is created, and never again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create_only: bool,
}

/// Which account belongs to which identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrelationRule {
    #[schemars(with = "String")]
    pub id: MappingId,
    pub title: String,
    /// The entity mapping whose entities are accounts.
    #[schemars(with = "String")]
    pub accounts: MappingId,
    /// Tried in their order; the first that finds an identity decides.
    pub rules: Vec<Match>,
}

/// One way to find an account's identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// Made of the account's properties. Null finds nobody.
    pub account: Expression,
    /// The entity mapping whose entities are identities.
    #[schemars(with = "String")]
    pub identity: MappingId,
    /// The property of the identity that has this value.
    #[schemars(with = "String")]
    pub property: PropertyName,
}

impl Mapping {
    /// Its identifier.
    pub const fn id(&self) -> &MappingId {
        match self {
            Self::Entity(mapping) => &mapping.id,
            Self::Association(mapping) => &mapping.id,
            Self::Resource(mapping) => &mapping.id,
            Self::Correlation(rule) => &rule.id,
        }
    }

    /// The same under another identifier.
    #[must_use]
    pub fn with_id(mut self, id: MappingId) -> Self {
        match &mut self {
            Self::Entity(mapping) => mapping.id = id,
            Self::Association(mapping) => mapping.id = id,
            Self::Resource(mapping) => mapping.id = id,
            Self::Correlation(rule) => rule.id = id,
        }
        self
    }

    /// It as an entity mapping, if it is one.
    pub fn into_entity(self) -> Option<EntityMapping> {
        match self {
            Self::Entity(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// What people call it.
    pub fn title(&self) -> &str {
        match self {
            Self::Entity(mapping) => &mapping.title,
            Self::Association(mapping) => &mapping.title,
            Self::Resource(mapping) => &mapping.title,
            Self::Correlation(rule) => &rule.title,
        }
    }

    /// The spelling of its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Entity(_) => "entity",
            Self::Association(_) => "association",
            Self::Resource(_) => "resource",
            Self::Correlation(_) => "correlation",
        }
    }
}

impl EntityMapping {
    /// What a property is made of in a source.
    pub fn expression<'a>(&'a self, source: &'a SourceTable, name: &PropertyName) -> Option<&'a Expression> {
        source.properties.get(name).or_else(|| self.properties.get(name)?.from.as_ref())
    }
}

impl PropertyKind {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature serde calls")]
    const fn is_text(&self) -> bool {
        matches!(self, Self::Text)
    }

    /// The spelling in definitions.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Real => "real",
            Self::Boolean => "boolean",
            Self::Instant => "instant",
            Self::Date => "date",
            Self::Binary => "binary",
            Self::TextList => "text-list",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn read(json: Json) -> Result<Mapping, String> {
        serde_json::from_value(json).map_err(|why| why.to_string())
    }

    fn person() -> Json {
        json!({
            "kind": "entity", "id": "person", "title": "People",
            "sources": [{"table": "hr_person", "where": "row[\"left\"] == null"}],
            "key": "number", "unique": ["mail"],
            "properties": {
                "mail": {"from": {"column": "mail"}},
                "number": {"type": "integer", "from": {"column": "id"}},
            },
        })
    }

    #[test]
    fn a_mapping_is_written_as_it_was_read() {
        let association = json!({
            "kind": "association", "id": "member", "title": "Members", "table": "ad_member",
            "left": {"from": {"column": ":owner"}, "entity": "group"},
            "right": {"from": {"column": ":value"}, "entity": "account", "by": "dn"},
        });
        let resource = json!({
            "kind": "resource", "id": "ad-account", "title": "Accounts", "connection": "ad", "class": "user",
            "name": {"column": "login"}, "attributes": {"sn": {"from": {"column": "last"}, "createOnly": true}},
        });
        let correlation = json!({
            "kind": "correlation", "id": "whose", "title": "Whose", "accounts": "account",
            "rules": [{"account": {"column": "mail"}, "identity": "person", "property": "mail"}],
        });
        for json in [person(), association, resource, correlation] {
            assert_eq!(serde_json::to_value(read(json.clone()).unwrap()).unwrap(), json);
        }
    }

    #[test]
    fn an_unknown_key_or_kind_is_refused_by_name() {
        let mut json = person();
        json["keys"] = json!([]);
        assert!(read(json).unwrap_err().contains("keys"));
        let mut json = person();
        json["sources"][0]["were"] = json!("true");
        assert!(read(json).unwrap_err().contains("were"));
        assert!(read(json!({"kind": "entities"})).unwrap_err().contains("entities"));
    }

    #[test]
    fn a_resource_type_without_a_connection_is_refused() {
        let json = json!({"kind": "resource", "id": "r", "title": "R", "class": "user", "name": {"column": "a"}});
        assert!(read(json).unwrap_err().contains("connection"));
    }
}
