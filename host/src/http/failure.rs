//! What went wrong on the way, in the vocabulary of failures. What a status means is the connector's business.
//!
//! Nothing that a server said is in a message: it may have been told a secret with the request.

use std::error::Error as _;

use hyper::{Method, StatusCode};

use crate::egress::target::Target;
use crate::model::{Effect, Failure, FailureKind};

/// The connection is of no more use.
pub(super) fn broken(target: &Target, why: &str) -> Failure {
    Failure::new(FailureKind::ConnectionBroken, format!("the connection to {target} broke: {why}"))
}

pub(super) fn late(target: &Target) -> Failure {
    Failure::new(FailureKind::OperationTimeout, format!("{target} did not answer in time"))
}

/// A request that is not sent like that.
pub(super) fn unsupported(why: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Unsupported, why)
}

/// More of something than there may be.
pub(super) fn too_much(what: &str, max: usize) -> Failure {
    Failure::new(FailureKind::QuotaExceeded, format!("{what}; {max} are allowed"))
}

/// A secret that is not written like that.
pub(super) fn denied(why: impl Into<String>) -> Failure {
    Failure::new(FailureKind::CredentialDenied, why)
}

/// Does the method only read (RFC 9110, 9.2.1)?
pub(super) fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// A request that was sent and whose answer did not come whole.
pub(super) fn unanswered(writes: bool, failure: Failure) -> Failure {
    if !writes {
        return failure;
    }
    let open = matches!(failure.kind, FailureKind::ConnectionBroken | FailureKind::OperationTimeout);
    let kind = if open { FailureKind::OutcomeUnknown } else { failure.kind };
    let message =
        format!("{}; whether the change was made is not known: read the object before you try again", failure.message);
    Failure { kind, effect: Effect::Unknown, message, ..failure }
}

/// The server asks for a pause that nobody waits for.
pub(super) fn paused(target: &Target, status: StatusCode, wait: std::time::Duration) -> Failure {
    let (kind, says) = match status {
        StatusCode::TOO_MANY_REQUESTS => (FailureKind::RateLimited, "takes no more requests for now"),
        _ => (FailureKind::TargetMaintenance, "is not available for now"),
    };
    let millis = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
    let message = format!("{target} {says} ({}); it may be asked again in {} s", status.as_u16(), wait.as_secs() + 1);
    Failure {
        retry_after_ms: Some(millis),
        code: Some(format!("http:{}", status.as_u16())),
        ..Failure::new(kind, message)
    }
}

/// What an error of the protocol says, without a word of the server's.
pub(super) fn why(error: &hyper::Error) -> String {
    if let Some(reason) = of_http2(error).and_then(h2::Error::reason) {
        return format!("HTTP/2 says {:?}", reason.description());
    }
    let why = if error.is_parse_too_large() {
        "the head of its answer is too large"
    } else if error.is_parse() {
        "it sent what is no HTTP"
    } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        "it was closed before the answer was whole"
    } else {
        "it was lost in the middle"
    };
    why.to_owned()
}

/// Did the server say that it did nothing about the request (RFC 9113, 8.7)?
pub(super) fn is_refused(error: &hyper::Error) -> bool {
    let refused =
        |error: &h2::Error| error.is_reset() && error.is_remote() && error.reason() == Some(h2::Reason::REFUSED_STREAM);
    of_http2(error).is_some_and(refused)
}

fn of_http2(error: &hyper::Error) -> Option<&h2::Error> {
    error.source()?.downcast_ref()
}
