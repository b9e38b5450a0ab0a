//! Changes happen once and to their end: the layer around every request that is no reading.
//!
//! A request that has begun goes on although its caller hangs up, so that its outcome is always written down. With an
//! `Idempotency-Key` its answer is kept, and repeating the request repeats the answer and not the change.
//!
//! Kept are the answers after which the target may be different: successes, and failures that did something or may
//! have done so. A failure that changed nothing is forgotten, and the same key may try again. A request is recognised
//! by a hash keyed with the caller's token, which the store does not have: nobody can guess a password from it.

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

use super::ApiState;
use super::auth::FingerprintKey;
use super::body::{self, Bounds};
use super::context::finished;
use super::problem::Problem;
use super::{configuration, releases};
use crate::model::{Effect, Error, RequestContext, Result, Role};
use crate::store::{Recalled, Remembered};

/// Marks an answer that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Headers of an answer that are kept with it.
const KEPT: [HeaderName; 3] = [CONTENT_TYPE, ETAG, LOCATION];
/// What is asked with POST and whose answers are not kept: to repeat that of a question could only be wrong, and a new
/// token is shown once (its name makes a repetition a conflict).
const NOT_KEPT: [&str; 4] = ["/check", "/suggest", "/authenticate", "/v1/tokens"];

/// Lets a request that is no reading run to its end, once.
pub(super) async fn once(State(api): State<ApiState>, request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return next.run(request).await;
    }
    let running = api.running.clone().spawn(async move {
        if is_not_kept(&request) { next.run(request).await } else { change(&api, request, next).await }
    });
    running.await.unwrap_or_else(|why| {
        let error = Error::internal(format!("a request broke: {why}")).with_effect(Effect::Unknown);
        Problem::from(error).into_response()
    })
}

fn is_not_kept(request: &Request) -> bool {
    NOT_KEPT.iter().any(|ending| route(request).ends_with(ending))
}

fn route(request: &Request) -> &str {
    request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default()
}

async fn change(api: &ApiState, request: Request, next: Next) -> Response {
    let context = request.extensions().get::<RequestContext>().cloned();
    let Some((context, key)) = context.and_then(|rc| rc.idempotency_key.clone().map(|key| (rc, key))) else {
        return next.run(request).await;
    };
    match keyed(api, &context, &key, request, next).await {
        Ok(answer) => answer,
        Err(problem) => problem.into_response(),
    }
}

async fn keyed(
    api: &ApiState,
    rc: &RequestContext,
    key: &str,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let bounds = bounds(rc, &request);
    let (parts, body) = request.into_parts();
    let body = body::read(body, bounds).await?;
    let fingerprint = fingerprint(&parts, &body)?;
    match api.store.recall(&rc.caller.name, key, &fingerprint).await? {
        Recalled::New => {}
        Recalled::Answered(remembered) => return Ok(replayed(remembered)),
        Recalled::OtherRequest => return Err(Problem::key_reused(key)),
    }
    let answer = next.run(Request::from_parts(parts, Body::from(body))).await;
    let kept = is_kept(&answer);
    let answer = finished(answer, &rc.id);
    if !kept {
        forget(api, rc, key).await;
        return Ok(answer);
    }
    keep(api, rc, key, answer).await
}

/// Gives a key back, now or as soon as it can be; until then it answers `conflict`.
async fn forget(api: &ApiState, rc: &RequestContext, key: &str) {
    let Err(error) = api.store.forget(&rc.caller.name, key).await else { return };
    tracing::error!(%error, "a key cannot be given back yet");
    let (store, token, key) = (api.store.clone(), rc.caller.name.clone(), key.to_owned());
    api.persist("that a key is free again", move || {
        let (store, token, key) = (store.clone(), token.clone(), key.clone());
        async move { store.forget(&token, &key).await }
    });
}

/// A release or a configuration is larger than anything else, and only an operator may send one.
fn bounds(rc: &RequestContext, request: &Request) -> Bounds {
    match route(request) {
        _ if rc.caller.role != Role::Operator => Bounds::JSON,
        releases::PATH => Bounds::RELEASE,
        path if path.starts_with(configuration::PATH) => Bounds::CONFIGURATION,
        _ => Bounds::JSON,
    }
}

