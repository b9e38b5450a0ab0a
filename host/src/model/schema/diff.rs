//! What differs between two versions of a schema: classes and attributes that came, went, or are described differently.
//!
//! The order in which a target tells them says nothing, and is no difference.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::{AttributeInfo, ClassInfo, Schema};

/// What differs, by class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SchemaDiff(pub Vec<ClassDiff>);

/// What became of one class.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassDiff {
    pub name: String,
    pub change: DiffKind,
    /// Of a class that stayed: what is said of itself, by the API's names.
    pub fields: Vec<FieldDiff>,
    /// Of a class that stayed.
    pub attributes: Vec<AttributeDiff>,
}

/// What became of one attribute of a class that stayed.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeDiff {
    pub name: String,
    pub change: DiffKind,
    /// Of an attribute that stayed.
    pub fields: Vec<FieldDiff>,
}

/// Something said differently.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldDiff {
    pub field: String,
    pub before: Json,
    pub after: Json,
}

/// What became of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiffKind {
    Added,
    Removed,
    Changed,
}

impl DiffKind {
    /// The spelling in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

impl SchemaDiff {
    /// What `after` says differently from `before`, by name.
    pub fn between(before: &Schema, after: &Schema) -> Self {
        let pairs = pairs(&before.0, &after.0, |class| &class.name);
        Self(pairs.into_iter().filter_map(|(name, pair)| class(name, pair)).collect())
    }

    /// Do both say the same?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is gone, each as a class and, of a class that stayed, an attribute.
    pub fn removed(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().flat_map(|class| {
            let gone = (class.change == DiffKind::Removed).then_some((class.name.as_str(), None));
            let attributes = class.attributes.iter().filter(|attribute| attribute.change == DiffKind::Removed);
            gone.into_iter().chain(attributes.map(|attribute| (class.name.as_str(), Some(attribute.name.as_str()))))
        })
    }
}

/// Something before and after; at least one of both is there.
type Pair<'a, T> = (Option<&'a T>, Option<&'a T>);

fn pairs<'a, T>(before: &'a [T], after: &'a [T], name: fn(&T) -> &String) -> BTreeMap<&'a str, Pair<'a, T>> {
    let mut pairs: BTreeMap<&str, Pair<'_, T>> = BTreeMap::new();
    for one in before {
        pairs.entry(name(one)).or_default().0 = Some(one);
    }
    for one in after {
        pairs.entry(name(one)).or_default().1 = Some(one);
    }
    pairs
}

fn class(name: &str, pair: Pair<'_, ClassInfo>) -> Option<ClassDiff> {
    let diff = |change, fields, attributes| Some(ClassDiff { name: name.to_owned(), change, fields, attributes });
    match pair {
        (Some(before), Some(after)) => {
            let fields = fields(before, after, &["attributes"]);
            let attributes = attributes(&before.attributes, &after.attributes);
            if fields.is_empty() && attributes.is_empty() {
                return None;
            }
            diff(DiffKind::Changed, fields, attributes)
        }
        (None, _) => diff(DiffKind::Added, Vec::new(), Vec::new()),
        (_, None) => diff(DiffKind::Removed, Vec::new(), Vec::new()),
    }
}

fn attributes(before: &[AttributeInfo], after: &[AttributeInfo]) -> Vec<AttributeDiff> {
    let pairs = pairs(before, after, |attribute| &attribute.name);
    pairs.into_iter().filter_map(|(name, pair)| attribute(name, pair)).collect()
}

fn attribute(name: &str, pair: Pair<'_, AttributeInfo>) -> Option<AttributeDiff> {
    let (change, fields) = match pair {
        (Some(before), Some(after)) => (DiffKind::Changed, fields(before, after, &[])),
        (None, _) => (DiffKind::Added, Vec::new()),
        (_, None) => (DiffKind::Removed, Vec::new()),
    };
    let same = change == DiffKind::Changed && fields.is_empty();
    (!same).then(|| AttributeDiff { name: name.to_owned(), change, fields })
}

/// What two descriptions of the same thing say differently, but for the fields that are looked at elsewhere.
fn fields<T: Serialize>(before: &T, after: &T, elsewhere: &[&str]) -> Vec<FieldDiff> {
    let (before, mut after) = (object(before), object(after));
    let kept = before.into_iter().filter(|(field, _)| !elsewhere.contains(&field.as_str()));
    let differing = kept.filter_map(|(field, before)| {
        let after = after.remove(&field).unwrap_or_default();
        (before != after).then_some(FieldDiff { field, before, after })
    });
    differing.collect()
}

