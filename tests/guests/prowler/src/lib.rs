//! A connector that tries every door it may not open. Its check tells what it met: a problem for each refusal, and a
//! finding that says so for each door that was open.

use std::time::Duration;

use hawser_sdk::credentials::{self, Credential, Signature};
use hawser_sdk::files::Directory;
use hawser_sdk::{Aspect, Connector, Error, Finding, Probe, Result};

/// What a hash looks like.
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaHNvbWVoYXNo";

/// Files that are none of its own: above its folder, anywhere, behind the link `link` in it, hidden.
const FILES: &[&str] = &["../outside.csv", "..", "/etc/passwd", "sub/../../outside.csv", "link", ".hidden", "a\0b"];

/// The connector.
pub struct Prowler;

impl Connector for Prowler {
    type Options = ();

    fn open((): ()) -> Result<Self> {
        Ok(Self)
    }
}

impl Probe for Prowler {
    fn check(&self, _: Aspect) -> Result<Vec<Finding>> {
        Ok([files(), slots(), oracles()].concat())
    }
}

fn files() -> Vec<Finding> {
    let data = Directory::new("data");
    let read = FILES.iter().map(|name| tried(&format!("read {name:?}"), data.open(name)));
    let write = FILES.iter().map(|name| tried(&format!("write {name:?}"), data.replace(name, None)));
    let other = tried("read another directory", Directory::new("secrets").list());
    read.chain(write).chain([other]).collect()
}

fn slots() -> Vec<Finding> {
    vec![
        tried("get a slot the manifest does not have", credentials::get("admin-password")),
        tried("get a password of the call as an option", credentials::get("new-password")),
        tried("get a slot nobody approved", credentials::get("forbidden")),
        tried("seal nothing", credentials::seal(b"")),
    ]
}

/// Verbs that would tell something of a secret of the connection.
fn oracles() -> Vec<Finding> {
    let with =
        |slot: &str, verb: &dyn Fn(&Credential<'_>) -> Result<()>| credentials::get(slot).and_then(|it| verb(&it));
    let minute = Duration::from_secs(60);
    vec![
        tried("hash the token", with("token", &|token| token.hash().map(drop))),
        tried("verify the token", with("token", &|token| token.verify(HASH).map(drop))),
        tried("sign with the token", with("token", &|token| token.sign(Signature::HmacSha256, b"m").map(drop))),
        tried("sign with the TLS key", with("tls", &|key| key.sign(Signature::Es256, b"m").map(drop))),
        tried("keep the token", with("token", &|token| token.keep("mine", minute))),
        tried("reveal the token", with("token", &|token| token.reveal().map(drop))),
        tried("reveal what it sealed", credentials::seal(b"sealed by me").and_then(|it| it.reveal())),
        tried("hash what it sealed", credentials::seal(b"sealed by me").and_then(|it| it.hash())),
    ]
}

fn tried<T>(what: &str, tried: Result<T>) -> Finding {
    match tried {
        Ok(_) => Finding::fine(format!("{what}: the door was open")),
        Err(error) => Finding::problem(Error::new(error.kind(), format!("{what}: {}", error.message()))),
    }
}

hawser_sdk::export!(Prowler: Probe);
