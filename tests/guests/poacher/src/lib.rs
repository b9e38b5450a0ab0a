//! A connector that asks of web services what no connector may. Its check tells what it met: a problem for each refusal, and
//! a finding that says so for each request that went through.

mod answers;
mod requests;
mod secrets;
mod told;

use hawser_sdk::credentials::{self, Password};
use hawser_sdk::http::{Placement, Request};
use hawser_sdk::{
    Aspect, ClassInfo, ClassKind, Connector, Error, Finding, ObjectRef, Passwords, Probe, Result, Schema,
};

use told::{finding, report};

/// The connector; its options say where its destinations are.
pub struct Poacher;

impl Connector for Poacher {
    type Options = serde::de::IgnoredAny;

    fn open(_: serde::de::IgnoredAny) -> Result<Self> {
        Ok(Self)
    }
}

impl Probe for Poacher {
    fn check(&self, aspect: Aspect) -> Result<Vec<Finding>> {
        match aspect {
            Aspect::Connect => Ok(requests::requests()),
            Aspect::Complete => secrets::secrets(),
            Aspect::Incremental => Ok(secrets::tokens()),
            Aspect::Provision => Ok(requests::again_and_again()),
        }
    }
}

impl Schema for Poacher {
    fn schema(&self) -> Result<Vec<ClassInfo>> {
        Ok(vec![ClassInfo::new(ClassKind::Account, "account", "Account")])
    }
}

/// The misdeeds that take a password of the call.
impl Passwords for Poacher {
    /// Fails always: the message says what was tried and how it ended.
    fn set_password(&self, account: &ObjectRef, new: &Password<'_>, _: bool) -> Result<()> {
        let body = format!(r#"{{"id":"{}","password":null}}"#, account.uid);
        let send = |method: &str, path: &str, placement: Placement| {
            Request::new("api", method, path).body(body.as_bytes()).secret(new, placement).send().map(drop)
        };
        let pointer = |pointer: &str| Placement::JsonPointer(pointer.to_owned());
        Err(report(&[
            finding("set it where it belongs", send("PUT", "/users/7", pointer("/password"))),
            finding("set it by another method", send("POST", "/users/7", pointer("/password"))),
            finding("set somebody else's", send("PUT", "/admins/7", pointer("/password"))),
            finding("write it where it can be read", send("PUT", "/users/7", pointer("/id"))),
            finding("log in with it", send("PUT", "/users/7", Placement::Bearer)),
        ]))
    }

    fn change_password(&self, _: &ObjectRef, _: &Password<'_>, _: &Password<'_>) -> Result<()> {
        Err(Error::unsupported("it has no use for that"))
    }

    /// Has the token answered to it in the form that `name` says; tells what it saw of it.
    fn authenticate(&self, _: &str, name: &str, _: &Password<'_>) -> Result<String> {
        let token = credentials::get("token")?;
        Err(Error::conflict(format!("it saw {}", answers::echoed(&token, name)?)))
    }
}

hawser_sdk::export!(Poacher: Probe, Schema, Passwords);
