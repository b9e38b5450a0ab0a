//! What is sent to set a secured option. Values are read straight into secrets, and a refusal does not repeat them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::model::secret::SECRET_BYTES_MAX;
use crate::model::{EntryKey, Error, Given, Result, Secret, SecretReference, Secured};

/// What to set: a value, a reference or both; or all entries of a map.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecuredValue)]
pub(in crate::api) struct SecuredWire {
    value: Option<SecretWire>,
    /// Where the value is kept outside: `env:NAME` or `file:/path`, as the host's configuration allows. It goes before a
    /// value that is set as well.
    #[schema(value_type = Option<String>)]
    from: Option<SecretReference>,
    /// At most 64, each under a key of 1 to 256 bytes without control characters.
    #[schema(value_type = Option<BTreeMap<String, MapEntryWire>>)]
    entries: Option<BTreeMap<EntryKey, MapEntryWire>>,
}

/// A value, a reference or both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecuredEntry)]
pub(in crate::api) struct EntryWire {
    value: Option<SecretWire>,
    /// Where the value is kept outside: `env:NAME` or `file:/path`.
    #[schema(value_type = Option<String>)]
    from: Option<SecretReference>,
}

/// An entry of a map: a value, or an object with what to set.
#[derive(Deserialize, ToSchema)]
#[serde(
    untagged,
    expecting = "an entry is a text, bytes as {\"binary\": base64}, or {\"value\": ..., \"from\": \"env:NAME or file:/path\"}"
)]
#[schema(as = SecuredMapEntry)]
pub(in crate::api) enum MapEntryWire {
    Value(SecretWire),
    Entry(EntryWire),
}

/// A secret of 1 to 16384 bytes: a text, or any bytes in base64.
#[derive(Deserialize, ToSchema)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a secured value is a text, or bytes as {\"binary\": base64}; neither may be empty"
)]
#[schema(as = SecretValue)]
pub(in crate::api) enum SecretWire {
    #[schema(format = Password)]
    Text(String),
    Binary {
        #[schema(content_encoding = "base64")]
        binary: String,
    },
}

impl TryFrom<SecuredWire> for Secured<Given> {
    type Error = Error;

    fn try_from(wire: SecuredWire) -> Result<Self> {
        match wire.entries {
            None => Ok(Self::Field(EntryWire { value: wire.value, from: wire.from }.try_into()?)),
            Some(_) if wire.value.is_some() || wire.from.is_some() => Err(nothing_to_set()),
            Some(entries) if entries.is_empty() => {
                Err(Error::invalid("entries is empty; to clear the option, DELETE it").blaming("entries"))
            }
            Some(entries) => {
                let entry = |(key, entry): (EntryKey, MapEntryWire)| Ok((key.into(), entry.try_into()?));
                Ok(Self::Map(entries.into_iter().map(entry).collect::<Result<_>>()?))
            }
        }
    }
}

impl TryFrom<EntryWire> for Given {
    type Error = Error;

    fn try_from(EntryWire { value, from }: EntryWire) -> Result<Self> {
        if value.is_none() && from.is_none() {
            return Err(nothing_to_set());
        }
        Ok(Self { value: value.map(Secret::try_from).transpose()?, from })
    }
}

impl TryFrom<MapEntryWire> for Given {
    type Error = Error;

    fn try_from(wire: MapEntryWire) -> Result<Self> {
        match wire {
            MapEntryWire::Value(value) => EntryWire { value: Some(value), from: None }.try_into(),
            MapEntryWire::Entry(entry) => entry.try_into(),
        }
    }
}

fn nothing_to_set() -> Error {
    Error::invalid("send value, from (a reference) or both; or, for a map, entries").blaming("value")
}

impl TryFrom<SecretWire> for Secret {
    type Error = Error;

