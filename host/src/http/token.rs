//! Tokens by client credentials (RFC 6749, 4.4): fetched by the host, kept while they hold, and fetched once however many
//! wait for them.
//!
//! Of a refusal only its code goes on, and only a known one: a server's description may repeat what it was sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::allowance::Allowance;
use super::assertion::{ASSERTION_TYPE, assertion};
use super::client::Client;
use super::exchange::Exchange;
use super::failure::{denied, late, too_much, unsupported};
use super::limits::{
    RENEWAL_INTERVAL, RENEWALS_BURST, TOKEN_ANSWER_BYTES_MAX, TOKEN_LIFE_DEFAULT, TOKEN_LIFE_MAX, TOKEN_MARGIN,
    TOKEN_PARAMETERS_MAX, TOKENS_MAX,
};
use super::placement::{Placement, encoded, with_field};
use super::request::Request;
use super::rules;
use crate::egress::Egress;
use crate::egress::rules::Route;
use crate::egress::target::Target;
use crate::model::{Failure, FailureKind, Secret};

/// Parameters that are not the guest's to give.
const OURS: [&str; 5] = ["grant_type", "client_id", "client_secret", "client_assertion", "client_assertion_type"];

/// How a key begins (RFC 7468).
const PEM: &[u8] = b"-----BEGIN";

/// How a client says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// RFC 6749, 2.3.1.
    Basic,
    /// In the body (RFC 6749, 2.3.1).
    Post,
    /// RFC 7523, 2.2; the secret is a private key.
    PrivateKeyJwt,
}

/// A token that is asked for.
#[derive(Clone)]
pub struct TokenRequest {
    /// Of the token endpoint.
    pub path: String,
    pub client_id: String,
    /// The client's secret or private key.
    pub client: Secret,
    pub authentication: Authentication,
    /// Scope, audience, resource and the like.
    pub parameters: Vec<(String, String)>,
}

/// A token, and where another one comes from.
#[derive(Clone)]
pub struct Token {
    source: Arc<Source>,
    secret: Secret,
}

/// The tokens of one client.
#[derive(Default)]
pub(super) struct Tokens(Mutex<Vec<Arc<Source>>>);

/// Where a token comes from.
struct Source {
    route: Arc<Route>,
    request: TokenRequest,
    /// Locked while it is fetched, so that everybody else waits for the same one.
    fetched: tokio::sync::Mutex<Option<Fetched>>,
    /// How often it may be replaced before its time.
    renewals: Allowance,
}

struct Fetched {
    secret: Secret,
    until: Instant,
}

/// A token: the one that was fetched, as long as it holds, or a new one.
///
/// # Errors
/// `invalid-credential`, `permission-denied` and `configuration` as the server answers, `retryable` where it cannot;
/// `credential-denied` for a key that cannot be used; as a request otherwise.
pub async fn token(
    client: &Client,
    egress: &Egress,
    route: &Arc<Route>,
    request: TokenRequest,
    end: Instant,
) -> Result<Token, Failure> {
    check(&request)?;
    let source = client.tokens().source(route, request);
    match source.now(client, egress, end).await {
        Ok(secret) => Ok(Token { source, secret }),
        Err(failure) => Err(client.heard(failure, end).await),
    }
}

impl Token {
    /// The token as it was when it was handed out; what is sent may be a newer one.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    pub(super) fn is(&self, secret: &Secret) -> bool {
        self.secret.expose() == secret.expose()
    }

    /// The token as it is now.
    pub(super) async fn now(&self, client: &Client, egress: &Egress, end: Instant) -> Result<Secret, Failure> {
        self.source.now(client, egress, end).await
    }

    /// The server refused it: it is not used again. But a server that refuses every one gets no new ones for ever; is there
    /// another one to be had?
    pub(super) async fn give_up(&self, refused: &Secret, end: Instant) -> bool {
        let Ok(mut fetched) = timeout_at(end, self.source.fetched.lock()).await else { return false };
        let is_refused = |fetched: &Fetched| fetched.secret.expose() == refused.expose();
        if !fetched.as_ref().is_some_and(is_refused) {
            return true;
        }
        let allowed = self.source.renewals.take(Instant::now());
        if allowed {
            *fetched = None;
        }
        allowed
    }
}

