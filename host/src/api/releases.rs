//! Releases: uploaded, listed, activated, taken out of service. All of it is the operator's.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use semver::Version;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::answer;
use super::audited::{Act, act, audited};
use super::body::{At, Nothing, OptionalBody};
use super::context::AsOperator;
use super::page::{self, Listed, PageQuery};
use super::problem::Problem;
use super::upload::{UploadForm, Uploaded};
use crate::model::{ConnectorName, Digest, Permission, Permissions, RequestContext, Result};
use crate::registry::{Release, Upload};
use crate::store::{InstalledRelease, ReleaseState};

/// Where releases are listed and uploaded to.
pub(super) const PATH: &str = "/v1/releases";

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, install))
        .routes(routes!(show))
        .routes(routes!(activate))
        .routes(routes!(deactivate))
}

/// Which release.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
struct ReleasePath {
    /// Who offers the connector.
    publisher: String,
    /// What it is called there.
    name: String,
    /// The release's version.
    #[param(value_type = String)]
    version: Version,
}

/// What is approved with an activation.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Approval {
    /// The permissions the release asks for beyond the one that runs, each as it is spelt there.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    approve: Permissions,
}

/// A release on this host.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Release)]
struct ReleaseView {
    /// `publisher/name`.
    connector: String,
    version: String,
    /// `installed`, `parked` (it asks for more than the one that runs, and nobody has approved that) or `active`.
    state: &'static str,
    /// Loaded without a signature; what only a signed release has is missing then.
    development: bool,
    /// SHA-256 of the component, in hexadecimal.
    sha256: String,
    /// What it asks for.
    permissions: Vec<String>,
    /// What has to be approved before it may serve.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    awaits: Vec<String>,
    /// Why it does not serve although it is active, or cannot be shown whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    #[serde(flatten)]
    signed: Option<SignedView>,
}

/// What only a signed release has.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SignedRelease)]
struct SignedView {
    /// The id of the key that signed it.
    key: String,
    counter: u64,
    #[schema(value_type = String, format = DateTime)]
    issued: jiff::Timestamp,
    /// Until when it could be installed.
    #[schema(value_type = String, format = DateTime)]
    expires: jiff::Timestamp,
    #[schema(value_type = String, format = DateTime)]
    installed: jiff::Timestamp,
    /// The name of a token, or `watched-directory`.
    installed_by: String,
    /// When it was last activated.
    #[schema(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    activated: Option<jiff::Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    activated_by: Option<String>,
}

/// Lists the releases on this host, installed or loaded for development, by connector and version.
#[utoipa::path(get, path = "/v1/releases", operation_id = "list_releases", tag = "releases", params(PageQuery),
    security(("token" = ["operator"])), responses((status = 200, body = Listed<ReleaseView>)))]
async fn list(
    _: AsOperator,
    State(api): State<ApiState>,
    At { query, .. }: At<Nothing, PageQuery>,
) -> Result<Json<Listed<ReleaseView>>, Problem> {
    let after: Option<String> = page::key(query.cursor.as_deref())?;
    let after = after.as_deref().and_then(|after| after.split_once(' '));
    let mut rows = Vec::new();
    for release in api.store.installed_releases(after, query.limit.and_one()).await? {
        rows.push(view(&api, &release).await?);
    }
    let loaded = api.registry.releases().into_iter().filter(|release| release.is_development());
    let loaded = loaded.map(|release| ReleaseView::from(&*release));
    rows.extend(loaded.filter(|row| after.is_none_or(|after| (row.connector.as_str(), row.version.as_str()) > after)));
    rows.sort_by(|a, b| (&a.connector, &a.version).cmp(&(&b.connector, &b.version)));
    Ok(Json(Listed::cut(rows, query.limit, |row| format!("{} {}", row.connector, row.version), |row| row)))
}

/// Installs a release. It serves at once if its connector has none yet or it asks for no more than the one that runs;
/// otherwise it is parked. The very same release again changes nothing and answers 200.
#[utoipa::path(post, path = "/v1/releases", operation_id = "install_release", tag = "releases",
    request_body(content = UploadForm, content_type = "multipart/form-data"), security(("token" = ["operator"])),
    responses((status = 201, body = ReleaseView), (status = 200, body = ReleaseView)))]
async fn install(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    _: At,
    Uploaded(upload): Uploaded,
) -> Result<Response, Problem> {
    let entry = installation(&api, &rc, &upload).await;
    let installed = audited(&api, entry, api.registry.install(upload, &rc.caller.name)).await?;
    let status = if installed.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let location = location(&installed.release);
    Ok((status, location, Json(view(&api, &installed.release).await?)).into_response())
}

/// Shows a release that is installed.
#[utoipa::path(get, path = "/v1/connectors/{publisher}/{name}/releases/{version}", operation_id = "show_release",
    tag = "releases", params(ReleasePath), security(("token" = ["operator"])),
    responses((status = 200, body = ReleaseView)))]
