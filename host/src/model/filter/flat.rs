//! Filters as they cross the contract: WIT has no recursive types, so the nodes of the tree refer to each other by
//! index, children before parents.

use wasmtime::component::{ComponentType, Lift, Lower};

use super::{Filter as Tree, Operator};
use crate::model::value::Value;

/// An attribute and what it is compared with.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Comparison {
    pub attribute: String,
    pub value: Value,
}

/// One node of a filter.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum FilterNode {
    #[component(name = "all-of")]
    AllOf(Vec<u32>),
    #[component(name = "any-of")]
    AnyOf(Vec<u32>),
    #[component(name = "negate")]
    Negate(u32),
    #[component(name = "equals")]
    Equals(Comparison),
    #[component(name = "contains")]
    Contains(Comparison),
    #[component(name = "starts-with")]
    StartsWith(Comparison),
    #[component(name = "ends-with")]
    EndsWith(Comparison),
    #[component(name = "greater")]
    Greater(Comparison),
    #[component(name = "greater-or-equal")]
    GreaterOrEqual(Comparison),
    #[component(name = "less")]
    Less(Comparison),
    #[component(name = "less-or-equal")]
    LessOrEqual(Comparison),
    #[component(name = "present")]
    Present(String),
}

/// A filter, flat.
#[derive(Clone, Debug, PartialEq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Filter {
    pub nodes: Vec<FilterNode>,
    pub root: u32,
}

impl From<&Tree> for Filter {
    fn from(tree: &Tree) -> Self {
        let mut nodes = Vec::new();
        let root = flatten(tree, &mut nodes);
        Self { nodes, root }
    }
}

fn flatten(tree: &Tree, nodes: &mut Vec<FilterNode>) -> u32 {
    let node = match tree {
        Tree::All(parts) => FilterNode::AllOf(parts.iter().map(|part| flatten(part, nodes)).collect()),
        Tree::Any(parts) => FilterNode::AnyOf(parts.iter().map(|part| flatten(part, nodes)).collect()),
        Tree::Not(part) => FilterNode::Negate(flatten(part, nodes)),
        Tree::Present(attribute) => FilterNode::Present(attribute.clone()),
        Tree::Compare { attribute, operator, value } => {
            compare(*operator)(Comparison { attribute: attribute.clone(), value: value.clone() })
        }
    };
    nodes.push(node);
    u32::try_from(nodes.len() - 1).unwrap_or(u32::MAX)
}

fn compare(operator: Operator) -> fn(Comparison) -> FilterNode {
    match operator {
        Operator::Equals => FilterNode::Equals,
        Operator::Contains => FilterNode::Contains,
        Operator::StartsWith => FilterNode::StartsWith,
        Operator::EndsWith => FilterNode::EndsWith,
        Operator::Greater => FilterNode::Greater,
        Operator::GreaterOrEqual => FilterNode::GreaterOrEqual,
        Operator::Less => FilterNode::Less,
        Operator::LessOrEqual => FilterNode::LessOrEqual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_stand_before_their_parents_and_the_root_is_last() {
        let present = |name: &str| Tree::Present(name.into());
        let tree = Tree::All(vec![present("a"), Tree::Not(Box::new(present("b")))]);
        let flat = Filter::from(&tree);
        assert_eq!(flat.root, 3);
        assert_eq!(flat.nodes[1], FilterNode::Present("b".into()));
        assert_eq!(flat.nodes[2], FilterNode::Negate(1));
        assert_eq!(flat.nodes[3], FilterNode::AllOf(vec![0, 2]));
    }
}
