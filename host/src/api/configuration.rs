//! The whole configuration: as it is, what it would take to make it another, and making it so.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::audited::{Act, act, audited_each};
use super::body::{At, LargeBody};
use super::context::AsOperator;
use super::problem::Problem;
use crate::declared::{Declaration, Difference, Kind, Plan, Reach, Step, Waiting};
use crate::model::{ConnectionId, Permissions, RequestContext};

/// What its paths begin with.
pub(super) const PATH: &str = "/v1/configuration";

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(export)).routes(routes!(plan)).routes(routes!(apply)).routes(routes!(schema))
}

/// What the host is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConfigurationOrder {
    /// As `GET /v1/configuration/schema` describes it.
    #[schema(value_type = AnyJson)]
    declaration: Declaration,
    /// Approve the permissions that are declared; without it they stay requests.
    #[serde(default)]
    approve: bool,
    /// Delete what is there and not declared, of each kind of which something is.
    #[serde(default)]
    prune: bool,
}

/// What it takes, or took.
#[derive(Serialize, ToSchema)]
#[schema(as = ConfigurationPlan)]
struct PlanView {
    /// Was it carried out?
    applied: bool,
    steps: Vec<StepView>,
    /// Resources that are declared and already are what they should be.
    unchanged: usize,
    waiting: Vec<WaitingView>,
}

/// One resource that is not what it should be.
#[derive(Serialize, ToSchema)]
#[schema(as = ConfigurationStep)]
struct StepView {
    /// `publisher`, `connector`, `system`, `connection`, `mapping` or `schedule`.
    kind: &'static str,
    id: String,
    /// `create`, `update` or `delete`.
    action: &'static str,
    differences: Vec<DifferenceView>,
}

/// A place where a resource is not what it should be.
#[derive(Serialize, ToSchema)]
#[schema(as = ConfigurationDifference)]
struct DifferenceView {
    /// A JSON pointer (RFC 6901).
    path: String,
    /// Missing: nothing is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<AnyJson>,
    /// Missing: nothing will be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<AnyJson>,
}

/// A permission that is declared and not approved.
#[derive(Serialize, ToSchema)]
#[schema(as = WaitingPermission)]
struct WaitingView {
    connection: String,
    permission: String,
}

/// Shows the whole configuration as a declaration, as `POST /v1/configuration/apply` takes it. Secrets are left out.
#[utoipa::path(get, path = "/v1/configuration", operation_id = "export_configuration", tag = "configuration",
    security(("token" = ["operator"])), responses((status = 200, body = AnyJson)))]
async fn export(_: AsOperator, State(api): State<ApiState>, _: At) -> Result<Json<Declaration>, Problem> {
    Ok(Json(api.declared.export().await?))
}

/// Describes declarations, for editors (JSON Schema, draft 2020-12).
#[utoipa::path(get, path = "/v1/configuration/schema", operation_id = "configuration_schema", tag = "configuration",
    responses((status = 200, body = AnyJson)))]
async fn schema(_: super::context::AsCore, _: At) -> Json<AnyJson> {
    Json(Declaration::json_schema())
}

/// Shows what it would take to make the host what is declared, or refuses what would be refused. Nothing changes.
#[utoipa::path(post, path = "/v1/configuration/plan", operation_id = "plan_configuration", tag = "configuration",
    request_body = ConfigurationOrder, security(("token" = ["operator"])), responses((status = 200, body = PlanView)))]
async fn plan(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    _: At,
    LargeBody(order): LargeBody<ConfigurationOrder>,
) -> Result<Json<PlanView>, Problem> {
    let reach = order.reach();
    let planned = api.declared.plan(order.declaration, reach).await?;
    api.declared.rehearse(&rc, &planned).await?;
    Ok(Json(PlanView::new(planned.plan, false)))
}

/// Makes the host what is declared: all of it in one transaction, or nothing.
#[utoipa::path(post, path = "/v1/configuration/apply", operation_id = "apply_configuration", tag = "configuration",
    request_body = ConfigurationOrder, security(("token" = ["operator"])), responses((status = 200, body = PlanView)))]
async fn apply(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    _: At,
    LargeBody(order): LargeBody<ConfigurationOrder>,
) -> Result<Json<PlanView>, Problem> {
    let reach = order.reach();
    let planned = api.declared.plan(order.declaration, reach).await?;
    if !planned.plan.steps.is_empty() {
        let acts = planned.plan.steps.iter().map(|step| entry(&rc, step)).collect();
        audited_each(&api, acts, api.declared.apply(&rc, &planned)).await?;
    }
    Ok(Json(PlanView::new(planned.plan, true)))
}

/// What the trail says of a step: what is done to what, and where it differs, without values; but for what is trusted,
/// served and permitted from now on, which is said as it is where it is decided alone.
fn entry(rc: &RequestContext, step: &Step) -> Act {
    let act = act(rc, &format!("{}.{}", step.kind.as_str(), step.action.as_str()));
    let act = match step.id.parse::<ConnectionId>() {
        Ok(id) if step.kind == Kind::Connection => act.on(&id),
        _ => act.parameter(step.kind.as_str(), &step.id),
    };
    let paths: Vec<&str> =
        step.differences.iter().map(|found| found.path.as_str()).filter(|path| !path.is_empty()).collect();
    let act = act.parameter("by", "apply").parameter("changes", paths.join(" "));
    match step.kind {
        Kind::Connection => {
            let (approve, withdraw) = step.permissions();
            let listed =
                |permissions: Permissions| permissions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            act.parameter("approve", listed(approve)).parameter("withdraw", listed(withdraw))
        }
        Kind::Publisher | Kind::Connector => {
            let after = step.differences.iter().filter_map(|found| found.after.as_ref());
            act.parameter("after", after.map(ToString::to_string).collect::<Vec<_>>().join(" "))
        }
        _ => act,
    }
}

impl ConfigurationOrder {
    fn reach(&self) -> Reach {
        Reach { approve: self.approve, prune: self.prune }
    }
}

impl PlanView {
    fn new(plan: Plan, applied: bool) -> Self {
        Self {
            applied,
            steps: plan.steps.into_iter().map(StepView::from).collect(),
            unchanged: plan.unchanged,
            waiting: plan.waiting.into_iter().map(WaitingView::from).collect(),
        }
    }
}

impl From<Step> for StepView {
    fn from(step: Step) -> Self {
        let differences = step.differences.into_iter().map(DifferenceView::from).collect();
        Self { kind: step.kind.as_str(), id: step.id, action: step.action.as_str(), differences }
    }
}

impl From<Difference> for DifferenceView {
    fn from(difference: Difference) -> Self {
        Self { path: difference.path, before: difference.before, after: difference.after }
    }
}

impl From<Waiting> for WaitingView {
    fn from(waiting: Waiting) -> Self {
        Self { connection: waiting.connection.into(), permission: waiting.permission.to_string() }
    }
}
