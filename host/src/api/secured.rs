//! Secured options: entered, replaced and cleared here, and never answered by anything. Values are read straight into
//! secrets; a refusal does not repeat them, and the answers to changes have no body.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use zeroize::Zeroizing;

use super::ApiState;
use super::audited::{Act, act, audited};
use super::body::{At, Body};
use super::connections::ConnectionPath;
use super::context::AsOperator;
use super::page::{self, Listed, PageQuery};
use super::path::meant;
use super::problem::Problem;
use crate::connections::{SecuredDraft, SecuredOption};
use crate::model::secret::SECRET_BYTES_MAX;
use crate::model::{ConnectionId, EntryKey, Error, OptionName, RequestContext, Result, Secret, Secured, SecuredStatus};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(set, clear)).routes(routes!(set_entry, clear_entry))
}

/// Which secured option.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
struct SecuredPath {
    /// The connection's identifier, without regard to case.
    #[param(value_type = String)]
    id: ConnectionId,
    /// By the connector's manifest.
    #[param(value_type = String)]
    name: OptionName,
}

/// Which entry of a map.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
struct EntryPath {
    /// The connection's identifier, without regard to case.
    #[param(value_type = String)]
    id: ConnectionId,
    /// By the connector's manifest.
    #[param(value_type = String)]
    name: OptionName,
    /// 1 to 256 bytes without control characters; or `~` and its base64url.
    #[serde(deserialize_with = "EntryPath::key")]
    #[param(value_type = String)]
    key: EntryKey,
}

/// What to set: one value, or all entries of a map.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecuredValue)]
pub(super) struct SecuredWire {
    value: Option<SecretWire>,
    /// At most 64, each under a key of 1 to 256 bytes without control characters.
    #[schema(value_type = Option<BTreeMap<String, SecretWire>>)]
    entries: Option<BTreeMap<EntryKey, SecretWire>>,
}

/// One value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecuredEntry)]
pub(super) struct EntryWire {
    pub(super) value: SecretWire,
}

/// A secret of 1 to 16384 bytes: a text, or any bytes in base64.
#[derive(Deserialize, ToSchema)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a secured value is a text, or bytes as {\"binary\": base64}; neither may be empty"
)]
#[schema(as = SecretValue)]
pub(super) enum SecretWire {
    #[schema(format = Password)]
    Text(String),
    Binary {
        #[schema(content_encoding = "base64")]
        binary: String,
    },
}

/// A secured option as its connector declares it, and what is set of it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SecuredOption)]
struct SecuredView {
    name: String,
    /// `field` or `map`.
    kind: &'static str,
    label: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    help: String,
    /// Calls are refused while it is not set.
    required: bool,
    /// What a connector may do with it: `bind`, `send`, `token`, `client-key` or `sign`.
    r#use: &'static str,
    /// What is set: at most one of a field.
    set: Vec<StatusView>,
    /// It is set and cannot be used any more, because where it goes was changed: enter it again.
    needs_entry: bool,
}

/// What may be known of a value.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SecuredStatus)]
struct StatusView {
    /// The key in a map.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// Equal for equal values of the same option or entry, until the host's key is rotated.
    fingerprint: String,
    #[schema(value_type = String, format = DateTime)]
    set_at: jiff::Timestamp,
    /// The token's name.
    set_by: String,
}

/// Lists the secured options by name: what is declared, and what is set; never a value.
#[utoipa::path(get, path = "/v1/connections/{id}/secured-options", operation_id = "list_secured_options",
    tag = "connections", params(ConnectionPath, PageQuery), security(("token" = ["operator"])),
    responses((status = 200, body = Listed<SecuredView>)))]
async fn list(
    _: AsOperator,
    State(api): State<ApiState>,
    At { path, query }: At<ConnectionPath, PageQuery>,
) -> Result<Json<Listed<SecuredView>>, Problem> {
    let after: Option<String> = page::key(query.cursor.as_deref())?;
    let mut options = api.connections.secured_options(&path.id).await?;
    options.sort_by(|a, b| a.declaration.name.cmp(&b.declaration.name));
    options.retain(|option| after.as_ref().is_none_or(|after| option.declaration.name.as_str() > after.as_str()));
    Ok(Json(Listed::cut(options, query.limit, |option| option.declaration.name.clone(), SecuredView::from)))
}

/// Sets a secured option, or replaces all that was set of it.
#[utoipa::path(put, path = "/v1/connections/{id}/secured-options/{name}", operation_id = "set_secured_option",
    tag = "connections", params(SecuredPath), request_body = SecuredWire, security(("token" = ["operator"])),
    responses((status = 204)))]
