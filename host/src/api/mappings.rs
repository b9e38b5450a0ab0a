//! Mappings: kept, checked, and the entities and associations they make of what was imported.

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::answer;
use super::audited::{act, audited};
use super::body::{At, Body, Nothing, OptionalBody};
use super::context::{AsCore, AsOperator};
use super::etag::IfMatch;
use super::ndjson;
use super::page::{self, Listed, PageQuery};
use super::problem::Problem;
use crate::mappings::{Flaw, Lines, Positions};
use crate::model::{KeptMapping, Mapping, MappingId, MappingWarning, Result, Stored};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(check))
        .routes(routes!(show, replace, delete))
        .routes(routes!(entities))
        .routes(routes!(associations))
        .routes(routes!(owners))
        .routes(routes!(acknowledge))
}

/// Which mapping.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
struct MappingPath {
    /// The mapping's identifier, without regard to case.
    #[param(value_type = String)]
    id: MappingId,
}

/// From where.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SinceQuery {
    /// Only what changed since: the position that the last line of a stream told.
    #[param(value_type = Option<String>)]
    since: Option<Positions>,
}

/// A mapping. What else it has depends on its kind; the page on mappings in the documentation has it all.
#[derive(ToSchema)]
#[schema(as = MappingDefinition)]
#[allow(dead_code, reason = "describes to the API document what the model reads")]
struct DefinitionSchema {
    /// `entity`, `association`, `resource` or `correlation`.
    kind: String,
    #[schema(pattern = "^[A-Za-z][A-Za-z0-9.-]{0,127}$")]
    id: String,
    title: String,
}

/// A mapping as it is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = Mapping)]
struct MappingView {
    id: String,
    title: String,
    kind: &'static str,
    /// All it names was there when it was looked at. Declared as code, it may come before that.
    verified: bool,
    /// What is wrong with it now; told where one mapping is shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flaws: Vec<FlawView>,
    /// What it named and is there no longer, until somebody acknowledges it; told where mappings are read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<WarningView>,
    #[schema(value_type = DefinitionSchema)]
    definition: Mapping,
    #[schema(value_type = String, format = DateTime)]
    created: jiff::Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed: jiff::Timestamp,
}

/// What a mapping named and is there no longer.
#[derive(Serialize, ToSchema)]
#[schema(as = MappingWarning)]
struct WarningView {
    /// Where in the definition.
    at: String,
    message: String,
    #[schema(value_type = String, format = DateTime)]
    noticed: jiff::Timestamp,
}

/// What is wrong with a mapping.
#[derive(Serialize, ToSchema)]
struct Checked {
    /// Empty: it is right.
    flaws: Vec<FlawView>,
}

/// One thing that is wrong.
#[derive(Serialize, ToSchema)]
#[schema(as = Flaw)]
struct FlawView {
    /// Where in the definition.
    at: String,
    message: String,
    /// Names that exist and are nearest to one that does not.
    nearest: Vec<String>,
}

/// One line: an entity, a pair or an account; or why its row is set aside; or, as the last line, the end.
#[derive(ToSchema)]
#[schema(as = MappedLine)]
#[allow(dead_code, reason = "describes to the API document what is written as text")]
struct LineSchema {
    /// In a stream of changes: `insert`, `update`, `merge` (what is listed in `unread` keeps what it was) or `delete`.
    command: Option<String>,
    /// Of an entity.
    key: Option<AnyJson>,
    /// Of a pair: the key of its left entity.
    left: Option<AnyJson>,
    /// Of a pair: the key of its right entity.
    right: Option<AnyJson>,
    /// Of an owner: the account's key.
    account: Option<AnyJson>,
    /// Whose the account is: `{identity, key, by}`, the mapping of the identity, its key, and which of the rules found it,
    /// counted from 0; null: nobody's.
    owner: Option<AnyJson>,
    /// `{by}`: several identities have what that rule looks for.
    disputed: Option<AnyJson>,
    /// `{by, reason}`: that rule could not look.
    unknown: Option<AnyJson>,
    #[schema(value_type = Option<std::collections::BTreeMap<String, AnyJson>>)]
    properties: Option<AnyJson>,
    /// Properties made of what was not read.
    unread: Option<Vec<String>>,
    /// The row is no entity: `{property?, reason}`. It is not gone.
    set_aside: Option<AnyJson>,
    /// The table, and what tells its row from others.
    #[schema(value_type = Option<std::collections::BTreeMap<String, AnyJson>>)]
    row: Option<AnyJson>,
    /// `{position, told}`: where to go on from, and how much there was. A stream without it is not whole.
    end: Option<AnyJson>,
}

