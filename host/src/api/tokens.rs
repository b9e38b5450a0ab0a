//! Tokens: made and shown once, listed without themselves, revoked.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::audited::{act, audited};
use super::auth;
use super::body::{At, Body, Nothing};
use super::context::AsOperator;
use super::page::{self, Listed, PageQuery};
use super::problem::Problem;
use crate::model::{Role, TokenName};
use crate::store::Token;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list, make)).routes(routes!(revoke))
}

/// A token, without what makes it one.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
struct TokenView {
    name: String,
    /// `core` or `operator`.
    role: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created: jiff::Timestamp,
}

/// Which token.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
struct TokenPath {
    #[param(value_type = String)]
    name: TokenName,
}

/// A token to make.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenDraft {
    /// Whose it is, for lists and the audit trail: `^[A-Za-z][A-Za-z0-9.-]{0,127}$`.
    #[schema(value_type = String, pattern = "^[A-Za-z][A-Za-z0-9.-]{0,127}$")]
    name: TokenName,
    role: RoleWire,
}

/// What a token may do.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = Role)]
enum RoleWire {
    /// Run operations on connections.
    Core,
    /// Everything.
    Operator,
}

/// A new token.
#[derive(Serialize, ToSchema)]
struct NewToken {
    name: String,
    /// `core` or `operator`.
    role: &'static str,
    /// The token itself, shown this once; the host keeps its hash only.
    token: String,
}

/// Lists the tokens by name.
#[utoipa::path(get, path = "/v1/tokens", operation_id = "list_tokens", tag = "tokens", params(PageQuery),
    security(("token" = ["operator"])), responses((status = 200, body = Listed<TokenView>)))]
async fn list(
    _: AsOperator,
    State(api): State<ApiState>,
    At { query, .. }: At<Nothing, PageQuery>,
) -> Result<Json<Listed<TokenView>>, Problem> {
    let after: Option<String> = page::key(query.cursor.as_deref())?;
    let tokens = api.store.tokens().await?.into_iter();
    let rest = tokens.filter(|token| after.as_ref().is_none_or(|after| token.name > *after)).collect();
    Ok(Json(Listed::cut(rest, query.limit, |token| token.name.clone(), TokenView::from)))
}

/// Makes a token. Its answer is not kept under an idempotency key.
#[utoipa::path(post, path = "/v1/tokens", operation_id = "make_token", tag = "tokens", request_body = TokenDraft,
    security(("token" = ["operator"])), responses((status = 201, body = NewToken)))]
async fn make(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    _: At,
    Body(draft): Body<TokenDraft>,
) -> Result<(StatusCode, Json<NewToken>), Problem> {
    let role = Role::from(draft.role);
    let token = auth::token(role);
    let entry = act(&rc, "token.make").name(draft.name.as_str()).parameter("role", role.as_str());
    audited(&api, entry, async {
        api.store.insert_token(draft.name.as_str(), role, auth::hash(&token)).await.map(drop)
    })
    .await?;
    Ok((StatusCode::CREATED, Json(NewToken { name: draft.name.into(), role: role.as_str(), token })))
}

/// Revokes a token, from the next request on.
#[utoipa::path(delete, path = "/v1/tokens/{name}", operation_id = "revoke_token", tag = "tokens", params(TokenPath),
    security(("token" = ["operator"])), responses((status = 204)))]
async fn revoke(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<TokenPath>,
) -> Result<StatusCode, Problem> {
    let entry = act(&rc, "token.revoke").name(path.name.as_str());
    audited(&api, entry, api.store.delete_token(&path.name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<RoleWire> for Role {
    fn from(role: RoleWire) -> Self {
        match role {
            RoleWire::Core => Self::Core,
            RoleWire::Operator => Self::Operator,
        }
    }
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        Self { name: token.name, role: token.role.as_str(), created: token.created }
    }
}
