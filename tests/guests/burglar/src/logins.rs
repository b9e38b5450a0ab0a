//! Sessions that nobody may open.

use hawser_sdk::Finding;
use hawser_sdk::credentials::{self, Credential};
use hawser_sdk::ldap::{Login, Protection, Session};
use hawser_sdk::{Error, Result};

use crate::told::tried;

pub(crate) fn logins(dn: &str) -> Vec<Finding> {
    let with = |slot: &str, dn: &str, to: &str, protection: Protection| {
        credentials::get(slot).and_then(|password| open(to, protection, Login::Simple { dn, password: &password }))
    };
    let sealed = || credentials::seal(b"guessed by me");
    let by_guess =
        |password: Credential<'_>| open("directory", Protection::Tls, Login::Simple { dn, password: &password });
    vec![
        tried("go where the manifest does not say", open("192.0.2.7:389", Protection::Tls, Login::Anonymous)),
        tried("go where nobody approved it", open("elsewhere", Protection::Tls, Login::Anonymous)),
        tried("take a password elsewhere", with("other-password", dn, "directory", Protection::Tls)),
        tried("go without protection", with("bind-password", dn, "directory", Protection::None)),
        tried("go anonymously without protection", open("directory", Protection::None, Login::Anonymous)),
        tried("log in without a name", with("bind-password", "", "directory", Protection::Tls)),
        tried("log in with a token", with("token", dn, "directory", Protection::Tls)),
        tried("log in with a guess", sealed().and_then(by_guess)),
        tried("log in by a certificate nobody gave", open("directory", Protection::Tls, Login::External)),
    ]
}

fn open(destination: &str, protection: Protection, login: Login<'_>) -> Result<()> {
    let session = Session::open(destination, protection, login)?;
    drop(session);
    Ok::<(), Error>(())
}
