//! The worked example of the guide: the definitions that `--target mapping` sends are those a reader finds there.

use serde_json::Value as Json;

use super::super::fault::Fault;

/// docs/mapping-example.md
const GUIDE: &str = include_str!("../../../../docs/mapping-example.md");

/// The JSON under that name in the guide.
///
/// # Errors
/// The guide has none of that name, or it is no JSON.
pub(super) fn example(name: &str) -> Result<Json, Fault> {
    let wrong = |why: &str| Fault::failed(format!("the guide's example {name} {why}"));
    let (_, rest) = GUIDE.split_once(&format!("```json {name}\n")).ok_or_else(|| wrong("is not there"))?;
    let (text, _) = rest.split_once("\n```").ok_or_else(|| wrong("has no end"))?;
    serde_json::from_str(text).map_err(|why| wrong(&format!("is no JSON: {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Mapping;

    #[test]
    fn the_definitions_of_the_guide_are_read() {
        for name in ["person", "account", "group", "member", "whose", "directory-account"] {
            let mapping: Mapping = serde_json::from_value(example(name).unwrap()).unwrap();
            assert_eq!(mapping.id().as_str(), name);
            assert!(crate::mappings::check(&mapping, None).is_empty(), "{name}");
        }
        assert!(example("nobody").unwrap_err().message.contains("nobody"));
    }
}
