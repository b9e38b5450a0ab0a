//! The switches of a connection: what an operator turns off, and on again, without touching the rest.

use axum::extract::State;
use axum::response::Response;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::audited::{act, audited};
use super::body::{At, Body};
use super::connections::{ConnectionPath, ConnectionView, answer};
use super::context::AsOperator;
use super::etag::IfMatch;
use super::problem::Problem;
use crate::model::{Error, SwitchesChange};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(change))
}

/// What is switched off of a connection; everything is on when it is created.
#[derive(ToSchema)]
#[schema(as = Switches)]
#[allow(dead_code, clippy::struct_excessive_bools, reason = "describes the model's type to the API document")]
pub(super) struct SwitchesSchema {
    /// Off: nothing reaches the target but a check.
    #[schema(default = true)]
    enabled: bool,
    /// Off: no imports.
    #[schema(default = true)]
    import: bool,
    /// Off: nothing is changed in the target.
    #[schema(default = true)]
    fulfil: bool,
    /// On: the target is being maintained; changes are refused as `target-maintenance`.
    #[schema(default = false)]
    maintenance: bool,
}

/// Switches to set; those that are left out stay.
#[derive(ToSchema)]
#[schema(as = SwitchesChange)]
#[allow(dead_code, reason = "describes the model's type to the API document")]
struct SwitchesChangeSchema {
    enabled: Option<bool>,
    import: Option<bool>,
    fulfil: Option<bool>,
    maintenance: Option<bool>,
}

/// Sets switches of a connection. Disabling it cancels what waits for it, and stops what runs.
#[utoipa::path(patch, path = "/v1/connections/{id}/switches", operation_id = "switch_connection", tag = "connections",
    params(ConnectionPath), request_body = SwitchesChangeSchema, security(("token" = ["operator"])),
    responses((status = 200, body = ConnectionView)))]
async fn change(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<ConnectionPath>,
    if_match: IfMatch,
    Body(change): Body<SwitchesChange>,
) -> Result<Response, Problem> {
    let named = change.named();
    if named.is_empty() {
        return Err(Error::invalid("name a switch: enabled, import, fulfil or maintenance").into());
    }
    let revision = if_match.number()?;
    let entry = named.into_iter().fold(act(&rc, "connection.switch").on(&path.id), |act, (switch, on)| {
        act.parameter(switch, if on { "on" } else { "off" })
    });
    let switching = api.connections.switch(&path.id, revision, |switches| change.applied_to(switches));
    let switched = audited(&api, entry, switching).await?;
    api.tasks.refresh_if_due(&rc, &path.id).await;
    Ok(answer(&api, switched))
}
