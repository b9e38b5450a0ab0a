//! What a slapd of a test bed is told: its configuration (`cn=config`) and the tree's first entries, as LDIF.

use std::fmt::Write as _;
use std::path::Path;

use super::super::ca::{Ca, Leaf};
use super::super::ldif;
use super::SlapdOptions;

/// The top of the tree.
pub const SUFFIX: &str = "dc=ldap,dc=test";
/// Where people are.
pub const PEOPLE: &str = "ou=people,dc=ldap,dc=test";
/// Where groups are.
pub const GROUPS: &str = "ou=groups,dc=ldap,dc=test";
/// The entry that refers elsewhere, if one was asked for.
pub const REFERRAL: &str = "cn=elsewhere,ou=people,dc=ldap,dc=test";

pub(super) const ADMIN: &str = "cn=admin,dc=ldap,dc=test";
pub(super) const ADMIN_PASSWORD: &str = "Adm1n-Pass!";
pub(super) const SERVICE: &str = "cn=service,dc=ldap,dc=test";
pub(super) const SERVICE_PASSWORD: &str = "Svc-Passw0rd!-of-the-service";
pub(super) const READER: &str = "cn=reader,dc=ldap,dc=test";
pub(super) const READER_PASSWORD: &str = "Read-Passw0rd!";
/// The common name of the certificate that stands for the service account.
pub(super) const CLIENT: &str = "hawser-client";

/// The largest a tree may get on the disk; a sparse file.
const DB_BYTES_MAX: u64 = 4 << 30;

/// What the texts depend on.
pub(super) struct Settings<'a> {
    pub(super) options: &'a SlapdOptions,
    pub(super) ca: &'a Ca,
    pub(super) server: &'a Leaf,
}

/// The passwords, as slapd keeps them.
pub(super) struct Hashes {
    pub(super) admin: String,
    pub(super) service: String,
    pub(super) reader: String,
}

