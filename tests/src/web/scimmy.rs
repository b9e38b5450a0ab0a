//! SCIMMY Routers of npm: a SCIM 2.0 service as providers in JavaScript build it, over a store of a few lines.
//!
//! The base URL is `/scim/v2`; everything wants the token. It takes PATCH and filters, sorts, pages by index, and has no
//! ETags. Other than `scim2-server`: PATCH is answered with 200 and the resource, or with 204 where it changes nothing; a
//! member that is added again is a member twice; a user's `groups` are kept, and who is deleted leaves them; an attribute
//! it does not know is dropped without a word. It remembers nothing over a restart.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hawser::cli::demo::server::cache::made_once;
use hawser::cli::demo::server::curl::Curl;
use hawser::cli::demo::server::programs::Kit;
use hawser::cli::demo::server::web::{Place, Program, WebServer};
use hawser::cli::demo::server::{ServerError, command};
use serde_json::json;

use super::{cache, started};

/// Where the service begins in its URLs.
pub const BASE: &str = "/scim/v2";
/// The token of the account a connector uses, which may do everything.
pub const TOKEN: &str = "scimmy-token-of-the-connector-4a5b6c";

const PACKAGE: &str = include_str!("scimmy/package.json");
const SERVE: &str = include_str!("scimmy/serve.js");
const KIT: Kit = Kit::new("SCIMMY", &[("node", "nodejs"), ("npm", "npm"), ("curl", "curl"), ("openssl", "openssl")]);
/// Downloads fail now and then.
const INSTALL_TRIES: u32 = 2;

/// How it is run.
pub struct Scimmy {
    /// The packages, and beside them the script.
    folder: PathBuf,
}

impl Scimmy {
    /// Makes one and waits until it answers.
    pub fn start() -> WebServer<Self> {
        started(Self::made_once().and_then(WebServer::start))
    }

    fn made_once() -> Result<Self, ServerError> {
        KIT.require()?;
        Ok(Self { folder: made_once(&cache(), "scimmy", &[PACKAGE, SERVE].concat(), make)? })
    }
}

impl Program for Scimmy {
    const NAME: &'static str = "scimmy";
    const PROBE: &'static str = "/scim/v2/ServiceProviderConfig";

    fn command(&self, place: &Place<'_>) -> Result<Command, ServerError> {
        let (path, leaf) = (place.folder.join("settings.json"), place.leaf);
        let settings =
            json!({"port": place.port, "certificate": leaf.certificate, "key": leaf.key, "token": TOKEN, "base": BASE});
        fs::write(&path, settings.to_string()).map_err(ServerError::io("write", &path))?;
        let mut node = Command::new("node");
        node.arg(self.folder.join("serve.js")).arg(path);
        Ok(node)
    }

    fn log_in(&self, curl: Curl) -> Result<Curl, ServerError> {
        Ok(curl.bearer(TOKEN).header("content-type", "application/scim+json"))
    }
}

fn make(folder: &Path) -> Result<(), ServerError> {
    for (name, text) in [("package.json", PACKAGE), ("serve.js", SERVE)] {
        fs::write(folder.join(name), text).map_err(ServerError::io("write", folder))?;
    }
    let install = || {
        let mut npm = command::bounded("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error", "--prefix"]);
        command::output("installing the npm packages of SCIMMY", npm.arg(folder)).map(drop)
    };
    (1..INSTALL_TRIES).find_map(|_| install().ok()).map_or_else(install, Ok)
}
