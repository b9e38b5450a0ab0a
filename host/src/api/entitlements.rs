//! Entitlements of one principal: listed, granted, revoked. A verb for each, never a rewrite of a member list.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as AnyJson};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::audited::{act, audited_call, observed};
use super::body::{At, OptionalBody};
use super::context::AsCore;
use super::objects::ObjectPath;
use super::page::{self, PageQuery};
use super::path;
use super::problem::Problem;
use crate::connections::GrantDraft;
use crate::model::{Assignment, AssignmentPage, ClassName, ConnectionId, Error, Key, Reference, Result, Uid, json};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(grant, revoke))
}

/// Which entitlement of which principal.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
struct GrantPath {
    /// The connection's identifier, without regard to case.
    #[param(value_type = String)]
    id: ConnectionId,
    /// The principal's class: percent-encoded, or `~` and base64url.
    #[serde(deserialize_with = "path::named")]
    #[param(value_type = String)]
    class: ClassName,
    /// The principal: percent-encoded, or `~` and base64url.
    #[serde(deserialize_with = "path::named")]
    #[param(value_type = String)]
    uid: Uid,
    /// The entitlement's class: percent-encoded, or `~` and base64url.
    #[serde(deserialize_with = "path::named")]
    #[param(value_type = String)]
    eclass: ClassName,
    /// The entitlement: percent-encoded, or `~` and base64url.
    #[serde(deserialize_with = "path::named")]
    #[param(value_type = String)]
    euid: Uid,
}

/// How an entitlement is granted, or which grant is revoked.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct GrantRequest {
    /// By the parameters of the entitlement's class: lists of values.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<AnyJson>>)]
    pub(super) parameters: Map<String, AnyJson>,
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<jiff::Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    not_after: Option<jiff::Timestamp>,
}

/// One page of a principal's entitlements.
#[derive(Serialize, ToSchema)]
#[schema(as = AssignmentPage)]
struct AssignmentsView {
    assignments: Vec<AssignmentView>,
    /// For the next page; missing on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// One entitlement of a principal.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Assignment)]
struct AssignmentView {
    /// The target's own identifier of the assignment, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    entitlement: EntitlementView,
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<AnyJson>>)]
    parameters: Map<String, AnyJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<String>,
    /// False when it comes through another entitlement, named in `via`.
    direct: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    via: Vec<ReferenceView>,
}

/// The object that was granted.
#[derive(Serialize, ToSchema)]
#[schema(as = Entitlement)]
struct EntitlementView {
    class: String,
    uid: String,
    /// A hint that may be stale.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// A pointer to an object, by uid or by name.
#[derive(Serialize, ToSchema)]
#[schema(as = Reference)]
pub(super) struct ReferenceView {
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// What a grant did.
#[derive(Serialize, ToSchema)]
#[schema(as = Granted)]
struct GrantedView {
    /// `granted`, `already-granted`, `replaced` or `pending`.
    outcome: &'static str,
    /// The target's own identifier of the assignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

/// What a revoke did.
#[derive(Serialize, ToSchema)]
#[schema(as = Revoked)]
struct RevokedView {
    /// `revoked`, `already-revoked`, `inherited` or `pending`.
    outcome: &'static str,
}

/// Lists what a principal was granted.
#[utoipa::path(get, path = "/v1/connections/{id}/objects/{class}/{uid}/entitlements",
    operation_id = "list_entitlements", tag = "entitlements", params(ObjectPath, PageQuery),
    responses((status = 200, body = AssignmentsView)))]
async fn list(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, query }: At<ObjectPath, PageQuery>,
) -> Result<Json<AssignmentsView>, Problem> {
    let after = query.cursor.as_deref().map(page::bytes).transpose()?;
    let (id, limit) = (&path.id, query.limit.get());
    let entry = act(&rc, "entitlement.list").on(id).object(&path.class, &path.uid);
    let reading = Box::pin(api.connections.entitlements(&rc, id, &path.class, &path.uid, after, limit));
    Ok(Json(AssignmentsView::try_from(observed(&api, entry, reading).await?)?))
}