    fn try_from(wire: SecretWire) -> Result<Self> {
        let wrong = |why: &str| Error::invalid(format!("a secured value {why}")).blaming("value");
        let bytes = match wire {
            SecretWire::Text(text) => text.into_bytes(),
            SecretWire::Binary { binary } => {
                let binary = Zeroizing::new(binary);
                BASE64.decode(binary.as_bytes()).map_err(|_| wrong("is not the base64 it says"))?
            }
        };
        let length = bytes.len();
        Self::new(bytes).ok_or_else(|| wrong(&format!("takes 1 to {SECRET_BYTES_MAX} bytes; this one has {length}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        match serde_json::from_str::<SecuredWire>(text) {
            Ok(wire) => Secured::<Given>::try_from(wire).err().unwrap().message,
            Err(why) => why.to_string(),
        }
    }

    #[test]
    fn a_refusal_never_repeats_a_value() {
        let long = "hunter2".repeat(3000);
        for text in [
            r#"{"value": 7777777}"#,
            r#"{"value": ["hunter2"]}"#,
            r#"{"value": {"binary": "hunter2"}}"#,
            r#"{"value": {"binary": 7777777}}"#,
            r#"{"value": {"binary": "aHVudGVyMg==", "hunter2": 1}}"#,
            r#"{"value": {"text": "hunter2"}}"#,
            r#"{"value": ""}"#,
            r#"{"value": "hunter2", "entries": {"a": "hunter2"}}"#,
            r#"{"value": "hunter2", "from": "hunter2"}"#,
            r#"{"from": "env:hunter2-"}"#,
            r#"{"from": "file:hunter2"}"#,
            r#"{"from": ["env:hunter2"]}"#,
            r#"{"from": "env:hunter2", "entries": {"a": "hunter2"}}"#,
            r#"{"entries": {"a": {"from": "hunter2"}}}"#,
            r#"{"entries": {"a": {"value": "hunter2", "binary": "hunter2"}}}"#,
            r#"{"entries": {"a": {}}}"#,
            r#"{"entries": {"a": 7777777}}"#,
            r#"{"entries": {"": "hunter2"}}"#,
            r#"{"entries": {"hunter2\n": "a"}}"#,
            r#"{"entries": {}}"#,
            "{}",
            &format!(r#"{{"value": "{long}"}}"#),
        ] {
            let told = refused(text);
            assert!(!told.contains("hunter2") && !told.contains("7777777"), "{text}: {told}");
        }
    }

    #[test]
    fn text_and_binary_of_the_same_bytes_are_the_same_value() {
        for text in [r#"{"value": "hunter2"}"#, r#"{"value": {"binary": "aHVudGVyMg=="}}"#] {
            let given = Secured::try_from(serde_json::from_str::<SecuredWire>(text).unwrap()).ok().unwrap();
            let Secured::Field(Given { value: Some(value), from: None }) = given else { panic!("{text}") };
            assert_eq!(value.expose(), b"hunter2", "{text}");
        }
    }

    #[test]
    fn an_entry_is_a_value_a_reference_or_both() {
        let text = r#"{"entries": {"a": "x", "b": {"binary": "eA=="}, "c": {"value": "x"}, "d": {"from": "env:A"},
            "e": {"value": {"binary": "eA=="}, "from": "file:/run/a"}}}"#;
        let wire = serde_json::from_str::<SecuredWire>(text).unwrap();
        let Ok(Secured::Map(entries)) = Secured::<Given>::try_from(wire) else { panic!("it is a map") };
        let shown = |given: &Given| {
            let value = given.value.as_ref().map(|value| String::from_utf8(value.expose().to_vec()).unwrap());
            (value.unwrap_or_default(), given.from.as_ref().map(ToString::to_string).unwrap_or_default())
        };
        let entries: Vec<(String, String)> = entries.values().map(shown).collect();
        let entries: Vec<(&str, &str)> = entries.iter().map(|(value, from)| (value.as_str(), from.as_str())).collect();
        assert_eq!(entries, [("x", ""), ("x", ""), ("x", ""), ("", "env:A"), ("x", "file:/run/a")]);
    }
}
