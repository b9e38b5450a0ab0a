//! The company in a SCIM 2.0 service: `scim2-server` of PyPI, started for the demo and gone with it.
//!
//! It is filled through its own `/Bulk`, and what the host did is looked at by `curl`: none of our code stands between.

mod resources;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use super::super::fault::Fault;
use super::people::{self, Company, Person};
use super::server::ServerError;
use super::server::curl::Curl;
use super::server::scim2::{BASE, Scim2, Scim2Options, TOKEN};
use super::server::web::WebServer;
use super::show;
use super::target::{Elsewhere, Joiner, METADATA, REACHES_METADATA, Target, Terms};
use crate::builder::toolchain;

pub(super) const TERMS: Terms = Terms {
    connector: "scim",
    place: "a SCIM 2.0 service",
    given: "name:givenName",
    family: "name:familyName",
    department: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department",
    hidden: "password",
    asked: "send:token@api:bearer",
    range: Some("network:api:loopback"),
    others: 0,
    placed: "The host wrote it into a PATCH of the connector's, on its way out; the connector said where it goes, with a \
             handle, and saw neither password nor bytes of it.",
    checks_passwords: false,
    // The two groups of the story get another `meta.version`.
    touched: 2,
    // The service does not look who its members are.
    left_behind: 3,
    vanished: [
        "The service's address leads to another tenant: the import is held",
        "Somebody gave the address to a new tenant. Every request succeeds, and nobody is there.",
    ],
    outside: REACHES_METADATA,
};

/// Who would like to have the connection's token.
const ELSEWHERE: &str = "scim.elsewhere.example";

/// A service with the company in it.
pub(super) struct Service {
    server: WebServer<Scim2>,
    curl: Curl,
    /// Who vouches for it, as PEM.
    roots: String,
    /// As long as this file is there, the address leads to another tenant.
    misled: PathBuf,
}

impl Service {
    /// Starts it and founds the company in it; `folder` is for what it is told meanwhile. Blocks.
    pub(super) fn start(folder: &Path, company: Company) -> Result<Self, Fault> {
        show::say("starting scim2-server; the first one of a user gets its packages from PyPI, which takes a while")?;
        let misled = folder.join("another-tenant");
        let options = Scim2Options { misled: Some(misled.clone()), ..Scim2Options::default() };
        let server = Scim2::start(&options, &toolchain::cache_folder()?.join("demo-scim"))?;
        let (curl, roots) = (server.admin()?, server.ca().pem()?);
        show::say(&format!("adding {} people through its /Bulk", show::number(company.people)))?;
        resources::found(&curl, company)?;
        let service = Self { server, curl, roots, misled };
        let (people, url) = (service.people()?, service.url(""));
        show::say(&format!("started scim2-server at {url}; `curl` finds {} people in it", show::number(people)))?;
        Ok(service)
    }

    /// How many people `curl` finds.
    fn people(&self) -> Result<u64, ServerError> {
        let found = self.read("/Users?count=0")?;
        Ok(found.get("totalResults").and_then(Json::as_u64).unwrap_or_default())
    }

    /// What `curl` gets from below the service's base.
    pub(super) fn read(&self, path: &str) -> Result<Json, ServerError> {
        let answer = self.curl.send("GET", &format!("{BASE}{path}"), None)?;
        match answer.status {
            200 => Ok(answer.json()),
            status => Err(ServerError::failed(&format!("reading {path}"), format!("{status} {}", answer.text))),
        }
    }

    /// Whether there is anything below the base at that path.
    pub(super) fn has(&self, path: &str) -> Result<bool, ServerError> {
        Ok(self.curl.send("GET", &format!("{BASE}{path}"), None)?.status == 200)
    }

    /// The ids of a group's members, as `curl` gets them.
    pub(super) fn members(&self, group: &str) -> Result<HashSet<String>, ServerError> {
        let group = self.read(&format!("/Groups/{group}"))?;
        let members = group.get("members").and_then(Json::as_array).into_iter().flatten();
        Ok(members.filter_map(|member| member.get("value")?.as_str().map(str::to_owned)).collect())
    }

    /// `curl` as it is called.
    pub(super) fn asking(&self, path: &str) -> String {
        format!("curl --cacert {} -H @(a file with the token) {}", self.certificate(), self.url(path))
    }

    fn certificate(&self) -> String {
        self.server.ca().certificate().display().to_string()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{BASE}{path}", self.server.url())
    }

    fn reaching(&self, host: &str) -> Map<String, Json> {
        let body = json!({
            "options": {"host": host, "port": self.server.port(), "base-path": BASE},
            "destinations": {"api": {"roots": self.roots}},
            "securedOptions": {"token": {"value": TOKEN}},
        });
        body.as_object().cloned().unwrap_or_default()
    }
}

impl Target for Service {
    fn terms(&self) -> &'static Terms {
        &TERMS
    }

    fn connection(&self) -> Map<String, Json> {
        self.reaching("127.0.0.1")
    }

    fn outside(&self) -> Map<String, Json> {
        self.reaching(METADATA)
    }

    fn elsewhere(&self) -> Option<Elsewhere> {
        Some(Elsewhere::of(self.reaching(ELSEWHERE), "token"))
    }

    fn reach(&self) -> String {
        format!("send requests to {}, with a token it does not see", self.url(""))
    }

    fn account(&self, person: &Person) -> String {
        person.user_name.clone()
    }

    fn group(&self, index: u64) -> String {
        people::group_name(index)
    }

    fn joiner(&self, joiner: &Joiner) -> Json {
        json!({"name": joiner.login, "attributes": {
            "externalId": [joiner.id], TERMS.given: [joiner.given], TERMS.family: [joiner.family],
            "emails": [{"value": joiner.mail(), "type": "work"}], TERMS.department: [joiner.department],
            "title": [joiner.title], "enabled": [true], "password": [joiner.password],
        }})
    }

    fn vanish(&self) -> Result<(), Fault> {
        fs::write(&self.misled, "").map_err(Fault::io(self.misled.display()))
    }

    fn restore(&self) -> Result<(), Fault> {
        fs::remove_file(&self.misled).map_err(Fault::io(self.misled.display()))
    }

    fn looking(&self) -> Option<String> {
        let (certificate, url) = (self.certificate(), self.url("/Users?count=10"));
        Some(format!("the service: curl --cacert {certificate} -H 'authorization: Bearer {TOKEN}' '{url}'"))
    }

    fn service(&self) -> Option<&Service> {
        Some(self)
    }
}
