//! References to secrets: where a secret is found that is kept outside the host. A reference is no secret and is shown to people.
//!
//! A source more is a variant more of [`Source`], a spelling more, and a way more to read it.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The longest name of an environment variable, in bytes.
const NAME_BYTES_MAX: usize = 255;
/// The longest path of a file, in bytes (`PATH_MAX` of Linux).
const PATH_BYTES_MAX: usize = 4096;

/// Where a secret is found: `env:NAME` or `file:/absolute/path`, in its only spelling.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretReference(Source);

/// What a reference points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A variable of the host's environment. It does not change while the host runs.
    Environment(String),
    /// A file: absolute, without `.`, `..` and doubled separators.
    File(PathBuf),
}

/// Why a text is no reference. It does not repeat the text: somebody may have put a value where a reference belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reference is env:NAME, or file: and an absolute path without `.`, `..` and `//`")]
pub struct InvalidSecretReference;

/// Why nothing was read where a reference points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The host's configuration does not let connections read there.
    NotAllowed,
    Missing,
    /// A directory, a pipe, a device.
    NotAFile,
    /// Access is denied, the path leads out of the directory, or reading fails.
    Unreadable,
    /// It has no bytes: a password of no length is refused everywhere (RFC 4513, section 5.1.2).
    Empty,
    /// It has more bytes than a secret may.
    TooLong,
}

impl SecretReference {
    /// What it points at.
    pub fn source(&self) -> &Source {
        &self.0
    }
}

impl Source {
    /// How references to it begin.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Environment(_) => "env",
            Self::File(_) => "file",
        }
    }
}

impl Unread {
    /// The spelling everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowed => "not-allowed",
            Self::Missing => "missing",
            Self::NotAFile => "not-a-file",
            Self::Unreadable => "unreadable",
            Self::Empty => "empty",
            Self::TooLong => "too-long",
        }
    }

    /// What is wrong with a reference and what to do, as a sentence's end.
    pub fn told(self, of: &SecretReference) -> String {
        match (self, of.source()) {
            (Self::NotAllowed, Source::Environment(_)) => "the host's configuration does not allow it; name a prefix \
                of the variable in `environment-prefixes` of [secrets] and restart"
                .to_owned(),
            (Self::NotAllowed, Source::File(_)) => {
                "the host's configuration does not allow it; name a directory above \
                the file in `directories` of [secrets] and restart"
                    .to_owned()
            }
            (Self::Missing, Source::Environment(_)) => {
                "there is no such variable in the environment the host was started with".to_owned()
            }
            (Self::Missing, Source::File(_)) => "there is no such file".to_owned(),
            (Self::NotAFile, _) => "it is no regular file".to_owned(),
            (Self::Unreadable, _) => {
                "the host may not read it, or it is a link that leads out of the allowed directory".to_owned()
            }
            (Self::Empty, _) => "it is empty".to_owned(),
            (Self::TooLong, _) => format!("it is longer than {} bytes", super::secret::SECRET_BYTES_MAX),
        }
    }
}

impl TryFrom<String> for SecretReference {
    type Error = InvalidSecretReference;

    fn try_from(text: String) -> Result<Self, InvalidSecretReference> {
        match text.split_once(':') {
            Some(("env", name)) if is_name(name) => Ok(Self(Source::Environment(name.to_owned()))),
            Some(("file", path)) if is_plain_path(path) => Ok(Self(Source::File(path.into()))),
            _ => Err(InvalidSecretReference),
        }
    }
}

impl From<SecretReference> for String {
    fn from(reference: SecretReference) -> Self {
        reference.to_string()
    }
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Environment(name) => write!(f, "env:{name}"),
            Source::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

/// Is that the name of a variable as shells take it (POSIX, Base Definitions 3.230)?
pub fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.len() <= NAME_BYTES_MAX && text.chars().all(plain) && text.starts_with(|c: char| !c.is_ascii_digit())
}

fn is_plain_path(text: &str) -> bool {
    let Some(path) = text.strip_prefix('/') else { return false };
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.chars().any(char::is_control);
    text.len() <= PATH_BYTES_MAX && path.split('/').all(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_reference_is_refused_and_not_repeated() {
        for place in ["", ":", "1hunter2", "hunter2 b", "hunter2=b", "hunter2\0", &"hunter2".repeat(37)] {
            refuse(&format!("env:{place}"));
        }
        for place in ["", "/", "hunter2", "a/hunter2", "/a/", "/a//b", "/a/./b", "/a/../b", "/..", "/a\n", "///a"] {
            refuse(&format!("file:{place}"));
        }
        for text in ["", "hunter2", "ENV:A", "vault:hunter2", " env:A", "env", "file"] {
            refuse(text);
        }
    }

    #[track_caller]
    fn refuse(text: &str) {
        let refused = SecretReference::try_from(text.to_owned()).unwrap_err().to_string();
        assert!(!refused.contains("hunter2"), "{text}: {refused}");
    }

    proptest! {
        #[test]
        fn a_reference_has_one_spelling(text in "(env:[A-Za-z0-9_]{0,6}|file:(/[a.]{0,2}){0,4})") {
            if let Ok(reference) = SecretReference::try_from(text.clone()) {
                prop_assert_eq!(reference.to_string(), text);
            }
        }
    }
}
