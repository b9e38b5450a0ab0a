//! Who asks: the request's id on the outside, the [`RequestContext`] on the inside, and the roles as extractors.
//!
//! A handler's first parameter says who may call it ([`AsCore`], [`AsOperator`]) and hands it the context.

use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::problem::Problem;
use crate::model::{Error, ErrorKind, RequestContext, RequestId, Result, Role};

/// The header of a request's id, in and out.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The outermost layer: gives the request its id, and every answer too, and writes problems out under it.
pub(super) async fn identify(mut request: Request, next: Next) -> Response {
    let named = request_id(request.headers());
    let id = named.clone().unwrap_or_else(|_| RequestId::fresh());
    request.extensions_mut().insert(id.clone());
    let answer = match named {
        Ok(_) => next.run(request).await,
        Err(error) => Problem::from(error).into_response(),
    };
    let mut answer = finished(answer, &id);
    if let Ok(value) = HeaderValue::try_from(id.as_str()) {
        answer.headers_mut().insert(REQUEST_ID, value);
    }
    answer
}

/// Writes out the problem an answer stands for; headers set beside it (`Allow`) stay.
pub(super) fn finished(mut answer: Response, id: &RequestId) -> Response {
    let Some(problem) = answer.extensions_mut().remove::<Problem>() else { return answer };
    let (kind, detail) = problem.for_the_log();
    if problem.status().is_server_error() {
        tracing::error!(request = %id, kind, detail, "a request failed");
    } else {
        tracing::debug!(request = %id, kind, "a request was refused");
    }
    let mut rendered = problem.render(id);
    for (name, value) in answer.headers() {
        if !rendered.headers().contains_key(name) && name != axum::http::header::CONTENT_LENGTH {
            rendered.headers_mut().insert(name.clone(), value.clone());
        }
    }
    rendered
}

/// The id of a request that went through [`identify`].
pub(super) fn id_of(request: &Request) -> RequestId {
    request.extensions().get().cloned().unwrap_or_else(RequestId::fresh)
}

fn request_id(headers: &HeaderMap) -> Result<RequestId> {
    let Some(value) = headers.get(REQUEST_ID) else { return Ok(RequestId::fresh()) };
    let text = value.to_str().unwrap_or_default();
    text.parse().map_err(|why| Error::from(why).blaming(REQUEST_ID.as_str()))
}

/// A caller with any token.
pub(super) struct AsCore(pub(super) RequestContext);

/// A caller with an operator's token.
pub(super) struct AsOperator(pub(super) RequestContext);

impl<S: Sync> FromRequestParts<S> for AsCore {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let missing = || Error::internal("a handler that asks for a caller stands outside the authentication layer");
        Ok(Self(parts.extensions.get::<RequestContext>().cloned().ok_or_else(missing)?))
    }
}

impl<S: Sync> FromRequestParts<S> for AsOperator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let AsCore(context) = AsCore::from_request_parts(parts, state).await?;
        match context.caller.role {
            Role::Operator => Ok(Self(context)),
            Role::Core => {
                let message = format!(
                    "this needs an operator's token; token {:?} has the role {}",
                    context.caller.name,
                    context.caller.role.as_str()
                );
                Err(Error::new(ErrorKind::Forbidden, message).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_that_could_break_a_log_is_refused_by_the_headers_name() {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_static("a b"));
        assert_eq!(request_id(&headers).unwrap_err().attributes, ["x-request-id"]);
        headers.insert(REQUEST_ID, HeaderValue::from_static("trace-7"));
        assert_eq!(request_id(&headers).unwrap().as_str(), "trace-7");
    }
}
