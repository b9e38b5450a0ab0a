//! Placements: a secret of every kind, written into a request wherever one can be, fetched from a token endpoint or taken
//! out of an answer. Each is on the wire; none is in a guest's memory, an answer, the log at TRACE, the audit trail or a
//! file of the host, in whatever spelling. The guest is `tests/guests/postman`: "postman".

use std::fs;
use std::path::Path;

use hawser::cli::demo::server::ca::Ca;
use hawser_tests::bed::Bed;
use hawser_tests::canary::{Canaries, spellings};
use hawser_tests::child::Host;
use hawser_tests::house::House;
use hawser_tests::people::People;
use hawser_tests::sink::{ACCESS_TOKEN, BODY, COOKIE, SESSION, Sink};
use serde_json::{Value as Json, json};

/// Slots whose secret goes over the wire as it is.
const SENT: [&str; 7] = ["bearer", "basic", "header", "query", "form", "json", "client"];

/// The secrets, and where they are entered.
struct Entered {
    canaries: Canaries,
    /// Those a service must have got.
    sent: Vec<(String, String)>,
    secured: Json,
    /// Of a variable of the environment.
    variable: String,
}

/// A variable that a secret is kept in.
const VARIABLE: &str = "HAWSER_SECRET_HEADER";

/// Most are stored; one is kept in a file below `outside`, and one in a variable.
fn entered(ca: &Ca, outside: &Path) -> Entered {
    let mut canaries = Canaries::new();
    let mut sent = Vec::new();
    let mut secured = json!({});
    for slot in SENT {
        let secret = canaries.plant(slot);
        secured[slot] = json!({"value": secret});
        sent.push((slot.to_owned(), secret));
    }
    let file = outside.join("bearer");
    let kept = |slot: &str| sent.iter().find(|(of, _)| of == slot).unwrap().1.clone();
    fs::write(&file, kept("bearer")).unwrap();
    let variable = kept("header");
    secured["bearer"] = json!({"from": format!("file:{}", file.display())});
    secured["header"] = json!({"from": format!("env:{VARIABLE}")});
    for (slot, leaf) in [("key", ca.client("me").unwrap()), ("client-key", ca.client("host").unwrap())] {
        let key = leaf.key_pem().unwrap();
        canaries.planted_elsewhere(slot, key.lines().nth(1).unwrap());
        let certificate = if slot == "key" { String::new() } else { leaf.certificate_pem().unwrap() };
        secured[slot] = json!({"value": certificate + &key});
    }
    for (place, secret) in [("token", ACCESS_TOKEN), ("session", SESSION), ("cookie", COOKIE), ("body", BODY)] {
        canaries.planted_elsewhere(place, secret);
        sent.push((place.to_owned(), secret.to_owned()));
    }
    Entered { canaries, sent, secured, variable }
}

#[tokio::test]
async fn a_secret_is_on_the_wire_and_nowhere_else_for_every_placement_and_for_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let ca = Ca::create(&folder.path().join("ca")).unwrap();
    let service = Sink::mutual(&ca.server("service", &["127.0.0.1"]).unwrap(), &ca).await;
    let outside = tempfile::tempdir().unwrap();
    let Entered { mut canaries, mut sent, secured, variable } = entered(&ca, outside.path());
    let house = House::web_with(|config| {
        config.secrets.directories = vec![outside.path().to_owned()];
        config.secrets.environment_prefixes = vec!["HAWSER_SECRET_".to_owned()];
    });
    let house = house.await;
    let mut bed = Bed::bare(&house, People::new(0, 0)).await;
    bed.create(&json!({
        "id": bed.id, "system": bed.system, "connector": "hawser/postman", "version": "^0.1", "title": "Postman",
        "options": {"host": "127.0.0.1", "port": service.port()},
        "directories": {"data": {"path": bed.people.path(), "access": "read-write"}},
        "destinations": {"api": {"roots": ca.pem().unwrap()}},
        "securedOptions": secured,
    }))
    .await;
    bed.approve(&["network:api:loopback"]).await;
    let (data, tokens) = house.stop().await;
    let log = data.path().join("host.log");
    let settings = format!(
        "[log]\nfilter = \"trace\"\n[egress]\nloopback = true\n[secrets]\ndirectories = [{:?}]\n\
         environment-prefixes = [\"HAWSER_SECRET_\"]\n",
        outside.path()
    );
    let environment = [(VARIABLE, &*variable)];
    let host = Host::web_logging(&environment, data.path(), &tokens, &settings, &log).await;
    (bed.operator, bed.core) = (host.operator(), host.core());
    bed.operator.order(&bed.at("/schema/refresh")).await.expect(200);

    let mut said = Vec::new();
    let none_in_memory = |canaries: &Canaries| {
        let memory = fs::read(bed.people.path().join("memory.bin")).unwrap();
        assert!(memory.len() > 1 << 16, "{} bytes are no memory", memory.len());
        assert!(canaries.search().leak(&memory).is_none(), "{:?}", canaries.search().leak(&memory));
    };
    let checked = bed.core.post(&bed.at("/check"), &json!({})).await.expect(200);
    let findings = checked.json()["findings"].as_array().unwrap().clone();
    for finding in &findings {
        assert!(finding["text"].as_str().is_some_and(|text| text.ends_with(": 200")), "{findings:#?}");
    }
    none_in_memory(&canaries);
    said.push(checked);

    let new = canaries.plant("new-password");
    sent.push(("new-password".to_owned(), new.clone()));
    let set = bed.core.put(&bed.at("/objects/account/7/password"), &json!({"new": new})).await;
    assert!(set.text.contains("new-password: 200"), "{}", set.text);
    none_in_memory(&canaries);
    said.push(set);

    // What comes back does not reach the guest, and all that it may do from there on is return.
    let password = canaries.plant("password");
    sent.push(("password".to_owned(), password.clone()));
    let names = findings.iter().map(|finding| finding["text"].as_str().unwrap().split(':').next().unwrap());
    for name in names.chain(["password"]) {
        let body = json!({"class": "account", "name": name, "password": password});
        let answer = bed.core.post(&bed.at("/authenticate"), &body).await;
        answer.problem(403, "credential-denied");
        said.push(answer);
    }
    assert_eq!(said.len(), 15, "{findings:?}");

    said.push(bed.operator.get(&bed.at("/secured-options")).await.expect(200));
    said.push(bed.operator.order("/v1/secrets/reread").await.expect(200));
    said.push(bed.operator.get("/v1/audit?limit=1000").await.expect(200));
    drop(host);
    let search = canaries.search();
    for answer in &said {
        let text = format!("{:?} {}", answer.headers, answer.text);
        assert!(search.leak(text.as_bytes()).is_none(), "{:?} in {text}", search.leak(text.as_bytes()));
    }
    assert!(fs::metadata(&log).unwrap().len() > 10_000, "TRACE says a lot");
    let leaks = search.folder(data.path(), &|_| false);
    assert!(leaks.is_empty(), "{leaks:#?}");
    assert_sent(&service.seen().join("\n"), &sent);
}

/// The service got each of them, so that there was something to be found.
fn assert_sent(seen: &str, sent: &[(String, String)]) {
    for (slot, secret) in sent {
        let forms = spellings(secret);
        let is_there = |form: &[u8]| seen.as_bytes().windows(form.len()).any(|window| window == form);
        assert!(forms.iter().any(|(_, form)| is_there(form)), "{slot} was not sent: {seen}");
    }
    assert!(seen.contains("client_assertion="), "{seen}");
}
