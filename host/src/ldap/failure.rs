//! What a server answers, in the vocabulary of failures: by its result code, by Active Directory's own code in the
//! diagnostic message, and by the password policy's control, the most exact of them first.

use super::limits::DIAGNOSTIC_BYTES_MAX;
use super::message::{Outcome, policy_error};
use crate::model::text::shown;
use crate::model::{Effect, Failure, FailureKind};

/// The attribute that is blamed for a password that was refused (`semantics.md`'s name for it).
const PASSWORD: &str = "password";

/// A refused password in Active Directory: ERROR_PASSWORD_RESTRICTION.
const PASSWORD_RESTRICTION: &str = "0000052D";

const SUCCESS: u32 = 0;
const SASL_BIND_IN_PROGRESS: u32 = 14;
const INVALID_CREDENTIALS: u32 = 49;

/// Did it go well? A bind can succeed, and its policy say that the password has to be changed before anything else.
///
/// # Errors
/// What it means that it did not.
pub(super) fn judged(outcome: &Outcome) -> Result<(), Failure> {
    let policy = policy_error(&outcome.controls).ok().flatten().and_then(by_policy);
    if outcome.code == SUCCESS && policy.is_none() {
        return Ok(());
    }
    let own = own_code(outcome);
    let kind =
        policy.or_else(|| own.and_then(|own| by_own(outcome.code, own))).unwrap_or_else(|| by_code(outcome.code));
    let mut failure = Failure::new(kind, message(outcome, kind));
    failure.code =
        Some(own.map_or_else(|| format!("ldap:{}", outcome.code), |own| format!("ldap:{}:{own}", outcome.code)));
    if kind == FailureKind::InvalidAttributeValue && (policy.is_some() || own == Some(PASSWORD_RESTRICTION)) {
        failure.attributes.push(PASSWORD.to_owned());
    }
    Err(failure)
}

/// The service could not log in: whoever waits for the operation cannot mend that.
pub(super) fn not_logged_in(failure: Failure, place: &str) -> Failure {
    let message = format!("{place} does not take the login of this connection: {}", failure.message);
    Failure { kind: FailureKind::ConnectionFailed, message, ..failure }
}

/// The server says what LDAP does not know.
pub(super) fn malformed(place: &str) -> Failure {
    broken(place, "it sent what is no LDAP")
}

/// The connection is gone; of what was asked nobody knows whether it was done.
pub(super) fn broken(place: &str, why: &str) -> Failure {
    Failure::new(FailureKind::ConnectionBroken, format!("the connection to {place} broke: {why}"))
}

pub(super) fn late(place: &str) -> Failure {
    Failure::new(FailureKind::OperationTimeout, format!("{place} did not answer before the deadline of the call"))
}

/// A write that broke off after it was sent.
pub(super) fn unknown(failure: Failure) -> Failure {
    let open = matches!(failure.kind, FailureKind::ConnectionBroken | FailureKind::OperationTimeout);
    if !open {
        return failure;
    }
    let message =
        format!("{}; whether the change was made is not known: read the object before you try again", failure.message);
    Failure { kind: FailureKind::OutcomeUnknown, effect: Effect::Unknown, message, ..failure }
}

fn message(outcome: &Outcome, kind: FailureKind) -> String {
    let words = shown(outcome.diagnostic.trim_end_matches('\0'), DIAGNOSTIC_BYTES_MAX);
    let referred = if outcome.referrals.is_empty() {
        String::new()
    } else {
        shown(&format!("; it refers to {}", outcome.referrals.join(", ")), DIAGNOSTIC_BYTES_MAX)
    };
    let words = if words.is_empty() { String::new() } else { format!(": {words}") };
    format!("the directory answers {} ({}){words}{referred}", outcome.code, kind.as_str())
}

/// Active Directory's code: `data 52e` of a bind, the first number of any other answer.
fn own_code(outcome: &Outcome) -> Option<&str> {
    let (number, rest) = outcome.diagnostic.split_at_checked(8)?;
    let is_number = rest.starts_with(':') && number.bytes().all(|digit| digit.is_ascii_hexdigit());
    if !is_number {
        return None;
    }
    let data = || {
        let (_, after) = rest.split_once(" data ")?;
        after.split([',', ' ', '\0']).next().filter(|data| !data.is_empty() && data.len() <= 8)
    };
    Some(if outcome.code == INVALID_CREDENTIALS { data().unwrap_or(number) } else { number })
}

/// Active Directory's codes (winerror.h, as far as they refine LDAP's).
fn by_own(code: u32, own: &str) -> Option<FailureKind> {
    Some(match (code, own) {
        (INVALID_CREDENTIALS, "525" | "52e" | "52E") => FailureKind::InvalidCredential,
        (INVALID_CREDENTIALS, "530" | "531") => FailureKind::PermissionDenied,
        (INVALID_CREDENTIALS, "532" | "773") => FailureKind::PasswordExpired,
        (INVALID_CREDENTIALS, "533" | "701") => FailureKind::AccountDisabled,
        (INVALID_CREDENTIALS, "775") => FailureKind::AccountLocked,
        (_, PASSWORD_RESTRICTION) => FailureKind::InvalidAttributeValue,
        // The old password of a change is wrong: ERROR_INVALID_PASSWORD.
        (_, "00000056") => FailureKind::InvalidPassword,
        (_, "00000005") => FailureKind::PermissionDenied,
        // The name is taken, by an object elsewhere.
        (_, "00000524") => FailureKind::AlreadyExists,
        _ => return None,
    })
}