impl Settings<'_> {
    /// `cn=config` of a server over that folder. The service account writes passwords and does not `manage` them, since
    /// who does is past the password policy.
    pub(super) fn server_config(&self, folder: &Path, hashes: &Hashes) -> String {
        let (folder, ca) = (folder.display(), self.ca.certificate());
        let (ca, certificate, key) = (ca.display(), self.server.certificate.display(), self.server.key.display());
        let SlapdOptions { size_limit, .. } = self.options;
        let (admin, limits, (sync_module, sync)) = (&hashes.admin, self.limits(), self.content_sync());
        format!(
            "\
dn: cn=config
objectClass: olcGlobal
cn: config
olcPidFile: {folder}/slapd.pid
olcArgsFile: {folder}/slapd.args
olcTLSCACertificateFile: {ca}
olcTLSCertificateFile: {certificate}
olcTLSCertificateKeyFile: {key}
olcTLSVerifyClient: try
olcAuthzRegexp: cn={CLIENT} {SERVICE}
olcSizeLimit: {size_limit}
olcToolThreads: 2

dn: cn=module{{0}},cn=config
objectClass: olcModuleList
cn: module{{0}}
olcModulePath: /usr/lib/ldap
olcModuleLoad: back_mdb
olcModuleLoad: memberof
olcModuleLoad: refint
olcModuleLoad: ppolicy
{sync_module}
dn: cn=schema,cn=config
objectClass: olcSchemaConfig
cn: schema

include: file:///etc/ldap/schema/core.ldif
include: file:///etc/ldap/schema/cosine.ldif
include: file:///etc/ldap/schema/nis.ldif
include: file:///etc/ldap/schema/inetorgperson.ldif

dn: olcDatabase={{-1}}frontend,cn=config
objectClass: olcDatabaseConfig
objectClass: olcFrontendConfig
olcDatabase: {{-1}}frontend
olcSortVals: member

dn: olcDatabase={{0}}config,cn=config
objectClass: olcDatabaseConfig
olcDatabase: {{0}}config
olcRootDN: cn=config
olcRootPW: {admin}

dn: olcDatabase={{1}}mdb,cn=config
objectClass: olcDatabaseConfig
objectClass: olcMdbConfig
olcDatabase: {{1}}mdb
olcSuffix: {SUFFIX}
olcRootDN: {ADMIN}
olcRootPW: {admin}
olcDbDirectory: {folder}/db
olcDbMaxSize: {DB_BYTES_MAX}
olcDbNoSync: TRUE
olcDbIndex: objectClass eq
olcDbIndex: entryCSN,entryUUID eq
olcDbIndex: uid,cn,mail,member,memberOf,modifyTimestamp eq
olcAccess: {{0}}to attrs=userPassword by dn.exact={SERVICE} write by self write by anonymous auth by * none
olcAccess: {{1}}to dn.subtree={SUFFIX} by dn.exact={SERVICE} manage by users read by * none
{limits}
dn: olcOverlay={{0}}memberof,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcMemberOf
olcOverlay: {{0}}memberof
olcMemberOfRefInt: TRUE
olcMemberOfGroupOC: groupOfNames
olcMemberOfMemberAD: member
olcMemberOfMemberOfAD: memberOf

dn: olcOverlay={{1}}refint,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcRefintConfig
olcOverlay: {{1}}refint
olcRefintAttribute: manager
olcRefintAttribute: seeAlso

dn: olcOverlay={{2}}ppolicy,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcPPolicyConfig
olcOverlay: {{2}}ppolicy
olcPPolicyDefault: cn=default,ou=policies,{SUFFIX}
olcPPolicyHashCleartext: TRUE
olcPPolicyUseLockout: TRUE
{sync}"
        )
    }

    /// The module of content sync, and its overlay.
    fn content_sync(&self) -> (&'static str, String) {
        let Some(session_log) = self.options.session_log else { return Default::default() };
        let overlay = format!(
            "
dn: olcOverlay={{3}}syncprov,olcDatabase={{1}}mdb,cn=config
objectClass: olcOverlayConfig
objectClass: olcSyncProvConfig
olcOverlay: {{3}}syncprov
olcSpCheckpoint: 100 10
olcSpSessionlog: {session_log}
olcSpReloadHint: TRUE
"
        );
        ("olcModuleLoad: syncprov\n", overlay)
    }

    /// Paged results count against the limit in all, unless they are let off it (`prtotal`).
    fn limits(&self) -> String {
        match self.options.service_is_limited {
            true => String::new(),
            false => format!("olcLimits: {{0}}dn.exact={SERVICE} size=unlimited size.prtotal=unlimited\n"),
        }
    }

    /// The entries that are there before anybody comes. People are locked out after three failures, must change what
    /// was set for them, and need eight characters, none of their last three passwords; accounts of services are not
    /// locked out, so that a test of a wrong password does not end the others.
    pub(super) fn tree(&self, hashes: &Hashes) -> String {
        let Hashes { service, reader, .. } = hashes;
        let mut tree = format!(
            "\
dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
o: test

dn: {PEOPLE}
objectClass: organizationalUnit

dn: {GROUPS}
objectClass: organizationalUnit

dn: ou=policies,{SUFFIX}
objectClass: organizationalUnit

dn: cn=default,ou=policies,{SUFFIX}
objectClass: device
objectClass: pwdPolicy
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 3
pwdMinLength: 8
pwdCheckQuality: 2
pwdInHistory: 3
pwdMustChange: TRUE

dn: cn=services,ou=policies,{SUFFIX}
objectClass: device
objectClass: pwdPolicy
pwdAttribute: userPassword
pwdLockout: FALSE

dn: {SERVICE}
objectClass: applicationProcess
objectClass: simpleSecurityObject
userPassword: {service}
pwdPolicySubentry: cn=services,ou=policies,{SUFFIX}

dn: {READER}
objectClass: applicationProcess
objectClass: simpleSecurityObject
userPassword: {reader}
pwdPolicySubentry: cn=services,ou=policies,{SUFFIX}
"
        );
        if let Some(place) = &self.options.referral {
            let place = ldif::line("ref", place);
            // A string takes all.
            let _written =
                write!(tree, "\ndn: {REFERRAL}\nobjectClass: referral\nobjectClass: extensibleObject\n{place}");
        }
        tree
    }
}