async fn set(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<SecuredPath>,
    Body(request): Body<SecuredWire>,
) -> Result<StatusCode, Problem> {
    let value = Secured::try_from(request)?;
    let entry = entry(&rc, "secured-option.set", &path.id, &path.name, None);
    audited(&api, entry, api.connections.set_secured(&rc, &path.id, &path.name, value)).await?;
    api.tasks.refresh_if_due(&rc, &path.id).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Clears a secured option.
#[utoipa::path(delete, path = "/v1/connections/{id}/secured-options/{name}", operation_id = "clear_secured_option",
    tag = "connections", params(SecuredPath), security(("token" = ["operator"])), responses((status = 204)))]
async fn clear(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<SecuredPath>,
) -> Result<StatusCode, Problem> {
    let entry = entry(&rc, "secured-option.clear", &path.id, &path.name, None);
    audited(&api, entry, api.connections.clear_secured(&path.id, &path.name, None)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets one entry of a secured option that is a map.
#[utoipa::path(put, path = "/v1/connections/{id}/secured-options/{name}/{key}", operation_id = "set_secured_entry",
    tag = "connections", params(EntryPath), request_body = EntryWire, security(("token" = ["operator"])),
    responses((status = 204)))]
async fn set_entry(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<EntryPath>,
    Body(request): Body<EntryWire>,
) -> Result<StatusCode, Problem> {
    let value = Secret::try_from(request.value)?;
    let entry = entry(&rc, "secured-option.set", &path.id, &path.name, Some(&path.key));
    audited(&api, entry, api.connections.set_secured_entry(&rc, &path.id, &path.name, &path.key, value)).await?;
    api.tasks.refresh_if_due(&rc, &path.id).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Clears one entry of a secured option that is a map.
#[utoipa::path(delete, path = "/v1/connections/{id}/secured-options/{name}/{key}",
    operation_id = "clear_secured_entry", tag = "connections", params(EntryPath),
    security(("token" = ["operator"])), responses((status = 204)))]
async fn clear_entry(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<EntryPath>,
) -> Result<StatusCode, Problem> {
    let entry = entry(&rc, "secured-option.clear", &path.id, &path.name, Some(&path.key));
    audited(&api, entry, api.connections.clear_secured(&path.id, &path.name, Some(&path.key))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The values of a connection's draft.
///
/// # Errors
/// `invalid-request`, naming the option.
pub(super) fn draft(wire: BTreeMap<OptionName, SecuredWire>) -> Result<SecuredDraft> {
    let one = |(name, wire): (OptionName, SecuredWire)| {
        let value = Secured::try_from(wire).map_err(|error| error.blaming(format!("securedOptions.{name}")))?;
        Ok((name, value))
    };
    wire.into_iter().map(one).collect()
}

fn entry(rc: &RequestContext, action: &str, id: &ConnectionId, name: &OptionName, key: Option<&EntryKey>) -> Act {
    let act = act(rc, action).on(id).parameter("option", name);
    match key {
        Some(key) => act.parameter("key", key.as_str()),
        None => act,
    }
}

impl EntryPath {
    fn key<'de, D: Deserializer<'de>>(from: D) -> Result<EntryKey, D::Error> {
        meant(String::deserialize(from)?).map_err(D::Error::custom)?.try_into().map_err(D::Error::custom)
    }
}

impl TryFrom<SecuredWire> for Secured {
    type Error = Error;

    fn try_from(wire: SecuredWire) -> Result<Self> {
        match (wire.value, wire.entries) {
            (Some(value), None) => Ok(Self::Field(value.try_into()?)),
            (None, Some(entries)) if !entries.is_empty() => {
                let entry = |(key, value): (EntryKey, SecretWire)| Ok((key.into(), value.try_into()?));
                Ok(Self::Map(entries.into_iter().map(entry).collect::<Result<_>>()?))
            }
            (None, Some(_)) => {
                Err(Error::invalid("entries is empty; to clear the option, DELETE it").blaming("entries"))
            }
            _ => Err(Error::invalid("send either value or, for a map, entries").blaming("value")),
        }
    }
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

impl From<SecuredOption> for SecuredView {
    fn from(option: SecuredOption) -> Self {
        let declared = option.declaration;
        Self {
            name: declared.name.into(),
            kind: declared.kind.as_str(),
            label: declared.label,
            help: declared.help,
            required: declared.required,
            r#use: declared.usage.as_str(),
            set: option.set.into_iter().map(StatusView::from).collect(),
            needs_entry: option.needs_entry,
        }
    }
}

impl From<SecuredStatus> for StatusView {
    fn from(status: SecuredStatus) -> Self {
        let SecuredStatus { entry, fingerprint, set_at, set_by } = status;
        Self { key: entry, fingerprint, set_at, set_by }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        match serde_json::from_str::<SecuredWire>(text) {
            Ok(wire) => Secured::try_from(wire).err().unwrap().message,
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
            let value = Secured::try_from(serde_json::from_str::<SecuredWire>(text).unwrap()).ok().unwrap();
            assert!(matches!(value, Secured::Field(secret) if secret.expose() == b"hunter2"), "{text}");
        }
    }
}
