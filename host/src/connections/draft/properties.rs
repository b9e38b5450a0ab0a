//! Changes as JSON: whatever the contract can say of an attribute can be written down and is read as it was meant.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::connections::fuzz::written;
use crate::model::schema::tests::{people, plain};
use crate::model::{Matching, Syntax, fuzz};

/// A value of each syntax that is not text.
fn value(syntax: Syntax) -> BoxedStrategy<Value> {
    match syntax {
        Syntax::Integer => any::<i64>().prop_map(Value::Integer).boxed(),
        Syntax::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Syntax::Binary => any::<Vec<u8>>().prop_map(Value::Binary).boxed(),
        Syntax::Date => (-700_000i32..2_900_000).prop_map(Value::Date).boxed(),
        _ => "[^\u{0}]{0,8}".prop_map(Value::Text).boxed(),
    }
}

const ATTRIBUTES: [(&str, Syntax); 5] = [
    ("text", Syntax::Text),
    ("integer", Syntax::Integer),
    ("boolean", Syntax::Boolean),
    ("binary", Syntax::Binary),
    ("date", Syntax::Date),
];

fn class() -> ClassInfo {
    let multi_valued = |(name, syntax)| AttributeInfo { multi_valued: true, ..plain(name, syntax) };
    ClassInfo { attributes: ATTRIBUTES.map(multi_valued).to_vec(), uid_matching: Matching::Exact, ..people() }
}

fn change(syntax: Syntax) -> BoxedStrategy<Change> {
    let values = || prop::collection::vec(value(syntax), 0..4);
    prop_oneof![
        values().prop_map(Change::Replace),
        (values(), values()).prop_map(|(add, remove)| Change::Edit(Edit { add, remove })),
    ]
    .boxed()
}

fn all() -> impl Strategy<Value = Vec<AttributeChange>> {
    let one = |(name, syntax): (&str, Syntax)| {
        let name = name.to_owned();
        prop::option::of(change(syntax).prop_map(move |change| AttributeChange { name: name.clone(), change }))
    };
    ATTRIBUTES.map(one).prop_map(|changes| changes.into_iter().flatten().collect())
}

proptest! {
    #[test]
    fn changes_are_read_as_they_were_meant_and_in_their_order(all in all(), brief in any::<bool>()) {
        let given = all.iter().map(|one| (one.name.clone(), written(&one.change, brief))).collect();
        prop_assert_eq!(changes(&class(), &given).unwrap().plain, all);
    }

    #[test]
    fn a_fault_leaves_nothing_of_the_changes_and_names_its_attribute(all in all(), name in "[a-z]{1,8}\\PC{0,300}") {
        let mut given: Map<String, Json> =
            all.iter().map(|one| (one.name.clone(), written(&one.change, false))).collect();
        given.insert(name.clone(), json!({ "replace": [[]] }));
        let error = changes(&class(), &given).err().unwrap();
        fuzz::refused(&error);
        prop_assert_eq!(error.attributes, [shown(&name, NAME_SHOWN_BYTES_MAX)]);
    }
}
