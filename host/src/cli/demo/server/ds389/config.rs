//! What a 389 Directory Server of a test bed is told: where everything is, how the instance begins, what is changed in
//! its configuration, and the tree's first entries.

use std::path::Path;

use super::super::{ServerError, command, ldif, make_folder, read, write};

/// The top of the tree.
pub const SUFFIX: &str = "dc=ds,dc=test";
/// Where people are.
pub const PEOPLE: &str = "ou=people,dc=ds,dc=test";
/// Where groups are.
pub const GROUPS: &str = "ou=groups,dc=ds,dc=test";

pub(super) const ADMIN_PASSWORD: &str = "Adm1n-Pass!";
pub(super) const SERVICE: &str = "cn=service,dc=ds,dc=test";
pub(super) const SERVICE_PASSWORD: &str = "Svc-Passw0rd!-of-the-service";
/// Who the server is when root starts it, as its package makes them.
const OWNER: &str = "dirsrv:dirsrv";

/// Where the package says its paths.
const PATHS: &str = "/usr/share/dirsrv/inf/defaults.inf";
/// Paths of the machine, and what stands for them in a root of one's own; a longer one before its beginning.
const MOVED: [(&str, &str); 7] = [
    ("/var/log/dirsrv", "log"),
    ("/var/lib/dirsrv", "var"),
    ("/etc/default", "default"),
    ("/etc/tmpfiles.d", "tmpfiles.d"),
    ("/etc", "etc"),
    ("/run", "run"),
    ("/dev/shm", "shm"),
];

/// Makes the root that holds everything of the instance.
pub(super) fn write_root(root: &Path) -> Result<(), ServerError> {
    let folders = ["share/dirsrv/inf", "etc/dirsrv", "run/dirsrv", "run/lock/dirsrv", "log", "var", "default"];
    for folder in folders.into_iter().chain(["tmpfiles.d", "shm"]) {
        make_folder(&root.join(folder))?;
    }
    write(&root.join("share/dirsrv/inf/defaults.inf"), &moved(&read(Path::new(PATHS))?, root))?;
    let mut copy = command::bounded_as_root("cp");
    copy.args(["-r", "/etc/dirsrv/schema", "/etc/dirsrv/config"]).arg(root.join("etc/dirsrv"));
    command::output("cp", &mut copy).map(drop)
}

/// The package's paths, below that root; and no systemd.
fn moved(paths: &str, root: &Path) -> String {
    let line = |line: &str| match line.split_once(" = ") {
        Some(("with_systemd", _)) => "with_systemd = 0\n".to_owned(),
        Some((name, path)) => format!("{name} = {}\n", below(path, root)),
        None => format!("{line}\n"),
    };
    paths.lines().map(line).collect()
}

fn below(path: &str, root: &Path) -> String {
    let begins = |from: &str| path.strip_prefix(from).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let moved = MOVED.iter().find_map(|(from, to)| Some(format!("{}/{to}{}", root.display(), begins(from)?)));
    moved.unwrap_or_else(|| path.to_owned())
}

/// What `dscreate` is to make.
pub(super) fn order(instance: &str, ldap_port: u16, ldaps_port: u16) -> Result<String, ServerError> {
    let owner = owner()?;
    let (user, group) = owner.split_once(':').unwrap_or_default();
    Ok(format!(
        "\
[general]
config_version = 2
full_machine_name = localhost
start = False
strict_host_checking = False
systemd = False
selinux = False
[slapd]
instance_name = {instance}
port = {ldap_port}
secure_port = {ldaps_port}
root_password = {ADMIN_PASSWORD}
self_sign_cert = True
user = {user}
group = {group}
[backend-userroot]
suffix = {SUFFIX}
create_suffix_entry = True
"
    ))
}

/// The user and the group that the server runs as: for those who are not root, their own.
pub(super) fn owner() -> Result<String, ServerError> {
    if command::is_root() {
        return Ok(OWNER.to_owned());
    }
    let id = |what: &str| command::output("id", command::bounded("id").arg(what));
    Ok(format!("{}:{}", id("-un")?.trim(), id("-gn")?.trim()))
}

