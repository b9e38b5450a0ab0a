//! Canaille, an identity provider with a SCIM service of its own mind, behind OAuth 2.0 client credentials.
//!
//! What it does otherwise than the standard has it, and a connector meets:
//! * `count` in a query is answered with 500 and a page of HTML; without it everything comes at once; `startIndex` works;
//! * it has no filters, and does not say so: a query with a filter is answered with everybody;
//! * a user needs `active` and `name.formatted`; `emails` take a `value` and nothing else, in no `.test` domain;
//! * a user's `meta.location` ends with the `userName`, not with the `id`; both are taken. A group's `members` need a
//!   `$ref` when they are written, and are read with the `userName` as their `value`, whatever was written;
//! * PATCH adds members and replaces all of them; removing one by a value path is answered with 500 and HTML;
//! * a group has a member at least: the last cannot be removed (400, `invalidValue`);
//! * versions are made of `lastModified` in seconds: of two changes in one second, the second has the version of the first.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hawser::cli::demo::server::ServerError;
use hawser::cli::demo::server::cache::made_once;
use hawser::cli::demo::server::curl::Curl;
use hawser::cli::demo::server::python::Python;
use hawser::cli::demo::server::web::{Place, Program, WebServer};
use serde_json::Value as Json;

use super::{cache, started};

/// Where its SCIM service begins in its URLs.
pub const BASE: &str = "/scim/v2";
/// Where it gives tokens to clients, which log in with name and password (`client_secret_basic`).
pub const TOKEN_PATH: &str = "/oauth/token";
/// The client that a connector is.
pub const CLIENT_ID: &str = "hawser-connector";
pub const CLIENT_SECRET: &str = "canaille-secret-of-the-connector-4d5e6f";

const REQUIREMENTS: &str = include_str!("canaille/requirements.txt");
/// The key it signs with, and its database, in its folder.
const KEY: &str = "key.json";
const DATABASE: &str = "canaille.sqlite";
/// What the key and the database depend on besides the packages.
const RECIPE: &str = "a database with one client";

/// How it is run.
pub struct Canaille {
    python: Python,
    /// A key and a database with the client in it, to be copied.
    made: PathBuf,
}

impl Canaille {
    /// Makes one and waits until it answers. What it is told stays for a restart.
    pub fn start() -> WebServer<Self> {
        let made = Python::made_once(&cache(), "canaille", REQUIREMENTS).and_then(Self::made_once);
        started(made.and_then(WebServer::start))
    }

    fn made_once(python: Python) -> Result<Self, ServerError> {
        let recipe = [REQUIREMENTS, CLIENT_ID, CLIENT_SECRET, RECIPE].concat();
        let made = made_once(&cache(), "canaille", &recipe, |folder| make(&python, folder))?;
        Ok(Self { python, made })
    }
}

impl Program for Canaille {
    const NAME: &'static str = "canaille";
    const PROBE: &'static str = "/scim/v2/ServiceProviderConfig";

    fn fill(&self, folder: &Path) -> Result<(), ServerError> {
        for name in [KEY, DATABASE] {
            fs::copy(self.made.join(name), folder.join(name)).map_err(ServerError::io("copy to", folder))?;
        }
        Ok(())
    }

    fn command(&self, place: &Place<'_>) -> Result<Command, ServerError> {
        let config = write_config(place.folder)?;
        let mut canaille = canaille(&self.python, &config);
        canaille.args(["run", "--bind", &format!("127.0.0.1:{}", place.port)]);
        canaille.arg("--certfile").arg(&place.leaf.certificate).arg("--keyfile").arg(&place.leaf.key);
        Ok(canaille)
    }

    /// As the client; a new token each time.
    fn log_in(&self, curl: Curl) -> Result<Curl, ServerError> {
        let answer = curl.clone().basic(CLIENT_ID, CLIENT_SECRET).form(TOKEN_PATH, "grant_type=client_credentials")?;
        let token = answer.json();
        let token = token["access_token"].as_str();
        let token = token.ok_or_else(|| ServerError::failed("getting a token", &answer.text))?;
        Ok(curl.bearer(token).header("content-type", "application/scim+json"))
    }
}

fn make(python: &Python, folder: &Path) -> Result<(), ServerError> {
    fs::write(folder.join(KEY), "").map_err(ServerError::io("write", folder))?;
    let config = write_config(folder)?;
    let run = |arguments: &[&str]| Python::run("canaille", canaille(python, &config).args(arguments));
    let key = run(&["jwk", "create", "rsa"])?;
    fs::write(folder.join(KEY), key).map_err(ServerError::io("write", folder))?;
    write_config(folder)?;
    run(&["install"])?;
    let client = ["--client-id", CLIENT_ID, "--client-secret", CLIENT_SECRET, "--client-name", "Hawser"];
    let how = ["--grant-types", "client_credentials", "--token-endpoint-auth-method", "client_secret_basic"];
    run(&[&["create", "client"], &client[..], &how, &["--scope", "profile"]].concat()).map(drop)
}

fn canaille(python: &Python, config: &Path) -> Command {
    let canaille = python.program("canaille");
    let mut command = Command::new("env");
    command.arg(format!("CANAILLE_CONFIG={}", config.display())).arg(canaille.get_program()).args(canaille.get_args());
    command
}

fn write_config(folder: &Path) -> Result<PathBuf, ServerError> {
    let path = folder.join("canaille.toml");
    fs::write(&path, config(folder)).map_err(ServerError::io("write", &path))?;
    Ok(path)
}

fn config(folder: &Path) -> String {
    let key = fs::read_to_string(folder.join(KEY)).unwrap_or_default();
    let key: Json = serde_json::from_str(&key).unwrap_or_default();
    let members = key.as_object().into_iter().flatten().filter(|(_, value)| value.is_string());
    let members = members.map(|(name, value)| format!("{name} = {value}"));
    let members = members.collect::<Vec<_>>().join(", ");
    // The program that makes the key does not take a configuration with none.
    let oidc =
        if key.is_null() { String::new() } else { format!("[CANAILLE_OIDC]\nACTIVE_JWKS = [{{ {members} }}]\n") };
    let database = folder.join(DATABASE);
    format!(
        "SECRET_KEY = \"a-key-for-cookies-nobody-has\"\n\
         [CANAILLE]\nSITE_NAME = \"Canaille\"\n\
         [CANAILLE_SQL]\nDATABASE_URI = \"sqlite:///{}\"\n\
         {oidc}[CANAILLE_SCIM]\nENABLE_SERVER = true\n",
        database.display()
    )
}
