//! OpenStack's Keystone: domains, projects, roles, users and groups behind a log-in whose token comes in a header.
//!
//! `POST /v3/auth/tokens` answers with `X-Subject-Token`, which the others want as `X-Auth-Token`. Users and groups belong
//! to a domain (`default`); a role is granted on a project by `PUT /v3/projects/{p}/users/{u}/roles/{r}` (or groups), and
//! read back by `GET /v3/role_assignments`. Its database is SQLite, its tokens Fernet, its server gunicorn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use hawser::cli::demo::server::ServerError;
use hawser::cli::demo::server::cache::made_once;
use hawser::cli::demo::server::curl::Curl;
use hawser::cli::demo::server::python::Python;
use hawser::cli::demo::server::web::{Place, Program, WebServer};
use serde_json::{Value as Json, json};

use super::{cache, started};

/// Where the API begins in its URLs.
pub const BASE: &str = "/v3";
/// The administrator, in the domain `default`, with the role `admin` on the project `admin`.
pub const ADMIN: &str = "admin";
pub const ADMIN_PASSWORD: &str = "keystone-password-of-the-admin-7a8b9c";

const REQUIREMENTS: &str = include_str!("keystone/requirements.txt");
/// Keystone reads the command line too, and does not understand gunicorn's.
const APPLICATION: &str = "\
import sys
sys.argv = sys.argv[:1]
from keystone.wsgi.api import application
";
/// What a new database depends on besides the packages.
const RECIPE: &str = "bootstrapped";

/// How it is run.
pub struct Keystone {
    python: Python,
    /// A database and its keys, to be copied.
    made: PathBuf,
}

impl Keystone {
    /// Makes one and waits until it answers, which takes some seconds. What it is told stays for a restart.
    pub fn start() -> WebServer<Self> {
        let made = Python::made_once(&cache(), "keystone", REQUIREMENTS).and_then(Self::made_once);
        started(made.and_then(WebServer::start))
    }

    fn made_once(python: Python) -> Result<Self, ServerError> {
        let recipe = [REQUIREMENTS, ADMIN, ADMIN_PASSWORD, RECIPE].concat();
        let made = made_once(&cache(), "keystone", &recipe, |folder| make(&python, folder))?;
        Ok(Self { python, made })
    }
}

impl Program for Keystone {
    const NAME: &'static str = "keystone";
    const PROBE: &'static str = BASE;

    fn fill(&self, folder: &Path) -> Result<(), ServerError> {
        let copied = Command::new("cp").arg("-R").arg(self.made.join("data")).arg(folder).status();
        let copied = copied.map_err(ServerError::io("copy to", folder))?;
        copied.success().then_some(()).ok_or_else(|| ServerError::failed("copying the database", ""))
    }

    fn command(&self, place: &Place<'_>) -> Result<Command, ServerError> {
        let (config, script) = (write_config(place.folder)?, place.folder.join("app.py"));
        fs::write(&script, APPLICATION).map_err(ServerError::io("write", &script))?;
        let gunicorn = self.python.program("gunicorn");
        let mut command = Command::new("env");
        command.arg(format!("OS_KEYSTONE_CONFIG_FILES={}", config.display()));
        command.arg(gunicorn.get_program()).args(gunicorn.get_args());
        command.args(["--bind", &format!("127.0.0.1:{}", place.port), "--threads", "4", "--no-control-socket"]);
        command.arg("--certfile").arg(&place.leaf.certificate).arg("--keyfile").arg(&place.leaf.key);
        command.arg("--chdir").arg(place.folder).arg("app:application");
        Ok(command)
    }

    /// As the administrator on the project `admin`; a new token each time.
    fn log_in(&self, curl: Curl) -> Result<Curl, ServerError> {
        let answer = curl.send("POST", "/v3/auth/tokens", Some(&log_in(ADMIN, ADMIN_PASSWORD)))?;
        let token = answer.header("x-subject-token");
        let token = token.ok_or_else(|| ServerError::failed("getting a token", &answer.text))?;
        Ok(curl.header("x-auth-token", token))
    }
}

/// The body of a log-in with a name and a password, for a token on the project `admin`.
pub fn log_in(user: &str, password: &str) -> Json {
    let domain = json!({"id": "default"});
    json!({"auth": {
        "identity": {
            "methods": ["password"],
            "password": {"user": {"name": user, "domain": domain, "password": password}},
        },
        "scope": {"project": {"name": "admin", "domain": domain}},
    }})
}

fn make(python: &Python, folder: &Path) -> Result<(), ServerError> {
    let config = write_config(folder)?;
    let manage = |arguments: &[&str]| {
        let mut manage = python.program("keystone-manage");
        let what = format!("keystone-manage {}", arguments.first().unwrap_or(&""));
        Python::run(&what, manage.arg("--config-file").arg(&config).args(arguments))
    };
    manage(&["db_sync"])?;
    let (user, group) = (who("-un")?, who("-gn")?);
    for keys in ["fernet_setup", "credential_setup"] {
        manage(&[keys, "--keystone-user", &user, "--keystone-group", &group])?;
    }
    manage(&["bootstrap", "--bootstrap-username", ADMIN, "--bootstrap-password", ADMIN_PASSWORD]).map(drop)
}

/// Who this is, whose the keys are to be: the user (`-un`) or the group (`-gn`).
fn who(what: &str) -> Result<String, ServerError> {
    let mut id = Command::new("id");
    Ok(Python::run("id", id.arg(what))?.trim().to_owned())
}

fn write_config(folder: &Path) -> Result<PathBuf, ServerError> {
    let (path, data) = (folder.join("keystone.conf"), folder.join("data"));
    fs::create_dir_all(&data).map_err(ServerError::io("make", &data))?;
    fs::write(&path, config(&data)).map_err(ServerError::io("write", &path))?;
    Ok(path)
}

fn config(data: &Path) -> String {
    let data = data.display();
    format!(
        "\
[database]
connection = sqlite:///{data}/keystone.sqlite
[token]
provider = fernet
[fernet_tokens]
key_repository = {data}/fernet
[credential]
key_repository = {data}/credential
[identity]
# The least there is: nobody is to guess these passwords, and the tests are not to wait for them.
password_hash_rounds = 4
[cache]
enabled = false
"
    )
}
