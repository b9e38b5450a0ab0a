//! Secured options from outside: entered, replaced, cleared, kept over restarts, shown only by their fingerprints, and
//! used at no other place than the one they were entered for.

mod mirror;
mod references;
mod rotation;

use std::path::{Path, PathBuf};
use std::process::Command;

use hawser::clock::Clock;
use hawser::model::Connection;
use hawser::store::{Held, SecuredEdit, Store};
use hawser_tests::bed::{Bed, items};
use hawser_tests::house::House;
use hawser_tests::people::People;
use hawser_tests::vendor::{Vendor, built};
use serde_json::{Value as Json, json};

/// What the CSV connector does not ask for, and could.
const SECURED: &str = r#"
[[option]]
name = "api-host"
kind = "text"
label = "Host of the API"
default = "api.example.com"
[[destination]]
name = "api"
label = "The API"
protocol = "https"
address = "{api-host}:443"
[[destination.send]]
secret = "token"
placement = "bearer"
methods = ["GET"]
path = "/"
[[destination.send]]
secret = "headers"
placement = "header:x-key"
methods = ["GET"]
path = "/"
[[secured-option]]
name = "token"
kind = "field"
label = "Token"
required = true
use = "send"
[[secured-option]]
name = "headers"
kind = "map"
label = "Headers"
use = "send"
[[secured-option]]
name = "file-key"
kind = "field"
label = "Key of the files"
use = "sign"
"#;

const VALUE: &str = "canary-7Qw1-secured";

/// A house with the CSV connector under another name, with secured options, trusted and installed.
async fn house() -> (House, Vendor) {
    let house = House::start().await;
    let vendor = trusted(&house).await;
    (house, vendor)
}

/// The vendor of that connector, trusted by a house, with the connector installed there.
async fn trusted(house: &House) -> Vendor {
    let vendor = Vendor::new();
    vendor.be_trusted(&house.operator(), "hawser").await.expect(201);
    install(house, &vendor, "0.1.0", |manifest| manifest).await;
    vendor
}

async fn install(house: &House, vendor: &Vendor, version: &str, change: impl Fn(String) -> String) {
    let (manifest, component) = tokio::task::spawn_blocking(|| built("hawser-csv")).await.unwrap();
    let manifest = manifest
        .replacen("name = \"csv\"", "name = \"vaulted\"", 1)
        .replacen("version = \"0.1.0\"", &format!("version = {version:?}"), 1)
        .replacen("\"credentials\"", "\"credentials\", \"http\"", 1)
        .replacen("access = \"read-write\"", "access = \"read-write\"\ncredentials = [\"file-key\"]", 1);
    let release = vendor.sign(&change(manifest + SECURED), &component);
    release.install(&house.operator()).await.expect(201);
}

/// A connection without any value yet.
async fn bed(house: &House) -> Bed {
    let bed = Bed::bare(house, People::new(2, 1)).await;
    bed.create(&body(&bed)).await;
    bed
}

fn body(bed: &Bed) -> Json {
    let mut body = bed.connection();
    body["connector"] = json!("hawser/vaulted");
    body
}

/// The body with an option changed.
fn with_host(bed: &Bed, host: &str) -> Json {
    let mut body = body(bed);
    body["options"]["api-host"] = json!(host);
    body
}

async fn set(bed: &Bed, rest: &str, body: Json) {
    bed.operator.put(&bed.at(&format!("/secured-options{rest}")), &body).await.expect(204);
}

async fn option(bed: &Bed, name: &str) -> Json {
    let listed = bed.operator.get(&bed.at("/secured-options")).await.expect(200);
    assert!(!listed.text.contains("canary"), "{}", listed.text);
    items(&listed).into_iter().find(|option| option["name"] == name).unwrap()
}

/// The keys that are set of a map.
async fn keys(bed: &Bed, name: &str) -> Vec<String> {
    let option = option(bed, name).await;
    option["set"].as_array().unwrap().iter().map(|status| status["key"].as_str().unwrap().to_owned()).collect()
}

/// Refuses with a word of what is to be done.
async fn is_unusable(bed: &Bed, why: &str) {
    for path in ["/check", "/schema/refresh", "/imports"] {
        let refused = bed.operator.order(&bed.at(path)).await;
        let problem = refused.problem(422, "configuration");
        assert!(problem.detail().contains(why) && problem.detail().contains("secret set"), "{path}: {}", refused.text);
        problem.names("token");
    }
}

async fn is_usable(bed: &Bed) {
    bed.operator.order(&bed.at("/check")).await.expect(200);
    assert_eq!(option(bed, "token").await["needsEntry"], false);
}

