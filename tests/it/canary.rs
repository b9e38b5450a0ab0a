//! Canaries: random secrets in every secured option, password and token, and every endpoint driven; none of them turns
//! up in an answer, the log at TRACE, a file of the host, the audit trail or a guest's memory, in whatever spelling.

use std::fs;
use std::path::Path;

use hawser_tests::bed::Bed;
use hawser_tests::canary::{Canaries, Search};
use hawser_tests::child::Host;
use hawser_tests::client::{Answer, Client};
use hawser_tests::house::House;
use hawser_tests::people::{People, account_name};
use hawser_tests::vendor::{Vendor, built};
use reqwest::Method;
use serde_json::{Value as Json, json};

/// What the CSV connector does not ask for, and could.
const SECURED: &str = r#"
[[secured-option]]
name = "api-key"
kind = "field"
label = "API key"
use = "sign"
[[secured-option]]
name = "headers"
kind = "map"
label = "Headers"
use = "send"
"#;

/// A variable that a secret is kept in.
const VARIABLE: &str = "HAWSER_SECRET_API_KEY";

/// Endpoints that are driven by name, because a body made up for all of them would stop the test.
const BY_NAME: &[(&str, &str)] = &[("delete", "/v1/tokens/{name}"), ("delete", "/v1/connections/{id}")];

/// The CSV connector under another name, with secured options, signed, trusted, installed and connected. One of them is
/// kept in a variable, one in a file, that nobody has yet.
async fn connected(house: &House, secrets: &mut Canaries, file: &Path) -> Bed {
    let (manifest, component) = built("hawser-csv");
    let manifest = manifest.replacen("name = \"csv\"", "name = \"vaulted\"", 1) + SECURED;
    let (vendor, operator) = (Vendor::new(), house.operator());
    vendor.be_trusted(&operator, "hawser").await.expect(201);
    vendor.sign(&manifest, &component).install(&operator).await.expect(201);
    let bed = Bed::bare(house, People::new(3, 1)).await;
    let mut body = bed.connection();
    body["connector"] = json!("hawser/vaulted");
    body["securedOptions"] = json!({
        "api-key": {"value": secrets.plant("a field, with the connection"), "from": format!("env:{VARIABLE}")},
        "headers": {"entries": {
            "one": secrets.plant("an entry, with the connection"), "kept": {"from": format!("file:{}", file.display())},
        }},
    });
    bed.create(&body).await;
    bed
}

#[tokio::test]
async fn no_secret_turns_up_anywhere() {
    let mut secrets = Canaries::new();
    let outside = tempfile::tempdir().unwrap();
    let file = outside.path().join("kept");
    let house = House::with(|config| {
        config.secrets.directories = vec![outside.path().to_owned()];
        config.secrets.environment_prefixes = vec!["HAWSER_SECRET_".to_owned()];
    });
    let house = house.await;
    let mut bed = connected(&house, &mut secrets, &file).await;
    let (data, tokens) = house.stop().await;
    let log = data.path().join("host.log");
    fs::write(&file, secrets.plant("a file")).unwrap();
    let variable = secrets.plant("a variable");
    let settings = format!(
        "[log]\nfilter = \"trace\"\n[secrets]\ndirectories = [{:?}]\nenvironment-prefixes = [\"HAWSER_SECRET_\"]\n",
        outside.path()
    );
    let host = Host::logging_within(&[(VARIABLE, &variable)], data.path(), &tokens, &settings, &log).await;
    (bed.operator, bed.core) = (host.operator(), host.core());
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);

    let mut answers = read_again(&bed, &file, &mut secrets).await;
    answers.extend(enter(&bed, &mut secrets).await);
    answers.extend(spend(&bed, &mut secrets).await);
    answers.extend(drive(&bed, &mut secrets).await);
    answers.extend(bed.operator.get("/v1/audit?limit=1000").await.into_text());
    assert!(answers.len() > 100, "{} endpoints answered", answers.len());
    drop(host);

    assert!(secrets.count() > 50, "{} secrets were planted", secrets.count());
    let search = secrets.search();
    for answer in &answers {
        assert!(search.leak(answer.as_bytes()).is_none(), "{:?} in {answer}", search.leak(answer.as_bytes()));
    }
    assert!(fs::metadata(&log).unwrap().len() > 100_000, "TRACE says a lot");
    assert_none(&search, data.path());
    assert_none(&search, bed.people.path());
}

fn assert_none(search: &Search, folder: &Path) {
    let leaks = search.folder(folder, &|_| false);
    assert!(leaks.is_empty(), "{leaks:#?}");
}

#[tokio::test]
async fn the_tokens_of_the_first_start_are_in_no_file_of_the_host() {
    let house = House::start().await;
    house.operator().get("/v1/tokens").await.expect(200);
    let (data, tokens) = house.stop().await;
    let mut secrets = Canaries::new();
    secrets.planted_elsewhere("the operator's", &tokens.operator);
    secrets.planted_elsewhere("the core's", &tokens.core);
    assert_none(&secrets.search(), data.path());
}

/// Changes and spoils what is kept outside, reads it again, and rotates the vault's key.
async fn read_again(bed: &Bed, file: &Path, secrets: &mut Canaries) -> Vec<String> {
    let mut answers = Vec::new();
    let long = secrets.plant("a file that is too long").repeat(1000);
    for text in [secrets.plant("a file, changed"), long, String::new()] {
        fs::write(file, text).unwrap();
        answers.extend(bed.operator.order(&bed.at("/secured-options/reread")).await.expect(200).into_text());
        answers.extend(bed.operator.get(&bed.at("/secured-options")).await.expect(200).into_text());
        answers.extend(bed.core.post(&bed.at("/check"), &json!({})).await.into_text());
    }
    answers.extend(bed.operator.order("/v1/secrets/rotate").await.expect(200).into_text());
    answers
}

