//! OpenLDAP's slapd over a folder of its own: memberOf, refint, password policy and content sync; LDAP, StartTLS,
//! LDAPS and a local socket; the accounts a connector needs, and those it should not have.
//!
//! Invariant: whoever starts it owns it. Neither the machine's own slapd nor its configuration is touched.

mod config;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::ca::{Ca, Leaf};
use super::kept::{Home, Kept};
use super::process::Process;
use super::tools::Tools;
use super::{Account, ServerError, command, make_folder, ports, programs, temporary, write};
pub use config::{GROUPS, PEOPLE, REFERRAL, SUFFIX};

/// What may differ from one server to the next.
#[derive(Clone, Debug)]
pub struct SlapdOptions {
    /// LDIF that is loaded before the start, past all overlays: who is in a group does not get a `memberOf` by it.
    pub load: Option<PathBuf>,
    /// The most entries a search gives (`olcSizeLimit`), to everybody but the service account.
    pub size_limit: u32,
    /// The limit is for the service account too, pages or not.
    pub service_is_limited: bool,
    /// How many changes content sync remembers; after more of them a cookie costs a complete pass. None: the server has
    /// no content sync.
    pub session_log: Option<u32>,
    /// Where an entry among the people refers to, e.g. `ldap://elsewhere.test/ou=people,dc=elsewhere,dc=test`.
    pub referral: Option<String>,
}

impl Default for SlapdOptions {
    fn default() -> Self {
        Self { load: None, size_limit: 500, service_is_limited: false, session_log: Some(10_000), referral: None }
    }
}

/// A slapd; it ends, and its folder goes, when this is dropped.
pub type Slapd = Kept<SlapdHome>;

/// Where a slapd lives.
pub struct SlapdHome {
    ca: Ca,
    client: Leaf,
    ldap_port: u16,
    ldaps_port: u16,
    folder: TempDir,
}

impl Slapd {
    /// Makes one and waits until it answers.
    ///
    /// # Errors
    /// It is not installed, the LDIF to load is wrong, or it does not start.
    pub fn start(options: &SlapdOptions) -> Result<Self, ServerError> {
        programs::LDAP.require()?;
        let folder = temporary("hawser-slapd-")?;
        let ca = Ca::create(&folder.path().join("ca"))?;
        let server = ca.server("server", &["localhost", "127.0.0.1", "ldap.test"])?;
        let client = ca.client(config::CLIENT)?;
        fill(folder.path(), &config::Settings { options, ca: &ca, server: &server })?;
        let [ldap_port, ldaps_port] = ports::two()?;
        Self::settle(SlapdHome { ca, client, ldap_port, ldaps_port, folder })
    }

    /// The account a connector binds as: may do everything below the suffix, passwords included, and nothing besides.
    /// The password policy holds for what it writes, as it does not for the administrator.
    pub fn service(&self) -> Account {
        Account::new(config::SERVICE, config::SERVICE_PASSWORD)
    }

    /// An account that may read all but passwords, and is held to the size limit.
    pub fn reader(&self) -> Account {
        Account::new(config::READER, config::READER_PASSWORD)
    }

    /// The directory's own administrator (the root DN), for whom neither access rules nor policies hold.
    pub fn admin(&self) -> Account {
        Account::new(config::ADMIN, config::ADMIN_PASSWORD)
    }

    /// Who issued its certificate, and takes clients' certificates.
    pub fn ca(&self) -> &Ca {
        &self.home.ca
    }

    /// A client certificate that makes its holder [`Self::service`] (SASL EXTERNAL).
    pub fn client(&self) -> &Leaf {
        &self.home.client
    }

    /// The port of `ldap://127.0.0.1`, which takes StartTLS.
    pub fn ldap_port(&self) -> u16 {
        self.home.ldap_port
    }

    /// The port of `ldaps://127.0.0.1`.
    pub fn ldaps_port(&self) -> u16 {
        self.home.ldaps_port
    }

    /// The tools over plain LDAP.
    pub fn plain(&self) -> Tools {
        Tools::new(&format!("ldap://127.0.0.1:{}", self.home.ldap_port), self.home.ca.certificate())
    }

    /// The tools over LDAPS.
    pub fn tools(&self) -> Tools {
        self.home.tools()
    }

    /// The tools over the local socket.
    pub fn local(&self) -> Tools {
        Tools::new(&self.home.local_uri(), self.home.ca.certificate())
    }
}

impl SlapdHome {
    fn tools(&self) -> Tools {
        Tools::new(&format!("ldaps://127.0.0.1:{}", self.ldaps_port), self.ca.certificate())
    }

    fn local_uri(&self) -> String {
        let socket = self.folder.path().join("ldapi");
        format!("ldapi://{}/", socket.to_string_lossy().replace('%', "%25").replace('/', "%2F"))
    }
}

impl Home for SlapdHome {
    fn run(&self) -> Result<Process, ServerError> {
        let folder = self.folder.path();
        let places =
            format!("ldap://127.0.0.1:{}/ ldaps://127.0.0.1:{}/ {}", self.ldap_port, self.ldaps_port, self.local_uri());
        let mut slapd = Command::new(program("slapd"));
        slapd.arg("-F").arg(config_folder(folder)).args(["-h", &places, "-d", "0"]);
        Process::start(folder, &slapd)?.answering(folder, &self.tools())
    }

    fn move_on(&mut self) -> Result<(), ServerError> {
        [self.ldap_port, self.ldaps_port] = ports::two()?;
        Ok(())
    }
}

/// Writes the configuration and the first entries.
fn fill(folder: &Path, settings: &config::Settings<'_>) -> Result<(), ServerError> {
    for name in ["db", "slapd.d"] {
        make_folder(&folder.join(name))?;
    }
    let hashes = config::Hashes {
        admin: hashed(folder, config::ADMIN_PASSWORD)?,
        service: hashed(folder, config::SERVICE_PASSWORD)?,
        reader: hashed(folder, config::READER_PASSWORD)?,
    };
    load(folder, "0", &written(folder, "config.ldif", &settings.server_config(folder, &hashes))?)?;
    load(folder, "1", &written(folder, "tree.ldif", &settings.tree(&hashes))?)?;
    settings.options.load.as_ref().map_or(Ok(()), |more| load(folder, "1", more))
}

fn written(folder: &Path, name: &str, text: &str) -> Result<PathBuf, ServerError> {
    let path = folder.join(name);
    write(&path, text)?;
    Ok(path)
}

/// Loads LDIF into a database of a slapd that does not run: `0` the configuration, `1` the tree.
fn load(folder: &Path, database: &str, ldif: &Path) -> Result<(), ServerError> {
    let mut slapadd = command::bounded("slapadd");
    slapadd.args(["-q", "-n", database, "-F"]).arg(config_folder(folder)).arg("-l").arg(ldif);
    if database != "0" {
        slapadd.arg("-w");
    }
    command::output("slapadd", &mut slapadd).map(drop)
}

fn hashed(folder: &Path, password: &str) -> Result<String, ServerError> {
    let file = written(folder, "password", password)?;
    command::output("slappasswd", command::bounded("slappasswd").args([OsStr::new("-n"), OsStr::new("-T")]).arg(file))
}

fn config_folder(folder: &Path) -> PathBuf {
    folder.join("slapd.d")
}

fn program(name: &str) -> PathBuf {
    programs::find(name).unwrap_or_else(|| name.into())
}
