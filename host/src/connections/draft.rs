//! What a caller wants written, held against the schema before the connector hears of it: every fault is told at once,
//! and confidential attributes leave as secrets instead of values.

use serde_json::{Map, Value as Json};

use crate::model::text::shown;
use crate::model::{
    Attribute, AttributeChange, AttributeInfo, Change, ClassInfo, Edit, Error, FailureKind, Result, Secret, Value, json,
};

/// How much of an unknown attribute's name, or of an allowed value, is repeated, in bytes.
const NAME_SHOWN_BYTES_MAX: usize = 120;
/// The most allowed values that are told.
const ALLOWED_SHOWN_MAX: usize = 20;
/// The most faults told at once.
const FAULTS_MAX: usize = 20;

/// The attributes of a new object.
#[derive(Default)]
pub(super) struct Attributes {
    pub(super) plain: Vec<Attribute>,
    pub(super) secret: Vec<(String, Secret)>,
}

/// The changes of an existing one.
#[derive(Default)]
pub(super) struct Changes {
    pub(super) plain: Vec<AttributeChange>,
    pub(super) secret: Vec<(String, Secret)>,
}

/// Checks the attributes of an object to be created.
///
/// # Errors
/// `schema-violation`, with a sentence for every fault and the attributes to blame.
pub(super) fn attributes(class: &ClassInfo, given: &Map<String, Json>) -> Result<Attributes> {
    let mut faults = Faults::default();
    let mut attributes = Attributes::default();
    for (name, json) in given {
        let Some(info) = faults.check(name, known(class, name, |info| info.creatable, "set when an object is created"))
        else {
            continue;
        };
        if info.confidential {
            attributes.secret.extend(faults.check(name, secret(json)).map(|secret| (name.clone(), secret)));
        } else if let Some(values) = faults.check(name, values(info, json)) {
            attributes.plain.push(Attribute { name: name.clone(), values });
        }
    }
    for info in class.attributes.iter().filter(|info| info.required && info.creatable) {
        if given.get(&info.name).and_then(Json::as_array).is_none_or(Vec::is_empty) {
            faults.add(&info.name, "is required: give it at least one value");
        }
    }
    faults.into_result(class)?;
    Ok(attributes)
}

/// Checks the changes of an object: per attribute `{"replace": [..]}` or `{"add": [..], "remove": [..]}`.
///
/// # Errors
/// `schema-violation`, with a sentence for every fault and the attributes to blame.
pub(super) fn changes(class: &ClassInfo, given: &Map<String, Json>) -> Result<Changes> {
    let mut faults = Faults::default();
    let mut changes = Changes::default();
    for (name, json) in given {
        let Some(info) = faults.check(name, known(class, name, |info| info.updateable, "changed")) else { continue };
        if info.confidential {
            let replaced = replacement(json).ok_or_else(|| "is confidential: it can only be replaced".to_owned());
            let secret = replaced.and_then(secret);
            changes.secret.extend(faults.check(name, secret).map(|secret| (name.clone(), secret)));
        } else if let Some(change) = faults.check(name, change(info, json)) {
            changes.plain.push(AttributeChange { name: name.clone(), change });
        }
    }
    faults.into_result(class)?;
    Ok(changes)
}

/// Checks the parameters of a grant.
///
/// # Errors
/// `schema-violation`, with a sentence for every fault and the parameters to blame.
pub(super) fn granted(entitlement: &ClassInfo, given: &Map<String, Json>) -> Result<Vec<Attribute>> {
    let required = entitlement.parameters.iter().filter(|info| info.required).map(|info| info.name.as_str());
    parameters(entitlement, given, required)
}

/// Checks the parameters of a revocation: those that say which grant it is. What else a grant needs stands in the target.
///
/// # Errors
/// As [`granted`], except that none has to be given.
pub(super) fn revoked(entitlement: &ClassInfo, given: &Map<String, Json>) -> Result<Vec<Attribute>> {
    parameters(entitlement, given, std::iter::empty())
}

