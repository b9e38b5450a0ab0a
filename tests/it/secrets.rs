//! Canaries: passwords planted in every call that takes one, and looked for in everything the host writes or answers.

use std::fs;
use std::path::Path;

use hawser_tests::bed::Bed;
use hawser_tests::child::Host;
use hawser_tests::house::House;
use hawser_tests::people::{People, account_name};
use reqwest::Method;
use serde_json::json;

const NEW: &str = "canary-new-8Wq2";
const OLD: &str = "canary-old-5Tz7";
const WRONG: &str = "canary-wrong-3Lk9";

#[tokio::test]
async fn passwords_are_in_no_answer_log_database_or_audit_trail() {
    let house = House::start().await;
    let mut bed = Bed::bare(&house, People::new(2, 0)).await;
    bed.connect(&bed.connection()).await;
    let (data, tokens) = house.stop().await;
    let log = data.path().join("host.log");
    let host = Host::logging(data.path(), &tokens, "[log]\nfilter = \"trace\"\n", &log).await;
    (bed.operator, bed.core) = (host.operator(), host.core());

    let answers = spend(&bed).await;
    for secret in [NEW, OLD, WRONG] {
        assert!(!answers.contains(secret), "an answer holds {secret}");
    }
    let trail = bed.audit().await;
    assert!(format!("{trail:?}").contains("password"), "the calls are in the trail: {trail:?}");
    drop(host);
    assert!(fs::metadata(&log).unwrap().len() > 10_000, "TRACE says a lot");
    search(data.path());
    assert!(!bed.people.read("accounts.csv").contains("canary"));
}

/// Makes every call that takes a password, rightly and wrongly; all answers in one text.
async fn spend(bed: &Bed) -> String {
    let password = format!("{}/password", bed.account("u1"));
    let authenticate = |password: &str| json!({"class": "account", "name": account_name(1), "password": password});
    let keyed = |new: &str| {
        bed.core.request(Method::PUT, &password).header("idempotency-key", "canary").json(&json!({"new": new}))
    };
    let answers = [
        keyed(OLD).send().await.expect(204),
        keyed(NEW).send().await.expect(422),
        bed.core.put(&password, &json!({"old": OLD, "new": NEW})).await.expect(204),
        bed.core.put(&password, &json!({"old": WRONG, "new": NEW})).await.expect(422),
        bed.core.put(&password, &json!({"new": NEW, "colour": WRONG})).await.expect(400),
        bed.core.put(&password, &json!({"new": [WRONG]})).await.expect(400),
        bed.core.post(&bed.at("/authenticate"), &authenticate(NEW)).await.expect(200),
        bed.core.post(&bed.at("/authenticate"), &authenticate(WRONG)).await.expect(422),
        bed.core.get(&bed.account("u1")).await.expect(200),
        bed.operator.get("/v1/audit").await.expect(200),
    ];
    answers.iter().map(|answer| format!("{:?} {}\n", answer.headers, answer.text)).collect()
}

/// Looks through every file of the data directory.
fn search(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            search(&path);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for secret in [NEW, OLD, WRONG] {
            let found = bytes.windows(secret.len()).position(|window| window == secret.as_bytes());
            assert!(found.is_none(), "{} holds {secret} at byte {found:?}", path.display());
        }
    }
}

#[tokio::test]
async fn the_tokens_are_in_no_file_of_the_host() {
    let house = House::start().await;
    house.operator().get("/v1/tokens").await.expect(200);
    let (data, tokens) = house.stop().await;
    for entry in fs::read_dir(data.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        for token in [&tokens.operator, &tokens.core] {
            assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()));
        }
    }
}