/// Keeps an answer for the next time, now or as soon as it can be, and answers it; until then its key answers `conflict`.
async fn keep(api: &ApiState, rc: &RequestContext, key: &str, answer: Response) -> Result<Response, Problem> {
    let (head, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(|why| Error::internal(why.to_string()))?;
    let headers = KEPT.iter().filter_map(|name| {
        let value = head.headers.get(name)?.to_str().ok()?;
        Some((name.to_string(), value.to_owned()))
    });
    let remembered = Remembered { status: head.status.as_u16(), headers: headers.collect(), body: body.to_vec() };
    if let Err(error) = api.store.remember(&rc.caller.name, key, &remembered).await {
        tracing::error!(%error, "an answer cannot be kept yet");
        let (store, token, key) = (api.store.clone(), rc.caller.name.clone(), key.to_owned());
        api.persist("the answer under a key", move || {
            let (store, token, key, remembered) = (store.clone(), token.clone(), key.clone(), remembered.clone());
            async move { store.remember(&token, &key, &remembered).await }
        });
    }
    Ok(Response::from_parts(head, Body::from(body)))
}

fn is_kept(answer: &Response) -> bool {
    let problem = answer.extensions().get::<Problem>();
    problem.map_or_else(|| answer.status().is_success(), |problem| problem.effect() != Effect::None)
}

fn replayed(remembered: Remembered) -> Response {
    let mut answer = Response::new(Body::from(remembered.body));
    *answer.status_mut() = StatusCode::from_u16(remembered.status).unwrap_or(StatusCode::OK);
    for (name, value) in remembered.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    answer
}

/// What makes two requests the same: method, target, condition and body.
fn fingerprint(parts: &Parts, body: &[u8]) -> Result<[u8; 32]> {
    let key = parts.extensions.get::<FingerprintKey>();
    let key = key.ok_or_else(|| Error::internal("a change stands outside the authentication layer"))?;
    let target = parts.uri.path_and_query().map(|target| target.as_str()).unwrap_or_default();
    let condition = parts.headers.get(IF_MATCH).map(HeaderValue::as_bytes).unwrap_or_default();
    let mut whole = Sha256::new().chain_update(key.0);
    for part in [parts.method.as_str().as_bytes(), target.as_bytes(), condition, body] {
        whole.update(Sha256::digest(part));
    }
    Ok(whole.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(key: u8, method: &str, target: &str, condition: Option<&str>, body: &str) -> [u8; 32] {
        let mut request = axum::http::Request::builder().method(method).uri(target);
        if let Some(condition) = condition {
            request = request.header(IF_MATCH, condition);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(FingerprintKey([key; 32]));
        fingerprint(&parts, body.as_bytes()).unwrap()
    }

    #[test]
    fn whatever_could_change_the_outcome_makes_another_request() {
        let all = [
            of(1, "PUT", "/v1/a", None, "x"),
            of(2, "PUT", "/v1/a", None, "x"),
            of(1, "POST", "/v1/a", None, "x"),
            of(1, "PUT", "/v1/a?b=1", None, "x"),
            of(1, "PUT", "/v1/a", Some("\"1\""), "x"),
            of(1, "PUT", "/v1/a", None, "y"),
            of(1, "PUT", "/v1/ax", None, ""),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(all[0], of(1, "PUT", "/v1/a", None, "x"));
    }

    #[test]
    fn a_failure_is_kept_only_if_it_may_have_changed_something() {
        let failed = |effect| {
            let error = Error::failure(crate::model::FailureKind::OutcomeUnknown, "?").with_effect(effect);
            is_kept(&Problem::from(error).into_response())
        };
        assert!(!failed(Effect::None));
        assert!(failed(Effect::Some));
        assert!(failed(Effect::Unknown));
        assert!(is_kept(&StatusCode::NO_CONTENT.into_response()));
    }
}
