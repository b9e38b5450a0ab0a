//! The loaded connectors and what their manifests declare: all that a form, a validation or an approval needs.

mod asked;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::asked::{DestinationView, RequestView, SecuredDeclarationView};
use super::ApiState;
use super::body::{At, Nothing};
use super::context::AsCore;
use super::page::{self, Limit, Listed, PageQuery};
use super::problem::Problem;
use crate::model::interface::CONTRACT_VERSION;
use crate::model::{Access, ClassKind, ConnectorName, Error, Export, Import, Value, json};
use crate::registry::manifest::{
    ClassDeclaration, Constraint, DirectoryDeclaration, Limits, OptionDeclaration, OptionKind,
};
use crate::registry::{Manifest, Release};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// Which connector.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
struct ConnectorPath {
    /// Who offers it.
    publisher: String,
    /// What it is called there.
    name: String,
}

/// One loaded release of a connector.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Connector)]
struct ConnectorView {
    /// `publisher/name`.
    connector: String,
    version: String,
    /// The version of the contract it was written against.
    wit: &'static str,
    title: String,
    summary: String,
    /// SHA-256 of the component, in hexadecimal.
    sha256: String,
    /// Loaded without a signature.
    development: bool,
    interfaces: InterfacesView,
    /// What can be asked of it: `check`, `refresh-schema`, `import`, `read`, `import-incrementally`, `create`, `update`,
    /// `delete`, `grant`, `revoke`, `set-password`, `change-password`, `authenticate`.
    operations: Vec<&'static str>,
    /// Object classes known before any target was asked.
    classes: Vec<ClassDeclarationView>,
    options: Vec<OptionView>,
    constraints: Vec<ConstraintView>,
    directories: Vec<DirectoryDeclarationView>,
    secured_options: Vec<SecuredDeclarationView>,
    destinations: Vec<DestinationView>,
    /// Everything an operator is asked to approve, for each connection.
    permissions: Vec<RequestView>,
    limits: LimitsView,
}

/// What the connector can do, and what of the host it may use.
#[derive(Serialize, ToSchema)]
#[schema(as = Interfaces)]
struct InterfacesView {
    exports: Vec<&'static str>,
    imports: Vec<&'static str>,
}

/// An object class known in advance.
#[derive(Serialize, ToSchema)]
#[schema(as = ClassDeclaration)]
struct ClassDeclarationView {
    name: String,
    title: String,
    /// `account`, `entitlement`, `container` or `other`.
    #[schema(value_type = String)]
    kind: ClassKind,
}

/// One option, as a form shows it.
#[derive(Serialize, ToSchema)]
#[schema(as = OptionDeclaration)]
struct OptionView {
    name: String,
    /// `text`, `integer`, `real` or `boolean`.
    kind: &'static str,
    label: String,
    help: String,
    /// The heading a form shows it under.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    /// A connection without it is refused.
    required: bool,
    /// A list of values rather than one.
    multiple: bool,
    /// What it is where nothing is configured: one value, or a list where `multiple`.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<AnyJson>,
    /// The only values it takes; empty: any of its kind.
    allowed: Vec<AnyJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<AnyJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<AnyJson>,
}

/// What must hold between options.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Constraint)]
enum ConstraintView {
    /// All of them or none.
    RequiredTogether(Vec<String>),
    /// One of them, and only one.
    ExactlyOne(Vec<String>),
    /// One makes sense only where the other is set.
    DependsOn {
        /// The option that needs another.
        option: String,
        /// The one it needs.
        needs: String,
    },
}

/// A directory the connector wants.
#[derive(Serialize, ToSchema)]
#[schema(as = DirectoryDeclaration)]
struct DirectoryDeclarationView {
    name: String,
    label: String,
    help: String,
    /// `read-only` or `read-write`: the most it may get.
    #[schema(value_type = String)]
    access: Access,
}

/// The limits it asks for; those missing are the host's.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Limits)]
struct LimitsView {
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_ms: Option<u64>,
}

/// Lists the loaded releases, by name and then newest first.
#[utoipa::path(get, path = "/v1/connectors", operation_id = "list_connectors", tag = "connectors", params(PageQuery),
    responses((status = 200, body = Listed<ConnectorView>)))]
async fn list(
    _: AsCore,
    State(api): State<ApiState>,
    At { query, .. }: At<Nothing, PageQuery>,
) -> Result<Json<Listed<ConnectorView>>, Problem> {
    let shown: usize = page::key(query.cursor.as_deref())?.unwrap_or(0);
    let releases = api.registry.releases().into_iter().enumerate().skip(shown);
    let rows: Vec<(usize, Arc<Release>)> = releases.take(taken(query.limit)).collect();
    Ok(Json(Listed::cut(rows, query.limit, |(index, _)| index + 1, |(_, release)| ConnectorView::from(&*release))))
}

