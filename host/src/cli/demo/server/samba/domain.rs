//! The domain `ad.test`: made once, with its organisational units, its password rules and the account of a connector.

use std::path::{Path, PathBuf};

use super::super::ca::{Ca, Leaf};
use super::super::cache::lock;
use super::super::{ServerError, command};

/// The top of the tree.
pub const SUFFIX: &str = "DC=ad,DC=test";
/// Where people are.
pub const PEOPLE: &str = "OU=People,DC=ad,DC=test";
/// Where groups are.
pub const GROUPS: &str = "OU=Groups,DC=ad,DC=test";

pub(super) const ADMIN_PASSWORD: &str = "Adm1n-Pass!";
pub(super) const SERVICE: &str = "svc-hawser@ad.test";
pub(super) const SERVICE_PASSWORD: &str = "Svc-Passw0rd!-of-the-service";
const SERVICE_NAME: &str = "svc-hawser";

/// Counts what is changed in this file: another number, another domain in the cache.
const RECIPE: u32 = 2;

/// The domain in the cache; the first to come makes it.
pub(super) fn made_once(cache: &Path) -> Result<PathBuf, ServerError> {
    let _lock = lock(cache, "domain")?;
    let version = command::output("samba --version", command::bounded("samba").arg("--version"))?;
    let domain = cache.join(format!("domain-{RECIPE}-{}", version.trim().replace(['/', ' '], "-")));
    if !domain.exists() {
        make(cache, &domain)?;
    }
    Ok(domain)
}

fn make(cache: &Path, domain: &Path) -> Result<(), ServerError> {
    let unfinished = cache.join("domain.unfinished");
    as_root("rm", &["-rf".as_ref(), unfinished.as_os_str()])?;
    provision(&unfinished)?;
    let config = unfinished.join("etc/smb.conf");
    for arguments in SETTINGS {
        samba_tool(&unfinished, &config, arguments)?;
    }
    delegate(&unfinished, &config)?;
    let folders = ["run", "log", "tls"].map(|name| unfinished.join(name));
    as_root("mkdir", &folders.each_ref().map(|folder| folder.as_os_str()))?;
    as_root("mv", &[unfinished.as_os_str(), domain.as_os_str()])
}

fn provision(into: &Path) -> Result<(), ServerError> {
    let mut tool = command::bounded_as_root("samba-tool");
    tool.args(["domain", "provision", "--realm=AD.TEST", "--domain=ADTEST", "--server-role=dc", "--use-rfc2307"]);
    tool.args(["--dns-backend=SAMBA_INTERNAL", "--host-name=dc1", "--host-ip=127.0.0.1"]);
    tool.args(["--option=interfaces=lo", "--option=bind interfaces only=yes"]);
    tool.arg(format!("--adminpass={ADMIN_PASSWORD}")).arg(format!("--targetdir={}", into.display()));
    command::output("samba-tool domain provision", &mut tool).map(drop)
}

/// Passwords: at least seven characters of three classes, none of the last three, good for ever (a cached domain gets
/// old), locked after three failures. The connector's account is not locked, so that a test of a wrong password does
/// not end the others.
const SETTINGS: &[&[&str]] = &[
    &[
        "domain",
        "passwordsettings",
        "set",
        "--min-pwd-age=0",
        "--max-pwd-age=0",
        "--history-length=3",
        "--account-lockout-threshold=3",
    ],
    &["ou", "add", "OU=People"],
    &["ou", "add", "OU=Groups"],
    &["user", "add", SERVICE_NAME, SERVICE_PASSWORD],
    &[
        "domain",
        "passwordsettings",
        "pso",
        "create",
        "services",
        "1",
        "--account-lockout-threshold=0",
        "--min-pwd-age=0",
        "--max-pwd-age=0",
    ],
    &["domain", "passwordsettings", "pso", "apply", "services", SERVICE_NAME],
];

/// Rights of the connector's account, as SDDL with its SID for `{}`: in an organisational unit, to create, change, move,
/// rename and delete, and to set users' passwords (User-Force-Change-Password); at the top, to read what replicates
/// (DS-Replication-Get-Changes).
const OVER_UNIT: &str = "(A;CI;CCDCLCRPWPSDDTRC;;;{})\
                         (OA;CIIO;CR;00299570-246d-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;{})";
const AT_THE_TOP: &str = "(OA;;CR;1131f6aa-9c07-11d1-f79f-00c04fc2dcd2;;{})";
/// To list what was deleted, which nobody but administrators may otherwise.
const OVER_DELETED: &str = "(A;;LCRP;;;{})";

