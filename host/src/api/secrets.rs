//! What is done with secrets as a whole: reading references again, and rotating the vault's key.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::audited::{act, audited};
use super::body::At;
use super::connections::ConnectionPath;
use super::context::AsOperator;
use super::problem::Problem;
use crate::connections::{FailedReading, Reread};
use crate::model::Result;
use crate::secrets::Rotated;

/// How many references that led nowhere are told of at once.
const FAILURES_SHOWN_MAX: usize = 100;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(reread)).routes(routes!(reread_all)).routes(routes!(rotate))
}

/// What came of reading references again.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Reread)]
struct RereadView {
    /// How many references there are.
    read: u64,
    /// How many led to another value than before, or to none any more, or to one again. Their connections' sessions and
    /// tokens were thrown away.
    changed: u64,
    /// How many led to no value, or could not be read at all.
    failed: usize,
    /// The first 100 of those.
    failures: Vec<FailureView>,
}

/// A reference that led to no value, or a connection whose references cannot be read.
#[derive(Serialize, ToSchema)]
#[schema(as = RereadFailure)]
struct FailureView {
    connection: String,
    /// The secured options to blame.
    options: Vec<String>,
    /// What calls on the connection answer.
    kind: &'static str,
    message: String,
}

/// What came of rotating the vault's key.
#[derive(Serialize, ToSchema)]
#[schema(as = Rotated)]
struct RotatedView {
    /// The id of the key that everything is sealed under.
    key: String,
    /// How many values were sealed anew.
    sealed: u64,
    /// An earlier rotation had not ended; this one went on with its key.
    continued: bool,
    /// The ids of the keys that are gone from the key file.
    removed: Vec<String>,
    /// The ids of the keys that open nothing any more and may be removed from `HAWSER_VAULT_KEY`.
    removable: Vec<String>,
}

/// Reads again what the references of a connection point at. What changed holds for the next call.
#[utoipa::path(post, path = "/v1/connections/{id}/secured-options/reread", operation_id = "reread_secured_options",
    tag = "connections", params(ConnectionPath), security(("token" = ["operator"])),
    responses((status = 200, body = RereadView)))]
async fn reread(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
) -> Result<Json<RereadView>, Problem> {
    let act = act(&rc, "secured-option.reread").on(&path.id);
    Ok(Json(audited(&api, act, api.connections.reread(&path.id)).await?.into()))
}

/// Reads again what the references of all connections point at.
#[utoipa::path(post, path = "/v1/secrets/reread", operation_id = "reread_secrets", tag = "connections",
    security(("token" = ["operator"])), responses((status = 200, body = RereadView)))]
async fn reread_all(AsOperator(rc): AsOperator, State(api): State<ApiState>) -> Result<Json<RereadView>, Problem> {
    Ok(Json(audited(&api, act(&rc, "secrets.reread"), api.connections.reread_all()).await?.into()))
}

/// Seals all secrets anew under a new key, and removes the old one. A rotation that was interrupted is gone on with.
#[utoipa::path(post, path = "/v1/secrets/rotate", operation_id = "rotate_secrets", tag = "connections",
    security(("token" = ["operator"])), responses((status = 200, body = RotatedView)))]
async fn rotate(AsOperator(rc): AsOperator, State(api): State<ApiState>) -> Result<Json<RotatedView>, Problem> {
    Ok(Json(audited(&api, act(&rc, "secrets.rotate"), api.connections.rotate_secrets()).await?.into()))
}

impl From<Reread> for RereadView {
    fn from(reread: Reread) -> Self {
        let Reread { read, changed, failed } = reread;
        let count = failed.len();
        let failures = failed.into_iter().take(FAILURES_SHOWN_MAX).map(FailureView::from).collect();
        Self { read, changed, failed: count, failures }
    }
}

impl From<FailedReading> for FailureView {
    fn from(FailedReading { connection, error }: FailedReading) -> Self {
        let kind = error.kind.as_str();
        Self { connection: connection.to_string(), options: error.attributes, kind, message: error.message }
    }
}

impl From<Rotated> for RotatedView {
    fn from(rotated: Rotated) -> Self {
        let Rotated { key, sealed, continued, removed, removable } = rotated;
        Self { key, sealed, continued, removed, removable }
    }
}
