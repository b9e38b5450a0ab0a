//! Problems (RFC 9457): the one place where an error of the house becomes an HTTP status.
//!
//! A handler returns a [`Problem`]; the outermost layer ([`super::context::identify`]) writes it out, because only that
//! layer knows the request's id whatever went wrong. A refusal that only HTTP knows (405, 415, 421) is made here too,
//! so that nothing ever leaves the host as plain text.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::{Effect, Error, ErrorKind, FailureKind, RequestId};

/// The media type of a problem.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";
/// When a caller may try again if nothing better is known, in milliseconds.
const RETRY_AFTER_DEFAULT_MS: u32 = 1000;

/// An error on its way out.
#[derive(Clone, Debug)]
pub(super) struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    status: StatusCode,
    title: &'static str,
    kind: &'static str,
    error: Error,
}

/// What the caller reads when something went wrong (RFC 9457). `type` is `urn:hawser:problem:<kind>`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Problem)]
pub(super) struct ProblemDocument<'a> {
    /// `urn:hawser:problem:<kind>`, e.g. `urn:hawser:problem:unknown-uid`.
    r#type: String,
    /// What the kind means.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What was wrong this time, and what to do next.
    detail: &'a str,
    /// What it did to the target: `none`, `some` or `unknown`. An operation whose effect is unknown is not to be
    /// repeated before somebody looked at the target.
    effect: &'static str,
    /// Attributes, options, keys or parameters to blame.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    attributes: &'a [String],
    /// The object that exists now although the operation failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<ProblemObject<'a>>,
    /// When it makes sense to try again, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u32>,
    /// The target's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    /// Finds the request in the host's log and audit trail.
    #[schema(value_type = String)]
    request_id: &'a str,
}

/// An object that a failed operation left behind.
#[derive(Serialize, ToSchema)]
pub(super) struct ProblemObject<'a> {
    class: &'a str,
    uid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