/// `samba-tool dsacl` does not find the container of deleted objects; Samba's own library for Python does.
const GRANT_OVER_DELETED: &str = "\
import sys
from samba.auth import system_session
from samba.dcerpc import security
from samba.param import LoadParm
from samba.samdb import SamDB
from samba.sd_utils import SDUtils
database, config, container, ace = sys.argv[1:]
lp = LoadParm()
lp.load(config)
samdb = SamDB(url=database, session_info=system_session(), lp=lp)
utils, shown = SDUtils(samdb), ['show_deleted:1']
now = utils.read_sd_on_dn(container, shown).as_sddl(utils.domain_sid)
begins = now.index('D:')
opens = now.index('(', begins)
utils.modify_sd_on_dn(container, now[:opens] + ace + now[opens:], shown)
";

fn delegate(domain: &Path, config: &Path) -> Result<(), ServerError> {
    let sid = sid(&samba_tool(domain, config, &["user", "show", SERVICE_NAME, "--attributes=objectSid"])?)?;
    for (object, rights) in [(PEOPLE, OVER_UNIT), (GROUPS, OVER_UNIT), (SUFFIX, AT_THE_TOP)] {
        let (object, rights) = (format!("--objectdn={object}"), format!("--sddl={}", rights.replace("{}", &sid)));
        samba_tool(domain, config, &["dsacl", "set", &object, &rights])?;
    }
    // The one that Samba's library is installed for; another may stand before it in the PATH.
    let mut python = command::bounded_as_root("/usr/bin/python3");
    python.args(["-c", GRANT_OVER_DELETED]).arg(database_of(domain)).arg(config);
    python.arg(format!("CN=Deleted Objects,{SUFFIX}")).arg(OVER_DELETED.replace("{}", &sid));
    command::output("granting the listing of deleted objects", &mut python).map(drop)
}

fn sid(shown: &str) -> Result<String, ServerError> {
    let sid = shown.lines().find_map(|line| line.strip_prefix("objectSid: "));
    sid.map(str::to_owned).ok_or_else(|| ServerError::failed("reading the SID of the connector's account", shown))
}

/// Runs `samba-tool` on a domain's database.
pub(super) fn samba_tool(domain: &Path, config: &Path, arguments: &[&str]) -> Result<String, ServerError> {
    let mut tool = command::bounded_as_root("samba-tool");
    tool.args(arguments).arg("-H").arg(database_of(domain)).arg("-s").arg(config);
    command::output(&format!("samba-tool {}", arguments.first().unwrap_or(&"")), &mut tool)
}

fn as_root(program: &str, arguments: &[&std::ffi::OsStr]) -> Result<(), ServerError> {
    command::output(program, command::bounded_as_root(program).args(arguments)).map(drop)
}

fn database_of(domain: &Path) -> PathBuf {
    domain.join("private/sam.ldb")
}

/// Where the key of its certificate belongs.
pub(super) fn key_of(domain: &Path) -> PathBuf {
    domain.join("tls/dc.key")
}

/// The configuration of a controller over a copy of the domain. RPC is not among its services: it takes ports that
/// other processes may have. An old password is good no longer than the new one is there; by default it would be for an
/// hour, as in Active Directory.
pub(super) fn config(domain: &Path, ip: &str, ca: &Ca, leaf: &Leaf) -> String {
    let (ca, certificate, key) = (ca.certificate(), &leaf.certificate, key_of(domain));
    let (ca, certificate, key) = (ca.display(), certificate.display(), key.display());
    let domain = domain.display();
    format!(
        "\
[global]
	netbios name = DC1
	realm = AD.TEST
	workgroup = ADTEST
	server role = active directory domain controller
	interfaces = {ip}/8
	bind interfaces only = Yes
	private dir = {domain}/private
	lock directory = {domain}
	state directory = {domain}/state
	cache directory = {domain}/cache
	binddns dir = {domain}/bind-dns
	pid directory = {domain}/run
	ncalrpc dir = {domain}/run/ncalrpc
	winbindd socket directory = {domain}/run/winbindd
	ntp signd socket directory = {domain}/run/ntp_signd
	log file = {domain}/log/log.%m
	server services = ldap, cldap, kdc
	dcerpc endpoint servers = epmapper, samr, lsarpc, netlogon, drsuapi
	idmap_ldb:use rfc2307 = yes
	tls enabled = yes
	tls keyfile = {key}
	tls certfile = {certificate}
	tls cafile = {ca}
	ldap server require strong auth = allow_sasl_over_tls
	old password allowed period = 0
	disable spoolss = yes
	load printers = no
"
    )
}
