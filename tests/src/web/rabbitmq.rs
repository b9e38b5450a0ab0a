//! RabbitMQ with its management API: users, virtual hosts, and permissions that take a virtual host and three patterns.
//!
//! `PUT /api/users/{name}` with `password` and `tags`; `PUT /api/vhosts/{vhost}`; `PUT /api/permissions/{vhost}/{user}` with
//! `configure`, `write` and `read`; the virtual host `/` is `%2F` in a path. It listens for nothing but this API and its
//! own tools, has an `epmd` of its own, and does not touch the machine's RabbitMQ.

use std::fs;
use std::path::Path;
use std::process::Command;

use hawser::cli::demo::server::curl::Curl;
use hawser::cli::demo::server::process::Process;
use hawser::cli::demo::server::programs::Kit;
use hawser::cli::demo::server::web::{Place, Program, WebServer};
use hawser::cli::demo::server::{ServerError, command, ports};
use tempfile::TempDir;

use super::started;

/// Where the API begins in its URLs.
pub const BASE: &str = "/api";
/// The administrator.
pub const ADMIN: &str = "admin";
pub const ADMIN_PASSWORD: &str = "rabbit-password-of-the-admin-1d2e3f";

/// Past the wrapper of the package, which insists on the user `rabbitmq`.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const KIT: Kit = Kit::new(
    "RabbitMQ",
    &[(SERVER, "rabbitmq-server"), ("epmd", "erlang-base"), ("curl", "curl"), ("openssl", "openssl")],
);

/// How it is run.
pub struct RabbitMq {
    epmd_port: u16,
    distribution_port: u16,
    _epmd: Process,
    _epmd_folder: TempDir,
}

impl RabbitMq {
    /// Makes one and waits until it answers, which takes some seconds. What it is told stays for a restart.
    pub fn start() -> WebServer<Self> {
        started(Self::new().and_then(WebServer::start))
    }

    /// With the daemon that Erlang's nodes are known to, which would otherwise outlive them.
    fn new() -> Result<Self, ServerError> {
        KIT.require()?;
        let [epmd_port, distribution_port] = ports::two()?;
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let port = epmd_port.to_string();
        let mut epmd = Command::new("epmd");
        let mut process = Process::start(folder.path(), epmd.args(["-address", "127.0.0.1", "-port", &port]))?;
        let asked = || command::output("epmd", command::bounded("epmd").args(["-port", &port, "-names"])).is_ok();
        process.ready(folder.path(), asked)?;
        Ok(Self { epmd_port, distribution_port, _epmd: process, _epmd_folder: folder })
    }
}

impl Program for RabbitMq {
    const NAME: &'static str = "rabbitmq";
    const PROBE: &'static str = "/api/overview";

    fn command(&self, place: &Place<'_>) -> Result<Command, ServerError> {
        for (name, text) in [("rabbitmq.conf", config(place)), ("enabled_plugins", "[rabbitmq_management].\n".into())] {
            let path = place.folder.join(name);
            fs::write(&path, text).map_err(ServerError::io("write", &path))?;
        }
        let mut command = Command::new("env");
        command.args(self.environment(place.folder)).arg(SERVER);
        Ok(command)
    }

    fn log_in(&self, curl: Curl) -> Result<Curl, ServerError> {
        Ok(curl.basic(ADMIN, ADMIN_PASSWORD))
    }
}

impl RabbitMq {
    /// Everything of the machine's own is named otherwise.
    fn environment(&self, folder: &Path) -> Vec<String> {
        let at = |name: &str, file: &str| format!("{name}={}", folder.join(file).display());
        vec![
            at("HOME", ""),
            at("RABBITMQ_CONF_ENV_FILE", "none"),
            at("RABBITMQ_CONFIG_FILE", "rabbitmq.conf"),
            at("RABBITMQ_ENABLED_PLUGINS_FILE", "enabled_plugins"),
            at("RABBITMQ_MNESIA_BASE", "mnesia"),
            at("RABBITMQ_LOG_BASE", "logs"),
            at("RABBITMQ_GENERATED_CONFIG_DIR", "generated"),
            at("RABBITMQ_PID_FILE", "pid"),
            "RABBITMQ_LOGS=-".to_owned(),
            "RABBITMQ_NODENAME=hawser@localhost".to_owned(),
            format!("RABBITMQ_DIST_PORT={}", self.distribution_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}".to_owned(),
            format!("ERL_EPMD_PORT={}", self.epmd_port),
            "ERL_EPMD_ADDRESS=127.0.0.1".to_owned(),
            // The script becomes the server then, instead of standing before it.
            "RUNNING_UNDER_SYSTEMD=true".to_owned(),
        ]
    }
}

fn config(place: &Place<'_>) -> String {
    let (ca, leaf) = (place.ca.certificate(), place.leaf);
    format!(
        "\
listeners.tcp = none
management.ssl.ip = 127.0.0.1
management.ssl.port = {}
management.ssl.cacertfile = {}
management.ssl.certfile = {}
management.ssl.keyfile = {}
default_user = {ADMIN}
default_pass = {ADMIN_PASSWORD}
",
        place.port,
        ca.display(),
        leaf.certificate.display(),
        leaf.key.display()
    )
}
