//! What a service says of itself (RFC 7643, 5 to 7), read with patience: what is missing or null has the default of the
//! standard, lists come bare or as list responses, and a document that makes no sense is passed over.

use hawser_sdk::{Error, Result, log};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

/// The schemas of the standard (RFC 7643, 8.7.1), for services that publish none.
const CORE: &str = include_str!("core.json");
pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// `/ServiceProviderConfig`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ProviderDocument {
    #[serde(deserialize_with = "or_default")]
    pub(crate) patch: Supported,
    #[serde(deserialize_with = "or_default")]
    pub(crate) filter: Supported,
    #[serde(deserialize_with = "or_default")]
    pub(crate) etag: Supported,
    #[serde(deserialize_with = "or_default")]
    pub(crate) pagination: PaginationDocument,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Supported {
    #[serde(deserialize_with = "truth")]
    pub(crate) supported: bool,
    #[serde(deserialize_with = "size")]
    pub(crate) max_results: Option<u32>,
}

/// RFC 9865, 2.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PaginationDocument {
    #[serde(deserialize_with = "truth")]
    pub(crate) cursor: bool,
    #[serde(deserialize_with = "perhaps")]
    pub(crate) index: Option<bool>,
    pub(crate) default_pagination_method: Option<String>,
    #[serde(deserialize_with = "size")]
    pub(crate) max_page_size: Option<u32>,
}

/// One of `/ResourceTypes`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResourceTypeDocument {
    pub(crate) name: String,
    pub(crate) endpoint: String,
    pub(crate) schema: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) schema_extensions: Vec<ExtensionDocument>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ExtensionDocument {
    pub(crate) schema: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) required: bool,
}

/// One of `/Schemas`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct SchemaDocument {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(crate) attributes: Vec<AttributeDocument>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct AttributeDocument {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) multi_valued: bool,
    #[serde(deserialize_with = "or_default")]
    pub(crate) required: bool,
    #[serde(deserialize_with = "or_default")]
    pub(crate) case_exact: bool,
    pub(crate) mutability: Option<String>,
    pub(crate) returned: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) reference_types: Vec<String>,
    #[serde(deserialize_with = "or_default")]
    pub(crate) sub_attributes: Vec<Self>,
}

impl AttributeDocument {
    pub(crate) fn is_a(&self, kind: &str) -> bool {
        self.kind.as_deref().unwrap_or("string").eq_ignore_ascii_case(kind)
    }

    pub(crate) fn is_mutable(&self, mutability: &str) -> bool {
        self.mutability.as_deref().unwrap_or("readWrite").eq_ignore_ascii_case(mutability)
    }

    pub(crate) fn is_returned(&self, returned: &str) -> bool {
        self.returned.as_deref().unwrap_or("default").eq_ignore_ascii_case(returned)
    }

    pub(crate) fn sub(&self, name: &str) -> Option<&Self> {
        self.sub_attributes.iter().find(|sub| sub.name.eq_ignore_ascii_case(name))
    }
}

/// The documents of a list.
///
/// # Errors
/// It is no list.
pub(crate) fn list<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<Vec<T>> {
    let no_list = || {
        let message = format!("what the service answers for {what} is no list of SCIM; correct the option `base-path`");
        Error::configuration(message)
    };
    let items = match serde_json::from_slice(body).map_err(|_| no_list())? {
        Json::Array(items) => items,
        Json::Object(mut list) => match list.remove("Resources").or_else(|| list.remove("resources")) {
            Some(Json::Array(items)) => items,
            _ => return Err(no_list()),
        },
        _ => return Err(no_list()),
    };
    let read = |item| serde_json::from_value(item).inspect_err(|why| passed_over(what, why)).ok();
    Ok(items.into_iter().filter_map(read).collect())
}

fn passed_over(what: &str, why: &serde_json::Error) {
    log::warn("a document of the service is passed over", &[("of", what), ("why", &why.to_string())]);
}

/// The schemas of the standard.
pub(crate) fn core_schemas() -> Result<Vec<SchemaDocument>> {
    list(CORE.as_bytes(), "the schemas of the standard")
}

/// The resource types of the standard, for services that publish none.
pub(crate) fn core_types() -> Vec<ResourceTypeDocument> {
    let of = |name: &str, schema: &str, extensions| ResourceTypeDocument {
        name: name.to_owned(),
        endpoint: format!("/{name}s"),
        schema: schema.to_owned(),
        schema_extensions: extensions,
    };
    let enterprise = ExtensionDocument { schema: ENTERPRISE.to_owned(), required: false };
    vec![of("User", USER, vec![enterprise]), of("Group", GROUP, Vec::new())]
}

/// Null is what is not there.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// True or false, as a text too; nothing for anything else.
fn perhaps<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(match Json::deserialize(deserializer)? {
        Json::Bool(value) => Some(value),
        Json::String(text) => text.to_ascii_lowercase().parse().ok(),
        _ => None,
    })
}

fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    perhaps(deserializer).map(|value| value.unwrap_or(false))
}

/// A size, as a text too. What is below zero is none, and so is what nobody could ask for.
fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(match Json::deserialize(deserializer)? {
        Json::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_list_points_at_the_base_path() {
        for body in ["<html>", "{}", "7", r#"{"Resources": {}}"#] {
            let error = list::<SchemaDocument>(body.as_bytes(), "/Schemas").unwrap_err();
            assert!(error.message().contains("`base-path`"), "{error}");
        }
    }

    #[test]
    fn lists_are_read_bare_and_wrapped_and_what_makes_no_sense_is_passed_over() {
        let items =
            r#"[{"id": "a", "attributes": null}, {"id": 7}, {"id": "b", "attributes": [{"name": "x", "type": null}]}]"#;
        for body in [items.to_owned(), format!(r#"{{"totalResults": 3, "Resources": {items}}}"#)] {
            let schemas: Vec<SchemaDocument> = list(body.as_bytes(), "/Schemas").unwrap();
            assert_eq!(schemas.iter().map(|schema| schema.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
            assert!(schemas[1].attributes[0].is_a("string"));
        }
    }

    #[test]
    fn what_a_service_can_do_is_read_with_patience() {
        for (size, read) in
            [("-1", None), ("5000000000", None), (r#""200""#, Some(200)), ("1e3", None), ("null", None), ("[]", None)]
        {
            let text = format!(
                r#"{{"filter": {{"supported": "True", "maxResults": {size}}}, "patch": {{"supported": 7}},
                    "pagination": {{"cursor": "true", "index": "false", "maxPageSize": {size}}}}}"#
            );
            let document: ProviderDocument = serde_json::from_str(&text).unwrap();
            assert_eq!((document.filter.max_results, document.pagination.max_page_size), (read, read), "{size}");
            assert!(document.filter.supported && !document.patch.supported && !document.etag.supported);
            assert_eq!((document.pagination.cursor, document.pagination.index), (true, Some(false)));
        }
    }

    #[test]
    fn the_standard_is_at_hand() {
        let schemas = core_schemas().unwrap();
        for kind in core_types() {
            assert!(schemas.iter().any(|schema| schema.id == kind.schema), "{}", kind.schema);
            assert!(kind.schema_extensions.iter().all(|it| schemas.iter().any(|schema| schema.id == it.schema)));
        }
    }
}
