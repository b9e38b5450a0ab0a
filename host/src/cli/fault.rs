//! Why a command ended without what was asked for, and the exit code a script sees.
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done |
//! | 1 | it failed |
//! | 2 | the command line or the request is wrong |
//! | 3 | refused: no valid token, not this role, or a permission is missing |
//! | 4 | there is no such thing |
//! | 5 | held: it waits for a person to approve or reject |
//! | 6 | unavailable: nobody answers, or there is too much to do; later it may work |
//! | 7 | unknown: the request was sent and no answer came; look before repeating it |
//! | 8 | conflict: it exists already, or was changed meanwhile |

use std::fmt;
use std::io;
use std::process::ExitCode;

use serde::Deserialize;

use crate::model::Error;

/// An error that came by no HTTP answer counts as a fault of the host, unless its name says better.
const STATUS_OF_A_FAULT: u16 = 500;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Refused = 3,
    NotFound = 4,
    Held = 5,
    Unavailable = 6,
    Unknown = 7,
    Conflict = 8,
}

impl Exit {
    /// The code of a problem: by its name (a kind of the house), or by the status where the name says no more.
    pub(super) fn of_problem(name: &str, status: u16) -> Self {
        match name {
            "invalid-request" | "too-large" | "invalid-attribute-value" | "schema-violation" => Self::Usage,
            "unauthenticated" | "forbidden" | "permission-denied" | "egress-denied" | "credential-denied"
            | "not-permitted" => Self::Refused,
            "not-found" | "unknown-uid" => Self::NotFound,
            "unavailable" | "connection-failed" | "connection-broken" | "operation-timeout" | "retryable"
            | "rate-limited" | "target-maintenance" => Self::Unavailable,
            "outcome-unknown" => Self::Unknown,
            "stale" | "already-exists" | "conflict" | "precondition-failed" | "precondition-required" => Self::Conflict,
            "invalid-credential" | "invalid-password" | "password-expired" | "account-locked" | "account-disabled" => {
                Self::Failed
            }
            _ => Self::of_status(status),
        }
    }

    /// The code of an answer whose name says no more than its status.
    fn of_status(status: u16) -> Self {
        match status {
            400 | 405 | 413 | 415 | 422 => Self::Usage,
            401 | 403 => Self::Refused,
            404 => Self::NotFound,
            409 | 412 | 428 => Self::Conflict,
            408 | 429 | 502..=504 => Self::Unavailable,
            _ => Self::Failed,
        }
    }
}

/// Why a command stopped, for the person at the terminal.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) exit: Exit,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// It failed, and that is all there is to say by code.
    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// What was given is wrong.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// For `map_err`: what was tried with a file or stream.
    pub(super) fn io(tried: impl fmt::Display) -> impl FnOnce(io::Error) -> Self {
        move |why| Self::failed(format!("{tried}: {why}"))
    }

    /// The reader of the output went away (`hawser ... | head`): nothing is wrong, and nothing more is wanted.
    pub(super) fn nobody_reads() -> Self {
        Self::new(Exit::Done, "")
    }

    /// Tells the person, if there is something to tell, and becomes the process's exit code.
    pub(super) fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            super::out::complain(&self.message);
        }
        ExitCode::from(self.exit as u8)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let mut message = error.message;
        if let Some(detail) = error.detail {
            message.push_str(&format!("\n  {detail}"));
        }
        Self::new(Exit::of_problem(error.kind.as_str(), STATUS_OF_A_FAULT), message)
    }
}

/// A problem document of the API (RFC 9457), as far as people are told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Problem {
    r#type: String,
    title: String,
    detail: String,
    effect: Option<String>,
    attributes: Vec<String>,
    retry_after_ms: Option<u64>,
    code: Option<String>,
    request_id: Option<String>,
}

impl Problem {
    /// The problem's name, the last part of its type: `not-found`, `unknown-uid`, ...
    pub(super) fn name(&self) -> &str {
        self.r#type.rsplit(':').next().unwrap_or_default()
    }

    /// The problem in a few lines.
    pub(super) fn text(&self) -> String {
        let what = if self.detail.is_empty() { &self.title } else { &self.detail };
        let mut text = if self.name().is_empty() { what.clone() } else { format!("{}: {what}", self.name()) };
        let effect = self.effect.as_deref().filter(|effect| *effect != "none");
        let rest = [
            ("about", (!self.attributes.is_empty()).then(|| self.attributes.join(", "))),
            ("effect on the target", effect.map(str::to_owned)),
            ("the target's code", self.code.clone()),
            ("try again after", self.retry_after_ms.map(|after| format!("{after} ms"))),
            ("request", self.request_id.clone()),
        ];
        for (label, value) in rest {
            if let Some(value) = value {
                text.push_str(&format!("\n  {label}: {value}"));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_of_the_house_decides_the_code_and_not_its_status() {
        assert_eq!(Exit::of_problem("unknown-uid", 404), Exit::NotFound);
        assert_eq!(Exit::of_problem("outcome-unknown", 502), Exit::Unknown);
        assert_eq!(Exit::of_problem("not-permitted", 422), Exit::Refused);
        assert_eq!(Exit::of_problem("already-exists", 409), Exit::Conflict);
    }

    #[test]
    fn a_wrong_password_is_a_failure_and_not_a_wrong_command() {
        assert_eq!(Exit::of_problem("invalid-credential", 422), Exit::Failed);
    }

    #[test]
    fn an_unknown_problem_falls_back_to_its_status() {
        assert_eq!(Exit::of_problem("", 503), Exit::Unavailable);
        assert_eq!(Exit::of_problem("of-next-year", 404), Exit::NotFound);
        assert_eq!(Exit::of_problem("of-next-year", 500), Exit::Failed);
    }

    #[test]
    fn a_problem_tells_what_is_to_blame_and_under_which_request() {
        let problem: Problem = serde_json::from_str(
            r#"{"type": "urn:hawser:problem:invalid-attribute-value", "title": "Invalid", "status": 422,
                "detail": "the department is unknown", "effect": "unknown", "attributes": ["department"],
                "requestId": "r-1"}"#,
        )
        .unwrap();
        assert_eq!(
            problem.text(),
            "invalid-attribute-value: the department is unknown\n  about: department\n  effect on the target: unknown\n  \
             request: r-1"
        );
    }
}
