//! Signed releases from outside: the command line that makes and checks them, openssl on the other side of both, a
//! valid release in two hundred wrong forms, and the keys of publishers over the API.

mod mutations;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use hawser_tests::bed::pages;
use hawser_tests::house::House;
use hawser_tests::{binary, guests};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// A vendor's desk: keys, and a built connector to sign.
struct Desk(TempDir);

impl Desk {
    /// With keys of `hawser keygen`.
    fn new() -> Self {
        let desk = Self::without_keys();
        succeeds(&desk.keygen());
        desk
    }

    /// With a built connector only.
    fn without_keys() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        fs::create_dir(desk.at("release")).unwrap();
        for file in ["connector.toml", "component.wasm"] {
            fs::copy(guests::connectors().join("hawser-csv").join(file), desk.at("release").join(file)).unwrap();
        }
        desk
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn keygen(&self) -> Output {
        run(Command::new(binary()).arg("keygen").arg("--out").arg(self.at("keys")))
    }

    fn sign(&self, more: &[&str]) -> Output {
        let key = self.at("keys/publisher.key");
        run(Command::new(binary()).arg("sign").arg(self.at("release")).arg("--key").arg(key).args(more))
    }

    fn verify(&self) -> Output {
        let key = self.at("keys/publisher.pub");
        run(Command::new(binary()).arg("verify").arg(self.at("release")).arg("--key").arg(key))
    }

    fn openssl<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Output {
        run(Command::new("openssl").args(arguments).current_dir(self.0.path()))
    }

    fn envelope(&self) -> Json {
        serde_json::from_slice(&fs::read(self.at("release/release.json")).unwrap()).unwrap()
    }

    /// What is base64 in the envelope, decoded by openssl.
    fn decoded(&self, pointer: &str) -> Vec<u8> {
        fs::write(self.at("base64"), self.envelope().pointer(pointer).unwrap().as_str().unwrap()).unwrap();
        let decoded = self.openssl(["base64", "-d", "-A", "-in", "base64"]);
        succeeds(&decoded);
        decoded.stdout
    }

    fn public_key(&self) -> String {
        fs::read_to_string(self.at("keys/publisher.pub")).unwrap()
    }
}

fn run(command: &mut Command) -> Output {
    command.env("NO_COLOR", "1").output().unwrap_or_else(|why| panic!("{command:?}: {why}"))
}

