//! Permissions of a connection: what its connector asks for in plain words, and what operators approved.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::audited::{act, audited};
use super::body::{At, Body};
use super::connections::ConnectionPath;
use super::context::{AsCore, AsOperator};
use super::problem::Problem;
use crate::connections::Asked;
use crate::model::{Permission, Permissions};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, change))
}

/// What the connector asks for and what is approved.
#[derive(Serialize, ToSchema)]
struct PermissionList {
    items: Vec<PermissionView>,
}

/// One permission of a connection.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Permission)]
struct PermissionView {
    /// Its spelling, e.g. `directory:data:read-write`; what refusals name.
    permission: String,
    /// What it means; empty where the connector no longer asks for it.
    words: String,
    /// The connector asks for it.
    requested: bool,
    approved: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    approved_at: Option<jiff::Timestamp>,
    /// The name of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<String>,
}

/// What to approve and what to withdraw, in one step.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PermissionChange {
    /// Each as it is listed; of a directory also `read-only` where `read-write` is asked for.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    approve: Permissions,
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    withdraw: Permissions,
}

/// Lists what a connection's connector asks for, and what is approved.
#[utoipa::path(get, path = "/v1/connections/{id}/permissions",
    operation_id = "list_permissions", tag = "permissions", params(ConnectionPath),
    responses((status = 200, body = PermissionList)))]
async fn list(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
) -> Result<Json<PermissionList>, Problem> {
    Ok(Json(api.connections.permissions(&path.id).await?.into()))
}

/// Approves and withdraws permissions. They hold from the next call on.
#[utoipa::path(post, path = "/v1/connections/{id}/permissions",
    operation_id = "change_permissions", tag = "permissions", params(ConnectionPath),
    request_body = PermissionChange, security(("token" = ["operator"])),
    responses((status = 200, body = PermissionList)))]
async fn change(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
    Body(PermissionChange { approve, withdraw }): Body<PermissionChange>,
) -> Result<Json<PermissionList>, Problem> {
    let entry = act(&rc, "connection.approve")
        .on(&path.id)
        .parameter("approve", spelt(&approve))
        .parameter("withdraw", spelt(&withdraw));
    let changing = api.connections.approve(&path.id, &approve, &withdraw, &rc.caller.name);
    let asked = audited(&api, entry, changing).await?;
    api.tasks.refresh_if_due(&rc, &path.id).await;
    Ok(Json(asked.into()))
}

fn spelt(permissions: &Permissions) -> String {
    permissions.iter().map(Permission::to_string).collect::<Vec<_>>().join(" ")
}

impl From<Vec<Asked>> for PermissionList {
    fn from(asked: Vec<Asked>) -> Self {
        Self { items: asked.into_iter().map(PermissionView::from).collect() }
    }
}

impl From<Asked> for PermissionView {
    fn from(asked: Asked) -> Self {
        let (at, by) = asked.approval.map(|approval| (approval.at, approval.by)).unzip();
        Self {
            permission: asked.permission.to_string(),
            words: asked.words,
            requested: asked.requested,
            approved: at.is_some(),
            approved_at: at,
            approved_by: by,
        }
    }
}
