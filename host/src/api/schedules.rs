//! Schedules: tasks that the host orders by itself.

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
use super::body::{At, Body, Nothing, OptionalBody};
use super::context::{AsCore, AsOperator};
use super::etag::IfMatch;
use super::page::{self, Listed, PageQuery};
use super::problem::Problem;
use super::tasks::OutputSchema;
use crate::model::{
    ConnectionId, Error, ImportMode, Output, RequestContext, Result, Schedule, ScheduleId, ScheduleNote,
    ScheduleStatus, SystemId, TaskId, TaskKind, Timing, Work,
};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, replace, delete))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(run))
}

/// Which schedule.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
struct SchedulePath {
    /// The schedule's identifier, without regard to case.
    #[param(value_type = String)]
    id: ScheduleId,
}

/// What a schedule says.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ScheduleDraft {
    /// `^[A-Za-z][A-Za-z0-9.-]{0,127}$`, unique without regard to case. Of a replacement, if given, the one of the path.
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z][A-Za-z0-9.-]{0,127}$")]
    id: Option<ScheduleId>,
    /// `import`, `refresh-schema`, or `fulfil`: to begin the orders that wait for it.
    #[schema(value_type = String)]
    kind: TaskKind,
    /// Of an import: `complete` (if left out) or `incremental`.
    #[schema(value_type = Option<String>)]
    mode: Option<ImportMode>,
    /// Of an import: write the tables as files, once it is published.
    #[schema(value_type = Option<OutputSchema>)]
    output: Option<Output>,
    /// The connection to import through, to refresh, or whose orders are begun.
    #[schema(value_type = Option<String>)]
    connection: Option<ConnectionId>,
    /// A system: the schemas of all its connections are refreshed.
    #[schema(value_type = Option<String>)]
    system: Option<SystemId>,
    /// Minute, hour, day of the month, month and day of the week, or a nickname like `@daily`.
    cron: String,
    /// Of the IANA database, as in `Europe/Berlin`.
    #[serde(default = "utc")]
    #[schema(default = "UTC")]
    time_zone: String,
    /// Is a run that was missed while the host was down made up for, once?
    #[serde(default = "yes")]
    #[schema(default = true)]
    catch_up: bool,
    /// A paused one runs only when somebody says so.
    #[serde(default)]
    paused: bool,
}

/// Tasks that the host orders by itself.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Schedule)]
struct ScheduleView {
    id: String,
    /// `import`, `refresh-schema` or `fulfil`.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<OutputSchema>)]
    output: Option<Output>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    cron: String,
    time_zone: String,
    catch_up: bool,
    paused: bool,
    /// Missing while it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    next_run: Option<jiff::Timestamp>,
    /// When it ordered something last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_run: Option<jiff::Timestamp>,
    /// The newest of its tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_task: Option<LastTask>,
    /// The last run that was left out: a task before it had not ended, or the host was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ScheduleNoteSchema>)]
    last_skipped: Option<ScheduleNote>,
    /// The last run that could not begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<ScheduleNoteSchema>)]
    last_failure: Option<ScheduleNote>,
    #[schema(value_type = String, format = DateTime)]
    created: jiff::Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed: jiff::Timestamp,
}

/// The newest task of a schedule.
#[derive(Serialize, ToSchema)]
struct LastTask {
    #[schema(value_type = String, format = "uuid")]
    id: TaskId,
    /// As of any task.
    state: &'static str,
}

/// Something that happened to a schedule.
#[derive(ToSchema)]
#[schema(as = ScheduleNote)]
#[allow(dead_code, reason = "describes the model's type to the API document")]
struct ScheduleNoteSchema {
    #[schema(value_type = String, format = DateTime)]
    at: jiff::Timestamp,
    /// As in the last part of a problem's type, or `missed`.
    kind: String,
    message: String,
    /// The task that is to blame.
    #[schema(value_type = Option<String>, format = "uuid")]
    task: Option<TaskId>,
}

/// What a run out of turn ordered.
#[derive(Serialize, ToSchema)]
struct OrderedTasks {
    #[schema(value_type = Vec<String>)]
    tasks: Vec<TaskId>,
}

/// Lists the schedules by identifier.
#[utoipa::path(get, path = "/v1/schedules", operation_id = "list_schedules", tag = "schedules", params(PageQuery),
    responses((status = 200, body = Listed<ScheduleView>)))]
async fn list(
    _: AsCore,
    State(api): State<ApiState>,
    At { query, .. }: At<Nothing, PageQuery>,
) -> Result<Json<Listed<ScheduleView>>, Problem> {
    let after: Option<ScheduleId> = page::key(query.cursor.as_deref())?;
    let schedules = api.tasks.schedules(after.as_ref(), query.limit.and_one()).await?;
    Ok(Json(Listed::cut(schedules, query.limit, |one| one.schedule.value.id.clone(), ScheduleView::from)))
}

/// Creates a schedule.
#[utoipa::path(post, path = "/v1/schedules", operation_id = "create_schedule", tag = "schedules",
    request_body = ScheduleDraft, security(("token" = ["operator"])), responses((status = 201, body = ScheduleView)))]
async fn create(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    _: At,
    Body(mut draft): Body<ScheduleDraft>,
) -> Result<Response, Problem> {
    let id = draft.id.take().ok_or_else(|| Error::invalid("id is missing").blaming("id"))?;
    let schedule = draft.schedule(id)?;
    let entry = about(&rc, "schedule.create", &schedule.id);
    let created = audited(&api, entry, api.tasks.create_schedule(&schedule)).await?;
    let location = answer::location(&["schedules", schedule.id.as_str()]);
    Ok((StatusCode::CREATED, location, answer(created)).into_response())
}

