//! Tasks: imports, schema refreshes and fulfilments, from being queued to being published, held or stopped.

mod view;

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
    ConnectionId, ImportMode, Output, RequestContext, Result, ScheduleId, Task, TaskId, TaskKind, TaskState,
};
use crate::store::{Removal, SetAsideRow, TaskFilter};

pub(super) use view::{OutputSchema, TaskView};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(start_import))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(cancel))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(removals))
        .routes(routes!(rejected))
}

/// Which task.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
pub(super) struct TaskPath {
    /// The task's id, a UUID.
    #[serde(deserialize_with = "id")]
    #[param(value_type = String, format = "uuid")]
    pub(super) id: TaskId,
}

/// Which tasks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TaskQuery {
    /// Only those of this connection.
    #[param(value_type = Option<String>)]
    connection: Option<ConnectionId>,
    /// Only those in this state: `queued`, `running`, `paused`, `held`, `succeeded`, `failed`, `cancelled` or `rejected`.
    #[param(value_type = Option<String>)]
    state: Option<TaskState>,
    /// Only those of this kind: `import`, `refresh-schema`, `fulfil` or `write-tables`.
    #[param(value_type = Option<String>)]
    kind: Option<TaskKind>,
    /// Only those of this schedule.
    #[param(value_type = Option<String>)]
    schedule: Option<ScheduleId>,
    /// Only those created then or later.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<jiff::Timestamp>,
    /// Only those created before then.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<jiff::Timestamp>,
    /// Items of the page, 1 to 1000.
    #[serde(default)]
    #[param(value_type = Option<u32>, default = 100, minimum = 1, maximum = 1000)]
    limit: Limit,
    /// `next` of the page before.
    cursor: Option<String>,
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
    /// Write the tables as files, once the import is published.
    #[serde(default)]
    #[schema(value_type = Option<OutputSchema>)]
    output: Option<Output>,
}

/// Queues an import. A connection has one at a time.
///
/// An incremental one needs a connector that tells changes, and a complete one that was published before. With `output`,
/// a task of its own (`writtenBy`) writes the tables once the import is published, which it stays whatever becomes of
/// the files.
#[utoipa::path(post, path = "/v1/connections/{id}/imports", operation_id = "start_import", tag = "tasks",
    params(ConnectionPath), request_body = Option<ImportOrder>, responses((status = 202, body = TaskView)))]
async fn start_import(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
    OptionalBody(order): OptionalBody<ImportOrder>,
) -> Result<Response, Problem> {
    let ImportOrder { mode, output } = order;
    let mut entry = act(&rc, "import.start").on(&path.id).parameter("mode", mode.as_str());
    if let Some(output) = &output {
        entry = entry.parameter("place", &output.place);
    }
    Ok(accepted(audited(&api, entry, api.tasks.start_import(&rc, &path.id, mode, output)).await?))
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
    let TaskQuery { connection, state, kind, schedule, since, until, .. } = query;
    let filter = TaskFilter { connection, state, kind, schedule, since, until };
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

/// Cancels a task: at once if it waits, at its next page or after the orders it has begun if it runs.
///
/// Of an import nothing visible changes; the orders of a fulfilment that were not begun are skipped.
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

/// Pauses a task: at once if it is queued, at its next page or after the orders it has begun if it runs.
///
/// What it has done so far stays. A paused import is still the one its connection has.
#[utoipa::path(post, path = "/v1/tasks/{id}/pause", operation_id = "pause_task", tag = "tasks", params(TaskPath),
    responses((status = 200, body = TaskView)))]
async fn pause(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<TaskPath>,
    _: OptionalBody<Nothing>,
) -> Result<Json<TaskView>, Problem> {
    let entry = decision(&api, &rc, "task.pause", path.id).await?;
    Ok(Json(audited(&api, entry, api.tasks.pause(path.id)).await?.into()))
}

/// Lets a paused task go on where it stood.
#[utoipa::path(post, path = "/v1/tasks/{id}/resume", operation_id = "resume_task", tag = "tasks", params(TaskPath),
    responses((status = 200, body = TaskView)))]
async fn resume(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<TaskPath>,
    _: OptionalBody<Nothing>,
) -> Result<Json<TaskView>, Problem> {
    let entry = decision(&api, &rc, "task.resume", path.id).await?;
    Ok(Json(audited(&api, entry, api.tasks.resume(path.id)).await?.into()))
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
