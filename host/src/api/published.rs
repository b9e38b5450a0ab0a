//! What imports have published: counts, objects, relations. Rows are streamed from the run that was published when the
//! reading began; if another is published meanwhile, the answer is cut rather than mixed.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::body::At;
use super::connections::ConnectionPath;
use super::context::AsCore;
use super::entitlements::ReferenceView;
use super::ndjson::{self, Lines, PAGE_ROWS};
use super::objects::{ObjectBody, ObjectPath, ObjectView};
use super::path;
use super::problem::Problem;
use crate::model::{AttributeName, ClassName, ConnectionId, Error, FailureKind, Reference, Result};
use crate::store::{LinkPosition, PublishedCount, PublishedLink, PublishedRow};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(summary))
        .routes(routes!(objects))
        .routes(routes!(object))
        .routes(routes!(links))
}

/// Which class.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
struct PublishedPath {
    /// The connection's identifier, without regard to case.
    #[param(value_type = String)]
    id: ConnectionId,
    /// Percent-encoded, or `~` and base64url.
    #[serde(deserialize_with = "path::named")]
    #[param(value_type = String)]
    class: ClassName,
}

/// Which relation.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
struct RelationPath {
    /// The connection's identifier, without regard to case.
    #[param(value_type = String)]
    id: ConnectionId,
    /// The class whose objects own the links: percent-encoded, or `~` and base64url.
    #[serde(deserialize_with = "path::named")]
    #[param(value_type = String)]
    class: ClassName,
    /// The reference attribute: percent-encoded, or `~` and base64url.
    #[serde(deserialize_with = "path::named")]
    #[param(value_type = String)]
    attribute: AttributeName,
}

/// What is published of a connection.
#[derive(Serialize, ToSchema)]
struct Published {
    /// The run's number; missing before the first import.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<i64>,
    /// The task that published it.
    #[serde(skip_serializing_if = "Option::is_none")]
    task: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    when: Option<jiff::Timestamp>,
    classes: Vec<ClassCount>,
    links: Vec<LinkCount>,
}

/// How many objects of a class.
#[derive(Serialize, ToSchema)]
struct ClassCount {
    class: String,
    objects: u64,
}

/// How many links of a relation.
#[derive(Serialize, ToSchema)]
struct LinkCount {
    class: String,
    attribute: String,
    links: u64,
}

/// The head of a published object's line; the body follows.
#[derive(Serialize)]
struct ObjectHead<'a> {
    class: &'a str,
    uid: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<&'a str>,
}

/// A published link.
#[derive(Serialize, ToSchema)]
#[schema(as = Link)]
struct LinkHead {
    owner: ReferenceView,
    target: ReferenceView,
}

/// Shows how much is published, of which run.
#[utoipa::path(get, path = "/v1/connections/{id}/published", operation_id = "show_published", tag = "published",
    params(ConnectionPath), responses((status = 200, body = Published)))]
async fn summary(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
) -> Result<Json<Published>, Problem> {
    api.connections.get(&path.id).await?;
    let publication = api.store.publication(&path.id).await?;
    let mut published = Published {
        run: publication.map(|publication| publication.run),
        task: publication.map(|publication| publication.task.to_string()),
        when: publication.and_then(|publication| publication.at),
        classes: Vec::new(),
        links: Vec::new(),
    };
    for PublishedCount { part, count } in api.store.published_counts(&path.id).await? {
        match part.attribute {
            None => published.classes.push(ClassCount { class: part.class, objects: count }),
            Some(attribute) => published.links.push(LinkCount { class: part.class, attribute, links: count }),
        }
    }
    Ok(Json(published))
}

/// Streams the published objects of a class, ordered by uid, one on a line.
#[utoipa::path(get, path = "/v1/connections/{id}/published/{class}", operation_id = "stream_published_objects",
    tag = "published", params(PublishedPath),
    responses((status = 200, body = ObjectView, content_type = "application/x-ndjson")))]