impl Problem {
    /// The method is not one of the resource's; which are, axum says in `Allow`.
    pub(super) fn method_not_allowed() -> Self {
        let detail = "this resource does not know the method; the header Allow lists those it knows";
        Self::http(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed here", detail)
    }

    /// The body is not JSON.
    pub(super) fn unsupported_media_type() -> Self {
        Self::unsupported("the body must be JSON; send it with Content-Type: application/json")
    }

    /// The body is not of the form it has to be; the detail says which.
    pub(super) fn unsupported(detail: &'static str) -> Self {
        let title = "The body is of the wrong media type";
        Self::http(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", title, detail)
    }

    /// The request was meant for another host.
    pub(super) fn misdirected() -> Self {
        let detail = "the Host header names no host this server answers for; use localhost or add the name to `hosts` \
                      in the host's configuration";
        Self::http(StatusCode::MISDIRECTED_REQUEST, "misdirected-request", "The request is for another host", detail)
    }

    /// The idempotency key belongs to another request. 422 tells it from 409, where waiting may help.
    pub(super) fn key_reused(key: &str) -> Self {
        let message = format!("Idempotency-Key {key:?} was used for another request; choose a new one");
        let error = Error::failure(FailureKind::Conflict, message).blaming("Idempotency-Key");
        let (_, title) = meaning(error.kind);
        Self(Box::new(Inner { status: StatusCode::UNPROCESSABLE_ENTITY, title, kind: error.kind.as_str(), error }))
    }

    fn http(status: StatusCode, kind: &'static str, title: &'static str, detail: &str) -> Self {
        Self(Box::new(Inner { status, title, kind, error: Error::invalid(detail) }))
    }

    pub(super) fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What the failed operation did to the target.
    pub(super) fn effect(&self) -> Effect {
        self.0.error.effect
    }

    /// The kind and what only the log should hold.
    pub(super) fn for_the_log(&self) -> (&'static str, &str) {
        (self.0.kind, self.0.error.detail.as_deref().unwrap_or(&self.0.error.message))
    }

    /// The problem as the answer to that request.
    pub(super) fn render(&self, request: &RequestId) -> Response {
        let Inner { status, kind, error, .. } = &*self.0;
        let body = serde_json::to_vec(&self.document(request)).unwrap_or_default();
        let mut response = (*status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if *status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let waits = matches!(*status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
        if let Some(ms) = error.retry_after_ms.or(waits.then_some(RETRY_AFTER_DEFAULT_MS)) {
            headers.insert(RETRY_AFTER, HeaderValue::from(ms.div_ceil(1000)));
        }
        tracing::debug!(kind, status = status.as_u16(), "answered with a problem");
        response
    }

    fn document<'a>(&'a self, request: &'a RequestId) -> ProblemDocument<'a> {
        let Inner { status, title, kind, error } = &*self.0;
        let object = error.object.as_ref();
        ProblemDocument {
            r#type: format!("urn:hawser:problem:{kind}"),
            title,
            status: status.as_u16(),
            detail: &error.message,
            effect: error.effect.as_str(),
            attributes: &error.attributes,
            object: object.map(|o| ProblemObject { class: &o.class, uid: &o.uid, name: o.name.as_deref() }),
            retry_after_ms: error.retry_after_ms,
            code: error.code.as_deref(),
            request_id: request.as_str(),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let (status, title) = meaning(error.kind);
        Self(Box::new(Inner { status, title, kind: error.kind.as_str(), error }))
    }
}

impl From<crate::model::id::InvalidId> for Problem {
    fn from(invalid: crate::model::id::InvalidId) -> Self {
        Error::from(invalid).into()
    }
}

/// The body follows when the request's id is known.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.0.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Status and title of every kind. 401 is only ever said of the caller's token: that an end user's password was wrong
/// (`invalid-credential`) is a well-formed question with a negative answer, 422. 502 and 504 say that the fault lies
/// beyond the host, with the connector or the target.
fn meaning(kind: ErrorKind) -> (StatusCode, &'static str) {
    use FailureKind as F;
    match kind {
        ErrorKind::InvalidRequest => (StatusCode::BAD_REQUEST, "The request is not valid"),
        ErrorKind::Unauthenticated => (StatusCode::UNAUTHORIZED, "A valid token is needed"),
        ErrorKind::Forbidden => (StatusCode::FORBIDDEN, "The token's role does not allow this"),
        ErrorKind::NotFound => (StatusCode::NOT_FOUND, "There is no such resource"),
        ErrorKind::Stale => (StatusCode::PRECONDITION_FAILED, "The resource has changed since it was read"),
        ErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The request is too large"),
        ErrorKind::ReleaseRefused => (StatusCode::UNPROCESSABLE_ENTITY, "The release cannot be loaded"),
        ErrorKind::GuestTrap => (StatusCode::BAD_GATEWAY, "The connector broke"),
        ErrorKind::GuestLimit => (StatusCode::BAD_GATEWAY, "The connector was stopped at a limit"),
        ErrorKind::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "The host cannot do this right now"),
        ErrorKind::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "The host failed"),
        ErrorKind::Failure(kind) => match kind {
            F::UnknownUid => (StatusCode::NOT_FOUND, "The target has no such object"),
            F::AlreadyExists => (StatusCode::CONFLICT, "The target has such an object already"),
            F::Conflict => (StatusCode::CONFLICT, "It conflicts with something else"),
            F::QuotaExceeded => (StatusCode::CONFLICT, "The target's quota is used up"),
            F::Cancelled => (StatusCode::CONFLICT, "It was cancelled"),
            F::ResyncRequired => (StatusCode::GONE, "The cursor is no longer valid"),
            F::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "The object has changed since it was read"),
            F::PreconditionRequired => (StatusCode::PRECONDITION_REQUIRED, "The object's revision is needed"),
            F::Configuration => (StatusCode::UNPROCESSABLE_ENTITY, "The connection's configuration is not right"),
            F::InvalidAttributeValue => (StatusCode::UNPROCESSABLE_ENTITY, "A value is not allowed"),
            F::SchemaViolation => (StatusCode::UNPROCESSABLE_ENTITY, "The object does not fit the schema"),
            F::InvalidCredential => (StatusCode::UNPROCESSABLE_ENTITY, "The name or the password is wrong"),
            F::InvalidPassword => (StatusCode::UNPROCESSABLE_ENTITY, "The password is wrong"),
            F::PasswordExpired => (StatusCode::UNPROCESSABLE_ENTITY, "The password has expired"),
            F::AccountLocked => (StatusCode::UNPROCESSABLE_ENTITY, "The account is locked"),
            F::AccountDisabled => (StatusCode::UNPROCESSABLE_ENTITY, "The account is disabled"),
            F::PermissionDenied => (StatusCode::FORBIDDEN, "The target does not allow this to the connection"),
            F::EgressDenied => (StatusCode::FORBIDDEN, "The connection may not reach this destination"),
            F::CredentialDenied => (StatusCode::FORBIDDEN, "The connection may not use this credential so"),
            F::NotPermitted => (StatusCode::FORBIDDEN, "The connection lacks a permission"),
            F::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "Too many requests"),
            F::Unsupported => (StatusCode::NOT_IMPLEMENTED, "The connector cannot do this"),
            F::ConnectionFailed => (StatusCode::BAD_GATEWAY, "The target cannot be reached"),
            F::ConnectionBroken => (StatusCode::BAD_GATEWAY, "The connection to the target was lost"),
            F::PartiallyApplied => (StatusCode::BAD_GATEWAY, "Only a part was done"),
            F::OutcomeUnknown => (StatusCode::GATEWAY_TIMEOUT, "What happened at the target is not known"),
            F::OperationTimeout => (StatusCode::GATEWAY_TIMEOUT, "It took too long"),
            F::Retryable => (StatusCode::SERVICE_UNAVAILABLE, "It failed for the moment"),
            F::TargetMaintenance => (StatusCode::SERVICE_UNAVAILABLE, "The target is under maintenance"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectRef;

    fn request() -> RequestId {
        "r-1".parse().unwrap()
    }

    fn written(problem: &Problem) -> serde_json::Value {
        serde_json::to_value(problem.document(&request())).unwrap()
    }

    #[test]
    fn the_callers_token_is_the_only_thing_401_speaks_of() {
        assert_eq!(meaning(ErrorKind::Unauthenticated).0, 401);
        assert_eq!(meaning(ErrorKind::Failure(FailureKind::InvalidCredential)).0, 422);
        assert_eq!(meaning(ErrorKind::Failure(FailureKind::InvalidPassword)).0, 422);
    }

    #[test]
    fn an_error_keeps_everything_its_reader_needs() {
        let mut error = Error::failure(FailureKind::PartiallyApplied, "made, but without its groups")
            .with_effect(Effect::Some)
            .blaming("groups")
            .with_detail("for the log only");
        error.object = Some(ObjectRef { class: "account".into(), uid: "7".into(), name: None });
        error.code = Some("E17".into());
        let expected = serde_json::json!({
            "type": "urn:hawser:problem:partially-applied",
            "title": "Only a part was done",
            "status": 502,
            "detail": "made, but without its groups",
            "effect": "some",
            "attributes": ["groups"],
            "object": {"class": "account", "uid": "7"},
            "code": "E17",
            "requestId": "r-1",
        });
        assert_eq!(written(&error.into()), expected);
    }

    #[test]
    fn what_is_for_the_log_is_not_in_the_answer() {
        let problem = Problem::from(Error::internal("table objects is gone"));
        assert!(!written(&problem).to_string().contains("table objects"));
        assert_eq!(problem.for_the_log(), ("internal", "table objects is gone"));
    }

    #[test]
    fn a_retry_is_announced_in_whole_seconds_and_never_too_early() {
        let mut error = Error::failure(FailureKind::RateLimited, "slow down");
        error.retry_after_ms = Some(1200);
        assert_eq!(Problem::from(error).render(&request()).headers()[RETRY_AFTER], "2");
        let unavailable = Problem::from(Error::new(ErrorKind::Unavailable, "the store is locked"));
        assert_eq!(unavailable.render(&request()).headers()[RETRY_AFTER], "1");
    }

    #[test]
    fn a_missing_token_says_which_kind_is_wanted() {
        let problem = Problem::from(Error::new(ErrorKind::Unauthenticated, "no token"));
        let response = problem.render(&request());
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer");
        assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM_JSON);
    }
}
