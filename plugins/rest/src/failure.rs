//! What an answer means that is none of success: the mapping's rules first, then the status.
//!
//! A failure says what it did to the target. `4xx` is a refusal: nothing was done. `5xx` to a change may come after the
//! change was made: that is `outcome-unknown`, and nobody sends it a second time.

use crate::api::Answer;
use crate::mapping::Errors;
use hawser_sdk::{Effect, Error, FailureKind};
use serde_json::Value as Json;

/// How much of a server's message is handed on, in bytes.
const MESSAGE_BYTES_MAX: usize = 500;

/// The failure that an answer is, if it is one.
pub(crate) fn judge(errors: &Errors, answer: &Answer, changes: bool) -> Option<Error> {
    let rule = errors.rules.iter().find(|rule| rule.fits(answer.status, &answer.body));
    let kind = match rule {
        Some(rule) => rule.kind,
        None if (200..300).contains(&answer.status) => return None,
        None => by_status(answer.status, changes),
    };
    let mut error = Error::new(kind, message(errors, answer)).code(format!("http:{}", answer.status));
    for attribute in rule.iter().flat_map(|rule| &rule.attributes) {
        error = error.attribute(attribute.as_str());
    }
    Some(if changes && is_open(answer.status) { error.with_effect(Effect::Unknown) } else { error })
}

/// Can a change have been made all the same? Whatever a rule calls it, a server that fails does not say.
fn is_open(status: u16) -> bool {
    status >= 500 && !matches!(status, 501 | 507)
}

fn by_status(status: u16, changes: bool) -> FailureKind {
    match status {
        _ if changes && is_open(status) => FailureKind::OutcomeUnknown,
        401 => FailureKind::ConnectionFailed,
        403 => FailureKind::PermissionDenied,
        404 | 410 => FailureKind::UnknownUid,
        405 | 501 => FailureKind::Unsupported,
        408 => FailureKind::OperationTimeout,
        409 | 423 => FailureKind::Conflict,
        412 => FailureKind::PreconditionFailed,
        428 => FailureKind::PreconditionRequired,
        429 => FailureKind::RateLimited,
        503 => FailureKind::TargetMaintenance,
        507 => FailureKind::QuotaExceeded,
        400..=499 => FailureKind::InvalidAttributeValue,
        500.. => FailureKind::Retryable,
        // A redirect leads to another place than the one that was permitted, and nothing else was asked for.
        _ => FailureKind::Configuration,
    }
}

fn message(errors: &Errors, answer: &Answer) -> String {
    let Answer { method, path, status, .. } = answer;
    let said = errors.messages.iter().find_map(|pointer| pointer.get(&answer.body).and_then(Json::as_str));
    let about = match status {
        401 => "; the API does not take the credentials of this connection",
        300..=399 => "; it redirects, which is not followed: correct `host` or `base-path`",
        _ => "",
    };
    match said {
        Some(said) => format!("{method} {path}: {status}, {}{about}", shown(said)),
        None => format!("{method} {path}: {status}{about}"),
    }
}

/// Foreign text, cut and without what acts on a screen.
fn shown(text: &str) -> String {
    let cut = text.get(..text.floor_char_boundary(MESSAGE_BYTES_MAX)).unwrap_or(text);
    cut.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The same failure of another kind.
pub(crate) fn renamed(error: &Error, kind: FailureKind, message: impl Into<String>) -> Error {
    let renamed = Error::new(kind, message).with_effect(error.effect());
    match error.target_code() {
        Some(code) => renamed.code(code),
        None => renamed,
    }
}

/// The status behind an error, if there is one.
pub(crate) fn status(error: &Error) -> Option<u16> {
    error.target_code()?.strip_prefix("http:")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: Json) -> Answer {
        Answer {
            method: "POST",
            path: "/users".to_owned(),
            status,
            etag: None,
            location: None,
            links: Vec::new(),
            body,
        }
    }

    fn errors(yaml: &str) -> Errors {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn a_server_error_after_a_change_is_an_unknown_outcome_and_after_a_reading_worth_another_attempt() {
        for status in [500, 502, 503, 504, 599] {
            let error = judge(&Errors::default(), &answer(status, Json::Null), true).unwrap();
            assert_eq!((error.kind(), error.effect()), (FailureKind::OutcomeUnknown, Effect::Unknown));
            let error = judge(&Errors::default(), &answer(status, Json::Null), false).unwrap();
            let kind = if status == 503 { FailureKind::TargetMaintenance } else { FailureKind::Retryable };
            assert_eq!((error.kind(), error.effect()), (kind, Effect::None));
        }
    }

    #[test]
    fn no_rule_says_of_a_server_error_that_nothing_was_done() {
        let errors = errors("rules: [{status: 500, kind: conflict}, {status: 501, kind: conflict}]");
        for (status, changes, effect) in
            [(500, true, Effect::Unknown), (500, false, Effect::None), (501, true, Effect::None)]
        {
            let error = judge(&errors, &answer(status, Json::Null), changes).unwrap();
            assert_eq!((error.kind(), error.effect()), (FailureKind::Conflict, effect), "{status}");
        }
        for status in [501, 507] {
            assert_eq!(judge(&Errors::default(), &answer(status, Json::Null), true).unwrap().effect(), Effect::None);
        }
    }

    #[test]
    fn a_refusal_did_nothing_and_names_what_was_asked() {
        let error = judge(&Errors::default(), &answer(422, Json::Null), true).unwrap();
        assert_eq!((error.kind(), error.effect()), (FailureKind::InvalidAttributeValue, Effect::None));
        assert_eq!((error.message(), error.target_code()), ("POST /users: 422", Some("http:422")));
    }

    #[test]
    fn a_redirect_is_no_success() {
        let error = judge(&Errors::default(), &answer(302, Json::Null), false).unwrap();
        assert_eq!(error.kind(), FailureKind::Configuration);
    }

    #[test]
    fn the_first_rule_that_fits_decides_and_the_message_is_the_servers() {
        let errors = errors(
            "messages: [/none, /error/text]
rules:
- {status: 400, pointer: /error/code, equals: 7, kind: already-exists, attributes: [mail]}
- {status: 400, kind: conflict}
- {status: 200, pointer: /ok, equals: false, kind: permission-denied}",
        );
        let taken = answer(400, json!({"error": {"code": 7, "text": "taken\nalready"}}));
        let error = judge(&errors, &taken, true).unwrap();
        assert_eq!((error.kind(), error.attributes()), (FailureKind::AlreadyExists, ["mail".to_owned()].as_slice()));
        assert_eq!(error.message(), "POST /users: 400, taken already");
        assert_eq!(judge(&errors, &answer(400, Json::Null), true).unwrap().kind(), FailureKind::Conflict);
        let no = judge(&errors, &answer(200, json!({"ok": false})), true).unwrap();
        assert_eq!(no.kind(), FailureKind::PermissionDenied);
        assert!(judge(&errors, &answer(200, json!({"ok": true})), true).is_none());
    }
}
