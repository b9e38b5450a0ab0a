//! `hawser verify`: who signed a release, what it is, and what it asks for; offline, before anybody is trusted.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::fault::Fault;
use super::{out, table};
use crate::clock::Clock;
use crate::registry::{PublicKey, Statement, folder, verify_with};

/// Hold a release against a publisher's public key, without a host, and show what it is and asks for
#[derive(Args)]
pub(super) struct Verify {
    /// The folder with release.json and component.wasm.
    folder: PathBuf,
    /// The publisher's public key, in PEM.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

impl Verify {
    pub(super) fn run(&self) -> Result<(), Fault> {
        let key = read_key(&self.key)?;
        let statement = verify_with(&folder::envelope(&self.folder)?, &key)?;
        statement.matches(&folder::component(&self.folder)?)?;
        show(&statement)?;
        Ok(statement.check_installable(Clock::system().now(), None)?)
    }
}

/// The public key in a file.
pub(super) fn read_key(path: &Path) -> Result<PublicKey, Fault> {
    let text = std::fs::read_to_string(path).map_err(Fault::io(path.display()))?;
    PublicKey::from_pem(&text).map_err(|error| Fault::usage(format!("{}: {}", path.display(), error.message)))
}

fn show(statement: &Statement) -> Result<(), Fault> {
    let manifest = &statement.manifest;
    let told = json!({
        "connector": manifest.connector, "version": manifest.version, "title": manifest.title,
        "counter": statement.counter, "issued": statement.issued, "expires": statement.expires,
        "sha256": statement.component, "key": statement.key,
    });
    let columns = [
        ("connector", "/connector"),
        ("version", "/version"),
        ("title", "/title"),
        ("counter", "/counter"),
        ("issued", "/issued"),
        ("expires", "/expires"),
        ("sha256", "/sha256"),
        ("signed by", "/key"),
    ];
    table::one(&told, &columns)?;
    let requests = manifest.requests();
    out::line(if requests.is_empty() { "it asks for no permission" } else { "it asks to:" })?;
    requests.iter().try_for_each(|request| {
        out::line(out::visible(&format!("  {} ({})", request.words, request.permission)).replace('\n', " "))
    })
}
