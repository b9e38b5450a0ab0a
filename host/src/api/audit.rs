//! The audit trail: who did what, what came of it, and whether the trail is as it was written.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value as AnyJson;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::body::{At, Nothing};
use super::context::AsOperator;
use super::page::{Limit, Listed};
use super::problem::Problem;
use crate::audit::{AuditFilter, AuditId, AuditRecord, OutcomeStatus, RecordedOutcome, Verified};
use crate::model::ConnectionId;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(verify))
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Only what was done to this connection.
    #[param(value_type = Option<String>)]
    connection: Option<ConnectionId>,
    /// Only what the token of this name did.
    caller: Option<String>,
    /// Only this action, e.g. `object.create`.
    action: Option<String>,
    /// Only what belongs to this request.
    #[serde(rename = "requestId")]
    request_id: Option<String>,
    /// Only entries with a greater id; `next` of the page before. `cursor` is another name for it.
    #[serde(alias = "cursor")]
    after: Option<i64>,
    /// Items of the page, 1 to 1000.
    #[serde(default)]
    #[param(value_type = Option<u32>, default = 100, minimum = 1, maximum = 1000)]
    limit: Limit,
}

/// One operation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditEntry)]
struct EntryView {
    id: i64,
    #[schema(value_type = String, format = DateTime)]
    at: jiff::Timestamp,
    /// The token's name.
    caller: String,
    role: String,
    request_id: String,
    /// Noun and verb, e.g. `object.create`.
    action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    /// The class of the object it was about.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    /// The object, where it was known before.
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    /// The object's name, where it was known, or the name it was to have.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Names of the attributes that were to change; never their values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<String>,
    /// What else tells the operation from others of its kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    parameters: BTreeMap<String, AnyJson>,
    /// Missing while it is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<OutcomeView>,
}

/// What came of an operation.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditOutcome)]
struct OutcomeView {
    /// `succeeded`, `failed` or `outcome-unknown`.
    #[schema(value_type = String)]
    status: OutcomeStatus,
    #[schema(value_type = String, format = DateTime)]
    at: jiff::Timestamp,
    /// The kind of the error, as in the last part of a problem's type.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What a failed operation did to the target: `none`, `some` or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<String>,
    /// The uid of the object that was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    /// Network places the connector reached, each by its destination and where it was.
    destinations: Vec<String>,
    /// Directories the connector used, each with the access it took.
    directories: Vec<String>,
    /// Credentials the connector used, by slot.
    credentials: Vec<String>,
    /// Of these, the ones whose bytes it read.
    revealed: Vec<String>,
    /// How many requests the connector was refused.
    refused: u64,
    /// What served it: `publisher/name version`, and `UNSIGNED` if it was loaded without a signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    release: Option<String>,
}

/// Whether the trail is as it was written.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditVerified)]
struct VerifiedView {
    intact: bool,
    /// Rows of the trail, two for an operation, if it is intact.
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<i64>,
    /// The hash of the last row in hexadecimal, if it is intact: noted elsewhere, it also shows when rows are missing
    /// at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<String>,
    /// The first row that is missing, moved or changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_broken: Option<i64>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// Lists operations in the order they began.
#[utoipa::path(get, path = "/v1/audit", operation_id = "list_audit", tag = "audit", params(AuditQuery),
    security(("token" = ["operator"])), responses((status = 200, body = Listed<EntryView>)))]
async fn list(
    _: AsOperator,
    State(api): State<ApiState>,
    At { query, .. }: At<Nothing, AuditQuery>,
) -> Result<Json<Listed<EntryView>>, Problem> {
    let AuditQuery { connection, caller, action, request_id, after, limit } = query;
    let filter = AuditFilter { connection, who: caller, action, request_id };
    let records = api.audit.list(&filter, after.map(AuditId), limit.and_one()).await?;
    Ok(Json(Listed::plainly(records, limit, |record| record.id.0, EntryView::from)))
}

/// Checks the whole chain of entries.
#[utoipa::path(get, path = "/v1/audit/verify", operation_id = "verify_audit", tag = "audit",
    security(("token" = ["operator"])), responses((status = 200, body = VerifiedView)))]
async fn verify(_: AsOperator, State(api): State<ApiState>, _: At) -> Result<Json<VerifiedView>, Problem> {
    Ok(Json(api.audit.verify().await?.into()))
}

impl From<AuditRecord> for EntryView {
    fn from(record: AuditRecord) -> Self {
        Self {
            id: record.id.0,
            at: record.at,
            caller: record.who,
            role: record.role,
            request_id: record.request_id,
            action: record.action,
            connection: record.connection.map(String::from),
            class: record.class,
            uid: record.uid,
            name: record.name,
            attributes: record.attributes,
            parameters: record.parameters,
            outcome: record.outcome.map(OutcomeView::from),
        }
    }
}

impl From<RecordedOutcome> for OutcomeView {
    fn from(RecordedOutcome { at, outcome }: RecordedOutcome) -> Self {
        Self {
            status: outcome.status,
            at,
            error: outcome.error,
            effect: outcome.effect,
            uid: outcome.uid,
            destinations: outcome.destinations,
            directories: outcome.directories,
            credentials: outcome.credentials,
            revealed: outcome.revealed,
            refused: outcome.refused,
            release: outcome.release,
        }
    }
}

impl From<Verified> for VerifiedView {
    fn from(verified: Verified) -> Self {
        match verified {
            Verified::Sound { rows, head } => {
                let head = head.iter().map(|byte| format!("{byte:02x}")).collect();
                Self { intact: true, rows: Some(rows), head: Some(head), first_broken: None, reason: None }
            }
            Verified::Broken(broken) => Self {
                intact: false,
                rows: None,
                head: None,
                first_broken: Some(broken.row),
                reason: Some(broken.reason),
            },
        }
    }
}
