//! The company in a directory: on OpenLDAP's slapd, or in a domain of Active Directory on a Samba domain controller.
//!
//! Both are real servers, started for the demo and gone with it. What the host did is looked at with the server's own
//! tools, and none of our code stands between.

mod dialect;
mod entries;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};

use super::super::fault::Fault;
use super::people::{self, Company, Person};
use super::server::samba::SambaDc;
use super::server::slapd::{Slapd, SlapdOptions};
use super::server::tools::{Bind, Scope, Tools};
use super::server::{Account, ServerError};
use super::show;
use super::target::{Elsewhere, Joiner, METADATA, Target, Terms};
use crate::builder::toolchain;
use dialect::Dialect;
pub(super) use dialect::{ACTIVE_DIRECTORY, OPENLDAP};

/// Who would like to have the connection's password.
const ELSEWHERE: &str = "ldap.elsewhere.example";
/// slapd's people must change a password that was set for them; not in this story, which looks what it is good for.
const NO_MUST_CHANGE: &str = "\
dn: cn=default,ou=policies,dc=ldap,dc=test
changetype: modify
replace: pwdMustChange
pwdMustChange: FALSE
";

/// A directory with the company in it.
pub(super) struct Directory {
    dialect: &'static Dialect,
    host: String,
    port: u16,
    /// Who vouches for it, as a file and as PEM.
    certificate: PathBuf,
    roots: String,
    service: Account,
    admin: Account,
    tools: Tools,
    /// It ends with this.
    _server: Box<dyn Send + Sync>,
}

impl Directory {
    /// Starts slapd over the company; `folder` is for what it loads. Blocks.
    pub(super) fn openldap(folder: &Path, company: Company) -> Result<Self, Fault> {
        let ldif = folder.join("company.ldif");
        entries::write_openldap(company, &ldif).map_err(Fault::io(ldif.display()))?;
        let slapd = Slapd::start(&SlapdOptions { load: Some(ldif), ..SlapdOptions::default() })?;
        let (tools, admin) = (slapd.tools(), slapd.admin());
        tools.modify(admin.bind(), NO_MUST_CHANGE)?;
        let directory = Self {
            dialect: &OPENLDAP,
            host: "127.0.0.1".to_owned(),
            port: slapd.ldaps_port(),
            certificate: slapd.ca().certificate(),
            roots: slapd.ca().pem()?,
            service: slapd.service(),
            admin,
            tools,
            _server: Box::new(slapd),
        };
        directory.told("slapd")
    }

    /// Starts a domain controller and adds the company. Blocks.
    pub(super) fn active_directory(company: Company) -> Result<Self, Fault> {
        show::say("starting a Samba domain controller; the first one of a user makes a domain, which takes a while")?;
        let dc = SambaDc::start(&toolchain::cache_folder()?.join("demo-domain"))?;
        let (tools, admin) = (dc.tools(), dc.admin());
        show::say(&format!("adding {} people over LDAPS", show::number(company.people)))?;
        tools.add(admin.bind(), &entries::active_directory(company))?;
        let directory = Self {
            dialect: &ACTIVE_DIRECTORY,
            host: dc.address().to_string(),
            port: 636,
            certificate: dc.ca().certificate(),
            roots: dc.ca().pem()?,
            service: dc.service(),
            admin,
            tools,
            _server: Box::new(dc),
        };
        directory.told("a domain controller")
    }

    fn told(self, server: &str) -> Result<Self, Fault> {
        let (people, uri) = (self.people()?, self.uri());
        show::say(&format!("started {server} at {uri}; `ldapsearch` finds {} people in it", show::number(people)))?;
        Ok(self)
    }

    /// How many people the server's own tool finds.
    fn people(&self) -> Result<u64, ServerError> {
        let Dialect { people, person_class, .. } = self.dialect;
        let filter = format!("(objectClass={person_class})");
        let found = self.tools.search(self.admin.bind(), people, Scope::Sub, &filter, &["1.1"])?;
        Ok(u64::try_from(found.len()).unwrap_or(u64::MAX))
    }

    /// Whether that password is good for a bind by that name, told by the server to its own tool.
    pub(super) fn takes(&self, dn: &str, password: &str) -> Result<bool, ServerError> {
        self.tools.may_bind(dn, password)
    }

