//! The names and roles of the tokens; the tokens themselves nobody can read back.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::body::{At, Nothing};
use super::context::AsOperator;
use super::page::{self, Listed, PageQuery};
use super::problem::Problem;
use crate::store::Token;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list))
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

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        Self { name: token.name, role: token.role.as_str(), created: token.created }
    }
}
