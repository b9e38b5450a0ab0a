//! `hawser sign`: a built connector becomes a release that operators can trust.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::fault::Fault;
use super::{out, table};
use crate::clock::Clock;
use crate::model::Error;
use crate::registry::{RELEASE_FILE, SigningKey, folder, sign, verify_with};

/// Sign a connector that `hawser build` wrote: release.json beside its component
#[derive(Args)]
pub(super) struct Sign {
    /// The folder with connector.toml and component.wasm.
    folder: PathBuf,
    /// The publisher's private key, in PEM.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Its number in the row of releases, higher than that of every one before [default: seconds since 1970, now].
    #[arg(long, value_name = "N")]
    counter: Option<u64>,
    /// After how many days it is not installed any more; what is installed goes on.
    #[arg(long, value_name = "N", default_value_t = 365, value_parser = clap::value_parser!(i64).range(1..=3650))]
    expires_days: i64,
}

impl Sign {
    pub(super) fn run(&self) -> Result<(), Fault> {
        let key = SigningKey::read(&self.key)?;
        let (manifest, component) = (folder::manifest(&self.folder)?, folder::component(&self.folder)?);
        let issued = whole_seconds(Clock::system().now())?;
        let expires = issued.saturating_add(SignedDuration::from_hours(24 * self.expires_days)).map_err(time)?;
        let counter = self.counter.unwrap_or_else(|| issued.as_second().unsigned_abs());
        let envelope = sign(&key, &manifest, &component, counter, issued, expires)?;
        // What is told is what whoever verifies it will read.
        let statement = verify_with(&envelope, &key.public()?)?;
        statement.matches(&component)?;
        let path = self.folder.join(RELEASE_FILE);
        fs::write(&path, envelope).map_err(Fault::io(path.display()))?;
        let manifest = &statement.manifest;
        out::note(format_args!("signed {} {} in {}", manifest.connector, manifest.version, path.display()));
        let told = json!({
            "counter": statement.counter, "expires": statement.expires, "sha256": statement.component,
            "key": statement.key,
        });
        table::one(&told, &[("counter", "/counter"), ("expires", "/expires"), ("sha256", "/sha256"), ("key", "/key")])
    }
}

/// People compare these instants, and nobody's clock is better.
fn whole_seconds(now: Timestamp) -> Result<Timestamp, Fault> {
    Timestamp::from_second(now.as_second()).map_err(time)
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn time(why: jiff::Error) -> Fault {
    Error::internal(why.to_string()).into()
}
