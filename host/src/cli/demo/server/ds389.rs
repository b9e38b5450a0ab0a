//! 389 Directory Server over a folder of its own: memberOf, the retro changelog and content sync; LDAP, StartTLS and
//! LDAPS on the loopback.
//!
//! Its tools take all paths from one file, so a copy of that file makes an instance that the machine's own never see.
//! The package keeps its templates from everybody else, so root is needed to copy them (or a `sudo` that asks nobody);
//! the server is not root's. One thing of an instance is the machine's, a semaphore of its name, so no two instances have
//! the same. The instance is made with the server down, by editing its configuration, so that it never listens elsewhere than on
//! the loopback.

mod config;

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::ca::Ca;
use super::process::Process;
use super::tools::Tools;
use super::{Account, ServerError, command, ports, programs, read, temporary, write};
pub use config::{GROUPS, PEOPLE, SUFFIX};

/// A 389 Directory Server; it ends, and its folder goes, when this is dropped.
pub struct Ds389 {
    /// None: it has not begun, or ends.
    process: Option<Process>,
    ca: Ca,
    ldap_port: u16,
    ldaps_port: u16,
    /// Its name, which no other instance of the machine has.
    instance: String,
    folder: TempDir,
}

impl Ds389 {
    /// Makes one and waits until it answers; it takes some ten seconds, so a test run keeps one.
    ///
    /// # Errors
    /// It is not installed, or it does not start.
    pub fn start() -> Result<Self, ServerError> {
        programs::DS389.require()?;
        command::must_be_root("389 Directory Server is set up as root")?;
        let folder = temporary("hawser-ds-")?;
        let ca = Ca::create(&folder.path().join("ca"))?;
        let [ldap_port, ldaps_port] = ports::two()?;
        let instance = folder.path().to_string_lossy().rsplit('-').next().unwrap_or_default().to_owned();
        let mut ds = Self { process: None, ca, ldap_port, ldaps_port, instance, folder };
        ds.make()?;
        ds.process = Some(ds.run()?);
        ds.plain().modify(ds.admin().bind(), &config::tree())?;
        Ok(ds)
    }

    /// The account a connector binds as: may do everything below the suffix and read the changelog, without limits.
    pub fn service(&self) -> Account {
        Account::new(config::SERVICE, config::SERVICE_PASSWORD)
    }

    /// The directory manager, for whom neither access rules nor policies hold.
    pub fn admin(&self) -> Account {
        Account::new("cn=Directory Manager", config::ADMIN_PASSWORD)
    }

    /// Who issued its certificate.
    pub fn ca(&self) -> &Ca {
        &self.ca
    }

    /// The port of `ldap://127.0.0.1`, which takes StartTLS.
    pub fn ldap_port(&self) -> u16 {
        self.ldap_port
    }

    /// The port of `ldaps://127.0.0.1`.
    pub fn ldaps_port(&self) -> u16 {
        self.ldaps_port
    }

    /// The tools over plain LDAP.
    pub fn plain(&self) -> Tools {
        Tools::new(&format!("ldap://127.0.0.1:{}", self.ldap_port), self.ca.certificate())
    }

    /// The tools over LDAPS.
    pub fn tools(&self) -> Tools {
        Tools::new(&format!("ldaps://127.0.0.1:{}", self.ldaps_port), self.ca.certificate())
    }

    fn make(&self) -> Result<(), ServerError> {
        let root = self.root();
        config::write_root(&root)?;
        self.hand_over()?;
        let order = self.folder.path().join("instance.inf");
        write(&order, &config::order(&self.instance, self.ldap_port, self.ldaps_port)?)?;
        self.tool("dscreate", &["from-file", &order.to_string_lossy()])?;
        self.take_certificate()?;
        let settings = self.config_folder().join("dse.ldif");
        write(&settings, &config::edited(&read(&settings)?))?;
        self.hand_over()
    }

    fn take_certificate(&self) -> Result<(), ServerError> {
        let leaf = self.ca.server("server", &["localhost", "127.0.0.1", "ds.test"])?;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let [ca, certificate, key] = [&self.ca.certificate(), &leaf.certificate, &leaf.key].map(|path| text(path));
        self.tool("dsctl", &[&*self.instance, "tls", "import-ca", &ca, "TestCA"])?;
        self.tool("dsctl", &[&*self.instance, "tls", "import-server-key-cert", &certificate, &key])
    }

    /// The server's folder is its user's, whoever wrote into it.
    fn hand_over(&self) -> Result<(), ServerError> {
        let mut chown = command::bounded_as_root("chown");
        command::output("chown", chown.arg("-R").arg(config::owner()?).arg(self.folder.path())).map(drop)
    }

    fn tool(&self, program: &str, arguments: &[&str]) -> Result<(), ServerError> {
        let mut tool = command::bounded(program);
        command::output(program, tool.args(arguments).env("PREFIX", self.root())).map(drop)
    }

    fn run(&self) -> Result<Process, ServerError> {
        let (folder, root) = (self.folder.path(), self.root());
        let mut server = Command::new(programs::find("ns-slapd").unwrap_or_else(|| "ns-slapd".into()));
        server.arg("-D").arg(self.config_folder()).arg("-i").arg(root.join("run/dirsrv/pid")).args(["-d", "0"]);
        Process::start(folder, &server)?.answering(folder, &self.tools())
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    fn config_folder(&self) -> PathBuf {
        self.root().join(format!("etc/dirsrv/slapd-{}", self.instance))
    }
}

impl Drop for Ds389 {
    fn drop(&mut self) {
        drop(self.process.take());
        drop(std::fs::remove_file(format!("/dev/shm/sem.slapd-{}.stats", self.instance)));
    }
}
