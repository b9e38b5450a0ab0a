//! JSON pointers (RFC 6901): where something stands in an answer, and where it is put in a request.

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use std::fmt;

/// A pointer; the empty one is the whole document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pointer(String);

impl Pointer {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands there; `null` is nothing.
    pub(crate) fn get<'a>(&self, json: &'a Json) -> Option<&'a Json> {
        json.pointer(&self.0).filter(|found| !found.is_null())
    }

    /// Puts a value there and makes the objects on the way; what is in the way and no object is replaced by one.
    pub(crate) fn set(&self, json: &mut Json, value: Json) {
        let mut at = json;
        for token in self.0.split('/').skip(1).map(unescape) {
            let Some(next) = member(at, token) else { return };
            at = next;
        }
        *at = value;
    }

    /// The last name of it, which is what the target calls the thing.
    pub(crate) fn last(&self) -> String {
        self.0.rsplit('/').next().map(unescape).unwrap_or_default()
    }

    /// The same place seen from further inside, if it is there.
    pub(crate) fn inside(&self, outer: &Self) -> Option<Self> {
        let rest = self.0.strip_prefix(&outer.0).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
        Some(Self(rest.to_owned()))
    }

    /// The same place seen from further outside.
    #[must_use]
    pub(crate) fn below(&self, outer: &Self) -> Self {
        Self(format!("{}{}", outer.0, self.0))
    }
}

/// An existing place of a list, or a member of an object.
fn member(json: &mut Json, token: String) -> Option<&mut Json> {
    let index = token.parse::<usize>().ok();
    if json.as_array().is_none_or(|list| index.is_none_or(|at| at >= list.len())) && !json.is_object() {
        *json = Json::Object(Map::new());
    }
    match json {
        Json::Array(list) => index.and_then(|at| list.get_mut(at)),
        Json::Object(members) => Some(members.entry(token).or_insert(Json::Null)),
        _ => None,
    }
}

impl TryFrom<String> for Pointer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err(format!(
                "`{text}` is no JSON pointer; write it like /user/name, or leave it empty for the whole"
            ));
        }
        let mut rest = text.as_str();
        while let Some((_, after)) = rest.split_once('~') {
            if !after.starts_with(['0', '1']) {
                return Err(format!("`{text}` is no JSON pointer: a `~` is written `~0`, and a `/` in a name `~1`"));
            }
            rest = after;
        }
        Ok(Self(text))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "the whole answer" } else { &self.0 })
    }
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    pub(crate) fn pointer(text: &str) -> Pointer {
        Pointer::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for text in ["name", "/a~", "/a~2", "#/a"] {
            assert!(Pointer::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn objects_on_the_way_are_made_and_lists_kept() {
        let mut json = json!({"a": [{"b": 1}], "text": "x"});
        pointer("/a/0/b").set(&mut json, json!(2));
        pointer("/new/deep").set(&mut json, json!(3));
        pointer("/text/c").set(&mut json, json!(4));
        assert_eq!(json, json!({"a": [{"b": 2}], "text": {"c": 4}, "new": {"deep": 3}}));
    }

    #[test]
    fn a_place_is_inside_of_another_by_whole_names() {
        assert_eq!(pointer("/user/hash").inside(&pointer("/user")), Some(pointer("/hash")));
        assert_eq!(pointer("/users").inside(&pointer("/user")), None);
        assert_eq!(pointer("/a").inside(&pointer("")), Some(pointer("/a")));
    }

    #[test]
    fn null_is_nothing() {
        assert_eq!(pointer("/a").get(&json!({"a": null})), None);
        assert_eq!(pointer("").get(&json!(1)), Some(&json!(1)));
    }

    proptest! {
        #[test]
        fn what_was_put_somewhere_stands_there(names in proptest::collection::vec("[a-z~/]{0,4}", 0..4)) {
            let text: String = names.iter().map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1"))).collect();
            let mut json = json!({"a": {"b": 1}});
            pointer(&text).set(&mut json, json!("x"));
            prop_assert_eq!(pointer(&text).get(&json), Some(&json!("x")));
        }
    }
}
