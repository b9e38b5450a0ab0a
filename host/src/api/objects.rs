//! Live objects: read from and written to the target while the caller waits.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as AnyJson};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::answer;
use super::audited::{act, audited_call, observed};
use super::body::{At, Body};
use super::connections::FindingProblem;
use super::context::AsCore;
use super::etag::{IfMatch, etag};
use super::page::Limit;
use super::path;
use super::problem::Problem;
use crate::connections::{LivePage, Object, ObjectDraft, ObjectPatch, Query};
use crate::model::{AttributeName, ClassName, ConnectionId, Error, Outcome, Rejected, Result, Uid, Written, json};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(show, update, delete))
}

/// Which class of objects.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
struct ClassPath {
    /// The connection's identifier, without regard to case.
    #[param(value_type = String)]
    id: ConnectionId,
    /// Percent-encoded, or `~` and base64url.
    #[serde(deserialize_with = "path::named")]
    #[param(value_type = String)]
    class: ClassName,
}

/// Which object.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
pub(super) struct ObjectPath {
    /// The connection's identifier, without regard to case.
    #[param(value_type = String)]
    pub(super) id: ConnectionId,
    /// Percent-encoded, or `~` and base64url.
    #[serde(deserialize_with = "path::named")]
    #[param(value_type = String)]
    pub(super) class: ClassName,
    /// Percent-encoded, or `~` and base64url.
    #[serde(deserialize_with = "path::named")]
    #[param(value_type = String)]
    pub(super) uid: Uid,
}

/// Which objects, and what of them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ObjectsQuery {
    /// In SCIM's grammar (RFC 7644, 3.4.2.2) over the class's attributes; `@uid` and `@name` are the object's own.
    filter: Option<String>,
    /// Names separated by commas; all that the class returns by default, if left out.
    attributes: Option<String>,
    /// The uid of a container: only objects in it.
    #[param(value_type = Option<String>)]
    container: Option<Uid>,
    /// Objects of the page, 1 to 1000.
    #[serde(default)]
    #[param(value_type = Option<u32>, default = 100, minimum = 1, maximum = 1000)]
    limit: Limit,
    /// `cursor` of the page before. The listing goes on as it was begun: only `limit` may be given beside it. It can be
    /// used once, and for a minute.
    cursor: Option<String>,
}

/// What of an object to read.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ObjectQuery {
    /// Names separated by commas; all that the class returns by default, if left out.
    attributes: Option<String>,
}

/// An object to create; its uid is the target's to choose.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ObjectDraft)]
pub(super) struct DraftWire {
    name: String,
    /// The uid of the container it is made in.
    #[schema(value_type = Option<String>)]
    container: Option<Uid>,
    /// Lists of values by attribute name.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<AnyJson>>)]
    pub(super) attributes: Map<String, AnyJson>,
}

/// What to change of an object; what is not named stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ObjectPatch)]
pub(super) struct PatchWire {
    /// A new name.
    name: Option<String>,
    /// The uid of the container to move it to.
    #[schema(value_type = Option<String>)]
    container: Option<Uid>,
    /// By attribute name: `{"replace": [..]}` (an empty list clears) or `{"add": [..], "remove": [..]}`.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, ChangeSchema>)]
    pub(super) changes: Map<String, AnyJson>,
}

/// The change of one attribute: `replace` alone, or `add` and `remove`.
#[derive(ToSchema)]
#[schema(as = AttributeChange)]
#[allow(dead_code, reason = "describes to the API document what `connections` reads")]
struct ChangeSchema {
    /// These values and no others; an empty list clears the attribute.
    replace: Option<Vec<AnyJson>>,
    /// Values to add.
    add: Option<Vec<AnyJson>>,
    /// Values to remove.
    remove: Option<Vec<AnyJson>>,
}

/// One object as the target has it.
#[derive(Serialize, ToSchema)]
#[schema(as = Object)]
pub(super) struct ObjectView {
    pub(super) class: String,
    pub(super) uid: String,
    pub(super) name: String,
    /// For `If-Match`, where the target has it; the ETag says it too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revision: Option<String>,
    #[serde(flatten)]
    pub(super) body: ObjectBody,
}

/// What was read of an object. An attribute that is known to have no value is in none of the three.
#[derive(Default, Deserialize, Serialize, ToSchema)]
pub(super) struct ObjectBody {
    /// Lists of values by attribute name.
    #[schema(value_type = std::collections::BTreeMap<String, Vec<AnyJson>>)]
    attributes: Map<String, AnyJson>,
    /// Attributes that were not read: nothing is known of their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unread: Vec<String>,
    /// Attributes of which only some values are here; the rest is a relation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    partial: Vec<String>,
}

