//! What a connection's target looks like, as its last refresh said.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::audited::{act, audited};
use super::body::{At, Nothing, OptionalBody};
use super::connections::ConnectionPath;
use super::context::{AsCore, AsOperator};
use super::page::{self, Listed, PageQuery};
use super::problem::Problem;
use super::tasks::{self, TaskView};
use crate::connections::NO_SCHEMA;
use crate::model::schema::diff::{AttributeDiff, ClassDiff, FieldDiff, SchemaDiff};
use crate::model::{
    AttributeInfo, ClassInfo, ClassKind, Error, Matching, SchemaFailure, SchemaSnapshot, SchemaStatus, Syntax,
};

/// What a caller prefers (RFC 7240), and what of it was done.
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const RESPOND_ASYNC: &str = "respond-async";

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(refresh))
        .routes(routes!(snapshots))
        .routes(routes!(changes))
}

/// The classes of a connection's target.
#[derive(Serialize, ToSchema)]
#[schema(as = Schema)]
struct SchemaView {
    classes: Vec<ClassView>,
    /// Counts the versions from 1; missing if no refresh ever went well.
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<i64>,
    /// Was the connection configured as it is now, when it was read?
    current: bool,
    /// Where the connector tells no schema: that it does not. The classes are then those of its manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
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

/// A version of a connection's schema.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SchemaSnapshot)]
struct SnapshotView {
    /// Counts the versions from 1.
    number: i64,
    /// When a refresh read it first.
    #[schema(value_type = String, format = DateTime)]
    first_read: jiff::Timestamp,
    /// When a refresh last found it unchanged.
    #[schema(value_type = String, format = DateTime)]
    last_read: jiff::Timestamp,
}

/// Which versions to compare.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChangesQuery {
    /// The earlier version; the one before `to`, if left out.
    from: Option<i64>,
    /// The later version; the newest, if left out.
    to: Option<i64>,
}

/// What one version of a schema says differently from another.
#[derive(Serialize, ToSchema)]
struct SchemaChanges {
    from: i64,
    to: i64,
    /// Those that differ.
    classes: Vec<ClassChange>,
}

/// What became of a class.
#[derive(Serialize, ToSchema)]
struct ClassChange {
    name: String,
    /// `added`, `removed` or `changed`.
    change: &'static str,
    /// What is said differently of itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldChange>,
    /// Its attributes that differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<AttributeChange>,
}

/// What became of an attribute.
#[derive(Serialize, ToSchema)]
#[schema(as = SchemaAttributeChange)]
struct AttributeChange {
    name: String,
    /// `added`, `removed` or `changed`.
    change: &'static str,
    /// What is said differently of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldChange>,
}

/// Something said differently.
#[derive(Serialize, ToSchema)]
struct FieldChange {
    /// As it is called in a schema.
    field: String,
    before: AnyJson,
    after: AnyJson,
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
    let mut view = SchemaView::from(api.connections.schema(&path.id).await?);
    if !api.connections.tells_schema(&path.id).await? {
        view.message = Some(NO_SCHEMA);
    }
    Ok(Json(view))
}

/// Lists the versions of a connection's schema, newest first: one for each refresh that found something different.
#[utoipa::path(get, path = "/v1/connections/{id}/schema/snapshots", operation_id = "list_schema_snapshots",
    tag = "schema", params(ConnectionPath, PageQuery), responses((status = 200, body = Listed<SnapshotView>)))]
async fn snapshots(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, query }: At<ConnectionPath, PageQuery>,
) -> Result<Json<Listed<SnapshotView>>, Problem> {
    let before: Option<i64> = page::key(query.cursor.as_deref())?;
    let found = api.connections.schema_snapshots(&path.id, before, query.limit.and_one()).await?;
    Ok(Json(Listed::cut(found, query.limit, |snapshot| snapshot.number, SnapshotView::from)))
}

/// Compares two versions of a connection's schema.
#[utoipa::path(get, path = "/v1/connections/{id}/schema/changes", operation_id = "compare_schemas", tag = "schema",
    params(ConnectionPath, ChangesQuery), responses((status = 200, body = SchemaChanges)))]
async fn changes(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, query }: At<ConnectionPath, ChangesQuery>,
) -> Result<Json<SchemaChanges>, Problem> {
    let newest = api.connections.schema(&path.id).await?.snapshot.unwrap_or_default();
    let to = query.to.unwrap_or(newest);
    let Some(from) = query.from.or_else(|| (to > 1).then_some(to - 1)) else {
        let message = format!("{} has no two versions of its schema to compare yet", path.id);
        return Err(Error::not_found(message).into());
    };
    let SchemaDiff(classes) = api.connections.schema_changes(&path.id, from, to).await?;
    Ok(Json(SchemaChanges { from, to, classes: classes.into_iter().map(ClassChange::from).collect() }))
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
    let status = Box::pin(audited(&api, entry, api.tasks.refresh_schema(&rc, &path.id))).await?;
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
            snapshot: status.snapshot,
            current: status.current,
            message: None,
            refreshed: status.refreshed,
            failed: status.failed.map(FailedView::from),
        }
    }
}

impl From<SchemaSnapshot> for SnapshotView {
    fn from(snapshot: SchemaSnapshot) -> Self {
        Self { number: snapshot.number, first_read: snapshot.first_read, last_read: snapshot.last_read }
    }
}

impl From<ClassDiff> for ClassChange {
    fn from(class: ClassDiff) -> Self {
        Self {
            name: class.name,
            change: class.change.as_str(),
            fields: class.fields.into_iter().map(FieldChange::from).collect(),
            attributes: class.attributes.into_iter().map(AttributeChange::from).collect(),
        }
    }
}

impl From<AttributeDiff> for AttributeChange {
    fn from(attribute: AttributeDiff) -> Self {
        let fields = attribute.fields.into_iter().map(FieldChange::from).collect();
        Self { name: attribute.name, change: attribute.change.as_str(), fields }
    }
}

impl From<FieldDiff> for FieldChange {
    fn from(field: FieldDiff) -> Self {
        Self { field: field.field, before: field.before, after: field.after }
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
