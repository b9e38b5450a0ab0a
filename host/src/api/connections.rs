//! Connections: configured by operators, checked by whoever uses them.

use std::collections::BTreeMap;

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
use super::audited::{Act, act, audited, audited_call};
use super::body::{At, Body, Nothing, OptionalBody};
use super::context::{AsCore, AsOperator};
use super::etag::IfMatch;
use super::page::{self, Limit, Listed};
use super::problem::Problem;
use super::secured::{self, SecuredWire};
use super::switches::SwitchesSchema;
use super::systems::title;
use crate::connections::SecuredDraft;
use crate::model::{
    Access, Aspect, Choice, Connection, ConnectionId, ConnectorName, Destination, DestinationName, Directory,
    DirectoryName, Error, Finding, OptionName, RequestContext, Stored, Switches, SystemId, Thresholds, json,
};
use crate::registry::Release;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, replace, delete))
        .routes(routes!(check))
        .routes(routes!(suggest))
}

/// Which connection.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
pub(super) struct ConnectionPath {
    /// The connection's identifier, without regard to case.
    #[param(value_type = String)]
    pub(super) id: ConnectionId,
}

/// Which connections.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ConnectionQuery {
    /// Only those of this system.
    #[param(value_type = Option<String>)]
    system: Option<SystemId>,
    /// Items of the page, 1 to 1000.
    #[serde(default)]
    #[param(value_type = Option<u32>, default = 100, minimum = 1, maximum = 1000)]
    limit: Limit,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A connection to create, or what replaces one.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ConnectionDraft {
    /// `^[A-Za-z][A-Za-z0-9.-]{0,127}$`, unique without regard to case. In a replacement it may be left out.
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z][A-Za-z0-9.-]{0,127}$")]
    id: Option<ConnectionId>,
    /// The system it belongs to.
    #[schema(value_type = String)]
    system: SystemId,
    /// `publisher/name`.
    #[schema(value_type = String, example = "hawser/csv")]
    connector: ConnectorName,
    /// Which releases may serve it, e.g. `^0.1`; any, if left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "^0.1")]
    version: semver::VersionReq,
    title: String,
    /// By the options of the connector's manifest.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, AnyJson>)]
    options: BTreeMap<OptionName, AnyJson>,
    /// By the directories of the connector's manifest.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, DirectoryWire>)]
    directories: BTreeMap<DirectoryName, DirectoryWire>,
    /// By the destinations of the connector's manifest; those that are left out believe whom the machine believes.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, DestinationWire>)]
    destinations: BTreeMap<DestinationName, DestinationWire>,
    #[serde(default)]
    thresholds: ThresholdsWire,
    /// What is switched off; in a replacement, left out, the switches stay as they are.
    #[schema(value_type = Option<SwitchesSchema>)]
    switches: Option<Switches>,
    /// By the secured options of the connector's manifest; never answered. In a replacement, those that are left out
    /// stay as they are, and those that a changed address would send elsewhere have to be entered again.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, SecuredWire>, write_only)]
    pub(super) secured_options: BTreeMap<OptionName, SecuredWire>,
}

/// A directory of the host that the connection may reach.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Directory)]
struct DirectoryWire {
    /// Absolute.
    path: String,
    /// `read-only` or `read-write`; not more than the manifest asks for.
    #[schema(value_type = String)]
    access: Access,
}

/// What is said about a network place the connection may reach.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Destination)]
struct DestinationWire {
    /// Certificates in PEM: only servers that they vouch for are believed there.
    #[serde(skip_serializing_if = "Option::is_none")]
    roots: Option<String>,
}

/// How much a complete pass may remove before it is held for a person to look at; null switches one off.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schema(as = Thresholds)]
struct ThresholdsWire {
    /// Objects.
    removed: Option<u64>,
    /// Per cent of the objects published before.
    removed_percent: Option<f64>,
}