/// Shows a schedule: when it runs next, and what became of it so far.
#[utoipa::path(get, path = "/v1/schedules/{id}", operation_id = "show_schedule", tag = "schedules",
    params(SchedulePath), responses((status = 200, body = ScheduleView)))]
async fn show(_: AsCore, State(api): State<ApiState>, At { path, .. }: At<SchedulePath>) -> Result<Response, Problem> {
    Ok(answer(api.tasks.schedule(&path.id).await?))
}

/// Replaces what a schedule says.
#[utoipa::path(put, path = "/v1/schedules/{id}", operation_id = "replace_schedule", tag = "schedules",
    params(SchedulePath), request_body = ScheduleDraft, security(("token" = ["operator"])),
    responses((status = 200, body = ScheduleView)))]
async fn replace(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<SchedulePath>,
    if_match: IfMatch,
    Body(draft): Body<ScheduleDraft>,
) -> Result<Response, Problem> {
    answer::require_same_id(draft.id.as_ref().map(ScheduleId::folded), &path.id.folded())?;
    let (schedule, revision) = (draft.schedule(path.id)?, if_match.number()?);
    let entry = about(&rc, "schedule.replace", &schedule.id);
    Ok(answer(audited(&api, entry, api.tasks.replace_schedule(&schedule, revision)).await?))
}

/// Deletes a schedule; its tasks stay.
#[utoipa::path(delete, path = "/v1/schedules/{id}", operation_id = "delete_schedule", tag = "schedules",
    params(SchedulePath), security(("token" = ["operator"])), responses((status = 204)))]
async fn delete(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<SchedulePath>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let revision = if_match.number()?;
    let entry = about(&rc, "schedule.delete", &path.id);
    audited(&api, entry, api.tasks.delete_schedule(&path.id, revision)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pauses a schedule: it orders nothing until it is resumed.
#[utoipa::path(post, path = "/v1/schedules/{id}/pause", operation_id = "pause_schedule", tag = "schedules",
    params(SchedulePath), security(("token" = ["operator"])), responses((status = 200, body = ScheduleView)))]
async fn pause(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<SchedulePath>,
    _: OptionalBody<Nothing>,
) -> Result<Response, Problem> {
    let entry = about(&rc, "schedule.pause", &path.id);
    Ok(answer(audited(&api, entry, api.tasks.pause_schedule(&path.id, true)).await?))
}

/// Resumes a schedule. What was due meanwhile is not made up for.
#[utoipa::path(post, path = "/v1/schedules/{id}/resume", operation_id = "resume_schedule", tag = "schedules",
    params(SchedulePath), security(("token" = ["operator"])), responses((status = 200, body = ScheduleView)))]
async fn resume(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<SchedulePath>,
    _: OptionalBody<Nothing>,
) -> Result<Response, Problem> {
    let entry = about(&rc, "schedule.resume", &path.id);
    Ok(answer(audited(&api, entry, api.tasks.pause_schedule(&path.id, false)).await?))
}

/// Does what a schedule says now, out of its turn, also while it is paused.
#[utoipa::path(post, path = "/v1/schedules/{id}/run", operation_id = "run_schedule", tag = "schedules",
    params(SchedulePath), responses((status = 202, body = OrderedTasks)))]
async fn run(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<SchedulePath>,
    _: OptionalBody<Nothing>,
) -> Result<Response, Problem> {
    let entry = about(&rc, "schedule.run", &path.id);
    let ordered = Box::pin(audited(&api, entry, api.tasks.run_schedule(&rc, &path.id))).await?;
    Ok((StatusCode::ACCEPTED, Json(OrderedTasks { tasks: ordered.tasks })).into_response())
}

fn about(rc: &RequestContext, action: &str, schedule: &ScheduleId) -> Act {
    act(rc, action).parameter("schedule", schedule)
}

fn answer(status: ScheduleStatus) -> Response {
    (answer::revision(status.schedule.revision), Json(ScheduleView::from(status))).into_response()
}

fn utc() -> String {
    "UTC".to_owned()
}

fn yes() -> bool {
    true
}

impl ScheduleDraft {
    fn schedule(self, id: ScheduleId) -> Result<Schedule> {
        let timing = Timing::parse(&self.cron, &self.time_zone)?;
        let work = Work::of(self.kind, self.mode, self.output, self.connection, self.system)?;
        Ok(Schedule { id, work, timing, catch_up: self.catch_up, paused: self.paused })
    }
}

impl From<ScheduleStatus> for ScheduleView {
    fn from(status: ScheduleStatus) -> Self {
        let Schedule { id, work, timing, catch_up, paused } = status.schedule.value;
        Self {
            id: id.into(),
            kind: work.kind().as_str(),
            mode: work.mode().map(ImportMode::as_str),
            output: work.output().cloned(),
            connection: work.connection().map(ToString::to_string),
            system: work.system().map(ToString::to_string),
            cron: timing.expression().to_owned(),
            time_zone: timing.zone_name().to_owned(),
            catch_up,
            paused,
            next_run: status.next_run,
            last_run: status.last_run,
            last_task: status.last_task.map(|(id, state)| LastTask { id, state: state.as_str() }),
            last_skipped: status.last_skipped,
            last_failure: status.last_failure,
            created: status.schedule.created,
            changed: status.schedule.changed,
        }
    }
}
