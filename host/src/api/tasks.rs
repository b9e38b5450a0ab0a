//! Tasks: imports and schema refreshes, from being queued to being published, held or stopped.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::answer;
use super::audited::{Act, act, audited};
use super::body::{At, Nothing, OptionalBody};
use super::connections::ConnectionPath;
use super::context::{AsCore, AsOperator};
use super::page::{self, Limit, Listed, PageQuery};
use super::problem::Problem;
use crate::model::{
    ConnectionId, Counts, ImportMode, Progress, RequestContext, Result, Task, TaskError, TaskId, TaskState,
};
use crate::store::{Removal, SetAsideRow, TaskFilter};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(start_import))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(cancel))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(removals))
        .routes(routes!(rejected))
}

/// Which task.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
struct TaskPath {
    /// The task's id, a UUID.
    #[serde(deserialize_with = "id")]
    #[param(value_type = String, format = "uuid")]
    id: TaskId,
}

/// Which tasks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TaskQuery {
    /// Only those of this connection.
    #[param(value_type = Option<String>)]
    connection: Option<ConnectionId>,
    /// Only those in this state: `queued`, `running`, `held`, `succeeded`, `failed`, `cancelled` or `rejected`.
    #[param(value_type = Option<String>)]
    state: Option<TaskState>,
    /// Items of the page, 1 to 1000.
    #[serde(default)]
    #[param(value_type = Option<u32>, default = 100, minimum = 1, maximum = 1000)]
    limit: Limit,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Work that outlives a request.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Task)]
pub(super) struct TaskView {
    #[schema(value_type = String, format = "uuid")]
    id: TaskId,
    /// `import` or `refresh-schema`.
    kind: &'static str,
    /// Of an import: `complete` or `incremental`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    connection: String,
    /// `queued`, `running`, `held`, `succeeded`, `failed`, `cancelled` or `rejected`.
    state: &'static str,
    /// The name of the token that asked for it.
    requested_by: String,
    request_id: String,
    #[schema(value_type = String, format = DateTime)]
    created: jiff::Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    started: Option<jiff::Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    finished: Option<jiff::Timestamp>,
    /// How often it was claimed; more than once after a fault.
    attempts: u32,
    #[schema(value_type = ProgressSchema)]
    progress: Progress,
    /// What it changes; known once the pass was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<CountsSchema>)]
    counts: Option<Counts>,
    /// Why it is held, or why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TaskErrorSchema>)]
    error: Option<TaskError>,
}

/// How far an import has come.
#[derive(ToSchema)]
#[schema(as = Progress)]
#[allow(dead_code, reason = "describes the model's type to the API document")]
struct ProgressSchema {
    /// What is being read: a class, or `class.attribute` for a relation.
    reading: Option<String>,
    /// Rows staged so far, of all classes.
    rows: u64,
    /// Links staged so far.
    links: u64,
    /// Records set aside so far.
    rejected: u64,
    /// Rows of the class being read, if the connector has an idea.
    estimate: Option<u64>,
}

/// What a pass changes, counted.
#[derive(ToSchema)]
#[schema(as = Counts, rename_all = "camelCase")]
#[allow(dead_code, reason = "describes the model's type to the API document")]
struct CountsSchema {
    inserted: u64,
    updated: u64,
    deleted: u64,
    unchanged: u64,
    links_added: u64,
    links_removed: u64,
    /// Records set aside with a reason.
    rejected: u64,
}

/// Why a task is held, or why it failed.
#[derive(ToSchema)]
#[schema(as = TaskError)]
#[allow(dead_code, reason = "describes the model's type to the API document")]
struct TaskErrorSchema {
    /// As in the last part of a problem's type.
    kind: String,
    message: String,
}

/// An object that a held import would remove.
#[derive(Serialize, ToSchema)]
#[schema(as = Removal)]
struct RemovalView {
    class: String,
    uid: String,
    name: String,
}

/// A record that an import set aside.
#[derive(Serialize, ToSchema)]
#[schema(as = SetAside)]
struct SetAsideView {
    class: String,
    /// The relation it was read for; missing for objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute: Option<String>,
    /// What identifies it to a person.
    key: String,
    /// As in the last part of a problem's type.
    kind: String,
    message: String,
}

/// How to import.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportOrder {
    /// `complete` reads everything; `incremental` what changed since the import that was published last.
    #[serde(default)]
    #[schema(value_type = String, default = "complete")]
    mode: ImportMode,
}

/// Queues an import. A connection has one at a time.
///
/// An incremental one needs a connector that tells changes, and a complete one that was published before.
#[utoipa::path(post, path = "/v1/connections/{id}/imports", operation_id = "start_import", tag = "tasks",
    params(ConnectionPath), request_body = Option<ImportOrder>, responses((status = 202, body = TaskView)))]
async fn start_import(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
    OptionalBody(order): OptionalBody<ImportOrder>,
) -> Result<Response, Problem> {
    let entry = act(&rc, "import.start").on(&path.id).parameter("mode", order.mode.as_str());
    Ok(accepted(audited(&api, entry, api.tasks.start_import(&rc, &path.id, order.mode)).await?))
}

/// Lists tasks, newest first.
#[utoipa::path(get, path = "/v1/tasks", operation_id = "list_tasks", tag = "tasks", params(TaskQuery),
    responses((status = 200, body = Listed<TaskView>)))]