/// Entries of the server's configuration, and what they hold here. Passwords: as the other servers of the bed have it,
/// at least eight characters, none of the last three, locked after three failures, to be changed when set by another.
const SETTINGS: &[(&str, &[(&str, &str)])] = &[
    (
        "cn=config",
        &[
            ("nsslapd-listenhost", "127.0.0.1"),
            ("nsslapd-securelistenhost", "127.0.0.1"),
            ("nsslapd-pwpolicy-local", "on"),
            ("passwordCheckSyntax", "on"),
            ("passwordMinLength", "8"),
            ("passwordHistory", "on"),
            ("passwordInHistory", "3"),
            ("passwordLockout", "on"),
            ("passwordMaxFailure", "3"),
            ("passwordUnlock", "off"),
            ("passwordMustChange", "on"),
        ],
    ),
    ("cn=MemberOf Plugin,cn=plugins,cn=config", &[("nsslapd-pluginEnabled", "on"), ("memberOfGroupAttr", "member")]),
    (
        "cn=Retro Changelog Plugin,cn=plugins,cn=config",
        &[("nsslapd-pluginEnabled", "on"), ("nsslapd-attribute", "nsuniqueid:targetUniqueId")],
    ),
    ("cn=Content Synchronization,cn=plugins,cn=config", &[("nsslapd-pluginEnabled", "on")]),
];

/// The server's configuration with the [`SETTINGS`] in it.
pub(super) fn edited(configuration: &str) -> String {
    let unfolded = configuration.replace("\n ", "");
    let entry = |entry: &str| {
        let dn = entry.lines().find_map(|line| line.strip_prefix("dn: ")).unwrap_or_default();
        match SETTINGS.iter().find(|(name, _)| name.eq_ignore_ascii_case(dn)) {
            Some((_, settings)) => set(entry, settings),
            None => entry.to_owned(),
        }
    };
    unfolded.split("\n\n").map(entry).collect::<Vec<_>>().join("\n\n")
}

fn set(entry: &str, settings: &[(&str, &str)]) -> String {
    let named = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default();
        settings.iter().any(|(set, _)| set.eq_ignore_ascii_case(name))
    };
    let kept = entry.lines().filter(|line| !named(line)).map(str::to_owned);
    kept.chain(settings.iter().map(|(name, value)| format!("{name}: {value}"))).collect::<Vec<_>>().join("\n")
}

/// Change records that make the tree and its rights. The connector's account has a password policy of its own: it is
/// not locked out, so that a test of a wrong password does not end the others.
pub(super) fn tree() -> String {
    let all =
        format!("(targetattr=\"*\")(version 3.0; acl \"the connector\"; allow (all) userdn=\"ldap:///{SERVICE}\";)");
    let read = format!(
        "(targetattr=\"*\")(version 3.0; acl \"the connector\"; allow (read, search, compare) userdn=\"ldap:///{SERVICE}\";)"
    );
    let unit = |dn: &str| format!("dn: {dn}\nchangetype: add\nobjectClass: organizationalUnit\n\n");
    let grant = |dn: &str, rule: &str| format!("dn: {dn}\nchangetype: modify\nadd: aci\n{}\n", ldif::line("aci", rule));
    let policy = format!(
        "dn: cn=services,{SUFFIX}\nchangetype: add\nobjectClass: ldapSubEntry\nobjectClass: passwordPolicy\n\
         passwordLockout: off\npasswordMustChange: off\npasswordExp: off\n\n"
    );
    let service = format!(
        "dn: {SERVICE}\nchangetype: add\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\n\
         userPassword: {SERVICE_PASSWORD}\npwdPolicySubentry: cn=services,{SUFFIX}\nnsSizeLimit: -1\nnsLookThroughLimit: -1\nnsIDListScanLimit: -1\n\n"
    );
    let units = [unit(PEOPLE), unit(GROUPS)].concat();
    [units, policy, service, grant(SUFFIX, &all), grant("cn=changelog", &read)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packages_paths_are_moved_below_the_root_and_others_stay() {
        let paths = "; a comment\nwith_systemd = 1\nbin_dir = /usr/bin\nsysconf_dir = /etc\n\
                     config_dir = /etc/dirsrv/slapd-{instance_name}\nlog_dir = /var/log/dirsrv/x\nlocal = /var\n";
        let expected = "; a comment\nwith_systemd = 0\nbin_dir = /usr/bin\nsysconf_dir = /r/etc\n\
                        config_dir = /r/etc/dirsrv/slapd-{instance_name}\nlog_dir = /r/log/x\nlocal = /var\n";
        assert_eq!(moved(paths, Path::new("/r")), expected);
    }

    #[test]
    fn settings_replace_what_is_there_and_leave_other_entries_alone() {
        let before = "dn: cn=config\nnsslapd-port: 1\nnsslapd-listenhost:\nnsslapd-long: a\n b\n\n\
                      dn: cn=other\npasswordLockout: off\n";
        let after = edited(before);
        assert!(after.starts_with("dn: cn=config\nnsslapd-port: 1\nnsslapd-long: ab\n"), "{after}");
        assert_eq!(after.matches("nsslapd-listenhost").count(), 1);
        assert!(after.ends_with("dn: cn=other\npasswordLockout: off\n"), "{after}");
    }
}
