//! What an account may do and how it proves who it is: entitlements and passwords.

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::super::assign::{Assign, lists};
use super::super::client::{Call, named};
use super::super::fault::Fault;
use super::super::password::{self, Typed};
use super::super::remote::{Paging, Session};
use super::super::{connection, table};
use super::{Kind, One, put_if_some};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Set or change a password; it is asked for, or read from standard input.
    Password(Password),
    /// Is this the account's password?
    Authenticate {
        #[command(flatten)]
        kind: Kind,
        /// The account's name.
        name: String,
        /// Read the password from standard input.
        #[arg(long)]
        password_stdin: bool,
    },
    /// What an object was granted.
    Entitlements {
        #[command(flatten)]
        one: One,
        #[command(flatten)]
        paging: Paging,
    },
    /// Grant an entitlement to an object.
    Grant {
        #[command(flatten)]
        pair: Pair,
        #[command(flatten)]
        terms: Terms,
    },
    /// Revoke an entitlement from an object.
    Revoke {
        #[command(flatten)]
        pair: Pair,
        #[command(flatten)]
        terms: Terms,
    },
}

#[derive(Args)]
pub(super) struct Password {
    #[command(flatten)]
    one: One,
    /// The user's own change: the old password is asked for as well.
    #[arg(long)]
    change: bool,
    /// It must be changed at the next login.
    #[arg(long, conflicts_with = "change")]
    must_change: bool,
    /// Read the password from standard input; with --change the old one on the first line, the new on the second.
    #[arg(long)]
    password_stdin: bool,
}

/// An object and an entitlement.
#[derive(Args)]
pub(super) struct Pair {
    #[command(flatten)]
    one: One,
    /// The entitlement's class, e.g. group.
    entitlement_class: String,
    /// The entitlement's uid.
    entitlement: String,
}

/// The terms of a grant.
#[derive(Args)]
pub(super) struct Terms {
    /// A parameter, e.g. a scope: NAME=TEXT, or NAME:=JSON.
    #[arg(long, value_name = "NAME=VALUE")]
    parameter: Vec<Assign>,
    /// From when on (RFC 3339).
    #[arg(long, value_name = "INSTANT")]
    not_before: Option<String>,
    /// Until when (RFC 3339).
    #[arg(long, value_name = "INSTANT")]
    not_after: Option<String>,
}

impl Command {
    pub(super) async fn run(self, session: &Session) -> Result<(), Fault> {
        match self {
            Self::Password(password) => password.run(session).await,
            Self::Authenticate { kind, name, password_stdin } => {
                let [password] = one_password(password_stdin, "Password", false)?;
                authenticate(session, &kind, &name, &password).await
            }
            Self::Entitlements { one, paging } => {
                let call = paging.of(Call::get(format!("{}/entitlements", one.path())));
                session.items(call, "/assignments", ASSIGNMENTS).await
            }
            Self::Grant { pair, terms } => session.one(Call::put(pair.path(), terms.body()), OUTCOME).await,
            Self::Revoke { pair, terms } => session.one(Call::delete(pair.path()).with(terms.body()), OUTCOME).await,
        }
    }
}

const ASSIGNMENTS: &[table::Column<'_>] = &[
    ("class", "/entitlement/class"),
    ("uid", "/entitlement/uid"),
    ("name", "/entitlement/name"),
    ("direct", "/direct"),
    ("parameters", "/parameters"),
    ("until", "/notAfter"),
];

const OUTCOME: &[table::Column<'_>] = &[("outcome", "/outcome"), ("assignment", "/id")];

impl Password {
    async fn run(self, session: &Session) -> Result<(), Fault> {
        let mut body = json!({});
        if self.change {
            let [old, new] = self.both()?;
            body = json!({"old": old.as_str(), "new": new.as_str()});
        } else if let Some(body) = body.as_object_mut() {
            let [new] = one_password(self.password_stdin, "New password", true)?;
            body.insert("new".to_owned(), new.as_str().into());
            body.insert("mustChange".to_owned(), self.must_change.into());
        }
        let done = format!("the password of {} {} is set", self.one.kind.class, self.one.uid);
        session.done(Call::put(format!("{}/password", self.one.path()), body), &done).await
    }

    fn both(&self) -> Result<[Typed; 2], Fault> {
        if self.password_stdin {
            return password::from_stdin();
        }
        Ok([password::prompt("Old password", false)?, password::prompt("New password", true)?])
    }
}

impl Pair {
    fn path(&self) -> String {
        let entitlement = format!("{}/{}", named(&self.entitlement_class), named(&self.entitlement));
        format!("{}/entitlements/{entitlement}", self.one.path())
    }
}

impl Terms {
    fn body(self) -> Json {
        let mut body = json!({"parameters": lists(&self.parameter)});
        put_if_some(&mut body, "notBefore", self.not_before);
        put_if_some(&mut body, "notAfter", self.not_after);
        body
    }
}

async fn authenticate(session: &Session, kind: &Kind, name: &str, password: &Typed) -> Result<(), Fault> {
    let body = json!({"class": kind.class, "name": name, "password": password.as_str()});
    let call = Call::post(format!("{}/authenticate", connection::path(&kind.connection)), body);
    session.one(call, &[("uid", "/uid")]).await
}

fn one_password(stdin: bool, label: &str, new: bool) -> Result<[Typed; 1], Fault> {
    if stdin { password::from_stdin() } else { Ok([password::prompt(label, new)?]) }
}