/// A named, configured use of one connector against one system.
#[derive(Serialize, ToSchema)]
#[schema(as = Connection)]
pub(super) struct ConnectionView {
    id: String,
    system: String,
    connector: String,
    version: String,
    title: String,
    options: BTreeMap<String, AnyJson>,
    directories: BTreeMap<String, DirectoryWire>,
    destinations: BTreeMap<String, DestinationWire>,
    thresholds: ThresholdsWire,
    #[schema(value_type = SwitchesSchema)]
    switches: Switches,
    /// What serves it now; missing while nothing does.
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<ServingRelease>,
    #[schema(value_type = String, format = DateTime)]
    created: jiff::Timestamp,
    #[schema(value_type = String, format = DateTime)]
    changed: jiff::Timestamp,
}

/// The release that serves a connection.
#[derive(Serialize, ToSchema)]
struct ServingRelease {
    version: String,
    /// SHA-256 of the component, in hexadecimal.
    sha256: String,
    /// Loaded without a signature.
    development: bool,
}

/// What to check.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckRequest {
    /// `connect`, `complete`, `incremental` or `provision`.
    #[serde(default = "CheckRequest::aspect_default")]
    #[schema(value_type = Option<String>, default = "connect")]
    aspect: Aspect,
}

/// What a check found out.
#[derive(Serialize, ToSchema)]
struct Checked {
    /// Nothing is wrong.
    ok: bool,
    findings: Vec<FindingView>,
}

/// One thing a check found out.
#[derive(Serialize, ToSchema)]
#[schema(as = Finding)]
struct FindingView {
    text: String,
    /// Missing: this is fine.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<FindingProblem>,
}

/// What is wrong.
#[derive(Serialize, ToSchema)]
pub(super) struct FindingProblem {
    /// The kind, as in the last part of a problem's type.
    pub(super) kind: &'static str,
    pub(super) detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attributes: Vec<String>,
}

/// Which option to offer values for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SuggestRequest {
    #[schema(value_type = String)]
    option: OptionName,
}

/// Values an option could have.
#[derive(Serialize, ToSchema)]
struct Suggested {
    choices: Vec<ChoiceView>,
}

/// One value.
#[derive(Serialize, ToSchema)]
#[schema(as = Choice)]
struct ChoiceView {
    value: AnyJson,
    label: String,
}

/// Lists the connections by identifier.
#[utoipa::path(get, path = "/v1/connections",
    operation_id = "list_connections", tag = "connections", params(ConnectionQuery),
    responses((status = 200, body = Listed<ConnectionView>)))]
async fn list(
    _: AsCore,
    State(api): State<ApiState>,
    At { query, .. }: At<Nothing, ConnectionQuery>,
) -> Result<Json<Listed<ConnectionView>>, Problem> {
    let after: Option<ConnectionId> = page::key(query.cursor.as_deref())?;
    let found = api.connections.list(query.system.as_ref(), after.as_ref(), query.limit.and_one()).await?;
    Ok(Json(Listed::cut(found, query.limit, |found| found.value.id.clone(), |found| view(&api, found))))
}

/// Creates a connection. Its options, directories and secured options are held against the connector's manifest.
#[utoipa::path(post, path = "/v1/connections",
    operation_id = "create_connection", tag = "connections", request_body = ConnectionDraft,
    security(("token" = ["operator"])), responses((status = 201, body = ConnectionView)))]
async fn create(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    _: At,
    Body(mut draft): Body<ConnectionDraft>,
) -> Result<Response, Problem> {
    let id = draft.id.take().ok_or_else(|| Error::invalid("id is missing").blaming("id"))?;
    let secured = secured::draft(std::mem::take(&mut draft.secured_options))?;
    let draft = draft.into_connection(id)?;
    let entry = configured(&rc, "connection.create", &draft, &secured);
    let created = audited(&api, entry, api.connections.create(&rc, draft, secured)).await?;
    api.tasks.refresh_if_due(&rc, &created.value.id).await;
    let location = answer::location(&["connections", created.value.id.as_str()]);
    Ok((StatusCode::CREATED, location, answer(&api, created)).into_response())
}