/// Grants an entitlement. Granting what is granted already changes nothing.
#[utoipa::path(put, path = "/v1/connections/{id}/objects/{class}/{uid}/entitlements/{eclass}/{euid}",
    operation_id = "grant_entitlement", tag = "entitlements", params(GrantPath),
    request_body = Option<GrantRequest>, responses((status = 200, body = GrantedView)))]
async fn grant(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<GrantPath>,
    OptionalBody(request): OptionalBody<GrantRequest>,
) -> Result<Json<GrantedView>, Problem> {
    let entry = act(&rc, "entitlement.grant").on(&path.id).object(&path.class, &path.uid);
    let entry = entry.parameter("class", &path.eclass).parameter("uid", &path.euid);
    let what = path.draft(request)?;
    let called = Box::pin(api.connections.grant(&rc, &path.id, &path.class, &path.uid, what));
    let granted = audited_call(&api, entry, called).await?;
    Ok(Json(GrantedView { outcome: granted.outcome.as_str(), id: granted.id }))
}

/// Revokes an entitlement. Revoking what is not granted changes nothing.
#[utoipa::path(delete, path = "/v1/connections/{id}/objects/{class}/{uid}/entitlements/{eclass}/{euid}",
    operation_id = "revoke_entitlement", tag = "entitlements", params(GrantPath),
    request_body = Option<GrantRequest>, responses((status = 200, body = RevokedView)))]
async fn revoke(
    AsCore(rc): AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<GrantPath>,
    OptionalBody(request): OptionalBody<GrantRequest>,
) -> Result<Json<RevokedView>, Problem> {
    let entry = act(&rc, "entitlement.revoke").on(&path.id).object(&path.class, &path.uid);
    let entry = entry.parameter("class", &path.eclass).parameter("uid", &path.euid);
    let what = path.draft(request)?;
    let called = Box::pin(api.connections.revoke(&rc, &path.id, &path.class, &path.uid, what));
    Ok(Json(RevokedView { outcome: audited_call(&api, entry, called).await?.as_str() }))
}

impl GrantPath {
    fn draft(&self, request: GrantRequest) -> Result<GrantDraft> {
        let GrantRequest { parameters, not_before, not_after } = request;
        if let (Some(from), Some(to)) = (not_before, not_after)
            && from >= to
        {
            return Err(Error::invalid("notAfter must be later than notBefore").blaming("notAfter"));
        }
        Ok(GrantDraft { class: self.eclass.clone(), uid: self.euid.clone(), parameters, not_before, not_after })
    }
}

impl TryFrom<AssignmentPage> for AssignmentsView {
    type Error = Error;

    fn try_from(page: AssignmentPage) -> Result<Self> {
        Ok(Self {
            assignments: page.assignments.into_iter().map(AssignmentView::try_from).collect::<Result<_>>()?,
            cursor: page.next.map(page::written),
        })
    }
}

impl TryFrom<Assignment> for AssignmentView {
    type Error = Error;

    fn try_from(assignment: Assignment) -> Result<Self> {
        let values = |values: &[_]| values.iter().map(json::value_to_json).collect::<Vec<_>>().into();
        let entitlement = assignment.entitlement;
        Ok(Self {
            id: assignment.id,
            entitlement: EntitlementView { class: entitlement.class, uid: entitlement.uid, name: entitlement.name },
            parameters: assignment.parameters.iter().map(|one| (one.name.clone(), values(&one.values))).collect(),
            not_before: assignment.not_before.map(instant).transpose()?,
            not_after: assignment.not_after.map(instant).transpose()?,
            direct: assignment.direct,
            via: assignment.via.into_iter().map(ReferenceView::from).collect(),
        })
    }
}

fn instant(micros: i64) -> Result<String> {
    json::instant_text(micros).ok_or_else(|| {
        let kind = crate::model::FailureKind::SchemaViolation;
        Error::failure(kind, "the connector answered with an instant beyond the year 9999")
    })
}

impl From<Reference> for ReferenceView {
    fn from(reference: Reference) -> Self {
        let class = reference.class;
        match reference.key {
            Key::Uid(uid) => Self { class, uid: Some(uid), name: None },
            Key::Name(name) => Self { class, uid: None, name: Some(name) },
        }
    }
}
