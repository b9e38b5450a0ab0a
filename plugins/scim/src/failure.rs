//! What a service's answers mean: status, `scimType` and detail (RFC 7644, 3.12) to the failures of the contract.
//!
//! A write that is answered with 5xx may have been carried out, whatever else the answer says: its outcome is unknown, and
//! nobody repeats it by himself. 501 alone says that the service cannot do it at all.

use hawser_sdk::http::Response;
use hawser_sdk::{Effect, Error, FailureKind};
use serde::Deserialize;

/// How much of what a service says is told, in bytes.
const DETAIL_BYTES_MAX: usize = 500;

/// What was being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Reading,
    Creating,
    Changing,
    Deleting,
    SettingPassword,
}

/// The body of an error, of SCIM 2.0 or of what services had before.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ErrorDocument {
    scim_type: Option<String>,
    detail: Option<String>,
    #[serde(rename = "Errors")]
    errors: Vec<OldError>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OldError {
    description: Option<String>,
}

/// The failure that an answer is.
pub(crate) fn of(response: &Response, doing: Doing) -> Error {
    let document: ErrorDocument = serde_json::from_slice(&response.body).unwrap_or_default();
    let said = document.detail.or_else(|| document.errors.into_iter().find_map(|error| error.description));
    let scim_type = document.scim_type.unwrap_or_default();
    let (kind, advice) = kind(response.status, &scim_type, doing);
    let effect = if kind == FailureKind::OutcomeUnknown { Effect::Unknown } else { Effect::None };
    let message = message(response, said.as_deref(), advice);
    let error = Error::new(kind, message).with_effect(effect).code(format!("http:{}", response.status));
    if doing == Doing::SettingPassword && kind == FailureKind::InvalidAttributeValue {
        return error.attribute(crate::model::PASSWORD);
    }
    error
}

fn kind(status: u16, scim_type: &str, doing: Doing) -> (FailureKind, &'static str) {
    use FailureKind as Kind;
    let writes = doing != Doing::Reading;
    match (status, scim_type) {
        (500 | 502..=599, _) if writes => {
            (Kind::OutcomeUnknown, "it may have been done all the same; look before it is tried again")
        }
        (_, "uniqueness") => (Kind::AlreadyExists, ""),
        (_, "tooMany") => (Kind::QuotaExceeded, "the service finds too much; raise its limit or lower `page-size`"),
        (_, "invalidFilter") => (Kind::Unsupported, "name the attribute in `unfilterable`"),
        (_, "invalidCursor" | "expiredCursor") => (Kind::ResyncRequired, "the place in the list is gone; begin again"),
        (_, "invalidCount") => (Kind::Configuration, "lower `page-size`, or set it to 0"),
        (_, "invalidValue") => (Kind::InvalidAttributeValue, ""),
        (_, "mutability" | "invalidPath" | "invalidSyntax") if writes => {
            (Kind::SchemaViolation, "refresh the schema, and set only what the service lets be set")
        }
        (_, "noTarget") if writes => (Kind::Conflict, "the object was changed meanwhile; read it again"),
        (_, "invalidVers") => (Kind::Configuration, "the service speaks another version of SCIM; correct `base-path`"),
        (_, "sensitive") => (Kind::PermissionDenied, "the service takes no such value in a URL"),
        (400 | 422, _) if writes => (Kind::InvalidAttributeValue, ""),
        (401, _) => {
            (Kind::ConnectionFailed, "the service does not take the credential of this connection; enter it again")
        }
        (403, _) => (Kind::PermissionDenied, "the credential of this connection may not do this; let it"),
        (404 | 410, _) => (Kind::UnknownUid, ""),
        (405 | 501, _) => (Kind::Unsupported, ""),
        (406 | 415, _) => (Kind::Configuration, "the service does not speak application/scim+json"),
        (409, _) if doing == Doing::Creating => (Kind::AlreadyExists, ""),
        (409, _) => (Kind::Conflict, ""),
        (412, _) => (Kind::PreconditionFailed, "the object was changed since that revision; read it again"),
        (413, _) => (Kind::QuotaExceeded, ""),
        (428, _) => (Kind::PreconditionRequired, "give the revision"),
        (429, _) => (Kind::RateLimited, ""),
        (503, _) => (Kind::TargetMaintenance, ""),
        (300..=399, _) => (Kind::Configuration, "nothing is followed; correct `host` and `base-path`"),
        (500..=599, _) => (Kind::Retryable, ""),
        _ => (Kind::Conflict, ""),
    }
}

fn message(response: &Response, said: Option<&str>, advice: &str) -> String {
    let mut message = format!("the service answers {}", response.status);
    let to = response.header("location").filter(|_| (300..=399).contains(&response.status));
    for part in [to, said].into_iter().flatten() {
        message.push_str(": ");
        message.push_str(shown(part));
    }
    if !advice.is_empty() {
        message.push_str("; ");
        message.push_str(advice);
    }
    message
}