impl Tokens {
    pub(super) fn forget(&self) {
        self.known().clear();
    }

    fn source(&self, route: &Arc<Route>, request: TokenRequest) -> Arc<Source> {
        let mut known = self.known();
        if let Some(source) = known.iter().find(|source| source.is(route, &request)) {
            return Arc::clone(source);
        }
        if known.len() >= TOKENS_MAX {
            known.remove(0);
        }
        let renewals = Allowance::new(RENEWALS_BURST, RENEWAL_INTERVAL);
        let (route, fetched) = (Arc::clone(route), tokio::sync::Mutex::default());
        let source = Arc::new(Source { route, request, fetched, renewals });
        known.push(Arc::clone(&source));
        source
    }

    fn known(&self) -> MutexGuard<'_, Vec<Arc<Source>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    fn is(&self, route: &Arc<Route>, request: &TokenRequest) -> bool {
        let TokenRequest { path, client_id, client, authentication, parameters } = &self.request;
        Arc::ptr_eq(&self.route, route)
            && *path == request.path
            && *client_id == request.client_id
            && client.expose() == request.client.expose()
            && *authentication == request.authentication
            && *parameters == request.parameters
    }

    async fn now(&self, client: &Client, egress: &Egress, end: Instant) -> Result<Secret, Failure> {
        let locked = timeout_at(end, self.fetched.lock()).await;
        let mut known = locked.map_err(|_| late(&self.route.target))?;
        if let Some(fetched) = known.as_ref().filter(|fetched| Instant::now() < fetched.until) {
            return Ok(fetched.secret.clone());
        }
        let fetched = Box::pin(self.fetch(client, egress, end)).await?;
        Ok(known.insert(fetched).secret.clone())
    }

    async fn fetch(&self, client: &Client, egress: &Egress, end: Instant) -> Result<Fetched, Failure> {
        let line = client.line(&self.route)?;
        let proof = self.proof(client, &line.url(&self.request.path)).await?;
        let request = self.form();
        let exchange = Exchange { client, egress, line, request: &request, writes: false, end };
        let asked = Instant::now();
        let answer = exchange.answer(&[(&proof.0, proof.1)]).await?;
        let status = answer.status;
        let body = answer.body.collect(TOKEN_ANSWER_BYTES_MAX, end).await?;
        if status != StatusCode::OK {
            return Err(refused(&self.route.target, status, &body));
        }
        let Some((secret, life)) = granted(&body) else { return Err(no_token(&self.route.target)) };
        Ok(Fetched { secret, until: asked + life.saturating_sub(TOKEN_MARGIN.min(life / 2)) })
    }

    /// All but what proves who asks.
    fn form(&self) -> Request {
        let TokenRequest { path, client_id, authentication, parameters, .. } = &self.request;
        let mut fields = vec![("grant_type", "client_credentials")];
        if *authentication != Authentication::Basic {
            fields.push(("client_id", client_id));
        }
        if *authentication == Authentication::PrivateKeyJwt {
            fields.push(("client_assertion_type", ASSERTION_TYPE));
        }
        fields.extend(parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let append =
            |form: Vec<u8>, (name, value): (&str, &str)| with_field(&form, name.as_bytes(), value.as_bytes()).to_vec();
        let body = fields.into_iter().fold(Vec::new(), append);
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
            (ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        Request { method: Method::POST, path: path.clone(), headers, body: Some(body.into()) }
    }

    /// What proves who asks, and where it is written.
    async fn proof(&self, client: &Client, url: &str) -> Result<(Placement, Secret), Failure> {
        let TokenRequest { client_id, client: secret, authentication, .. } = &self.request;
        if *authentication != Authentication::PrivateKeyJwt && secret.expose().trim_ascii_start().starts_with(PEM) {
            return Err(denied("a private key is never sent: it signs, as the authentication `private-key-jwt`"));
        }
        match authentication {
            Authentication::Basic => {
                let user = String::from_utf8_lossy(&encoded(client_id.as_bytes())).into_owned();
                let secret = Secret::new(encoded(secret.expose()).to_vec());
                Ok((Placement::Basic { user }, secret.ok_or_else(|| denied("the client's secret is too long"))?))
            }
            Authentication::Post => Ok((Placement::FormField("client_secret".to_owned()), secret.clone())),
            Authentication::PrivateKeyJwt => {
                let assertion = assertion(secret.clone(), client_id, url, client.clock()).await?;
                Ok((Placement::FormField("client_assertion".to_owned()), assertion))
            }
        }
    }
}

fn check(request: &TokenRequest) -> Result<(), Failure> {
    let TokenRequest { path, parameters, .. } = request;
    if parameters.len() > TOKEN_PARAMETERS_MAX {
        let given = format!("the request for a token has {} parameters", parameters.len());
        return Err(too_much(&given, TOKEN_PARAMETERS_MAX));
    }
    if let Some(ours) = OURS.iter().find(|ours| parameters.iter().any(|(name, _)| name == **ours)) {
        return Err(unsupported(format!("the parameter {ours} of a request for a token is the host's to write")));
    }
    let length: usize = parameters.iter().map(|(name, value)| name.len() + value.len()).sum();
    let body = Some(vec![0; length].into());
    rules::check(&Request { method: Method::POST, path: path.clone(), headers: HeaderMap::new(), body })
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: Option<String>,
    /// Seconds; some servers write them as a text.
    expires_in: Option<Value>,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}

/// The token and its life; none where there is none that can be used as a bearer's.
fn granted(body: &[u8]) -> Option<(Secret, Duration)> {
    let granted: Granted = serde_json::from_slice(body).ok()?;
    let secret = Secret::new(granted.access_token.into_bytes())?;
    if granted.token_type.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return None;
    }
    let seconds = |value: Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let life = granted.expires_in.and_then(seconds).map_or(TOKEN_LIFE_DEFAULT, Duration::from_secs);
    Some((secret, life.min(TOKEN_LIFE_MAX)))
}

