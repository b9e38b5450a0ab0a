//! The places that tables are written to. A task can only name one of them, so that nobody who may call the API writes
//! anywhere else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::configuration;
use super::secrets::{SecretsConfig, is_plain};
use crate::model::{OutputPlace, Result, SecretReference, Source};

/// The most places.
const PLACES_MAX: usize = 100;
/// The longest prefix of keys, in bytes: what stands behind it fits into the 1024 of a key.
const PREFIX_BYTES_MAX: usize = 512;
/// The longest name of a region, in bytes.
const REGION_BYTES_MAX: usize = 63;
/// The region where none is given, which most stores that are not Amazon's go by.
const REGION_DEFAULT: &str = "us-east-1";

/// What becomes of tables besides being read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct TablesConfig {
    /// Where they may be written as files, by name.
    pub places: BTreeMap<OutputPlace, PlaceConfig>,
}

/// A place for files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "PlaceFile")]
pub enum PlaceConfig {
    /// A directory that exists; the host makes a folder for each connection there.
    Directory(PathBuf),
    /// A bucket of an object store.
    Bucket(BucketConfig),
}

/// A bucket that is spoken to as Amazon's S3 is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct BucketConfig {
    pub bucket: String,
    #[serde(default = "region_default")]
    pub region: String,
    /// `https://host` or `https://host:port`; the region's own at Amazon, if it is left out.
    pub endpoint: Option<String>,
    /// Does the bucket's name stand before the endpoint's, and not in the path?
    #[serde(default)]
    pub bucket_in_host: bool,
    /// What all keys begin with.
    #[serde(default)]
    pub prefix: String,
    /// May the endpoint be spoken to without TLS?
    #[serde(default)]
    pub plaintext: bool,
    /// The only certificates that are believed there, as a file of PEM; the machine's, if it is left out.
    pub roots: Option<PathBuf>,
    pub access_key_id: SecretReference,
    pub secret_access_key: SecretReference,
    pub session_token: Option<SecretReference>,
}

/// A place as written: of one kind.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PlaceFile {
    directory: Option<PathBuf>,
    s3: Option<BucketConfig>,
}

impl TryFrom<PlaceFile> for PlaceConfig {
    type Error = &'static str;

    fn try_from(file: PlaceFile) -> Result<Self, &'static str> {
        match (file.directory, file.s3) {
            (Some(directory), None) => Ok(Self::Directory(directory)),
            (None, Some(bucket)) => Ok(Self::Bucket(bucket)),
            _ => Err("a place of `tables.places` has either `directory` or `s3`"),
        }
    }
}

fn region_default() -> String {
    REGION_DEFAULT.to_owned()
}

impl TablesConfig {
    /// `secrets` are where connections may read, and the host's own keys are not.
    pub(super) fn check(&self, secrets: &SecretsConfig) -> Result<()> {
        if self.places.len() > PLACES_MAX {
            return Err(configuration(format!("`tables.places` has more than {PLACES_MAX} places")));
        }
        for (name, place) in &self.places {
            let wrong = match place {
                PlaceConfig::Directory(directory) => odd_directory(directory).map(|told| ("directory", told)),
                PlaceConfig::Bucket(bucket) => bucket.odd(secrets),
            };
            if let Some((key, told)) = wrong {
                return Err(configuration(format!("`tables.places.{name}.{key}` {told}")));
            }
        }
        Ok(())
    }
}

impl BucketConfig {
    /// The key that cannot be meant, and what it takes.
    fn odd(&self, secrets: &SecretsConfig) -> Option<(&'static str, String)> {
        if !is_bucket(&self.bucket) {
            let told = "is no bucket's name: 3 to 63 lower-case letters, digits, dots and hyphens, the first and the \
                        last one no dot or hyphen";
            return Some(("s3.bucket", told.to_owned()));
        }
        if !is_region(&self.region) {
            return Some(("s3.region", "is no region: lower-case letters, digits and hyphens".to_owned()));
        }
        if !is_prefix(&self.prefix) {
            let told = "is no prefix: names of letters, digits, `.`, `_`, `=` and `-` with single slashes between them";
            return Some(("s3.prefix", told.to_owned()));
        }
        if let Some(told) = self.roots.as_deref().and_then(odd_directory) {
            return Some(("s3.roots", told));
        }
        self.shared(secrets).map(|key| {
            let told = "is where connections may read too (`secrets`), and could send it to targets of their own; keep \
                        it elsewhere";
            (key, told.to_owned())
        })
    }

    /// The key whose secret connections could read as well.
    fn shared(&self, secrets: &SecretsConfig) -> Option<&'static str> {
        [
            ("s3.access-key-id", Some(&self.access_key_id)),
            ("s3.secret-access-key", Some(&self.secret_access_key)),
            ("s3.session-token", self.session_token.as_ref()),
        ]
        .into_iter()
        .find_map(|(key, reference)| reference.is_some_and(|reference| readable(reference, secrets)).then_some(key))
    }
}

