//! Whose signatures the operator trusts: keys of publishers, each for one publisher's releases.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ApiState;
use super::answer;
use super::audited::{act, audited};
use super::body::{At, Body, Nothing};
use super::context::{AsCore, AsOperator};
use super::page::{self, Listed, PageQuery};
use super::problem::Problem;
use super::systems::title;
use crate::model::{KeyId, PublisherName, Result};
use crate::registry::PublicKey;
use crate::store::PublisherKey;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(trust)).routes(routes!(distrust))
}

/// Which publisher.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Path)]
struct PublisherPath {
    /// Who offers connectors: the part of their names before the slash.
    #[param(value_type = String)]
    publisher: PublisherName,
}

/// Which key of a publisher.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Path)]
struct KeyPath {
    /// Who offers connectors: the part of their names before the slash.
    #[param(value_type = String)]
    publisher: PublisherName,
    /// SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal.
    #[param(value_type = String)]
    key_id: KeyId,
}

/// A key to trust.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct PublisherKeyDraft {
    /// An Ed25519 key in PEM, as `hawser keygen` and openssl write it.
    pub(super) public_key: String,
    /// What people call it.
    title: String,
}

/// A key that is trusted for one publisher's releases.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PublisherKey)]
struct PublisherKeyView {
    publisher: String,
    /// SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal.
    key_id: String,
    title: String,
    /// In PEM.
    public_key: String,
    #[schema(value_type = String, format = DateTime)]
    added: jiff::Timestamp,
    /// The name of the token it was added with.
    added_by: String,
}

/// Lists the trusted keys, by publisher and then by key id.
#[utoipa::path(get, path = "/v1/publishers", operation_id = "list_publisher_keys", tag = "publishers",
    params(PageQuery), responses((status = 200, body = Listed<PublisherKeyView>)))]
async fn list(
    _: AsCore,
    State(api): State<ApiState>,
    At { query, .. }: At<Nothing, PageQuery>,
) -> Result<Json<Listed<PublisherKeyView>>, Problem> {
    let after: Option<String> = page::key(query.cursor.as_deref())?;
    let keys = api.store.publisher_keys().await?.into_iter();
    let rest = keys.filter(|key| after.as_ref().is_none_or(|after| position(key) > *after)).collect();
    Ok(Json(Listed::cut(rest, query.limit, position, PublisherKeyView::from)))
}

/// Trusts a key for a publisher's releases.
#[utoipa::path(post, path = "/v1/publishers/{publisher}/keys", operation_id = "trust_publisher_key",
    tag = "publishers", params(PublisherPath), request_body = PublisherKeyDraft, security(("token" = ["operator"])),
    responses((status = 201, body = PublisherKeyView)))]
async fn trust(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<PublisherPath>,
    Body(draft): Body<PublisherKeyDraft>,
) -> Result<Response, Problem> {
    let public_key = PublicKey::from_pem(&draft.public_key).map_err(|error| error.blaming("publicKey"))?;
    let key = PublisherKey {
        publisher: path.publisher,
        key: public_key.id(),
        public_key: *public_key.as_bytes(),
        title: title(draft.title)?,
        added: api.clock.now(),
        added_by: rc.caller.name.clone(),
    };
    let entry = act(&rc, "publisher.trust").parameter("publisher", &key.publisher).parameter("key", key.key);
    let effect = async {
        api.store.trust_key(&key).await?;
        api.registry.trust_changed().await
    };
    audited(&api, entry, effect).await?;
    let location = answer::location(&["publishers", key.publisher.as_str(), "keys", &key.key.to_string()]);
    Ok((StatusCode::CREATED, location, Json(PublisherKeyView::from(key))).into_response())
}

/// Trusts a key no longer: what it signed for that publisher stops serving.
#[utoipa::path(delete, path = "/v1/publishers/{publisher}/keys/{keyId}", operation_id = "distrust_publisher_key",
    tag = "publishers", params(KeyPath), security(("token" = ["operator"])), responses((status = 204)))]
async fn distrust(
    AsOperator(rc): AsOperator,
    State(api): State<ApiState>,
    At { path, .. }: At<KeyPath>,
) -> Result<StatusCode, Problem> {
    let entry = act(&rc, "publisher.distrust").parameter("publisher", &path.publisher).parameter("key", path.key_id);
    let effect = async {
        api.store.distrust_key(&path.publisher, &path.key_id).await?;
        api.registry.trust_changed().await
    };
    audited(&api, entry, effect).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where a key stands in the listing. The space sorts before whatever a name may hold, so that this is the store's
/// order, names first.
fn position(key: &PublisherKey) -> String {
    format!("{} {}", key.publisher, key.key)
}

impl From<PublisherKey> for PublisherKeyView {
    fn from(key: PublisherKey) -> Self {
        Self {
            publisher: key.publisher.into(),
            key_id: key.key.into(),
            title: key.title,
            public_key: PublicKey::from(key.public_key).to_pem(),
            added: key.added,
            added_by: key.added_by,
        }
    }
}