/// One page of a live listing.
#[derive(Serialize, ToSchema)]
struct ObjectPage {
    objects: Vec<ObjectView>,
    /// Records that could not be read as objects.
    rejected: Vec<RejectedView>,
    /// For the next page; missing on the last one. A page may be empty and still have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// A record that could not be read.
#[derive(Serialize, ToSchema)]
#[schema(as = Rejected)]
struct RejectedView {
    /// What identifies it to a person.
    key: String,
    problem: FindingProblem,
}

/// The object as it is after a write, as far as the connector says so.
#[derive(Serialize, ToSchema)]
#[schema(as = Written)]
struct WrittenView {
    class: String,
    uid: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<String>,
    /// Side effects the connector knows of.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<AnyJson>>)]
    attributes: Map<String, AnyJson>,
    /// Parts that failed although the rest was done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<FailureView>,
    /// Attributes for which the target made a secret; the secret is not shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    issued: Vec<String>,
}

/// A part of a write that failed.
#[derive(Serialize, ToSchema)]
#[schema(as = PartFailure)]
struct FailureView {
    attribute: String,
    problem: FindingProblem,
}

/// The target answers later.
#[derive(Serialize, ToSchema)]
pub(super) struct Pending {
    /// The connector's own handle of what it waits for.
    pending: String,
}

/// Lists objects of the target, page by page. A listing is kept open behind its cursor for a minute.
#[utoipa::path(get, path = "/v1/connections/{id}/objects/{class}", operation_id = "list_objects", tag = "objects",
    params(ClassPath, ObjectsQuery), responses((status = 200, body = ObjectPage)))]
async fn list(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, query }: At<ClassPath, ObjectsQuery>,
) -> Result<Json<ObjectPage>, Problem> {
    let (limit, resumed, begun) = (query.limit.get(), query.resumed()?, query.begun()?);
    let reading = Box::pin(async {
        match resumed {
            Some(cursor) => api.connections.next_objects(&rc, &path.id, &path.class, &cursor, limit).await,
            None => api.connections.list_objects(&rc, &path.id, &path.class, begun).await,
        }
    });
    let entry = act(&rc, "object.list").on(&path.id).class(&path.class);
    Ok(Json(ObjectPage::try_from(observed(&api, entry, reading).await?)?))
}

/// Creates an object.
#[utoipa::path(post, path = "/v1/connections/{id}/objects/{class}", operation_id = "create_object", tag = "objects",
    params(ClassPath), request_body = DraftWire,
    responses((status = 201, body = WrittenView), (status = 202, body = Pending)))]
async fn create(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ClassPath>,
    Body(draft): Body<DraftWire>,
) -> Result<Response, Problem> {
    let entry = act(&rc, "object.create").on(&path.id).class(&path.class).name(&draft.name);
    let entry = entry.attributes(draft.attributes.keys());
    let draft = ObjectDraft { name: draft.name, container: draft.container, attributes: draft.attributes };
    let called = Box::pin(api.connections.create_object(&rc, &path.id, &path.class, draft));
    Ok(match audited_call(&api, entry, called).await? {
        Outcome::Pending(handle) => pending(handle),
        Outcome::Done(written) => {
            let segments = ["connections", path.id.as_str(), "objects", path.class.as_str(), written.uid.as_str()];
            (StatusCode::CREATED, answer::location(&segments), answer(&path.class, written)).into_response()
        }
    })
}

/// Reads one object.
#[utoipa::path(get, path = "/v1/connections/{id}/objects/{class}/{uid}", operation_id = "show_object", tag = "objects",
    params(ObjectPath, ObjectQuery), responses((status = 200, body = ObjectView)))]
async fn show(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, query }: At<ObjectPath, ObjectQuery>,
) -> Result<Response, Problem> {
    let attributes = names(query.attributes.as_deref())?;
    let entry = act(&rc, "object.get").on(&path.id).object(&path.class, &path.uid);
    let reading = Box::pin(api.connections.get_object(&rc, &path.id, &path.class, &path.uid, attributes));
    let object = ObjectView::try_from(observed(&api, entry, reading).await?)?;
    let tag = object.revision.as_deref().map(etag);
    Ok((tag.map(axum::response::AppendHeaders), Json(object)).into_response())
}

/// Changes an object; renaming and moving are part of it.
#[utoipa::path(patch, path = "/v1/connections/{id}/objects/{class}/{uid}", operation_id = "update_object",
    tag = "objects", params(ObjectPath), request_body = PatchWire,
    responses((status = 200, body = WrittenView), (status = 202, body = Pending)))]
async fn update(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ObjectPath>,
    if_match: IfMatch,
    Body(patch): Body<PatchWire>,
) -> Result<Response, Problem> {
    let revision = if_match.text()?;
    let entry = act(&rc, "object.update").on(&path.id).object(&path.class, &path.uid).attributes(patch.changes.keys());
    let entry = patch.name.iter().fold(entry, |entry, name| entry.name(name));
    let patch = ObjectPatch { name: patch.name, container: patch.container, changes: patch.changes };
    let called = Box::pin(api.connections.update_object(&rc, &path.id, &path.class, &path.uid, patch, revision));
    Ok(match audited_call(&api, entry, called).await? {
        Outcome::Pending(handle) => pending(handle),
        Outcome::Done(written) => answer(&path.class, written),
    })
}

