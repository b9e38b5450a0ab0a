//! `scim2-server` of PyPI: a SCIM 2.0 service provider that keeps to the standard, with TLS, a bearer token, and
//! everything in memory (so a restart forgets it all).
//!
//! The base URL is `/v2`. `/ServiceProviderConfig`, `/ResourceTypes` and `/Schemas` are told without the token. What it
//! offers by default ([`Scim2Options`] takes things away):
//! * users (with the enterprise extension), groups with members, and filters on everything, in `GET` and `POST /.search`;
//! * PATCH with all three operations and value paths; PUT; DELETE; `attributes` and `excludedAttributes`; sorting;
//! * ETags, weak, as `meta.version` and header; `If-Match` is refused with 412, `If-None-Match` answered with 304;
//! * pages by index, of at most [`Scim2Options::page_max`]; by cursor (RFC 9865) where asked for;
//! * passwords that are written and never read; bulk; uniqueness of `userName` (409).
//!
//! It does not keep `memberOf` (`groups` of a user), and deletes a user without telling its groups.

use std::path::Path;
use std::process::Command;

use serde_json::{Value as Json, json};

use super::curl::Curl;
use super::python::Python;
use super::web::{Place, Program, WebServer};
use super::{ServerError, programs, write};

/// Where the service begins in its URLs.
pub const BASE: &str = "/v2";
/// The token of the account a connector uses, which may do everything.
pub const TOKEN: &str = "scim-token-of-the-connector-1a2b3c";

const REQUIREMENTS: &str = include_str!("scim2/requirements.txt");
const SERVE: &str = include_str!("scim2/serve.py");

/// What may differ from one server to the next, as its `/ServiceProviderConfig` tells it.
#[derive(Clone, Debug)]
pub struct Scim2Options {
    /// PATCH; without it a PATCH is answered with 501, and PUT is the way.
    pub patch: bool,
    /// Filters; without them a query with one is answered with 501.
    pub filter: bool,
    /// Versions of resources, and requests under the condition of one.
    pub etag: bool,
    /// Pages by cursor, besides those by index.
    pub cursor: bool,
    /// The most resources on a page, whatever is asked for.
    pub page_max: u32,
}

impl Default for Scim2Options {
    fn default() -> Self {
        Self { patch: true, filter: true, etag: true, cursor: false, page_max: 1000 }
    }
}

/// How it is run.
pub struct Scim2 {
    python: Python,
    options: Scim2Options,
}

impl Scim2 {
    /// Insists on what it needs of this machine.
    ///
    /// # Errors
    /// Python, curl or openssl is not installed.
    pub fn require() -> Result<(), ServerError> {
        programs::SCIM.require()
    }

    /// Makes one and waits until it answers. The first in a cache folder makes its Python environment there, which takes
    /// some ten seconds; others that come meanwhile wait.
    ///
    /// # Errors
    /// What it needs is not installed, a package cannot be downloaded, or it does not start.
    pub fn start(options: &Scim2Options, cache: &Path) -> Result<WebServer<Self>, ServerError> {
        Self::require()?;
        let python = Python::made_once(cache, "scim2-server", REQUIREMENTS)?;
        WebServer::start(Self { python, options: options.clone() })
    }
}

impl Program for Scim2 {
    const NAME: &'static str = "scim2";
    const PROBE: &'static str = "/v2/ServiceProviderConfig";

    fn command(&self, place: &Place<'_>) -> Result<Command, ServerError> {
        let [settings, serve] = ["settings.json", "serve.py"].map(|name| place.folder.join(name));
        write(&settings, &self.settings(place).to_string())?;
        write(&serve, SERVE)?;
        let mut command = self.python.interpreter();
        command.arg(serve).arg(settings);
        Ok(command)
    }

    fn log_in(&self, curl: Curl) -> Result<Curl, ServerError> {
        Ok(curl.bearer(TOKEN).header("content-type", "application/scim+json"))
    }
}

impl Scim2 {
    fn settings(&self, place: &Place<'_>) -> Json {
        let leaf = place.leaf;
        json!({
            "port": place.port, "certificate": leaf.certificate, "key": leaf.key, "token": TOKEN,
            "provider": self.options.provider_config(),
        })
    }
}

impl Scim2Options {
    fn provider_config(&self) -> Json {
        let methods = json!({"cursor": self.cursor, "index": true, "defaultPaginationMethod": "index"});
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": {"supported": self.patch},
            "bulk": {"supported": true, "maxOperations": 1000, "maxPayloadSize": 1_048_576},
            "filter": {"supported": self.filter, "maxResults": self.page_max},
            "changePassword": {"supported": true},
            "sort": {"supported": true},
            "etag": {"supported": self.etag},
            "pagination": methods,
        })
    }
}
