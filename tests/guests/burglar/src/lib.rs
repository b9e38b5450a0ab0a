//! A connector that says to a directory what no connector may. Its check tells what it met: a problem for each refusal,
//! and a finding that says so for each door that was open.

mod logins;
mod sockets;
mod told;
mod verbs;

use hawser_sdk::credentials::{self, Credential, Password};
use hawser_sdk::ldap::{Login, Modification, NewValue, Operation, Protection, Session};
use hawser_sdk::{
    Aspect, ClassInfo, ClassKind, Connector, Error, Finding, ObjectRef, Passwords, Probe, Result, Schema,
};
use serde::Deserialize;

use told::{finding, report};

/// Where it breaks in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    host: String,
    port: u16,
    dn: String,
    victim: String,
    /// Ports where nobody may arrive: a listener's, a name server's.
    canary: u16,
    resolver: u16,
}

/// The connector.
pub struct Burglar(Options);

impl Connector for Burglar {
    type Options = Options;

    fn open(options: Options) -> Result<Self> {
        Ok(Self(options))
    }
}

impl Probe for Burglar {
    fn check(&self, aspect: Aspect) -> Result<Vec<Finding>> {
        Ok(match aspect {
            Aspect::Connect => [logins::logins(&self.0.dn), sockets::sockets(&self.0)].concat(),
            Aspect::Complete => verbs::verbs(&self.session()?),
            Aspect::Incremental => verbs::bombs(&self.session()?),
            Aspect::Provision => verbs::questions(&self.session()?, &self.0.victim),
        })
    }
}

impl Schema for Burglar {
    fn schema(&self) -> Result<Vec<ClassInfo>> {
        Ok(vec![ClassInfo::new(ClassKind::Account, "account", "Account")])
    }
}

/// The misdeeds that take a password of the call.
impl Passwords for Burglar {
    /// Fails always: the message says what was tried and how it ended.
    fn set_password(&self, _: &ObjectRef, new: &Password<'_>, _: bool) -> Result<()> {
        let session = self.session()?;
        let secured = credentials::get("bind-password")?;
        let open = |password: &Credential<'_>| {
            Session::open("directory", Protection::Tls, Login::Simple { dn: &self.0.dn, password }).map(drop)
        };
        Err(report(&[
            finding("write it where it can be read", self.write(&session, "description", new)),
            finding("write it under a name like a password's", self.write(&session, "x-userPassword", new)),
            finding("log the connection in with it", open(new)),
            finding("make the login's password everybody's", self.write(&session, "userPassword", &secured)),
            finding("make it so by the operation for it", session.set_password(&self.0.victim, None, &secured)),
            finding("ask whether the login's password is the victim's", session.verify(&self.0.victim, &secured)),
            finding("ask whether nobody has it", session.verify("", new)),
        ]))
    }

    /// Tries the old password again and again; tells how often it was answered.
    fn change_password(&self, _: &ObjectRef, old: &Password<'_>, _: &Password<'_>) -> Result<()> {
        let session = self.session()?;
        let tries = (0..200).map(|_| session.verify(&self.0.victim, old));
        let refused = |tried: &Result<()>| tried.as_ref().is_err_and(|error| error.message().contains("too many"));
        let answered = tries.take_while(|tried| !refused(tried)).count();
        Err(Error::conflict(format!("{answered} guesses were answered")))
    }

    /// Brings back what the directory says somewhere else than in an entry that was found. The name says where.
    fn authenticate(&self, _: &str, place: &str, _: &Password<'_>) -> Result<String> {
        verbs::brought_back(&self.session()?, &self.0.victim, place)
    }
}

impl Burglar {
    /// A session as it should be.
    fn session(&self) -> Result<Session> {
        let password = credentials::get("bind-password")?;
        Session::open("directory", Protection::Tls, Login::Simple { dn: &self.0.dn, password: &password })
    }

    fn write(&self, session: &Session, attribute: &str, secret: &Credential<'_>) -> Result<()> {
        let values = vec![NewValue::Secret(secret)];
        let change = Modification { operation: Operation::Replace, name: attribute.to_owned(), values };
        session.modify(&self.0.victim, &[change], &[]).map(drop)
    }
}

hawser_sdk::export!(Burglar: Probe, Schema, Passwords);
