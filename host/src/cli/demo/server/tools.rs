//! The LDAP tools of OpenLDAP (`ldapsearch` and its kin), pointed at one server: what they see is what is there, since
//! none of our code stands between.

use std::path::PathBuf;
use std::process::Command;

use tempfile::NamedTempFile;

use super::ca::Leaf;
use super::ldif::{self, Entry};
use super::{ServerError, command};

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub enum Bind<'a> {
    /// Nobody in particular.
    Anonymous,
    /// By name and password.
    Simple { dn: &'a str, password: &'a str },
    /// As TLS or the local socket know the caller (SASL EXTERNAL).
    External,
}

/// How far below the base a search reaches.
#[derive(Clone, Copy, Debug)]
pub enum Scope {
    /// The base alone.
    Base,
    /// What is directly below it.
    One,
    /// The base and all below it.
    Sub,
}

/// The tools for one server.
#[derive(Clone, Debug)]
pub struct Tools {
    uri: String,
    ca: PathBuf,
    start_tls: bool,
    client: Option<Leaf>,
}

impl Tools {
    /// For the server at a URI (`ldap://`, `ldaps://` or `ldapi://`), whose certificate is by that CA.
    pub fn new(uri: &str, ca: PathBuf) -> Self {
        Self { uri: uri.to_owned(), ca, start_tls: false, client: None }
    }

    /// Upgrades each connection to TLS (StartTLS), or does not go on.
    #[must_use]
    pub fn start_tls(mut self) -> Self {
        self.start_tls = true;
        self
    }

    /// Shows the server that certificate.
    #[must_use]
    pub fn client(mut self, leaf: &Leaf) -> Self {
        self.client = Some(leaf.clone());
        self
    }

    /// What a search finds: the named attributes, or all that are not operational if none is named.
    ///
    /// # Errors
    /// The server's answer, or what the tool said; see [`ServerError::ldap_code`].
    pub fn search(
        &self,
        bind: Bind<'_>,
        base: &str,
        scope: Scope,
        filter: &str,
        attributes: &[&str],
    ) -> Result<Vec<Entry>, ServerError> {
        let scope = match scope {
            Scope::Base => "base",
            Scope::One => "one",
            Scope::Sub => "sub",
        };
        let arguments = [&["-LLL", "-o", "ldif_wrap=no", "-b", base, "-s", scope, filter], attributes].concat();
        Ok(ldif::parse(&self.run("ldapsearch", bind, &arguments, "")?))
    }

    /// The one entry of that name, or none if there is no such.
    ///
    /// # Errors
    /// The server's answer, other than that there is none.
    pub fn entry(&self, bind: Bind<'_>, dn: &str, attributes: &[&str]) -> Result<Option<Entry>, ServerError> {
        match self.search(bind, dn, Scope::Base, "(objectClass=*)", attributes) {
            Ok(entries) => Ok(entries.into_iter().next()),
            Err(error) if error.ldap_code() == Some(NO_SUCH_OBJECT) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Adds entries.
    ///
    /// # Errors
    /// The server's first refusal; what stood before it was added.
    pub fn add(&self, bind: Bind<'_>, ldif: &str) -> Result<(), ServerError> {
        self.run("ldapadd", bind, &[], ldif).map(drop)
    }

    /// Applies LDIF change records.
    ///
    /// # Errors
    /// The server's first refusal; what stood before it was done.
    pub fn modify(&self, bind: Bind<'_>, ldif: &str) -> Result<(), ServerError> {
        self.run("ldapmodify", bind, &[], ldif).map(drop)
    }

    /// Who one is after that bind, as `dn:...`; Samba does not tell (`protocolError`, 2).
    ///
    /// # Errors
    /// The bind was refused.
    pub fn whoami(&self, bind: Bind<'_>) -> Result<String, ServerError> {
        Ok(self.run("ldapwhoami", bind, &[], "")?.trim().to_owned())
    }

    /// Whether that name and password are good for a bind, be it only to change the password.
    ///
    /// # Errors
    /// The bind failed for another reason than invalid credentials: a locked account of 389-ds is 19.
    pub fn may_bind(&self, dn: &str, password: &str) -> Result<bool, ServerError> {
        match self.search(Bind::Simple { dn, password }, "", Scope::Base, "(objectClass=*)", &["1.1"]) {
            Ok(_) => Ok(true),
            Err(error) if error.ldap_code() == Some(INVALID_CREDENTIALS) => Ok(false),
            Err(error) if must_change(&error) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Sets somebody's password by RFC 3062; where none is given, the server makes one and it is the answer.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn passwd(&self, bind: Bind<'_>, user: &str, new: Option<&str>) -> Result<Option<String>, ServerError> {
        let file = new.map(command::unseen).transpose()?;
        let path = file.as_ref().map(|file| file.path().to_string_lossy());
        let given = path.as_ref().map(|path| ["-T", path]);
        let arguments: Vec<_> = given.iter().flatten().copied().chain([user]).collect();
        let said = self.run("ldappasswd", bind, &arguments, "")?;
        Ok(said.lines().find_map(|line| line.strip_prefix("New password: ")).map(str::to_owned))
    }

    /// Runs a tool as it is, with what else it is to be told, and gives what it said.
    ///
    /// # Errors
    /// What it said as it failed, and its exit code: the LDAP result code.
    pub fn run(&self, program: &str, bind: Bind<'_>, arguments: &[&str], input: &str) -> Result<String, ServerError> {
        let mut tool = command::bounded(program);
        tool.args(["-H", &self.uri]).env("LDAPTLS_CACERT", &self.ca).env("LDAPTLS_REQCERT", "demand");
        if self.start_tls {
            tool.arg("-ZZ");
        }
        if let Some(leaf) = &self.client {
            tool.env("LDAPTLS_CERT", &leaf.certificate).env("LDAPTLS_KEY", &leaf.key);
        }
        let _password = as_who(&mut tool, bind)?;
        command::output_of_input(program, tool.args(arguments), input)
    }
}

/// Result codes of RFC 4511, 4.1.9.
const NO_SUCH_OBJECT: i32 = 32;
const INVALID_CREDENTIALS: i32 = 49;
const INSUFFICIENT_ACCESS_RIGHTS: i32 = 50;
const UNWILLING_TO_PERFORM: i32 = 53;

/// Whether it was not the bind that was refused, but all that came after: the password must be changed first.
fn must_change(error: &ServerError) -> bool {
    let refused = matches!(error.ldap_code(), Some(INSUFFICIENT_ACCESS_RIGHTS | UNWILLING_TO_PERFORM));
    refused && !error.to_string().contains("ldap_bind")
}

/// Gives the file of the password, which is to be kept until the tool has ended.
fn as_who(tool: &mut Command, bind: Bind<'_>) -> Result<Option<NamedTempFile>, ServerError> {
    match bind {
        Bind::Anonymous => drop(tool.arg("-x")),
        Bind::External => drop(tool.args(["-Q", "-Y", "EXTERNAL"])),
        Bind::Simple { dn, password } => {
            let file = command::unseen(password)?;
            tool.args(["-x", "-D", dn, "-y"]).arg(file.path());
            return Ok(Some(file));
        }
    }
    Ok(None)
}