#[tokio::test]
async fn a_field_is_set_replaced_cleared_and_shown_by_its_fingerprint_alone() {
    let (house, _) = house().await;
    let bed = bed(&house).await;
    is_unusable(&bed, "is required and not set").await;
    assert_eq!(option(&bed, "token").await["set"], json!([]));

    set(&bed, "/token", json!({"value": VALUE})).await;
    is_usable(&bed).await;
    let first = option(&bed, "token").await["set"][0].clone();
    assert_eq!((first["setBy"].as_str(), first["fingerprint"].as_str().unwrap().len()), (Some("operator"), 16));
    set(&bed, "/token", json!({"value": "canary-another"})).await;
    let second = option(&bed, "token").await["set"][0].clone();
    assert_ne!(first["fingerprint"], second["fingerprint"]);
    set(&bed, "/token", json!({"value": VALUE})).await;
    let third = option(&bed, "token").await["set"][0].clone();
    assert_eq!(first["fingerprint"], third["fingerprint"]);

    bed.operator.delete(&bed.at("/secured-options/token")).await.expect(204);
    bed.operator.delete(&bed.at("/secured-options/token")).await.problem(404, "not-found");
    is_unusable(&bed, "is required and not set").await;
    house.stop().await;
}

#[tokio::test]
async fn a_map_is_set_whole_or_entry_by_entry_within_its_bounds() {
    let (house, _) = house().await;
    let bed = bed(&house).await;
    set(&bed, "/headers", json!({"entries": {"b": VALUE, "a": {"binary": "/w=="}}})).await;
    set(&bed, "/headers/c%20d", json!({"value": VALUE})).await;
    set(&bed, "/headers/~YS9i", json!({"value": VALUE})).await;
    assert_eq!(keys(&bed, "headers").await, ["a", "a/b", "b", "c d"]);
    bed.operator.delete(&bed.at("/secured-options/headers/b")).await.expect(204);
    bed.operator.delete(&bed.at("/secured-options/headers/b")).await.problem(404, "not-found");
    assert_eq!(keys(&bed, "headers").await, ["a", "a/b", "c d"]);
    let many: serde_json::Map<String, Json> = (0..64).map(|n| (format!("k{n}"), json!("x"))).collect();
    set(&bed, "/headers", json!({"entries": many})).await;
    assert_eq!(keys(&bed, "headers").await.len(), 64);

    let put = async |rest: &str, body: Json| bed.operator.put(&bed.at(&format!("/secured-options{rest}")), &body).await;
    put("/headers/one-more", json!({"value": "x"})).await.problem(400, "invalid-request").names("headers");
    put("/headers/k1", json!({"value": "y"})).await.expect(204);
    for (rest, body) in [
        ("/headers", json!({"value": VALUE})),
        ("/headers", json!({"entries": {}})),
        ("/headers", json!({"entries": {"": VALUE}})),
        ("/headers", json!({"entries": {"k".repeat(257): VALUE}})),
        ("/headers/k1", json!({"value": ""})),
        ("/token", json!({"entries": {"a": VALUE}})),
        ("/token/a", json!({"value": VALUE})),
        ("/token", json!({"value": "x".repeat(16 * 1024 + 1)})),
    ] {
        put(rest, body).await.problem(400, "invalid-request");
    }
    put("/none", json!({"value": VALUE})).await.problem(404, "not-found").names("none");
    house.stop().await;
}

#[tokio::test]
async fn values_come_with_a_connection_in_one_step_or_not_at_all() {
    let (house, _) = house().await;
    let bed = Bed::bare(&house, People::new(2, 1)).await;
    let mut whole = body(&bed);
    whole["securedOptions"] = json!({"token": {"value": VALUE}, "none": {"value": VALUE}});
    bed.operator.post("/v1/connections", &whole).await.problem(422, "configuration").names("none");
    bed.operator.get(&bed.at("")).await.problem(404, "not-found");
    whole["securedOptions"] = json!({"token": {"value": VALUE}, "headers": {"entries": {"a": VALUE}}});
    bed.create(&whole).await;
    is_usable(&bed).await;

    whole["title"] = json!("Renamed");
    whole["securedOptions"] = json!({"token": {"entries": {"a": VALUE}}});
    bed.operator.put(&bed.at(""), &whole).await.problem(400, "invalid-request");
    assert_ne!(bed.operator.get(&bed.at("")).await.expect(200).json()["title"], "Renamed");
    let before = option(&bed, "headers").await;
    whole["securedOptions"] = json!({"token": {"value": "canary-another"}});
    bed.operator.put(&bed.at(""), &whole).await.expect(200);
    assert_eq!(option(&bed, "headers").await, before, "what is left out stays");
    let trail = format!("{:?}", bed.audit().await);
    assert!(trail.contains("headers, token") && !trail.contains("canary"), "{trail}");
    house.stop().await;
}