fn told(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
fn succeeds(output: &Output) {
    assert!(output.status.success(), "{}", told(output));
}

#[track_caller]
fn fails(output: &Output, code: i32, reason: &str) {
    assert_eq!(output.status.code(), Some(code), "{}", told(output));
    assert!(told(output).contains(reason), "{}", told(output));
}

#[test]
fn keys_are_never_written_over_and_the_private_one_is_its_owners_alone() {
    let desk = Desk::new();
    let private = desk.at("keys/publisher.key");
    assert_eq!(fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&private).unwrap();
    fails(&desk.keygen(), 8, "is there already");
    assert_eq!(fs::read(&private).unwrap(), before);
    // Where only one of the pair is left, none is written.
    fs::remove_file(&private).unwrap();
    fails(&desk.keygen(), 8, "publisher.pub is there already");
    assert!(!private.exists());
}

#[test]
fn a_release_says_who_signed_what_and_what_it_asks_for() {
    let desk = Desk::new();
    succeeds(&desk.sign(&["--counter", "4711", "--expires-days", "30"]));
    let shown = desk.verify();
    succeeds(&shown);
    for part in ["hawser/csv", "4711", "sha256", "signed by", "it asks to:", "(directory:data:read-write)"] {
        assert!(told(&shown).contains(part), "{part} is missing in {}", told(&shown));
    }
}

#[test]
fn a_tampered_release_is_refused_and_nothing_of_it_is_shown() {
    let desk = Desk::new();
    succeeds(&desk.sign(&[]));
    let (component, envelope) = (desk.at("release/component.wasm"), desk.at("release/release.json"));
    let (right, signed) = (fs::read(&component).unwrap(), fs::read_to_string(&envelope).unwrap());
    fs::write(&component, [&right[..], b"\x00\x02\x01x"].concat()).unwrap();
    let refused = desk.verify();
    fails(&refused, 1, "not the one that was signed");
    assert!(refused.stdout.is_empty(), "{}", told(&refused));
    fs::write(&component, right).unwrap();
    fs::write(&envelope, format!("{signed}\n")).unwrap();
    fails(&desk.verify(), 1, "not spelled");
    fs::remove_file(&envelope).unwrap();
    fails(&desk.verify(), 1, "hawser sign");
}

#[test]
fn a_release_of_somebody_else_is_refused() {
    let (desk, other) = (Desk::new(), Desk::new());
    succeeds(&desk.sign(&[]));
    fs::copy(other.at("keys/publisher.pub"), desk.at("keys/publisher.pub")).unwrap();
    fails(&desk.verify(), 1, "it was signed with the key");
}

#[test]
fn a_key_that_others_can_read_signs_nothing() {
    let desk = Desk::new();
    fs::set_permissions(desk.at("keys/publisher.key"), fs::Permissions::from_mode(0o644)).unwrap();
    fails(&desk.sign(&[]), 2, "chmod 600");
    assert!(!desk.at("release/release.json").exists());
}

#[test]
fn a_folder_without_a_connector_is_not_signed() {
    let desk = Desk::new();
    fs::remove_file(desk.at("release/component.wasm")).unwrap();
    fails(&desk.sign(&[]), 1, "hawser build");
    fs::write(desk.at("release/component.wasm"), b"x").unwrap();
    fs::write(desk.at("release/connector.toml"), "publisher = 3").unwrap();
    fails(&desk.sign(&[]), 1, "connector.toml");
}

#[test]
fn openssl_verifies_what_hawser_signed() {
    let desk = Desk::new();
    succeeds(&desk.sign(&[]));
    let payload = desk.decoded("/payload");
    let kind = "application/vnd.in-toto+json";
    assert_eq!(desk.envelope()["payloadType"], kind);
    // DSSE's pre-authentication encoding, as its specification has it.
    let signed = [format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).as_bytes(), &payload].concat();
    fs::write(desk.at("signed"), &signed).unwrap();
    fs::write(desk.at("signature"), desk.decoded("/signatures/0/sig")).unwrap();
    let verify = "pkeyutl -verify -pubin -inkey keys/publisher.pub -rawin -in signed -sigfile signature";
    succeeds(&desk.openssl(verify.split(' ')));
    fs::write(desk.at("signed"), [&signed[..], b" "].concat()).unwrap();
    assert!(!desk.openssl(verify.split(' ')).status.success());
    let statement: Json = serde_json::from_slice(&payload).unwrap();
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    let sha256 = desk.openssl(["dgst", "-sha256", "-r", "release/component.wasm"]);
    let sha256 = told(&sha256).split(' ').next().unwrap().to_owned();
    assert_eq!(statement["subject"], json!([{"name": "component.wasm", "digest": {"sha256": sha256}}]));
}

#[test]
fn a_key_of_openssl_signs_and_is_verified() {
    let desk = Desk::without_keys();
    fs::create_dir(desk.at("keys")).unwrap();
    succeeds(&desk.openssl("genpkey -algorithm ed25519 -out keys/publisher.key".split(' ')));
    succeeds(&desk.openssl("pkey -in keys/publisher.key -pubout -out keys/publisher.pub".split(' ')));
    fs::set_permissions(desk.at("keys/publisher.key"), fs::Permissions::from_mode(0o600)).unwrap();
    succeeds(&desk.sign(&[]));
    succeeds(&desk.verify());
    let der = desk.openssl("pkey -pubin -in keys/publisher.pub -outform DER -out der".split(' '));
    succeeds(&der);
    let id = told(&desk.openssl(["dgst", "-sha256", "-r", "der"])).split(' ').next().unwrap().to_owned();
    assert_eq!(desk.envelope()["signatures"][0]["keyid"], json!(id));
    fs::write(desk.at("keys/publisher.key"), "").unwrap();
    succeeds(&desk.openssl("genpkey -algorithm ed448 -out keys/publisher.key".split(' ')));
    fails(&desk.sign(&[]), 2, "no Ed25519 key");
}

