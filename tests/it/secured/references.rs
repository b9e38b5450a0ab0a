//! References: secrets that are kept outside are read where the host's configuration allows it and nowhere else, go before
//! what is stored, are read again on demand, and never go where they were not entered for.

use std::path::PathBuf;
use std::process::Command;

use hawser::config::Config;
use hawser_tests::bed::{Bed, items};
use hawser_tests::house::House;
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::mirror::{assert_signed, mirror, said, status};
use super::{body, fed, install, is_usable, option, set, trusted, with_host};

/// A folder outside the host that it may read secrets in.
struct Outside(TempDir);

impl Outside {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn allow(&self, config: &mut Config) {
        config.secrets.directories = vec![self.0.path().to_owned()];
        config.secrets.environment_prefixes = vec!["CARGO_MANIFEST_".to_owned()];
    }

    async fn house(&self) -> House {
        House::with(|config| self.allow(config)).await
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// What is sent to refer to a file.
    fn from(&self, name: &str) -> Json {
        json!({"from": self.reference(name)})
    }

    fn reference(&self, name: &str) -> String {
        format!("file:{}", self.path(name).display())
    }
}

async fn reread(bed: &Bed) -> Json {
    bed.operator.order(&bed.at("/secured-options/reread")).await.expect(200).json()
}

fn counts(reread: &Json) -> [u64; 3] {
    ["read", "changed", "failed"].map(|count| reread[count].as_u64().unwrap())
}

#[tokio::test]
async fn where_the_host_may_not_read_is_refused_with_the_key_that_allows_it() {
    let bed = mirror(House::shared().await, &json!({"value": "Jefe"})).await;
    let put = async |body: Json| bed.operator.put(&bed.at("/secured-options/key"), &body).await;
    for (from, key) in [("env:PATH", "environment-prefixes"), ("file:/etc/passwd", "directories")] {
        put(json!({"from": from})).await.problem(422, "configuration").names(key).names(from);
        let entry = bed.at("/secured-options/headers/x");
        bed.operator.put(&entry, &json!({"from": from})).await.problem(422, "configuration").names(key);
    }
    for from in ["hunter2", "env:hunter2-", "file:hunter2", "file:/hunter2/../etc/passwd", "vault:hunter2"] {
        let refused = put(json!({"from": from})).await;
        refused.problem(400, "invalid-request").names("env:NAME");
        assert!(!refused.text.contains("hunter2"), "{}", refused.text);
    }
    put(json!({})).await.problem(400, "invalid-request");
    assert_signed(&said(&bed).await, "Jefe");
}

#[tokio::test]
async fn a_reference_goes_before_a_value_which_holds_once_it_is_cleared() {
    let outside = Outside::new();
    let house = outside.house().await;
    outside.write("key", "from a file\n");
    let bed = mirror(&house, &json!({"value": "from a file"})).await;
    let stored = status(&bed, "key", "stored").await["fingerprint"].clone();
    set(&bed, "/key", json!({"value": "Jefe"})).await;
    set(&bed, "/key", outside.from("key")).await;
    assert_signed(&said(&bed).await, "from a file");
    let shown = status(&bed, "key", "file").await;
    assert_eq!((&shown["from"], &shown["setBy"]), (&json!(outside.reference("key")), &json!("operator")));
    assert_eq!(shown["fingerprint"], stored, "the same value has the same fingerprint, wherever it is kept");
    assert!(shown["readAt"].is_string() && shown["failed"].is_null(), "{shown}");
    assert_ne!(status(&bed, "key", "stored").await["fingerprint"], stored);

    let clear = async |only: &str| bed.operator.delete(&bed.at(&format!("/secured-options/key?only={only}"))).await;
    clear("reference").await.expect(204);
    assert_signed(&said(&bed).await, "Jefe");
    clear("reference").await.problem(404, "not-found");
    set(&bed, "/key", outside.from("key")).await;
    clear("value").await.expect(204);
    assert_signed(&said(&bed).await, "from a file");
    clear("all").await.problem(400, "invalid-request");
    set(&bed, "/key", json!({"value": "Jefe", "from": outside.reference("key")})).await;
    bed.operator.delete(&bed.at("/secured-options/key")).await.expect(204);
    assert_eq!(option(&bed, "key").await["set"], json!([]));
    let trail = format!("{:?}", bed.audit().await);
    assert!(trail.contains(&outside.reference("key")) && !trail.contains("from a file"), "{trail}");
    house.stop().await;
}

#[tokio::test]
async fn entries_of_a_map_come_from_files_and_variables() {
    let outside = Outside::new();
    let house = outside.house().await;
    let bed = mirror(&house, &json!({"value": "Jefe"})).await;
    outside.write("header", "from a file");
    let entries = json!({"a": "stored", "b": outside.from("header"), "c": {"from": "env:CARGO_MANIFEST_DIR"}});
    set(&bed, "/headers", json!({"entries": entries})).await;
    said(&bed).await;
    let variable = status(&bed, "headers", "env").await;
    assert_eq!((&variable["key"], &variable["from"]), (&json!("c"), &json!("env:CARGO_MANIFEST_DIR")));
    set(&bed, "/headers/c", json!({"value": std::env::var("CARGO_MANIFEST_DIR").unwrap()})).await;
    let of_c = async |source: &str| {
        let set = option(&bed, "headers").await["set"].as_array().unwrap().clone();
        set.into_iter().find(|status| status["key"] == "c" && status["source"] == source).unwrap()
    };
    assert_eq!(of_c("stored").await["fingerprint"], of_c("env").await["fingerprint"]);
    set(&bed, "/headers/d", json!({"from": "env:CARGO_MANIFEST_NO_SUCH"})).await;
    let refused = bed.core.post(&bed.at("/check"), &json!({})).await;
    refused.problem(422, "configuration").names("headers").names("env:CARGO_MANIFEST_NO_SUCH").names("environment");
    bed.operator.delete(&bed.at("/secured-options/headers/d")).await.expect(204);
    set(&bed, "/headers", json!({"entries": {"a": "stored"}})).await;
    assert_eq!(option(&bed, "headers").await["set"].as_array().unwrap().len(), 1, "a map is replaced whole");
    house.stop().await;
}

#[tokio::test]
async fn a_changed_file_is_read_again_on_demand_and_ends_what_was_kept() {
    let outside = Outside::new();
    let house = outside.house().await;
    outside.write("key", "first");
    let bed = mirror(&house, &outside.from("key")).await;
    for known in ["session: new", "session: known"] {
        let said = said(&bed).await;
        assert!(said.contains(known), "{said}");
    }
    assert_eq!(counts(&reread(&bed).await), [1, 0, 0]);
    assert!(said(&bed).await.contains("session: known"), "nothing changed");
    outside.write("key", "second");
    assert_signed(&said(&bed).await, "first");
    assert_eq!(counts(&reread(&bed).await), [1, 1, 0]);
    let after = said(&bed).await;
    assert_signed(&after, "second");
    assert!(after.contains("session: new"), "{after}");
    let trail = bed.audit().await;
    assert_eq!(trail.iter().filter(|entry| entry["action"] == "secured-option.reread").count(), 2);
    house.stop().await;
}

#[tokio::test]
async fn a_file_that_vanished_is_missed_until_it_is_back() {
    let outside = Outside::new();
    let house = outside.house().await;
    outside.write("key", "first");
    let bed = mirror(&house, &json!({"value": "Jefe", "from": outside.reference("key")})).await;
    said(&bed).await;
    let read = status(&bed, "key", "file").await;
    std::fs::remove_file(outside.path("key")).unwrap();
    let reread = reread(&bed).await;
    assert_eq!(counts(&reread), [1, 1, 1]);
    assert_eq!(reread["failures"][0]["connection"], bed.id.as_str());
    for _ in 0..2 {
        let refused = bed.core.post(&bed.at("/check"), &json!({})).await;
        refused.problem(422, "configuration").names("key").names(&outside.reference("key")).names("no such file");
    }
    let shown = status(&bed, "key", "file").await;
    assert_eq!((&shown["failed"]["kind"], &shown["fingerprint"]), (&json!("missing"), &read["fingerprint"]), "{shown}");
    assert_eq!(shown["readAt"], read["readAt"]);
    for (text, kind) in [("\n", "empty"), (&*"x".repeat(20_000), "too-long")] {
        outside.write("key", text);
        bed.core.post(&bed.at("/check"), &json!({})).await.problem(422, "configuration");
        assert_eq!(status(&bed, "key", "file").await["failed"]["kind"], kind);
    }
    outside.write("key", "second");
    assert_signed(&said(&bed).await, "second");
    assert!(status(&bed, "key", "file").await["failed"].is_null());
    house.stop().await;
}

#[tokio::test]
async fn a_configuration_that_allows_it_no_more_ends_a_reference() {
    let outside = Outside::new();
    let house = outside.house().await;
    outside.write("key", "first");
    let mut bed = mirror(&house, &outside.from("key")).await;
    said(&bed).await;
    let house = house.restart_with(|config| config.secrets.directories.clear()).await;
    (bed.operator, bed.core) = (house.operator(), house.core());
    bed.core.post(&bed.at("/check"), &json!({})).await.problem(422, "configuration").names("`directories`");
    let house = house.restart_with(|config| outside.allow(config)).await;
    (bed.operator, bed.core) = (house.operator(), house.core());
    assert_signed(&said(&bed).await, "first");
    house.stop().await;
}

#[tokio::test]
async fn an_address_does_not_change_under_a_reference_unless_it_is_entered_again() {
    let outside = Outside::new();
    let house = outside.house().await;
    trusted(&house).await;
    let bed = super::bed(&house).await;
    outside.write("token", "canary-outside");
    set(&bed, "/token", json!({"value": "canary-stored", "from": outside.reference("token")})).await;
    is_usable(&bed).await;
    let mut elsewhere = with_host(&bed, "evil.example.com");
    let refused = bed.operator.put(&bed.at(""), &elsewhere).await;
    refused.problem(403, "credential-denied").names("`token`, `token` (its reference)").names("evil.example.com");
    elsewhere["securedOptions"] = json!({"token": {"value": "canary-stored"}});
    bed.operator.put(&bed.at(""), &elsewhere).await.problem(403, "credential-denied").names("its reference");
    elsewhere["securedOptions"] = json!({"token": outside.from("token")});
    bed.operator.put(&bed.at(""), &elsewhere).await.problem(403, "credential-denied").names("`token`");
    is_usable(&bed).await;
    elsewhere["securedOptions"] = json!({"token": {"value": "canary-stored", "from": outside.reference("token")}});
    bed.operator.put(&bed.at(""), &elsewhere).await.expect(200);
    is_usable(&bed).await;

    bed.operator.put(&bed.at(""), &body(&bed)).await.problem(403, "credential-denied");
    house.stop().await;
}

#[tokio::test]
async fn a_release_that_sends_a_reference_elsewhere_has_it_entered_again() {
    let outside = Outside::new();
    let house = outside.house().await;
    let vendor = trusted(&house).await;
    let bed = super::bed(&house).await;
    outside.write("token", "canary-outside");
    set(&bed, "/token", outside.from("token")).await;
    is_usable(&bed).await;
    let moved =
        |manifest: String| manifest.replacen("default = \"api.example.com\"", "default = \"evil.example.com\"", 1);
    install(&house, &vendor, "0.1.1", moved).await;
    assert_eq!(option(&bed, "token").await["needsEntry"], true);
    bed.operator.order(&bed.at("/check")).await.problem(422, "configuration").names("enter it again");
    assert_eq!(counts(&reread(&bed).await), [0, 0, 0], "it is not read for a place that nobody entered it for");
    set(&bed, "/token", outside.from("token")).await;
    is_usable(&bed).await;
    house.stop().await;
}

#[tokio::test]
async fn the_command_line_refers_lists_and_reads_again() {
    let outside = Outside::new();
    let house = outside.house().await;
    outside.write("key", "first");
    let (bed, other) = (mirror(&house, &json!({"value": "Jefe"})).await, mirror(&house, &outside.from("key")).await);
    let run = async |arguments: &[&str]| {
        let mut hawser = Command::new(hawser_tests::binary());
        hawser.args(arguments).args(["--url", &house.base()]).env("HAWSER_TOKEN", &house.tokens().operator);
        tokio::task::spawn_blocking(move || fed(hawser, "")).await.unwrap()
    };
    let (reference, secret) = (outside.reference("key"), ["connection", "secret"]);
    assert!(run(&[&secret[..], &["set", &bed.id, "key", "--from", &reference]].concat()).await.0);
    let (done, listed) = run(&[&secret[..], &["list", &bed.id]].concat()).await;
    assert!(done && listed.contains(&reference) && listed.contains("stored"), "{listed}");
    assert!(run(&["secrets", "reread", &bed.id]).await.0);
    std::fs::remove_file(outside.path("key")).unwrap();
    let (done, told) = run(&["secrets", "reread"]).await;
    assert!(!done && told.contains(&bed.id) && told.contains(&other.id) && told.contains("no such file"), "{told}");
    let (_, listed) = run(&[&secret[..], &["list", &bed.id]].concat()).await;
    assert!(listed.contains("missing"), "{listed}");
    assert!(run(&[&secret[..], &["clear", &bed.id, "key", "--only", "reference"]].concat()).await.0);
    assert_signed(&said(&bed).await, "Jefe");
    let listed = items(&bed.operator.get(&bed.at("/secured-options")).await.expect(200));
    assert!(listed.iter().all(|option| option["needsEntry"] == false), "{listed:?}");
    house.stop().await;
}
