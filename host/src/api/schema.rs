//! What a connection's target looks like, as its last refresh said.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use serde_json::Value as AnyJson;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::audited::{act, audited};
use super::body::{At, Nothing, OptionalBody};
use super::connections::ConnectionPath;
use super::context::{AsCore, AsOperator};
use super::problem::Problem;
use super::tasks::{self, TaskView};
use crate::model::{AttributeInfo, ClassInfo, ClassKind, Matching, SchemaFailure, SchemaStatus, Syntax};

/// What a caller prefers (RFC 7240), and what of it was done.
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const RESPOND_ASYNC: &str = "respond-async";

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(show)).routes(routes!(refresh))
}

/// The classes of a connection's target.
#[derive(Serialize, ToSchema)]
#[schema(as = Schema)]
struct SchemaView {
    classes: Vec<ClassView>,
    /// When a refresh last went well; missing if none ever did.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    refreshed: Option<jiff::Timestamp>,
    /// How the last attempt went, if it failed; the classes are the last good ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<FailedView>,
}

/// Why and when a refresh failed.
#[derive(Serialize, ToSchema)]
#[schema(as = SchemaFailure)]
struct FailedView {
    #[schema(value_type = String, format = DateTime)]
    at: jiff::Timestamp,
    /// As in the last part of a problem's type.
    kind: String,
    message: String,
}

/// One object class.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Class)]
struct ClassView {
    name: String,
    title: String,
    /// `account`, `entitlement`, `container` or `other`.
    #[schema(value_type = String)]
    kind: ClassKind,
    auxiliary: bool,
    /// How uids are compared: `exact`, `case-ignore` or `dn`.
    #[schema(value_type = String)]
    uid_matching: Matching,
    /// How names are compared: `exact`, `case-ignore` or `dn`.
    #[schema(value_type = String)]
    name_matching: Matching,
    attributes: Vec<AttributeView>,
    /// For entitlements: classes whose objects can be granted this one.
    grantable_to: Vec<String>,
    /// For entitlements: what a grant takes.
    parameters: Vec<AttributeView>,
}

/// One attribute.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attribute)]
#[allow(clippy::struct_excessive_bools, reason = "the contract's flags, each with a meaning of its own")]
struct AttributeView {
    name: String,
    /// The target's own name.
    native_name: String,
    title: String,
    /// `text`, `uri`, `dn`, `uuid`, `json`, `xml`, `decimal`, `integer`, `real`, `boolean`, `binary`, `instant`,
    /// `date`, `reference` or `complex`.
    #[schema(value_type = String)]
    syntax: Syntax,
    /// How values are compared: `exact`, `case-ignore` or `dn`.
    #[schema(value_type = String)]
    matching: Matching,
    required: bool,
    multi_valued: bool,
    creatable: bool,
    updateable: bool,
    readable: bool,
    returned_by_default: bool,
    /// Its values are secrets: written, never read.
    confidential: bool,
    /// Its values are a relation of its own, read at `published/{class}/links/{attribute}`.
    large: bool,
    /// Classes a reference may point to.
    refers_to: Vec<String>,
    /// The only values allowed; empty: any.
    allowed: Vec<AnyJson>,
}

/// Shows what the last refresh said.
#[utoipa::path(get, path = "/v1/connections/{id}/schema",
    operation_id = "show_schema", tag = "schema", params(ConnectionPath),
    responses((status = 200, body = SchemaView)))]
async fn show(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
) -> Result<Json<SchemaView>, Problem> {
    Ok(Json(api.connections.schema(&path.id).await?.into()))
}

/// Asks the target what it looks like. With `Prefer: respond-async` the answer is 202 and a task.
#[utoipa::path(post, path = "/v1/connections/{id}/schema/refresh", operation_id = "refresh_schema", tag = "schema",
    params(ConnectionPath, ("Prefer" = Option<String>, Header, description = "`respond-async`: as a task")),
    security(("token" = ["operator"])),
    responses((status = 200, body = SchemaView), (status = 202, body = TaskView)))]
async fn refresh(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
    headers: HeaderMap,
    _: OptionalBody<Nothing>,
) -> Result<Response, Problem> {
    let entry = act(&rc, "schema.refresh").on(&path.id);
    if prefers_async(&headers) {
        let task = audited(&api, entry, api.tasks.start_refresh(&rc, &path.id)).await?;
        let applied = [(PREFERENCE_APPLIED, HeaderValue::from_static(RESPOND_ASYNC))];
        return Ok((applied, tasks::accepted(task)).into_response());
    }
    let status = audited(&api, entry, api.connections.refresh_schema(&rc, &path.id)).await?;
    Ok(Json(SchemaView::from(status)).into_response())
}

fn prefers_async(headers: &HeaderMap) -> bool {
    let values = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
    let mut preferences = values.flat_map(|value| value.split(','));
    preferences.any(|one| one.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(RESPOND_ASYNC)))
}

impl From<SchemaStatus> for SchemaView {
    fn from(status: SchemaStatus) -> Self {
        Self {
            classes: status.schema.0.into_iter().map(ClassView::from).collect(),
            refreshed: status.refreshed,
            failed: status.failed.map(FailedView::from),
        }
    }
}

impl From<SchemaFailure> for FailedView {
    fn from(failure: SchemaFailure) -> Self {
        Self { at: failure.at, kind: failure.kind, message: failure.message }
    }
}

impl From<ClassInfo> for ClassView {
    fn from(class: ClassInfo) -> Self {
        Self {
            name: class.name,
            title: class.title,
            kind: class.kind,
            auxiliary: class.auxiliary,
            uid_matching: class.uid_matching,
            name_matching: class.name_matching,
            attributes: class.attributes.into_iter().map(AttributeView::from).collect(),
            grantable_to: class.grantable_to,
            parameters: class.parameters.into_iter().map(AttributeView::from).collect(),
        }
    }
}

impl From<AttributeInfo> for AttributeView {
    fn from(info: AttributeInfo) -> Self {
        Self {
            name: info.name,
            native_name: info.native_name,
            title: info.title,
            syntax: info.syntax,
            matching: info.matching,
            required: info.required,
            multi_valued: info.multi_valued,
            creatable: info.creatable,
            updateable: info.updateable,
            readable: info.readable,
            returned_by_default: info.returned_by_default,
            confidential: info.confidential,
            large: info.large,
            refers_to: info.refers_to,
            allowed: info.allowed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn respond_async_is_found_among_other_preferences() {
        let with = |value| HeaderMap::from_iter([(PREFER, HeaderValue::from_static(value))]);
        assert!(prefers_async(&with("wait=10, Respond-Async; x=1")));
        assert!(!prefers_async(&with("respond-asynchronously")));
        assert!(!prefers_async(&HeaderMap::new()));
    }
}
