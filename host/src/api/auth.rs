//! Tokens: who a caller is, what a token looks like, and the two that a host makes when it starts for the first time.
//!
//! A token is 256 random bits behind a prefix that says what it is (and lets secret scanners find it). The store keeps
//! its SHA-256 only. It is looked up by that hash, so comparing it takes no constant-time care.

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use sha2::{Digest as _, Sha256};

use super::ApiState;
use super::context::id_of;
use super::problem::Problem;
use crate::model::{Caller, Error, ErrorKind, Gate, RequestContext, Result, Role};
use crate::store::Store;

/// The header that makes repeating a change harmless.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest idempotency key, in bytes.
const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// The longest token looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 256;
/// The random part of a token, in bytes.
const TOKEN_RANDOM_BYTES: usize = 32;

/// The tokens of the first start; only their hashes are stored, so this is the only time anybody sees them.
pub struct FirstTokens {
    /// May do everything.
    pub operator: String,
    /// May run operations on connections.
    pub core: String,
}

/// A hash of the caller's token that the store does not have: what keys fingerprints of requests.
#[derive(Clone)]
pub(super) struct FingerprintKey(pub(super) [u8; 32]);

/// Makes one token for each role, if the store has none yet.
///
/// # Errors
/// Those of the store.
pub async fn ensure_tokens(store: &Store) -> Result<Option<FirstTokens>> {
    if !store.tokens().await?.is_empty() {
        return Ok(None);
    }
    let tokens = FirstTokens { operator: token(Role::Operator), core: token(Role::Core) };
    for (role, token) in [(Role::Operator, &tokens.operator), (Role::Core, &tokens.core)] {
        store.insert_token(role.as_str(), role, hash(token)).await?;
    }
    Ok(Some(tokens))
}

/// The layer around everything under `/v1`: finds the caller and makes the request's context.
pub(super) async fn authenticate(
    State(api): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let token = bearer(request.headers())?;
    let found = api.store.token_by_hash(&hash(token)).await?;
    let known = found.ok_or_else(|| unauthenticated("nobody issued this token"))?;
    let key = FingerprintKey(Sha256::new().chain_update(b"hawser fingerprint\0").chain_update(token).finalize().into());
    let context = RequestContext {
        caller: Caller { name: known.name, role: known.role },
        id: id_of(&request),
        deadline: api.clock.after(api.request_timeout),
        idempotency_key: idempotency_key(request.headers())?,
        gate: Gate::default(),
    };
    request.extensions_mut().insert(context);
    request.extensions_mut().insert(key);
    Ok(next.run(request).await)
}

/// A fresh token.
pub(super) fn token(role: Role) -> String {
    let random: [u8; TOKEN_RANDOM_BYTES] = rand::random();
    format!("hawser_{}_{}", role.as_str(), BASE64URL.encode(random))
}

/// What the store keeps of a token.
pub(super) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

fn bearer(headers: &HeaderMap) -> Result<&str> {
    let missing = || unauthenticated("send a token: Authorization: Bearer hawser_...");
    let value = headers.get(AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, token) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= TOKEN_BYTES_MAX {
        Ok(token)
    } else {
        Err(missing())
    }
}

fn unauthenticated(message: &str) -> Error {
    Error::new(ErrorKind::Unauthenticated, message)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let mut values = headers.get_all(&IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    let fits = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if !fits || values.next().is_some() {
        let message =
            format!("Idempotency-Key takes one key of 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters");
        return Err(Error::invalid(message).blaming("Idempotency-Key"));
    }
    Ok(Some(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::clock::Clock;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn what_is_no_bearer_token_is_refused_with_the_form() {
        for value in ["", "Bearer", "Bearer ", "Basic YTpi", "hawser_core_x"] {
            let error = bearer(&with(AUTHORIZATION, value)).unwrap_err();
            assert!(error.message.contains("Bearer"), "{value}");
        }
        assert_eq!(bearer(&with(AUTHORIZATION, "bearer hawser_core_x")), Ok("hawser_core_x"));
    }

    #[test]
    fn tokens_say_what_they_are_and_never_repeat() {
        let (one, other) = (token(Role::Operator), token(Role::Operator));
        assert!(one.starts_with("hawser_operator_") && one.len() == "hawser_operator_".len() + 43, "{one}");
        assert_ne!(one, other);
    }

    #[tokio::test]
    async fn tokens_are_made_once_and_stored_as_hashes_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let store = Store::open(&path, Clock::system()).await.unwrap();
        let tokens = ensure_tokens(&store).await.unwrap().unwrap();
        assert!(ensure_tokens(&store).await.unwrap().is_none());
        let found = store.token_by_hash(&hash(&tokens.core)).await.unwrap().unwrap();
        assert_eq!(found.role, Role::Core);
        store.close().await;
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(tokens.core.len()).any(|window| window == tokens.core.as_bytes()));
    }

    #[test]
    fn a_malformed_idempotency_key_is_refused_by_the_headers_name() {
        for key in ["", "a b", &"k".repeat(256)] {
            let error = idempotency_key(&with(IDEMPOTENCY_KEY, key)).unwrap_err();
            assert_eq!(error.attributes, ["Idempotency-Key"], "{key}");
        }
        assert_eq!(idempotency_key(&HeaderMap::new()), Ok(None));
    }
}