async fn objects(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<PublishedPath>,
) -> Result<Response, Problem> {
    let run = run_of(&api, &path.id, &path.class).await?;
    let page = move |after: Option<String>| {
        let (api, id, class) = (api.clone(), path.id.clone(), path.class.clone());
        async move {
            let rows = api.store.published(&id, class.as_str(), after.as_deref(), PAGE_ROWS).await?;
            require_run(&api, &id, run).await?;
            let next = rows.last().filter(|_| is_full(rows.len())).map(|row| Some(row.uid.clone()));
            Lines::of(&rows, next, |row, text| object_line(&class, row, text))
        }
    };
    Ok(ndjson::stream(None, page).await?)
}

/// Shows one published object.
#[utoipa::path(get, path = "/v1/connections/{id}/published/{class}/{uid}", operation_id = "show_published_object",
    tag = "published", params(ObjectPath), responses((status = 200, body = ObjectView)))]
async fn object(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ObjectPath>,
) -> Result<Json<ObjectView>, Problem> {
    api.connections.get(&path.id).await?;
    let found = api.store.published_object(&path.id, path.class.as_str(), path.uid.as_str()).await?;
    let missing = || Error::not_found(format!("no {} with the uid {:?} is published", path.class, path.uid.as_str()));
    let PublishedRow { uid, name, revision, body } = found.ok_or_else(missing)?;
    Ok(Json(ObjectView { class: path.class.into(), uid, name, revision, body: ObjectBody::read(&body)? }))
}

/// Streams the published links of a relation, ordered by owner, one on a line with its `parameters`.
#[utoipa::path(get, path = "/v1/connections/{id}/published/{class}/links/{attribute}",
    operation_id = "stream_published_links", tag = "published", params(RelationPath),
    responses((status = 200, body = LinkHead, content_type = "application/x-ndjson")))]
async fn links(_: AsCore, State(api): State<ApiState>, At { path, .. }: At<RelationPath>) -> Result<Response, Problem> {
    let run = run_of(&api, &path.id, &path.class).await?;
    let page = move |after: Option<LinkPosition>| {
        let (api, id, class, attribute) = (api.clone(), path.id.clone(), path.class.clone(), path.attribute.clone());
        async move {
            let (class_name, name) = (class.as_str(), attribute.as_str());
            let rows = api.store.published_links(&id, class_name, name, after.as_ref(), PAGE_ROWS).await?;
            require_run(&api, &id, run).await?;
            let next = rows.last().filter(|_| is_full(rows.len())).map(|row| Some(row.position.clone()));
            Lines::of(&rows, next, |row, text| link_line(&class, row, text))
        }
    };
    Ok(ndjson::stream(None, page).await?)
}

/// The run that readers see now, of a class that exists: the schema has it, or something of it is published.
async fn run_of(api: &ApiState, id: &ConnectionId, class: &ClassName) -> Result<Option<i64>> {
    let known = api.connections.schema(id).await?.schema.class(class.as_str()).is_some();
    let counts = api.store.published_counts(id).await?;
    if !known && !counts.iter().any(|count| count.part.class == class.as_str()) {
        let message =
            format!("connection {id} has no class {class}; its schema and GET .../published name those it has");
        return Err(Error::not_found(message).blaming("class"));
    }
    Ok(api.store.publication(id).await?.map(|publication| publication.run))
}

async fn require_run(api: &ApiState, id: &ConnectionId, run: Option<i64>) -> Result<()> {
    let now = api.store.publication(id).await?.map(|publication| publication.run);
    let message = "another import was published while this one was read; start again";
    if now == run { Ok(()) } else { Err(Error::failure(FailureKind::ResyncRequired, message)) }
}

fn is_full(rows: usize) -> bool {
    u32::try_from(rows) == Ok(PAGE_ROWS)
}

fn object_line(class: &ClassName, row: &PublishedRow, into: &mut String) -> Result<()> {
    let head = ObjectHead { class: class.as_str(), uid: &row.uid, name: &row.name, revision: row.revision.as_deref() };
    ndjson::line(&head, Some(&row.body), into)
}

fn link_line(class: &ClassName, row: &PublishedLink, into: &mut String) -> Result<()> {
    let owner = Reference { class: Some(class.to_string()), key: row.owner.clone() };
    let head = LinkHead { owner: owner.into(), target: row.target.clone().into() };
    ndjson::line(&head, Some(&format!("{{\"parameters\":{}}}", row.parameters)), into)
}