#[tokio::test]
async fn a_publishers_keys_are_trusted_listed_and_distrusted() {
    let house = House::shared().await;
    let operator = house.operator();
    let desks = tokio::task::spawn_blocking(|| [Desk::new(), Desk::new()]).await.unwrap();
    let keys: Vec<Json> = desks.iter().map(|desk| json!({"publicKey": desk.public_key(), "title": "2026"})).collect();
    // Names that a careless order of the pages would mix up.
    let at = |publisher: &str| format!("/v1/publishers/{publisher}/keys");
    let mut ids = Vec::new();
    for (publisher, key) in [("pages-a", 0), ("pages-a", 1), ("pages-a-b", 0)] {
        let trusted = operator.post(&at(publisher), &keys[key]).await.expect(201).json();
        assert_eq!((&trusted["publisher"], &trusted["publicKey"]), (&json!(publisher), &keys[key]["publicKey"]));
        assert_eq!((&trusted["title"], &trusted["addedBy"]), (&json!("2026"), &json!("operator")));
        ids.push((publisher.to_owned(), trusted["keyId"].as_str().unwrap().to_owned()));
    }
    operator.post(&at("pages-a"), &keys[0]).await.problem(409, "conflict").names("trusted for pages-a already");
    let listed = pages(&house.core(), "/v1/publishers?", 1).await.into_iter();
    let listed = listed.map(|key| (text(&key["publisher"]), text(&key["keyId"])));
    let listed: Vec<_> = listed.filter(|(publisher, _)| publisher.starts_with("pages-")).collect();
    ids.sort();
    assert_eq!(listed, ids);
    let (publisher, id) = &ids[0];
    operator.delete(&format!("{}/{id}", at(publisher))).await.expect(204);
    operator.delete(&format!("{}/{id}", at(publisher))).await.problem(404, "not-found").names(id);
    let left = pages(&operator, "/v1/publishers?", 100).await;
    assert!(!left.iter().any(|key| text(&key["publisher"]) == *publisher && text(&key["keyId"]) == *id), "{left:?}");
}

fn text(json: &Json) -> String {
    json.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_is_no_key_and_nobodys_name_is_refused() {
    let operator = House::shared().await.operator();
    let desk = tokio::task::spawn_blocking(Desk::new).await.unwrap();
    let private = fs::read_to_string(desk.at("keys/publisher.key")).unwrap();
    let public = desk.public_key();
    for (key, reason) in [("", "no PEM block"), (private.as_str(), "PUBLIC KEY"), ("x", "no PEM block")] {
        let refused = operator.post("/v1/publishers/nokey/keys", &json!({"publicKey": key, "title": "x"})).await;
        refused.problem(400, "invalid-request").names(reason);
        assert!(!refused.text.contains(private.lines().nth(1).unwrap()), "{}", refused.text);
    }
    for publisher in ["Acme", "a_b", "9a"] {
        let path = format!("/v1/publishers/{publisher}/keys");
        operator.post(&path, &json!({"publicKey": public, "title": "x"})).await.problem(400, "invalid-request");
    }
    let untitled = operator.post("/v1/publishers/nokey/keys", &json!({"publicKey": public, "title": ""})).await;
    untitled.problem(400, "invalid-request").names("title");
    operator.delete("/v1/publishers/nokey/keys/xyz").await.problem(400, "invalid-request").names("hexadecimal");
    let listed = pages(&operator, "/v1/publishers?", 100).await;
    assert!(!listed.iter().any(|key| key["publisher"] == "nokey"), "{listed:?}");
}

#[tokio::test]
async fn whom_to_trust_is_decided_on_the_command_line_and_audited() {
    let house = House::start().await;
    let (url, token) = (house.base(), house.tokens().operator.clone());
    let ids = tokio::task::spawn_blocking(move || {
        let desk = Desk::new();
        let ask = |arguments: &[&str]| {
            let mut command = Command::new(binary());
            command.arg("publisher").args(arguments).env("HAWSER_URL", &url).env("HAWSER_TOKEN", &token);
            run(command.current_dir(desk.0.path()))
        };
        fails(&ask(&["trust", "acme", "keys/publisher.key"]), 2, "PUBLIC KEY");
        succeeds(&ask(&["trust", "acme", "keys/publisher.pub", "--title", "ACME 2026"]));
        let listed = ask(&["list", "--json"]);
        succeeds(&listed);
        let listed: Json = serde_json::from_slice(&listed.stdout).unwrap();
        assert_eq!(listed["items"][0]["title"], "ACME 2026");
        let id = text(&listed["items"][0]["keyId"]);
        succeeds(&ask(&["distrust", "acme", &id]));
        fails(&ask(&["distrust", "acme", &id]), 4, &id);
        id
    });
    let id = ids.await.unwrap();
    let trail = pages(&house.operator(), "/v1/audit?", 100).await;
    for action in ["publisher.trust", "publisher.distrust"] {
        let entry = trail.iter().find(|entry| entry["action"] == action && entry["outcome"]["status"] == "succeeded");
        let entry = entry.unwrap_or_else(|| panic!("no {action} in {trail:#?}"));
        assert_eq!(entry["parameters"], json!({"publisher": "acme", "key": id}), "{entry}");
    }
    house.stop().await;
}