/// Deletes an object.
#[utoipa::path(delete, path = "/v1/connections/{id}/objects/{class}/{uid}", operation_id = "delete_object",
    tag = "objects", params(ObjectPath), responses((status = 204), (status = 202, body = Pending)))]
async fn delete(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ObjectPath>,
    if_match: IfMatch,
) -> Result<Response, Problem> {
    let revision = if_match.text()?;
    let entry = act(&rc, "object.delete").on(&path.id).object(&path.class, &path.uid);
    let called = Box::pin(api.connections.delete_object(&rc, &path.id, &path.class, &path.uid, revision));
    Ok(match audited_call(&api, entry, called).await? {
        Outcome::Pending(handle) => pending(handle),
        Outcome::Done(_) => StatusCode::NO_CONTENT.into_response(),
    })
}

impl ObjectsQuery {
    /// The cursor to go on from, if that is what was asked for.
    fn resumed(&self) -> Result<Option<String>> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let others = [
            ("filter", self.filter.is_some()),
            ("attributes", self.attributes.is_some()),
            ("container", self.container.is_some()),
        ];
        match others.into_iter().find(|(_, given)| *given) {
            Some((name, _)) => {
                let message = format!("{name} cannot be changed within a listing; leave it out beside a cursor");
                Err(Error::invalid(message).blaming(name))
            }
            None => Ok(Some(cursor.clone())),
        }
    }

    fn begun(self) -> Result<Query> {
        Ok(Query {
            attributes: names(self.attributes.as_deref())?,
            filter: self.filter,
            container: self.container,
            limit: self.limit.get(),
        })
    }
}

/// Attribute names separated by commas.
fn names(list: Option<&str>) -> Result<Option<Vec<AttributeName>>> {
    let parse = |name: &str| name.trim().parse().map_err(|why| Error::from(why).blaming("attributes"));
    list.map(|list| list.split(',').map(parse).collect()).transpose()
}

fn pending(handle: String) -> Response {
    (StatusCode::ACCEPTED, Json(Pending { pending: handle })).into_response()
}

fn answer(class: &ClassName, written: Written) -> Response {
    let tag = written.revision.as_deref().map(etag);
    (tag.map(axum::response::AppendHeaders), Json(WrittenView::new(class, written))).into_response()
}

impl WrittenView {
    fn new(class: &ClassName, written: Written) -> Self {
        let values = |values: &[_]| values.iter().map(json::value_to_json).collect::<Vec<_>>().into();
        Self {
            class: class.to_string(),
            uid: written.uid.into(),
            name: written.name,
            revision: written.revision,
            attributes: written.values.iter().map(|one| (one.name.clone(), values(&one.values))).collect(),
            failures: written.failed.into_iter().map(FailureView::from).collect(),
            issued: written.issued.into_iter().map(|issued| issued.name).collect(),
        }
    }
}

impl From<crate::model::PartFailure> for FailureView {
    fn from(part: crate::model::PartFailure) -> Self {
        Self { attribute: part.attribute, problem: part.error.into() }
    }
}

impl TryFrom<Object> for ObjectView {
    type Error = Error;

    fn try_from(object: Object) -> Result<Self> {
        Ok(Self {
            class: object.class.into(),
            uid: object.row.uid,
            name: object.row.name,
            revision: object.row.revision,
            body: ObjectBody::read(&object.body)?,
        })
    }
}

impl ObjectBody {
    /// Reads the body of an object as the host writes it.
    pub(super) fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|why| Error::internal(format!("an object's body is not readable: {why}")))
    }
}

impl TryFrom<LivePage> for ObjectPage {
    type Error = Error;

    fn try_from(page: LivePage) -> Result<Self> {
        Ok(Self {
            objects: page.objects.into_iter().map(ObjectView::try_from).collect::<Result<_>>()?,
            rejected: page.rejected.into_iter().map(RejectedView::from).collect(),
            cursor: page.cursor,
        })
    }
}

impl From<Rejected> for RejectedView {
    fn from(rejected: Rejected) -> Self {
        Self { key: rejected.key, problem: rejected.error.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_cannot_be_changed_while_it_is_read() {
        let query: ObjectsQuery = serde_json::from_str(r#"{"cursor": "c", "filter": "a eq 1"}"#).unwrap();
        assert_eq!(query.resumed().unwrap_err().attributes, ["filter"]);
    }

    #[test]
    fn an_empty_attribute_name_is_refused() {
        assert_eq!(names(Some("mail,,age")).unwrap_err().attributes, ["attributes"]);
        assert_eq!(names(Some("mail, First Name")).unwrap().unwrap().len(), 2);
    }
}