fn no_token(target: &Target) -> Failure {
    Failure::new(
        FailureKind::Configuration,
        format!("{target} answers without a bearer token; is that its token endpoint?"),
    )
}

/// What a server says instead of a token (RFC 6749, 5.2; RFC 8707, 2).
fn refused(target: &Target, status: StatusCode, body: &[u8]) -> Failure {
    let said = serde_json::from_slice(body).ok().and_then(|refused: Refused| meaning(&refused.error));
    let (kind, code) = said.unwrap_or_else(|| {
        let kind = match status {
            StatusCode::UNAUTHORIZED => FailureKind::InvalidCredential,
            StatusCode::FORBIDDEN => FailureKind::PermissionDenied,
            _ if status.is_server_error() => FailureKind::Retryable,
            _ => FailureKind::Configuration,
        };
        (kind, "no reason that is known")
    });
    let message = format!("{target} gives no token ({}): {code}", status.as_u16());
    Failure { code: Some(format!("http:{}", status.as_u16())), ..Failure::new(kind, message) }
}

/// A code that is known, and what it means.
fn meaning(error: &str) -> Option<(FailureKind, &'static str)> {
    Some(match error {
        "invalid_client" => (FailureKind::InvalidCredential, "invalid_client"),
        "invalid_grant" => (FailureKind::InvalidCredential, "invalid_grant"),
        "unauthorized_client" => (FailureKind::PermissionDenied, "unauthorized_client"),
        "access_denied" => (FailureKind::PermissionDenied, "access_denied"),
        "invalid_request" => (FailureKind::Configuration, "invalid_request"),
        "invalid_scope" => (FailureKind::Configuration, "invalid_scope"),
        "invalid_target" => (FailureKind::Configuration, "invalid_target"),
        "unsupported_grant_type" => (FailureKind::Configuration, "unsupported_grant_type"),
        "temporarily_unavailable" => (FailureKind::Retryable, "temporarily_unavailable"),
        "server_error" => (FailureKind::Retryable, "server_error"),
        _ => return None,
    })
}
