//! Systems: the target applications under management.

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
use super::audited::{act, audited};
use super::body::{At, Body, Nothing, OptionalBody};
use super::connections::FindingProblem;
use super::context::{AsCore, AsOperator};
use super::etag::IfMatch;
use super::page::{self, Listed, PageQuery};
use super::problem::Problem;
use crate::model::{self, Result, Stored, System, SystemId, TaskId};
use crate::tasks::OrderedRefresh;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, replace, delete)).routes(routes!(refresh))
}

/// Which system.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
struct SystemPath {
    /// The system's identifier, without regard to case.
    #[param(value_type = String)]
    id: SystemId,
}

/// A system to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SystemDraft {
    /// `^[A-Za-z][A-Za-z0-9.-]{0,127}$`, unique without regard to case.
    #[schema(value_type = String, pattern = "^[A-Za-z][A-Za-z0-9.-]{0,127}$")]
    id: SystemId,
    pub(super) title: String,
}

/// What a system says; its identifier stands in the path.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SystemReplacement {
    /// If given, the one of the path.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    id: Option<SystemId>,
    title: String,
}

/// A target application under management.
#[derive(Serialize, ToSchema)]
#[schema(as = System)]
struct SystemView {
    id: String,
    title: String,
    #[schema(value_type = String, format = DateTime)]
    created: jiff::Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed: jiff::Timestamp,
}

/// What became of the order to refresh the schemas of a system's connections.
#[derive(Serialize, ToSchema)]
struct RefreshList {
    items: Vec<RefreshView>,
}

/// Of one connection: the task, or why there is none.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderedRefresh)]
struct RefreshView {
    connection: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    task: Option<TaskId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<FindingProblem>,
}

/// Lists the systems by identifier.
#[utoipa::path(get, path = "/v1/systems", operation_id = "list_systems", tag = "systems", params(PageQuery),
    responses((status = 200, body = Listed<SystemView>)))]
async fn list(
    _: AsCore,
    State(api): State<ApiState>,
    At { query, .. }: At<Nothing, PageQuery>,
) -> Result<Json<Listed<SystemView>>, Problem> {
    let after: Option<SystemId> = page::key(query.cursor.as_deref())?;
    let systems = api.store.systems(after.as_ref(), query.limit.and_one()).await?;
    Ok(Json(Listed::cut(systems, query.limit, |system| system.value.id.clone(), SystemView::from)))
}

/// Creates a system.
#[utoipa::path(post, path = "/v1/systems", operation_id = "create_system", tag = "systems", request_body = SystemDraft,
    security(("token" = ["operator"])), responses((status = 201, body = SystemView)))]
async fn create(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    _: At,
    Body(draft): Body<SystemDraft>,
) -> Result<Response, Problem> {
    let system = System { id: draft.id, title: title(draft.title)? };
    let entry = act(&rc, "system.create").parameter("system", &system.id);
    let created = audited(&api, entry, api.store.create_system(&system)).await?;
    let location = answer::location(&["systems", created.value.id.as_str()]);
    Ok((StatusCode::CREATED, location, answer(created)).into_response())
}

/// Shows a system.
#[utoipa::path(get, path = "/v1/systems/{id}", operation_id = "show_system", tag = "systems", params(SystemPath),
    responses((status = 200, body = SystemView)))]
async fn show(_: AsCore, State(api): State<ApiState>, At { path, .. }: At<SystemPath>) -> Result<Response, Problem> {
    Ok(answer(api.store.system(&path.id).await?))
}

/// Replaces what a system says.
#[utoipa::path(put, path = "/v1/systems/{id}", operation_id = "replace_system", tag = "systems", params(SystemPath),
    request_body = SystemReplacement, security(("token" = ["operator"])), responses((status = 200, body = SystemView)))]
async fn replace(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<SystemPath>,
    if_match: IfMatch,
    Body(draft): Body<SystemReplacement>,
) -> Result<Response, Problem> {
    answer::require_same_id(draft.id.map(|id| id.folded()), &path.id.folded())?;
    let system = System { id: path.id, title: title(draft.title)? };
    let revision = if_match.number()?;
    let entry = act(&rc, "system.replace").parameter("system", &system.id);
    Ok(answer(audited(&api, entry, api.store.replace_system(&system, revision)).await?))
}

/// Deletes a system that no connection uses any more.
#[utoipa::path(delete, path = "/v1/systems/{id}", operation_id = "delete_system", tag = "systems", params(SystemPath),
    security(("token" = ["operator"])), responses((status = 204)))]
async fn delete(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<SystemPath>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let revision = if_match.number()?;
    let entry = act(&rc, "system.delete").parameter("system", &path.id);
    audited(&api, entry, api.store.delete_system(&path.id, revision)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refreshes the schema of every connection of a system: a task each.
#[utoipa::path(post, path = "/v1/systems/{id}/schema/refresh", operation_id = "refresh_system", tag = "schema",
    params(SystemPath), security(("token" = ["operator"])), responses((status = 202, body = RefreshList)))]
async fn refresh(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<SystemPath>,
    _: OptionalBody<Nothing>,
) -> Result<Response, Problem> {
    let entry = act(&rc, "system.refresh-schema").parameter("system", &path.id);
    let ordered = Box::pin(audited(&api, entry, api.tasks.start_refreshes(&rc, &path.id))).await?;
    let items = ordered.into_iter().map(RefreshView::from).collect();
    Ok((StatusCode::ACCEPTED, Json(RefreshList { items })).into_response())
}

/// A title within its bounds.
pub(super) fn title(title: String) -> Result<String> {
    model::text::title(&title).map(|()| title)
}

fn answer(system: Stored<System>) -> Response {
    (answer::revision(system.revision), Json(SystemView::from(system))).into_response()
}

impl From<OrderedRefresh> for RefreshView {
    fn from(ordered: OrderedRefresh) -> Self {
        let (task, problem) = match ordered.task {
            Ok(task) => (Some(task.id), None),
            Err(error) => (None, Some(error.into())),
        };
        Self { connection: ordered.connection.into(), task, problem }
    }
}

impl From<Stored<System>> for SystemView {
    fn from(system: Stored<System>) -> Self {
        Self { id: system.value.id.into(), title: system.value.title, created: system.created, changed: system.changed }
    }
}