/// Lists the mappings by identifier.
#[utoipa::path(get, path = "/v1/mappings", operation_id = "list_mappings", tag = "mappings", params(PageQuery),
    responses((status = 200, body = Listed<MappingView>)))]
async fn list(
    _: AsCore,
    State(api): State<ApiState>,
    At { query, .. }: At<Nothing, PageQuery>,
) -> Result<Json<Listed<MappingView>>, Problem> {
    let after: Option<MappingId> = page::key(query.cursor.as_deref())?;
    let mappings = api.store.mappings(after.as_ref(), query.limit.and_one()).await?;
    let key = |mapping: &Stored<KeptMapping>| mapping.value.definition.id().clone();
    let mut warnings = match (mappings.first(), mappings.last()) {
        (Some(first), Some(last)) => api.store.mapping_warnings(&key(first), &key(last)).await?,
        _ => HashMap::new(),
    };
    let view = |mapping| warned(MappingView::from(mapping), &mut warnings);
    Ok(Json(Listed::cut(mappings, query.limit, key, view)))
}

/// Keeps a mapping, if all it names is there.
#[utoipa::path(post, path = "/v1/mappings", operation_id = "create_mapping", tag = "mappings",
    request_body = DefinitionSchema, security(("token" = ["operator"])), responses((status = 201, body = MappingView)))]
async fn create(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    _: At,
    Body(mapping): Body<Mapping>,
) -> Result<Response, Problem> {
    let entry = act(&rc, "mapping.create").parameter("mapping", mapping.id()).parameter("kind", mapping.kind());
    let created = audited(&api, entry, api.mappings.create(mapping)).await?;
    let location = answer::location(&["mappings", created.value.definition.id().as_str()]);
    Ok((StatusCode::CREATED, location, shown(created)).into_response())
}

/// Says what is wrong with a mapping, and keeps nothing.
#[utoipa::path(post, path = "/v1/mappings/check", operation_id = "check_mapping", tag = "mappings",
    request_body = DefinitionSchema, security(("token" = ["operator"])), responses((status = 200, body = Checked)))]
async fn check(
    _: AsOperator,
    State(api): State<ApiState>,
    _: At,
    Body(mapping): Body<Mapping>,
) -> Result<Json<Checked>, Problem> {
    let flaws = api.mappings.flaws(&mapping).await?;
    Ok(Json(Checked { flaws: flaws.into_iter().map(FlawView::from).collect() }))
}

/// Shows a mapping.
#[utoipa::path(get, path = "/v1/mappings/{id}", operation_id = "show_mapping", tag = "mappings", params(MappingPath),
    responses((status = 200, body = MappingView)))]
async fn show(_: AsCore, State(api): State<ApiState>, At { path, .. }: At<MappingPath>) -> Result<Response, Problem> {
    let (mapping, flaws) = api.mappings.show(&path.id).await?;
    let (revision, view) = (answer::revision(mapping.revision), MappingView::from(mapping));
    let flaws = flaws.into_iter().map(FlawView::from).collect();
    let mut warnings = api.store.mapping_warnings(&path.id, &path.id).await?;
    Ok((revision, Json(warned(MappingView { flaws, ..view }, &mut warnings))).into_response())
}

/// Takes note that somebody has seen the warnings of a mapping.
#[utoipa::path(post, path = "/v1/mappings/{id}/acknowledge", operation_id = "acknowledge_mapping", tag = "mappings",
    params(MappingPath), security(("token" = ["operator"])), responses((status = 204)))]
