//! What a definition depends on: connections, and other mappings.

use crate::model::{ConnectionId, EntityMapping, Mapping, MappingId};

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