fn parameters<'a>(
    entitlement: &ClassInfo,
    given: &Map<String, Json>,
    required: impl Iterator<Item = &'a str>,
) -> Result<Vec<Attribute>> {
    let mut faults = Faults::default();
    let mut parameters = Vec::new();
    for (name, json) in given {
        let info = entitlement.parameters.iter().find(|info| info.name == *name);
        let info = info.ok_or_else(|| {
            let known: Vec<&str> = entitlement.parameters.iter().map(|info| info.name.as_str()).collect();
            format!("is no parameter of a grant of class {}; it takes [{}]", entitlement.name, known.join(", "))
        });
        let read = info.and_then(|info| values(info, json));
        parameters.extend(faults.check(name, read).map(|values| Attribute { name: name.clone(), values }));
    }
    for name in required.filter(|name| !given.contains_key(*name)) {
        faults.add(name, "is required");
    }
    faults.into_result(entitlement)?;
    Ok(parameters)
}

fn known<'a>(
    class: &'a ClassInfo,
    name: &str,
    may: fn(&AttributeInfo) -> bool,
    verb: &str,
) -> Result<&'a AttributeInfo, String> {
    match class.attribute(name) {
        None => Err(format!("is no attribute of class {}; refresh the schema or correct the name", class.name)),
        Some(info) if !may(info) => Err(format!("cannot be {verb}")),
        Some(info) => Ok(info),
    }
}

fn values(info: &AttributeInfo, json: &Json) -> Result<Vec<Value>, String> {
    let list = json.as_array().ok_or_else(|| "takes a list of values".to_owned())?;
    if list.len() > 1 && !info.multi_valued {
        return Err(format!("takes one value, and {} were given", list.len()));
    }
    if info.required && list.is_empty() {
        return Err("is required and cannot be empty".to_owned());
    }
    list.iter().map(|json| value(info, json)).collect()
}

fn value(info: &AttributeInfo, json: &Json) -> Result<Value, String> {
    let value = json::value_from_json(json, info.syntax)?;
    if matches!(&value, Value::Text(text) if text.contains('\0')) {
        return Err("has a NUL character; remove it".to_owned());
    }
    if !info.allowed.is_empty() && !info.allowed.contains(json) {
        let allowed = info.allowed.iter().take(ALLOWED_SHOWN_MAX);
        let allowed: Vec<String> = allowed.map(|json| shown(&json.to_string(), NAME_SHOWN_BYTES_MAX)).collect();
        return Err(format!("takes one of {}", allowed.join(", ")));
    }
    Ok(value)
}

fn change(info: &AttributeInfo, json: &Json) -> Result<Change, String> {
    let expected = || "takes {\"replace\": [..]} or {\"add\": [..], \"remove\": [..]}".to_owned();
    let object = json.as_object().ok_or_else(expected)?;
    if let Some(replace) = replacement(json) {
        return values(info, replace).map(Change::Replace);
    }
    if object.is_empty() || object.keys().any(|key| key != "add" && key != "remove") {
        return Err(expected());
    }
    if !info.multi_valued {
        return Err("has one value: replace it".to_owned());
    }
    let part = |key| {
        let list = object.get(key).map_or(Some(&[][..]), |json| json.as_array().map(Vec::as_slice));
        list.ok_or_else(expected)?.iter().map(|json| value(info, json)).collect::<Result<Vec<_>, _>>()
    };
    Ok(Change::Edit(Edit { add: part("add")?, remove: part("remove")? }))
}

fn replacement(json: &Json) -> Option<&Json> {
    json.as_object().filter(|object| object.len() == 1).and_then(|object| object.get("replace"))
}

fn secret(json: &Json) -> Result<Secret, String> {
    let only = json.as_array().filter(|list| list.len() == 1).and_then(|list| list.first());
    let text = only.and_then(Json::as_str).ok_or_else(|| "takes a list of one string".to_owned())?;
    Secret::new(text.as_bytes().to_vec()).ok_or_else(|| "cannot be empty, nor longer than 4096 bytes".to_owned())
}

/// Sentences about what is wrong, each beginning with the attribute's name.
#[derive(Default)]
struct Faults {
    sentences: Vec<String>,
    blamed: Vec<String>,
}

impl Faults {
    fn add(&mut self, name: &str, why: &str) {
        if self.sentences.len() < FAULTS_MAX {
            let name = shown(name, NAME_SHOWN_BYTES_MAX);
            self.sentences.push(format!("`{name}` {why}"));
            self.blamed.push(name);
        }
    }

