//! The feed of what publishing has changed, from any position on: reading goes on after the last position seen.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as AnyJson};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::body::At;
use super::connections::ConnectionPath;
use super::context::AsCore;
use super::entitlements::ReferenceView;
use super::ndjson::{self, Lines, PAGE_ROWS};
use super::page::Limit;
use super::problem::Problem;
use crate::model::{ChangeKind, Position, PublishedChange, Result};

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(changes))
}

/// From where, and how many.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChangesQuery {
    /// The last position seen; 0 is the beginning.
    #[serde(default)]
    #[param(value_type = Option<u64>, default = 0)]
    after: After,
    /// Lines at most, 1 to 1000; all there are, if left out.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<Limit>,
}

/// A position that a reader can have seen.
#[derive(Default, Deserialize)]
#[serde(try_from = "u64")]
struct After(Position);

/// The head of a change's line; what the kind has besides follows.
#[derive(Serialize)]
struct ChangeHead<'a> {
    position: Position,
    kind: &'static str,
    class: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    uid: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
}

/// One change.
#[derive(ToSchema)]
#[schema(as = Change)]
#[allow(dead_code, reason = "describes to the API document what is written from the store's text")]
struct ChangeSchema {
    /// Reading goes on after this.
    position: i64,
    /// `insert`, `update`, `delete`, `link-added` or `link-removed`.
    kind: String,
    class: String,
    /// The object's, or of a link its owner's, as far as it is known.
    uid: Option<String>,
    name: Option<String>,
    /// For inserts and updates: lists of values by attribute name.
    #[schema(value_type = Option<std::collections::BTreeMap<String, Vec<AnyJson>>>)]
    attributes: Option<Map<String, AnyJson>>,
    /// For inserts and updates: attributes that were not read.
    unread: Option<Vec<String>>,
    /// For inserts and updates: attributes of which only some values are here.
    partial: Option<Vec<String>>,
    /// For links: the reference attribute.
    attribute: Option<String>,
    /// For links: what they point to.
    target: Option<ReferenceView>,
    /// For links.
    #[schema(value_type = Option<std::collections::BTreeMap<String, Vec<AnyJson>>>)]
    parameters: Option<Map<String, AnyJson>>,
}

/// Streams what changed after a position, oldest first, one change on a line.
#[utoipa::path(get, path = "/v1/connections/{id}/changes", operation_id = "stream_changes", tag = "published",
    params(ConnectionPath, ChangesQuery),
    responses((status = 200, body = ChangeSchema, content_type = "application/x-ndjson")))]
async fn changes(
    _: AsCore,
    State(api): State<ApiState>,
    At { path, query }: At<ConnectionPath, ChangesQuery>,
) -> Result<Response, Problem> {
    api.connections.get(&path.id).await?;
    let page = move |(after, left): (Position, u64)| {
        let (api, id) = (api.clone(), path.id.clone());
        async move {
            let asked = u32::try_from(left).unwrap_or(u32::MAX).min(PAGE_ROWS);
            let rows = api.store.changes(&id, after, asked).await?;
            let read = u64::try_from(rows.len()).unwrap_or(u64::MAX);
            let left = left.saturating_sub(read);
            let more = read == u64::from(asked) && left > 0;
            let next = rows.last().filter(|_| more).map(|change| (change.position, left));
            Lines::of(&rows, next, line)
        }
    };
    let limit = query.limit.map_or(u64::MAX, |limit| limit.get().into());
    Ok(ndjson::stream((query.after.0, limit), page).await?)
}

impl TryFrom<u64> for After {
    type Error = String;

    fn try_from(position: u64) -> Result<Self, String> {
        let beyond = |_| format!("after is {position}, which no position ever is");
        i64::try_from(position).map(|position| Self(Position(position))).map_err(beyond)
    }
}

fn line(change: &PublishedChange, into: &mut String) -> Result<()> {
    let PublishedChange { position, kind, class, uid, name, body } = change;
    let head = ChangeHead { position: *position, kind: ChangeKind::as_str(*kind), class, uid, name };
    ndjson::line(&head, body.as_deref(), into)
}
