//! The host's configuration: a TOML file whose unknown keys are refused, parsed into bounded values with units.
//!
//! Every key has a default, so that `hawser serve` starts without a file; `hawser.toml` at the root of the repository
//! shows them all. The environment is read here (and by clap, for the command line), nowhere else.

mod secrets;
mod tables;

use std::env::VarError;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::{IpNet, Ipv6Net};
use serde::Deserialize;

use crate::model::{Error, ErrorKind, HostPattern, Result, Secret};

pub use secrets::{SecretsConfig, environment};
pub use tables::{BucketConfig, PlaceConfig, TablesConfig};

/// The longest configuration file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// Where the API listens unless told otherwise.
const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8440);

/// How long a prefix for translating can be (RFC 6052, 2.2).
const NAT64_PREFIX_BITS: [u8; 6] = [32, 40, 48, 56, 64, 96];

/// Everything the host is told from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// The host's own directory: databases, caches.
    pub data_dir: PathBuf,
    /// Directories of connectors, each written by `hawser build`.
    pub connectors: Vec<PathBuf>,
    /// Load connectors without a signature (development).
    pub allow_unsigned: bool,
    /// How long a request of the API may take.
    pub request_timeout: Duration,
    /// Names the API answers to besides those of loopback, as they stand in a request's `Host` header, without a port.
    pub hosts: Vec<String>,
    pub log: LogConfig,
    pub guests: GuestConfig,
    pub imports: ImportConfig,
    pub compile: CompileConfig,
    pub egress: EgressConfig,
    pub secrets: SecretsConfig,
    pub tables: TablesConfig,
}

/// How the host logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// A filter in tracing's syntax, e.g. `info` or `hawser=debug`.
    pub filter: String,
    pub json: bool,
}

/// The host's ceilings for guests; a manifest may ask for less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuestConfig {
    /// Linear memory of one instance, in bytes.
    pub memory_bytes: u64,
    /// The longest call.
    pub call: Duration,
    /// The longest page of a listing.
    pub page: Duration,
    /// Instances alive at once, of all connections.
    pub instances: u32,
    /// Calls and listings alive at once, of one connection.
    pub calls_per_connection: u32,
}

/// How imports run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportConfig {
    /// Rows asked for at once.
    pub page_rows: u32,
    /// Imports that run at once.
    pub workers: u32,
    /// Fulfilments that run at once, each of one connection.
    pub fulfilments: u32,
    /// Imports whose tables are written to places at once.
    pub writings: u32,
    /// Refreshes of schemas that run at once.
    pub refreshes: u32,
    /// Objects and links one import may hold.
    pub records_max: u64,
}

/// How components are compiled: one at a time, in a process of its own that is confined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileConfig {
    /// The program that is started; no key of the file. It has to be this very version of the host.
    pub program: PathBuf,
    /// Address space of the process, in bytes.
    pub memory_bytes: u64,
    /// Processor time of all its threads.
    pub cpu: Duration,
    /// From its start to its end.
    pub time: Duration,
}

/// The ceiling of what connections may reach, whatever is approved for one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct EgressConfig {
    /// The only hosts; any, if it is left out.
    pub hosts: Option<Vec<HostPattern>>,
    /// The only networks; any, if it is left out.
    pub networks: Option<Vec<IpNet>>,
    /// May a connection have a permission to reach this machine?
    pub loopback: bool,
    /// May one have a permission to reach link-local addresses?
    pub link_local: bool,
    /// May one have a permission to reach a cloud's metadata services?
    pub metadata: bool,
    /// Prefixes under which the operator's network translates IPv4 (RFC 6052), besides 64:ff9b::/96.
    pub nat64_prefixes: Vec<Ipv6Net>,
    /// Name servers to ask instead of the machine's.
    pub nameservers: Vec<SocketAddr>,
}

impl EgressConfig {
    fn check(&self) -> Result<()> {
        let odd = self.nat64_prefixes.iter().find(|prefix| !NAT64_PREFIX_BITS.contains(&prefix.prefix_len()));
        odd.map_or(Ok(()), |prefix| {
            let lengths = NAT64_PREFIX_BITS.map(|bits| bits.to_string()).join(", ");
            Err(configuration(format!("`egress.nat64-prefixes` has {prefix}; a prefix has {lengths} bits")))
        })
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::from(File::default())
    }
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// `configuration`, naming the file, the key and what is expected there.
    pub fn read(path: &Path) -> Result<Self> {
        let refused = |why: String| configuration(format!("{}: {why}", path.display()));
        let length = std::fs::metadata(path).map_err(|why| refused(why.to_string()))?.len();
        if length > FILE_BYTES_MAX {
            return Err(refused(format!("has {length} bytes; {FILE_BYTES_MAX} are allowed")));
        }
        let text = std::fs::read_to_string(path).map_err(|why| refused(why.to_string()))?;
        Self::parse(&text).map_err(|error| refused(error.message))
    }