    fn check<T>(&mut self, name: &str, read: Result<T, String>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(why) => {
                self.add(name, &why);
                None
            }
        }
    }

    fn into_result(self, class: &ClassInfo) -> Result<()> {
        if self.sentences.is_empty() {
            return Ok(());
        }
        let message = format!("class {}: {}", class.name, self.sentences.join("; "));
        let mut error = Error::failure(FailureKind::SchemaViolation, message);
        error.attributes = self.blamed;
        Err(error)
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::schema::tests::{people, plain};
    use crate::model::{AttributeInfo, Syntax};

    fn object(json: &Json) -> Map<String, Json> {
        json.as_object().cloned().unwrap()
    }

    fn class() -> ClassInfo {
        let mut class = people();
        class.attributes.push(AttributeInfo { required: true, ..plain("sn", Syntax::Text) });
        class.attributes.push(AttributeInfo {
            creatable: false,
            updateable: false,
            ..plain("lastLogin", Syntax::Instant)
        });
        class.attributes.push(AttributeInfo { allowed: vec![json!("a"), json!("b")], ..plain("kind", Syntax::Text) });
        class
    }

    #[test]
    fn every_fault_of_a_new_object_is_told_at_once() {
        let given = json!({
            "nobody": ["x"], "age": ["old"], "mail": "a@b", "First Name": ["a", "b"], "lastLogin": [], "kind": ["c"],
            "password": [""],
        });
        let error = attributes(&class(), &object(&given)).err().unwrap();
        for part in [
            "`nobody` is no attribute",
            "`age` expected an integer",
            "`mail` takes a list",
            "and 2 were given",
            "`lastLogin` cannot be set",
            "takes one of \"a\", \"b\"",
            "`password` cannot be empty",
            "`sn` is required",
        ] {
            assert!(error.message.contains(part), "{part}: {}", error.message);
        }
        assert!(error.is(FailureKind::SchemaViolation));
    }

    #[test]
    fn a_confidential_attribute_leaves_as_a_secret_and_not_as_a_value() {
        let given = object(&json!({"sn": ["Doe"], "password": ["Start-Pass1"]}));
        let read = attributes(&class(), &given).unwrap();
        assert_eq!(read.plain.len(), 1);
        assert_eq!(read.secret[0].1.expose(), b"Start-Pass1");
    }

    #[test]
    fn a_change_is_replace_or_edit_and_never_both() {
        for (change, hint) in [
            (json!({"replace": ["a"], "add": ["b"]}), "takes {\"replace\""),
            (json!(["a"]), "takes {\"replace\""),
            (json!({}), "takes {\"replace\""),
            (json!({"set": ["a"]}), "takes {\"replace\""),
            (json!({"add": "a"}), "takes {\"replace\""),
        ] {
            let error = changes(&class(), &object(&json!({"mail": change}))).err().unwrap();
            assert!(error.message.contains(hint), "{}", error.message);
        }
        let single = changes(&class(), &object(&json!({"age": {"add": [1]}}))).err().unwrap();
        assert!(single.message.contains("replace it"));
    }

    #[test]
    fn an_empty_replace_clears_but_not_what_is_required() {
        let read = changes(&class(), &object(&json!({"mail": {"replace": []}}))).unwrap();
        assert_eq!(read.plain[0].change, Change::Replace(Vec::new()));
        assert!(changes(&class(), &object(&json!({"sn": {"replace": []}}))).is_err());
    }

    #[test]
    fn an_unknown_parameter_of_a_grant_is_refused_with_the_known_ones() {
        let mut class = class();
        class.parameters.push(plain("scope", Syntax::Text));
        for check in [granted, revoked] {
            let error = check(&class, &object(&json!({"vhost": ["/"]}))).unwrap_err();
            assert!(error.message.contains("it takes [scope]"), "{}", error.message);
            assert_eq!(check(&class, &object(&json!({"scope": ["x"]}))).unwrap().len(), 1);
        }
    }

    #[test]
    fn a_parameter_that_a_grant_requires_need_not_be_known_to_revoke_it() {
        let mut class = class();
        class.parameters.push(AttributeInfo { required: true, ..plain("scope", Syntax::Text) });
        let error = granted(&class, &Map::new()).unwrap_err();
        assert!(error.message.contains("`scope` is required"), "{}", error.message);
        assert!(revoked(&class, &Map::new()).unwrap().is_empty());
    }
}
