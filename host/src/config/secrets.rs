//! Where the host may look for secrets that are kept outside of it: nowhere, unless its configuration says so. Whoever
//! may configure a connection could otherwise have any file of the machine sent to a target of his own.

use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::{VAULT_KEY, configuration};
use crate::model::secret_reference::is_name;
use crate::model::{Result, SecretReference, Source};

/// What references may point at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SecretsConfig {
    /// Variables of the environment whose names begin so.
    pub environment_prefixes: Vec<String>,
    /// Files below these directories.
    pub directories: Vec<PathBuf>,
}

impl SecretsConfig {
    /// May a reference point there?
    pub fn allows(&self, reference: &SecretReference) -> bool {
        match reference.source() {
            Source::Environment(name) => self.environment_prefixes.iter().any(|prefix| name.starts_with(prefix)),
            Source::File(path) => self.inside(path).is_some(),
        }
    }

    /// The directory a file is below, and its path there.
    pub fn inside<'a>(&'a self, path: &'a Path) -> Option<(&'a Path, &'a Path)> {
        let within = |directory: &'a PathBuf| Some((directory.as_path(), path.strip_prefix(directory).ok()?));
        self.directories.iter().filter_map(within).find(|(_, rest)| !rest.as_os_str().is_empty())
    }

    pub(super) fn check(&self) -> Result<()> {
        let odd = self.environment_prefixes.iter().find(|prefix| !is_name(prefix) || VAULT_KEY.starts_with(*prefix));
        if let Some(odd) = odd {
            return Err(configuration(format!(
                "`secrets.environment-prefixes` has {odd:?}; a prefix is a name like \"HAWSER_SECRET_\", and not one that \
                 {VAULT_KEY} begins with"
            )));
        }
        let odd = self.directories.iter().find(|directory| !is_plain(directory));
        odd.map_or(Ok(()), |odd| {
            let told = "a directory is absolute, without `..`, and not the root of everything";
            Err(configuration(format!("`secrets.directories` has {}; {told}", odd.display())))
        })
    }
}

/// A variable of the environment, if it has one of that name.
pub fn environment(name: &str) -> Option<Vec<u8>> {
    std::env::var_os(name).map(std::ffi::OsString::into_encoded_bytes)
}

/// Absolute, without `..`, and not the root of everything.
pub(super) fn is_plain(directory: &Path) -> bool {
    let mut parts = directory.components();
    matches!(parts.next(), Some(Component::RootDir))
        && parts.clone().next().is_some()
        && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn what_would_open_more_than_is_meant_is_refused_by_its_key() {
        for prefix in ["", "H", "HAWSER_", "HAWSER_VAULT_KEY", "1A", "A-B", "*"] {
            let error = Config::parse(&format!("[secrets]\nenvironment-prefixes = [{prefix:?}]")).unwrap_err();
            assert!(error.message.contains("secrets.environment-prefixes"), "{prefix}: {error}");
        }
        for directory in ["", "/", "run/secrets", "/run/../etc", "//"] {
            let error = Config::parse(&format!("[secrets]\ndirectories = [{directory:?}]")).unwrap_err();
            assert!(error.message.contains("secrets.directories"), "{directory}: {error}");
        }
        let text = "[secrets]\nenvironment-prefixes = [\"HAWSER_SECRET_\"]\ndirectories = [\"/run/secrets\"]";
        assert_eq!(Config::parse(text).unwrap().secrets.directories, [PathBuf::from("/run/secrets")]);
    }
}