    /// Parses the text of a configuration file.
    ///
    /// # Errors
    /// `configuration`, naming the key and what is expected there.
    pub fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text).map_err(|why| configuration(why.to_string()))?;
        file.check()?;
        Ok(file.into())
    }
}

/// The user's cache directory (XDG base directory specification), if the environment says where.
#[allow(clippy::disallowed_methods, reason = "the environment is read here")]
pub fn user_cache_dir() -> Option<PathBuf> {
    let from = |name: &str| std::env::var(name).ok().map(PathBuf::from).filter(|path| path.is_absolute());
    from("XDG_CACHE_HOME").or_else(|| from("HOME").map(|home| home.join(".cache")))
}

/// The variable with the vault's key ring.
const VAULT_KEY: &str = "HAWSER_VAULT_KEY";

/// The vault's key ring, if the environment has one: it goes before the key file.
///
/// # Errors
/// `configuration` if it is empty, too long or not text.
#[allow(clippy::disallowed_methods, reason = "the environment is read here")]
pub fn vault_key() -> Result<Option<Secret>> {
    let wrong = || configuration(format!("{VAULT_KEY} is no key ring; it has the lines of a `vault.key`"));
    match std::env::var(VAULT_KEY) {
        Ok(text) => Secret::new(text.into_bytes()).ok_or_else(wrong).map(Some),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(wrong()),
    }
}

/// This very program. On Linux a name that holds although the file was replaced by a newer one meanwhile.
fn this_program() -> PathBuf {
    let own = if cfg!(target_os = "linux") { Ok(PathBuf::from("/proc/self/exe")) } else { std::env::current_exe() };
    own.unwrap_or_else(|_| PathBuf::from("hawser"))
}

fn configuration(message: String) -> Error {
    Error::new(ErrorKind::Failure(crate::model::FailureKind::Configuration), message)
}

