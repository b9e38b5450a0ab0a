//! What the gate would decide about a place that a connection's connector wanted to reach.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::body::At;
use super::connections::ConnectionPath;
use super::context::AsOperator;
use super::problem::Problem;
use crate::connections::Explanation;
use crate::egress::rules::Ruling;
use crate::egress::target::Target;
use crate::model::Error;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(explain))
}

/// Which place.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ExplainQuery {
    /// `protocol://host:port`.
    target: String,
}

/// A decision, and the rule that made it.
#[derive(Serialize, ToSchema)]
#[schema(as = Explanation)]
struct ExplanationView {
    /// In its one spelling.
    target: String,
    allowed: bool,
    /// What refuses it, and what would allow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
    /// Of an `ldap` place that may be reached with StartTLS: what refuses it without, and what would allow that.
    #[serde(skip_serializing_if = "Option::is_none")]
    unprotected: Option<String>,
    /// The connection's destination that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<String>,
    /// What its connector asks for there.
    #[serde(skip_serializing_if = "Option::is_none")]
    permission: Option<String>,
    /// Where it was found; empty if it was refused before its name was looked up.
    addresses: Vec<AddressView>,
}

/// One address of the place.
#[derive(Serialize, ToSchema)]
#[schema(as = ExplainedAddress)]
struct AddressView {
    address: String,
    /// `public`, `private`, `loopback`, `link-local`, `metadata` or `reserved`.
    range: String,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
}

/// Explains whether the connection's connector could reach a place, and by which rule. The name is looked up, nothing is
/// connected to.
#[utoipa::path(get, path = "/v1/connections/{id}/explain", operation_id = "explain_destination", tag = "permissions",
    params(ConnectionPath, ExplainQuery), security(("token" = ["operator"])),
    responses((status = 200, body = ExplanationView)))]
async fn explain(
    _: AsOperator,
    State(api): State<ApiState>,
    At { path, query }: At<ConnectionPath, ExplainQuery>,
) -> Result<Json<ExplanationView>, Problem> {
    let target: Target = query.target.parse().map_err(|why: Error| why.blaming("target"))?;
    Ok(Json(api.connections.explain(&api.egress, &path.id, target).await?.into()))
}

impl From<Explanation> for ExplanationView {
    fn from(Explanation { target, route, forecast }: Explanation) -> Self {
        let (destination, permission) =
            route.map(|route| (route.name.to_string(), route.permission.to_string())).unzip();
        Self {
            target: target.to_string(),
            allowed: forecast.refusal.is_none(),
            refusal: forecast.refusal.map(|refusal| refusal.message),
            unprotected: forecast.unprotected.map(|refusal| refusal.message),
            destination,
            permission,
            addresses: forecast.addresses.into_iter().map(AddressView::from).collect(),
        }
    }
}

impl From<Ruling> for AddressView {
    fn from(ruling: Ruling) -> Self {
        Self {
            address: ruling.address.to_string(),
            range: ruling.class.as_str().to_owned(),
            allowed: ruling.refusal.is_none(),
            refusal: ruling.refusal,
        }
    }
}
