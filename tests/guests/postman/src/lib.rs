//! A connector that has every secret written where one can be written, and shows its memory afterwards. Its check sends
//! all of them to a service that takes them; a log-in sends one of them to a service that repeats it.

#[path = "../../mirror/src/memory.rs"]
mod memory;

use std::time::Duration;

use hawser_sdk::credentials::{self, Credential, Password};
use hawser_sdk::http::{self, ClientAuthentication, Placement, Request, Source, TokenRequest};
use hawser_sdk::{
    Aspect, ClassInfo, ClassKind, Connector, Error, Finding, ObjectRef, Passwords, Probe, Result, Schema,
};

const MINUTE: Duration = Duration::from_secs(60);
/// All it can have written, by what it calls them: secured options, a client's tokens, and what a login brings.
const SECRETS: [&str; 12] = [
    "bearer",
    "basic",
    "header",
    "query",
    "form",
    "json",
    "client-basic",
    "client-post",
    "key",
    "session",
    "cookie",
    "body",
];

/// The connector; its options say where the service is.
pub struct Postman;

impl Connector for Postman {
    type Options = serde::de::IgnoredAny;

    fn open(_: serde::de::IgnoredAny) -> Result<Self> {
        Ok(Self)
    }
}

impl Probe for Postman {
    fn check(&self, _: Aspect) -> Result<Vec<Finding>> {
        let told = SECRETS.iter().map(|what| Ok(Finding::fine(format!("{what}: {}", sent(what, "/harmless")?))));
        let told = told.collect();
        memory::write()?;
        told
    }
}

impl Schema for Postman {
    fn schema(&self) -> Result<Vec<ClassInfo>> {
        Ok(vec![ClassInfo::new(ClassKind::Account, "account", "Account")])
    }
}

impl Passwords for Postman {
    /// Fails always: the message says how the service answered.
    fn set_password(&self, _: &ObjectRef, new: &Password<'_>, _: bool) -> Result<()> {
        let status = post(new, json(), "/harmless")?;
        memory::write()?;
        Err(Error::conflict(format!("new-password: {status}")))
    }

    fn change_password(&self, _: &ObjectRef, _: &Password<'_>, _: &Password<'_>) -> Result<()> {
        Err(Error::unsupported("it has no use for that"))
    }

    /// Sends the secret of that name, or the password, to who repeats it.
    fn authenticate(&self, _: &str, name: &str, password: &Password<'_>) -> Result<String> {
        let status = if name == "password" { post(password, json(), "/repeat") } else { sent(name, "/repeat") };
        Err(Error::conflict(format!("{name}: {}", status?)))
    }
}

fn json() -> Placement {
    Placement::JsonPointer("/auth/secret".to_owned())
}

/// The status that a secret was answered with, written where it belongs.
fn sent(what: &str, path: &str) -> Result<u16> {
    let bearer = || Request::new("api", "GET", path);
    let of = |slot: &str| credentials::get(slot);
    let header = |name: &str, prefix: &str| Placement::Header { name: name.to_owned(), prefix: prefix.to_owned() };
    match what {
        "bearer" => status(&bearer().secret(&of(what)?, Placement::Bearer)),
        "basic" => status(&bearer().secret(&of(what)?, Placement::Basic { user: "me".to_owned() })),
        "header" => status(&bearer().secret(&of(what)?, header("X-Api-Key", "Key "))),
        "query" => status(&bearer().secret(&of(what)?, Placement::Query("key".to_owned()))),
        "form" => post(&of(what)?, Placement::FormField("secret".to_owned()), path),
        "json" => post(&of(what)?, json(), path),
        "client-basic" => status(&bearer().secret(&fetched("client", ClientAuthentication::Basic)?, Placement::Bearer)),
        "client-post" => status(&bearer().secret(&fetched("client", ClientAuthentication::Post)?, Placement::Bearer)),
        "key" => status(&bearer().secret(&fetched(what, ClientAuthentication::PrivateKeyJwt)?, Placement::Bearer)),
        _ => {
            login()?;
            let captured = credentials::captured(what);
            let secret = captured.ok_or_else(|| Error::conflict(format!("{what} was not kept")))?;
            status(&bearer().secret(&secret, header("X-Session", "")))
        }
    }
}

fn post(secret: &Credential<'_>, placement: Placement, path: &str) -> Result<u16> {
    let (content, body) = match placement {
        Placement::FormField(_) => ("application/x-www-form-urlencoded", "a=1"),
        _ => ("application/json", r#"{"auth":{"secret":"here"},"a":1}"#),
    };
    status(&Request::new("api", "POST", path).header("Content-Type", content).body(body).secret(secret, placement))
}

fn status(request: &Request<'_>) -> Result<u16> {
    Ok(request.send()?.status)
}

fn fetched(slot: &str, authentication: ClientAuthentication) -> Result<Credential<'static>> {
    let client = credentials::get(slot)?;
    let request = TokenRequest {
        destination: "api",
        path: "/token",
        client_id: "me",
        client: &client,
        authentication,
        parameters: &[],
    };
    http::token(&request)
}

fn login() -> Result<()> {
    let request = Request::new("api", "POST", "/login")
        .capture(Source::Header("X-Session".to_owned()), "session", MINUTE)
        .capture(Source::Cookie("sid".to_owned()), "cookie", MINUTE)
        .capture(Source::JsonPointer("/token/id".to_owned()), "body", MINUTE);
    request.send().map(drop)
}

hawser_sdk::export!(Postman: Probe, Schema, Passwords);
