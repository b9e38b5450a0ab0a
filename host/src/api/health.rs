//! Is the host alive, and can it serve?

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::body::At;
use super::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready))
}

/// That the host is well.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `live` or `ready`.
    status: &'static str,
}

/// Answers as long as the process does.
#[utoipa::path(get, path = "/health/live", operation_id = "health_live", tag = "health", security(()),
    responses((status = 200, body = Health)))]
async fn live(_: At) -> Json<Health> {
    Json(Health { status: "live" })
}

/// Answers when the store does; 503 otherwise.
#[utoipa::path(get, path = "/health/ready", operation_id = "health_ready", tag = "health", security(()),
    responses((status = 200, body = Health)))]
async fn ready(State(api): State<ApiState>, _: At) -> Result<Json<Health>, Problem> {
    api.store.systems(None, 1).await?;
    Ok(Json(Health { status: "ready" }))
}