/// Shows a connector: its newest loaded release.
#[utoipa::path(get, path = "/v1/connectors/{publisher}/{name}",
    operation_id = "show_connector", tag = "connectors", params(ConnectorPath),
    responses((status = 200, body = ConnectorView)))]
async fn show(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectorPath>,
) -> Result<Json<ConnectorView>, Problem> {
    let name: ConnectorName = format!("{}/{}", path.publisher, path.name).parse()?;
    let found = api.registry.releases().into_iter().find(|release| release.manifest.connector == name);
    let missing =
        || Error::not_found(format!("connector {name} is not loaded; GET /v1/connectors lists those that are"));
    Ok(Json(ConnectorView::from(&*found.ok_or_else(missing)?)))
}

fn taken(limit: Limit) -> usize {
    usize::try_from(limit.and_one()).unwrap_or(usize::MAX)
}

impl From<&Release> for ConnectorView {
    fn from(release: &Release) -> Self {
        let manifest = &release.manifest;
        Self {
            connector: manifest.connector.to_string(),
            version: manifest.version.to_string(),
            wit: CONTRACT_VERSION,
            title: manifest.title.clone(),
            summary: manifest.summary.clone(),
            sha256: release.sha256.to_string(),
            development: release.is_development(),
            interfaces: InterfacesView::from(manifest),
            operations: manifest.exports.iter().flat_map(|export| export.operations()).copied().collect(),
            classes: manifest.classes.iter().map(ClassDeclarationView::from).collect(),
            options: manifest.options.iter().map(OptionView::from).collect(),
            constraints: manifest.constraints.iter().map(ConstraintView::from).collect(),
            directories: manifest.directories.iter().map(DirectoryDeclarationView::from).collect(),
            secured_options: manifest.secured.iter().map(SecuredDeclarationView::from).collect(),
            destinations: manifest.destinations.iter().map(DestinationView::from).collect(),
            permissions: manifest.requests().into_iter().map(RequestView::from).collect(),
            limits: LimitsView::from(&manifest.limits),
        }
    }
}

impl From<&Manifest> for InterfacesView {
    fn from(manifest: &Manifest) -> Self {
        Self {
            exports: manifest.exports.iter().copied().map(Export::as_str).collect(),
            imports: manifest.imports.iter().copied().map(Import::as_str).collect(),
        }
    }
}

impl From<&ClassDeclaration> for ClassDeclarationView {
    fn from(class: &ClassDeclaration) -> Self {
        Self { name: class.name.to_string(), title: class.title.clone(), kind: class.kind }
    }
}

impl From<&OptionDeclaration> for OptionView {
    fn from(option: &OptionDeclaration) -> Self {
        let values = |values: &[Value]| values.iter().map(json::value_to_json).collect::<Vec<_>>();
        let default = values(&option.default);
        Self {
            name: option.name.to_string(),
            kind: kind(option.kind),
            label: option.label.clone(),
            help: option.help.clone(),
            group: option.group.clone(),
            required: option.required,
            multiple: option.multiple,
            default: if option.multiple && !default.is_empty() {
                Some(default.into())
            } else {
                default.into_iter().next()
            },
            allowed: values(&option.allowed),
            min: option.min.as_ref().map(json::value_to_json),
            max: option.max.as_ref().map(json::value_to_json),
        }
    }
}

fn kind(kind: OptionKind) -> &'static str {
    match kind {
        OptionKind::Text => "text",
        OptionKind::Integer => "integer",
        OptionKind::Real => "real",
        OptionKind::Boolean => "boolean",
    }
}

impl From<&Constraint> for ConstraintView {
    fn from(constraint: &Constraint) -> Self {
        let names = |names: &[_]| names.iter().map(ToString::to_string).collect();
        match constraint {
            Constraint::RequiredTogether(options) => Self::RequiredTogether(names(options)),
            Constraint::ExactlyOne(options) => Self::ExactlyOne(names(options)),
            Constraint::DependsOn { option, needs } => {
                Self::DependsOn { option: option.to_string(), needs: needs.to_string() }
            }
        }
    }
}

impl From<&DirectoryDeclaration> for DirectoryDeclarationView {
    fn from(directory: &DirectoryDeclaration) -> Self {
        Self {
            name: directory.name.to_string(),
            label: directory.label.clone(),
            help: directory.help.clone(),
            access: directory.access,
        }
    }
}

impl From<&Limits> for LimitsView {
    fn from(limits: &Limits) -> Self {
        Self { memory_bytes: limits.memory_bytes, call_ms: limits.call.map(millis), page_ms: limits.page.map(millis) }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