    /// What the server says to somebody who bound and asks who he is.
    pub(super) fn who(&self, dn: &str, password: &str) -> Result<String, ServerError> {
        let bind = Bind::Simple { dn, password };
        if self.dialect.tells_who {
            return self.tools.whoami(bind);
        }
        let own = self.tools.entry(bind, dn, &[self.dialect.login])?;
        let login = own.as_ref().and_then(|entry| entry.text(self.dialect.login));
        Ok(format!("{}: {}", self.dialect.login, login.unwrap_or_default()))
    }

    /// The tool that [`Self::who`] uses, as it is called.
    pub(super) fn asking_who(&self, dn: &str) -> String {
        let (uri, login) = (self.uri(), self.dialect.login);
        match self.dialect.tells_who {
            true => format!("ldapwhoami -H {uri} -x -D {dn} -y (a file with the password)"),
            false => format!("ldapsearch -H {uri} -x -D {dn} -y (a file with the password) -b {dn} -s base {login}"),
        }
    }

    fn uri(&self) -> String {
        format!("ldaps://{}:{}", self.host, self.port)
    }

    fn reaching(&self, host: &str) -> Map<String, Json> {
        let Dialect { people, groups, attributes, .. } = self.dialect;
        let body = json!({
            "options": {
                "host": host, "port": self.port, "bind-dn": self.service.dn, "account-base": people,
                "group-base": groups, "attributes": attributes,
            },
            "destinations": {"ldaps": {"roots": self.roots}},
            "securedOptions": {"bind-password": {"value": self.service.password}},
        });
        body.as_object().cloned().unwrap_or_default()
    }

    fn modify(&self, ldif: &str) -> Result<(), Fault> {
        Ok(self.tools.modify(self.admin.bind(), ldif)?)
    }
}

impl Target for Directory {
    fn terms(&self) -> &'static Terms {
        &self.dialect.terms
    }

    fn connection(&self) -> Map<String, Json> {
        self.reaching(&self.host)
    }

    fn outside(&self) -> Map<String, Json> {
        self.reaching(METADATA)
    }

    fn elsewhere(&self) -> Option<Elsewhere> {
        Some(Elsewhere::of(self.reaching(ELSEWHERE), "bind-password"))
    }

    fn reach(&self) -> String {
        format!("reach one server, {}, as {}", self.uri(), self.service.dn)
    }

    fn account(&self, person: &Person) -> String {
        entries::account(self.dialect, &person.user_name)
    }

    fn group(&self, index: u64) -> String {
        entries::group(self.dialect, &people::group_name(index))
    }

    fn joiner(&self, joiner: &Joiner) -> Json {
        let Dialect { login, full_name: full, terms, .. } = self.dialect;
        let full_name = format!("{} {}", joiner.given, joiner.family);
        let values = [
            (*login, joiner.login),
            (*full, &full_name),
            (terms.given, joiner.given),
            (terms.family, joiner.family),
            ("mail", &joiner.mail()),
            (terms.department, joiner.department),
            ("title", joiner.title),
            ("password", joiner.password),
        ];
        let attributes: Map<_, _> = values.iter().map(|(name, value)| ((*name).to_owned(), json!([value]))).collect();
        json!({"name": entries::account(self.dialect, joiner.login), "attributes": attributes})
    }

    fn vanish(&self) -> Result<(), Fault> {
        let Dialect { people, moved, .. } = self.dialect;
        self.modify(&entries::renamed(people, moved))?;
        self.modify(&entries::unit(people))
    }

    fn restore(&self) -> Result<(), Fault> {
        let Dialect { people, suffix, moved, .. } = self.dialect;
        self.modify(&format!("dn: {people}\nchangetype: delete\n"))?;
        let back = people.strip_suffix(suffix).unwrap_or_default().trim_end_matches(',');
        self.modify(&entries::renamed(&format!("{moved},{suffix}"), back))
    }

    fn looking(&self) -> Option<String> {
        let (certificate, uri, Account { dn, password }) = (self.certificate.display(), self.uri(), &self.admin);
        let (people, tool) = (self.dialect.people, format!("LDAPTLS_CACERT={certificate} ldapsearch -H {uri} -x"));
        Some(format!("the directory: {tool} -D {dn} -w '{password}' -b {people}"))
    }

    fn directory(&self) -> Option<&Directory> {
        Some(self)
    }
}