/// Errors of the password policy (draft-behera-ldap-password-policy-11, 6.2).
fn by_policy(error: u32) -> Option<FailureKind> {
    Some(match error {
        0 | 2 => FailureKind::PasswordExpired,
        1 => FailureKind::AccountLocked,
        3 => FailureKind::PermissionDenied,
        4 => FailureKind::InvalidPassword,
        5..=8 => FailureKind::InvalidAttributeValue,
        _ => return None,
    })
}

/// Result codes (RFC 4511, appendix A.2; RFC 4528; RFC 4533).
fn by_code(code: u32) -> FailureKind {
    match code {
        1 | 51 => FailureKind::Retryable,
        2 | 10 | 12 | 71 => FailureKind::Unsupported,
        3 => FailureKind::OperationTimeout,
        4 | 11 => FailureKind::QuotaExceeded,
        7 | 8 | 13 | SASL_BIND_IN_PROGRESS => FailureKind::Configuration,
        17 | 64 | 65 | 69 => FailureKind::SchemaViolation,
        18 | 19 | 21 | 34 | 67 => FailureKind::InvalidAttributeValue,
        32 => FailureKind::UnknownUid,
        48 | INVALID_CREDENTIALS => FailureKind::InvalidCredential,
        50 => FailureKind::PermissionDenied,
        52 => FailureKind::TargetMaintenance,
        68 => FailureKind::AlreadyExists,
        118 => FailureKind::Cancelled,
        122 => FailureKind::PreconditionFailed,
        4096 => FailureKind::ResyncRequired,
        _ => FailureKind::Conflict,
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::{Control, PASSWORD_POLICY};
    use super::*;

    fn outcome(code: u32, diagnostic: &str, policy: Option<&[u8]>) -> Outcome {
        let control =
            |value: &[u8]| Control { oid: PASSWORD_POLICY.to_owned(), critical: false, value: Some(value.to_vec()) };
        let controls = policy.map(control).into_iter().collect();
        let referrals = if code == 10 { vec!["ldap://other.example/".to_owned()] } else { Vec::new() };
        Outcome { code, diagnostic: diagnostic.to_owned(), referrals, controls, name: None, value: None }
    }

    fn refused(code: u32, diagnostic: &str, policy: Option<&[u8]>) -> (FailureKind, String, Vec<String>) {
        let failure = judged(&outcome(code, diagnostic, policy)).unwrap_err();
        (failure.kind, failure.code.unwrap(), failure.attributes)
    }

    #[test]
    fn the_policys_word_comes_before_the_result_code_and_spoils_even_a_success() {
        assert_eq!(
            refused(0, "", Some(&[0x30, 3, 0x81, 1, 2])),
            (FailureKind::PasswordExpired, "ldap:0".into(), vec![])
        );
        assert_eq!(refused(49, "", Some(&[0x30, 3, 0x81, 1, 1])).0, FailureKind::AccountLocked);
        let weak = refused(19, "too short", Some(&[0x30, 3, 0x81, 1, 6]));
        assert_eq!(weak, (FailureKind::InvalidAttributeValue, "ldap:19".into(), vec!["password".into()]));
        // A warning only; an empty control; bytes that are none.
        for harmless in [&[0x30, 5, 0xa0, 3, 0x80, 1, 9][..], &[], &[0x30, 9, 1]] {
            assert_eq!(judged(&outcome(0, "", Some(harmless))), Ok(()));
        }
    }

    #[test]
    fn active_directorys_own_codes_refine_what_ldap_says() {
        let bind = |data: &str| {
            let diagnostic =
                format!("80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data {data}, v4563");
            refused(49, &diagnostic, None)
        };
        assert_eq!(bind("52e"), (FailureKind::InvalidCredential, "ldap:49:52e".into(), vec![]));
        assert_eq!(bind("775").0, FailureKind::AccountLocked);
        assert_eq!(bind("773").0, FailureKind::PasswordExpired);
        assert_eq!(bind("533").0, FailureKind::AccountDisabled);
        let weak = refused(19, "0000052D: Constraint violation - check_password_restrictions", None);
        assert_eq!(weak, (FailureKind::InvalidAttributeValue, "ldap:19:0000052D".into(), vec!["password".into()]));
        assert_eq!(refused(19, "no number: at all", None).1, "ldap:19");
    }

    #[test]
    fn what_a_server_says_is_cut_cleaned_and_refers_visibly() {
        let failure = judged(&outcome(53, &format!("a\u{1b}[31m{}", "x".repeat(5_000)), None)).unwrap_err();
        assert!(failure.message.len() < 1_200 && !failure.message.contains('\u{1b}'), "{}", failure.message);
        let referral = judged(&outcome(10, "", None)).unwrap_err();
        assert!(referral.kind == FailureKind::Unsupported && referral.message.contains("ldap://other.example/"));
    }

    #[test]
    fn only_a_write_that_broke_off_has_an_unknown_outcome() {
        assert_eq!(unknown(late("x")).kind, FailureKind::OutcomeUnknown);
        assert_eq!(unknown(broken("x", "y")).effect, Effect::Unknown);
        assert_eq!(unknown(Failure::new(FailureKind::Conflict, "no")).kind, FailureKind::Conflict);
    }
}
