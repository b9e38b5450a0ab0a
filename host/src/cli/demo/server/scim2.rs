//! `scim2-server` of PyPI: a SCIM 2.0 service provider that keeps to the standard, with TLS, a bearer token, and
//! everything in memory (so a restart forgets it all).
//!
//! The base URL is `/v2`, by HTTP/1.1 or HTTP/2. `/ServiceProviderConfig`, `/ResourceTypes` and `/Schemas` are told
//! without the token. What it offers by default ([`Scim2Options`] takes things away):
//! * users (with the enterprise extension) and groups with members; an attribute it does not know is refused (400);
//! * filters on everything, `meta.lastModified` and `members.value` too, in `GET` and `POST /.search`; sorting;
//! * PATCH with all three operations and value paths, answered with 204, or with 200 and the resource where `attributes`
//!   are asked for; PUT; DELETE; `attributes` and `excludedAttributes`;
//! * versions that count changes, as `meta.version` and weak ETag; an `If-Match` of another is refused with 412, an
//!   `If-None-Match` of this one answered with 304;
//! * pages by index, of at most [`Scim2Options::page_max`]; by cursor (RFC 9865) where asked for;
//! * passwords that are written and never read; bulk; `userName` given once (409).
//!
//! It does not look whether a member is anybody: a user is deleted and stays a member, and nobody's `groups` are kept. Its
//! locations are made of the `Host` it is asked by.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};

use super::curl::Curl;
use super::python::Python;
use super::web::{Place, Program, WebServer};
use super::{ServerError, programs, write};

/// The schema of users, the extension of those who work somewhere, and the schema of groups.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
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
    /// As long as there is a file of that name, its address leads to another tenant, where nobody is.
    pub misled: Option<PathBuf>,
}

impl Default for Scim2Options {
    fn default() -> Self {
        Self { patch: true, filter: true, etag: true, cursor: false, page_max: 1000, misled: None }
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
    /// Python, its `venv`, curl or openssl is not installed.
    pub fn require() -> Result<(), ServerError> {
        programs::SCIM.require()?;
        Python::require("`--target scim`")
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
            "misled": self.options.misled, "provider": self.options.provider_config(),
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