/// Shows a connection.
#[utoipa::path(get, path = "/v1/connections/{id}",
    operation_id = "show_connection", tag = "connections", params(ConnectionPath),
    responses((status = 200, body = ConnectionView)))]
async fn show(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
) -> Result<Response, Problem> {
    let found = api.connections.get(&path.id).await?;
    Ok(answer(&api, found))
}

/// Replaces a connection's configuration.
#[utoipa::path(put, path = "/v1/connections/{id}",
    operation_id = "replace_connection", tag = "connections", params(ConnectionPath),
    request_body = ConnectionDraft, security(("token" = ["operator"])),
    responses((status = 200, body = ConnectionView)))]
async fn replace(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
    if_match: IfMatch,
    Body(mut draft): Body<ConnectionDraft>,
) -> Result<Response, Problem> {
    answer::require_same_id(draft.id.as_ref().map(ConnectionId::folded), &path.id.folded())?;
    let secured = secured::draft(std::mem::take(&mut draft.secured_options))?;
    if draft.switches.is_none() {
        draft.switches = Some(api.connections.get(&path.id).await?.value.switches);
    }
    let draft = draft.into_connection(path.id)?;
    let revision = if_match.number()?;
    let entry = configured(&rc, "connection.replace", &draft, &secured);
    let replaced = audited(&api, entry, api.connections.replace(&rc, draft, secured, revision)).await?;
    api.tasks.refresh_if_due(&rc, &replaced.value.id).await;
    Ok(answer(&api, replaced))
}

/// Deletes a connection that no mapping names, with everything that was imported through it.
#[utoipa::path(delete, path = "/v1/connections/{id}",
    operation_id = "delete_connection", tag = "connections", params(ConnectionPath),
    security(("token" = ["operator"])), responses((status = 204)))]
async fn delete(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let revision = if_match.number()?;
    let entry = act(&rc, "connection.delete").on(&path.id);
    let deleted = async {
        let _unnamed = api.mappings.without(&path.id).await?;
        api.connections.delete(&path.id, revision).await
    };
    audited(&api, entry, deleted).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks the connector whether the connection is usable.
#[utoipa::path(post, path = "/v1/connections/{id}/check",
    operation_id = "check_connection", tag = "connections", params(ConnectionPath),
    request_body = Option<CheckRequest>, responses((status = 200, body = Checked)))]
async fn check(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
    OptionalBody(request): OptionalBody<CheckRequest>,
) -> Result<Json<Checked>, Problem> {
    let entry = act(&rc, "connection.check").on(&path.id);
    let findings = audited_call(&api, entry, api.connections.check(&rc, &path.id, request.aspect)).await?;
    let ok = findings.iter().all(|finding| finding.error.is_none());
    Ok(Json(Checked { ok, findings: findings.into_iter().map(FindingView::from).collect() }))
}

/// Asks the connector what an option's value could be.
#[utoipa::path(post, path = "/v1/connections/{id}/suggest",
    operation_id = "suggest_connection", tag = "connections", params(ConnectionPath),
    request_body = SuggestRequest, security(("token" = ["operator"])), responses((status = 200, body = Suggested)))]
async fn suggest(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
    Body(request): Body<SuggestRequest>,
) -> Result<Json<Suggested>, Problem> {
    let entry = act(&rc, "connection.suggest").on(&path.id).parameter("option", &request.option);
    let choices = audited_call(&api, entry, api.connections.suggest(&rc, &path.id, &request.option)).await?;
    Ok(Json(Suggested { choices: choices.into_iter().map(ChoiceView::from).collect() }))
}

/// What the trail says of a draft: of the secured options in it, the names.
fn configured(rc: &RequestContext, action: &str, draft: &Connection, secured: &SecuredDraft) -> Act {
    let act = act(rc, action).on(&draft.id).parameter("connector", &draft.connector);
    if secured.is_empty() {
        return act;
    }
    let names: Vec<&str> = secured.keys().map(OptionName::as_str).collect();
    act.parameter("securedOptions", names.join(", "))
}