async fn show(
    _: AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<ReleasePath>,
) -> Result<Json<ReleaseView>, Problem> {
    let release = api.store.installed_release(&path.connector()?, &path.version).await?;
    Ok(Json(view(&api, &release).await?))
}

/// Lets a release serve in the place of the active one of its line of compatible versions. What it asks for beyond the
/// one that runs has to be approved with it; one that served before needs no approval.
#[utoipa::path(post, path = "/v1/connectors/{publisher}/{name}/releases/{version}/activate",
    operation_id = "activate_release", tag = "releases", params(ReleasePath), request_body = Option<Approval>,
    security(("token" = ["operator"])), responses((status = 200, body = ReleaseView)))]
async fn activate(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<ReleasePath>,
    OptionalBody(approval): OptionalBody<Approval>,
) -> Result<Json<ReleaseView>, Problem> {
    let connector = path.connector()?;
    let entry = on(&rc, "release.activate", &connector, &path.version)
        .parameter("approve", spelt(&approval.approve).join(", "));
    let effect = api.registry.activate(&connector, &path.version, &approval.approve, &rc.caller.name);
    let release = audited(&api, entry, effect).await?;
    Ok(Json(view(&api, &release).await?))
}

/// Takes an active release out of service; calls under way end on it.
#[utoipa::path(post, path = "/v1/connectors/{publisher}/{name}/releases/{version}/deactivate",
    operation_id = "deactivate_release", tag = "releases", params(ReleasePath), security(("token" = ["operator"])),
    responses((status = 200, body = ReleaseView)))]
async fn deactivate(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<ReleasePath>,
    _: OptionalBody<Nothing>,
) -> Result<Json<ReleaseView>, Problem> {
    let connector = path.connector()?;
    let entry = on(&rc, "release.deactivate", &connector, &path.version);
    let effect = api.registry.deactivate(&connector, &path.version, &rc.caller.name);
    let release = audited(&api, entry, effect).await?;
    Ok(Json(view(&api, &release).await?))
}

impl ReleasePath {
    fn connector(&self) -> Result<ConnectorName> {
        Ok(format!("{}/{}", self.publisher, self.name).parse()?)
    }
}

/// The begin row of an installation: by hashes, and by name if the upload is to be believed.
async fn installation(api: &ApiState, rc: &RequestContext, upload: &Upload) -> Act {
    let entry = match api.registry.examine(upload).await {
        Ok(statement) => on(rc, "release.install", &statement.manifest.connector, &statement.manifest.version),
        Err(_) => act(rc, "release.install"),
    };
    entry.parameter("statement", Digest::of(&upload.statement)).parameter("component", Digest::of(&upload.component))
}

fn on(rc: &RequestContext, action: &str, connector: &ConnectorName, version: &Version) -> Act {
    act(rc, action).parameter("connector", connector).parameter("version", version)
}

fn location(release: &InstalledRelease) -> [(axum::http::HeaderName, axum::http::HeaderValue); 1] {
    let (publisher, name) = release.connector.as_str().split_once('/').unwrap_or_default();
    answer::location(&["connectors", publisher, name, "releases", &release.version.to_string()])
}

fn spelt(permissions: &Permissions) -> Vec<String> {
    permissions.iter().map(Permission::to_string).collect()
}

/// An installed release with what it asks for; one whose files are damaged is shown with that fault.
async fn view(api: &ApiState, release: &InstalledRelease) -> Result<ReleaseView> {
    let failure = api.registry.failure(&release.connector, &release.version);
    let manifest = api.registry.manifest(release).await;
    let awaits = match (&manifest, release.state) {
        (Ok(_), ReleaseState::Parked) => api.registry.awaits(release).await?,
        _ => Permissions::new(),
    };
    let (permissions, damage) = match manifest {
        Ok(manifest) => (spelt(&manifest.permissions()), None),
        Err(error) => (Vec::new(), Some(error)),
    };
    Ok(ReleaseView {
        connector: release.connector.to_string(),
        version: release.version.to_string(),
        state: release.state.as_str(),
        development: false,
        sha256: release.component.to_string(),
        permissions,
        awaits: spelt(&awaits),
        failure: failure.or(damage).map(|error| error.message),
        signed: Some(SignedView::from(release)),
    })
}

impl From<&InstalledRelease> for SignedView {
    fn from(release: &InstalledRelease) -> Self {
        Self {
            key: release.key.to_string(),
            counter: release.counter,
            issued: release.issued,
            expires: release.expires,
            installed: release.installed,
            installed_by: release.installed_by.clone(),
            activated: release.activated,
            activated_by: release.activated_by.clone(),
        }
    }
}

/// A release that was loaded for development.
impl From<&Release> for ReleaseView {
    fn from(release: &Release) -> Self {
        Self {
            connector: release.manifest.connector.to_string(),
            version: release.manifest.version.to_string(),
            state: ReleaseState::Active.as_str(),
            development: release.is_development(),
            sha256: release.sha256.to_string(),
            permissions: spelt(&release.manifest.permissions()),
            awaits: Vec::new(),
            failure: None,
            signed: None,
        }
    }
}