/// Sets, replaces, clears and mistypes secured options.
async fn enter(bed: &Bed, secrets: &mut Canaries) -> Vec<String> {
    let at = |rest: &str| bed.at(&format!("/secured-options{rest}"));
    let mut answers = Vec::new();
    let mut put = async |path: String, body: Json, status: u16| {
        let keyed = bed.operator.request(Method::PUT, &path).header("idempotency-key", &path).json(&body);
        answers.extend(keyed.send().await.into_text());
        answers.extend(bed.operator.put(&path, &body).await.expect(status).into_text());
    };
    put(at("/api-key"), json!({"value": secrets.plant("a field, replaced")}), 204).await;
    put(at("/headers"), json!({"entries": {"two": secrets.plant("all entries")}}), 204).await;
    put(at("/headers/three"), json!({"value": secrets.plant("one entry")}), 204).await;
    for (path, body) in [
        ("/api-key", json!({"value": [secrets.plant("a field as a list")]})),
        ("/api-key", json!({"value": {"binary": secrets.plant("no base64")}})),
        ("/api-key", json!({"value": {"text": secrets.plant("another shape")}})),
        ("/api-key", json!({"entries": {"a": secrets.plant("entries of a field")}})),
        ("/headers", json!({"value": secrets.plant("a value of a map")})),
        ("/headers", json!({"entries": {"\u{1}": secrets.plant("under a bad key")}})),
        ("/headers", json!({"entries": [secrets.plant("entries as a list")]})),
        ("/headers/a", json!({"value": secrets.plant("beside a stranger"), "colour": "red"})),
        ("/nothing", json!({"value": secrets.plant("for an option that is none")})),
    ] {
        answers.extend(refused(bed.operator.put(&at(path), &body).await));
    }
    let cleared = bed.operator.delete(&at("/headers/two")).await.expect(204);
    answers.extend(cleared.into_text());
    answers.extend(bed.operator.get(&at("")).await.expect(200).into_text());
    let mut body = bed.connection();
    body["connector"] = json!("hawser/vaulted");
    body["securedOptions"] = json!({"api-key": {"value": secrets.plant("with a replacement")}});
    answers.extend(bed.operator.put(&bed.at(""), &body).await.expect(200).into_text());
    body["securedOptions"] = json!({"api-key": {"value": {"x": secrets.plant("with a bad replacement")}}});
    answers.extend(refused(bed.operator.put(&bed.at(""), &body).await));
    answers
}

/// Makes every call that takes a password, rightly and wrongly.
async fn spend(bed: &Bed, secrets: &mut Canaries) -> Vec<String> {
    let password = format!("{}/password", bed.account("u1"));
    let (first, second) = (secrets.plant("a reset"), secrets.plant("a change"));
    let mut answers = Vec::new();
    for (body, status) in [
        (json!({"new": first}), 204),
        (json!({"old": first, "new": second}), 204),
        (json!({"old": secrets.plant("a wrong old one"), "new": secrets.plant("beside a wrong one")}), 422),
        (json!({"new": [secrets.plant("a list")]}), 400),
        (json!({"new": secrets.plant("beside a stranger"), "colour": secrets.plant("as a stranger")}), 400),
    ] {
        answers.extend(bed.core.put(&password, &body).await.expect(status).into_text());
    }
    for (guess, status) in [(second, 200), (secrets.plant("a guess"), 422)] {
        let body = json!({"class": "account", "name": account_name(1), "password": guess});
        answers.extend(bed.core.post(&bed.at("/authenticate"), &body).await.expect(status).into_text());
    }
    let made = bed.operator.post("/v1/tokens", &json!({"name": "canary", "role": "core"})).await.expect(201).json();
    secrets.planted_elsewhere("a token", made["token"].as_str().unwrap());
    answers.extend(bed.operator.delete("/v1/tokens/canary").await.expect(204).into_text());
    answers
}

/// Drives every endpoint of the document: as it is, and with secrets in every place where one could be meant.
async fn drive(bed: &Bed, secrets: &mut Canaries) -> Vec<String> {
    let document = bed.core.get("/openapi.json").await.expect(200).json();
    let mut answers = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            if BY_NAME.contains(&(method, path)) {
                continue;
            }
            for caller in [&bed.core, &bed.operator] {
                answers.extend(ask(bed, caller, method, path, secrets).await);
            }
        }
    }
    answers
}

async fn ask(bed: &Bed, caller: &Client, method: &str, path: &str, secrets: &mut Canaries) -> Vec<String> {
    let target = bed.filled(path);
    let verb = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    if verb == Method::GET || verb == Method::DELETE {
        return caller.request(verb, &target).send().await.into_text();
    }
    let place = format!("{method} {path}");
    let mut plant = || secrets.plant(&place);
    let body = json!({
        "new": plant(), "old": [plant()], "password": {"a": plant()}, "value": [plant()], "entries": {"k": [plant()]},
        "securedOptions": {"api-key": [plant()]}, "attributes": {"password": [{"x": plant()}]},
        "changes": {"password": {"replace": [{"x": plant()}]}},
    });
    caller.request(verb, &target).json(&body).send().await.into_text()
}

fn refused(answer: Answer) -> Vec<String> {
    answer.refusal();
    answer.into_text()
}

/// Everything an answer says.
trait IntoText {
    fn into_text(self) -> Vec<String>;
}

impl IntoText for Answer {
    fn into_text(self) -> Vec<String> {
        vec![format!("{:?}\n{}", self.headers, self.text)]
    }
}
