//! OpenStack's Swift with its S3 API: an object store that takes SigV4, with `botocore` as the judge.
//!
//! Buckets are addressed by path; there is one region ([`REGION`]). A signature is checked, and so are checksums where
//! they are sent. A part of a multi-part upload other than the last has 5 MiB at least. What it does otherwise than S3,
//! and a client meets:
//! * `If-None-Match: *` is heeded, `If-Match` on PUT is answered with 501;
//! * an upload that is not completed for `If-None-Match` (412) stays until it is aborted;
//! * checksums are checked, but neither kept nor told;
//! * who may not delete an object made by a multi-part upload is told 204, and it stays: for a 403 delete a small one;
//! * a request takes some 30 ms of a processor, a deletion in bulk 20 ms for each key.

use std::fs;
use std::process::Command;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hawser::cli::demo::server::ServerError;
use hawser::cli::demo::server::curl::Curl;
use hawser::cli::demo::server::python::Python;
use hawser::cli::demo::server::web::{Place, Program, WebServer};
use serde_json::{Value as Json, json};

use super::{cache, started};

pub const REGION: &str = "us-east-1";
/// Who may do everything.
pub const WRITER: Account = Account { id: "hawser:writer", secret: "swift-secret-of-the-writer-1a2b3c" };
/// Who may list and read what is in the buckets of [`make_bucket`], and is answered with 403 otherwise.
pub const READER: Account = Account { id: "hawser:reader", secret: "swift-secret-of-the-reader-4d5e6f" };

const REQUIREMENTS: &str = include_str!("swift/requirements.txt");
const SERVE: &str = include_str!("swift/serve.py");
const JUDGE: &str = include_str!("swift/judge.py");

/// An access key.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    pub id: &'static str,
    pub secret: &'static str,
}

/// How it is run.
pub struct Swift {
    python: Python,
}

impl Swift {
    /// Makes one and waits until it answers, which takes some seconds. What it is told stays for a restart.
    pub fn start() -> WebServer<Self> {
        let python = Python::made_once(&cache(), "swift", REQUIREMENTS);
        started(python.and_then(|python| WebServer::start(Self { python })))
    }
}

impl Program for Swift {
    const NAME: &'static str = "swift";
    const PROBE: &'static str = "/healthcheck";

    fn command(&self, place: &Place<'_>) -> Result<Command, ServerError> {
        let (script, path) = (place.folder.join("serve.py"), place.folder.join("settings.json"));
        fs::write(&script, SERVE).map_err(ServerError::io("write", &script))?;
        fs::write(&path, settings(place).to_string()).map_err(ServerError::io("write", &path))?;
        let mut serve = self.python.interpreter();
        // It is built on what warns of itself.
        serve.args(["-W", "ignore"]).arg(script).arg(path);
        Ok(serve)
    }

    /// Nobody: each request is signed.
    fn log_in(&self, _curl: Curl) -> Result<Curl, ServerError> {
        Err(ServerError::failed("logging in", "S3 has requests signed"))
    }
}

fn settings(place: &Place<'_>) -> Json {
    let user = |account: Account, rights: &str| (account.id.replace(':', "_"), [account.secret, rights].concat());
    let users = [user(WRITER, " .admin"), user(READER, "")];
    json!({
        "port": place.port,
        "certificate": place.leaf.certificate,
        "key": place.leaf.key,
        "region": REGION,
        "users": users.into_iter().collect::<Json>(),
    })
}

/// Makes a bucket that the writer may write and everybody may read.
pub fn make_bucket(server: &WebServer<Swift>, bucket: &str) {
    judge(server, &["make", bucket]);
}

/// The keys in a bucket that begin so, in their order.
pub fn keys(server: &WebServer<Swift>, bucket: &str, prefix: &str) -> Vec<String> {
    strings(&judge(server, &["keys", bucket, prefix]))
}

/// What is under a key.
pub fn read(server: &WebServer<Swift>, bucket: &str, key: &str) -> Vec<u8> {
    let said = judge(server, &["read", bucket, key]);
    BASE64_STANDARD.decode(said.as_str().expect("base64")).expect("base64")
}

/// Puts a text under a key.
pub fn write(server: &WebServer<Swift>, bucket: &str, key: &str, text: &str) {
    judge(server, &["write", bucket, key, text]);
}

/// The keys of the multi-part uploads that are neither completed nor aborted.
pub fn uploads(server: &WebServer<Swift>, bucket: &str) -> Vec<String> {
    strings(&judge(server, &["uploads", bucket]))
}

fn strings(said: &Json) -> Vec<String> {
    let said = said.as_array().expect("a list");
    said.iter().map(|one| one.as_str().expect("a text").to_owned()).collect()
}

/// Asks the judge, as the writer.
fn judge(server: &WebServer<Swift>, question: &[&str]) -> Json {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (script, settings) = (folder.path().join("judge.py"), folder.path().join("settings.json"));
    fs::write(&script, JUDGE).expect("the script can be written");
    fs::write(&settings, judge_settings(server).to_string()).expect("the settings can be written");
    let mut judge = server.program().python.interpreter();
    judge.arg(script).arg(settings).args(question);
    let said = Python::run("judge.py", &judge).unwrap_or_else(|why| panic!("{question:?}: {why}"));
    serde_json::from_str(&said).expect("JSON")
}

fn judge_settings(server: &WebServer<Swift>) -> Json {
    let ca = server.ca().certificate();
    json!({"url": server.url(), "ca": ca, "region": REGION, "id": WRITER.id, "secret": WRITER.secret})
}