/// Could connections read it, wherever links lead?
fn readable(reference: &SecretReference, secrets: &SecretsConfig) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let below = |path: &Path| {
        let folder = path.parent().map(real).unwrap_or_default();
        let places = [real(path), folder.join(path.file_name().unwrap_or_default())];
        secrets.directories.iter().any(|directory| places.iter().any(|place| place.starts_with(real(directory))))
    };
    secrets.allows(reference) || matches!(reference.source(), Source::File(path) if below(path))
}

fn odd_directory(path: &Path) -> Option<String> {
    let told = "it has to be absolute, without `..`, and not the root of everything";
    (!is_plain(path)).then(|| format!("is {}; {told}", path.display()))
}

/// As Amazon names general purpose buckets ("Bucket naming rules" of its user guide).
fn is_bucket(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (3..=63).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-'))
        && edge(text.chars().next())
        && edge(text.chars().next_back())
        && !text.contains("..")
}

fn is_region(text: &str) -> bool {
    (1..=REGION_BYTES_MAX).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn is_prefix(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '=' | '-');
    let name = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(plain);
    text.is_empty() || text.len() <= PREFIX_BYTES_MAX && text.split('/').all(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn a_place_that_cannot_be_meant_is_refused_by_its_key() {
        for (text, told) in [
            ("[tables.places.lake]\ndirectory = \"exports\"", "tables.places.lake.directory"),
            ("[tables.places.lake]\ndirectory = \"/\"", "tables.places.lake.directory"),
            ("[tables.places.lake]\ndirectory = \"/srv/../etc\"", "tables.places.lake.directory"),
            ("[tables.places.lake]\nfolder = \"/srv\"", "folder"),
            ("[tables.places.lake]", "either `directory` or `s3`"),
            ("[tables.places.\"a b\"]\ndirectory = \"/srv\"", "place"),
            ("[tables]\nplace = 1", "place"),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert!(error.message.contains(told), "{text}: {error}");
        }
        let places = Config::parse("[tables.places.lake]\ndirectory = \"/srv/lake\"").unwrap().tables.places;
        assert_eq!(places.into_values().collect::<Vec<_>>(), [PlaceConfig::Directory("/srv/lake".into())]);
    }

    const BUCKET: &str = "[tables.places.lake.s3]\nbucket = \"hawser-lake\"\n";
    const KEYS: &str = "access-key-id = \"env:LAKE_ID\"\nsecret-access-key = \"file:/etc/lake/key\"\n";

    #[test]
    fn a_bucket_that_cannot_be_meant_is_refused_by_its_key() {
        let named = |name: &str| format!("[tables.places.lake.s3]\nbucket = {name:?}\n{KEYS}");
        let with = |more: &str| format!("{BUCKET}{KEYS}{more}");
        for (text, told) in [
            (named("ab"), "lake.s3.bucket"),
            (named("Lake"), "lake.s3.bucket"),
            (named("-lake"), "lake.s3.bucket"),
            (named("la..ke"), "lake.s3.bucket"),
            (named("la/ke"), "lake.s3.bucket"),
            (with("region = \"\""), "lake.s3.region"),
            (with("region = \"eu/1\""), "lake.s3.region"),
            (with("prefix = \"/a\""), "lake.s3.prefix"),
            (with("prefix = \"a/../b\""), "lake.s3.prefix"),
            (with("prefix = \"a//b\""), "lake.s3.prefix"),
            (with("roots = \"ca.pem\""), "lake.s3.roots"),
            (with("[tables.places.lake]\ndirectory = \"/srv\""), "either `directory` or `s3`"),
            (format!("{BUCKET}access-key-id = \"env:LAKE_ID\""), "secret-access-key"),
            (format!("{BUCKET}access-key-id = \"AKIAhunter2\"\nsecret-access-key = \"env:A\""), "a reference is"),
            (format!("{KEYS}{BUCKET}"), "access-key-id"),
        ] {
            let error = Config::parse(&text).unwrap_err();
            assert!(error.message.contains(told), "{text}: {error}");
        }
        Config::parse(&with("prefix = \"iga/hawser\"\nregion = \"eu-central-1\"")).unwrap();
    }

    #[test]
    fn the_keys_of_a_bucket_are_not_where_connections_may_read() {
        for (secrets, told) in [
            ("environment-prefixes = [\"LAKE_\"]", "access-key-id"),
            ("directories = [\"/etc/lake\"]", "secret-access-key"),
        ] {
            let error = Config::parse(&format!("{BUCKET}{KEYS}[secrets]\n{secrets}")).unwrap_err();
            assert!(error.message.contains(told) && error.message.contains("connections"), "{error}");
        }
        let folder = tempfile::tempdir().unwrap();
        let [own, link] = ["own", "link"].map(|name| folder.path().join(name));
        std::fs::create_dir(&own).unwrap();
        std::os::unix::fs::symlink(&own, &link).unwrap();
        for key in ["key", "missing"] {
            std::fs::write(own.join("key"), "canary").unwrap();
            let keys =
                format!("access-key-id = \"env:LAKE_ID\"\nsecret-access-key = \"file:{}/{key}\"\n", own.display());
            let secrets = format!("[secrets]\ndirectories = [{link:?}]");
            let error = Config::parse(&format!("{BUCKET}{keys}{secrets}")).unwrap_err();
            assert!(error.message.contains("secret-access-key"), "{key}: {error}");
        }
    }
}
