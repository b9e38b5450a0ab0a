//! What differs between two values in their JSON form, place by place.

use serde_json::Value as Json;

/// A place where two values differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// A JSON pointer (RFC 6901).
    pub path: String,
    /// None: nothing was there.
    pub before: Option<Json>,
    /// None: nothing will be there.
    pub after: Option<Json>,
}

/// All places where they differ. Objects are compared by key; anything else is one place, lists too, as their order
/// counts.
pub(super) fn between(before: &Json, after: &Json) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(&mut String::new(), Some(before), Some(after), &mut found);
    found
}

fn compare(path: &mut String, before: Option<&Json>, after: Option<&Json>, into: &mut Vec<Difference>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Some(Json::Object(old)), Some(Json::Object(new))) => {
            let added = new.keys().filter(|key| !old.contains_key(*key));
            for key in old.keys().chain(added) {
                let length = path.len();
                path.push('/');
                path.push_str(&key.replace('~', "~0").replace('/', "~1"));
                compare(path, old.get(key), new.get(key), into);
                path.truncate(length);
            }
        }
        _ => into.push(Difference { path: path.clone(), before: before.cloned(), after: after.cloned() }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, json};

    use super::*;

    #[test]
    fn each_place_that_differs_is_told_once_and_by_its_pointer() {
        let before = json!({"title": "A", "options": {"a/b": 1, "kept": [1]}, "gone": {}});
        let after = json!({"title": "B", "options": {"a/b": 2, "kept": [1], "new": null}});
        let told: Vec<(String, Option<Json>, Option<Json>)> =
            between(&before, &after).into_iter().map(|found| (found.path, found.before, found.after)).collect();
        let some = |json| Some(json);
        assert_eq!(
            told,
            [
                ("/title".into(), some(json!("A")), some(json!("B"))),
                ("/options/a~1b".into(), some(json!(1)), some(json!(2))),
                ("/options/new".into(), None, some(json!(null))),
                ("/gone".into(), some(json!({})), None),
            ]
        );
    }

    fn document() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![Just(Json::Null), any::<bool>().prop_map(Json::from), (0..4).prop_map(Json::from)];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
                prop::collection::btree_map("[a-c~/]", inner, 0..4)
                    .prop_map(|keys| Json::Object(keys.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    proptest! {
        #[test]
        fn two_values_differ_exactly_if_a_place_is_told(a in document(), b in document()) {
            prop_assert_eq!(between(&a, &b).is_empty(), a == b);
        }

        #[test]
        fn a_place_that_is_told_holds_what_is_told_of_it(a in document(), b in document()) {
            for found in between(&a, &b) {
                prop_assert_eq!(a.pointer(&found.path), found.before.as_ref());
                prop_assert_eq!(b.pointer(&found.path), found.after.as_ref());
            }
        }
    }
}