#[tokio::test]
async fn an_address_does_not_change_under_a_value_unless_it_is_entered_again() {
    let (house, _) = house().await;
    let bed = bed(&house).await;
    set(&bed, "/token", json!({"value": VALUE})).await;
    set(&bed, "/headers", json!({"entries": {"a": VALUE}})).await;
    let elsewhere = with_host(&bed, "evil.example.com");
    let refused = bed.operator.put(&bed.at(""), &elsewhere).await;
    let problem = refused.problem(403, "credential-denied");
    for part in
        ["destination \"api\"", "https://api.example.com:443", "https://evil.example.com:443", "`headers`, `token`"]
    {
        assert!(problem.detail().contains(part), "{part}: {}", refused.text);
    }
    problem.names("api-host");
    let mut half = elsewhere.clone();
    half["securedOptions"] = json!({"token": {"value": VALUE}});
    bed.operator.put(&bed.at(""), &half).await.problem(403, "credential-denied").names("headers");
    is_usable(&bed).await;
    assert_eq!(bed.operator.get(&bed.at("")).await.json()["options"]["api-host"], Json::Null, "nothing was changed");

    let mut whole = half;
    whole["securedOptions"]["headers"] = json!({"entries": {"a": VALUE}});
    bed.operator.put(&bed.at(""), &whole).await.expect(200);
    is_usable(&bed).await;
    bed.operator.put(&bed.at(""), &with_host(&bed, "EVIL.example.com")).await.expect(200);
    is_usable(&bed).await;
    house.stop().await;
}

#[tokio::test]
async fn a_directory_does_not_move_under_a_value_and_what_carries_none_may_change() {
    let (house, _) = house().await;
    let bed = bed(&house).await;
    set(&bed, "/token", json!({"value": VALUE})).await;
    let other = People::new(2, 1);
    let mut moved = body(&bed);
    moved["directories"]["data"]["path"] = json!(other.path());
    bed.operator.put(&bed.at(""), &moved).await.expect(200);
    set(&bed, "/file-key", json!({"value": VALUE})).await;
    let refused = bed.operator.put(&bed.at(""), &body(&bed)).await;
    refused.problem(403, "credential-denied").names("file-key");
    moved["directories"]["data"]["access"] = json!("read-only");
    moved["title"] = json!("Renamed");
    bed.operator.put(&bed.at(""), &moved).await.expect(200);
    is_usable(&bed).await;
    house.stop().await;
}

#[tokio::test]
async fn a_release_that_sends_a_value_elsewhere_has_it_entered_again() {
    let (house, vendor) = house().await;
    let bed = bed(&house).await;
    set(&bed, "/token", json!({"value": VALUE})).await;
    is_usable(&bed).await;
    let moved =
        |manifest: String| manifest.replacen("default = \"api.example.com\"", "default = \"evil.example.com\"", 1);
    install(&house, &vendor, "0.1.1", moved).await;
    assert_eq!(option(&bed, "token").await["needsEntry"], true);
    is_unusable(&bed, "was entered for another place").await;
    set(&bed, "/token", json!({"value": VALUE})).await;
    is_usable(&bed).await;
    house.stop().await;
}

#[tokio::test]
async fn what_is_edited_in_the_database_does_not_open_and_a_restart_keeps_the_rest() {
    let (house, _) = house().await;
    let [mut moved, mut robbed, mut robber, mut kept] =
        [bed(&house).await, bed(&house).await, bed(&house).await, bed(&house).await];
    for bed in [&moved, &robbed, &robber, &kept] {
        set(bed, "/token", json!({"value": VALUE})).await;
        is_usable(bed).await;
    }
    let kept_as = option(&kept, "token").await;
    let ids = [&moved, &robbed, &robber].map(|bed| bed.id.clone());
    let house = house.restart_with(|config| meddle(config.data_dir.join("hawser.db"), ids)).await;
    for bed in [&mut moved, &mut robbed, &mut robber, &mut kept] {
        (bed.operator, bed.core) = (house.operator(), house.core());
    }
    assert_eq!(option(&kept, "token").await, kept_as);
    for bed in [&kept, &robbed] {
        is_usable(bed).await;
    }
    for bed in [&moved, &robber] {
        assert_eq!(option(bed, "token").await["needsEntry"], true);
        is_unusable(bed, "enter it again").await;
    }
    house.stop().await;
}