pub(super) fn answer(api: &ApiState, connection: Stored<Connection>) -> Response {
    (answer::revision(connection.revision), Json(view(api, connection))).into_response()
}

fn view(api: &ApiState, connection: Stored<Connection>) -> ConnectionView {
    let release = api.registry.release(&connection.value.connector, &connection.value.version).ok();
    ConnectionView { release: release.as_deref().map(ServingRelease::from), ..ConnectionView::from(connection) }
}

impl ConnectionDraft {
    pub(super) fn into_connection(self, id: ConnectionId) -> crate::model::Result<Connection> {
        Ok(Connection {
            id,
            system: self.system,
            connector: self.connector,
            version: self.version,
            title: title(self.title)?,
            options: self.options,
            directories: self.directories.into_iter().map(|(name, directory)| (name, directory.into())).collect(),
            destinations: self.destinations.into_iter().map(|(name, place)| (name, place.into())).collect(),
            thresholds: self.thresholds.into_thresholds()?,
            switches: self.switches.unwrap_or_default(),
        })
    }
}

impl ThresholdsWire {
    fn into_thresholds(self) -> crate::model::Result<Thresholds> {
        let thresholds = Thresholds { removed: self.removed, removed_percent: self.removed_percent };
        thresholds.check().map(|()| thresholds)
    }
}

impl Default for ThresholdsWire {
    fn default() -> Self {
        Thresholds::default().into()
    }
}

impl From<Thresholds> for ThresholdsWire {
    fn from(thresholds: Thresholds) -> Self {
        Self { removed: thresholds.removed, removed_percent: thresholds.removed_percent }
    }
}

impl From<DirectoryWire> for Directory {
    fn from(directory: DirectoryWire) -> Self {
        Self { path: directory.path.into(), access: directory.access }
    }
}

impl From<Directory> for DirectoryWire {
    fn from(directory: Directory) -> Self {
        Self { path: directory.path.to_string_lossy().into_owned(), access: directory.access }
    }
}

impl From<DestinationWire> for Destination {
    fn from(destination: DestinationWire) -> Self {
        Self { roots: destination.roots }
    }
}

impl From<Destination> for DestinationWire {
    fn from(destination: Destination) -> Self {
        Self { roots: destination.roots }
    }
}

impl From<Stored<Connection>> for ConnectionView {
    fn from(stored: Stored<Connection>) -> Self {
        let Stored { value, created, changed, .. } = stored;
        Self {
            id: value.id.into(),
            system: value.system.into(),
            connector: value.connector.into(),
            version: value.version.to_string(),
            title: value.title,
            options: value.options.into_iter().map(|(name, option)| (name.into(), option)).collect(),
            directories: value.directories.into_iter().map(|(name, dir)| (name.into(), dir.into())).collect(),
            destinations: value.destinations.into_iter().map(|(name, place)| (name.into(), place.into())).collect(),
            thresholds: value.thresholds.into(),
            switches: value.switches,
            release: None,
            created,
            changed,
        }
    }
}

impl From<&Release> for ServingRelease {
    fn from(release: &Release) -> Self {
        Self {
            version: release.manifest.version.to_string(),
            sha256: release.sha256.to_string(),
            development: release.is_development(),
        }
    }
}

impl CheckRequest {
    fn aspect_default() -> Aspect {
        Aspect::Connect
    }
}

impl Default for CheckRequest {
    fn default() -> Self {
        Self { aspect: Self::aspect_default() }
    }
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        Self { text: finding.text, problem: finding.error.map(FindingProblem::from) }
    }
}

impl From<Error> for FindingProblem {
    fn from(error: Error) -> Self {
        Self { kind: error.kind.as_str(), detail: error.message, attributes: error.attributes }
    }
}

impl From<Choice> for ChoiceView {
    fn from(choice: Choice) -> Self {
        Self { value: json::value_to_json(&choice.value), label: choice.label }
    }
}
