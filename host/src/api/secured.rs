//! Secured options: entered, replaced and cleared here, and never answered by anything. The answers to changes have no
//! body. What is sent is in `given.rs`, what is shown in `shown.rs`: of references, where they point and how reading went.

mod given;
mod shown;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::audited::{Act, act, audited};
use super::body::{At, Body};
use super::connections::ConnectionPath;
use super::context::AsOperator;
use super::page::{self, Listed, PageQuery};
use super::path::meant;
use super::problem::Problem;
use crate::connections::SecuredDraft;
use crate::model::{ConnectionId, EntryKey, Given, Layer, OptionName, RequestContext, Result, Secured};
use shown::SecuredView;

pub(super) use given::{EntryWire, SecuredWire};

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

/// What to clear.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ClearQuery {
    /// The value alone, or the reference alone, so that the other one holds; both, if it is left out.
    #[param(inline)]
    only: Option<LayerWire>,
}

/// Which of the two things that may be set.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum LayerWire {
    Value,
    Reference,
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

/// Sets what is given of a secured option: of a field a value, a reference or both; of a map all entries, in the place of
/// all that was set.
#[utoipa::path(put, path = "/v1/connections/{id}/secured-options/{name}", operation_id = "set_secured_option",
    tag = "connections", params(SecuredPath), request_body = SecuredWire, security(("token" = ["operator"])),
    responses((status = 204)))]
async fn set(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<SecuredPath>,
    Body(request): Body<SecuredWire>,
) -> Result<StatusCode, Problem> {
    let given = Secured::try_from(request)?;
    let mut entry = entry(&rc, "secured-option.set", &path.id, &path.name, None);
    if let Secured::Field(given) = &given {
        entry = referring(entry, given);
    }
    audited(&api, entry, api.connections.set_secured(&rc, &path.id, &path.name, given)).await?;
    api.tasks.refresh_if_due(&rc, &path.id).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Clears a secured option.
#[utoipa::path(delete, path = "/v1/connections/{id}/secured-options/{name}", operation_id = "clear_secured_option",
    tag = "connections", params(SecuredPath, ClearQuery), security(("token" = ["operator"])),
    responses((status = 204)))]
async fn clear(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, query }: At<SecuredPath, ClearQuery>,
) -> Result<StatusCode, Problem> {
    let (entry, only) = clearing(entry(&rc, "secured-option.clear", &path.id, &path.name, None), &query);
    audited(&api, entry, api.connections.clear_secured(&path.id, &path.name, None, only)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets what is given of one entry of a secured option that is a map.
#[utoipa::path(put, path = "/v1/connections/{id}/secured-options/{name}/{key}", operation_id = "set_secured_entry",
    tag = "connections", params(EntryPath), request_body = EntryWire, security(("token" = ["operator"])),
    responses((status = 204)))]
async fn set_entry(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<EntryPath>,
    Body(request): Body<EntryWire>,
) -> Result<StatusCode, Problem> {
    let given = Given::try_from(request)?;
    let entry = referring(entry(&rc, "secured-option.set", &path.id, &path.name, Some(&path.key)), &given);
    audited(&api, entry, api.connections.set_secured_entry(&rc, &path.id, &path.name, &path.key, given)).await?;
    api.tasks.refresh_if_due(&rc, &path.id).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Clears one entry of a secured option that is a map.
#[utoipa::path(delete, path = "/v1/connections/{id}/secured-options/{name}/{key}",
    operation_id = "clear_secured_entry", tag = "connections", params(EntryPath, ClearQuery),
    security(("token" = ["operator"])), responses((status = 204)))]
async fn clear_entry(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, query }: At<EntryPath, ClearQuery>,
) -> Result<StatusCode, Problem> {
    let (entry, only) = clearing(entry(&rc, "secured-option.clear", &path.id, &path.name, Some(&path.key)), &query);
    audited(&api, entry, api.connections.clear_secured(&path.id, &path.name, Some(&path.key), only)).await?;
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

/// The trail names what a slot refers to.
fn referring(act: Act, given: &Given) -> Act {
    match &given.from {
        Some(from) => act.parameter("from", from),
        None => act,
    }
}

/// The trail names what alone is cleared.
fn clearing(act: Act, query: &ClearQuery) -> (Act, Option<Layer>) {
    let only = query.only.map(|only| match only {
        LayerWire::Value => Layer::Value,
        LayerWire::Reference => Layer::Reference,
    });
    match only {
        Some(layer) => (act.parameter("only", layer.as_str()), only),
        None => (act, None),
    }
}

impl EntryPath {
    fn key<'de, D: Deserializer<'de>>(from: D) -> Result<EntryKey, D::Error> {
        meant(String::deserialize(from)?).map_err(D::Error::custom)?.try_into().map_err(D::Error::custom)
    }
}