/// What somebody with the database in hand does while the host stands still.
fn meddle(file: PathBuf, [moved, robbed, robber]: [String; 3]) {
    let work = async move {
        let store = Store::open(&file, Clock::system()).await.unwrap();
        redirect(&store, &moved).await;
        steal(&store, &robbed, &robber).await;
        store.close().await;
    };
    std::thread::spawn(|| tokio::runtime::Runtime::new().unwrap().block_on(work)).join().unwrap();
}

/// Changes the address behind the host's back.
async fn redirect(store: &Store, id: &str) {
    let before = store.connection(&id.parse().unwrap()).await.unwrap().value;
    let mut options = before.options.clone();
    options.insert("api-host".parse().unwrap(), json!("evil.example.com"));
    let after = Connection { options, ..before };
    store.replace_connection(&after, None, |_| Ok(Vec::new())).await.unwrap();
}

/// Copies a row from one connection to another behind the host's back.
async fn steal(store: &Store, from: &str, to: &str) {
    let rows = store.secured(&from.parse().unwrap()).await.unwrap().rows;
    let copy = |_: &Held| Ok(rows.into_iter().map(SecuredEdit::Put).collect());
    store.edit_secured(&to.parse().unwrap(), copy).await.unwrap();
}

#[tokio::test]
async fn without_its_key_a_host_does_not_start_and_makes_no_new_one() {
    let (house, _) = house().await;
    set(&bed(&house).await, "/token", json!({"value": VALUE})).await;
    let (data, _) = house.stop().await;
    let key = data.path().join("vault.key");
    let ring = std::fs::read_to_string(&key).unwrap();
    let id = ring.split(' ').next().unwrap().to_owned();
    std::fs::rename(&key, aside(&key)).unwrap();
    for outside in [None, Some("00000000 AAAA"), Some(&*ring.replacen(&id, "00000000", 1))] {
        let told = refused_start(data.path(), outside).await;
        assert!(told.contains(if outside.is_none() { &id } else { "HAWSER_VAULT_KEY" }), "{told}");
        assert!(!told.contains(ring.trim().split(' ').nth(1).unwrap()), "{told}");
        assert!(!key.exists());
    }
    std::fs::rename(aside(&key), &key).unwrap();
    let open: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&key, open).unwrap();
    let told = refused_start(data.path(), None).await;
    assert!(told.contains("others can read it"), "{told}");
    assert_eq!(std::fs::read_to_string(&key).unwrap(), ring);
}

fn aside(key: &Path) -> PathBuf {
    key.with_extension("aside")
}

/// Starts a host that must not start; what it says.
async fn refused_start(data: &Path, key: Option<&str>) -> String {
    let mut serve = Command::new(hawser_tests::binary());
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(data).env_remove("HAWSER_VAULT_KEY");
    serve.envs(key.map(|key| ("HAWSER_VAULT_KEY", key)));
    let output = tokio::task::spawn_blocking(move || serve.output()).await.unwrap().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn the_command_line_sets_lists_and_clears_without_an_argument_for_the_value() {
    let (house, _) = house().await;
    let bed = bed(&house).await;
    let run = async |arguments: &[&str], input: &'static str| {
        let mut hawser = Command::new(hawser_tests::binary());
        hawser.args(["connection", "secret"]).args(arguments);
        hawser.args(["--url", &house.base()]).env("HAWSER_TOKEN", &house.tokens().operator);
        tokio::task::spawn_blocking(move || fed(hawser, input)).await.unwrap()
    };
    let (done, said) = run(&["set", &bed.id, "token", "-"], "canary-from-stdin\n").await;
    assert!(done && !said.contains("canary"), "{said}");
    let typed = option(&bed, "token").await["set"][0]["fingerprint"].clone();
    set(&bed, "/token", json!({"value": "canary-from-stdin"})).await;
    assert_eq!(option(&bed, "token").await["set"][0]["fingerprint"], typed);
    assert!(run(&["set", &bed.id, "headers", "-", "--key", "X/Key"], "x").await.0);
    let (done, listed) = run(&["list", &bed.id], "").await;
    assert!(done && listed.contains("X/Key") && listed.contains(typed.as_str().unwrap()), "{listed}");
    assert!(run(&["clear", &bed.id, "headers", "--key", "X/Key"], "").await.0);
    assert_eq!(keys(&bed, "headers").await, [""; 0]);
    assert!(!run(&["set", &bed.id, "token", "canary-as-argument"], "").await.0);
    house.stop().await;
}

/// Runs with that on standard input; whether it did, and all it said.
fn fed(mut command: Command, input: &str) -> (bool, String) {
    use std::io::Write as _;
    use std::process::Stdio;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that takes none may be gone already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}