async fn list(
    _: AsCore,
    State(api): State<ApiState>,
    At { query, .. }: At<Nothing, TaskQuery>,
) -> Result<Json<Listed<TaskView>>, Problem> {
    let before: Option<TaskId> = page::key(query.cursor.as_deref())?;
    let filter = TaskFilter { connection: query.connection, state: query.state };
    let tasks = api.tasks.list(&filter, before, query.limit.and_one()).await?;
    Ok(Json(Listed::cut(tasks, query.limit, |task| task.id, TaskView::from)))
}

/// Shows a task.
#[utoipa::path(get, path = "/v1/tasks/{id}", operation_id = "show_task", tag = "tasks", params(TaskPath),
    responses((status = 200, body = TaskView)))]
async fn show(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<TaskPath>,
) -> Result<Json<TaskView>, Problem> {
    Ok(Json(api.tasks.get(path.id).await?.into()))
}

/// What somebody decides about a task, in the trail of the task's connection.
async fn decision(api: &ApiState, rc: &RequestContext, action: &str, id: TaskId) -> Result<Act> {
    let task = api.tasks.get(id).await?;
    Ok(act(rc, action).on(&task.connection).parameter("task", id))
}

/// Cancels a task: at once if it is queued, at its next page if it runs. Nothing visible changes.
#[utoipa::path(post, path = "/v1/tasks/{id}/cancel", operation_id = "cancel_task", tag = "tasks", params(TaskPath),
    responses((status = 200, body = TaskView)))]
async fn cancel(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<TaskPath>,
    _: OptionalBody<Nothing>,
) -> Result<Json<TaskView>, Problem> {
    let entry = decision(&api, &rc, "task.cancel", path.id).await?;
    Ok(Json(audited(&api, entry, api.tasks.cancel(path.id)).await?.into()))
}

/// Publishes what a held import found.
#[utoipa::path(post, path = "/v1/tasks/{id}/approve", operation_id = "approve_task", tag = "tasks", params(TaskPath),
    security(("token" = ["operator"])), responses((status = 200, body = TaskView)))]
async fn approve(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<TaskPath>,
    _: OptionalBody<Nothing>,
) -> Result<Json<TaskView>, Problem> {
    let entry = decision(&api, &rc, "task.approve", path.id).await?;
    Ok(Json(audited(&api, entry, api.tasks.approve(path.id)).await?.into()))
}

/// Throws away what a held import found.
#[utoipa::path(post, path = "/v1/tasks/{id}/reject", operation_id = "reject_task", tag = "tasks", params(TaskPath),
    security(("token" = ["operator"])), responses((status = 200, body = TaskView)))]
async fn reject(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<TaskPath>,
    _: OptionalBody<Nothing>,
) -> Result<Json<TaskView>, Problem> {
    let entry = decision(&api, &rc, "task.reject", path.id).await?;
    Ok(Json(audited(&api, entry, api.tasks.reject(path.id)).await?.into()))
}

/// Lists the objects a held import would remove.
#[utoipa::path(get, path = "/v1/tasks/{id}/removals", operation_id = "list_removals", tag = "tasks",
    params(TaskPath, PageQuery), responses((status = 200, body = Listed<RemovalView>)))]
async fn removals(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, query }: At<TaskPath, PageQuery>,
) -> Result<Json<Listed<RemovalView>>, Problem> {
    let after = page::key(query.cursor.as_deref())?;
    let removals = api.tasks.removals(path.id, after, query.limit.and_one()).await?;
    Ok(Json(Listed::cut(removals, query.limit, |removal| removal.position, RemovalView::from)))
}

/// Lists the records an import set aside.
#[utoipa::path(get, path = "/v1/tasks/{id}/rejected", operation_id = "list_rejected", tag = "tasks",
    params(TaskPath, PageQuery), responses((status = 200, body = Listed<SetAsideView>)))]
async fn rejected(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, query }: At<TaskPath, PageQuery>,
) -> Result<Json<Listed<SetAsideView>>, Problem> {
    let after = page::key(query.cursor.as_deref())?;
    let records = api.tasks.set_aside(path.id, after, query.limit.and_one()).await?;
    Ok(Json(Listed::cut(records, query.limit, |row| row.position, SetAsideView::from)))
}

/// The answer to a request that became a task.
pub(super) fn accepted(task: Task) -> Response {
    let location = answer::location(&["tasks", &task.id.to_string()]);
    (StatusCode::ACCEPTED, location, Json(TaskView::from(task))).into_response()
}

fn id<'de, D: serde::Deserializer<'de>>(from: D) -> Result<TaskId, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

impl From<Task> for TaskView {
    fn from(task: Task) -> Self {
        Self {
            id: task.id,
            kind: task.kind.as_str(),
            mode: task.mode.map(ImportMode::as_str),
            connection: task.connection.into(),
            state: task.state.as_str(),
            requested_by: task.requested_by,
            request_id: task.request_id.into(),
            created: task.created,
            started: task.started,
            finished: task.finished,
            attempts: task.attempts,
            progress: task.progress,
            counts: task.counts,
            error: task.error,
        }
    }
}

impl From<Removal> for RemovalView {
    fn from(removal: Removal) -> Self {
        Self { class: removal.class, uid: removal.uid, name: removal.name }
    }
}

impl From<SetAsideRow> for SetAsideView {
    fn from(row: SetAsideRow) -> Self {
        let (part, record) = (row.part, row.record);
        Self {
            class: part.class,
            attribute: part.attribute,
            key: record.key,
            kind: record.kind,
            message: record.message,
        }
    }
}