async fn acknowledge(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<MappingPath>,
    _: OptionalBody<Nothing>,
) -> Result<StatusCode, Problem> {
    let entry = act(&rc, "mapping.acknowledge").parameter("mapping", &path.id);
    audited(&api, entry, api.mappings.acknowledge(&path.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Replaces a mapping by another of the same kind, if all it names is there.
#[utoipa::path(put, path = "/v1/mappings/{id}", operation_id = "replace_mapping", tag = "mappings",
    params(MappingPath), request_body = DefinitionSchema, security(("token" = ["operator"])),
    responses((status = 200, body = MappingView)))]
async fn replace(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<MappingPath>,
    if_match: IfMatch,
    Body(mapping): Body<Mapping>,
) -> Result<Response, Problem> {
    answer::require_same_id(Some(mapping.id().folded()), &path.id.folded())?;
    let revision = if_match.number()?;
    let entry = act(&rc, "mapping.replace").parameter("mapping", mapping.id());
    Ok(shown(audited(&api, entry, api.mappings.replace(mapping, revision)).await?))
}

/// Deletes a mapping that no other one names.
#[utoipa::path(delete, path = "/v1/mappings/{id}", operation_id = "delete_mapping", tag = "mappings",
    params(MappingPath), security(("token" = ["operator"])), responses((status = 204)))]
async fn delete(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<MappingPath>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let revision = if_match.number()?;
    let entry = act(&rc, "mapping.delete").parameter("mapping", &path.id);
    audited(&api, entry, api.mappings.delete(&path.id, revision)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Streams the entities of a type, one on a line: all, or what changed since a position.
#[utoipa::path(get, path = "/v1/mappings/{id}/entities", operation_id = "stream_entities", tag = "mappings",
    params(MappingPath, SinceQuery),
    responses((status = 200, body = LineSchema, content_type = "application/x-ndjson")))]
async fn entities(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, query }: At<MappingPath, SinceQuery>,
) -> Result<Response, Problem> {
    streamed(api.mappings.entities(&path.id, query.since.as_ref()).await?).await
}

/// Streams how entities belong together, one pair on a line: all, or what changed since a position.
#[utoipa::path(get, path = "/v1/mappings/{id}/associations", operation_id = "stream_associations", tag = "mappings",
    params(MappingPath, SinceQuery),
    responses((status = 200, body = LineSchema, content_type = "application/x-ndjson")))]
async fn associations(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, query }: At<MappingPath, SinceQuery>,
) -> Result<Response, Problem> {
    streamed(api.mappings.associations(&path.id, query.since.as_ref()).await?).await
}

/// Streams whose each account is, by a rule of correlation, one account on a line.
#[utoipa::path(get, path = "/v1/mappings/{id}/owners", operation_id = "stream_owners", tag = "mappings",
    params(MappingPath), responses((status = 200, body = LineSchema, content_type = "application/x-ndjson")))]
async fn owners(_: AsCore, State(api): State<ApiState>, At { path, .. }: At<MappingPath>) -> Result<Response, Problem> {
    streamed(api.mappings.owners(&path.id).await?).await
}

async fn streamed(lines: Lines) -> Result<Response, Problem> {
    let page = |mut lines: Lines| async move {
        let text = lines.next().await?;
        let next = text.is_some().then_some(lines);
        ndjson::Lines::of(text.as_slice(), next, |text, into| {
            into.push_str(text);
            Ok(())
        })
    };
    Ok(ndjson::stream(lines, page).await?)
}

fn warned(view: MappingView, warnings: &mut HashMap<String, Vec<MappingWarning>>) -> MappingView {
    let warnings = warnings.remove(&view.definition.id().folded()).unwrap_or_default();
    MappingView { warnings: warnings.into_iter().map(WarningView::from).collect(), ..view }
}

fn shown(mapping: Stored<KeptMapping>) -> Response {
    (answer::revision(mapping.revision), Json(MappingView::from(mapping))).into_response()
}

impl From<Stored<KeptMapping>> for MappingView {
    fn from(Stored { value, created, changed, .. }: Stored<KeptMapping>) -> Self {
        let KeptMapping { definition, verified } = value;
        Self {
            id: definition.id().to_string(),
            title: definition.title().to_owned(),
            kind: definition.kind(),
            verified,
            flaws: Vec::new(),
            warnings: Vec::new(),
            definition,
            created,
            changed,
        }
    }
}

impl From<MappingWarning> for WarningView {
    fn from(MappingWarning { at, message, noticed }: MappingWarning) -> Self {
        Self { at, message, noticed }
    }
}

impl From<Flaw> for FlawView {
    fn from(Flaw { at, message, nearest }: Flaw) -> Self {
        Self { at, message, nearest }
    }
}