fn object<T: Serialize>(described: &T) -> Map<String, Json> {
    match serde_json::to_value(described) {
        Ok(Json::Object(fields)) => fields,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::schema::tests::{people, plain};
    use crate::model::{ClassKind, Syntax};

    #[test]
    fn an_attribute_that_came_one_that_went_and_one_that_changed_are_told_apart() {
        let before = Schema(vec![people()]);
        let mut class = people();
        class.attributes.retain(|attribute| attribute.name != "age");
        class.attributes.push(plain("badge", Syntax::Integer));
        class.attributes[0].required = true;
        let SchemaDiff(classes) = SchemaDiff::between(&before, &Schema(vec![class]));
        let [class] = classes.as_slice() else { panic!("{classes:?}") };
        assert_eq!((class.name.as_str(), class.change, class.fields.len()), ("account", DiffKind::Changed, 0));
        let said: Vec<_> = class.attributes.iter().map(|one| (one.name.as_str(), one.change)).collect();
        assert_eq!(
            said,
            [("age", DiffKind::Removed), ("badge", DiffKind::Added), ("mail", DiffKind::Changed)],
            "in the order of their names"
        );
        let required = FieldDiff { field: "required".into(), before: json!(false), after: json!(true) };
        assert_eq!(class.attributes[2].fields, [required]);
    }

    #[test]
    fn a_class_that_is_another_kind_says_so_and_one_that_went_is_removed_as_a_whole() {
        let group = ClassInfo { name: "group".into(), ..people() };
        let (before, after) = (Schema(vec![people(), group]), ClassInfo { kind: ClassKind::Other, ..people() });
        let diff = SchemaDiff::between(&before, &Schema(vec![after]));
        assert_eq!(diff.0[0].fields[0].field, "kind");
        assert_eq!(diff.removed().collect::<Vec<_>>(), [("group", None)]);
    }

    fn schemas() -> impl Strategy<Value = Schema> {
        let attribute = ("[a-d]", any::<bool>(), any::<bool>()).prop_map(|(name, required, large)| AttributeInfo {
            required,
            large,
            ..plain(&name, Syntax::Text)
        });
        let attributes = proptest::collection::btree_map("[a-d]", attribute, 0..4).prop_map(|by_name| {
            by_name.into_iter().map(|(name, info)| AttributeInfo { name, ..info }).collect::<Vec<_>>()
        });
        let class = ("[x-z]", attributes).prop_map(|(name, attributes)| ClassInfo { name, attributes, ..people() });
        proptest::collection::btree_map("[x-z]", class, 0..3)
            .prop_map(|by_name| Schema(by_name.into_iter().map(|(name, info)| ClassInfo { name, ..info }).collect()))
    }

    fn turned(change: DiffKind) -> DiffKind {
        match change {
            DiffKind::Added => DiffKind::Removed,
            DiffKind::Removed => DiffKind::Added,
            DiffKind::Changed => DiffKind::Changed,
        }
    }

    proptest! {
        #[test]
        fn two_schemas_differ_exactly_if_a_difference_is_found(a in schemas(), b in schemas()) {
            prop_assert_eq!(SchemaDiff::between(&a, &b).is_empty(), a == b);
        }

        #[test]
        fn the_order_is_no_difference(mut a in schemas()) {
            let before = a.clone();
            a.0.reverse();
            a.0.iter_mut().for_each(|class| class.attributes.reverse());
            prop_assert!(SchemaDiff::between(&before, &a).is_empty());
        }

        #[test]
        fn looked_at_from_the_other_side_what_came_is_what_went(a in schemas(), b in schemas()) {
            let there = SchemaDiff::between(&a, &b).0;
            let back = SchemaDiff::between(&b, &a).0;
            prop_assert_eq!(there.len(), back.len());
            for (there, back) in there.iter().zip(&back) {
                prop_assert_eq!((&there.name, there.change), (&back.name, turned(back.change)));
                prop_assert_eq!(there.attributes.len(), back.attributes.len());
                for (there, back) in there.attributes.iter().zip(&back.attributes) {
                    prop_assert_eq!((&there.name, there.change), (&back.name, turned(back.change)));
                }
            }
        }
    }
}
