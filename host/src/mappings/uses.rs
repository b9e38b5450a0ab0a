//! What a definition depends on: connections, columns of tables, attributes of targets. Whoever refreshes a schema holds
//! these against what has changed.

use super::associations::Associations;
use super::entities::Entities;
use super::expression::Compiler;
use crate::model::{AttributeName, ClassName, ConnectionId, EntityMapping, Mapping, MappingId, TableName};

/// A column that a mapping reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnUse {
    pub table: TableName,
    pub column: String,
}

/// An attribute that a resource type writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeUse {
    pub connection: ConnectionId,
    pub class: ClassName,
    pub attribute: AttributeName,
}

/// The columns a mapping reads, each once; of a definition that is not right, those that can be told.
pub fn columns_used(mapping: &Mapping) -> Vec<ColumnUse> {
    let mut compiler = Compiler::default();
    let used: Vec<(TableName, Vec<String>)> = match mapping {
        Mapping::Entity(mapping) => {
            let sources = Entities::new(mapping, None, &mut compiler).into_sources();
            sources.into_iter().map(|source| (source.table, source.used)).collect()
        }
        Mapping::Association(mapping) => {
            vec![(mapping.table.clone(), Associations::new(mapping, None, &mut compiler).used)]
        }
        Mapping::Resource(_) | Mapping::Correlation(_) => Vec::new(),
    };
    let mut uses = Vec::new();
    for (table, columns) in used {
        for column in columns {
            let used = ColumnUse { table: table.clone(), column };
            if !uses.contains(&used) {
                uses.push(used);
            }
        }
    }
    uses
}

/// The attributes a mapping writes.
pub fn attributes_used(mapping: &Mapping) -> Vec<AttributeUse> {
    let Mapping::Resource(mapping) = mapping else { return Vec::new() };
    let used = |attribute: &AttributeName| AttributeUse {
        connection: mapping.connection.clone(),
        class: mapping.class.clone(),
        attribute: attribute.clone(),
    };
    mapping.attributes.keys().map(used).collect()
}

/// The connections a mapping names, each once.
pub fn connections_used(mapping: &Mapping) -> Vec<ConnectionId> {
    let named: Vec<&ConnectionId> = match mapping {
        Mapping::Entity(mapping) => connections_of(mapping).collect(),
        Mapping::Association(mapping) => vec![&mapping.table.connection],
        Mapping::Resource(mapping) => vec![&mapping.connection],
        Mapping::Correlation(_) => Vec::new(),
    };
    let mut connections: Vec<ConnectionId> = Vec::new();
    for connection in named {
        if !connections.iter().any(|known| known.folded() == connection.folded()) {
            connections.push(connection.clone());
        }
    }
    connections
}

/// The connections whose tables an entity mapping reads.
pub(super) fn connections_of(mapping: &EntityMapping) -> impl Iterator<Item = &ConnectionId> {
    mapping.sources.iter().map(|source| &source.table.connection)
}

/// The other mappings a mapping names.
pub fn mappings_used(mapping: &Mapping) -> Vec<&MappingId> {
    match mapping {
        Mapping::Entity(_) | Mapping::Resource(_) => Vec::new(),
        Mapping::Association(mapping) => vec![&mapping.left.entity, &mapping.right.entity],
        Mapping::Correlation(rule) => {
            std::iter::once(&rule.accounts).chain(rule.rules.iter().map(|way| &way.identity)).collect()
        }
    }
}
