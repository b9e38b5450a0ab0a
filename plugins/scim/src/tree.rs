//! A resource as JSON, for what is written: one value is found and set by its path, names in any case.

use crate::model::Path;
use serde_json::{Map, Value as Json};
use std::borrow::Cow;

/// The value at a path; null is none.
pub(crate) fn get<'a>(resource: &'a Json, path: &Path) -> Option<&'a Json> {
    let mut at = resource;
    for step in steps(path) {
        at = at.as_object().and_then(|object| field(object, step))?;
    }
    Some(at).filter(|value| !value.is_null())
}

/// The text at a path.
pub(crate) fn text<'a>(resource: &'a Json, path: &Path) -> Option<&'a str> {
    get(resource, path).and_then(Json::as_str)
}

/// The key that a value is: services write ids as numbers too.
pub(crate) fn key(value: &Json) -> Option<Cow<'_, str>> {
    match value {
        Json::String(text) => Some(Cow::Borrowed(text)),
        Json::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => None,
    }
}

/// Sets the value at a path, or takes it away.
pub(crate) fn set(resource: &mut Json, path: &Path, value: Option<Json>) {
    set_below(resource, &steps(path).collect::<Vec<_>>(), value);
}

fn set_below(at: &mut Json, steps: &[&str], value: Option<Json>) {
    let [first, rest @ ..] = steps else { return };
    if value.is_some() && !at.is_object() {
        *at = Json::Object(Map::new());
    }
    let Some(object) = at.as_object_mut() else { return };
    let name = own_name(object, first);
    match value {
        value if !rest.is_empty() && (value.is_some() || object.contains_key(&name)) => {
            set_below(object.entry(name).or_insert(Json::Null), rest, value);
        }
        Some(value) => drop(object.insert(name, value)),
        None => drop(object.shift_remove(&name)),
    }
}

/// The name as the object writes it.
fn own_name(object: &Map<String, Json>, name: &str) -> String {
    object.keys().find(|own| own.eq_ignore_ascii_case(name)).cloned().unwrap_or_else(|| name.to_owned())
}

pub(crate) fn field<'a>(object: &'a Map<String, Json>, name: &str) -> Option<&'a Json> {
    object.get(name).or_else(|| object.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn steps(path: &Path) -> impl Iterator<Item = &str> {
    [path.extension.as_deref(), Some(path.attribute.as_str()), path.sub.as_deref()].into_iter().flatten()
}

/// The path of an attribute of the schema itself.
pub(crate) fn path(attribute: &str, sub: Option<&str>) -> Path {
    Path { extension: None, attribute: attribute.to_owned(), sub: sub.map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn extended(sub: Option<&str>) -> Path {
        Path { extension: Some("urn:x:User".to_owned()), ..path("manager", sub) }
    }

    #[test]
    fn what_is_not_there_or_null_is_none() {
        let resource = json!({"title": null, "name": "Ada"});
        assert_eq!(get(&resource, &path("title", None)), None);
        assert_eq!(get(&resource, &path("name", Some("givenName"))), None);
        assert_eq!(get(&json!([]), &path("name", None)), None);
    }

    #[test]
    fn taking_away_makes_nothing() {
        let mut resource = json!({"title": "x"});
        set(&mut resource, &extended(Some("value")), None);
        set(&mut resource, &path("TITLE", None), None);
        assert_eq!(resource, json!({}));
    }

    #[test]
    fn a_name_is_written_as_the_resource_has_it() {
        let mut resource = json!({"Name": {"GivenName": "Ada"}});
        set(&mut resource, &path("name", Some("givenName")), Some(json!("Augusta")));
        assert_eq!(resource, json!({"Name": {"GivenName": "Augusta"}}));
    }

    proptest! {
        #[test]
        fn what_is_set_is_there(title in "\\PC{0,8}", sub in prop::option::of("[a-z]{1,4}"), own in any::<bool>()) {
            let path = if own { path("manager", sub.as_deref()) } else { extended(sub.as_deref()) };
            let mut resource = json!({"id": "1", "manager": {"z": 1}});
            set(&mut resource, &path, Some(json!(title)));
            prop_assert_eq!(text(&resource, &path), Some(title.as_str()));
            prop_assert_eq!(&resource["id"], "1");
            set(&mut resource, &path, None);
            prop_assert_eq!(get(&resource, &path), None);
        }
    }
}