/// The file as written: units in the names of the keys.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct File {
    listen: SocketAddr,
    data_dir: PathBuf,
    connectors: Vec<PathBuf>,
    allow_unsigned: bool,
    request_timeout_ms: u64,
    hosts: Vec<String>,
    log: LogFile,
    guests: GuestFile,
    imports: ImportFile,
    compile: CompileFile,
    egress: EgressConfig,
    secrets: SecretsConfig,
    tables: TablesConfig,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct LogFile {
    filter: String,
    json: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct GuestFile {
    memory_mib: u32,
    call_ms: u32,
    page_ms: u32,
    instances: u32,
    calls_per_connection: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct ImportFile {
    page_rows: u32,
    workers: u32,
    fulfilments: u32,
    writings: u32,
    refreshes: u32,
    records_max: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct CompileFile {
    memory_mib: u32,
    cpu_ms: u32,
    time_ms: u32,
}

impl Default for File {
    fn default() -> Self {
        Self {
            listen: LISTEN_DEFAULT,
            data_dir: PathBuf::from("hawser-data"),
            connectors: Vec::new(),
            allow_unsigned: false,
            request_timeout_ms: 60_000,
            hosts: Vec::new(),
            log: LogFile::default(),
            guests: GuestFile::default(),
            imports: ImportFile::default(),
            compile: CompileFile::default(),
            egress: EgressConfig::default(),
            secrets: SecretsConfig::default(),
            tables: TablesConfig::default(),
        }
    }
}

impl Default for LogFile {
    fn default() -> Self {
        Self { filter: "info".to_owned(), json: false }
    }
}

impl Default for GuestFile {
    fn default() -> Self {
        Self { memory_mib: 256, call_ms: 30_000, page_ms: 60_000, instances: 1_000, calls_per_connection: 32 }
    }
}

impl Default for ImportFile {
    fn default() -> Self {
        Self { page_rows: 512, workers: 2, fulfilments: 16, writings: 2, refreshes: 16, records_max: 20_000_000 }
    }
}

impl Default for CompileFile {
    fn default() -> Self {
        Self { memory_mib: 1024, cpu_ms: 60_000, time_ms: 120_000 }
    }
}

impl File {
    fn check(&self) -> Result<()> {
        within("request-timeout-ms", self.request_timeout_ms, 100, 3_600_000)?;
        within("guests.memory-mib", self.guests.memory_mib.into(), 1, 4096)?;
        within("guests.call-ms", self.guests.call_ms.into(), 10, 3_600_000)?;
        within("guests.page-ms", self.guests.page_ms.into(), 10, 3_600_000)?;
        within("guests.instances", self.guests.instances.into(), 1, 100_000)?;
        within("guests.calls-per-connection", self.guests.calls_per_connection.into(), 1, 10_000)?;
        within("imports.page-rows", self.imports.page_rows.into(), 1, 4096)?;
        within("imports.workers", self.imports.workers.into(), 1, 256)?;
        within("imports.fulfilments", self.imports.fulfilments.into(), 1, 256)?;
        within("imports.writings", self.imports.writings.into(), 1, 64)?;
        within("imports.refreshes", self.imports.refreshes.into(), 2, 256)?;
        within("imports.records-max", self.imports.records_max, 1, 1_000_000_000)?;
        within("compile.memory-mib", self.compile.memory_mib.into(), 64, 65_536)?;
        within("compile.cpu-ms", self.compile.cpu_ms.into(), 1_000, 3_600_000)?;
        within("compile.time-ms", self.compile.time_ms.into(), 100, 3_600_000)?;
        self.egress.check()?;
        self.secrets.check()?;
        self.tables.check(&self.secrets)
    }
}

fn within(key: &str, value: u64, least: u64, most: u64) -> Result<()> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(configuration(format!("`{key}` is {value}; it takes {least} to {most}")))
}

impl From<File> for Config {
    fn from(file: File) -> Self {
        let ms = |ms: u32| Duration::from_millis(ms.into());
        Self {
            listen: file.listen,
            data_dir: file.data_dir,
            connectors: file.connectors,
            allow_unsigned: file.allow_unsigned,
            request_timeout: Duration::from_millis(file.request_timeout_ms),
            hosts: file.hosts,
            log: LogConfig { filter: file.log.filter, json: file.log.json },
            guests: GuestConfig {
                memory_bytes: u64::from(file.guests.memory_mib) << 20,
                call: ms(file.guests.call_ms),
                page: ms(file.guests.page_ms),
                instances: file.guests.instances,
                calls_per_connection: file.guests.calls_per_connection,
            },
            imports: ImportConfig {
                page_rows: file.imports.page_rows,
                workers: file.imports.workers,
                fulfilments: file.imports.fulfilments,
                writings: file.imports.writings,
                refreshes: file.imports.refreshes,
                records_max: file.imports.records_max,
            },
            compile: CompileConfig {
                program: this_program(),
                memory_bytes: u64::from(file.compile.memory_mib) << 20,
                cpu: ms(file.compile.cpu_ms),
                time: ms(file.compile.time_ms),
            },
            egress: file.egress,
            secrets: file.secrets,
            tables: file.tables,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let error = Config::parse("alow-unsigned = true").unwrap_err();
        assert!(error.message.contains("alow-unsigned"), "{error}");
        assert!(Config::parse("[guests]\nmemory-mb = 3").unwrap_err().message.contains("memory-mb"));
    }

    #[test]
    fn a_number_out_of_bounds_is_refused_with_the_bounds() {
        let error = Config::parse("[imports]\npage-rows = 0").unwrap_err();
        assert!(error.message.contains("`imports.page-rows` is 0; it takes 1 to 4096"), "{error}");
    }

    #[test]
    fn a_ceiling_that_cannot_be_meant_is_refused_by_its_key() {
        for (text, told) in [
            ("[egress]\nhosts = [\"a b\"]", "*.example.org:636"),
            ("[egress]\nnetworks = [\"10.0.0.0/33\"]", "networks"),
            ("[egress]\nnameservers = [\"1.1.1.1\"]", "nameservers"),
            ("[egress]\nnat64-prefixes = [\"2001:db8::/33\"]", "32, 40, 48"),
            ("[egress]\nlocalhost = true", "localhost"),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert!(error.message.contains(told), "{text}: {error}");
        }
        let config = Config::parse("[egress]\nhosts = [\"*.example.org:636\"]\nnetworks = [\"10.0.0.0/8\"]").unwrap();
        assert_eq!(config.egress.networks, Some(vec!["10.0.0.0/8".parse().unwrap()]));
    }

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(Config::parse("").unwrap(), Config::default());
    }

    #[test]
    fn the_annotated_file_of_the_repository_shows_the_defaults() {
        let text = include_str!("../../hawser.toml");
        assert_eq!(Config::parse(text).unwrap(), Config::default());
        for key in [
            "listen",
            "memory-mib",
            "page-rows",
            "allow-unsigned",
            "filter",
            "request-timeout-ms",
            "cpu-ms",
            "nameservers",
            "environment-prefixes",
        ] {
            assert!(text.contains(key), "{key} is missing from hawser.toml");
        }
    }
}
