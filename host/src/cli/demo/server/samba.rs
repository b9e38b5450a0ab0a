//! A Samba domain controller of its own: what Active Directory's clients see, on an address of the loopback.
//!
//! A domain is made once into a cache and copied for each start. The ports of Active Directory are fixed (389, 636, 88),
//! so each controller has an address of 127.0.0.0/8 to itself, and root is needed: for those who are not root, a `sudo`
//! that asks nobody.

mod address;
mod domain;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::ca::{Ca, Leaf};
use super::kept::{Home, Kept};
use super::process::Process;
use super::tools::Tools;
use super::{Account, ServerError, command, programs, temporary};
use address::Address;
pub use domain::{GROUPS, PEOPLE, SUFFIX};

/// A domain controller; it ends, and its folder goes, when this is dropped.
pub type SambaDc = Kept<SambaHome>;

/// Where a domain controller lives.
pub struct SambaHome {
    ca: Ca,
    address: Address,
    cache: PathBuf,
    folder: TempDir,
}

impl SambaDc {
    /// Insists on what it needs of this machine.
    ///
    /// # Errors
    /// It is not installed, or this is neither root nor may become it.
    pub fn require() -> Result<(), ServerError> {
        programs::AD.require()?;
        command::must_be_root("a domain controller runs as root")
    }

    /// Makes one and waits until it answers. The first in a cache folder makes the domain, which takes some ten
    /// seconds; others that come meanwhile wait. What is in there runs as root: it is a folder of the caller's own.
    ///
    /// # Errors
    /// It is not installed, this is neither root nor may become it, or it does not start.
    pub fn start(cache: &Path) -> Result<Self, ServerError> {
        Self::require()?;
        let domain = domain::made_once(cache)?;
        let folder = temporary("hawser-samba-")?;
        let mut copy = command::bounded_as_root("cp");
        command::output("cp", copy.args(["-a", "--reflink=auto"]).arg(domain).arg(domain_of(folder.path())))?;
        let ca = Ca::create(&folder.path().join("ca"))?;
        let address = Address::free(cache)?;
        Self::settle(SambaHome { ca, address, cache: cache.to_owned(), folder })
    }

    /// The account a connector binds as, `svc-hawser@ad.test`. It has no rights but those it was delegated: all over
    /// users and groups below [`PEOPLE`] and [`GROUPS`], setting passwords, replicating changes (for DirSync), and
    /// listing deleted objects. It is not locked out by wrong passwords.
    pub fn service(&self) -> Account {
        Account::new(domain::SERVICE, domain::SERVICE_PASSWORD)
    }

    /// The domain's administrator.
    pub fn admin(&self) -> Account {
        Account::new("Administrator@ad.test", domain::ADMIN_PASSWORD)
    }

    /// Who issued its certificate.
    pub fn ca(&self) -> &Ca {
        &self.home.ca
    }

    /// Where it listens: 389, 636 (TLS), 3268, 3269, 88 and 464. The address is in its certificate.
    pub fn address(&self) -> Ipv4Addr {
        self.home.address.ip
    }

    /// The LDAP tools over LDAPS.
    pub fn tools(&self) -> Tools {
        self.home.tools()
    }

    /// The LDAP tools over plain LDAP, which is good for StartTLS: other binds are refused (`strongerAuthRequired`).
    pub fn plain(&self) -> Tools {
        Tools::new(&format!("ldap://{}", self.home.address.ip), self.home.ca.certificate())
    }

    /// Runs `samba-tool` on its database, while it runs or not, and gives what it said.
    ///
    /// # Errors
    /// What it said as it failed.
    pub fn samba_tool(&self, arguments: &[&str]) -> Result<String, ServerError> {
        domain::samba_tool(&domain_of(self.home.folder.path()), &self.home.config(), arguments)
    }
}

impl SambaHome {
    fn tools(&self) -> Tools {
        Tools::new(&format!("ldaps://{}", self.address.ip), self.ca.certificate())
    }

    /// Writes the certificate and the configuration for its address.
    fn settle(&self) -> Result<(), ServerError> {
        let domain = domain_of(self.folder.path());
        let ip = self.address.ip.to_string();
        let leaf = self.ca.server("dc1.ad.test", &["dc1.ad.test", "ad.test", &ip])?;
        install_key(&leaf, &domain)?;
        super::write(&self.config(), &domain::config(&domain, &ip, &self.ca, &leaf))
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("smb.conf")
    }
}

impl Home for SambaHome {
    fn run(&self) -> Result<Process, ServerError> {
        self.settle()?;
        let folder = self.folder.path();
        let mut samba = Command::new("env");
        // What is on the disk after a power cut is nobody's concern here, and adding is eight times as fast.
        samba.args(["TDB_NO_FSYNC=1", "samba", "-i", "-M", "single", "-s"]).arg(self.config());
        Process::start_as_root(folder, &samba)?.answering(folder, &self.tools())
    }

    fn move_on(&mut self) -> Result<(), ServerError> {
        // The old one stays taken until there is a new one, so it is another.
        self.address = Address::free(&self.cache)?;
        Ok(())
    }
}

impl Drop for SambaHome {
    fn drop(&mut self) {
        // What root wrote, only root removes.
        let mut remove = command::bounded_as_root("rm");
        drop(command::output("rm", remove.arg("-rf").arg(domain_of(self.folder.path()))));
    }
}

/// The domain's data, in the folder of its controller.
fn domain_of(folder: &Path) -> PathBuf {
    folder.join("dc")
}

/// Samba takes a key only if it is its own user's and nobody else can read it.
fn install_key(leaf: &Leaf, domain: &Path) -> Result<(), ServerError> {
    let mut install = command::bounded_as_root("install");
    install.args(["-m", "600"]).arg(&leaf.key).arg(domain::key_of(domain));
    command::output("install", &mut install).map(drop)
}
