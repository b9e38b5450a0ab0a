//! What the fuzzers' door to bodies needs of this room: drafts held against a schema, and changes written down again.

use serde_json::{Map, Value as Json, json};

use super::draft;
use crate::model::filter::fuzz::class;
use crate::model::{AttributeChange, Change, Edit, Result, Value, json};

/// The attributes of a new person.
pub(crate) fn attributes(given: &Map<String, Json>) -> Result<()> {
    draft::attributes(&class(), given).map(drop)
}

/// The changes of one; what was read can be written down, and means the same.
pub(crate) fn changes(given: &Map<String, Json>) -> Result<()> {
    let plain = draft::changes(&class(), given)?.plain;
    let again = plain.iter().map(|AttributeChange { name, change }| (name.clone(), written(change, false))).collect();
    assert_eq!(draft::changes(&class(), &again).map(|changes| changes.plain), Ok(plain));
    Ok(())
}

/// The parameters of a grant.
pub(crate) fn parameters(given: &Map<String, Json>) -> Result<()> {
    let mut entitlement = class();
    entitlement.parameters = std::mem::take(&mut entitlement.attributes);
    draft::granted(&entitlement, given).map(drop)
}

/// A change as a caller writes it; briefly, what is empty is left out.
pub(crate) fn written(change: &Change, brief: bool) -> Json {
    let list = |values: &[Value]| values.iter().map(json::value_to_json).collect::<Json>();
    match change {
        Change::Replace(values) => json!({ "replace": list(values) }),
        Change::Edit(Edit { add, remove }) if brief && remove.is_empty() => json!({ "add": list(add) }),
        Change::Edit(Edit { add, remove }) if brief && add.is_empty() => json!({ "remove": list(remove) }),
        Change::Edit(Edit { add, remove }) => json!({ "remove": list(remove), "add": list(add) }),
    }
}