fn shown(text: &str) -> &str {
    let mut end = text.len().min(DETAIL_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Is it a filter that the service does not take?
pub(crate) fn is_about_filters(error: &Error) -> bool {
    error.kind() == FailureKind::Unsupported
}

/// Did the service find nothing at the path of an operation?
pub(crate) fn is_no_target(error: &Error) -> bool {
    error.kind() == FailureKind::Conflict && error.target_code() == Some("http:400")
}

/// What was there when it was looked for is not there any more.
pub(crate) fn unknown(class: &str, uid: &str) -> Error {
    Error::unknown_uid(format!("there is no {class} with the uid `{uid}`")).code("http:404")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, scim_type: &str, doing: Doing) -> Error {
        let body = format!(r#"{{"scimType": "{scim_type}", "detail": "because"}}"#);
        of(&Response::new(status, body), doing)
    }

    #[test]
    fn what_may_have_been_done_is_unknown_and_a_read_is_tried_again() {
        for doing in [Doing::Creating, Doing::Changing, Doing::Deleting, Doing::SettingPassword] {
            for (status, scim_type) in
                [(500, ""), (502, ""), (503, ""), (504, "tooMany"), (500, "uniqueness"), (599, "")]
            {
                let error = error(status, scim_type, doing);
                assert_eq!((error.kind(), error.effect()), (FailureKind::OutcomeUnknown, Effect::Unknown), "{status}");
            }
        }
        let error = error(502, "", Doing::Reading);
        assert_eq!((error.kind(), error.effect()), (FailureKind::Retryable, Effect::None));
    }

    #[test]
    fn every_answer_has_a_kind_its_code_and_what_the_service_says() {
        use FailureKind as Kind;
        for (status, scim_type, doing, kind) in [
            (409, "uniqueness", Doing::Creating, Kind::AlreadyExists),
            (409, "", Doing::Creating, Kind::AlreadyExists),
            (409, "", Doing::Changing, Kind::Conflict),
            (400, "invalidFilter", Doing::Reading, Kind::Unsupported),
            (400, "tooMany", Doing::Reading, Kind::QuotaExceeded),
            (400, "expiredCursor", Doing::Reading, Kind::ResyncRequired),
            (400, "mutability", Doing::Changing, Kind::SchemaViolation),
            (400, "invalidValue", Doing::Changing, Kind::InvalidAttributeValue),
            (400, "invalidValue", Doing::SettingPassword, Kind::InvalidAttributeValue),
            (400, "", Doing::SettingPassword, Kind::InvalidAttributeValue),
            (400, "noTarget", Doing::Changing, Kind::Conflict),
            (403, "sensitive", Doing::Reading, Kind::PermissionDenied),
            (401, "", Doing::Reading, Kind::ConnectionFailed),
            (403, "", Doing::Deleting, Kind::PermissionDenied),
            (404, "", Doing::Reading, Kind::UnknownUid),
            (412, "", Doing::Changing, Kind::PreconditionFailed),
            (428, "", Doing::Deleting, Kind::PreconditionRequired),
            (501, "", Doing::Changing, Kind::Unsupported),
            (503, "", Doing::Reading, Kind::TargetMaintenance),
        ] {
            let error = error(status, scim_type, doing);
            assert_eq!(error.kind(), kind, "{status} {scim_type} {doing:?}");
            assert_eq!(error.target_code(), Some(format!("http:{status}").as_str()));
            assert!(error.message().contains("because"), "{error}");
        }
        assert_eq!(error(400, "", Doing::SettingPassword).attributes(), ["password"]);
    }

    #[test]
    fn only_a_path_without_a_target_is_one() {
        assert!(is_no_target(&error(400, "noTarget", Doing::Changing)));
        for (status, scim_type) in [(409, ""), (400, "invalidPath"), (400, ""), (500, "noTarget")] {
            assert!(!is_no_target(&error(status, scim_type, Doing::Changing)), "{status} {scim_type}");
        }
    }

    #[test]
    fn a_redirect_says_where_to_and_an_error_of_old_what_it_says() {
        let moved = Response::new(301, "<html>").with_header("Location", "https://y.test/scim");
        let error = of(&moved, Doing::Reading);
        assert!(error.message().contains("https://y.test/scim") && error.message().contains("`host`"), "{error}");
        let old = Response::new(404, r#"{"Errors": [{"description": "user_not_found", "code": 404}]}"#);
        assert!(of(&old, Doing::Reading).message().contains("user_not_found"));
    }

    #[test]
    fn a_long_story_is_cut_between_letters() {
        let body = format!(r#"{{"detail": "{}"}}"#, "é".repeat(4_000));
        assert!(of(&Response::new(400, body), Doing::Reading).message().len() < DETAIL_BYTES_MAX + 100);
    }
}
